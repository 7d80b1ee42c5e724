"""Where flows lead back to where they came from. Pure."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter

from reconciler.engine.topology import Link, Place, Topology

__all__ = ["Loop", "loops"]

_ROUNDS = 16
"""Each round that asks for more uses up part of the key; no sensible key lasts this long."""

Loop = tuple[Link, ...]
"""Links in the order in which data goes round, beginning with the first by name."""


def loops(topology: Topology, *, carried_on: bool) -> Iterator[Loop]:
    """Yield, for each link on a loop, the shortest one through it, each loop once.

    `carried_on`: only loops that data really goes round, every link active and forwarding what the one before brought.
    """
    seen: set[tuple[str, ...]] = set()
    core = _core(topology)
    for link in topology.links:
        if link.source not in core or (carried_on and not link.active):
            continue
        found = _shortest(topology, link, carried_on=carried_on)
        if found is not None:
            first = min(range(len(found)), key=lambda at: found[at].name)
            loop = found[first:] + found[:first]
            if (names := tuple(each.name for each in loop)) not in seen:
                seen.add(names)
                yield loop


def _shortest(topology: Topology, start: Link, *, carried_on: bool) -> Loop | None:
    """Search breadth first."""
    queue: deque[tuple[Loop, Place]] = deque([((start,), start.destination)])
    visited: set[tuple[str, Place]] = set()
    while queue:
        path, region = queue.popleft()
        for link, end in topology.onward(path[-1], region):
            if carried_on and not (link.active and link.forwards(path[-1])):
                continue
            if link is start:
                if _comes_round(path):
                    return path
                continue
            # A link more than once leads to ever deeper places; its first visit has told what there is to tell.
            if link in path or (link.name, end) in visited:
                continue
            visited.add((link.name, end))
            queue.append(((*path, link), end))
    return None


def _comes_round(loop: Loop) -> bool:
    """Say whether some key goes round for ever: prefixes on the way may miss each other, or use a key up.

    A round that asks for nothing that is not known of the key already is followed by more of its kind.
    """
    region, settled = loop[0].source, 0
    for _ in range(_ROUNDS):
        asks_more = False
        for link in loop:
            if not region.overlaps(link.source):
                return False
            asks_more |= len(link.source.path) > len(region.path)
            region = link.carried(region)
        settled = 0 if asks_more else settled + 1
        if settled == 2:
            return True
    return False


def _core(topology: Topology) -> set[Place]:
    """Return the source places on loops or between them: all others are peeled off from both ends."""
    after: dict[Place, set[Place]] = {}
    for link in topology.links:
        after.setdefault(link.source, set()).update(topology.sources_at(link.destination))
    rest = _unsortable(after)
    before: dict[Place, set[Place]] = {}
    for place in rest:
        for following in after[place] & rest:
            before.setdefault(following, set()).add(place)
    return _unsortable(before)


def _unsortable(graph: dict[Place, set[Place]]) -> set[Place]:
    """Return the nodes that a topological sort cannot reach."""
    sorter = TopologicalSorter(graph)
    # A sorter that has found a cycle still yields every node before it.
    with suppress(CycleError):
        sorter.prepare()
    left = set(graph)
    while ready := sorter.get_ready():
        left.difference_update(ready)
        sorter.done(*ready)
    return left
