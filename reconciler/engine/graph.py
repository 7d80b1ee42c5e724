"""The graph of all flows, and what is wrong with it: seen before any call, over all providers at once. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.engine.destinations import deletions, kept_in_vain, shared_destinations
from reconciler.engine.graph_rules import MOST_NAMED, found, listed, node_of, route
from reconciler.engine.loops import Loop, loops
from reconciler.engine.topology import Link, Place, Topology
from reconciler.engine.whole_systems import along, implied_edges
from reconciler.model.finding import Finding
from reconciler.model.graph import Edge, Graph, Node
from reconciler.model.manifest import Deletes, State
from reconciler.model.relationship import Flow

__all__ = ["check_graph", "graph_of"]


def graph_of(flows: Sequence[Flow], topology: Topology | None = None) -> Graph:
    """Draw all flows between the places as they are written; with `topology` also what goes along with them."""
    nodes: dict[str, Node] = {}
    edges = []
    for flow in sorted(flows, key=lambda flow: flow.name):
        ends = []
        for provider, location in ((flow.source, flow.spec.source), (flow.destination, flow.spec.destination)):
            node = node_of(provider, location)
            nodes[node.id] = node
            ends.append(node.id)
        edges.append(
            Edge(
                replication=flow.name,
                source=ends[0],
                destination=ends[1],
                active=flow.spec.state is not State.PAUSED,
                deletes=flow.spec.deletes is Deletes.REPLICATE,
            )
        )
    for edge, rest in implied_edges(topology) if topology is not None else ():
        nodes |= {node.id: node for node in rest}
        edges.append(edge)
    edges.sort(key=lambda edge: (edge.replication, edge.implied))
    return Graph(nodes=tuple(nodes[key] for key in sorted(nodes)), edges=tuple(edges))


def check_graph(topology: Topology) -> tuple[Finding, ...]:
    """Judge all flows together. Each finding stands at one replication and names the others."""
    return (
        *_same_places(topology),
        *_loops(topology),
        *_gaps(topology),
        *shared_destinations(topology),
        *deletions(topology),
        *kept_in_vain(topology),
        *along(topology),
    )


def _same_places(topology: Topology) -> Iterator[Finding]:
    for link in topology.links:
        if link.source == link.destination:
            detail = f"{link.name} copies {route([link])}, which is one place."
            yield found("REPL-G006", link, detail, ("spec", "destination"))


def _loops(topology: Topology) -> Iterator[Finding]:
    endless: set[str] = set()
    for loop in loops(topology, carried_on=True):
        if not _onto_itself(loop):
            endless.update(link.name for link in loop)
            detail = f"{_loop_text(loop)}: {_why_it_does_not_end(loop)}."
            yield found("REPL-G001", loop[0], detail)
    for loop in loops(topology, carried_on=False):
        if not _onto_itself(loop) and not any(link.name in endless for link in loop):
            yield found("REPL-G002", loop[0], f"{_loop_text(loop)}: {_why_it_ends(loop)}.")


def _onto_itself(loop: Loop) -> bool:
    """Say whether the loop is one flow between equal places, which has a finding of its own."""
    return len(loop) == 1 and loop[0].source == loop[0].destination


def _loop_text(loop: Loop) -> str:
    return f"{', '.join(link.name for link in loop)} ({route(loop)})"


def _why_it_does_not_end(loop: Loop) -> str:
    if all(link.replica for link in loop):
        return "each of these would be made as the replica of another, and none has data of its own"
    return "nothing on this way keeps a copy from being copied again"


def _why_it_ends(loop: Loop) -> str:
    paused = [link.name for link in loop if not link.active]
    if paused:
        return f"it is open as long as {', '.join(paused)} is paused"
    guards = sorted({link.owner.type for at, link in enumerate(loop) if not link.forwards(loop[at - 1])})
    return f"{', '.join(guards)} does not copy again what replication brought"


def _gaps(topology: Topology) -> Iterator[Finding]:
    """Find second hops whose owner does not take on what the first hop brings."""
    for link in topology.links:
        if not (link.active and (link.guarded or link.replica)):
            continue
        chains = []
        for first in topology.writing(link.source):
            if first.active and first is not link and _stops(first, link) and _is_gap(topology, first, link):
                chains.append(f"{first.name}, {link.name} ({route([first, link])})")
                if len(chains) > MOST_NAMED:
                    break
        if chains:
            default = (
                f"{link.owner.type} does not copy on what replication brought, so the last place gets only what is"
                " written at the middle one itself"
            )
            detail = f"{listed(chains)}: {link.owner.chain or default}."
            yield found("REPL-G003", link, detail, ("spec", "source"))


def _stops(first: Link, second: Link) -> bool:
    """Say whether what the first brings may not get further: it is not forwarded, or nobody has said that it is."""
    return not second.forwards(first) or (first.replica and second.replica)


def _is_gap(topology: Topology, first: Link, second: Link) -> bool:
    if first.disjoint(second):
        return False
    end = second.carried(first.destination)
    if end.overlaps(first.source):
        return False  # the way back of an active-active pair
    brought = _taken_along(first, second)
    direct = (link for link in topology.reading(brought) if link not in (first, second) and link.active)
    return not any(
        link.destination.overlaps(end)
        and brought.path.startswith(link.source.path)
        and link.takes_all_of(first, second)
        for link in direct
    )


def _taken_along(first: Link, second: Link) -> Place:
    """Return what of the first source the second would have to carry on."""
    into = first.destination.path
    further = second.source.path[len(into) :] if second.source.path.startswith(into) else ""
    return replace(first.source, path=first.source.path + further)
