"""The provider types at hand and what each of them can do: `repl providers`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.report.clean import cells, clean, middle
from reconciler.report.line import Span, text_of, wrap
from reconciler.report.style import Style, Tone

__all__ = ["ProviderRow", "providers_text"]

_LONGEST = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """One provider type."""

    type: str
    title: str
    capabilities: frozenset[str]
    """Names of what it can do."""
    docs: str
    """Where more is written about it."""


def providers_text(rows: Sequence[ProviderRow], capabilities: Sequence[str], style: Style) -> str:
    """Write one line for each type, then a table of capabilities with a column for each type.

    Args:
        capabilities: all there are, in the order to be shown.
    """
    if not rows:
        return text_of(["No provider types are installed."])
    lines: list[str] = []
    for row in rows:
        lines += wrap([Span(row.type, Tone.BOLD), Span(f"  {row.title}  "), Span(row.docs, Tone.DIM)], style)
    return text_of([*lines, *(line for block in _blocks(rows, capabilities, style) for line in ["", *block])])


def _blocks(rows: Sequence[ProviderRow], names: Sequence[str], style: Style) -> Iterator[list[str]]:
    """Yield tables that fit the width, each with as many types as go beside each other."""
    labels = {name: _short(name.replace("_", " "), style) for name in names}
    first = max(map(cells, labels.values()), default=0) + 2
    block: list[ProviderRow] = []
    used = first
    for row in rows:
        width = _width(row, style)
        if block and used + width > style.columns:
            yield _table(block, labels, first, style)
            block, used = [], first
        block.append(row)
        used += width
    yield _table(block, labels, first, style)


def _table(rows: Sequence[ProviderRow], labels: Mapping[str, str], first: int, style: Style) -> list[str]:
    heads = [_short(row.type, style) for row in rows]
    widths = [_width(row, style) for row in rows]
    head = "".join(
        style.paint(text, Tone.BOLD) + " " * (width - cells(text)) for text, width in zip(heads, widths, strict=True)
    )
    lines = [" " * first + head]
    for name, label in labels.items():
        line = label + " " * (first - cells(label))
        for row, width in zip(rows, widths, strict=True):
            has = name in row.capabilities
            line += style.paint("yes" if has else "no", Tone.OK if has else Tone.DIM) + " " * (
                width - (3 if has else 2)
            )
        lines.append(line.rstrip())
    return lines


def _width(row: ProviderRow, style: Style) -> int:
    return max(cells(_short(row.type, style)), 3) + 2


def _short(text: str, style: Style) -> str:
    return middle(clean(text, ascii_only=not style.unicode), min(_LONGEST, style.columns // 3), style.glyph("…"))
