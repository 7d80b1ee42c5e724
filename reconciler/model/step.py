"""Steps: the things that apply will do, as data made at plan time; and the effects predicted for them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from reconciler.model.finding import Finding, Severity
from reconciler.model.relationship import Relationship
from reconciler.model.units import format_bytes
from reconciler.model.value import Json, Value

__all__ = ["Await", "Call", "Effect", "EffectRule", "Estimate", "Ref", "Step", "StepPlan"]


class Ref(Value):
    """A value that an earlier step of the same container returned (`id`: the server's id).

    In a body `{"$ref": {"step": .., "field": ..}}`.
    """

    step: str
    field: str

    def marked(self) -> dict[str, Json]:
        """Return the form in which a body carries it."""
        return {"$ref": {"step": self.step, "field": self.field}}

    @classmethod
    def unmarked(cls, value: Json) -> "Ref | None":
        """Read a reference back from a body, or None if `value` is not one."""
        if isinstance(value, dict) and value.keys() == {"$ref"}:
            return cls.model_validate(value["$ref"])
        return None


class Call(Value):
    """One logical write. Bodies hold secret references (`SecretRef.marked`), never secrets."""

    kind: Literal["call"] = "call"
    id: str
    """From the provider: unique in its container. In a plan: `c1/put`, unique in the plan."""
    operation: str
    """The vendor's own name for it: `PutBucketReplication`, `POST /v3/replication/object-relationships/`."""
    target: str
    """What it is sent to, in the provider's terms: a bucket, a relationship id."""
    summary: str
    """One line for the reader of a plan: `write 3 rules (1 foreign kept)`."""
    idempotent: bool
    """Whether sending it twice is the same as sending it once."""
    body: Json = None
    """What is sent, and only what `execute` needs for that."""
    leaves_absent: bool = False
    """Whether the container is not there any more once this call has worked."""
    guarded: bool = False
    """Whether `execute` itself reads first, refuses what it does not expect there, and sends only what is still to do:
    then a call in doubt is simply executed again."""
    copies: tuple[str, ...] = ()
    """Names of the replications whose existing data this call sends. The container looks the same before and after,
    so such a call counts as done only when it was answered."""
    preserves: tuple[str, ...] = ()
    """Identities of foreign relationships carried through unchanged."""
    in_doubt: bool = Field(default=False, exclude=True)
    """Whether it may have been sent before, unanswered. Said by the host to `execute`; in no plan."""


class Await(Value):
    """A condition to wait for, polled by the host."""

    kind: Literal["await"] = "await"
    id: str
    condition: str
    """The provider's word for it: `job-not-running`, `gone`."""
    target: str
    summary: str
    deadline_s: int
    """Seconds; past that the container has failed."""
    params: Json = None


Step = Annotated[Call | Await, Field(discriminator="kind")]


class Estimate(Value):
    """How much, and how that is known."""

    objects: int | None = None
    bytes: int | None = None
    basis: str
    """`last job on 2026-11-20`, `unknown: the provider does not say`."""

    def __str__(self) -> str:
        """Write `3 objects, 4.2 GiB (last job)`."""
        parts = [f"{self.objects:,} objects"] if self.objects is not None else []
        parts += [format_bytes(self.bytes)] if self.bytes is not None else []
        return f"{', '.join(parts) or 'amount unknown'} ({self.basis})"


class EffectRule(Value):
    """A consequence that a provider is known to have: what `repl explain` tells."""

    id: str
    """`QUMULO-REPLACE`."""
    provider: str
    """The provider type."""
    severity: Severity
    blocks: bool
    """Whether it needs `--allow`."""
    when: str
    happens: str
    instead: str
    """What to do about it."""
    source: str
    """Where this is known from."""
    loses_protection: bool = False
    """Whether the replication is without cover meanwhile or afterwards; counted by the guard `maxLost`."""
    recopies: bool = False
    """Whether data is sent again; counted by the guard `maxRecopy`."""


class Effect(Value):
    """A predicted consequence in one plan."""

    rule: str
    """Id of the EffectRule."""
    severity: Severity
    blocks: bool
    allowed_by: str | None = None
    """`--allow` or the manifest's reason, where a blocking effect was approved."""
    replication: str
    text: str
    """One line about this case, with names and numbers."""
    estimate: Estimate | None = None
    loses_protection: bool = False
    recopies: bool = False

    @property
    def allow(self) -> str:
        """What to write after `--allow`."""
        return f"{self.rule}@{self.replication}"

    @classmethod
    def of(cls, rule: EffectRule, replication: str, text: str, estimate: Estimate | None = None) -> "Effect":
        """Make an effect of a rule's."""
        return cls(
            rule=rule.id, severity=rule.severity, blocks=rule.blocks, replication=replication, text=text,
            estimate=estimate, loses_protection=rule.loses_protection, recopies=rule.recopies,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """A provider's answer for one container."""

    steps: tuple[Step, ...]
    """In order of execution; each sees what earlier ones returned."""
    effects: tuple[Effect, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Reasons why this container cannot be written. An error here means that no step of it is planned."""
    shares: tuple[str, ...] = ()
    """What is read for the container and the steps of others write to, too, as a site: they may change how it looks."""
    revives: tuple[Relationship, ...] = ()
    """What is live once this is done, as it would be observed, was not before, and is nobody's change here: what these
    steps write brings it back."""
