"""What one verification is about, and what all of one run share."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.clock import Clock
from reconciler.model.manifest import State
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.verification import Check, Comparison, Level, Outcome, Verdict, Verification
from reconciler.providers.base import Provider, SecretResolver

__all__ = ["Emit", "Interrupted", "Job", "NotJudged", "NotProved", "Record", "Run"]

Emit = Callable[[str], None]
"""Takes one line about what is going on, beginning with the replication's name."""


class Interrupted(Exception):
    """The user asked to stop."""


class NotProved(Exception):
    """The evidence is against it; the text says what was seen."""


class NotJudged(Exception):
    """There is no evidence either way; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One replication to verify."""

    flow: Flow
    provider: Provider
    """The owner."""
    relationship: Relationship | None
    """As observed; None if nothing live was found."""
    source: Provider
    destination: Provider
    since: datetime | None = None
    """From when on it stands as it does, by the receipt; None if that is not known."""

    @property
    def name(self) -> str:
        """The replication's name."""
        return self.flow.name

    @property
    def paused(self) -> bool:
        """Whether it shall stand still."""
        return self.flow.spec.state is State.PAUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all jobs of one run share."""

    id: str
    """Unique; part of every canary's key."""
    clock: Clock
    secrets: SecretResolver
    stop: threading.Event
    emit: Emit


@dataclass(slots=True, kw_only=True)
class Record:
    """What has been seen so far for one replication."""

    replication: str
    level: Level
    canary: bool = True
    """Whether a canary is part of it."""
    arrived: bool = False
    """Whether the canary has proved the flow."""
    stage: str = "health"
    """What is being looked at: the name of the check that an error becomes."""
    checks: list[Check] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    lag_s: float | None = None
    bytes_written: int = 0
    compared: Comparison | None = None
    outcome: Outcome = Outcome.NOT_CHECKED
    reason: str = ""

    @property
    def to_compare(self) -> bool:
        """Whether all objects are to be compared now: asked for, and no canary stands against it."""
        return self.level.compares and (self.arrived or not self.canary)

    def note(self, name: str, verdict: Verdict, detail: str = "") -> None:
        """Add one thing that was looked at."""
        self.checks.append(Check(name=name, verdict=verdict, detail=detail))

    def conclude(self, outcome: Outcome, reason: str = "") -> None:
        """Set the answer; a later one replaces it."""
        self.outcome, self.reason = outcome, reason

    def verification(self) -> Verification:
        """Return it as a value."""
        return Verification(
            replication=self.replication,
            level=self.level,
            outcome=self.outcome,
            checks=tuple(self.checks),
            lag_s=self.lag_s,
            bytes_written=self.bytes_written,
            compared=self.compared,
            not_checked=tuple(self.not_checked),
            reason=self.reason,
        )
