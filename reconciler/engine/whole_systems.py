"""Systems that replicate everything or nothing: what goes along with a flow that is written down. Pure."""

from collections.abc import Iterator

from reconciler.engine.graph_rules import end_of, found, listed
from reconciler.engine.topology import Link, Topology
from reconciler.model.finding import Finding
from reconciler.model.graph import Edge, Node

__all__ = ["along", "implied_edges"]

_REST = "every other bucket"

Directions = dict[tuple[str, str], list[Link]]
"""Active links that take everything along, by the systems that they lead from and to; by name."""


def directions(topology: Topology) -> Directions:
    """Return the directions in which everything goes."""
    found_: Directions = {}
    for link in topology.links:
        if link.whole and link.active:
            found_.setdefault((link.source.system, link.destination.system), []).append(link)
    return found_


def along(topology: Topology) -> Iterator[Finding]:
    """Find buckets of other flows that go along, each direction once, at the first of its flows by name."""
    for (here, there), links in directions(topology).items():
        written = {link.source.holder for link in links}
        elsewhere = [one for one in topology.leaving(here) if one.whole and one.destination.system != there]
        back = [one for one in topology.leaving(there) if one.whole and one.active and one.destination.system == here]
        back, further = ([one for one in found_ if one.source.holder not in written] for found_ in (back, elsewhere))
        yield from _told(links[0], back, further)


def _told(link: Link, back: list[Link], further: list[Link]) -> Iterator[Finding]:
    way = f"{link.flow.source.name} to {link.flow.destination.name}"
    if back:
        places = listed([f"{end_of(other)} ({other.name})" for other in back])
        detail = (
            f"{link.name} makes everything go from {way}: what is written or deleted at {places}, which are copies,"
            " goes back to where they come from."
        )
        yield found("REPL-G012", link, detail)
    if further:
        places = listed([f"{other.source.holder.removeprefix('bucket ')} of {other.name}" for other in further])
        yield found("REPL-G013", link, f"{link.name} makes everything go from {way}: {places} goes there, too.")


def implied_edges(topology: Topology) -> Iterator[tuple[Edge, tuple[Node, Node]]]:
    """Yield what goes along as edges between nodes for the rest of a system, each direction once."""
    for links in directions(topology).values():
        link = links[0]
        source, destination = (
            Node(id=f"{doc.name}:*", provider=doc.name, type=doc.spec.type, location=_REST, labels=doc.metadata.labels)
            for doc in (link.flow.source, link.flow.destination)
        )
        edge = Edge(
            replication=link.name, source=source.id, destination=destination.id, deletes=True, implied=True,
        )  # fmt: skip
        yield edge, (source, destination)
