"""What the destination of a bucket lacks: both lists, held against each other.

The source's list has what is READY there, the destination's every row: an object that is missing, or was deleted, can
be ordered; what failed cannot.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.model.value import Json
from reconciler.providers.clonecloudstore.client import SiteClient
from reconciler.providers.clonecloudstore.wire import DEAD, READY, Listed

__all__ = ["Survey", "doomed", "named", "survey"]

_MOST_NAMED = 5
_UNDER_WAY = frozenset({"UPLOAD", "DELETING"})


@dataclass(slots=True, kw_only=True)
class Survey:
    """Objects by name, by what is true of them at the destination."""

    ready: set[str] = field(default_factory=set)
    """There as at the source, as far as rows tell."""
    absent: dict[str, Listed] = field(default_factory=dict)
    """The source's rows."""
    different: dict[str, Listed] = field(default_factory=dict)
    """READY with other content; the source's rows."""
    under_way: set[str] = field(default_factory=set)
    """UPLOAD or DELETING: being done, or begun by something that has died since."""
    dead: dict[str, str] = field(default_factory=dict)
    """ERR_UPL and ERR_DEL, and states that nobody knows: no call leads out of these."""
    extra: dict[str, Listed] = field(default_factory=dict)
    """READY, and not at the source; the destination's rows."""

    @property
    def total(self) -> int:
        """How many objects the source has."""
        return len(self.ready) + len(self.absent) + len(self.different) + len(self.under_way) + len(self.dead)

    @property
    def complete(self) -> bool:
        """Whether the destination has all that the source has."""
        return not (self.absent or self.different or self.under_way or self.dead)

    def __str__(self) -> str:
        """Say what is missing, with some names: `2 absent (a, b); 1 ERR_UPL (c)`."""
        parts = [
            (len(self.absent), "absent", sorted(self.absent)),
            (len(self.under_way), "in UPLOAD or DELETING", sorted(self.under_way)),
            (len(self.different), "different", sorted(self.different)),
        ]
        for status in sorted(set(self.dead.values())):
            names = sorted(name for name, held in self.dead.items() if held == status)
            parts.append((len(names), status, names))
        told = [f"{count:,} {what} ({named(names)})" for count, what, names in parts if count]
        return "; ".join(told) or f"all {self.total:,} are there"


def survey(source: SiteClient, destination: SiteClient, bucket: str) -> Survey:
    """Read both lists. The destination's is read first, so that nothing counts as extra that has just been made."""
    found = Survey()
    there = {row.name: row.listed() for row in destination.objects(bucket)}
    for row in (one.listed() for one in source.objects(bucket, statuses=(READY,))):
        _judge(found, row, there.pop(row.name, None))
    found.extra = {name: row for name, row in there.items() if row.status == READY}
    return found


def doomed(found: Survey, asked: Mapping[str, Json]) -> dict[str, Listed]:
    """Return what is to be deleted at the destination: what differs with `replace`, what is extra with `prune`."""
    rows = dict(found.different) if asked.get("replace") is True else {}
    return rows | (found.extra if asked.get("prune") is True else {})


def named(names: list[str]) -> str:
    """List some names."""
    return ", ".join(_some(names))


def _some(names: list[str]) -> Iterator[str]:
    yield from names[:_MOST_NAMED]
    if len(names) > _MOST_NAMED:
        yield f"and {len(names) - _MOST_NAMED:,} more"


def _judge(found: Survey, row: Listed, there: Listed | None) -> None:
    if there is None or there.status == "DELETED":
        found.absent[row.name] = row
    elif there.status in _UNDER_WAY:
        found.under_way.add(row.name)
    elif there.status != READY:
        found.dead[row.name] = there.status if there.status in DEAD else f"in state {there.status}"
    elif row.same_content(there):
        found.ready.add(row.name)
    else:
        found.different[row.name] = row
