"""What an untagged plain scalar means, after the core schema of YAML 1.2.

`yes`, `no`, `on` and dates are text; `010` is ten. Numbers that no finite float or int can hold stay text.
"""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["SUSPECT", "Scalar", "plain"]

Scalar = str | int | float | bool | None

SUSPECT = frozenset("-+.0123456789tTfFnN~") | {""}
"""First characters (or the empty text) of everything that is not simply text: the fast way past `plain`."""

_WORDS: Mapping[str, Scalar] = MappingProxyType(
    {
        **dict.fromkeys(("", "~", "null", "Null", "NULL")),
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("false", "False", "FALSE"), False),
    }
)
_NUMBER = re.compile(
    r"(?P<dec>[-+]?[0-9]+)|0o(?P<oct>[0-7]+)|0x(?P<hex>[0-9a-fA-F]+)"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)
_BASES = {"dec": 10, "oct": 8, "hex": 16}
_MAX_DIGITS = 400


def plain(text: str) -> Scalar:
    """Return the value of a plain scalar: None, bool, int, float, or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MAX_DIGITS or (match := _NUMBER.fullmatch(text)) is None:
        return text
    if match.lastgroup is not None:
        return int(match[match.lastgroup], _BASES[match.lastgroup])
    number = float(text)
    return number if math.isfinite(number) else text
