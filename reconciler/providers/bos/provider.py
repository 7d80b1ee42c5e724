"""The provider contract over one region of BOS, each method a few lines over the pure parts and the client."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.change import ContainerDiff
from reconciler.model.finding import Finding
from reconciler.model.manifest import Location
from reconciler.model.observation import ContainerRef, Health, HealthState, LocationFacts, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.step import Await, Call, StepPlan
from reconciler.model.value import Json
from reconciler.providers.base import (
    CallResult,
    Connection,
    Imported,
    Progress,
    Provider,
    ProviderInfo,
    SecretResolver,
    Store,
)
from reconciler.providers.bos import check, convert, imports
from reconciler.providers.bos.client import BosClient
from reconciler.providers.bos.health import health_of
from reconciler.providers.bos.info import INFO
from reconciler.providers.bos.preflight import preflight
from reconciler.providers.bos.steps import DELETE, GONE, PUT, plan_steps
from reconciler.providers.bos.store import BosStore

__all__ = ["BosProvider"]

_HIDDEN = frozenset({ErrorCode.PERMISSION_DENIED, ErrorCode.FAILED_PRECONDITION})
"""Errors about one bucket that say nothing about the others."""
_REFUSALS = frozenset({ErrorCode.INVALID_ARGUMENT, ErrorCode.CONFLICT, ErrorCode.FAILED_PRECONDITION})
_REFUSED = (
    "BOS refuses a rule where there are ten, one equal to it but for the id, an enabled one to be disabled, versioning"
    " on the source, or a destination that is not there or may not be written to: plan again, which looks at these"
)


class BosProvider(Provider):
    """One region. A scope is a source bucket, read with one request; a container is one rule, written on its own."""

    info: ClassVar[ProviderInfo] = INFO

    def __init__(self, connection: Connection) -> None:
        self._name = connection.doc.name
        self._workspace = connection.workspace
        self._client = BosClient(connection)

    # Translation, pure ----------------------------------------------------------------------------------------

    def check(self, flow: Flow) -> Iterable[Finding]:
        """Yield what BOS cannot hold."""
        return check.check(flow)

    def check_together(self, flows: Sequence[Flow]) -> Iterable[Finding]:
        """Yield what the rules of one bucket have with each other."""
        return check.check_together(flows)

    def scope(self, flow: Flow) -> ScopeRef:
        """Return the source bucket."""
        return convert.scope_of(self._name, flow.spec.source.bucket or "")

    def container(self, flow: Flow) -> ContainerRef:
        """Return the rule; its key is the id."""
        return ContainerRef(provider=self._name, scope=self.scope(flow).key, key=convert.identity_of(flow))

    def normalise(self, flow: Flow) -> Relationship:
        """Return the rule as it would be read back, as far as it is managed. Its identity is the rule's id."""
        return Relationship(identity=convert.identity_of(flow), settings=convert.desired_settings(flow))

    def ends(self, flow: Flow) -> tuple[Location, Location]:
        """Return both locations, the destination below its own prefix and the source's.

        A copy has the whole key of its original behind `destination.prefix`: the service calls that a path for what
        arrives, and has no word for taking something off. Proved by every canary.
        """
        source, there = flow.spec.source, flow.spec.destination
        prefix = f"{there.prefix or ''}{source.prefix or ''}"
        return source, there.model_copy(update={"prefix": prefix or None})

    def preflight(self, flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterable[Finding]:
        """Judge buckets, region, versioning and storage classes."""
        return preflight(flow, source, destination)

    def replaces(self, path: tuple[str, ...]) -> bool:
        """Return True for the id alone: all else can be changed in place."""
        return path == ("bos", "id")

    def steps(self, diff: ContainerDiff) -> StepPlan:
        """Plan the writes of one rule."""
        return plan_steps(diff)

    def start(self, relationship: Relationship) -> Call | None:  # noqa: ARG002 the contract's
        """Return None: BOS copies by itself."""
        return None

    def imported(self, observation: Observation) -> Iterator[Imported]:
        """Translate a bucket's rules into manifests."""
        return imports.imported(observation, self._client.config)

    # Reads ----------------------------------------------------------------------------------------------------

    def observe(self, scope: ScopeRef) -> Observation:
        """Read a bucket's rules with one request. No rule and no bucket are both an empty scope."""
        bucket = convert.bucket_of(scope)
        return convert.observation(scope.provider, bucket, self._client.rules(bucket), self._workspace)

    def inspect(self, location: Location) -> LocationFacts:
        """Look at a bucket: `region`, `versioning`, `multi_az`, `archive_objects` and others, as far as told."""
        return self._client.bucket_facts(location.bucket or "")

    def poll(self, wait: Await) -> Progress:
        """Look once whether a rule is `gone`."""
        if wait.condition != GONE:
            raise self._unknown("wait for", wait.condition)
        bucket, name = _place(wait.params)
        held = self._client.rule(bucket, name)
        return Progress(done=held is None, detail="" if held is None else f"rule {name} is still there")

    def health(self, relationship: Relationship) -> Health:
        """Read how far a rule has come. BOS counts neither what waits nor what failed."""
        bucket = str(convert.part(relationship.settings, "source").get("bucket") or "")
        progress = self._client.progress(bucket, relationship.identity)
        if progress is None:
            return Health(state=HealthState.UNKNOWN, detail="there is no such rule")
        return health_of(progress)

    def discover(self) -> Iterator[Observation]:
        """Read every bucket of the region, one at a time, by name.

        Buckets that may not be read do not hide the others: they are named in the error that is raised at the end.
        """
        unread: list[str] = []
        for bucket in self._client.buckets():
            try:
                yield self.observe(convert.scope_of(self._name, bucket))
            except ProviderError as error:
                if error.code not in _HIDDEN:
                    raise
                unread.append(bucket)
        if unread:
            raise ProviderError(
                f"{len(unread)} buckets could not be read, all others were: {', '.join(unread)}",
                code=ErrorCode.PERMISSION_DENIED, provider=self._name, operation="ListBucketReplication",
                hint="give the key FULL_CONTROL of them",
            )  # fmt: skip

    # Writes ---------------------------------------------------------------------------------------------------

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:  # noqa: ARG002 no body holds a secret
        """Send one write of a rule. A rule to delete that is not there is success."""
        bucket, name = _place(call.body)
        if call.operation == DELETE:
            return self._delete(bucket, name)
        rule = convert.part(call.body, "rule") if isinstance(call.body, dict) else {}
        if call.operation != PUT or not rule:
            raise self._unknown("execute", call.operation)
        try:
            return CallResult(request_id=self._client.put_rule(bucket, name, rule))
        except ProviderError as error:
            if error.code in _REFUSALS and not error.hint:
                error.hint = _REFUSED
            raise

    def store(self, location: Location) -> Store:
        """Open the objects of a bucket below a prefix."""
        return BosStore(self._client, location.bucket or "", location.prefix or "")

    def close(self) -> None:
        """Release connections."""
        self._client.close()

    # Inside ---------------------------------------------------------------------------------------------------

    def _delete(self, bucket: str, name: str) -> CallResult:
        try:
            return CallResult(request_id=self._client.delete_rule(bucket, name))
        except ProviderError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return CallResult(request_id=error.request_id, skipped="the rule was not there any more")

    def _unknown(self, what: str, name: str) -> ProviderError:
        return ProviderError(
            f"BOS cannot {what} {name!r}", code=ErrorCode.UNIMPLEMENTED, provider=self._name, operation=name
        )


def _place(body: Json) -> tuple[str, str]:
    """Return (bucket, id of the rule)."""
    given = body if isinstance(body, dict) else {}
    return str(given.get("bucket") or ""), str(given.get("id") or "")
