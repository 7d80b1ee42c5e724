"""The contract between the host and a provider.

The host owns the diff, time, retries of whole steps, concurrency and the journal.
A provider owns translation and knowledge: it turns documents into calls and answers into normal form.
"""

import builtins
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol

from pydantic import SecretStr

from reconciler.clock import Clock, SystemClock
from reconciler.model.change import ContainerDiff
from reconciler.model.finding import Finding
from reconciler.model.manifest import Config, Limits, Location, Options, ProviderDoc
from reconciler.model.observation import ContainerRef, Health, LocationFacts, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship, S3Endpoint
from reconciler.model.secret import SecretRef
from reconciler.model.step import Await, Call, EffectRule, StepPlan
from reconciler.model.value import Json
from reconciler.model.verification import ObjectFacts

__all__ = [
    "Access",
    "CallResult",
    "Capability",
    "Connection",
    "Imported",
    "Progress",
    "Provider",
    "ProviderInfo",
    "ProviderType",
    "SecretResolver",
    "Store",
]


class Access(StrEnum):
    """What a connection may do."""

    READ = "read"
    """Anything but reads is refused by the transport, before a byte is sent."""
    WRITE = "write"


class Capability(StrEnum):
    """What a provider type can do. The conformance suite skips a case only for want of one of these."""

    PAUSE = "pause"
    """Holds `state: paused`."""
    DELETES = "deletes"
    """Holds `deletes: replicate`."""
    STORAGE_CLASS = "storage_class"
    TAG_FILTER = "tag_filter"
    EXCLUDE_FILTER = "exclude_filter"
    SCHEDULE = "schedule"
    UPDATE = "update"
    """Changes settings in place; without it every change is a replacement."""
    CONTINUOUS = "continuous"
    """Copies by itself; without it each run is started."""
    RESYNC = "resync"
    """Can send everything again on demand."""
    CLIENT_IDS = "client_ids"
    """The client chooses ids, so a repeated create is harmless."""
    OWNERSHIP_MARK = "ownership_mark"
    """An identity shows whether this workspace made it."""
    STORE = "store"
    """Objects can be listed, read, written and deleted."""
    LOOP_GUARD = "loop_guard"
    """Does not copy again what a replication of the same type brought: two flows may lead in a circle."""
    WHOLE_SYSTEM = "whole_system"
    """A flow takes along every bucket of its source's system, those of other clients and documents too; and whether
    deletions get through is one setting of the destination for all flows into a bucket."""
    REPLICA = "replica"
    """The destination is a whole copy that the system makes and keeps: it need not be there before, nobody else can
    write to it, and what is deleted at the source goes there too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInfo:
    """What is known of a provider type without touching the network or importing its SDK."""

    type: str
    """The key in manifests: `s3`."""
    title: str
    config: builtins.type[Config]
    options: builtins.type[Options]
    capabilities: frozenset[Capability]
    speaks: frozenset[str]
    """Protocols that others may use to reach it: {"s3"}."""
    sends_to: frozenset[str]
    """Protocols that a peer must speak so that this provider, as the source, can own the flow."""
    pulls_from: frozenset[str]
    """Protocols that a peer must speak so that this provider, as the destination, can own the flow."""
    reach: str
    """What its own replication leads to, as a clause: `rules of S3 lead to buckets of the same service`."""
    location_keys: frozenset[str]
    """Which keys of a location apply: {"bucket", "prefix"}."""
    required_location_keys: frozenset[str]
    effects: tuple[EffectRule, ...]
    spec: str
    """The document that the wire format follows: `specs/qumulo/openapi.yaml`."""
    docs: str
    """Its page: `docs/providers/qumulo.md`."""
    chain: str = ""
    """What becomes of a flow whose source is filled by another flow of this type, as a clause; empty if it carries on,
    or if it is enough to say that it does not."""
    dialects: tuple[tuple[str, frozenset[Capability]], ...] = ()
    """What flavours of it can do, by their name in documents, where that is something else than `capabilities`."""


class SecretResolver(Protocol):
    """Turns references into secrets, as late as possible."""

    def resolve(self, ref: SecretRef, *, send_to: str | None = None) -> SecretStr:
        """Return the secret; `send_to` is the host that will get it. Raises ProviderError SECRET, without the value."""
        ...

    def resolve_here(self, ref: SecretRef) -> SecretStr:
        """Return the secret for a use that sends it nowhere, as a digest of it. Raises ProviderError SECRET."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a provider is opened with."""

    doc: ProviderDoc
    secrets: SecretResolver
    access: Access
    base: Path
    """Folder that relative paths of the document (a CA file) are resolved against."""
    limits: Limits = field(default_factory=Limits)
    timeout_s: float = 30.0
    workspace: str = "default"
    """Name of the workspace: what it made carries it, where the system has room for a mark."""
    siblings: tuple[ProviderDoc, ...] = ()
    """The workspace's other documents of the same type, by name: for a provider that has to call both ends itself."""
    clock: Clock = field(default_factory=SystemClock)
    """For conditions that only time fulfils; the host sleeps by the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """What one write came to."""

    returned: dict[str, Json] = field(default_factory=dict)
    """For later steps and the journal; holds no secret. A creation says under `provider_id` which id `observe` will
    give what it has made, where it gives ids: by that the host knows it from what others make under an equal name."""
    request_id: str | None = None
    skipped: str = ""
    """Why nothing was sent, where the write was not needed any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One look at an awaited condition."""

    done: bool
    detail: str = ""
    percent: float | None = None
    failed: str = ""
    """Why it will never come true; empty while it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One live relationship, ready to be written as a manifest."""

    relationship: Relationship
    container: ContainerRef
    suggested_name: str
    source: Json
    """The `source` mapping of a Replication's spec; without a `provider` where that end is not this provider."""
    destination: Json
    spec: dict[str, Json]
    """The other keys of the spec, the options' key included."""
    peer: S3Endpoint | None
    """How the other end is reached, so that the host can find or suggest its Provider document."""
    beyond: str = ""
    """What a Provider document for the other end has to reach, where `peer` cannot say it: `region kr-east1`."""
    renamed: dict[str, Json] = field(default_factory=dict)
    """What the spec has to say besides if the replication is not called `suggested_name`, as identities may tell."""
    by_hand: tuple[str, ...] = ()
    """What the system does not give back and somebody has to know or to write, one sentence each without its dot."""


class Store(Protocol):
    """The objects below one location. Keys are relative to the location, `/`-separated, any Unicode."""

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        """Yield objects whose key starts with `prefix`, strictly ascending by the UTF-8 bytes of the key."""
        ...

    def head(self, key: str) -> ObjectFacts | None:
        """Return what is known of one object, or None if it is not there."""
        ...

    def read(self, key: str) -> BinaryIO:
        """Open one object for reading. Raises ProviderError NOT_FOUND."""
        ...

    def write(
        self,
        key: str,
        data: BinaryIO,
        size: int,
        *,
        metadata: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> ObjectFacts:
        """Write one object whole, creating what folders it needs. Stores without metadata or tags leave them out."""
        ...

    def delete(self, key: str) -> None:
        """Delete one object as a client would: a versioned bucket keeps a delete marker. Absence is no error."""
        ...

    def purge(self, key: str) -> None:
        """Remove one object with all its versions and delete markers, and folders below the location left empty."""
        ...


class Provider(Protocol):
    """An open connection to one system. Construction touches no network; the first request does.

    Pure methods (`check`, `check_together`, `scope`, `container`, `normalise`, `preflight`, `steps`) see no network
    and no clock. Every other method raises ProviderError and nothing else. All methods may be called from several
    threads.
    """

    info: ClassVar[ProviderInfo]

    def check(self, flow: Flow) -> Iterable[Finding]:
        """Yield every problem that needs no network to be seen, each with its `path` in the Replication document."""
        ...

    def check_together(self, flows: Sequence[Flow]) -> Iterable[Finding]:
        """Yield every problem that the flows of one scope have with each other: limits, colliding ids. Pure.

        Called once for each scope, with all flows that this provider owns there, ordered by name.
        """
        ...

    def scope(self, flow: Flow) -> ScopeRef:
        """Return what must be read for this flow. Pure."""
        ...

    def container(self, flow: Flow) -> ContainerRef:
        """Return what must be written for this flow. Pure."""
        ...

    def normalise(self, flow: Flow) -> Relationship:
        """Return the desired relationship in the form `observe` would return it. Pure; absent keys are not managed."""
        ...

    def ends(self, flow: Flow) -> tuple[Location, Location]:
        """Return (source, destination) such that equal relative keys name the same data at both ends. Pure.

        S3 keeps keys as they are, so there the destination gets the source's prefix.
        """
        ...

    def observe(self, scope: ScopeRef) -> Observation:
        """Read one scope. Never writes; absence is a value."""
        ...

    def inspect(self, location: Location) -> LocationFacts:
        """Read what one end looks like: does it exist, may we look, versioning, region, ids. Never writes."""
        ...

    def preflight(self, flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterable[Finding]:
        """Judge the facts of both ends for a flow that shall be active. Pure."""
        ...

    def replaces(self, path: tuple[str, ...]) -> bool:
        """Say whether a setting cannot be changed in place. Pure."""
        ...

    def steps(self, diff: ContainerDiff) -> StepPlan:
        """Plan the fewest calls and waits that make one container as desired, and predict their effects. Pure."""
        ...

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        """Send one write and return at once. Never repeats an ambiguous write by itself.

        Raises:
            ProviderError: with `ambiguous=True` if the write may have happened.
        """
        ...

    def poll(self, wait: Await) -> Progress:
        """Look once whether an awaited condition holds. Never blocks, never writes."""
        ...

    def health(self, relationship: Relationship) -> Health:
        """Read what the system says about an observed relationship's data plane."""
        ...

    def start(self, relationship: Relationship) -> Call | None:
        """Return the call that makes data flow now, for systems that do not copy by themselves; else None. Pure."""
        ...

    def discover(self) -> Iterator[Observation]:
        """Read every scope of this system, one at a time."""
        ...

    def imported(self, observation: Observation) -> Iterator[Imported]:
        """Translate what was observed into manifests. Pure."""
        ...

    def store(self, location: Location) -> Store:
        """Open the objects below one location."""
        ...

    def close(self) -> None:
        """Release connections. May be called twice."""
        ...


class ProviderType(Protocol):
    """What an entry point of the group `repl.providers` names: a module-level object, cheap to import."""

    info: ProviderInfo

    def s3_endpoint(self, config: Config, base: Path) -> S3Endpoint | None:
        """Return the S3 face of a system with this configuration, or None if it has none. Pure."""
        ...

    def connect(self, connection: Connection) -> Provider:
        """Open a provider. This is where its SDK is imported."""
        ...
