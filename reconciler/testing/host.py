"""A small host: plans and applies flows over a harness through the engine itself, as the command line does."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.engine.apply import ApplyRequest, apply, finish
from reconciler.engine.changes import Inputs
from reconciler.engine.check import Checked
from reconciler.engine.connect import Connections
from reconciler.engine.converge import find
from reconciler.engine.graph import graph_of
from reconciler.engine.journal import owed_copies
from reconciler.engine.observe import observe
from reconciler.engine.plan import make_plan
from reconciler.engine.selection import Selection
from reconciler.engine.state import StateFolder
from reconciler.engine.unfinished import cut_off, failed_midway
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import API_VERSION, Metadata, ProviderDoc, ReplicationDoc, WorkspaceSpec
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan, PlanOptions
from reconciler.model.receipt import Receipt, RunOutcome
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.step import Call
from reconciler.model.verification import Verification
from reconciler.providers.base import Access, CallResult, Provider, ProviderInfo, SecretResolver
from reconciler.providers.registry import Registry
from reconciler.testing.harness import WORKSPACE, Harness, Sent
from reconciler.verify.run import Job, verify

__all__ = ["Host", "Killed", "Killing"]

_EVERYTHING = Selection(select=("*",))


class Killed(BaseException):
    """The process that applied is gone."""


class Host:
    """Drives one harness. Keeps a state folder from one apply to the next."""

    def __init__(self, harness: Harness, root: Path) -> None:
        self.harness = harness
        self._root = root
        self._lives = 0
        self._flows: dict[str, Flow] = {}
        self._connections: dict[Access, _Connections] = {}

    @property
    def provider(self) -> Provider:
        """The provider under test, open for writing."""
        return self._connected(Access.WRITE).provider("")

    @property
    def reader(self) -> Provider:
        """The provider under test, open for reading only."""
        return self._connected(Access.READ).provider("")

    @property
    def info(self) -> ProviderInfo:
        """What is known of the provider under test."""
        return self.provider.info

    @property
    def state(self) -> StateFolder:
        """Receipts and journals."""
        return StateFolder(self._root / str(self._lives))

    def forget(self) -> None:
        """Lose the state folder, as a fresh checkout on another machine has none."""
        self._lives += 1

    # Planning and applying -------------------------------------------------------------------------------------

    def plan(self, *flows: Flow, prune: bool = False, resync: frozenset[str] = frozenset()) -> Plan:
        """Plan these flows, all effects approved, over connections that only read. Never raises for findings."""
        return self._plan(flows, self._connected(Access.READ), prune=prune, resync=resync)

    def apply(self, plan: Plan, *, wrap: Callable[[Provider], Provider] | None = None) -> Receipt:
        """Apply a plan that this host has made. `wrap` may put something in front of every provider."""
        connections = self._connected(Access.WRITE) if wrap is None else _Connections(self.harness, Access.WRITE, wrap)
        request = ApplyRequest(
            plan=plan,
            flows=self._flows,
            connections=connections,
            secrets=self.harness.secrets,
            state=self.state,
            clock=self.harness.clock,
            parallelism=2,
        )
        try:
            receipt = apply(request)
        finally:
            if wrap is not None:
                connections.close()
        finish(request, receipt)
        return receipt

    def converge(self, *flows: Flow, prune: bool = False) -> Receipt | None:
        """Plan and apply; None if there is nothing to do. AssertionError unless it could be planned and was done."""
        plan = self.plan(*flows, prune=prune)
        assert plan.complete, _told(plan.findings)
        assert not plan.errors, _told(plan.errors)
        assert not plan.blocking
        if not plan.active_changes:
            return None
        receipt = self.apply(plan)
        assert receipt.outcome is RunOutcome.DONE, [(r.code, r.detail) for r in receipt.results]
        return receipt

    def settled(self, *flows: Flow, prune: bool = False) -> None:
        """AssertionError if a plan of these flows is not empty."""
        plan = self.plan(*flows, prune=prune)
        assert plan.complete, _told(plan.findings)
        left = [
            (change.replication, change.action.value, [(one.dotted, one.before, one.after) for one in change.fields])
            for change in plan.active_changes
        ]
        assert not left
        assert not plan.containers

    # Looking ---------------------------------------------------------------------------------------------------

    def observe(self, flow: Flow) -> Observation:
        """Read the flow's scope."""
        return self.reader.observe(self.reader.scope(flow))

    def live(self, flow: Flow) -> Relationship | None:
        """Return what is live of a flow, or None."""
        return find(self.observe(flow), self.reader.normalise(flow).identity)

    def present(self, flow: Flow) -> Relationship:
        """Return what is live of a flow, which must be there."""
        found = self.live(flow)
        assert found is not None, f"{flow.name} is not live"
        return found

    def count(self, flow: Flow) -> int:
        """Count the relationships in the flow's scope."""
        return sum(len(state.relationships) for state in self.observe(flow).containers)

    @contextmanager
    def quiet(self) -> Iterator[list[Sent]]:
        """Collect what the provider sends within the block; the list is filled when it ends."""
        sent: list[Sent] = []
        self.harness.mark()
        yield sent
        sent += self.harness.requests()

    def writes(self) -> list[Sent]:
        """Return the provider's writes since the harness' mark."""
        return [sent for sent in self.harness.requests() if sent.write]

    def verify(self, flow: Flow) -> Verification:
        """Verify one live flow at its own level."""
        connections = self._connected(Access.WRITE)
        job = Job(
            flow=flow,
            provider=connections.provider(flow.owner.name),
            relationship=self.live(flow),
            source=connections.provider(flow.source.name),
            destination=connections.provider(flow.destination.name),
        )
        (proof,) = verify(
            [job], run_id="conformance", clock=self.harness.clock, secrets=self.harness.secrets,
            stop=threading.Event(), emit=lambda _line: None,
        )  # fmt: skip
        return proof

    def close(self) -> None:
        """Close all connections."""
        for connections in self._connections.values():
            connections.close()

    # Inside ----------------------------------------------------------------------------------------------------

    def _connected(self, access: Access) -> "_Connections":
        if access not in self._connections:
            self._connections[access] = _Connections(self.harness, access)
        return self._connections[access]

    def _plan(self, flows: Sequence[Flow], connections: "_Connections", *, prune: bool, resync: frozenset[str]) -> Plan:
        self._flows |= {flow.name: flow for flow in flows}
        workspace = _workspace(self._flows.values(), flows, self._root)
        found = [finding for flow in flows for finding in connections.provider(flow.owner.name).check(flow)]
        checked = Checked(flows=_by_name(flows), graph=graph_of(flows), findings=tuple(found))
        receipt = self.state.receipt()
        inputs = Inputs(
            workspace=workspace,
            connections=connections,
            secrets=self.harness.secrets,
            receipt=receipt,
            selection=_EVERYTHING,
            prune=prune,
            resync=resync,
            owed=owed_copies(self.state),
            cut_off=cut_off(self.state),
            failed=failed_midway(self.state),
        )
        world = observe(checked.flows, inputs.scopes({}), connections, parallelism=2)
        allow = tuple(sorted(rule.id for rule in self.info.effects))
        options = PlanOptions(allow=allow, prune=prune)
        return make_plan(checked, world, inputs, options, self.harness.clock.now())


class _Connections(Connections):
    """Connections that a harness opens. The empty name is the provider under test."""

    def __init__(
        self, harness: Harness, access: Access, wrap: Callable[[Provider], Provider] = lambda provider: provider
    ) -> None:
        super().__init__(_workspace((), (), Path()), Registry(points={}), harness.secrets, access)
        self._harness = harness
        self._wrap = wrap
        self._opened: dict[str, Provider] = {}
        self._guard = threading.Lock()

    def provider(self, name: str) -> Provider:
        """Return the provider of that name."""
        with self._guard:
            if name not in self._opened:
                self._opened[name] = self._wrap(self._harness.connect(self.access, name or None))
            return self._opened[name]

    def known(self, name: str) -> bool:
        """Say that it is: a harness knows all that its flows name."""
        return bool(name)

    def close(self) -> None:
        """Close all that were opened."""
        with self._guard:
            for provider in self._opened.values():
                provider.close()
            self._opened.clear()


class Killing:
    """Stands before a provider and ends the process at one write: before it is sent, or after, unanswered."""

    def __init__(self, provider: Provider, at: int, *, sent: bool) -> None:
        self._provider = provider
        self._left = at
        self._sent = sent

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        """Send one write, or die."""
        self._left -= 1
        if self._left >= 0:
            return self._provider.execute(call, secrets)
        if self._sent:
            self._provider.execute(call, secrets)
        raise Killed

    def __getattr__(self, name: str) -> Any:
        """Everything else is the provider's."""
        return getattr(self._provider, name)


def _by_name(flows: Sequence[Flow]) -> tuple[Flow, ...]:
    return tuple(sorted(flows, key=lambda flow: flow.name))


def _told(findings: Sequence[Finding]) -> list[str]:
    return [f"{finding.code} {finding.detail}" for finding in findings if finding.severity is Severity.ERROR]


def _workspace(known: Iterable[Flow], written: Sequence[Flow], base: Path) -> LoadedWorkspace:
    """Make the workspace that holds these flows; the providers are those of all flows known."""
    docs: dict[str, ProviderDoc] = {doc.name: doc for flow in known for doc in (flow.source, flow.destination)}
    replications = {
        flow.name: ReplicationDoc(
            api_version=API_VERSION, kind="Replication", metadata=Metadata(name=flow.name, labels=flow.labels),
            spec=flow.spec,
        )
        for flow in written
    }  # fmt: skip
    return LoadedWorkspace(
        name=WORKSPACE, settings=WorkspaceSpec(), providers=docs, replications=replications, policies={}, findings=(),
        files=(), base=base.absolute(),
    )  # fmt: skip
