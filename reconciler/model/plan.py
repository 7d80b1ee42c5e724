"""The plan: a frozen document with an id, which `apply` executes as it stands."""

from datetime import datetime
from typing import Literal, Self

from reconciler.model.change import Action, Change
from reconciler.model.finding import Finding, Severity
from reconciler.model.observation import ContainerRef, ScopeRef
from reconciler.model.relationship import Relationship
from reconciler.model.step import Await, Call, Effect, Step
from reconciler.model.value import Value, digest

__all__ = ["FORMAT_VERSION", "ContainerPlan", "Plan", "PlanOptions", "Read", "SourceFile", "Summary", "Unmanaged"]

FORMAT_VERSION = "1.0"
"""Minor versions add keys, major versions break readers."""


class SourceFile(Value):
    """One manifest file that the plan was made from."""

    path: str
    """As shown to the user: relative to where the command ran."""
    sha256: str


class PlanOptions(Value):
    """The command line's part in a plan."""

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    prune: bool = False
    allow: tuple[str, ...] = ()


class Read(Value):
    """One container's fingerprint at plan time."""

    container: ContainerRef
    fingerprint: str


class Unmanaged(Value):
    """Something live that no manifest describes and that stays as it is."""

    container: ContainerRef
    identity: str
    ours: bool = False
    """Made by this workspace, no longer written down, and kept because nothing was told to prune it."""


class ContainerPlan(Value):
    """The writes of one container."""

    container: ContainerRef
    changes: tuple[str, ...]
    """Ids of the changes that it serves."""
    reads: tuple[Read, ...]
    """Fingerprints that must still hold when it is applied."""
    steps: tuple[Step, ...] = ()
    desired: tuple[Relationship, ...] = ()
    """Relationships that must be found in it afterwards."""
    gone: tuple[str, ...] = ()
    """Identities that must not be found in the scope afterwards."""
    gone_ids: dict[str, str] = {}
    """By identity the server's id of what must be gone, where there is one: another one of that identity may stay."""
    strangers: tuple[str, ...] = ()
    """Server ids of what stood in the scope, answers to an identity named here, and is not meant."""
    shares: tuple[str, ...] = ()
    """What other containers write to as well, as a site: once one of those was begun, this one may look another way."""
    level: int = 0
    """Containers of a lower level come first; those of one level run concurrently."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """The writes alone."""
        return tuple(step for step in self.steps if isinstance(step, Call))

    @property
    def awaits(self) -> tuple[Await, ...]:
        """The waits alone."""
        return tuple(step for step in self.steps if isinstance(step, Await))


class Summary(Value):
    """Counts for the last line."""

    create: int = 0
    update: int = 0
    replace: int = 0
    delete: int = 0
    adopt: int = 0
    resync: int = 0
    none: int = 0
    calls: int = 0
    blocked: int = 0
    unmanaged: int = 0

    @property
    def changes(self) -> int:
        """How many replications something happens to."""
        return self.create + self.update + self.replace + self.delete + self.adopt + self.resync


class Plan(Value):
    """What would happen, call by call. Reading one never executes anything."""

    format_version: str = FORMAT_VERSION
    kind: Literal["repl.plan"] = "repl.plan"
    tool_version: str
    plan_id: str = ""
    """`sha256:` over the canonical JSON of everything else."""
    workspace: str
    created_at: datetime
    expires_at: datetime
    files: tuple[SourceFile, ...]
    variables: str = ""
    """Digest of the values of all variables, `--var` included; empty if there are none."""
    options: PlanOptions
    complete: bool
    """False if some scope could not be read; such a plan cannot be applied."""
    applyable: bool
    """True if there is something to do and nothing forbids it."""
    scopes: tuple[ScopeRef, ...] = ()
    """All that was read."""
    unread: tuple[ScopeRef, ...] = ()
    """All that could not be read."""
    after_run: str | None = None
    """The last run that was applied when it was made: once there is a later one, this plan is stale."""
    changes: tuple[Change, ...] = ()
    """One for each replication selected, `none` included, ordered by name."""
    containers: tuple[ContainerPlan, ...] = ()
    effects: tuple[Effect, ...] = ()
    findings: tuple[Finding, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    summary: Summary = Summary()

    def computed_id(self) -> str:
        """Compute the id that this content must have."""
        return digest(self.model_dump(mode="json", exclude={"plan_id"}))

    def sealed(self) -> Self:
        """Return the same plan with its id."""
        return self.model_copy(update={"plan_id": self.computed_id()})

    @property
    def short_id(self) -> str:
        """The first twelve hex digits of the id, for people."""
        return self.plan_id.removeprefix("sha256:")[:12]

    @property
    def blocking(self) -> tuple[Effect, ...]:
        """Effects that need an approval and have none."""
        return tuple(effect for effect in self.effects if effect.blocks and effect.allowed_by is None)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that forbid an apply."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def active_changes(self) -> tuple[Change, ...]:
        """Changes that are not `none`."""
        return tuple(change for change in self.changes if change.action is not Action.NONE)
