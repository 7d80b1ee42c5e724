"""All objects of both ends: what counts as equal, missing, late, or nobody's business, and what that proves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.errors import ErrorCode
from reconciler.model.verification import Level, Outcome
from reconciler.providers.base import Capability
from reconciler.testing.memory import LoggedRequest
from tests.unit.verify.compared import OLD, both, compared, put, seen
from tests.unit.verify.ends import Bare, Unhashed, capable, stored, to_files
from tests.unit.verify.scene import Scene, flow, scene

__all__ = ["scene"]

ODD = ["", "\n", "a\nb", "a//b", "/lead", "e\u0301", "é", "\uffff", "\U00010000", "z\x1b[31m"]


# What is equal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["presence", "size", "hash", "bytes"])
def test_equal_ends_are_proof_and_nothing_is_written(scene: Scene, level: str) -> None:
    both(scene, *ODD)
    answer = compared(scene, level)
    assert (answer.outcome, answer.reason, answer.level) == (Outcome.PROVED, "", Level(level))
    assert answer.compared is not None
    assert (answer.compared.match, answer.compared.reached, answer.compared.complete) == (len(ODD), Level(level), True)
    assert answer.compared.bytes_compared == (4 * len(ODD) if level == "bytes" else 0)
    assert "whether new objects arrive" in answer.not_checked
    assert not [request for world in (scene.here, scene.there) for request in world.log if request.access == "write"]


@pytest.mark.parametrize(
    ("level", "found"),
    [
        ("presence", {"gone": "+"}),
        ("size", {"gone": "+", "short": "*"}),
        ("hash", {"gone": "+", "short": "*", "flipped": "*"}),
        ("bytes", {"gone": "+", "short": "*", "flipped": "*"}),
    ],
)
def test_each_level_sees_more_than_the_one_before(scene: Scene, level: str, found: dict[str, str]) -> None:
    both(scene, "good", "flipped", "short")
    put(scene, "a", "gone")
    put(scene, "b", "flipped", b"dat4")
    put(scene, "b", "short", b"dat")
    answer = compared(scene, level)
    assert (answer.outcome, seen(answer)) == (Outcome.FAILED, found)
    assert answer.reason.startswith("of 4 objects at the source 1 missing at the destination")
    assert "first: " in answer.reason


def test_details_say_what_differs(scene: Scene) -> None:
    put(scene, "a", "k", b"12345")
    put(scene, "b", "k", b"123")
    answer = compared(scene)
    assert answer.compared is not None
    assert answer.compared.differences[0].detail == "5 bytes at the source, 3 at the destination"


def test_what_the_listing_does_not_show_is_asked_for_singly(scene: Scene) -> None:
    both(scene, "same", "flipped")
    put(scene, "b", "flipped", b"dat4")
    job = scene.job(flow(existing="copy"))
    job = replace(job, source=stored(job.source, Bare), destination=stored(job.destination, Bare))
    answer = compared(scene, "hash", job=job)
    assert seen(answer) == {"flipped": "*"}


def test_ends_without_a_checksum_in_common_are_equal_by_size_and_that_is_said(scene: Scene) -> None:
    both(scene, "one", "two")
    put(scene, "b", "two", b"dat4")
    job = scene.job(flow(existing="copy"))
    answer = compared(scene, "hash", job=replace(job, destination=stored(job.destination, Unhashed)))
    assert answer.compared is not None
    assert (answer.outcome, answer.compared.match, answer.compared.weaker) == (Outcome.PROVED, 0, 2)
    assert answer.compared.reached is Level.SIZE
    assert any(word.startswith("2 objects by hash: the ends have no checksum in common") for word in answer.not_checked)
    assert "equal by size" in next(check.detail for check in answer.checks if check.name == "objects")


# What is left out --------------------------------------------------------------------------------------------------


def test_canaries_and_excluded_keys_are_left_out_at_both_ends(scene: Scene) -> None:
    both(scene, "kept")
    for key in (".repl-canary/run-9/f", "below/.repl-canary/run-9/g", "x.tmp", "deep/y.tmp"):
        put(scene, "a", key)
    put(scene, "b", ".repl-canary/run-8/f")
    answer = compared(scene, filter={"exclude": ["*.tmp"]})
    assert (answer.outcome, seen(answer)) == (Outcome.PROVED, {})
    assert answer.compared is not None
    assert (answer.compared.source_objects, answer.compared.excluded) == (3, 2)
    assert "2 objects that the filter leaves out" in answer.not_checked


def test_keys_are_compared_below_the_prefixes(scene: Scene) -> None:
    put(scene, "a", "in/x")
    put(scene, "b", "out/x")
    put(scene, "a", "elsewhere")
    answer = compared(scene, job=scene.job(flow(source="a/in/", destination="b/out/", existing="copy")))
    assert (answer.outcome, seen(answer)) == (Outcome.PROVED, {})


def test_a_missing_object_is_not_judged_where_tags_choose(scene: Scene) -> None:
    both(scene, "hot")
    put(scene, "a", "cold")
    answer = compared(scene, filter={"tags": {"class": "hot"}})
    assert (answer.outcome, seen(answer)) == (Outcome.PROVED, {})
    assert any(word.startswith("1 objects that the destination does not have") for word in answer.not_checked)
    put(scene, "b", "hot", b"longer than that")
    assert compared(scene, filter={"tags": {"class": "hot"}}).outcome is Outcome.FAILED


def test_objects_from_before_the_rule_are_not_judged_where_none_are_copied(scene: Scene) -> None:
    since = OLD + timedelta(days=1)
    both(scene, "new")
    put(scene, "a", "before", at=OLD)
    put(scene, "a", "after", at=since + timedelta(hours=1))
    answer = compared(scene, existing="ignore", since=since)
    assert (answer.outcome, seen(answer)) == (Outcome.FAILED, {"after": "+"})
    assert answer.compared is not None
    assert answer.compared.not_judged == 1
    assert any("2025-06-02" in word for word in answer.not_checked)
    assert seen(compared(scene, existing="copy", since=since)) == {"after": "+", "before": "+"}


def test_without_a_receipt_nobody_knows_what_was_there_before(scene: Scene) -> None:
    put(scene, "a", "before")
    answer = compared(scene, existing="ignore")
    assert answer.outcome is Outcome.NOT_CHECKED
    assert "none is known to belong there" in answer.reason


def test_a_canary_is_proof_where_nothing_else_is_to_be_expected(scene: Scene) -> None:
    put(scene, "a", "before")
    (answer,) = scene.verify(scene.job(flow(existing="ignore")), level=Level.SIZE)
    assert (answer.outcome, answer.reason) == (Outcome.PROVED, "")
    assert any("no receipt says when that was" in word for word in answer.not_checked)


def test_systems_that_copy_in_jobs_copy_everything(scene: Scene) -> None:
    put(scene, "a", "before")
    job = scene.job(flow(jobs=True, existing="ignore"))
    answer = compared(scene, job=replace(job, provider=capable(job.provider, without={Capability.CONTINUOUS})))
    assert (answer.outcome, seen(answer)) == (Outcome.FAILED, {"before": "+"})


def test_a_job_under_way_may_bring_what_is_missing(scene: Scene) -> None:
    put(scene, "a", "before")
    scene.here.plane.job_s = 1000
    job = scene.job(flow(jobs=True))
    scene.here.start(scene.here.relationships["r-1"])
    job = replace(job, provider=capable(job.provider, without={Capability.CONTINUOUS}))
    answer = compared(scene, job=job)
    assert (answer.outcome, seen(answer)) == (Outcome.NOT_CHECKED, {"before": ">"})


# What is late ------------------------------------------------------------------------------------------------------


def test_what_was_just_written_is_pending_and_proves_nothing_alone(scene: Scene) -> None:
    put(scene, "a", "young", at=scene.clock.now() - timedelta(seconds=70))
    answer = compared(scene)
    assert (answer.outcome, seen(answer)) == (Outcome.NOT_CHECKED, {"young": ">"})
    assert "1 objects are too new, and none was found equal" in answer.reason
    both(scene, "old")
    answer = compared(scene)
    assert (answer.outcome, seen(answer)) == (Outcome.PROVED, {"young": ">"})
    assert any(word.startswith("1 objects too new to judge") for word in answer.not_checked)


@pytest.mark.parametrize(
    ("age", "verdict"), [(-3600, "+"), (-30, ">"), (0, ">"), (110, ">"), (125, "+")], ids=str
)  # fmt: skip
def test_age_is_taken_with_a_margin_for_clocks_and_dates_in_the_future_are_no_excuse(
    scene: Scene, age: int, verdict: str
) -> None:
    both(scene, "good")
    put(scene, "a", "k", at=scene.clock.now() - timedelta(seconds=age))
    assert seen(compared(scene, verify={"within": "1m"})) == {"k": verdict}


def test_an_overwritten_object_is_pending_until_the_destination_is_newer(scene: Scene) -> None:
    now = scene.clock.now()
    both(scene, "good")
    put(scene, "a", "late", b"new content", at=now - timedelta(seconds=20))
    put(scene, "b", "late", b"old", at=OLD)
    put(scene, "a", "spoilt", b"content", at=now - timedelta(seconds=100))
    put(scene, "b", "spoilt", b"other", at=now - timedelta(seconds=10))
    assert seen(compared(scene)) == {"late": ">", "spoilt": "*"}


def test_a_schedule_of_its_own_lets_objects_wait_for_the_next_run(scene: Scene) -> None:
    both(scene, "good")
    put(scene, "a", "waiting", at=scene.clock.now() - timedelta(hours=5))
    job = scene.job(flow(existing="copy"))
    assert job.relationship is not None
    settings = job.relationship.settings | {"schedule": {"every": "6h"}}
    daily = replace(job, relationship=job.relationship.model_copy(update={"settings": settings}))
    assert seen(compared(scene, job=job)) == {"waiting": "+"}
    assert seen(compared(scene, job=daily)) == {"waiting": ">"}


def test_a_race_between_listing_and_copying_is_no_difference(scene: Scene) -> None:
    both(scene, "good")
    put(scene, "a", "raced")
    put(scene, "a", "deleted")
    put(scene, "b", "left")
    put(scene, "a", "short", b"12345")
    put(scene, "b", "short", b"1")

    def meanwhile(request: LoggedRequest) -> None:
        if request.operation == "head":
            put(scene, "b", "raced")
            put(scene, "b", "short", b"12345")
            scene.here.buckets["a"].pop("deleted", None)

    scene.here.watch = meanwhile
    answer = compared(scene)
    assert (answer.outcome, seen(answer)) == (Outcome.PROVED, {"left": "-"})
    assert answer.compared is not None
    assert (answer.compared.match, answer.compared.gone) == (3, 1)


def test_what_cannot_be_looked_at_singly_stands_as_it_was_listed(scene: Scene) -> None:
    both(scene, "good")
    put(scene, "a", "missing")
    scene.there.fail("head", code=ErrorCode.PERMISSION_DENIED, times=99)
    assert seen(compared(scene)) == {"missing": "+"}


def test_looking_again_is_given_up_where_it_is_not_possible(scene: Scene) -> None:
    for number in range(200):
        put(scene, "a", f"missing{number:03}")
    scene.there.fail("head", code=ErrorCode.PERMISSION_DENIED, times=999)
    answer = compared(scene)
    assert answer.compared is not None
    assert answer.compared.missing == 200
    assert any(word.startswith("200 differences a second time") for word in answer.not_checked)
    assert sum(request.operation == "head" for request in scene.there.log) < 150


# What is only at the destination -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deletes", "word"), [("keep", "deletions at the source leave them"), ("replicate", "a while ago")]
)
def test_extras_are_told_and_do_not_fail(scene: Scene, deletes: str, word: str) -> None:
    both(scene, "good")
    put(scene, "b", "extra")
    answer = compared(scene, deletes=deletes)
    assert (answer.outcome, seen(answer)) == (Outcome.PROVED, {"extra": "-"})
    assert any(word in told for told in answer.not_checked)


def test_an_empty_source_proves_nothing(scene: Scene) -> None:
    put(scene, "b", "extra")
    answer = compared(scene)
    assert (answer.outcome, answer.reason) == (Outcome.NOT_CHECKED, "nothing to compare: the source has no objects")


def test_empty_objects_that_stand_for_folders_are_no_difference_to_files(scene: Scene) -> None:
    both(scene, "dir/file")
    put(scene, "a", "dir/", b"")
    put(scene, "a", "dir2/", b"not empty")
    job = scene.job(flow(existing="copy"))
    assert seen(compared(scene, job=job)) == {"dir/": "+", "dir2/": "+"}
    answer = compared(scene, job=to_files(job))
    assert seen(answer) == {"dir2/": "+"}
    assert "1 empty objects that stand for folders" in answer.not_checked
