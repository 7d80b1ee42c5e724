"""Copies that other flows make of a canary, when something goes wrong: a bounded wait, and what may stay is said."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import Outcome, Verdict
from reconciler.testing.memory import MemoryObject
from tests.unit.verify.carriers import cleanup, left, looked_at, other, stall
from tests.unit.verify.scene import KEY, Scene, flow, scene

__all__ = ["scene"]


def test_a_copy_that_does_not_come_is_said_after_a_bounded_time(scene: Scene) -> None:
    covering = stall(scene)
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert answer.outcome is Outcome.PROVED
    (check,) = cleanup(answer)
    assert check.verdict is Verdict.PENDING
    assert check.detail.startswith(f"{KEY} at there c/ was not seen: whole carries canaries on")
    assert "may still arrive" in check.detail
    assert answer.lag_s is not None
    assert scene.clock.monotonic() <= 4 * answer.lag_s + 6


def test_the_longest_wait_is_half_a_minute(scene: Scene) -> None:
    scene.here.plane.latency_s = 50
    covering = stall(scene)
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert answer.outcome is Outcome.PROVED
    assert scene.clock.monotonic() <= 50 + 5 + 31


def test_only_one_canary_waits_for_a_flow_that_brings_nothing(scene: Scene) -> None:
    covering = stall(scene)
    jobs = [scene.job(flow(name, f"a/{name}/")) for name in "fghijk"]
    answers = scene.verify(*jobs, others=[covering])
    assert [check.verdict for answer in answers for check in cleanup(answer)] == [Verdict.PENDING] * 6
    lags = [answer.lag_s or 0.0 for answer in answers]
    assert scene.clock.monotonic() <= sum(lags) + 3 * max(lags) + 6


def test_a_copy_that_comes_after_the_wait_is_still_removed(scene: Scene) -> None:
    covering = stall(scene)
    scene.there.fail("head", target=f"c/{KEY}", code=ErrorCode.PERMISSION_DENIED)
    scene.there.buckets["c"][KEY] = MemoryObject(data=b"x", modified_at=scene.clock.now())
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert [check.verdict for check in cleanup(answer)] == [Verdict.MATCH]
    assert left(scene) == []


def test_a_place_that_cannot_be_looked_at_is_said_and_the_proof_stands(scene: Scene) -> None:
    covering = other(scene, flow("whole", destination="c"))
    scene.there.fail("head", target=f"c/{KEY}", code=ErrorCode.PERMISSION_DENIED, times=99)
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert answer.outcome is Outcome.PROVED
    (check,) = cleanup(answer)
    assert check.verdict is Verdict.ERROR
    assert f"whether whole has left {KEY} at there c/ is not known" in check.detail
    assert "PERMISSION_DENIED" in check.detail
    assert len(looked_at(scene.there, "c")) == 2


def test_a_place_that_is_busy_for_a_moment_is_asked_again(scene: Scene) -> None:
    covering = other(scene, flow("whole", destination="c"))
    scene.there.fail("head", target=f"c/{KEY}", code=ErrorCode.RATE_LIMITED, times=3)
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert [check.verdict for check in cleanup(answer)] == [Verdict.MATCH]
    assert left(scene) == []


def test_a_copy_that_cannot_be_removed_is_named(scene: Scene) -> None:
    covering = other(scene, flow("whole", destination="c"))
    scene.there.fail("purge", target=f"c/{KEY}", code=ErrorCode.PERMISSION_DENIED, times=99)
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert answer.outcome is Outcome.PROVED
    (check,) = cleanup(answer)
    assert check.verdict is Verdict.ERROR
    assert f"{KEY} is left at there c/" in check.detail


class Unopened:
    """A provider that cannot be opened."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        raise self.error


REFUSAL = ProviderError("no such file: ca.pem", code=ErrorCode.TLS, provider="there", operation="open")


@pytest.mark.parametrize("part", ["provider", "destination"])
@pytest.mark.parametrize(("error", "told"), [(REFUSAL, "ca.pem"), (ValueError("hunter2"), "a bug: ValueError")])
def test_a_provider_of_another_flow_that_does_not_open_costs_no_proof(
    scene: Scene, part: str, error: Exception, told: str
) -> None:
    covering = other(scene, flow("whole", destination="c"))
    broken: Any = Unopened(error)
    covering = replace(covering, **{part: broken})
    answers = scene.verify(scene.job(flow()), scene.job(flow("g", "a/g/", "b/g/")), others=[covering])
    assert [answer.outcome for answer in answers] == [Outcome.PROVED] * 2
    errors = [check for answer in answers for check in cleanup(answer) if check.verdict is Verdict.ERROR]
    assert errors
    assert all("whole" in check.detail and told in check.detail for check in errors)
    assert "hunter2" not in "".join([*(answer.model_dump_json() for answer in answers), *scene.told])


def test_a_canary_that_does_not_arrive_is_removed_where_others_brought_it(scene: Scene) -> None:
    covering = other(scene, flow("whole", destination="c"))
    job = scene.job(flow(), filter={"exclude": ["*"], "tags": {}})
    (answer,) = scene.verify(job, others=[covering])
    assert answer.outcome is Outcome.FAILED
    assert f"c/{KEY}" in [request.target for request in scene.there.log if request.operation == "purge"]
    assert left(scene) == []


def test_a_write_that_is_refused_makes_no_copies(scene: Scene) -> None:
    covering = other(scene, flow("whole", destination="c"))
    for operation in ("write", "head"):
        scene.here.fail(operation, code=ErrorCode.PERMISSION_DENIED, times=9)
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert [check.name for check in answer.checks] == ["canary written"]
    assert looked_at(scene.there, "c") == []


def test_after_a_stop_others_are_looked_at_once(scene: Scene) -> None:
    scene.here.plane.stalled = True
    scene.clock.woken = lambda elapsed: scene.stop.set() if elapsed > 5 else None
    covering = other(scene, flow("whole", destination="c"))
    job = scene.job(flow())
    scene.there.buckets["c"][KEY] = MemoryObject(data=b"x", modified_at=scene.clock.now())
    (answer,) = scene.verify(job, others=[covering])
    stopped_at = scene.clock.monotonic()
    assert (answer.outcome, answer.reason) == (Outcome.NOT_CHECKED, "interrupted")
    assert [request.operation for request in looked_at(scene.there, "c")] == ["head", "purge"]
    assert stopped_at < 15
    assert left(scene) == []


def test_a_stop_while_others_are_waited_for_ends_that(scene: Scene) -> None:
    covering = stall(scene)
    scene.clock.woken = lambda elapsed: (
        scene.stop.set() if any("waiting for the copy" in line for line in scene.told) else None
    )
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert answer.outcome is Outcome.PROVED
    assert [check.verdict for check in cleanup(answer)] == [Verdict.PENDING]
    assert answer.lag_s is not None
    assert scene.clock.monotonic() < answer.lag_s + 1
