"""The provider's own word: only `ok` proves, and silence is not consent."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.errors import ErrorCode
from reconciler.model.verification import Level, Outcome, Verdict, Verification
from reconciler.providers.base import Access
from reconciler.testing.clock import ManualClock
from reconciler.testing.memory import MemoryWorld, Secrets, memory_flow, memory_provider, open_memory
from reconciler.verify.run import Job, verify

DOC = memory_provider("m")
RULE = {"source": {"bucket": "a"}, "destination": {"bucket": "b"}}


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld.create("m", clock=ManualClock(), buckets=("a", "b"))


def status(world: MemoryWorld, *, live: bool = True, **spec: Any) -> Verification:
    flow = memory_flow("f", (DOC, "a"), (DOC, "b"), **spec)
    provider = open_memory(DOC, access=Access.READ)
    states = provider.observe(provider.scope(flow)).containers
    relationship = states[0].relationships[0] if live else None
    job = Job(flow=flow, provider=provider, relationship=relationship, source=provider, destination=provider)
    (answer,) = verify(
        [job],
        run_id="run",
        clock=world.clock,
        canary=False,
        secrets=Secrets(),
        stop=threading.Event(),
        emit=lambda _: None,
    )
    return answer


def failing(world: MemoryWorld) -> None:
    world.rules["a"]["repl.test.f"].failed = 3


def paused(world: MemoryWorld) -> None:
    world.rules["a"]["repl.test.f"].document["state"] = "paused"


def copied(world: MemoryWorld) -> None:
    world.rules["a"]["repl.test.f"].last_success_at = world.clock.now()


def silent(world: MemoryWorld) -> None:
    world.plane.silent = True


def running(world: MemoryWorld) -> None:
    rule = world.rules["a"]["repl.test.f"]
    world.plane.job_s = 60
    rule.continuous = False
    world.start(rule)


@pytest.mark.parametrize(
    ("change", "outcome", "verdict", "reason"),
    [
        (copied, Outcome.PROVED, Verdict.MATCH, ""),
        (failing, Outcome.FAILED, Verdict.ERROR, "m says it has failed (3 failed)"),
        (paused, Outcome.NOT_CHECKED, None, "paused"),
        (silent, Outcome.NOT_CHECKED, None, "m says nothing about its state"),
        (running, Outcome.NOT_CHECKED, Verdict.PENDING, "m says it is copying"),
    ],
)
def test_each_state_has_its_answer(
    world: MemoryWorld, change: Callable[[MemoryWorld], None], outcome: Outcome, verdict: Verdict | None, reason: str
) -> None:
    world.inject("repl.test.f", RULE)
    change(world)
    answer = status(world)
    assert (answer.level, answer.outcome, answer.reason) == (Level.STATUS, outcome, reason)
    assert [(check.name, check.verdict) for check in answer.checks] == ([("health", verdict)] if verdict else [])
    assert "whether bytes arrive" in answer.not_checked


def test_a_flow_that_shall_stand_still_is_not_asked_about(world: MemoryWorld) -> None:
    answer = status(world, live=False, state="paused")
    assert (answer.outcome, answer.reason) == (Outcome.NOT_CHECKED, "paused")


def test_what_is_not_live_is_not_proved(world: MemoryWorld) -> None:
    answer = status(world, live=False)
    assert answer.outcome is Outcome.FAILED
    assert "nothing live was found" in answer.reason


def test_a_provider_that_cannot_be_asked_is_a_failure_with_its_message(world: MemoryWorld) -> None:
    world.inject("repl.test.f", RULE)
    world.fail("get-status", code=ErrorCode.PERMISSION_DENIED)
    answer = status(world)
    assert answer.outcome is Outcome.FAILED
    assert [(check.name, check.verdict) for check in answer.checks] == [("health", Verdict.ERROR)]
    assert "PERMISSION_DENIED" in answer.reason


def test_nothing_is_written(world: MemoryWorld) -> None:
    world.inject("repl.test.f", RULE)
    status(world)
    assert [request for request in world.log if request.access == "write"] == []
