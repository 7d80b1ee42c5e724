"""The provider types at hand and what each of them can do: `repl providers`, and the page that is made from it."""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.capabilities import CapabilityTable, CapabilityWord, ProviderRow
from reconciler.report.clean import cells, clean, middle
from reconciler.report.line import Span, text_of, wrap
from reconciler.report.style import Style, Tone

__all__ = ["MEANINGS", "CapabilityTable", "CapabilityWord", "ProviderRow", "providers_markdown", "providers_text"]

_LONGEST = 24

MEANINGS: dict[str, str] = {
    "pause": "holds `state: paused`",
    "deletes": "holds `deletes: replicate` and `deletes: keep`, or always replicates deletions and says so",
    "storage_class": "holds `storageClass`",
    "tag_filter": "holds `filter.tags`",
    "exclude_filter": "holds `filter.exclude`",
    "schedule": "holds `schedule`",
    "update": "changes settings in place; without it every change is a deletion and a creation",
    "continuous": "copies by itself; without it each run is started",
    "resync": "sends everything again on demand: `existing: copy`, `repl resync`",
    "client_ids": "lets the client choose ids, so that a repeated creation is harmless",
    "ownership_mark": "shows in an identity which workspace made it",
    "store": "lets objects be listed, read, written and deleted, so that canaries prove it without a mount",
    "loop_guard": "does not copy again what a replication of the same type brought: a circle is no endless one",
    "whole_system": "takes every bucket along: a flow between two systems sends what is written to any of them",
    "replica": "makes and keeps the destination itself: nobody else writes there, and deletions go there too",
}
"""What each capability says, as a clause about a provider type."""


def providers_text(rows: Sequence[ProviderRow], capabilities: Sequence[str], style: Style) -> str:
    """Write one line for each type, then a table of capabilities with a column for each type.

    Args:
        capabilities: all there are, in the order to be shown.
    """
    if not rows:
        return text_of(["No provider types are installed."])
    lines: list[str] = []
    for row in rows:
        if row.dialect:
            continue
        lines += wrap([Span(row.name, Tone.BOLD), Span(f"  {row.title}  "), Span(row.docs, Tone.DIM)], style)
    return text_of([*lines, *(line for block in _blocks(rows, capabilities, style) for line in ["", *block])])


def providers_markdown(table: CapabilityTable) -> str:
    """Write the table as a page: capabilities with their meaning, then where data can go."""
    rows = table.providers
    types = [row for row in rows if not row.dialect]
    lines = [
        "# Providers\n",
        "`repl providers` prints this for the types that are installed, with `--format json` for programs.\n",
        "| Type | System | Page |",
        "|---|---|---|",
        *(f"| `{row.type}` | {row.title} | [{_page(row)}]({_page(row)}) |" for row in types),
        "\n## Capabilities\n",
        "What a type cannot hold is a finding, with its place, before any request is sent.\n",
        f"| Capability | {' | '.join(f'`{row.name}`' for row in rows)} |",
        f"|---|{'---|' * len(rows)}",
    ]
    for word in table.capabilities:
        marks = ("yes" if word.name in row.capabilities else "" for row in rows)
        lines.append(f"| [{_spoken(word.name)}](#{word.name.replace('_', '-')}) | {' | '.join(marks)} |")
    lines += ["\n## Meaning\n"]
    for word in table.capabilities:
        lines += [f"### {_spoken(word.name).capitalize()}\n", f"A system with it {word.meaning}.\n"]
    lines += [
        "## Where data can go\n",
        "From the type on the left to the types above. Either end may own the replication.\n",
        f"| From \\ to | {' | '.join(f'`{row.type}`' for row in types)} |",
        f"|---|{'---|' * len(types)}",
    ]
    for row in types:
        marks = ("yes" if other.type in row.replicates_to else "" for other in types)
        lines.append(f"| `{row.type}` | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def _page(row: ProviderRow) -> str:
    return row.docs.rpartition("/")[2]


def _spoken(name: str) -> str:
    return name.replace("_", " ")


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
    heads = [_short(row.name, style) for row in rows]
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
    return max(cells(_short(row.name, style)), 3) + 2


def _short(text: str, style: Style) -> str:
    return middle(clean(text, ascii_only=not style.unicode), min(_LONGEST, style.columns // 3), style.glyph("…"))
