"""Lines made of spans: cleaned, measured, wrapped, and painted last, so that colour never changes the layout."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.report.clean import cells, clean, head, isolated
from reconciler.report.style import Style, Tone

__all__ = ["Span", "columns", "count", "joined", "text_of", "wrap"]

_BLANKS = re.compile(r"( +)")
_LEAST_HANG = 16


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line. The text may be anybody's: it is cleaned before it is shown."""

    text: str
    tone: Tone | None = None
    whole: bool = False
    """Never broken at a blank while it fits on one line."""


Word = tuple[Span, ...]


def wrap(spans: Iterable[Span], style: Style, *, indent: int = 0, hang: int | None = None) -> list[str]:
    """Lay spans out on as many lines as they need, broken at blanks; a word longer than a line is broken anywhere.

    Args:
        indent: cells before the first line.
        hang: cells before the others; two more than `indent` if left out.
    """
    hang = indent + 2 if hang is None else hang
    lines: list[list[Span]] = []
    line, used, gap = [Span(" " * indent)], indent, ""
    started = False
    for blanks, word in _words(spans, style):
        gap += blanks
        for piece in _fitting(word, style.columns - hang):
            width = sum(cells(span.text) for span in piece)
            if started and used + len(gap) + width > style.columns:
                lines.append(line)
                line, used, gap, started = [Span(" " * hang)], hang, "", False
            if started and gap:
                line.append(Span(gap, line[-1].tone if line[-1].tone is piece[0].tone else None))
                used += len(gap)
            line.extend(piece)
            used, gap, started = used + width, "", True
    if started:
        lines.append(line)
    return [_painted(line, style) for line in lines]


def columns(left: Iterable[Span], right: Span, style: Style, *, indent: int = 0, hang: int = 0) -> list[str]:
    """Lay out one line with `right` at its right edge; where both do not fit, `right` comes last and all is wrapped."""
    left = list(left)
    used = indent + sum(cells(_cleaned(span, style).text) for span in left) + 2
    need = cells(_cleaned(right, style).text)
    space = max(style.edge - need - used, 0)
    if used + need <= style.columns:
        line = [Span(" " * indent), *left, Span(" " * (space + 2)), right]
        return [_painted([_cleaned(span, style) for span in line], style)]
    return wrap([*left, Span("  "), replace(right, whole=True)], style, indent=indent, hang=hang)


def joined(parts: Iterable[Iterable[Span]], separator: str) -> list[Span]:
    """Put a dim separator between groups of spans; it never begins a line."""
    out: list[Span] = []
    for part in parts:
        if out:
            out += [Span(separator.rstrip(" "), Tone.DIM, whole=True), Span(" ")]
        out.extend(part)
    return out


def count(number: int, one: str, many: str = "") -> str:
    """Write `1 change`, `2 changes`, `1,204 changes`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def text_of(lines: Iterable[str]) -> str:
    """Make a text of lines: each ends with a line end, none with a blank."""
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _cleaned(span: Span, style: Style) -> Span:
    return Span(clean(span.text, ascii_only=not style.unicode), span.tone, span.whole)


def _words(spans: Iterable[Span], style: Style) -> Iterator[tuple[str, Word]]:
    """Yield (blanks before, word). Spans that no blank parts are one word."""
    gap, word = "", []
    for span in (_cleaned(span, style) for span in spans):
        if span.whole and cells(span.text) <= style.columns - _LEAST_HANG:
            word.append(span)
            continue
        for part in _BLANKS.split(span.text):
            if part.strip(" "):
                word.append(Span(part, span.tone))
            elif part:
                if word:
                    yield gap, tuple(word)
                    gap, word = "", []
                gap += part
    if word:
        yield gap, tuple(word)


def _fitting(word: Word, width: int) -> Iterator[Word]:
    """Yield a word in pieces of at most `width` cells."""
    line: list[Span] = []
    used = 0
    for span in word:
        rest = span.text
        while rest:
            part = head(rest, width - used)
            if part:
                line.append(Span(part, span.tone))
                used += cells(part)
                rest = rest[len(part) :]
            if rest:
                yield tuple(line)
                line, used = [], 0
    if line:
        yield tuple(line)


def _painted(line: Iterable[Span], style: Style) -> str:
    """Paint runs of one tone together."""
    runs: list[Span] = []
    for span in line:
        if runs and runs[-1].tone is span.tone:
            runs[-1] = Span(runs[-1].text + span.text, span.tone)
        else:
            runs.append(span)
    while runs and runs[-1].text.endswith(" "):
        last = runs.pop()
        if kept := last.text.rstrip(" "):
            runs.append(Span(kept, last.tone))
    return "".join(style.paint(isolated(run.text), run.tone) for run in runs)
