"""The provider contract over one region of SCP, each method a few lines over the pure parts and the clients."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.change import ContainerDiff
from reconciler.model.finding import Finding
from reconciler.model.manifest import Location
from reconciler.model.observation import ContainerRef, Health, LocationFacts, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.step import Await, Call, StepPlan
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
from reconciler.providers.scp import check, convert, imports
from reconciler.providers.scp.convert import PASSWORD, options_of
from reconciler.providers.scp.execute import Executor
from reconciler.providers.scp.health import health_of
from reconciler.providers.scp.identity import is_id
from reconciler.providers.scp.info import INFO
from reconciler.providers.scp.preflight import preflight
from reconciler.providers.scp.progress import Waits
from reconciler.providers.scp.reading import facts_of, resolve, sourced
from reconciler.providers.scp.regions import Regions
from reconciler.providers.scp.steps import plan_steps

__all__ = ["ScpProvider"]

_FIXED = frozenset({
    ("source", "volume"), ("destination", "volume"), ("scp", "region"), ("scp", "type"), ("scp", "cifsPassword"),
})  # fmt: skip
"""Settings that no request changes. Source: SCP API reference, ReplicationUpdateRequest."""


class ScpProvider(Provider):
    """One region. A scope is a source volume, read with a list and one request for each replication in it; a container
    is one replication. The replica's region is reached through another of the workspace's documents."""

    info: ClassVar[ProviderInfo] = INFO

    def __init__(self, connection: Connection) -> None:
        self._name = connection.doc.name
        self._regions = Regions(connection)
        self._executor = Executor(self._regions)
        self._waits = Waits(self._regions)

    # Translation, pure ----------------------------------------------------------------------------------------

    def check(self, flow: Flow) -> Iterable[Finding]:
        """Yield what SCP cannot hold."""
        return check.check(flow)

    def check_together(self, flows: Sequence[Flow]) -> Iterable[Finding]:
        """Yield what the replications of one volume have with each other."""
        return check.check_together(flows)

    def scope(self, flow: Flow) -> ScopeRef:
        """Return the source volume as written: by name or by id."""
        return convert.scope_of(self._name, flow.spec.source.volume or "")

    def container(self, flow: Flow) -> ContainerRef:
        """Return the replication; its key is the identity."""
        return ContainerRef(provider=self._name, scope=self.scope(flow).key, key=convert.identity_of(flow))

    def normalise(self, flow: Flow) -> Relationship:
        """Return the replication as it would be read back, as far as it is managed."""
        password = options_of(flow).cifs_password
        return Relationship(
            identity=convert.identity_of(flow),
            settings=convert.desired_settings(flow),
            write_only={PASSWORD: password} if password is not None else {},
        )

    def ends(self, flow: Flow) -> tuple[Location, Location]:
        """Return both volumes: a replica holds what its source holds, at the same paths."""
        return flow.spec.source, flow.spec.destination

    def preflight(self, flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterable[Finding]:
        """Judge the source volume, and whether it can be replicated to that region."""
        return preflight(flow, source, destination)

    def replaces(self, path: tuple[str, ...]) -> bool:
        """Return True for volumes, region, type and password: policy, frequency and retention change in place."""
        return path in _FIXED

    def steps(self, diff: ContainerDiff) -> StepPlan:
        """Plan the calls and waits of one replication."""
        return plan_steps(diff, self._regions.reaches)

    def start(self, relationship: Relationship) -> Call | None:  # noqa: ARG002 the contract's
        """Return None: SCP copies by its own schedule, and has no call that makes it copy now."""
        return None

    def imported(self, observation: Observation) -> Iterator[Imported]:
        """Translate a volume's replications into manifests."""
        return imports.imported(observation, self._regions.document)

    # Reads ----------------------------------------------------------------------------------------------------

    def observe(self, scope: ScopeRef) -> Observation:
        """Read what a volume is the source of. No replication and no volume are both an empty scope."""
        client, written = self._regions.own, convert.volume_of(scope)
        if is_id(written):
            return convert.observation(scope, sourced(client, written))
        found = resolve(client, written)
        return convert.observation(scope, sourced(client, found.id) if found is not None else ())

    def inspect(self, location: Location) -> LocationFacts:
        """Look at a volume: `id`, `state`, `protocol`, `type_name`, `purpose`, and where it may be replicated to."""
        return facts_of(self._regions.own, location.volume or "")

    def poll(self, wait: Await) -> Progress:
        """Look once."""
        return self._waits.poll(wait)

    def health(self, relationship: Relationship) -> Health:
        """Read status and policy, and the state of both volumes. SCP has no word for how far it has come."""
        replication_id, _, source = (relationship.provider_id or "").partition("/")
        own = self._regions.own
        shown = own.replication(replication_id, source) if source else None
        if shown is None:
            return health_of(None, None, None)
        peer = self._regions.at(shown.replication_volume_region)
        return health_of(shown, own.volume(source), peer.volume(shown.replication_volume_id))

    def discover(self) -> Iterator[Observation]:
        """Read every volume of the region, one at a time, by name.

        A manifest may call a volume by its name or by its id: what has replications is told under both, the name first,
        unless several have one name.
        """
        volumes = sorted(self._regions.own.volumes(), key=lambda one: (one.name, one.id))
        names = [one.name for one in volumes]
        for volume in volumes:
            shown = tuple(sourced(self._regions.own, volume.id))
            if names.count(volume.name) == 1:
                yield convert.observation(convert.scope_of(self._name, volume.name), shown, volume.protocol)
            if shown or names.count(volume.name) > 1:
                yield convert.observation(convert.scope_of(self._name, volume.id), shown, volume.protocol)

    # Writes ---------------------------------------------------------------------------------------------------

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        """Send one write. What has happened already is not sent again."""
        return self._executor.execute(call, secrets)

    def store(self, location: Location) -> Store:
        """Refuse: files of a volume are reached through a mount only, and that is not the service's to give."""
        raise ProviderError(
            f"files of {location.volume} are reached through a mount only",
            code=ErrorCode.UNIMPLEMENTED, provider=self._name, operation="open a store",
            hint="mount both volumes and write `verify: {mounts: {source: ..., destination: ...}}`",
        )  # fmt: skip

    def close(self) -> None:
        """Release the connections of all regions."""
        self._regions.close()
