"""Comparisons of all objects where something goes wrong, and what is reported of them."""

import json
import threading
import tracemalloc
from dataclasses import replace

import pytest

from reconciler.errors import ErrorCode
from reconciler.model.verification import Level, Outcome, Verdict
from reconciler.testing.memory import LoggedRequest
from reconciler.verify.spool import Differences
from tests.unit.verify.compared import both, compared, put, seen
from tests.unit.verify.ends import Breaking, Reversed, Synthetic, Unhashed, stored
from tests.unit.verify.scene import Scene, flow, scene, verdicts

__all__ = ["scene"]


# What goes wrong ---------------------------------------------------------------------------------------------------


def test_one_object_that_cannot_be_read_is_an_error_of_its_own(scene: Scene) -> None:
    both(scene, "good", "secret", "z")
    scene.there.fail("read", target="b/secret", code=ErrorCode.PERMISSION_DENIED, times=9)
    answer = compared(scene, "bytes")
    assert (answer.outcome, seen(answer)) == (Outcome.FAILED, {"secret": "!"})
    assert answer.compared is not None
    assert answer.compared.match == 2
    assert "1 not readable; first: 'secret'" in answer.reason


def test_a_system_that_went_away_ends_it_and_says_where(scene: Scene) -> None:
    both(scene, *(f"k{number:03}" for number in range(100)))
    scene.there.fail("read", code=ErrorCode.UNAVAILABLE, times=1000)
    answer = compared(scene, "bytes")
    assert answer.outcome is Outcome.FAILED
    assert answer.reason.startswith("given up at 'k019', after 20 objects in a row")
    assert answer.compared is not None
    assert not answer.compared.complete
    assert len(scene.there.log) < 100


def test_a_listing_that_breaks_off_fails_with_what_was_seen(scene: Scene) -> None:
    both(scene, "a", "b", "c")
    job = scene.job(flow(existing="copy"))
    answer = compared(scene, job=replace(job, destination=stored(job.destination, Breaking)))
    assert answer.outcome is Outcome.FAILED
    assert "the listing of the destination broke off after 2 objects, the last being 'b'" in answer.reason
    assert answer.compared is not None
    assert (answer.compared.complete, answer.compared.match) == (False, 2)


def test_a_listing_out_of_order_is_an_error_and_no_difference(scene: Scene) -> None:
    both(scene, "a", "b", "c")
    job = scene.job(flow(existing="copy"))
    answer = compared(scene, job=replace(job, source=stored(job.source, Reversed)))
    assert (answer.outcome, verdicts(answer)["objects"]) == (Outcome.FAILED, Verdict.ERROR)
    assert "not in the order of its keys' bytes: 'b'" in answer.reason
    assert answer.compared is not None
    assert answer.compared.missing == 0


@pytest.mark.parametrize("operation", ["list", "read", "head"])
def test_stopping_ends_it_cleanly(scene: Scene, operation: str) -> None:
    both(scene, "a", "b")
    put(scene, "a", "missing")

    def stop(request: LoggedRequest) -> None:
        if request.operation == operation:
            scene.stop.set()

    scene.there.watch = scene.here.watch = stop
    before = set(threading.enumerate())
    answer = compared(scene, "bytes")
    assert (answer.outcome, answer.reason) == (Outcome.NOT_CHECKED, "interrupted")
    assert set(threading.enumerate()) <= before


def test_nothing_live_and_what_is_paused(scene: Scene) -> None:
    both(scene, "a")
    paused = scene.job(flow(), state="paused")
    assert (compared(scene, job=paused).outcome, compared(scene, job=paused).reason) == (Outcome.NOT_CHECKED, "paused")
    assert "nothing live was found" in compared(scene, job=replace(paused, relationship=None)).reason


def test_equal_data_does_not_outweigh_what_has_failed(scene: Scene) -> None:
    both(scene, "a")
    job = scene.job(flow(existing="copy"))
    scene.here.rules["a"]["repl.test.f"].failed = 7
    answer = compared(scene, job=job)
    assert answer.outcome is Outcome.FAILED
    assert "all that was compared is equal, but here says it has failed" in answer.reason


def test_without_a_canary_lower_levels_are_the_provider_s_word(scene: Scene) -> None:
    job = scene.job(flow())
    (answer,) = scene.verify(job, level=Level.CANARY, canary=False)
    assert (answer.level, answer.compared) == (Level.STATUS, None)


# What is reported --------------------------------------------------------------------------------------------------


def test_a_report_names_a_hundred_keys_failures_first_and_in_order(scene: Scene) -> None:
    both(scene, "good")
    for number in range(150):
        put(scene, "b", f"extra{number:03}")
    for number in range(30):
        put(scene, "a", f"missing{number:03}")
    answer = compared(scene)
    assert answer.compared is not None
    shown = [one.key for one in answer.compared.differences]
    assert (len(shown), shown, answer.compared.truncated) == (100, sorted(shown), True)
    assert sum(key.startswith("missing") for key in shown) == 30
    assert (answer.compared.missing, answer.compared.extra) == (30, 150)


def test_differences_of_all_replications_go_to_one_file_in_order(scene: Scene) -> None:
    for key in ("b\n", "a\u202e", "same"):
        put(scene, "a", f"x/{key}")
    put(scene, "b", "x/same")
    put(scene, "a", "y/k")
    first = scene.job(flow("f-2", source="a/x/", destination="b/x/", existing="copy"))
    second = scene.job(flow("f-1", source="a/y/", destination="b/y/", existing="copy"))
    found = Differences()
    scene.verify(first, second, level=Level.SIZE, canary=False, differences=found)
    lines = list(found.lines())
    found.close()
    assert all(line.isascii() and line.isprintable() for line in lines)
    records = [json.loads(line) for line in lines]
    assert [(one["replication"], one["key"], one["verdict"]) for one in records] == [
        ("f-1", "k", "+"), ("f-2", "a\u202e", "+"), ("f-2", "b\n", "+"),
    ]  # fmt: skip


def test_weaker_matches_are_in_the_file_and_not_in_the_report(scene: Scene) -> None:
    both(scene, "one")
    job = scene.job(flow(existing="copy"))
    job = replace(job, destination=stored(job.destination, Unhashed))
    found = Differences()
    (answer,) = scene.verify(job, level=Level.HASH, canary=False, differences=found)
    assert seen(answer) == {}
    assert [json.loads(line)["verdict"] for line in found.lines()] == ["~"]
    found.close()


def test_progress_is_told_while_it_goes_on(scene: Scene) -> None:
    both(scene, *(f"k{number}" for number in range(50)))
    job = scene.job(flow(existing="copy"))

    def pass_time(request: LoggedRequest) -> None:
        if request.operation == "read":
            scene.clock.advance(1)

    scene.here.watch = pass_time
    (answer,) = scene.verify(job, level=Level.BYTES, canary=False)
    assert answer.outcome is Outcome.PROVED
    assert sum("listed" in line and "read" in line for line in scene.told) >= 3


def test_memory_does_not_grow_with_the_number_of_objects_or_of_differences(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.verify.compare._MOST_AGAIN", {False: 50, True: 50})

    def peak(count: int) -> int:
        job = scene.job(flow(existing="copy"))
        here = stored(job.source, lambda _: Synthetic(count))
        there = stored(job.destination, lambda _: Synthetic(count, wrong=2))
        tracemalloc.start()
        try:
            answer = compared(scene, "hash", job=replace(job, source=here, destination=there))
            assert answer.compared is not None
            assert (answer.compared.differs, answer.compared.match) == (count // 2, count // 2)
            assert (
                f"{count // 2 - 50:,} differences a second time: they are too many, or cannot be looked at singly"
                in answer.not_checked
            )
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(1_000), peak(10_000)
    assert large < small + 256 * 1024


def test_reading_holds_a_chunk_and_not_an_object(scene: Scene) -> None:
    job = scene.job(flow(existing="copy"))
    large = Synthetic(1, size=64 * 1024 * 1024)
    job = replace(job, source=stored(job.source, lambda _: large), destination=stored(job.destination, lambda _: large))
    tracemalloc.start()
    try:
        answer = compared(scene, "bytes", job=job)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.compared is not None
    assert (answer.outcome, answer.compared.bytes_compared) == (Outcome.PROVED, 64 * 1024 * 1024)
    assert peak < 8 * 1024 * 1024
