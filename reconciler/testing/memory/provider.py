"""The shortest correct reading of the provider contract, over a `MemoryWorld`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.change import ContainerDiff
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import Config, Location
from reconciler.model.observation import ContainerRef, ContainerState, Health, LocationFacts, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship, S3Endpoint, Settings
from reconciler.model.secret import SecretRef
from reconciler.model.step import Await, Call, StepPlan
from reconciler.model.value import Json, digest
from reconciler.providers.base import (
    Access,
    CallResult,
    Connection,
    Imported,
    Progress,
    Provider,
    ProviderInfo,
    SecretResolver,
)
from reconciler.testing.memory import records
from reconciler.testing.memory.config import INFO, Grain, MemoryConfig, MemoryOptions, info_for
from reconciler.testing.memory.operations import OPERATIONS, Request
from reconciler.testing.memory.records import Document, Rule, WorldError
from reconciler.testing.memory.steps import one_relationship, whole_container
from reconciler.testing.memory.store import MemoryStore
from reconciler.testing.memory.world import MemoryWorld

__all__ = ["MemoryProvider", "MemoryType"]

T = TypeVar("T")
CLUSTER = "cluster"
KNOWN = ("source", "destination", "state", "deletes", "storageClass", "filter", "memory")


class MemoryProvider:
    """An open connection to one world."""

    info: ClassVar[ProviderInfo] = INFO

    def __init__(self, connection: Connection, config: MemoryConfig) -> None:
        self._connection = connection
        self._name = connection.doc.name
        self._config = config
        self._whole = config.grain is Grain.CONTAINER

    # Translation, pure -----------------------------------------------------------------------------------------

    def check(self, flow: Flow) -> Iterable[Finding]:
        """Yield what a world cannot hold."""
        if flow.spec.schedule is not None:
            yield Finding(
                code="REPL-C900",
                severity=Severity.ERROR,
                summary="The provider has no schedule",
                detail=f"{self._name} copies by itself or when told to, never by a schedule.",
                hint="remove `schedule`",
                replication=flow.name,
                path=("spec", "schedule"),
            )

    def check_together(self, flows: Sequence[Flow]) -> Iterable[Finding]:  # noqa: ARG002  (the contract's names)
        """Yield nothing: the world of this provider has no limits."""
        return ()

    def scope(self, flow: Flow) -> ScopeRef:
        """Return the source bucket, or the whole world."""
        return ScopeRef(provider=self._name, key=f"bucket/{flow.spec.source.bucket}" if self._whole else CLUSTER)

    def container(self, flow: Flow) -> ContainerRef:
        """Return the bucket's rules, or the one relationship."""
        scope = self.scope(flow)
        return ContainerRef(provider=self._name, scope=scope.key, key=scope.key if self._whole else self._tuple(flow))

    def normalise(self, flow: Flow) -> Relationship:
        """Write what is managed as the world would return it."""
        identity = f"repl.{flow.workspace}.{flow.name}" if self._whole else self._tuple(flow)
        return Relationship(identity=identity, settings=self._settings(flow), write_only=_write_only(flow))

    def ends(self, flow: Flow) -> tuple[Location, Location]:
        """Return both locations as they are: a world maps prefix to prefix."""
        return flow.spec.source, flow.spec.destination

    def preflight(self, flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterable[Finding]:
        """Say which bucket is missing."""
        for side, facts in (("source", source), ("destination", destination)):
            if facts.readable and not facts.exists:
                yield Finding(
                    code="REPL-W900",
                    severity=Severity.ERROR,
                    summary="Bucket does not exist",
                    detail=f"The {side} bucket of {flow.name} does not exist.",
                    hint="create it",
                    replication=flow.name,
                    path=("spec", side, "bucket"),
                )

    def replaces(self, path: tuple[str, ...]) -> bool:
        """Say so for what the configuration lists, and for what makes up the identity."""
        dotted = ".".join(path)
        listed = any(rule == "*" or f"{dotted}.".startswith(f"{rule}.") for rule in self._config.replace)
        return listed or (not self._whole and path[0] in ("source", "destination"))

    def steps(self, diff: ContainerDiff) -> StepPlan:
        """Plan one container."""
        return whole_container(diff) if self._whole else one_relationship(diff, continuous=self._config.continuous)

    def start(self, relationship: Relationship) -> Call | None:
        """Return the call that starts a job, where jobs have to be started."""
        if self._config.continuous:
            return None
        return Call(
            id="start", operation="start", target=self._target(relationship), summary="start a job", idempotent=False,
            body=self._address(relationship),
        )  # fmt: skip

    def imported(self, observation: Observation) -> Iterator[Imported]:
        """Translate everything observed into manifests."""
        for state in observation.containers:
            for relationship in state.relationships:
                settings = dict(relationship.settings)
                source, destination = _mapping(settings.pop("source")), _mapping(settings.pop("destination"))
                here = destination.pop("world") == self._config.world
                yield Imported(
                    relationship=relationship,
                    container=state.ref,
                    suggested_name=self._given_name(relationship) or f"{source['bucket']}-to-{destination['bucket']}",
                    source={"provider": self._name, **source},
                    destination={"provider": self._name, **destination} if here else destination,
                    spec=settings,
                    peer=None,
                )

    # Reads -----------------------------------------------------------------------------------------------------

    def observe(self, scope: ScopeRef) -> Observation:
        """Read a bucket's rules, or all relationships."""
        if self._whole:
            bucket = scope.key.removeprefix("bucket/")
            held = self._ask("read", "get-rules", scope.key, lambda world: world.rules.get(bucket, {}))
            groups = {scope.key: list(held.values())} if held else {}
        else:
            listed = self._ask("read", "list-relationships", CLUSTER, lambda world: world.relationships)
            groups = {}
            for rule in listed.values():
                groups.setdefault(_title(rule.document), []).append(rule)
        states = (self._state(scope, key, rules) for key, rules in sorted(groups.items()))
        return Observation(scope=scope, containers=tuple(states))

    def inspect(self, location: Location) -> LocationFacts:
        """Look whether the bucket is there."""
        bucket = location.bucket or ""
        exists = self._ask("read", "head-bucket", f"bucket/{bucket}", lambda world: bucket in world.buckets)
        return LocationFacts(exists=exists, facts={"world": self._config.world})

    def poll(self, wait: Await) -> Progress:
        """Look whether a relationship runs no job."""
        key = str(_mapping(wait.params)["id"])

        def looked(world: MemoryWorld) -> Progress:
            rule = world.relationships.get(key)
            return Progress(done=rule is None or rule.job is None, detail="a job is running" if rule else "gone")

        return self._ask("read", "get-status", wait.target, looked)

    def health(self, relationship: Relationship) -> Health:
        """Read one rule's status."""

        address = self._address(relationship)

        def looked(world: MemoryWorld) -> Health:
            rule = world.rule(address["id"], address.get("bucket"))
            state, backlog = world.health(rule)
            return Health(state=state, last_success_at=rule.last_success_at, backlog=backlog, failed=rule.failed)

        return self._ask("read", "get-status", self._target(relationship), looked)

    def discover(self) -> Iterator[Observation]:
        """Read every bucket's rules, or all relationships."""
        keys = [CLUSTER]
        if self._whole:
            buckets = self._ask("read", "list-buckets", CLUSTER, lambda world: sorted(world.buckets))
            keys = [f"bucket/{bucket}" for bucket in buckets]
        for key in keys:
            yield self.observe(ScopeRef(provider=self._name, key=key))

    # Writes ----------------------------------------------------------------------------------------------------

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        """Send one write."""
        body = _mapping(call.body)
        documents = body.get("rules") or {"": body.get("document", {})}
        tokens = {key: self._token(document, secrets) for key, document in documents.items()}
        request = Request(body=body, tokens=tokens, continuous=self._config.continuous)
        act = OPERATIONS[call.operation]
        returned = self._ask("write", call.operation, call.target, lambda world: act(world, request) or {})
        return CallResult(returned=returned)

    def store(self, location: Location) -> MemoryStore:
        """Open the objects of a bucket below a prefix."""
        writable = self._connection.access is Access.WRITE
        return MemoryStore(
            self._name, self._config.world, location.bucket or "", location.prefix or "", writable=writable
        )

    def close(self) -> None:
        """Release nothing: there is nothing held."""

    # Inside ----------------------------------------------------------------------------------------------------

    def _ask(self, access: records.Access, operation: str, target: str, act: Callable[[MemoryWorld], T]) -> T:
        if access == "write" and self._connection.access is Access.READ:
            raise ProviderError(
                "a write on a connection that only reads",
                code=ErrorCode.READ_ONLY, provider=self._name, operation=operation,
            )  # fmt: skip
        try:
            world = MemoryWorld.named(self._config.world)
            return world.ask(access, operation, target, lambda: act(world))
        except WorldError as error:
            raise ProviderError(
                str(error), code=error.code, provider=self._name, operation=operation, ambiguous=error.ambiguous
            ) from error

    def _settings(self, flow: Flow) -> Settings:
        spec, peer = flow.spec, flow.destination.spec.config
        world = peer.world if isinstance(peer, MemoryConfig) else ""
        bucket, prefix = spec.destination.bucket, spec.destination.prefix or ""
        settings: Settings = {
            "source": {"bucket": spec.source.bucket, "prefix": spec.source.prefix or ""},
            "destination": {"world": world, "bucket": bucket, "prefix": prefix},
        }
        plain = {"state": spec.state, "deletes": spec.deletes, "storageClass": spec.storage_class}
        settings |= {key: str(value) for key, value in plain.items() if value is not None}
        chosen: dict[str, Json] = {}
        if spec.filter is not None and spec.filter.exclude is not None:
            chosen["exclude"] = list[Json](sorted(set(spec.filter.exclude)))
        if spec.filter is not None and spec.filter.tags is not None:
            chosen["tags"] = dict(spec.filter.tags)
        if chosen:
            settings["filter"] = chosen
        if isinstance(spec.options, MemoryOptions) and spec.options.priority is not None:
            settings["memory"] = {"priority": spec.options.priority}
        return settings

    def _tuple(self, flow: Flow) -> str:
        return _title(self._settings(flow))

    def _state(self, scope: ScopeRef, key: str, rules: list[Rule]) -> ContainerState:
        documents = {rule.id: rule.document for rule in rules}
        return ContainerState(
            ref=ContainerRef(provider=self._name, scope=scope.key, key=key),
            fingerprint=digest(documents),
            relationships=tuple(sorted(map(self._relationship, rules), key=lambda found: found.identity)),
            document=documents,
        )

    def _relationship(self, rule: Rule) -> Relationship:
        settings = {key: rule.document[key] for key in KNOWN}
        if self._whole:
            owned = rule.id.startswith(f"repl.{self._connection.workspace}.")
            return Relationship(identity=rule.id, settings=settings, owned=owned)
        return Relationship(identity=_title(rule.document), settings=settings, provider_id=rule.id)

    def _given_name(self, relationship: Relationship) -> str:
        """Return the replication that an identity names as ours; empty if it is not ours, or names none."""
        mark = f"repl.{self._connection.workspace}."
        return relationship.identity.removeprefix(mark) if self._whole and relationship.owned else ""

    def _address(self, relationship: Relationship) -> dict[str, Any]:
        if self._whole:
            return {"id": relationship.identity, "bucket": _mapping(relationship.settings["source"])["bucket"]}
        return {"id": relationship.provider_id}

    def _target(self, relationship: Relationship) -> str:
        if self._whole:
            return f"bucket/{_mapping(relationship.settings['source'])['bucket']}"
        return relationship.identity

    def _token(self, document: Any, secrets: SecretResolver) -> str | None:
        ref = SecretRef.unmarked(document.get("token"))
        return None if ref is None else secrets.resolve(ref, send_to=self._config.world).get_secret_value()


class MemoryType:
    """What the registry finds."""

    info = INFO

    def s3_endpoint(self, config: Config, base: Path) -> S3Endpoint | None:  # noqa: ARG002 the contract's
        """Return None: a world speaks no S3."""
        return None

    def connect(self, connection: Connection) -> Provider:
        """Open a provider whose `info` says what is true of this configuration."""
        config = connection.doc.spec.config
        if not isinstance(config, MemoryConfig):
            raise TypeError(f"{connection.doc.name} is not configured as `memory`")
        return _variant(info_for(config))(connection, config)


@lru_cache
def _variant(known: ProviderInfo) -> type[MemoryProvider]:
    class Variant(MemoryProvider):
        info = known

    return Variant


def _title(document: Document | Settings) -> str:
    source, destination = _mapping(document["source"]), _mapping(document["destination"])
    there = f"{destination['world']}:{destination['bucket']}/{destination['prefix']}"
    return f"{source['bucket']}/{source['prefix']} -> {there}"


def _write_only(flow: Flow) -> dict[str, SecretRef]:
    options = flow.spec.options
    ref = options.token if isinstance(options, MemoryOptions) else None
    return {} if ref is None else {"memory.token": ref}


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"a mapping was expected, not {type(value).__name__}")
    return dict(value)
