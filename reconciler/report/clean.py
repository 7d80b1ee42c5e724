"""Foreign text made safe to show: nothing that moves a cursor, hides, or turns the line round gets out."""

import re
import unicodedata

__all__ = ["cells", "clean", "head", "isolated", "middle", "prose", "tail"]

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_MARKS = ("Mn", "Me")
_MOST_MARKS = 3
"""No script in use stacks more on one letter."""

_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that Unicode calls printable and that show nothing."""

_RUNS = re.compile(r"[ \t\r\n\f\v]+")
_LEFT_TO_RIGHT = "\u200e"
_RIGHT_TO_LEFT = ("R", "AL", "AN")


def clean(text: str, *, ascii_only: bool = False) -> str:
    """Write control, format, invisible and unassigned characters as escapes: `\\x1b`, `\\u202e`.

    Combining marks are kept where the text is in composed form (NFC) and escaped otherwise: two keys that differ
    only in their composition must not look the same. Idempotent.
    """
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.is_normalized("NFC", text)
    out: list[str] = []
    marks = 0
    for char in text:
        is_mark = unicodedata.category(char) in _MARKS
        marks = marks + 1 if is_mark else 0
        misplaced = is_mark and (not composed or not out or out[-1] == " " or marks > _MOST_MARKS)
        plain = char.isprintable() and not misplaced and not _BLANK.match(char) and (char.isascii() or not ascii_only)
        out.append(char if plain else _escaped(char))
    return "".join(out)


def prose(text: str) -> str:
    """Put a text of several lines on one, blanks collapsed."""
    return _RUNS.sub(" ", text).strip()


def cells(text: str) -> int:
    """Count the terminal cells of a clean text: two for wide characters, none for combining marks."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def head(text: str, width: int) -> str:
    """Return the longest beginning of a clean text that fits `width` cells."""
    used = 0
    for position, char in enumerate(text):
        used += _cell(char)
        if used > width:
            return text[:position]
    return text


def tail(text: str, width: int) -> str:
    """Return the longest end of a clean text that fits `width` cells and begins with no combining mark."""
    used, start = 0, len(text)
    for position in range(len(text) - 1, -1, -1):
        used += _cell(text[position])
        if used > width:
            break
        if unicodedata.category(text[position]) not in _MARKS:
            start = position
    return text[start:]


def middle(text: str, width: int, ellipsis: str) -> str:
    """Shorten a clean text to `width` cells by leaving out its middle."""
    if cells(text) <= width:
        return text
    room = width - len(ellipsis)
    if room < 2:
        return head(text, width)
    return head(text, room - room // 2) + ellipsis + tail(text, room // 2)


def isolated(text: str) -> str:
    """Keep a text with right-to-left letters from turning round what stands beside it."""
    if text.isascii() or not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return text
    return f"{_LEFT_TO_RIGHT}{text}{_LEFT_TO_RIGHT}"


def _cell(char: str) -> int:
    if unicodedata.category(char) in _MARKS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _escaped(char: str) -> str:
    code = ord(char)
    if char in _NAMED:
        return _NAMED[char]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
