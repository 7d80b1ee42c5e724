"""The provider contract over one Alarik server, each method a few lines over the pure parts and the client."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.change import ContainerDiff
from reconciler.model.finding import Finding
from reconciler.model.manifest import Location
from reconciler.model.observation import ContainerRef, Health, HealthState, LocationFacts, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.step import Await, Call, StepPlan
from reconciler.providers.alarik import check, convert, health, imports, preflight
from reconciler.providers.alarik.client import AlarikClient
from reconciler.providers.alarik.convert import Unreadable
from reconciler.providers.alarik.execute import Executor
from reconciler.providers.alarik.info import INFO
from reconciler.providers.alarik.steps import plan_steps
from reconciler.providers.alarik.store import AlarikStore
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

__all__ = ["AlarikProvider"]


class AlarikProvider(Provider):
    """One server. Scope and container are the same: a bucket's targets and rules."""

    info: ClassVar[ProviderInfo] = INFO

    def __init__(self, connection: Connection) -> None:
        self._name = connection.doc.name
        self._workspace = connection.workspace
        self._client = AlarikClient(connection)
        self._executor = Executor(self._client)

    # Translation, pure ----------------------------------------------------------------------------------------

    def check(self, flow: Flow) -> Iterable[Finding]:
        """Yield what Alarik cannot hold, and what the other end must be."""
        return check.check(flow)

    def check_together(self, flows: Sequence[Flow]) -> Iterable[Finding]:
        """Yield what a bucket has too many of, and where two replications contradict each other."""
        return check.check_together(flows)

    def scope(self, flow: Flow) -> ScopeRef:
        """Return the source bucket."""
        return convert.bucket_scope(self._name, convert.bucket_of(flow))

    def container(self, flow: Flow) -> ContainerRef:
        """Return the source bucket's targets and rules."""
        key = self.scope(flow).key
        return ContainerRef(provider=self._name, scope=key, key=key)

    def normalise(self, flow: Flow) -> Relationship:
        """Return the rule as it would be read back, as far as it is managed. Its identity is the rule's id."""
        return convert.normalise(flow)

    def ends(self, flow: Flow) -> tuple[Location, Location]:
        """Return both locations, the destination with the source's prefix: Alarik keeps keys as they are."""
        source = flow.spec.source
        return source, flow.spec.destination.model_copy(update={"prefix": source.prefix})

    def preflight(self, flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterable[Finding]:
        """Judge owner, versioning, regions and addresses."""
        return preflight.preflight(flow, source, destination)

    def replaces(self, path: tuple[str, ...]) -> bool:  # noqa: ARG002 the contract's
        """Return False: a rule is written over, and where its id changes the new one comes with the same write."""
        return False

    def steps(self, diff: ContainerDiff) -> StepPlan:
        """Plan the writes of both lists, in an order in which no rule loses its target, and the resyncs."""
        return plan_steps(diff, convert.bucket_of_scope(diff.container.key), self._workspace)

    def start(self, relationship: Relationship) -> Call | None:  # noqa: ARG002 the contract's
        """Return None: Alarik copies by itself."""
        return None

    def imported(self, observation: Observation) -> Iterator[Imported]:
        """Translate a bucket's rules into manifests, but for those whose target is gone."""
        return imports.imported(observation)

    # Reads ----------------------------------------------------------------------------------------------------

    def observe(self, scope: ScopeRef) -> Observation:
        """Read a bucket with one request for each list. No replication, and no bucket of ours, are an empty scope."""
        return convert.observation(scope, self._executor.read(convert.bucket_of_scope(scope.key)))

    def inspect(self, location: Location) -> LocationFacts:
        """Look at a bucket: `owned`, `admin`, `versioning`, `queued`, `failed`, and with an access key `region`."""
        return self._client.bucket_facts(location.bucket or "")

    def poll(self, wait: Await) -> Progress:
        """Raise UNIMPLEMENTED: no step of this provider waits, for nothing tells how far a resync is."""
        raise ProviderError(
            f"Alarik cannot wait for {wait.condition!r}", code=ErrorCode.UNIMPLEMENTED, provider=self._name,
            operation=wait.condition,
        )  # fmt: skip

    def health(self, relationship: Relationship) -> Health:
        """Read what waits and what has failed for a rule. Never `ok`: the server forgets what it has delivered."""
        source = relationship.settings.get("source")
        bucket = source.get("bucket") if isinstance(source, dict) else None
        if not isinstance(bucket, str):
            return Health(state=HealthState.UNKNOWN, detail="it is not known which bucket the rule belongs to")
        try:
            return health.health(relationship.identity, relationship.settings, self._client.tasks(bucket))
        except Unreadable as error:
            raise self._executor.unreadable(error, f"GET replication/tasks of {bucket}") from None

    def discover(self) -> Iterator[Observation]:
        """Read every bucket of the user, one at a time, by name. Others' buckets are not shown to anybody else."""
        for bucket in self._client.buckets():
            yield self.observe(convert.bucket_scope(self._name, bucket))

    # Writes ---------------------------------------------------------------------------------------------------

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        """Send one list, or one resync. What stands there now is looked at first; CONFLICT if it has moved."""
        return self._executor.execute(call, secrets)

    def store(self, location: Location) -> Store:
        """Open the objects of a bucket below a prefix. Needs `credentials`."""
        return AlarikStore(self._client, location.bucket or "", location.prefix or "")

    def close(self) -> None:
        """Release connections."""
        self._client.close()
