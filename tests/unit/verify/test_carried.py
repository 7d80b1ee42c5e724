"""Other flows carry a canary on: their copies are removed too, in bounded time, and what may stay is said."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.relationship import Flow
from reconciler.model.verification import Check, Outcome, Verdict, Verification
from reconciler.testing.memory import LoggedRequest, MemoryObject, MemoryWorld, open_memory
from reconciler.verify.run import Job
from tests.unit.verify.scene import Scene, flow, named, scene

__all__ = ["scene"]

KEY = ".repl-canary/run-1/f"


def other(scene: Scene, made: Flow, **live: Any) -> Job:
    """Make a flow live that is not verified, as the command describes it: with no relationship."""
    for end, world in ((made.spec.source, scene.here), (made.spec.destination, scene.there)):
        assert end.bucket is not None
        world.buckets.setdefault(end.bucket, {})
    return replace(scene.job(made, **live), relationship=None)


def stall(scene: Scene, name: str = "whole") -> Job:
    """Describe a flow that is live, and brings nothing."""
    covering = other(scene, flow(name, destination="c"))
    scene.here.rules["a"][f"repl.test.{name}"].document["filter"]["exclude"] = ["*"]
    return covering


def unapplied(made: Flow) -> Job:
    """Describe a flow that only its manifest knows."""
    return Job(
        flow=made, provider=open_memory(made.owner), relationship=None, source=open_memory(made.source),
        destination=open_memory(made.destination),
    )  # fmt: skip


def onward(scene: Scene) -> Job:
    """Make a flow live from the destination's bucket to a third one of the same system."""
    scene.there.buckets["c"] = {}
    made = flow("onward", "b", "c")
    return replace(scene.job(replace(made, source=made.destination)), relationship=None)


def left(scene: Scene) -> list[str]:
    """Keys of canaries anywhere, after all that is under way has arrived."""
    scene.clock.advance(600)
    MemoryWorld.settle_all()
    return scene.left()


def cleanup(answer: Verification) -> list[Check]:
    return named(answer, "cleanup")


def looked_at(world: MemoryWorld, bucket: str) -> list[LoggedRequest]:
    return [request for request in world.log if request.target.startswith(f"{bucket}/")]


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


# When it goes wrong --------------------------------------------------------------------------------------------


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
