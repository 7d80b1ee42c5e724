"""The graph of flows for people and for drawing programs. Names are escaped for each language."""

import re
from collections.abc import Callable

from reconciler.model.graph import Edge, Graph, Node
from reconciler.report.clean import clean
from reconciler.report.document import to_json
from reconciler.report.line import Span, count, text_of, wrap
from reconciler.report.style import Style, Tone

__all__ = ["FORMATS", "MERMAID_EDGES", "graph_text"]

MERMAID_EDGES = 500
"""More edges Mermaid does not draw unless the page that draws it says so by `maxEdges`. Source: Mermaid, configuration
schema."""

_PLAIN = Style(color=False, width=120)
_NOT_PLAIN_IN_MERMAID = re.compile(r"[^\w ./:@,()-]")


def graph_text(graph: Graph, format: str, style: Style = _PLAIN) -> str:  # noqa: A002 the flag's name
    """Write the graph as Mermaid, DOT, JSON or text. `style` matters for text alone.

    Raises:
        ValueError: unknown format.
    """
    if format not in FORMATS:
        raise ValueError(f"unknown graph format {format!r}: one of {', '.join(FORMATS)}")
    return FORMATS[format](graph, style)


def _mermaid(graph: Graph, style: Style) -> str:
    del style
    ids = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for number, (provider, nodes) in enumerate(_by_provider(graph).items()):
        lines.append(f'  subgraph p{number}["{_in_mermaid(f"{provider} ({nodes[0].type})")}"]')
        lines += [f'    {ids[node.id]}["{_in_mermaid(node.location or node.id)}"]' for node in nodes]
        lines.append("  end")
    for edge in graph.edges:
        arrow = "==>" if edge.implied else "-->" if edge.active else "-.->"
        lines.append(f'  {ids[edge.source]} {arrow}|"{_in_mermaid(_label(edge))}"| {ids[edge.destination]}')
    return text_of(lines)


def _dot(graph: Graph, style: Style) -> str:
    del style
    ids = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["digraph replications {", "  rankdir=LR;", "  node [shape=box];"]
    for number, (provider, nodes) in enumerate(_by_provider(graph).items()):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_in_dot(f'{provider} ({nodes[0].type})')};"]
        lines += [f"    {ids[node.id]} [label={_in_dot(node.location)}];" for node in nodes]
        lines.append("  }")
    for edge in graph.edges:
        dashed = ", style=bold" if edge.implied else "" if edge.active else ", style=dashed"
        lines.append(f"  {ids[edge.source]} -> {ids[edge.destination]} [label={_in_dot(_label(edge))}{dashed}];")
    return text_of([*lines, "}"])


def _json(graph: Graph, style: Style) -> str:
    del style
    return to_json(graph)


def _text(graph: Graph, style: Style) -> str:
    nodes = {node.id: node for node in graph.nodes}
    arrow = style.glyph("→")
    leaving: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        leaving.setdefault(edge.source, []).append(edge)
    lines: list[str] = []
    for node in (node for node in graph.nodes if node.id in leaving):
        lines += wrap([Span(_place(node), Tone.BOLD), Span(f" ({node.type})", Tone.DIM)], style)
        for edge in leaving[node.id]:
            spans = [Span(f"{arrow} {_place(nodes[edge.destination])}  "), Span(_label(edge), Tone.DIM)]
            lines += wrap(spans, style, indent=2, hang=6)
    if lines:
        lines.append("")
    flows, places = [edge for edge in graph.edges if not edge.implied], {node.id for node in graph.nodes}
    places -= {end for edge in graph.edges if edge.implied for end in (edge.source, edge.destination)}
    sums = f"{count(len(flows), 'flow')} between {count(len(places), 'place')}."
    return text_of([*lines, *wrap([Span(sums)], style)])


FORMATS: dict[str, Callable[[Graph, Style], str]] = {
    "mermaid": _mermaid,
    "dot": _dot,
    "json": _json,
    "text": _text,
}
"""Format names to writers."""


def _by_provider(graph: Graph) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for node in graph.nodes:
        found.setdefault(node.provider, []).append(node)
    return found


def _place(node: Node) -> str:
    return f"{node.provider}:{node.location}"


def _label(edge: Edge) -> str:
    notes = [
        *(["goes along"] if edge.implied else []),
        *(["paused"] if not edge.active else []),
        *(["deletes too"] if edge.deletes else []),
    ]
    return edge.replication + (f" ({', '.join(notes)})" if notes else "")


def _in_mermaid(text: str) -> str:
    """Write everything that Mermaid or the HTML around it could read as its own as a character code."""
    return _NOT_PLAIN_IN_MERMAID.sub(lambda match: f"#{ord(match.group())};", clean(text))


def _in_dot(text: str) -> str:
    """Quote for DOT, where a backslash in a label begins an escape, and an ampersand an HTML entity."""
    quoted = clean(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{quoted}"'
