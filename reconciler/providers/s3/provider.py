"""The provider contract over one S3 service."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.change import ContainerDiff
from reconciler.model.finding import Finding
from reconciler.model.manifest import Location
from reconciler.model.observation import ContainerRef, Health, HealthState, LocationFacts, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship, S3Endpoint
from reconciler.model.step import Await, Call, StepPlan
from reconciler.model.value import Json
from reconciler.providers.base import CallResult, Connection, Imported, Progress, ProviderInfo, SecretResolver
from reconciler.providers.s3.check import check
from reconciler.providers.s3.client import S3Api
from reconciler.providers.s3.config import Flavour, S3Config
from reconciler.providers.s3.convert import Dialect, desired_settings
from reconciler.providers.s3.document import DocumentError
from reconciler.providers.s3.imported import imported_rules
from reconciler.providers.s3.info import INFO, RGW_INFO
from reconciler.providers.s3.preflight import preflight
from reconciler.providers.s3.rules import bucket_scope, observed_container
from reconciler.providers.s3.steps import DELETE, PUT, plan_steps
from reconciler.providers.s3.together import check_together, identity_of
from reconciler.providers.s3_objects import S3Store

__all__ = ["RgwProvider", "S3Provider", "open_provider"]

_HIDDEN = frozenset({ErrorCode.PERMISSION_DENIED, ErrorCode.FAILED_PRECONDITION, ErrorCode.UNIMPLEMENTED})
"""Errors about one bucket that say nothing about the others."""
_RGW_REFUSAL = (
    "is there a sync policy on the zonegroup? Ceph takes no replication before (radosgw-admin sync group ...)"
)


class S3Provider:
    """An open connection to one service. Scope and container are the same: a bucket's whole rule set."""

    info: ClassVar[ProviderInfo] = INFO

    def __init__(self, connection: Connection, config: S3Config) -> None:
        self._connection = connection
        self._name = connection.doc.name
        self._config = config
        self._dialect = Dialect.of(config)
        self._api = S3Api(connection, config)

    # Translation, pure ----------------------------------------------------------------------------------------

    def check(self, flow: Flow) -> Iterable[Finding]:
        """Yield what S3 cannot hold."""
        return check(flow)

    def check_together(self, flows: Sequence[Flow]) -> Iterable[Finding]:
        """Yield what the flows of one bucket have with each other."""
        return check_together(flows)

    def scope(self, flow: Flow) -> ScopeRef:
        """Return the source bucket."""
        return bucket_scope(self._name, flow.spec.source.bucket or "")

    def container(self, flow: Flow) -> ContainerRef:
        """Return the source bucket's rule set."""
        key = self.scope(flow).key
        return ContainerRef(provider=self._name, scope=key, key=key)

    def normalise(self, flow: Flow) -> Relationship:
        """Return the rule as it would be read back, as far as it is managed. Its identity is the rule's id."""
        return Relationship(identity=identity_of(flow), settings=desired_settings(flow))

    def ends(self, flow: Flow) -> tuple[Location, Location]:
        """Return both locations, the destination with the source's prefix: S3 keeps keys as they are."""
        source = flow.spec.source
        return source, flow.spec.destination.model_copy(update={"prefix": source.prefix})

    def preflight(self, flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterable[Finding]:
        """Judge buckets, versioning, region and object lock."""
        return preflight(flow, source, destination)

    def replaces(self, path: tuple[str, ...]) -> bool:  # noqa: ARG002 the contract's
        """Return False: every setting of a rule can be changed in place."""
        return False

    def steps(self, diff: ContainerDiff) -> StepPlan:
        """Plan one write of the bucket's rules."""
        return plan_steps(diff, diff.container.key.removeprefix("bucket/"), self._dialect)

    def start(self, relationship: Relationship) -> Call | None:  # noqa: ARG002 the contract's
        """Return None: S3 copies by itself."""
        return None

    def imported(self, observation: Observation) -> Iterator[Imported]:
        """Translate a bucket's rules into manifests."""
        ceph = self._dialect.is_ceph
        for state in observation.containers:
            yield from imported_rules(state, self._name, peer=self._peer(), role=self._config.role, ceph=ceph)

    # Reads ----------------------------------------------------------------------------------------------------

    def observe(self, scope: ScopeRef) -> Observation:
        """Read a bucket's rules with one request. No configuration and no bucket are both an empty scope."""
        text = self._api.replication(scope.key.removeprefix("bucket/"))
        if text is None:
            return Observation(scope=scope)
        try:
            state = observed_container(scope, text, self._connection.workspace, self._dialect)
        except DocumentError as error:
            raise ProviderError(
                str(error), code=ErrorCode.PROTOCOL, provider=self._name, operation="GetBucketReplication",
                hint="is this an S3 service, and not a proxy in front of it?",
            ) from error  # fmt: skip
        return Observation(scope=scope, containers=(state,) if state else ())

    def inspect(self, location: Location) -> LocationFacts:
        """Look at a bucket: `region`, `versioning` (Enabled, Suspended or None) and `objectLock`, as far as told."""
        bucket = location.bucket or ""
        try:
            region = self._api.head_bucket(bucket)
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return LocationFacts(exists=False)
            if error.code is ErrorCode.PERMISSION_DENIED:
                return LocationFacts(exists=True, readable=False, problem="access is denied")
            raise
        facts: dict[str, Json] = {}
        denied = [
            name
            for name, look in (
                ("region", lambda: region or self._api.location(bucket)),
                ("versioning", lambda: self._api.versioning(bucket)),
            )
            if not self._looked(facts, name, look)
        ]
        self._looked(facts, "objectLock", lambda: self._api.object_lock(bucket))
        problem = f"access to {' and '.join(denied)} is denied" if denied else ""
        return LocationFacts(exists=True, readable=not denied, facts=facts, problem=problem)

    def poll(self, wait: Await) -> Progress:
        """Raise UNIMPLEMENTED: no step of this provider waits."""
        raise self._unknown("wait for", wait.condition)

    def health(self, relationship: Relationship) -> Health:
        """Say whether the rule is paused. S3 has no call that tells how a bucket's replication is getting on."""
        if relationship.settings.get("state") == "paused":
            return Health(state=HealthState.PAUSED, detail="the rule is disabled")
        return Health(
            state=HealthState.UNKNOWN,
            detail="S3 does not say how a rule is getting on; a canary does, or CloudWatch with `s3.metrics: enabled`",
        )

    def discover(self) -> Iterator[Observation]:
        """Read every bucket in the provider's region, one at a time, by name.

        Buckets that may not be read do not hide the others: they are named in the error that is raised at the end.
        """
        unread: list[str] = []
        for bucket, region in sorted(self._api.buckets()):
            if self._config.endpoint is None and region not in (None, self._config.region):
                continue
            try:
                yield self.observe(bucket_scope(self._name, bucket))
            except ProviderError as error:
                if error.code not in _HIDDEN:
                    raise
                unread.append(bucket)
        if unread:
            raise ProviderError(
                f"{len(unread)} buckets could not be read, all others were: {', '.join(unread)}",
                code=ErrorCode.PERMISSION_DENIED, provider=self._name, operation="GetBucketReplication",
                hint="grant s3:GetReplicationConfiguration on them",
            )  # fmt: skip

    # Writes ---------------------------------------------------------------------------------------------------

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:  # noqa: ARG002 no body holds a secret
        """Send one configuration, or remove it. Nothing to remove is success."""
        if call.operation == DELETE:
            return self._remove(call.target)
        text = call.body.get("xml") if isinstance(call.body, dict) else None
        if call.operation != PUT or not isinstance(text, str):
            raise self._unknown("execute", call.operation)
        try:
            return CallResult(request_id=self._api.put_replication(call.target, text))
        except ProviderError as error:
            if self._dialect.is_ceph and error.status == 405:
                error.hint, error.code = _RGW_REFUSAL, ErrorCode.FAILED_PRECONDITION
            raise

    def store(self, location: Location) -> S3Store:
        """Open the objects of a bucket below a prefix."""
        return S3Store(self._api, location.bucket or "", location.prefix or "")

    def close(self) -> None:
        """Release connections."""
        self._api.close()

    # Inside ---------------------------------------------------------------------------------------------------

    def _remove(self, bucket: str) -> CallResult:
        try:
            return CallResult(request_id=self._api.delete_replication(bucket))
        except ProviderError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return CallResult(request_id=error.request_id, skipped="there was no configuration any more")

    def _looked(self, facts: dict[str, Json], name: str, look: Callable[[], Json]) -> bool:
        """Note one fact. False if it may not be read; a server without the call leaves it out too."""
        try:
            facts[name] = look()
        except ProviderError as error:
            if error.code is ErrorCode.PERMISSION_DENIED:
                return False
            if error.code not in (ErrorCode.UNIMPLEMENTED, ErrorCode.INVALID_ARGUMENT, ErrorCode.NOT_FOUND):
                raise
        return True

    def _peer(self) -> S3Endpoint:
        config = self._config
        return S3Endpoint(url=config.url, region=config.region, path_style=config.in_path)

    def _unknown(self, what: str, name: str) -> ProviderError:
        return ProviderError(
            f"S3 cannot {what} {name!r}", code=ErrorCode.UNIMPLEMENTED, provider=self._name, operation=name
        )


class RgwProvider(S3Provider):
    """The same over Ceph, which holds less."""

    info: ClassVar[ProviderInfo] = RGW_INFO


def open_provider(connection: Connection) -> S3Provider:
    """Open a provider of the flavour configured. Touches no network."""
    config = connection.doc.spec.config
    if not isinstance(config, S3Config):
        raise TypeError(f"{connection.doc.name} is not configured as `s3`")
    kind = RgwProvider if config.flavour is Flavour.RGW else S3Provider
    return kind(connection, config)
