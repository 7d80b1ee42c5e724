"""What a nightly look finds: live against the last receipt, and apart from that, manifests against it."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from reconciler.model.change import FieldChange
from reconciler.model.finding import Finding, Severity, SourceRange
from reconciler.model.observation import Health, ScopeRef
from reconciler.model.value import Value

__all__ = ["DriftItem", "DriftReport", "DriftState"]


class DriftState(StrEnum):
    """What is true of one replication. Drift and pending are never mixed up."""

    IN_SYNC = "in_sync"
    """Also of what is gone and no manifest describes any more: there is nothing to do."""
    DRIFTED = "drifted"
    """Live differs from the last receipt."""
    VANISHED = "vanished"
    """A receipt says it was made, a manifest still describes it; live it is gone."""
    ACCEPTED = "accepted"
    """Drifted, and every differing field has an entry under `acceptDrift` that has not expired."""
    CUT_OFF = "cut_off"
    """Live differs from the last receipt where an apply that did not come to its end was changing it: what that has
    done, and what somebody else may have done, cannot be told apart."""
    PENDING = "pending"
    """The manifest differs from the last receipt: an apply is due. Live may well be as the receipt says."""
    NEVER_APPLIED = "never_applied"
    UNKNOWN = "unknown"
    """Its scope could not be read."""


class DriftItem(Value):
    """One replication."""

    replication: str
    provider: str
    title: str
    state: DriftState
    fields: tuple[FieldChange, ...] = ()
    """For drift: before is the receipt, after is live."""
    pending: tuple[FieldChange, ...] = ()
    """For pending: before is the receipt, after is the manifest."""
    health: Health | None = None
    """None where nothing live was found, or health was not asked for. Where the provider would not tell it, that is a
    finding, and the report is not complete."""
    dead: bool = False
    """Enabled, and without a success for several times its schedule, or failed by the provider's own word."""
    detail: str = ""
    where: SourceRange | None = None


class DriftReport(Value):
    """The answer of `repl drift`."""

    format_version: str = "1.0"
    kind: Literal["repl.drift"] = "repl.drift"
    tool_version: str
    workspace: str
    created_at: datetime
    complete: bool
    """False if some scope or the health of some flow could not be read: then that all is well would be a lie."""
    unread: tuple[ScopeRef, ...] = ()
    items: tuple[DriftItem, ...] = ()
    """Ordered by replication name."""
    findings: tuple[Finding, ...] = ()

    @property
    def drifted(self) -> tuple[DriftItem, ...]:
        """Items that make the exit code 2."""
        return tuple(i for i in self.items if i.dead or i.state in (DriftState.DRIFTED, DriftState.VANISHED))

    @property
    def half_made(self) -> tuple[DriftItem, ...]:
        """Items that an apply without an end may have left so: they make the exit code 2, too."""
        return tuple(item for item in self.items if item.state is DriftState.CUT_OFF)

    @property
    def hindered(self) -> tuple[str, ...]:
        """Names of applied replications that an error finding speaks against, as versioning that was switched off."""
        against = {finding.replication for finding in self.findings if finding.severity is Severity.ERROR}
        applied = (item for item in self.items if item.state is not DriftState.NEVER_APPLIED)
        return tuple(item.replication for item in applied if item.replication in against)

    @property
    def pending(self) -> tuple[DriftItem, ...]:
        """Items for which an apply is due."""
        return tuple(i for i in self.items if i.state in (DriftState.PENDING, DriftState.NEVER_APPLIED))
