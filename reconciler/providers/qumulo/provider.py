"""An open cluster: the provider contract, each method a few lines over the pure parts and the client."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, cast

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.change import ContainerDiff
from reconciler.model.finding import Finding
from reconciler.model.manifest import Location
from reconciler.model.observation import ContainerRef, Health, HealthState, LocationFacts, Observation, ScopeRef
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
from reconciler.providers.qumulo import TYPE, certificate, check, convert, imports, steps
from reconciler.providers.qumulo.certificate import Authority
from reconciler.providers.qumulo.client import QumuloClient
from reconciler.providers.qumulo.config import QumuloConfig
from reconciler.providers.qumulo.execute import Executor
from reconciler.providers.qumulo.store import QumuloStore

__all__ = ["QumuloProvider"]


class QumuloProvider(Provider):
    """One cluster.

    A CA file that a flow names for its object store is read once, by the first of `check`, `normalise` and `steps` that
    needs it, and its certificates go into the plan: apply sends what was planned, whatever the file holds by then.
    """

    info: ClassVar[ProviderInfo] = TYPE.info

    def __init__(self, connection: Connection) -> None:
        self._name = connection.doc.name
        self._base = connection.base
        self._config = cast("QumuloConfig", connection.doc.spec.config)
        self._client = QumuloClient(connection, self._config)
        self._executor = Executor(self._client, self._name)
        self._authorities: dict[str, Authority] = {}
        self._lock = threading.Lock()

    def check(self, flow: Flow) -> Iterable[Finding]:
        """Yield every problem that needs no network to be seen."""
        return check.judge(flow, self._config, self._authority(self._config.ca_file), self._authority_of(flow))

    def check_together(self, flows: Sequence[Flow]) -> Iterable[Finding]:  # noqa: ARG002  (the contract's names)
        """Yield nothing: relationships of one cluster do not limit each other."""
        return ()

    def scope(self, flow: Flow) -> ScopeRef:
        """Return the one scope: all relationships of the cluster."""
        return ScopeRef(provider=flow.owner.name, key=convert.SCOPE)

    def container(self, flow: Flow) -> ContainerRef:
        """Return the relationship's own container; its key is the identity."""
        key = convert.identity(convert.desired(flow, None))
        return ContainerRef(provider=flow.owner.name, scope=convert.SCOPE, key=key)

    def normalise(self, flow: Flow) -> Relationship:
        """Return the desired relationship. Raises ProviderError if its CA file cannot be used, as `check` has said."""
        return convert.relationship(convert.desired(flow, self._pem(flow)))

    def ends(self, flow: Flow) -> tuple[Location, Location]:
        """Return both ends; the bucket's with the prefix as the folder that the cluster takes it for."""
        folder = convert.clean_folder(flow.peer_location.prefix)
        peer = flow.peer_location.model_copy(update={"prefix": f"{folder}/" if folder else None})
        own = flow.owned_location
        return (own, peer) if flow.owner_side == "source" else (peer, own)

    def observe(self, scope: ScopeRef) -> Observation:
        """Read all relationships with one request."""
        return convert.observation(scope.provider, self._client.statuses())

    def inspect(self, location: Location) -> LocationFacts:
        """Read what is at a path: facts `id` and `type`."""
        try:
            found = self._client.attributes(convert.clean_path(location.path or "/"))
        except ProviderError as error:
            if error.code is not ErrorCode.PERMISSION_DENIED:
                raise
            return LocationFacts(exists=False, readable=False, problem=error.message)
        return LocationFacts(exists=found is not None, facts={"id": found.id, "type": found.type} if found else {})

    def preflight(self, flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterable[Finding]:
        """Judge the facts of both ends."""
        return check.judge_world(flow, source, destination)

    def replaces(self, path: tuple[str, ...]) -> bool:  # noqa: ARG002  (the contract's name)
        """Return True: nothing can be changed in place. Source: Qumulo REST API guide, v3 object-relationships."""
        return True

    def steps(self, diff: ContainerDiff) -> StepPlan:
        """Plan the calls and waits for one relationship."""
        return steps.plan_steps(diff, {name: self._pem(flow) for name, flow in diff.flows.items()})

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        """Send one write. A create is never repeated; an abort or start that is not needed is not sent."""
        return self._executor.execute(call, secrets)

    def poll(self, wait: Await) -> Progress:
        """Look once: `job-not-running`, `gone`, or `job-finished` (`params.after`: when an earlier job had ended)."""
        return self._executor.poll(wait)

    def health(self, relationship: Relationship) -> Health:
        """Read what the cluster says about the relationship's jobs."""
        status = self._executor.find(relationship.provider_id, relationship.identity)
        if status is None:
            return Health(state=HealthState.UNKNOWN, detail="the relationship is not there")
        return convert.health(status)

    def start(self, relationship: Relationship) -> Call | None:
        """Return the call that starts a job. While one runs, executing it sends nothing and says `skipped`.

        A job that runs already may have begun before the latest data was written.
        """
        return steps.replicate(relationship)

    def discover(self) -> Iterator[Observation]:
        """Read the one scope."""
        yield self.observe(ScopeRef(provider=self._name, key=convert.SCOPE))

    def imported(self, observation: Observation) -> Iterator[Imported]:
        """Translate relationships into manifests; not those whose directory is gone, and none twice."""
        return imports.imported(observation)

    def store(self, location: Location) -> Store:
        """Open the files below a directory."""
        return QumuloStore(self._client, location.path or "/", self._name)

    def close(self) -> None:
        """Release connections."""
        self._client.close()

    def _authority(self, path: str | None) -> Authority:
        if path is None:
            return Authority()
        with self._lock:
            if path not in self._authorities:
                self._authorities[path] = certificate.read(self._base / path)
            return self._authorities[path]

    def _authority_of(self, flow: Flow) -> Authority:
        # A path of the peer's is absolute, so that joining leaves it as it is.
        return self._authority(convert.options_of(flow).ca_file or (flow.peer_s3.ca_file if flow.peer_s3 else None))

    def _pem(self, flow: Flow) -> str | None:
        authority = self._authority_of(flow)
        if authority.problem:
            raise ProviderError(
                f"the object store's CA file cannot be used: {authority.problem}",
                code=ErrorCode.INVALID_ARGUMENT,
                provider=self._name,
                operation=f"plan {flow.name}",
            )
        return authority.pem
