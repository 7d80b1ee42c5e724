"""How names and values of the user's are shown in messages: quoted, short, and without control characters."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["closest", "did_you_mean", "dotted", "listed", "printable", "show"]

# C0 and C1 controls, line and paragraph separators, bidirectional overrides, lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_LONGEST = 60


def printable(text: str) -> str:
    """Replace each character that could disturb a terminal or a JSON writer by one U+FFFD. Lengths stay equal."""
    return _UNSAFE.sub("\ufffd", text)


def show(value: Any) -> str:
    """Write a value for a message: 'text', 3, true, nothing, a list, a mapping."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            text = value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
            return "'" + printable(text) + "'"
        case int() | float():
            text = repr(value)
            return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
        case dict():
            return "a mapping"
        case _:
            return "a list"


def listed(names: Iterable[str], word: str = "or") -> str:
    """Write names as people do: `a`, `a or b`, `a, b or c`."""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was probably meant to be, upper and lower case apart."""
    names = {known_name.casefold(): known_name for known_name in sorted(known, reverse=True)}
    typed = name[:_LONGEST].casefold()
    begun = [one for one in names if len(typed) > 2 and one.startswith(typed)]
    swapped = [one for one in names if sorted(one) == sorted(typed)]
    found = begun if len(begun) == 1 else swapped or difflib.get_close_matches(typed, names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


def did_you_mean(name: str, known: Sequence[str], otherwise: str | None = None) -> str | None:
    """Return the hint for a name that is not known; `otherwise` if nothing comes near it."""
    best = closest(name, known)
    if best is not None:
        return f"did you mean {best}?"
    return otherwise if otherwise is not None or not known else f"known here: {listed(known, 'and')}"


def dotted(path: Sequence[str | int]) -> str:
    """Write a path: `spec.allow[0].effect`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{printable(part[:_LONGEST])}" for part in path)
    return text.removeprefix(".")
