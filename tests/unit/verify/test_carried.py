"""Other flows carry a canary on: their copies are removed too."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.verification import Check, Outcome, Verdict
from reconciler.testing.memory import LoggedRequest, MemoryObject
from tests.unit.verify.carriers import cleanup, left, looked_at, onward, other, stall, unapplied
from tests.unit.verify.scene import KEY, Scene, flow, scene

__all__ = ["scene"]


# Flows that copy by themselves ---------------------------------------------------------------------------------


def test_flows_of_one_run_clean_up_after_each_other(scene: Scene) -> None:
    scene.there.buckets["c"] = {}
    answers = scene.verify(scene.job(flow("f")), scene.job(flow("g", destination="c")), parallelism=2)
    assert [answer.outcome for answer in answers] == [Outcome.PROVED] * 2
    assert [check.verdict for answer in answers for check in cleanup(answer)] == [Verdict.MATCH] * 2
    assert left(scene) == []


def test_a_flow_that_is_not_in_the_run_is_cleaned_up_after(scene: Scene) -> None:
    covering = other(scene, flow("whole", destination="c"))
    (answer,) = scene.verify(scene.job(flow(source="a/raw/")), others=[covering])
    assert (answer.outcome, cleanup(answer)) == (Outcome.PROVED, [Check(name="cleanup", verdict=Verdict.MATCH)])
    assert f"c/raw/{KEY}" in [request.target for request in scene.there.log if request.operation == "purge"]
    assert left(scene) == []


@pytest.mark.parametrize(
    ("source", "whole", "found"),
    [
        ("a/raw/x/", ("a/raw/", "c/copy/"), f"copy/x/{KEY}"),
        ("a/raw/", ("a", "c/copy/"), f"copy/raw/{KEY}"),
        ("a/raw", ("a/ra", "c/pre-"), f"pre-w{KEY}"),
        ("a", ("a/.repl-canary/", "c"), "run-1/f"),
    ],
)
def test_the_key_is_mapped_from_prefix_to_prefix(scene: Scene, source: str, whole: tuple[str, str], found: str) -> None:
    covering = other(scene, flow("whole", *whole))
    (answer,) = scene.verify(scene.job(flow(source=source, destination="b/deep/")), others=[covering])
    assert [check.verdict for check in cleanup(answer)] == [Verdict.MATCH]
    assert f"c/{found}" in [request.target for request in scene.there.log if request.operation == "purge"]
    assert left(scene) == []


def test_a_copy_that_comes_later_than_the_canary_is_waited_for(scene: Scene) -> None:
    covering = stall(scene)
    document = scene.here.rules["a"]["repl.test.whole"].document

    def take_up(request: LoggedRequest) -> None:
        if request.operation == "read" and document["filter"]["exclude"]:
            document["filter"]["exclude"] = []
            scene.here.changed("a", KEY, {})

    scene.there.watch = take_up
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert (answer.outcome, [check.verdict for check in cleanup(answer)]) == (Outcome.PROVED, [Verdict.MATCH])
    assert any("waiting for the copy by way of whole" in line for line in scene.told)
    assert f"c/{KEY}" in [request.target for request in scene.there.log if request.operation == "purge"]
    assert left(scene) == []


def test_a_deletion_is_waited_for_where_it_is_carried_on(scene: Scene) -> None:
    """Purged before that, a marker would come later and stay."""
    covering = other(scene, flow("whole", destination="c", deletes="replicate"))
    seen: list[bool] = []

    def look(request: LoggedRequest) -> None:
        if request.operation == "purge" and request.target == f"c/{KEY}":
            seen.append(KEY in scene.there.buckets["c"])

    scene.there.watch = look
    (answer,) = scene.verify(scene.job(flow(deletes="replicate")), others=[covering])
    assert (answer.outcome, [check.verdict for check in cleanup(answer)]) == (Outcome.PROVED, [Verdict.MATCH])
    assert seen == [False]


def test_a_deletion_that_may_come_later_is_said(scene: Scene) -> None:
    covering = other(scene, flow("whole", destination="c", deletes="replicate"), deletes="keep")
    (answer,) = scene.verify(scene.job(flow(deletes="replicate")), others=[covering])
    assert answer.outcome is Outcome.PROVED
    (check,) = cleanup(answer)
    assert check.verdict is Verdict.PENDING
    assert f"{KEY} at there c/ is removed, but its deletion, which whole carries on, may still arrive" in check.detail
    assert left(scene) == []


# What does not carry it on -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "spec"),
    [
        ("a", {"filter": {"tags": {"class": "hot"}}}),
        ("a", {"state": "paused"}),
        ("a/other/", {}),
        ("z", {}),
    ],
)
def test_flows_that_do_not_take_the_canary_are_neither_asked_nor_waited_for(
    scene: Scene, source: str, spec: dict[str, Any]
) -> None:
    aside = other(scene, flow("aside", source, "c", **spec))
    (alone,) = scene.verify(job := scene.job(flow()))
    alone_took = scene.clock.monotonic()
    (answer,) = scene.verify(job, others=[aside])
    assert scene.clock.monotonic() - alone_took == pytest.approx(alone_took)
    assert answer.checks[-1] == alone.checks[-1] == Check(name="cleanup", verdict=Verdict.MATCH)
    assert looked_at(scene.there, "c") == []


def test_tags_that_the_canary_has_let_it_through(scene: Scene) -> None:
    tags = {"filter": {"tags": {"class": "hot"}}}
    covering = other(scene, flow("hot", destination="c", **tags))
    scene.verify(scene.job(flow(**tags)), others=[covering])
    assert looked_at(scene.there, "c")
    assert left(scene) == []


@pytest.mark.parametrize("live", [{"state": "paused"}, None])
def test_flows_that_do_not_run_are_not_waited_for(scene: Scene, live: dict[str, str] | None) -> None:
    """By their manifests they cover it, but one was never applied, and one is paused by hand."""
    made = flow("whole", destination="c")
    covering = unapplied(made) if live is None else other(scene, made, **live)
    scene.there.buckets["c"] = {}
    (alone,) = scene.verify(job := scene.job(flow()))
    alone_took = scene.clock.monotonic()
    (answer,) = scene.verify(job, others=[covering])
    assert scene.clock.monotonic() - alone_took == pytest.approx(alone_took)
    assert answer.checks[-1] == alone.checks[-1]


def test_an_exclude_that_may_match_is_not_waited_for(scene: Scene) -> None:
    covering = other(scene, flow("some", destination="c", filter={"exclude": ["*/f"]}))
    (answer,) = scene.verify(scene.job(flow()), others=[covering])
    assert [check.verdict for check in cleanup(answer)] == [Verdict.MATCH]
    assert len(looked_at(scene.there, "c")) == 1


def test_what_replication_of_the_same_type_brought_is_not_forwarded(scene: Scene) -> None:
    (answer,) = scene.verify(scene.job(flow()), others=[onward(scene)])
    assert [check.verdict for check in cleanup(answer)] == [Verdict.MATCH]
    assert looked_at(scene.there, "c") == []


# Jobs ----------------------------------------------------------------------------------------------------------


def test_what_a_job_wrote_is_carried_on_by_rules_of_the_destination(scene: Scene) -> None:
    """A system that copies in jobs writes ordinary objects, which a rule of the destination's bucket takes up."""
    scene.there.plane.latency_s = 2
    made, following = flow(jobs=True), onward(scene)
    batch = made.source.model_copy(update={"spec": made.source.spec.model_copy(update={"type": "batch"})})
    written: list[str] = []

    def write(_request: LoggedRequest) -> None:
        if KEY in scene.there.buckets["b"] and not written:
            written.append(KEY)
            scene.there.changed("b", KEY, {})

    scene.there.watch = write
    (answer,) = scene.verify(scene.job(replace(made, source=batch)), others=[following])
    assert (answer.outcome, [check.verdict for check in cleanup(answer)]) == (Outcome.PROVED, [Verdict.MATCH])
    assert f"c/{KEY}" in [request.target for request in scene.there.log if request.operation == "purge"]
    assert left(scene) == []


@pytest.mark.parametrize("brought", [True, False])
def test_a_system_that_copies_in_jobs_is_looked_at_once(scene: Scene, brought: bool) -> None:
    covering = other(scene, flow("backup", destination="c", jobs=True))
    job = scene.job(flow())

    def run_by_somebody(request: LoggedRequest) -> None:
        if brought and request.operation == "read":
            copy = scene.here.buckets["a"][KEY]
            scene.there.buckets["c"][KEY] = MemoryObject(data=copy.data, modified_at=copy.modified_at)

    scene.there.watch = run_by_somebody
    (answer,) = scene.verify(job, others=[covering])
    assert (answer.outcome, [check.verdict for check in cleanup(answer)]) == (Outcome.PROVED, [Verdict.MATCH])
    operations = [request.operation for request in looked_at(scene.there, "c")]
    assert operations == (["head", "purge"] if brought else ["head"])
    assert left(scene) == []


def test_no_canary_vanishes_under_a_job_that_reads_it(scene: Scene) -> None:
    """Such a job would fail, for want of a file that it has listed."""
    scene.there.buckets["c"] = {}
    scene.here.plane.job_s = 5
    reading = scene.job(flow("reading", destination="c", jobs=True))
    answers = scene.verify(reading, scene.job(flow("f")), scene.job(flow("g", "a/g/", "b/g/")), parallelism=3)
    assert [answer.outcome for answer in answers] == [Outcome.PROVED] * 3
    told = [(request.operation, request.target.rpartition("/")[2]) for request in scene.here.log]
    start = next(at for at, (operation, _) in enumerate(told) if operation == "start")
    for name in ("f", "g"):
        written = next(at for at, entry in enumerate(told) if entry == ("write", name))
        purged = next(at for at, entry in enumerate(told) if entry == ("purge", name))
        assert not written < start < purged
    assert left(scene) == []


def test_flows_in_a_circle_come_to_an_end(scene: Scene) -> None:
    deeper = other(scene, replace(flow("deeper", "b", "b/x/", jobs=True), source=flow().destination))
    back = flow("back", "b", "a/back/", jobs=True)
    back = replace(back, source=back.destination, destination=back.source)
    scene.verify(scene.job(flow(jobs=True)), others=[deeper, replace(scene.job(back), relationship=None)])
    assert len(looked_at(scene.there, f"b/x/{KEY}")) <= 1
    assert left(scene) == []
