"""The files of one load, what is wrong in them, and how a place becomes a line and a column.

A place is one int for all files: characters before it in its file, plus the file's base.
That keeps positions as small as they can be; lines are counted only when a place is shown.
"""

import hashlib
import re
from bisect import bisect_right
from functools import cached_property

from reconciler.manifest.codes import SUMMARIES, Code, Mistake
from reconciler.manifest.events import value_ends
from reconciler.manifest.masks import MASK, Masks
from reconciler.manifest.wording import printable
from reconciler.model.finding import Finding, Severity, SourceRange
from reconciler.model.plan import SourceFile

__all__ = ["Source", "Sources"]

_LINE_END = re.compile(r"\r\n|\r|\n")
_LONGEST_LINE = 400
_MOST_FINDINGS = 1000


class Source:
    """One file's text and the place of its first character."""

    def __init__(self, path: str, text: str, base: int, sha256: str | None) -> None:
        self.path = path
        """As shown to the user."""
        self.text = text
        """Decoded, without byte order mark."""
        self.base = base
        self.sha256 = sha256
        """Over the bytes of the file; None if it was not read."""

    @cached_property
    def lines(self) -> list[int]:
        """Offset of the first character of every line."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    @cached_property
    def ends(self) -> dict[int, int]:
        """Offset of the end of each scalar, alias, { } and [ ], by the offset of its start."""
        return value_ends(self.text)

    def line_at(self, offset: int) -> tuple[int, int, str]:
        """Return (line number from 1, offset of the line, the line without its end, at most what may be shown)."""
        number = bisect_right(self.lines, offset)
        start = self.lines[number - 1]
        end = self.lines[number] if number < len(self.lines) else len(self.text)
        return number, start, self.text[start : min(end, start + _LONGEST_LINE)].rstrip("\r\n")


class Sources:
    """All files of one load, in the order in which they were read."""

    def __init__(self) -> None:
        self.all: list[Source] = []
        self.mistakes: list[Mistake] = []
        """What is wrong, in the order found."""
        self.masks = Masks()
        self._bases: list[int] = []
        self._next = 0

    def add(self, path: str, text: str = "", data: bytes | None = None) -> Source:
        """Take in a file; without `data` it is one that could not be read."""
        source = Source(path, text, self._next, None if data is None else hashlib.sha256(data).hexdigest())
        self.all.append(source)
        self._bases.append(source.base)
        self._next += len(text) + 1
        return source

    def files(self) -> tuple[SourceFile, ...]:
        """Return what was read, in order."""
        return tuple(SourceFile(path=s.path, sha256=s.sha256) for s in self.all if s.sha256 is not None)

    def source_of(self, at: int) -> Source:
        """Return the file that a place is in."""
        return self.all[bisect_right(self._bases, at) - 1]

    def end_of(self, at: int) -> int | None:
        """Return the place where the value that starts at `at` ends, or None if it stands in block style."""
        source = self.source_of(at)
        end = source.ends.get(at - source.base)
        return None if end is None else end + source.base

    def place(self, at: int) -> str:
        """Write `file:line:col`, for messages that mention a second place."""
        source = self.source_of(at)
        number, start, _ = source.line_at(at - source.base)
        return f"{source.path}:{number}:{at - source.base - start + 1}"

    def range(self, at: int) -> SourceRange:
        """Return the line and column of a place, with the source line unless that would show a secret."""
        source = self.source_of(at)
        offset = at - source.base
        number, start, line = source.line_at(offset)
        column = offset - start
        shown = self.masks.cut(line, start + source.base)
        end = source.ends.get(offset)
        last = end - start + 1 if end is not None and column < end - start <= shown else None
        return SourceRange(
            file=source.path,
            line=number,
            column=column + 1,
            end_column=last,
            snippet=_snippet(line, column, shown) if source.sha256 is not None else None,
        )

    def findings(self) -> tuple[Finding, ...]:
        """Turn mistakes into findings, sorted, each place and message once, and no endless list for any file."""
        unique = {(m.code, m.at, m.detail): m for m in reversed(self.mistakes)}
        by_source: dict[Source | None, list[Mistake]] = {}
        for mistake in sorted(unique.values(), key=lambda m: (m.at is not None, m.at or 0)):
            by_source.setdefault(None if mistake.at is None else self.source_of(mistake.at), []).append(mistake)
        kept = [mistake for mistakes_there in by_source.values() for mistake in _at_most(mistakes_there)]
        return tuple(sorted((self._finding(mistake) for mistake in kept), key=lambda f: f.sort_key))

    def _finding(self, mistake: Mistake) -> Finding:
        hint, name = mistake.hint, None if mistake.name is None else printable(mistake.name)
        return Finding(
            code=mistake.code.value,
            severity=Severity.ERROR,
            summary=SUMMARIES[mistake.code],
            detail=self.masks.clean(mistake.detail),
            hint=None if hint is None else self.masks.clean(hint),
            replication=name if mistake.kind == "Replication" else None,
            provider=name if mistake.kind == "Provider" else None,
            path=tuple(printable(part) if isinstance(part, str) else part for part in mistake.path),
            where=None if mistake.at is None else self.range(mistake.at),
        )


def _snippet(line: str, column: int, shown: int) -> str | None:
    if column > shown:
        return None
    return printable(line) if shown == len(line) else printable(line[:shown]) + MASK


def _at_most(mistakes: list[Mistake]) -> list[Mistake]:
    if len(mistakes) <= _MOST_FINDINGS:
        return mistakes
    rest = Mistake(
        code=Code.TOO_MANY_FINDINGS,
        at=mistakes[_MOST_FINDINGS].at,
        detail=f"{len(mistakes) - _MOST_FINDINGS} more from here on",
    )
    return [*mistakes[:_MOST_FINDINGS], rest]
