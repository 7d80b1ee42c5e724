"""The provider contract over one site, each method a few lines over the pure parts and the clients."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

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
from reconciler.providers.clonecloudstore import check, convert, imports, preflight
from reconciler.providers.clonecloudstore.execute import Executor
from reconciler.providers.clonecloudstore.health import LOOKED_AT, health_of
from reconciler.providers.clonecloudstore.identity import pair_key, way_of
from reconciler.providers.clonecloudstore.info import INFO
from reconciler.providers.clonecloudstore.progress import Waits
from reconciler.providers.clonecloudstore.reading import bucket_facts, read_pair
from reconciler.providers.clonecloudstore.sites import Sites
from reconciler.providers.clonecloudstore.steps import plan_steps
from reconciler.providers.clonecloudstore.store import CloneCloudStoreStore

__all__ = ["CloneCloudStoreProvider"]

_WAY = frozenset(
    {("source", "bucket"), ("destination", "bucket"), *((convert.TYPE_KEY, end) for end in ("from", "to", "client"))}
)
"""What makes a way that one."""


class CloneCloudStoreProvider(Provider):
    """One site. A scope is a pair of sites in both directions, and so is a container: all replications between the two
    share what each site knows of the other. The scope bears the name of the first of all documents that name one of the
    two sites, so that both ends mean the same one."""

    info: ClassVar[ProviderInfo] = INFO

    def __init__(self, connection: Connection) -> None:
        self._sites = Sites(connection)
        self._name = connection.doc.name
        self._waits = Waits(self._sites, connection.clock)
        self._executor = Executor(self._sites, self._waits.ordered)

    # Translation, pure ----------------------------------------------------------------------------------------

    def check(self, flow: Flow) -> Iterable[Finding]:
        """Yield what CloneCloudStore cannot hold, and names that it would change."""
        return check.check(flow)

    def check_together(self, flows: Sequence[Flow]) -> Iterable[Finding]:
        """Yield where replications of one pair of sites contradict each other."""
        return check.check_together(flows)

    def scope(self, flow: Flow) -> ScopeRef:
        """Return the pair of sites."""
        way = way_of(flow)
        return self._scope(way.source, way.destination)

    def container(self, flow: Flow) -> ContainerRef:
        """Return the pair of sites."""
        scope = self.scope(flow)
        return ContainerRef(provider=scope.provider, scope=scope.key, key=scope.key)

    def normalise(self, flow: Flow) -> Relationship:
        """Return the replication as it would be read back, as far as it is managed."""
        return convert.normalise(flow)

    def ends(self, flow: Flow) -> tuple[Location, Location]:
        """Return both buckets, which have one name: objects keep theirs."""
        return flow.spec.source, flow.spec.destination

    def preflight(self, flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterable[Finding]:
        """Judge both buckets. One that the destination lacks will be ordered."""
        return preflight.preflight(flow, source, destination)

    def replaces(self, path: tuple[str, ...]) -> bool:
        """Return whether it makes the way another one: the old one goes on until it is removed."""
        return path in _WAY

    def steps(self, diff: ContainerDiff) -> StepPlan:
        """Plan what each site must know of the other, buckets, rights, and the copying of existing objects."""
        return plan_steps(diff)

    def start(self, relationship: Relationship) -> Call | None:  # noqa: ARG002 the contract's
        """Return None: sites copy by themselves."""
        return None

    def imported(self, observation: Observation) -> Iterator[Imported]:
        """Translate what goes from this site elsewhere into manifests."""
        return imports.imported(observation, self._name, self._sites.own.site, self._sites.document)

    # Reads ----------------------------------------------------------------------------------------------------

    def observe(self, scope: ScopeRef) -> Observation:
        """Read both sites: lists, and the buckets and rights of the clients that documents name.

        A scope of an earlier time, when documents had other names or named other sites, is empty: what it held is found
        in the scope of now, and nothing may be removed for its sake.
        """
        if not self._sites.names(scope.provider, scope.key):
            return Observation(scope=scope)
        return convert.observation(scope, read_pair(self._sites, scope.key))

    def inspect(self, location: Location) -> LocationFacts:
        """Look at a bucket: `status`, `clientId`, `right`, `foreign`. One that is not READY does not exist."""
        return bucket_facts(self._sites.own, location.bucket or "")

    def poll(self, wait: Await) -> Progress:
        """Look once."""
        return self._waits.poll(wait)

    def health(self, relationship: Relationship) -> Health:
        """Read whether the destination is UP for the source, and what failed there. Never `ok`: nobody says so."""
        way = convert.way_of_settings(relationship.settings)
        source, there = self._sites.at(way.source, way.client), self._sites.at(way.destination, way.client)
        topology = source.topology(way.destination)
        return health_of(topology, there.objects(way.bucket, statuses=LOOKED_AT))

    def discover(self) -> Iterator[Observation]:
        """Read every pair that this site is one of, one at a time: as far as documents name the other site."""
        for other in self._sites.others:
            yield self.observe(self._scope(self._sites.own.site, other))

    # Writes ---------------------------------------------------------------------------------------------------

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:  # noqa: ARG002 there are none
        """Send one write. What has happened already is not sent again."""
        return self._executor.execute(call)

    def store(self, location: Location) -> Store:
        """Open the objects of a bucket at this site."""
        return CloneCloudStoreStore(self._sites.own, location.bucket or "", location.prefix or "")

    def close(self) -> None:
        """Release all connections."""
        self._sites.close()

    def _scope(self, one: str, other: str) -> ScopeRef:
        key = pair_key(one, other)
        return ScopeRef(provider=self._sites.owner(key), key=key)
