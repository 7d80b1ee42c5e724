"""Changes that are written together, shown together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.model.change import Change
from reconciler.model.plan import ContainerPlan

__all__ = ["Group", "grouped"]


@dataclass(frozen=True, slots=True)
class Group:
    """Changes that share containers, directly or through each other, in the plan's order."""

    changes: tuple[Change, ...]
    """Empty for containers that serve none of the changes given."""
    containers: tuple[int, ...]
    """Positions in the plan, ascending."""


def grouped(changes: Sequence[Change], containers: Sequence[ContainerPlan]) -> Iterator[Group]:
    """Yield every change and every container exactly once; groups in the order of their first change."""
    by_change: dict[str, list[int]] = {change.id: [] for change in changes}
    for position, container in enumerate(containers):
        for change_id in container.changes:
            by_change.setdefault(change_id, []).append(position)
    order = {change.id: number for number, change in enumerate(changes)}
    seen: set[int] = set()
    done: set[str] = set()
    for change in changes:
        if change.id in done:
            continue
        members, places = _reached(change.id, by_change, containers)
        done |= members
        seen |= places
        known = sorted(order[member] for member in members if member in order)
        yield Group(tuple(changes[number] for number in known), tuple(sorted(places)))
    rest = tuple(position for position in range(len(containers)) if position not in seen)
    if rest:
        yield Group((), rest)


def _reached(
    start: str, by_change: dict[str, list[int]], containers: Sequence[ContainerPlan]
) -> tuple[set[str], set[int]]:
    """Return the ids of changes and the positions of containers that hang together with one change."""
    members, places, waiting = {start}, set[int](), [start]
    while waiting:
        for position in by_change.get(waiting.pop(), ()):
            if position in places:
                continue
            places.add(position)
            new = set(containers[position].changes) - members
            members |= new
            waiting += new
    return members, places
