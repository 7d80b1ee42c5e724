"""The four kinds of document that people write."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializeAsAny, StringConstraints, model_validator

from reconciler.model.secret import SecretRef
from reconciler.model.units import Bytes, Seconds
from reconciler.model.value import Document, canonical_json
from reconciler.model.verification import Level

__all__ = [
    "API_VERSION",
    "AcceptedDrift",
    "Allow",
    "Config",
    "Default",
    "Deletes",
    "Existing",
    "Filter",
    "FlowEnds",
    "FlowRule",
    "Guards",
    "Limits",
    "Location",
    "Metadata",
    "Mounts",
    "Name",
    "Options",
    "PolicySpec",
    "ProviderDoc",
    "ProviderSpec",
    "ReplicationDoc",
    "ReplicationSpec",
    "Schedule",
    "State",
    "VerifySpec",
    "WorkspaceSpec",
]

API_VERSION = "repl/v1"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""Lower-case letters, digits and inner hyphens, at most 63: safe in rule ids, file names and shells."""


class Options(Document):
    """Root of the options that one provider type adds to a Replication, under the type's own key."""

    def chosen(self) -> tuple[str, ...]:
        """Say what of the source they choose, beyond `filter`: equal for options that choose the same."""
        return ()


class Config(Document):
    """Root of one provider type's connection settings, under the type's own key."""

    def system(self) -> str:
        """Name the system that this reaches: equal for two documents that lead to the same one, of whatever types.

        A type that knows its address returns `host:port` in lower case, the port always written. By default the type
        and all its settings together, secret references left out.
        """
        settings = self.model_dump(mode="json", exclude_none=True)
        plain = {key for key in settings if not isinstance(getattr(self, key), SecretRef)}
        return f"{type(self).__name__} {canonical_json({key: settings[key] for key in plain})}"

    def asked_as(self, location: "Location") -> "tuple[Location, ...]":  # noqa: ARG002 for types that need it
        """Return a place as it may have been asked for, where a system gives another name than it was asked for."""
        return ()


class State(StrEnum):
    """Whether the flow shall run."""

    ACTIVE = "active"
    PAUSED = "paused"


class Deletes(StrEnum):
    """Whether deletions at the source reach the destination."""

    KEEP = "keep"
    REPLICATE = "replicate"


class Existing(StrEnum):
    """What happens with data that was there before the rule."""

    IGNORE = "ignore"
    COPY = "copy"


class Metadata(Document):
    """Name and labels of a document."""

    name: Name
    labels: dict[str, str] = {}
    """For `--select`, defaults and policies."""
    annotations: dict[str, str] = {}
    """Free text; never interpreted."""


class Location(Document):
    """A place in a provider. Which of the keys apply depends on the provider's type."""

    provider: Name
    bucket: str | None = Field(default=None, min_length=1)
    prefix: str | None = None
    """Key prefix inside the bucket; left out and empty both mean the whole bucket."""
    path: str | None = Field(default=None, pattern=r"^/")
    """Absolute path of a directory."""
    volume: str | None = Field(default=None, min_length=1)


class Filter(Document):
    """What of the source takes part."""

    exclude: tuple[str, ...] | None = None
    """Globs of keys left out."""
    tags: dict[str, str] | None = None
    """Object tags that must all be present."""


class Schedule(Document):
    """How often the flow shall run, where runs are separate jobs."""

    every: Seconds


class Mounts(Document):
    """Where this machine has both ends mounted, for systems whose objects are reached only so."""

    source: str = Field(pattern=r"^/.")
    """Absolute path of the folder that the source's volume is mounted on, writable."""
    destination: str = Field(pattern=r"^/.")
    """Absolute path of the folder that the destination's volume is mounted on; read-only will do for a replica."""


class VerifySpec(Document):
    """What counts as proof for this replication."""

    level: Level = Level.CANARY
    within: Seconds = 900
    """How long the proof may take."""
    mounts: Mounts | None = None
    """Where files of both ends can be reached, if their system has no way of its own."""


class Allow(Document):
    """A reviewed approval of one effect."""

    effect: str = Field(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)+$")
    reason: str = Field(min_length=1)
    expires: date
    """Last day on which the approval holds, UTC."""


class ReplicationSpec(Document):
    """What shall be copied from where to where. A key left out is not managed; an empty one is managed to be empty."""

    source: Location
    destination: Location
    state: State | None = None
    deletes: Deletes | None = None
    existing: Existing | None = None
    storage_class: str | None = Field(default=None, min_length=1)
    filter: Filter | None = None
    schedule: Schedule | None = None
    protect: bool = False
    """No delete and no replace, whatever the flags."""
    verify: VerifySpec = VerifySpec()
    allow: tuple[Allow, ...] = ()
    options: SerializeAsAny[Options] | None = Field(default=None, exclude=True)
    """The owning provider's own options; in YAML they stand under its type's key (`s3:`), never under `options`."""


class ReplicationDoc(Document):
    """One desired flow."""

    api_version: Literal["repl/v1"]
    kind: Literal["Replication"]
    metadata: Metadata
    spec: ReplicationSpec

    @property
    def name(self) -> str:
        """The document's name."""
        return self.metadata.name


class Limits(Document):
    """How hard a provider may be driven."""

    concurrency: int = Field(default=8, ge=1, le=256)
    """Requests at a time."""
    rate: float | None = Field(default=None, gt=0)
    """Requests per second; no limit if left out."""


class ProviderSpec(Document):
    """A connection. In YAML the type is the key (`s3: {...}`)."""

    type: str
    config: SerializeAsAny[Config]
    limits: Limits = Limits()


class ProviderDoc(Document):
    """A configured connection to one system."""

    api_version: Literal["repl/v1"]
    kind: Literal["Provider"]
    metadata: Metadata
    spec: ProviderSpec

    @property
    def name(self) -> str:
        """The document's name."""
        return self.metadata.name


class Match(Document):
    """Labels that must all be equal; `not` turns another match round."""

    labels: dict[str, str] = {}
    negate: dict[str, str] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_mapping(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.keys() <= {"labels", "negate"}:
            return value
        return {"labels": {k: v for k, v in value.items() if k != "not"}, "negate": value.get("not")}

    def accepts(self, labels: dict[str, str]) -> bool:
        """Say whether these labels match."""
        wanted = self.labels.items() <= labels.items()
        return wanted and (self.negate is None or not self.negate.items() <= labels.items())


class FlowEnds(Document):
    """Labels of the providers at both ends of a flow."""

    source: Match = Field(default=Match(), alias="from")
    destination: Match = Field(default=Match(), alias="to")


class FlowRule(Document):
    """One rule about where data may go."""

    deny: FlowEnds
    reason: str = Field(min_length=1)


class Guards(Document):
    """Limits on what one apply may do. More than that is refused with exit code 4."""

    max_lost: int | None = Field(default=None, ge=0)
    """Replications that may lose protection: deleted, replaced or paused."""
    max_recopy: Bytes | None = None
    """Bytes that may be copied again; an unknown amount counts as more."""


class PolicySpec(Document):
    """Rules over all replications."""

    flows: tuple[FlowRule, ...] = ()
    guards: Guards = Guards()


class Default(Document):
    """Spec keys for every Replication whose labels match and that leaves them out."""

    match: dict[str, str] = {}
    spec: dict[str, Any]


class AcceptedDrift(Document):
    """Drift that is known and tolerated for a while."""

    replication: Name
    path: str = Field(min_length=1)
    """Dotted path of the field: `destination.bucket`; `*` for any."""
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    expires: date


class WorkspaceSpec(Document):
    """Settings for all documents of a workspace."""

    prune: bool = False
    """Whether `--prune` may delete what is ours and no longer written down."""
    vars: dict[str, str | int | float | bool] = {}
    """Values for `{{ vars.x }}`."""
    defaults: tuple[Default, ...] = ()
    accept_drift: tuple[AcceptedDrift, ...] = ()
    plan_expiry: Seconds = 86_400
    """How long a saved plan may be applied."""

    @model_validator(mode="after")
    def _positive_expiry(self) -> Self:
        if self.plan_expiry <= 0:
            raise ValueError("planExpiry must be longer than 0s")
        return self
