"""Two memory worlds with rules between them, and a clock that stands still unless somebody waits."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.model.relationship import Flow
from reconciler.model.verification import Check, Level, Verdict, Verification
from reconciler.testing.clock import ManualClock
from reconciler.testing.memory import MemoryWorld, Secrets, memory_flow, memory_provider, open_memory
from reconciler.verify.run import Job, verify
from reconciler.verify.spool import Differences

RUN = "run-1"
KEY = f".repl-canary/{RUN}/f"
"""Where the flow `f` has its canary, below both its ends."""


@dataclass
class Scene:
    """Two worlds with a rule from bucket `a` of one to bucket `b` of the other."""

    clock: ManualClock = field(default_factory=ManualClock)
    stop: threading.Event = field(default_factory=threading.Event)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.here = MemoryWorld.create("here", clock=self.clock, buckets=("a",))
        self.there = MemoryWorld.create("there", clock=self.clock, buckets=("b",))
        self.here.plane.latency_s = 3

    def job(self, flow: Flow, **live: Any) -> Job:
        """Make the relationship live, as the flow describes it but for `live`, and describe the job."""
        owner = open_memory(flow.owner)
        desired = owner.normalise(flow)
        whole = desired.identity.startswith("repl.")
        document = desired.settings | live
        continuous = flow.owner.spec.config.continuous  # type: ignore[attr-defined]
        world = MemoryWorld.named(flow.owner.name)
        world.inject(desired.identity if whole else None, document, continuous=continuous)
        seen = owner.observe(owner.scope(flow)).containers
        found = next(r for state in seen for r in state.relationships if r.identity == desired.identity)
        return Job(
            flow=flow, provider=owner, relationship=found, source=open_memory(flow.source),
            destination=open_memory(flow.destination),
        )  # fmt: skip

    def verify(
        self,
        *jobs: Job,
        level: Level | None = None,
        parallelism: int = 1,
        others: Sequence[Job] = (),
        canary: bool = True,
        differences: Differences | None = None,
    ) -> tuple[Verification, ...]:
        return verify(
            jobs, run_id=RUN, clock=self.clock, parallelism=parallelism, level=level, others=others, canary=canary,
            differences=differences, secrets=Secrets(), stop=self.stop, emit=self.told.append,
        )  # fmt: skip

    def left(self) -> list[str]:
        """Keys of all canaries in all buckets."""
        worlds = (self.here, self.there)
        return [
            f"{bucket}/{key}" for w in worlds for bucket, held in w.buckets.items() for key in held if "canary" in key
        ]


@pytest.fixture
def scene() -> Iterator[Scene]:
    yield Scene()
    for name in ("here", "there"):
        MemoryWorld.create(name)


def flow(name: str = "f", source: str = "a", destination: str = "b", *, jobs: bool = False, **spec: Any) -> Flow:
    config = {"grain": "relationship", "continuous": False} if jobs else {}
    here, there = memory_provider("here", **config), memory_provider("there", **config)
    return memory_flow(name, (here, source), (there, destination), **({"verify": {"within": "1m"}} | spec))


def named(answer: Verification, name: str) -> list[Check]:
    return [check for check in answer.checks if check.name == name]


def verdicts(answer: Verification) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in answer.checks}
