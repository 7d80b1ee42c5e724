"""Volumes, snapshots and replications as they are kept. Moments are of the clock's ``monotonic()``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

_DAY: Final = 86_400.0

#: Seconds between two transfers. A month is taken for thirty days.
PERIODS: Final[Mapping[str, float]] = {
    "5min": 300.0,
    "hourly": 3600.0,
    "daily": _DAY,
    "weekly": 7 * _DAY,
    "monthly": 30 * _DAY,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may mount a volume."""

    object_type: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume. ``due`` is when ``state`` changes: ``creating`` to ``available``, or ``deleting`` to gone.

    A replica that is being made is ``creating`` without ``due``: its replication says when.
    """

    id: str
    name: str
    region: str
    protocol: str
    type_name: str
    created: datetime
    state: str = "available"
    due: float | None = None
    password: str | None = field(default=None, repr=False)
    recovery: bool = False
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot. ``replication`` is set on those that a replication made; ``kept``: its files are still there."""

    id: str
    volume: str
    name: str
    created: datetime
    size: int
    replication: str | None = None
    kept: bool = False


class Phase(StrEnum):
    """Where a replication is in its life."""

    CREATING = "creating"
    SETTLED = "settled"
    ERROR = "error"
    DELETING = "deleting"
    #: Gone from the replica's region, still seen in the source's.
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Change:
    """A PUT that was accepted. What is None stays as it is."""

    due: float
    policy: str | None = None
    frequency: str | None = None
    retention: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What transfers have moved since the replication was created."""

    transfers: int = 0
    files: int = 0
    bytes: int = 0
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replication:
    """One replication. ``due`` is when ``phase`` changes (None: never by itself), ``next`` that of the next transfer.

    ``policy`` has its meaning only once the replication is no longer ``CREATING``.
    """

    id: str
    type: str
    source: str
    source_region: str
    replica: str
    replica_region: str
    frequency: str
    retention: int | None
    created: datetime
    policy: str = "use"
    phase: Phase = Phase.CREATING
    due: float | None = None
    changes: tuple[Change, ...] = ()
    next: float | None = None
    tally: Tally = Tally()

    @property
    def period(self) -> float:
        return PERIODS[self.frequency]

    @property
    def transfers(self) -> bool:
        return self.phase is Phase.SETTLED and self.policy == "use"
