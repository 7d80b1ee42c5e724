"""A workspace on disk over worlds in memory: the whole engine, driven as the command line drives it."""

import itertools
import threading
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

from reconciler.cli.catalog import RegistryCatalog
from reconciler.engine.apply import ApplyRequest, apply, finish
from reconciler.engine.changes import Inputs
from reconciler.engine.check import Checked, check
from reconciler.engine.connect import Connections
from reconciler.engine.drift import find_drift
from reconciler.engine.events import ApplyEvent
from reconciler.engine.journal import owed_copies
from reconciler.engine.observe import observe
from reconciler.engine.plan import make_plan
from reconciler.engine.selection import Selection
from reconciler.engine.state import StateFolder
from reconciler.engine.unfinished import cut_off, failed_midway
from reconciler.manifest.load import load
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.drift import DriftReport
from reconciler.model.plan import Plan, PlanOptions
from reconciler.model.receipt import Receipt
from reconciler.providers.base import Access
from reconciler.providers.registry import GROUP, Registry
from reconciler.testing.clock import ManualClock
from reconciler.testing.memory import MemoryWorld, Secrets

REGISTRY = Registry.installed([EntryPoint(name="memory", value="reconciler.testing.memory:TYPE", group=GROUP)])

_numbers = itertools.count()

PRUNING = "apiVersion: repl/v1\nkind: Workspace\nmetadata: {name: default}\nspec: {prune: true}\n"
"""A workspace's document that lets replications be deleted."""
PROVIDERS = """
apiVersion: repl/v1
kind: Provider
metadata: {{name: here, labels: {{site: one}}}}
spec: {{memory: {{world: {here}, grain: {grain}, replace: {replace}}}}}
---
apiVersion: repl/v1
kind: Provider
metadata: {{name: there, labels: {{site: two}}}}
spec: {{memory: {{world: {there}}}}}
"""


@dataclass
class Workbench:
    """Two worlds, `here` with the sources and `there` with the destinations, and manifests about them."""

    root: Path
    grain: str = "container"
    replace: tuple[str, ...] = ()
    clock: ManualClock = field(default_factory=ManualClock)
    events: list[ApplyEvent] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        number = next(_numbers)
        buckets = ("a", "b", "c", "d")
        self.here = MemoryWorld.create(f"here-{number}", clock=self.clock, buckets=buckets)
        self.there = MemoryWorld.create(f"there-{number}", clock=self.clock, buckets=buckets)
        names = {"here": self.here.name, "there": self.there.name, "grain": self.grain, "replace": list(self.replace)}
        self.write("providers.yaml", PROVIDERS.format(**names))

    def write(self, name: str, text: str) -> None:
        """Write one manifest file."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(dedent(text), encoding="utf-8")

    def replicate(self, name: str, bucket: str = "a", to: str = "b", prefix: str = "", **spec: object) -> None:
        """Write one replication into a file of its own."""
        extra = "".join(f"  {key}: {_yaml(value)}\n" for key, value in spec.items())
        where = f", prefix: {prefix!r}" if prefix else ""
        self.write(
            f"r-{name}.yaml",
            f"apiVersion: repl/v1\nkind: Replication\nmetadata: {{name: {name}}}\nspec:\n"
            f"  source: {{provider: here, bucket: {bucket}{where}}}\n"
            f"  destination: {{provider: there, bucket: {to}}}\n{extra}",
        )

    def forget(self, name: str) -> None:
        """Take a replication's file away."""
        (self.root / f"r-{name}.yaml").unlink()

    @property
    def writes_sent(self) -> int:
        """How many writes the system with the sources has had."""
        return len(self.here.requests("write"))

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.root / ".repl")

    @property
    def workspace(self) -> LoadedWorkspace:
        return load([self.root], catalog=RegistryCatalog(REGISTRY))

    def open(
        self, access: Access, *, select: tuple[str, ...] = (), prune: bool = False, resync: frozenset[str] = frozenset()
    ) -> tuple[Checked, Inputs]:
        workspace = self.workspace
        secrets = Secrets(**self.environ)
        connections = Connections(workspace, REGISTRY, secrets, access)
        inputs = Inputs(
            workspace=workspace,
            connections=connections,
            secrets=secrets,
            receipt=self.state.receipt(),
            selection=Selection(select=select),
            prune=prune and workspace.settings.prune,
            resync=resync,
            owed=owed_copies(self.state),
            cut_off=cut_off(self.state),
            failed=failed_midway(self.state),
        )
        return check(workspace, REGISTRY, connections), inputs

    def plan(
        self,
        *,
        select: tuple[str, ...] = (),
        prune: bool = False,
        allow: tuple[str, ...] = (),
        resync: frozenset[str] = frozenset(),
    ) -> Plan:
        checked, inputs = self.open(Access.READ, select=select, prune=prune, resync=resync)
        world = observe(checked.flows, inputs.scopes({}), inputs.connections, parallelism=1)
        return make_plan(checked, world, inputs, PlanOptions(select=select, prune=prune, allow=allow), self.clock.now())

    def apply(self, plan: Plan, *, stop: threading.Event | None = None, close: bool = True, jobs: int = 1) -> Receipt:
        checked, inputs = self.open(Access.WRITE)
        request = ApplyRequest(
            plan=plan,
            flows={flow.name: flow for flow in checked.flows},
            connections=inputs.connections,
            secrets=inputs.secrets,
            state=self.state,
            clock=self.clock,
            parallelism=jobs,
            stop=stop or threading.Event(),
            emit=self.events.append,
        )
        receipt = apply(request)
        if close:
            finish(request, receipt)
        return receipt

    def drift(self) -> DriftReport:
        checked, inputs = self.open(Access.READ)
        world = observe(checked.flows, inputs.scopes({}), inputs.connections, parallelism=1)
        return find_drift(checked, world, inputs, self.clock.now())


def _yaml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
