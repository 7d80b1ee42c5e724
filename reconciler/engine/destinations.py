"""What several flows do to one place: collisions, the same flow twice, and deletions that arrive. Pure."""

from collections import deque
from collections.abc import Iterator

from reconciler.engine.graph_rules import MOST_NAMED, end_of, found, listed, route
from reconciler.engine.topology import Link, Place, Reached, Topology
from reconciler.model.finding import FieldPath, Finding
from reconciler.model.manifest import Deletes, ReplicationSpec

__all__ = ["deletions", "kept_in_vain", "shared_destinations"]

_DELETES: FieldPath = ("spec", "deletes")


def shared_destinations(topology: Topology) -> Iterator[Finding]:
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
            if len(colliding) > MOST_NAMED:
                break
        yield from _shared(link, twins, colliding, again)


def _shared(link: Link, twins: list[str], colliding: list[str], again: list[str]) -> Iterator[Finding]:
    if twins:
        yield found("REPL-G005", link, f"{link.name} has the source, destination and filter of {listed(twins)}.")
    if colliding and link.replica:
        detail = f"{end_of(link)} is made and kept by {link.name} alone, and {listed(colliding)} would write there too."
        yield found("REPL-G010", link, detail, ("spec", "destination"))
    elif colliding:
        detail = (
            f"{link.name} and {listed(colliding)} write from different sources into {end_of(link)}: "
            "keys of one name overwrite each other."
        )
        if link.whole:
            detail = (
                f"{link.name} and {listed(colliding)} write from different sources into {end_of(link)}: "
                "of objects of one name the first to arrive stays."
            )
        yield found("REPL-G004", link, detail, ("spec", "destination"))
    if again:
        detail = f"{link.name} and {listed(again)} copy some of the same objects to the same keys."
        yield found("REPL-G008", link, detail, ("spec", "source"))


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


def deletions(topology: Topology) -> Iterator[Finding]:
    """Find first hops from which a deletion goes further than the next place."""
    for link in topology.links:
        if not (link.active and link.deletes) or any(_feeds(before, link) for before in topology.writing(link.source)):
            continue
        ways = _ways(topology, link)
        if ways:
            told = [f"{route(way)} ({', '.join(each.name for each in way)})" for way in ways]
            yield found("REPL-G007", link, f"A deletion at the source of {link.name} goes {listed(told)}.", _DELETES)


def _feeds(earlier: Link, later: Link) -> bool:
    """Say whether all that `later` deletes may come from `earlier`, which is told of then."""
    return _passes(earlier, later) and later.source.path.startswith(earlier.destination.path)


def _ways(topology: Topology, start: Link) -> list[tuple[Link, ...]]:
    """Return the way to each last place that a deletion reaches over more than one hop; no place is told twice."""
    ends: list[tuple[Link, ...]] = []
    queue: deque[tuple[tuple[Link, ...], Place]] = deque([((start,), start.destination)])
    reached = Reached()
    reached.add(start, start.destination)
    while queue:
        way, region = queue.popleft()
        last = True
        for link, end in topology.onward(way[-1], region):
            if _passes(way[-1], link) and (further := reached.add(link, end)) is not None:
                queue.append(((*way, link), further))
                last = False
        if last and len(way) > 1:
            ends.append(way)
    return ends


def kept_in_vain(topology: Topology) -> Iterator[Finding]:
    """Find flows that say `deletes: keep` into places where others delete."""
    for link in topology.links:
        if not link.active or link.flow.spec.deletes is not Deletes.KEEP:
            continue
        others = [
            other
            for other in topology.writing(link.destination)
            if other is not link and other.active and other.deletes and not other.disjoint(link)
        ]
        one = [other for other in others if link.whole and other.whole]
        if one:
            names = listed([other.name for other in one])
            detail = f"{link.name} says keep and {names} replicate, but {end_of(link)} has one right to delete for all."
            yield found("REPL-G011", link, detail, _DELETES)
        elif others:
            told = listed([_from_where(topology, other) for other in others])
            detail = f"{link.name} keeps what is deleted at its source, but deletions get to {end_of(link)} by {told}."
            yield found("REPL-G009", link, detail, _DELETES)


def _from_where(topology: Topology, link: Link) -> str:
    """Write the way by which a deletion comes from as far as it can."""
    way = [link]
    while before := next((b for b in topology.writing(way[0].source) if b not in way and _passes(b, way[0])), None):
        way.insert(0, before)
    return f"{', '.join(each.name for each in way)} ({route(way)})"


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
