"""Changes: desired laid over observed, one for each replication."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.finding import SourceRange
from reconciler.model.observation import ContainerRef, ContainerState, LocationFacts, Observation
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.value import Json, Value

__all__ = ["Action", "Change", "ContainerDiff", "FieldChange", "Reason"]


class Action(StrEnum):
    """What is to happen to one replication."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    """Update of something that exists and was not ours."""
    RESYNC = "resync"
    """Nothing in the configuration changes; data is sent again."""
    NONE = "none"


class Reason(StrEnum):
    """Why. A closed list."""

    NEW_IN_MANIFEST = "new_in_manifest"
    MISSING_LIVE = "missing_live"
    """A receipt says that it was there."""
    MOVED = "moved"
    """A receipt has it in another scope: its source, or who owns it, is another one now."""
    SETTINGS_DIFFER = "settings_differ"
    SECRET_ROTATED = "secret_rotated"  # noqa: S105 the word for it, not one
    CANNOT_CHANGE_IN_PLACE = "cannot_change_in_place"
    EXISTS_AND_DIFFERS = "exists_and_differs"
    """Adopt: found by its identity, and different. Somebody else made it, or a run without a receipt."""
    REMOVED_FROM_MANIFEST = "removed_from_manifest"
    RESYNC_REQUESTED = "resync_requested"
    COPY_OWED = "copy_owed"
    """What was there before should have been sent, and an earlier run did not come to it."""
    IN_SYNC = "in_sync"


class FieldChange(Value):
    """One setting that differs."""

    path: tuple[str, ...]
    """From the Replication's spec: ("destination", "bucket")."""
    before: Json = None
    """None: not set."""
    after: Json = None
    sensitive: bool = False
    """Then before and after are None."""
    forces_replace: bool = False
    where: SourceRange | None = None

    @property
    def dotted(self) -> str:
        """The path as people write it: `destination.bucket`."""
        return ".".join(self.path)


class Change(Value):
    """What differs for one replication, and why."""

    id: str
    """`c1`, `c2`, ... in the order shown."""
    replication: str
    """Its name; for what is no longer written down, the name that a receipt or the identity gives."""
    provider: str
    """The owning provider's name."""
    type: str
    """The owning provider's type."""
    title: str
    """The flow in short: `prod-assets/img/ -> dr-assets`."""
    action: Action
    reason: Reason
    container: ContainerRef
    fields: tuple[FieldChange, ...] = ()
    """Ordered by path. For create, every desired setting; for delete, none."""
    desired: Relationship | None = None
    observed: Relationship | None = None
    observed_in: ContainerRef | None = None
    """The container that `observed` was found in; differs from `container` where the identity itself changes."""
    strangers: tuple[str, ...] = ()
    """Server ids of what answers to the same identity in the scope and is something else: never to be taken for it."""
    proof: str = ""
    """How apply will prove it, and what that writes or starts: `canary at both ends, within 15m`. Empty: not at all."""
    where: SourceRange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerDiff:
    """All that a provider needs to plan the writes of one container."""

    container: ContainerRef
    state: ContainerState | None
    """As read; None if it is not there."""
    changes: tuple[Change, ...]
    """Those that are not `none`, ordered by replication name; never empty."""
    flows: dict[str, Flow]
    """By replication name; a deleted one has none."""
    facts: dict[str, tuple[LocationFacts, LocationFacts]]
    """By replication name: (source, destination)."""
    beside: tuple[tuple[Change, Flow], ...] = ()
    """Replications of the container that do not change themselves, with `none` as their action, ordered by name."""
    resend: frozenset[str] = frozenset()
    """Names of the replications whose existing data shall be sent, whatever else changes: asked for, or owed by a run
    that was cut off."""
    owed: frozenset[str] = frozenset()
    """Those of `resend` that a run which did not come to its end owes: it may have written moments ago."""
    observation: Observation | None = None
    """All of the scope as read, for limits and conflicts between containers; None where nobody has it at hand."""
    creations: int = 0
    """How many other containers of the scope the same plan makes before this one: a limit counts them, too."""
