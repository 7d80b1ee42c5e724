"""Small changes to the text of a document: one value, one line, and every other character as it was."""

import json
import re
from typing import NamedTuple

from reconciler.manifest.documents import RawDocument, Spot
from reconciler.manifest.scalars import Scalar, plain
from reconciler.manifest.sources import Source, Sources
from reconciler.model.finding import FieldPath
from reconciler.model.value import Json

__all__ = ["OLD_TRUTHS", "Layout", "flow", "inserted", "layout_of", "on_one_line", "removed", "replaced"]

_PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_./@+-]*|[0-9]+[A-Za-z]+")
OLD_TRUTHS = frozenset(("y", "yes", "n", "no", "on", "off"))
"""Words, folded, that readers of YAML 1.1 take for true and false: written in quotes for their sake."""
_NO_RAW = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Layout(NamedTuple):
    """How deep a document indents."""

    mapping: int
    """Columns from a key to the keys below it."""
    dash: int
    """Columns from a key to the dashes of its list."""


def replaced(sources: Sources, document: RawDocument, path: FieldPath, value: Json) -> str | None:
    """Return the file's text with one value written anew in its old style; None where that cannot be done so.

    A mapping or list is written in braces or brackets, and takes the place of a scalar or of its like on one line.
    """
    source, trace = sources.source_of(document.root.value_at), document.trace(path)
    end = sources.end_of(trace.spot.value_at)
    if trace.missed or end is None:
        return None
    start, stop = trace.spot.value_at - source.base, end - source.base
    old = source.text[start:stop]
    if trace.spot.inside is not None:
        if not isinstance(value, dict | list) or old[:1] not in ("{", "[") or "\n" in old:
            return None
        quoted = source.text[trace.spot.key_at - source.base] == '"'
        return source.text[:start] + flow(value, quoted=quoted) + source.text[stop:]
    if value is None or not old or old[0] in "&*!":
        return None
    new = flow(value) if isinstance(value, dict | list) else _written(value, old[0])
    # The text of a block scalar includes its last line end.
    break_ = old[len(old.rstrip("\r\n")) :][:2] if old[0] in "|>" else ""
    return source.text[:start] + new + break_ + source.text[stop:]


def removed(sources: Sources, document: RawDocument, path: FieldPath) -> str | None:
    """Return the file's text without the lines of one key of a block mapping, or of one item of a block list."""
    source, trace = sources.source_of(document.root.value_at), document.trace(path)
    if trace.missed:
        return None
    number, start, line = source.line_at(trace.spot.key_at - source.base)
    before = line[: trace.spot.key_at - source.base - start]
    if before.strip() not in ("", "-"):
        return None
    column = before.find("-") if before.strip() else len(before)
    text = source.text[:start] + source.text[_end_of_block(source, number, column, dashes=not before.strip()) :]
    above = document.trace(path[:-1]).spot
    colon = sources.end_of(above.key_at)
    if len(above.inside or {}) == 1 and colon is not None:
        # Nothing is left under the key above: empty, not a null.
        empty = " []" if isinstance(path[-1], int) else " {}"
        text = text[: colon - source.base + 1] + empty + text[colon - source.base + 1 :]
    return text


def on_one_line(sources: Sources, document: RawDocument, path: FieldPath, value: Json) -> str | None:
    """Return the file's text with the block mapping or list of a key written anew behind the key, on its line."""
    source, trace = sources.source_of(document.root.value_at), document.trace(path)
    colon = sources.end_of(trace.spot.key_at)
    if trace.missed or trace.spot.inside is None or colon is None or sources.end_of(trace.spot.value_at) is not None:
        return None
    number, start, line = source.line_at(trace.spot.key_at - source.base)
    column, at = trace.spot.key_at - source.base - start, colon - source.base
    end = _end_of_block(source, number, column, dashes=not line[:column].strip())
    break_ = "\r\n" if "\r\n" in source.text else "\n"
    return f"{source.text[:at]}: {flow(value)}{break_}{source.text[end:]}"


def inserted(sources: Sources, document: RawDocument, path: FieldPath, value: Json) -> str | None:
    """Return the file's text with one more key, a line of its own below the last key of its block mapping."""
    source, trace = sources.source_of(document.root.value_at), document.trace(path)
    if not trace.missed or not trace.spot.inside:
        return None
    first, *inner = trace.missed
    for part in reversed(inner):
        value = {str(part): value}
    last = max(trace.spot.inside.values(), key=_key_place)
    number, start, line = source.line_at(last.key_at - source.base)
    column = last.key_at - source.base - start
    if line[:column].strip():
        return None
    end = _end_of_block(source, number, column)
    break_ = "\r\n" if "\r\n" in source.text else "\n"
    before = "" if source.text[:end].endswith("\n") else break_
    written = f"{line[:column]}{_written(str(first), '')}: {flow(value)}{break_}"
    return source.text[:end] + before + written + source.text[end:]


def layout_of(source: Source, spot: Spot) -> Layout:
    """Return how a document is indented: as its first nested mapping and its first list are, else as by default."""
    mapping = dash = None
    waiting = [spot]
    while waiting:
        outer = waiting.pop(0)
        for key, inner in (outer.inside or {}).items():
            waiting.append(inner)
            _, start, line = source.line_at(inner.key_at - source.base)
            column = inner.key_at - source.base - start
            before = line[:column]
            if isinstance(key, int) and before.strip() == "-" and dash is None:
                dash = before.index("-") - _column(source, outer)
            elif isinstance(key, str) and not before.strip() and outer is not spot and mapping is None:
                mapping = column - _column(source, outer)
    return Layout(mapping or 2, 2 if dash is None else dash)


def _column(source: Source, spot: Spot) -> int:
    _, start, _ = source.line_at(spot.key_at - source.base)
    return spot.key_at - source.base - start


def _key_place(spot: Spot) -> int:
    return spot.key_at


def _end_of_block(source: Source, number: int, column: int, *, dashes: bool = True) -> int:
    """Return the offset after the last line of the value whose key stands in line `number` at `column`.

    Blank lines and comments after the value are not part of it; a list below a key may stand as far left as the key.
    """
    ends = [*source.lines[1:], len(source.text)]
    end = ends[number - 1]
    for index in range(number, len(source.lines)):
        line = source.text[source.lines[index] : ends[index]]
        text = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        item = dashes and indent == column and (text == "-" or text.startswith("- "))
        if text and not text.startswith("#"):
            if indent <= column and not item:
                break
            end = ends[index]
    return end


def flow(value: Json, *, quoted: bool = False) -> str:
    """Write a value on one line; with `quoted` all texts in double quotes, as JSON wants them."""
    like = '"' if quoted else ""
    if isinstance(value, dict):
        pairs = (f"{_written(key, like)}: {flow(inner, quoted=quoted)}" for key, inner in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(inner, quoted=quoted) for inner in value) + "]"
    return _written(value, like)


def _written(value: Scalar, like: str) -> str:
    """Write a scalar in the style of the old one: `'`, `"`, or plain where that is safe."""
    if not isinstance(value, str):
        return json.dumps(value)
    if like == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    safe = _PLAIN.fullmatch(value) is not None and value.casefold() not in OLD_TRUTHS and isinstance(plain(value), str)
    if like != '"' and safe:
        return value
    # JSON's escapes are YAML's, but for what JSON leaves raw and YAML does not allow so.
    text = json.dumps(value, ensure_ascii=False)
    return _NO_RAW.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
