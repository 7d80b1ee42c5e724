"""Writes manifests: new documents, and single values in documents that people have written.

An edit keeps comments, order, quotes and layout. It changes the text of one value where it can, and only where the
shape of a document has to change goes through ruamel's round trip; what comes out is read again and compared.
"""

import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from reconciler.errors import ManifestError
from reconciler.manifest import files
from reconciler.manifest.braces import put_in, taken_out
from reconciler.manifest.documents import RawDocument, may_be_template
from reconciler.manifest.roundtrip import dumped, rewritten, set_value
from reconciler.manifest.sources import Sources
from reconciler.manifest.splice import inserted, layout_of, on_one_line, removed, replaced
from reconciler.manifest.syntax import parse
from reconciler.manifest.wording import dotted
from reconciler.model.finding import FieldPath
from reconciler.model.value import Json, canonical_json

__all__ = ["MODELINE", "add_document", "dump_documents", "templates_among", "update_text", "update_values"]

MODELINE = "# yaml-language-server: $schema=schemas/manifest.v1.json"
"""The first line by which an editor finds the schema; the path is relative to the file."""

_BOM = "\ufeff"
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)


def dump_documents(documents: Iterable[Mapping[str, Json]], header: str = MODELINE) -> str:
    """Write documents in block style, in the order of their keys, `---` between them, after a header line."""
    return (f"{header}\n" if header else "") + "---\n".join(dumped(document) for document in documents)


def add_document(path: Path, document: Mapping[str, Json]) -> None:
    """Append one document to a file, which is made if it is not there. Raises ManifestError if it cannot be read."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, dump_documents([document]))
        return
    text = _read(path)
    _parsed(text, files.display(path))
    added = dump_documents([document], "")
    if "\r\n" in text:
        added = added.replace("\n", "\r\n")
    break_ = "\r\n" if "\r\n" in text else "\n"
    joint = "" if not text.strip() else f"---{break_}"
    before = "" if not text or text.endswith("\n") else break_
    _write(path, f"{text}{before}{joint}{added}")


def update_values(path: Path, kind: str, name: str, values: Mapping[FieldPath, Any]) -> bool:
    """Change values of one document in a file, which is replaced at once; say whether anything changed.

    Args:
        path: the file.
        kind: of the document.
        name: of the document.
        values: by path from the document's root, as in YAML: ("spec", "s3", "priority"). None leaves the key out.

    Raises:
        ManifestError: the file cannot be read, holds no such document, or shares the value through an anchor.
    """
    before = _read(path)
    after = update_text(before, kind, name, values, shown_as=files.display(path))
    if after != before:
        _write(path, after)
    return after != before


def templates_among(path: Path, kind: str, name: str, paths: Iterable[FieldPath]) -> tuple[FieldPath, ...]:
    """Return which values of a document are written as templates. Raises ManifestError as an edit does."""
    _, documents = _parsed(_read(path), files.display(path))
    data = next((one.data for one in documents if (one.kind, one.name) == (kind, name)), None)
    return tuple(each for each in paths if may_be_template(_value_at(data, each)))


def update_text(text: str, kind: str, name: str, values: Mapping[FieldPath, Any], *, shown_as: str = "text") -> str:
    """Return a file's text with values of one document changed; see `update_values`."""
    bom = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    for path, value in values.items():
        sources, documents = _parsed(text, shown_as)
        index = next((i for i, one in enumerate(documents) if (one.kind, one.name) == (kind, name)), None)
        if index is None:
            raise ManifestError(f"{shown_as} holds no {kind} {name}")
        text = _Edit(text, sources, documents, index, path, value).result()
    return bom + text


@dataclass(frozen=True, slots=True)
class _Edit:
    """One value to change in one of a file's documents."""

    text: str
    sources: Sources
    documents: list[RawDocument]
    index: int
    path: FieldPath
    value: Any

    def result(self) -> str:
        """Return the file's text after it, by the way that changes least of it."""
        # Through JSON, so that what aliases share is not changed in two places.
        wanted = [json.loads(json.dumps(one.data)) for one in self.documents]
        set_value(wanted[self.index], self.path, self.value)
        sums = [canonical_json(data) for data in wanted]
        document = self.documents[self.index]
        if canonical_json(document.data) == sums[self.index]:
            return self.text
        for new in self._ways(wanted[self.index]):
            if new is not None and _sums(new) == sums:
                return new
        what = f"{dotted(self.path)} cannot be changed without changing something else"
        raise ManifestError(
            what, hint="edit it by hand: it comes from an anchor or a merge key, or a comment would be lost"
        )

    def _ways(self, wanted: Any) -> Iterator[str | None]:
        """Yield candidates, the one that changes least first: the value, its key, the braces around it, all of it.

        No comment is lost but those of the value itself.
        """
        where = (self.sources, self.documents[self.index])
        without = [removed(*where, self.path), taken_out(*where, self.path)]
        yield replaced(*where, self.path, _value_at(wanted, self.path))
        if self.value is None:
            yield from without
        else:
            yield inserted(*where, self.path, self.value)
            yield put_in(*where, self.path, self.value)
        kept = _comments(next((text for text in without if text is not None), self.text))
        around = (self.path[:depth] for depth in range(len(self.path) - 1, 0, -1))
        for new in (*(replaced(*where, path, _value_at(wanted, path)) for path in around), self._round_trip()):
            yield new if new is not None and not kept - _comments(new) else None
        yield on_one_line(*where, self.path, self.value)

    def _round_trip(self) -> str | None:
        """Write the one document anew; the others, and what stands before its first key, stay."""
        source = self.sources.all[0]
        _, start, _ = source.line_at(self.documents[self.index].root.value_at - source.base)
        end = len(self.text)
        if self.index + 1 < len(self.documents):
            following = self.documents[self.index + 1].root.value_at - source.base
            end = max(self.text.rfind("\n---", 0, following) + 1, start)
        layout = layout_of(source, self.documents[self.index].root)
        try:
            return self.text[:start] + rewritten(self.text[start:end], self.path, self.value, layout) + self.text[end:]
        except (KeyError, YAMLError):
            return None


def _value_at(data: Any, path: FieldPath) -> Any:
    for part in path:
        if isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            data = data.get(part) if isinstance(data, dict) else None
    return data


def _comments(text: str) -> Counter[str]:
    """Count the comments of a text. What looks like one within a value counts as one."""
    return Counter(_COMMENT.findall(text))


def _sums(text: str) -> list[str] | None:
    sources = Sources()
    found = [canonical_json(one.data) for one in parse(sources.add("", text), sources)]
    return None if sources.mistakes else found


def _parsed(text: str, shown_as: str) -> tuple[Sources, list[RawDocument]]:
    sources = Sources()
    documents = list(parse(sources.add(shown_as, text.removeprefix(_BOM), text.encode()), sources))
    if sources.mistakes:
        raise ManifestError(f"{shown_as} has errors; it was not changed", findings=sources.findings())
    return sources, documents


def _read(path: Path) -> str:
    """Return a file's text with its line ends and byte order mark. Raises ManifestError with the finding."""
    sources = Sources()
    source = files.read(path, sources)
    if source is None or sources.mistakes:
        raise ManifestError(f"{files.display(path)} cannot be edited", findings=sources.findings())
    return path.read_bytes().decode()


def _write(path: Path, text: str) -> None:
    """Replace a file at once, keeping its mode; a link stays a link."""
    target = Path(os.path.realpath(path))
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
