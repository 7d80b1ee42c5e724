"""The graph of all flows, and what is wrong with it: seen before any call, over all providers at once. Pure."""

from collections.abc import Iterator, Sequence

from reconciler.engine.loops import Loop, loops
from reconciler.engine.topology import Link, Topology, place_text
from reconciler.model.finding import FieldPath, Finding, Severity
from reconciler.model.graph import Edge, Graph, Node
from reconciler.model.manifest import Deletes, Location, ProviderDoc, ReplicationSpec, State
from reconciler.model.relationship import Flow

__all__ = ["check_graph", "graph_of", "route"]

_RULES: dict[str, tuple[Severity, str, str]] = {
    "REPL-G001": (
        Severity.ERROR,
        "Data would go round without end",
        "remove or pause one of them, or give them prefixes that do not contain each other",
    ),
    "REPL-G002": (Severity.INFO, "Flows lead in a circle", "nothing to do, if both sides are meant to take writes"),
    "REPL-G003": (
        Severity.WARNING,
        "Chain that does not carry on",
        "add a flow from the first place straight to the last",
    ),
    "REPL-G004": (
        Severity.WARNING,
        "Several flows into one destination",
        "give each source a prefix or folder of its own",
    ),
    "REPL-G005": (Severity.ERROR, "The same flow twice", "remove one of them"),
    "REPL-G006": (Severity.ERROR, "Source and destination are the same place", "name another destination"),
    "REPL-G007": (
        Severity.INFO,
        "Deletions travel further than one hop",
        "leave `deletes: replicate` out at the hop where it shall stop",
    ),
    "REPL-G008": (
        Severity.INFO,
        "Some objects have two flows",
        "nothing to do, if one sets something that the other does not",
    ),
}
"""Code to severity, summary and hint."""

_NAMED = 5
"""How many others a finding names."""


def graph_of(flows: Sequence[Flow]) -> Graph:
    """Draw all flows between the places as they are written."""
    nodes: dict[str, Node] = {}
    edges = []
    for flow in sorted(flows, key=lambda flow: flow.name):
        ends = []
        for provider, location in ((flow.source, flow.spec.source), (flow.destination, flow.spec.destination)):
            node = _node(provider, location)
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
    return Graph(nodes=tuple(nodes[key] for key in sorted(nodes)), edges=tuple(edges))


def check_graph(topology: Topology) -> tuple[Finding, ...]:
    """Judge all flows together. Each finding stands at one replication and names the others."""
    return (
        *_same_places(topology),
        *_loops(topology),
        *_gaps(topology),
        *_shared_destinations(topology),
        *_deletions(topology),
    )


def route(links: Sequence[Link]) -> str:
    """Write a path with its places: `eu:a -> us:b -> ap:c`."""
    start = links[0].flow
    return " -> ".join((_node(start.source, start.spec.source).id, *map(_end, links)))


def _end(link: Link) -> str:
    return _node(link.flow.destination, link.flow.spec.destination).id


def _node(provider: ProviderDoc, location: Location) -> Node:
    text = place_text(location)
    return Node(
        id=f"{provider.name}:{text}",
        provider=provider.name,
        type=provider.spec.type,
        location=text,
        labels=provider.metadata.labels,
    )


def _same_places(topology: Topology) -> Iterator[Finding]:
    for link in topology.links:
        if link.source == link.destination:
            detail = f"{link.name} copies {route([link])}, which is one place."
            yield _finding("REPL-G006", link, detail, ("spec", "destination"))


def _loops(topology: Topology) -> Iterator[Finding]:
    endless: set[str] = set()
    for loop in loops(topology, carried_on=True):
        if not _onto_itself(loop):
            endless.update(link.name for link in loop)
            detail = f"{_loop_text(loop)}: nothing on this way keeps a copy from being copied again."
            yield _finding("REPL-G001", loop[0], detail)
    for loop in loops(topology, carried_on=False):
        if not _onto_itself(loop) and not any(link.name in endless for link in loop):
            yield _finding("REPL-G002", loop[0], f"{_loop_text(loop)}: {_why_it_ends(loop)}.")


def _onto_itself(loop: Loop) -> bool:
    """Say whether the loop is one flow between equal places, which has a finding of its own."""
    return len(loop) == 1 and loop[0].source == loop[0].destination


def _loop_text(loop: Loop) -> str:
    return f"{', '.join(link.name for link in loop)} ({route(loop)})"


def _why_it_ends(loop: Loop) -> str:
    paused = [link.name for link in loop if not link.active]
    if paused:
        return f"it is open as long as {', '.join(paused)} is paused"
    guards = sorted({link.owner.type for at, link in enumerate(loop) if not link.forwards(loop[at - 1])})
    return f"{', '.join(guards)} does not copy again what replication brought"


def _gaps(topology: Topology) -> Iterator[Finding]:
    """Find second hops whose owner does not take on what the first hop brings."""
    for link in topology.links:
        if not (link.active and link.guarded):
            continue
        chains = []
        for first in topology.writing(link.source):
            if first.active and first is not link and not link.forwards(first) and _is_gap(topology, first, link):
                chains.append(f"{first.name}, {link.name} ({route([first, link])})")
                if len(chains) > _NAMED:
                    break
        if chains:
            detail = (
                f"{_listed(chains)}: {link.owner.type} does not copy on what replication brought, "
                f"so the last place gets only what is written at the middle one itself{_named_chain(link)}."
            )
            yield _finding("REPL-G003", link, detail, ("spec", "source"))


def _named_chain(link: Link) -> str:
    """Name the owner's own rule about chains, which `repl explain` tells more of."""
    return next((f" ({rule.id})" for rule in link.owner.effects if rule.id.endswith("-CHAIN")), "")


def _is_gap(topology: Topology, first: Link, second: Link) -> bool:
    if first.disjoint(second):
        return False
    end = second.carried(first.destination)
    if end.overlaps(first.source):
        return False  # the way back of an active-active pair
    direct = (link for link in topology.reading(first.source) if link not in (first, second) and link.active)
    return not any(link.destination.overlaps(end) for link in direct)


def _shared_destinations(topology: Topology) -> Iterator[Finding]:
    """Report each pair at the later flow by name."""
    for link in topology.links:
        twins, colliding, again = [], [], []
        for other in topology.writing(link.destination):
            if other.name >= link.name:
                continue
            if (other.source, other.destination) == (link.source, link.destination) and _same_choice(other, link):
                twins.append(other.name)
            elif other.disjoint(link):
                continue
            elif _same_data(other, link):
                again.append(other.name)
            else:
                colliding.append(other.name)
            if len(colliding) > _NAMED:
                break
        yield from _shared(link, twins, colliding, again)


def _shared(link: Link, twins: list[str], colliding: list[str], again: list[str]) -> Iterator[Finding]:
    if twins:
        yield _finding("REPL-G005", link, f"{link.name} has the source, destination and filter of {_listed(twins)}.")
    if colliding:
        detail = (
            f"{link.name} and {_listed(colliding)} write from different sources into {_end(link)}: "
            "keys of one name overwrite each other."
        )
        yield _finding("REPL-G004", link, detail, ("spec", "destination"))
    if again:
        detail = f"{link.name} and {_listed(again)} copy some of the same objects to the same keys."
        yield _finding("REPL-G008", link, detail, ("spec", "source"))


def _same_data(one: Link, other: Link) -> bool:
    """Say whether both put an object that both take under one and the same key."""
    if not one.source.overlaps(other.source):
        return False
    narrow = max(one.source, other.source, key=lambda place: len(place.path))
    return one.carried(narrow) == other.carried(narrow)


def _same_choice(one: Link, other: Link) -> bool:
    """Say whether both take the same of what they read."""

    def plain(spec: ReplicationSpec) -> tuple[frozenset[str], dict[str, str], tuple[str, ...]]:
        chosen, own = spec.filter, spec.options.chosen() if spec.options is not None else ()
        return frozenset((chosen and chosen.exclude) or ()), dict((chosen and chosen.tags) or {}), own

    return plain(one.flow.spec) == plain(other.flow.spec)


def _deletions(topology: Topology) -> Iterator[Finding]:
    """Find first hops from which a deletion goes further than the next place."""
    for link in topology.links:
        if not (link.active and link.deletes) or any(_passes(before, link) for before in topology.writing(link.source)):
            continue
        way, region = [link], link.destination
        while following := next(
            ((n, end) for n, end in topology.onward(way[-1], region) if _passes(way[-1], n) and n not in way), None
        ):
            way.append(following[0])
            region = following[1]
        if len(way) > 1:
            names = ", ".join(each.name for each in way)
            detail = f"A deletion at the source of {link.name} goes {route(way)} ({names})."
            yield _finding("REPL-G007", link, detail, ("spec", "deletes"))


def _passes(earlier: Link, later: Link) -> bool:
    """Say whether a deletion that `earlier` brings is taken on by `later`."""
    return (
        earlier is not later
        and earlier.active
        and later.active
        and earlier.deletes
        and later.deletes
        and later.forwards(earlier)
        and not earlier.disjoint(later)
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")


def _finding(code: str, link: Link, detail: str, path: FieldPath = ("spec",)) -> Finding:
    severity, summary, hint = _RULES[code]
    return Finding(
        code=code, severity=severity, summary=summary, detail=detail, hint=hint, replication=link.name, path=path
    )
