"""The journal of one apply and the receipt that sums it up."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from reconciler.model.observation import ContainerRef
from reconciler.model.relationship import Relationship
from reconciler.model.value import Json, Value
from reconciler.model.verification import Verification

__all__ = [
    "ContainerOutcome",
    "ContainerResult",
    "JournalEntry",
    "JournalEvent",
    "Receipt",
    "ReceiptEntry",
    "RunOutcome",
    "plain_name",
]


class JournalEvent(StrEnum):
    """What one line of the journal says."""

    RUN_STARTED = "run_started"
    CONTAINER_STARTED = "container_started"
    CALL_PENDING = "call_pending"
    """Written before the request is sent: from here on the call may have happened."""
    CALL_DONE = "call_done"
    CALL_FAILED = "call_failed"
    """The provider refused it: it did not happen."""
    AWAIT_DONE = "await_done"
    CONTAINER_DONE = "container_done"
    CONTAINER_FAILED = "container_failed"
    CONTAINER_SETTLED = "container_settled"
    """A later run has come through what this one had left there."""
    COPIES_SETTLED = "copies_settled"
    """The receipt of a later run tells of these copies, as far as they are still owed."""
    RECEIPT_WRITTEN = "receipt_written"
    RUN_FINISHED = "run_finished"


class JournalEntry(Value):
    """One line of a journal."""

    format_version: str = "1.0"
    at: datetime
    event: JournalEvent
    run_id: str
    plan_id: str
    container: str | None = None
    place: ContainerRef | None = None
    """With `container_started`: the container as `plan` knows it."""
    step: str | None = None
    returned: dict[str, Json] = {}
    """What the call returned, for later steps; holds no secret."""
    request_id: str | None = None
    strangers: tuple[str, ...] = ()
    """With `container_started`: server ids of what answers to the same identity and is not meant."""
    copies: tuple[str, ...] = ()
    """Replications whose existing data is owed from here on (`container_started`), or was sent (`call_done`), or is
    told of by a receipt (`copies_settled`)."""
    replications: tuple[str, ...] = ()
    """With `container_started`: names of the replications that are to be changed there."""
    detail: str = ""


class ContainerOutcome(StrEnum):
    """How one container ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not started: something that it depends on failed, or the run was interrupted."""


class ContainerResult(Value):
    """How one container ended, and why."""

    container: ContainerRef
    outcome: ContainerOutcome
    calls: int = 0
    """Writes that were sent."""
    code: str = ""
    """The error's code, where it failed: `PERMISSION_DENIED`, `PROVIDER-DID-NOT-CONVERGE`."""
    detail: str = ""
    hint: str = ""
    fingerprint: str = ""
    """As read back afterwards."""


class RunOutcome(StrEnum):
    """How one apply ended."""

    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    UNVERIFIED = "unverified"
    INTERRUPTED = "interrupted"


class ReceiptEntry(Value):
    """One replication as it was left."""

    provider: str
    type: str
    container: ContainerRef
    relationship: Relationship
    """What was managed, in normal form, with the server's id as read back. `unreadable`: what was sent, and not shown
    when it was read back."""
    secrets: dict[str, str] = {}
    """Dotted setting path to a salted digest of the write-only value that was sent."""
    applied_at: datetime
    since: datetime | None = None
    """When it was first applied with the ends and the filter that it has; None in receipts of older versions."""
    run_id: str
    protected: bool = False
    """`protect: true` when it was applied: then even a pruning apply does not delete it."""
    gone: bool = False
    """In no manifest and not live when it was last looked for; kept, for something else may bring it back."""
    strangers: tuple[str, ...] = ()
    """Server ids of what answered to its identity when it was last applied, and is something else."""
    verification: Verification | None = None


def plain_name(entry: str) -> str:
    """Return the replication of a receipt's entry: what it has left behind elsewhere is `NAME@PLACE`."""
    return entry.partition("@")[0]


class Receipt(Value):
    """What this workspace has made of the world so far, and what the last run did to it."""

    format_version: str = "1.0"
    kind: Literal["repl.receipt"] = "repl.receipt"
    tool_version: str
    workspace: str
    run_id: str
    plan_id: str
    actor: str
    started_at: datetime
    finished_at: datetime
    outcome: RunOutcome
    results: tuple[ContainerResult, ...] = ()
    verifications: tuple[Verification, ...] = ()
    owed: tuple[str, ...] = ()
    """Names of the replications whose existing data should have been sent and was not, sorted."""
    replications: dict[str, ReceiptEntry] = {}
    """By name: all that this workspace manages, from this run and earlier ones."""
