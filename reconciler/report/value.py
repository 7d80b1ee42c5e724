"""Setting values as people read them: strings bare where that is unambiguous, secrets as their references."""

import json
import re
from collections.abc import Callable

from reconciler.model.change import FieldChange
from reconciler.model.secret import SecretRef
from reconciler.model.step import Ref
from reconciler.model.units import format_bytes, format_seconds
from reconciler.model.value import Json
from reconciler.report.clean import cells, clean, head, middle
from reconciler.report.style import Style

__all__ = ["body_text", "field_value", "pair", "shown"]

NOT_SET = "not set"

_READ_OTHERWISE = re.compile(r'true|false|null|[-+]?[0-9][0-9_]*(\.[0-9]*)?|<.*|.*[ "].*|', re.DOTALL)
"""Strings that would be taken for something else if they stood bare."""

_INNER = re.compile(r".*[,:\[\]{}].*", re.DOTALL)
"""Strings that need quotes inside a list or a mapping."""

_UNITS: dict[str, Callable[[int], str]] = {
    "schedule.every": format_seconds,
    "verify.within": format_seconds,
    "guards.maxRecopy": format_bytes,
}


def shown(value: Json, style: Style) -> str:
    """Write a value on one line, clean. A string with escapes in it stands in quotes, its backslashes doubled."""
    return clean(_written(value, style, inner=False), ascii_only=not style.unicode)


def field_value(change: FieldChange, side: Json, style: Style) -> str:
    """Write one side of a change; seconds and bytes with their units."""
    unit = _UNITS.get(change.dotted)
    return unit(side) if unit and isinstance(side, int) and not isinstance(side, bool) else shown(side, style)


def pair(before: str, after: str, width: int, ellipsis: str) -> tuple[str, str]:
    """Shorten two clean texts to `width` cells together, so that what differs is still to be seen."""
    if cells(before) + cells(after) <= width:
        return before, after
    half = width // 2
    spare = max(half - cells(before), half - cells(after), 0)
    room_before = min(cells(before), half)
    room_after = min(cells(after), half)
    room_before += spare if cells(before) > half else 0
    room_after += spare if cells(after) > half else 0
    short = middle(before, room_before, ellipsis), middle(after, room_after, ellipsis)
    if short[0] != short[1]:
        return short
    start = max(_common(before, after) - 4, 0)
    return _window(before, start, room_before, ellipsis), _window(after, start, room_after, ellipsis)


def body_text(body: Json) -> str:
    """Write a call's body over several lines, indented by two; secrets and references as `<...>`. Not clean yet."""
    plain = _plain(body)
    return plain if isinstance(plain, str) else json.dumps(plain, indent=2, ensure_ascii=False)


def _written(value: Json, style: Style, *, inner: bool) -> str:
    if (mark := _mark(value)) is not None:
        return mark
    if value is None:
        return NOT_SET
    if isinstance(value, str):
        return _string(value, style, inner=inner)
    if isinstance(value, list):
        return f"[{', '.join(_written(part, style, inner=True) for part in value)}]"
    if isinstance(value, dict):
        pairs = (
            f"{_string(key, style, inner=True)}: {_written(part, style, inner=True)}" for key, part in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value)


def _string(text: str, style: Style, *, inner: bool) -> str:
    safe = clean(text, ascii_only=not style.unicode) == text
    if safe and not _READ_OTHERWISE.fullmatch(text) and not (inner and _INNER.fullmatch(text)):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mark(value: Json) -> str | None:
    """Write a secret's or an earlier step's reference as such; None for anything else."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    try:
        secret, ref = SecretRef.unmarked(value), Ref.unmarked(value)
    except ValueError:
        return "<secret>" if "$secret" in value else None
    if secret is not None:
        return f"<secret {secret}>"
    return f"<{ref.field} from {ref.step}>" if ref is not None else None


def _plain(value: Json) -> Json:
    if (mark := _mark(value)) is not None:
        return mark
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _common(one: str, other: str) -> int:
    length = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    return min(len(one), len(other)) if length is None else length


def _window(text: str, start: int, width: int, ellipsis: str) -> str:
    """Show a text from `start` on, with an ellipsis where something is left out."""
    lead = ellipsis if start else ""
    rest = text[start:]
    if cells(lead) + cells(rest) <= width:
        return lead + rest
    return lead + head(rest, max(width - len(lead) - len(ellipsis), 1)) + ellipsis
