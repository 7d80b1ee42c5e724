"""The way through ruamel: for new documents, and for changes of shape that single lines do not allow."""

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, ScalarString

from reconciler.manifest.scalars import plain
from reconciler.manifest.splice import OLD_TRUTHS, Layout
from reconciler.model.finding import FieldPath

__all__ = ["dumped", "rewritten", "set_value"]


def dumped(document: Mapping[str, Any]) -> str:
    """Write plain data as one document in block style, keys in their order."""
    out = io.StringIO()
    _writer().dump(_ready(document), out)
    return out.getvalue()


def rewritten(text: str, path: FieldPath, value: Any, layout: Layout) -> str:
    """Return the text of one document with a value set, or removed if it is None; comments, order and quotes stay."""
    part = text.replace("\r\n", "\n")
    writer = _writer()
    writer.explicit_start = part.startswith("---")
    writer.indent(mapping=layout.mapping, sequence=layout.dash + 2, offset=layout.dash)
    data = writer.load(part)
    set_value(data, path, value)
    out = io.StringIO()
    writer.dump(data, out)
    new = out.getvalue() if part.endswith("\n") else out.getvalue().removesuffix("\n")
    return new.replace("\n", "\r\n") if "\r\n" in text else new


def set_value(data: Any, path: FieldPath, value: Any) -> None:
    """Set one value in plain or in ruamel's data; mappings on the way are made, None removes."""
    for part in path[:-1]:
        if isinstance(data, dict) and not isinstance(data.get(part), dict | list):
            if value is None:
                return
            data[part] = {}
        data = data[part]
    last: Any = path[-1]
    if value is None:
        if isinstance(data, list) or last in data:
            del data[last]
        return
    old = data[last] if isinstance(data, list) or last in data else None
    if isinstance(old, ScalarString) and isinstance(value, str):
        data[last] = type(old)(value)
    else:
        data[last] = _ready(value) if isinstance(data, CommentedMap) else value


def _writer() -> YAML:
    writer = YAML(typ="rt", pure=True)
    writer.preserve_quotes = True
    writer.width = 4096
    writer.allow_unicode = True
    writer.indent(mapping=2, sequence=4, offset=2)
    return writer


def _ready(value: Any) -> Any:
    """Copy plain data so that ruamel writes it well: no anchors for repeats, quotes where other readers need them."""
    if isinstance(value, Mapping):
        return CommentedMap((_ready(key), _ready(inner)) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return [_ready(inner) for inner in value]
    if isinstance(value, str):
        risky = not isinstance(plain(value), str) or not value.isprintable() or value.casefold() in OLD_TRUTHS
        return DoubleQuotedScalarString(value) if risky or value.startswith((":", "?")) else value
    return value
