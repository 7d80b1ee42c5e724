"""Durations and sizes: how people write them, how they are kept, how they are shown."""

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

__all__ = ["Bytes", "Seconds", "format_bytes", "format_seconds", "parse_bytes", "parse_seconds"]

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtpe]?)(i?)(b?)", re.IGNORECASE)


def parse_seconds(text: Any) -> int:
    """Read `90s`, `15m`, `1h30m`, `2d` as whole seconds. Raises ValueError for anything else, also a bare number."""
    if not isinstance(text, str) or not text or (match := _DURATION.fullmatch(text)) is None:
        raise ValueError("a duration is written as days, hours, minutes and seconds: 90s, 15m, 1h30m, 2d")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return days * 86_400 + hours * 3_600 + minutes * 60 + seconds


def format_seconds(seconds: float) -> str:
    """Write seconds as people do: `0.42 s`, `15m`, `1h30m`. Whole seconds from one minute on."""
    if seconds < 60:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    rest, parts = round(seconds), []
    for unit, size in _SECONDS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def parse_bytes(text: Any) -> int:
    """Read `512`, `10MiB`, `1.5 GB` as bytes. Powers of 1024 with an `i`, of 1000 without. Raises ValueError."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    if not isinstance(text, str) or (match := _SIZE.fullmatch(text.strip())) is None:
        raise ValueError("a size is a number with a unit: 512, 10MiB, 1.5GB, 10TiB")
    number, unit, binary, _ = match.groups()
    base = 1024 if binary else 1000
    size = float(number) * float(base ** _POWERS[unit.lower()])
    if not math.isfinite(size):
        raise ValueError("a size must be a number that a computer can hold")
    return round(size)


def format_bytes(count: int) -> str:
    """Write bytes in the largest binary unit that keeps the number at 1 or more: `42.7 TiB`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024 or unit == "PiB":
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError


def _seconds(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else parse_seconds(value)


Seconds = Annotated[
    int,
    BeforeValidator(_seconds),
    Field(ge=0),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["15m", "1h30m"]},
        mode="validation",
    ),
]
"""Whole seconds; written `15m` in a manifest."""

Bytes = Annotated[
    int,
    BeforeValidator(parse_bytes),
    Field(ge=0),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["10TiB", 1048576]}, mode="validation"),
]
"""Bytes; written `10TiB` in a manifest."""
