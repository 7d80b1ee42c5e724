"""A canary leaves nothing behind, however it ends; what may be left is said."""

import signal
import threading
from datetime import timedelta

import pytest

from reconciler.errors import ErrorCode
from reconciler.model.verification import Outcome, Verdict
from reconciler.testing.memory import LoggedRequest, MemoryObject, MemoryWorld
from tests.unit.verify.scene import KEY, Scene, flow, named, scene, verdicts

__all__ = ["scene"]


def test_setting_stop_ends_the_wait_and_cleans_up(scene: Scene) -> None:
    scene.here.plane.stalled = True
    scene.clock.woken = lambda elapsed: scene.stop.set() if elapsed > 5 else None
    first, second = scene.verify(scene.job(flow("f")), scene.job(flow("g")))
    assert (first.outcome, first.reason) == (Outcome.NOT_CHECKED, "interrupted")
    assert (second.outcome, second.reason, second.bytes_written) == (Outcome.NOT_CHECKED, "interrupted", 0)
    assert scene.left() == []


@pytest.mark.parametrize("operation", ["write", "head", "read", "get-status", "delete"])
def test_ctrl_c_at_any_request_cleans_up(scene: Scene, operation: str) -> None:
    def interrupt(request: LoggedRequest) -> None:
        if request.operation == operation and (operation != "get-status" or scene.here.buckets["a"]):
            scene.here.watch = scene.there.watch = lambda _request: None
            raise KeyboardInterrupt

    job = scene.job(flow(deletes="keep" if operation == "get-status" else "replicate"))
    scene.here.watch = scene.there.watch = interrupt
    (answer,) = scene.verify(job)
    assert (answer.outcome, answer.reason) == (Outcome.NOT_CHECKED, "interrupted")
    assert scene.stop.is_set()
    assert scene.left() == []


def test_a_real_ctrl_c_while_others_work_ends_all_of_them_cleanly(scene: Scene) -> None:
    main = threading.main_thread().ident
    assert main is not None
    scene.here.plane.stalled = True
    sent: list[float] = []

    def interrupt(elapsed: float) -> None:
        # Time stands still until the signal has been taken, as it would for people.
        if elapsed > 5 and not sent:
            sent.append(elapsed)
            for _ in range(12):  # as people do whose first Ctrl-C seems to have been for nothing
                signal.pthread_kill(main, signal.SIGINT)
                if scene.stop.wait(5):
                    return
            raise AssertionError("nobody took the signal")

    scene.clock.woken = interrupt
    answers = scene.verify(*(scene.job(flow(name)) for name in "fgh"), parallelism=2)
    assert [answer.reason for answer in answers] == ["interrupted"] * 3
    assert len(sent) == 1
    assert scene.left() == []


@pytest.mark.parametrize(
    ("world", "operation", "check"),
    [
        ("there", "head", "canary arrived"),
        ("there", "read", "sha256"),
        ("here", "write", "canary written"),
        ("here", "delete", "delete"),
        ("here", "list", "cleanup"),
    ],
)
def test_an_error_at_any_point_is_a_check_and_cleans_up(scene: Scene, world: str, operation: str, check: str) -> None:
    MemoryWorld.named(world).fail(operation, code=ErrorCode.PERMISSION_DENIED)
    (answer,) = scene.verify(scene.job(flow(deletes="replicate")))
    assert answer.outcome is Outcome.FAILED
    assert Verdict.ERROR in [found.verdict for found in named(answer, check)]
    assert "PERMISSION_DENIED" in answer.reason
    assert scene.left() == []


def test_a_write_whose_answer_is_lost_is_cleaned_up(scene: Scene) -> None:
    scene.here.fail("write", committed=True)
    (answer,) = scene.verify(scene.job(flow()))
    assert answer.outcome is Outcome.FAILED
    assert scene.left() == []


def test_a_write_that_is_refused_half_way_is_cleaned_up(scene: Scene) -> None:
    scene.here.fail("write", code=ErrorCode.CONFLICT, committed=True, ambiguous=False)
    (answer,) = scene.verify(scene.job(flow()))
    assert answer.outcome is Outcome.FAILED
    assert scene.left() == []


def test_a_refused_write_is_one_error_and_not_two(scene: Scene) -> None:
    for operation in ("write", "head"):
        scene.here.fail(operation, code=ErrorCode.PERMISSION_DENIED, times=9)
    (answer,) = scene.verify(scene.job(flow()))
    assert verdicts(answer) == {"canary written": Verdict.ERROR}


def test_what_a_refused_write_may_have_left_is_said(scene: Scene) -> None:
    scene.here.fail("write", code=ErrorCode.CONFLICT)
    scene.here.fail("head", code=ErrorCode.UNAVAILABLE)
    (answer,) = scene.verify(scene.job(flow()))
    assert f"{KEY} may be left at here" in named(answer, "cleanup")[0].detail


def test_a_server_that_is_busy_for_a_moment_is_asked_again(scene: Scene) -> None:
    scene.there.fail("head", code=ErrorCode.RATE_LIMITED, times=4)
    (answer,) = scene.verify(scene.job(flow()))
    assert answer.outcome is Outcome.PROVED


def test_a_server_that_stays_away_fails_at_the_limit(scene: Scene) -> None:
    scene.there.fail("head", code=ErrorCode.UNAVAILABLE, times=10_000)
    (answer,) = scene.verify(scene.job(flow()))
    assert (answer.outcome, named(answer, "canary arrived")[0].verdict) == (Outcome.FAILED, Verdict.ERROR)
    assert scene.clock.monotonic() >= 60


def test_what_cannot_be_removed_is_named_and_the_proof_stands(scene: Scene) -> None:
    scene.there.fail("purge", code=ErrorCode.PERMISSION_DENIED, times=100)
    (answer,) = scene.verify(scene.job(flow()))
    assert answer.outcome is Outcome.PROVED
    (check,) = named(answer, "cleanup")
    assert check.verdict is Verdict.ERROR
    assert f"{KEY} is left at there" in check.detail
    assert "PERMISSION_DENIED" in check.detail


def test_a_directory_that_is_read_only_for_a_while_is_cleaned_in_the_end(scene: Scene) -> None:
    scene.there.fail("purge", code=ErrorCode.FAILED_PRECONDITION, times=4)
    (answer,) = scene.verify(scene.job(flow()))
    assert verdicts(answer)["cleanup"] is Verdict.MATCH
    assert scene.left() == []


def test_canaries_of_crashed_runs_are_removed_and_those_of_running_ones_are_not(scene: Scene) -> None:
    job = scene.job(flow())
    for end, run in ((scene.here.buckets["a"], "crashed"), (scene.there.buckets["b"], "crashed")):
        age = timedelta(hours=2)
        end[f".repl-canary/{run}/f"] = MemoryObject(data=b"x", modified_at=scene.clock.now() - age)
        end[".repl-canary/other/f"] = MemoryObject(data=b"x", modified_at=scene.clock.now() - timedelta(minutes=50))
    (answer,) = scene.verify(job)
    assert scene.left() == ["a/.repl-canary/other/f", "b/.repl-canary/other/f"]
    details = [check.detail for check in named(answer, "cleanup")]
    assert details[:2] == ["1 left at here by earlier runs removed", "1 left at there by earlier runs removed"]
