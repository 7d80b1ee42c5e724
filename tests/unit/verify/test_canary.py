"""A canary proves what it says it proves, and what it cannot judge it says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.step import Call
from reconciler.model.verification import Level, Outcome, Verdict
from reconciler.providers.base import Access, CallResult, Connection, SecretResolver
from reconciler.testing.memory import LoggedRequest, MemoryObject, MemoryProvider, Secrets
from tests.unit.verify.scene import KEY, Scene, flow, named, scene, verdicts

__all__ = ["scene"]


# What it proves ------------------------------------------------------------------------------------------------


def test_a_canary_that_arrives_is_proof_with_its_lag(scene: Scene) -> None:
    (answer,) = scene.verify(scene.job(flow(source="a/in/", destination="b/out/")))
    assert (answer.outcome, answer.level, answer.reason) == (Outcome.PROVED, Level.CANARY, "")
    assert answer.lag_s is not None
    assert 3 <= answer.lag_s <= 6
    assert 4096 <= answer.bytes_written <= 65536
    assert set(verdicts(answer).values()) == {Verdict.MATCH}
    assert {"canary written", "canary arrived", "size", "sha256", "metadata", "health", "cleanup"} <= verdicts(
        answer
    ).keys()
    assert "COMPLETED" in named(answer, "canary arrived")[0].detail
    assert {"objects written before", "deletions"} <= set(answer.not_checked)
    assert scene.left() == []


def test_each_canary_has_content_of_its_own(scene: Scene) -> None:
    seen: list[bytes] = []

    def look(request: LoggedRequest) -> None:
        if request.operation == "read":
            seen.extend(held.data for held in scene.there.buckets["b"].values())

    scene.there.watch = look
    scene.verify(scene.job(flow("one")), scene.job(flow("two", source="a/x/", destination="b/x/")))
    assert len(set(seen)) >= 2


def test_it_carries_the_tags_that_the_filter_asks_for(scene: Scene) -> None:
    (answer,) = scene.verify(scene.job(flow(filter={"tags": {"class": "hot"}})))
    assert answer.outcome is Outcome.PROVED


def test_a_managed_storage_class_is_compared(scene: Scene) -> None:
    (good,) = scene.verify(scene.job(flow(storage_class="COLD")))
    assert verdicts(good)["storage class"] is Verdict.MATCH
    (bad,) = scene.verify(scene.job(flow(storage_class="COLD"), storageClass="STANDARD"))
    assert (bad.outcome, verdicts(bad)["storage class"]) == (Outcome.FAILED, Verdict.DIFFERS)
    assert "COLD in the manifest, STANDARD at the destination" in named(bad, "storage class")[0].detail


def test_a_deletion_is_seen_to_arrive_where_deletions_are_replicated(scene: Scene) -> None:
    (answer,) = scene.verify(scene.job(flow(deletes="replicate")))
    assert (answer.outcome, verdicts(answer)["delete"]) == (Outcome.PROVED, Verdict.MATCH)
    assert "deletions" not in answer.not_checked


def test_a_deletion_that_does_not_arrive_is_a_failure(scene: Scene) -> None:
    (answer,) = scene.verify(scene.job(flow(deletes="replicate"), deletes="keep"))
    assert (answer.outcome, verdicts(answer)["delete"]) == (Outcome.FAILED, Verdict.EXTRA)
    assert "the deletion did not arrive within 1m" in answer.reason
    assert scene.left() == []


def test_a_canary_comes_before_all_objects_are_compared(scene: Scene) -> None:
    (answer,) = scene.verify(scene.job(flow(verify={"level": "hash", "within": "1m"})))
    assert (answer.level, answer.outcome) == (Level.HASH, Outcome.PROVED)
    assert verdicts(answer)["sha256"] is Verdict.MATCH
    assert "objects, of which the source has none to compare" in answer.not_checked


def test_nothing_is_compared_when_the_canary_does_not_arrive(scene: Scene) -> None:
    scene.here.plane.stalled = True
    (answer,) = scene.verify(scene.job(flow(verify={"level": "size", "within": "1m"})))
    assert (answer.level, answer.outcome, answer.compared) == (Level.SIZE, Outcome.FAILED, None)
    assert "all other objects: they are compared when a canary has arrived" in answer.not_checked


def test_the_level_given_replaces_the_flow_s(scene: Scene) -> None:
    job = scene.job(flow())
    scene.verify(job)
    (answer,) = scene.verify(job, level=Level.STATUS)
    assert (answer.level, answer.outcome, answer.bytes_written) == (Level.STATUS, Outcome.PROVED, 0)


def test_what_a_new_rule_has_passed_over_is_written_again(scene: Scene) -> None:
    job = scene.job(flow())
    (rule,) = scene.here.rules["a"].values()
    rule.document["source"]["prefix"] = "does not hold yet/"

    def take_hold(elapsed: float) -> None:
        if elapsed >= 10:
            rule.document["source"]["prefix"] = ""

    scene.clock.woken = take_hold
    (answer,) = scene.verify(job)
    assert answer.outcome is Outcome.PROVED
    assert [check.detail.partition(",")[0] for check in named(answer, "canary written")][1:] == ["again"]
    assert scene.left() == []


def test_what_is_on_its_way_is_not_written_again(scene: Scene) -> None:
    scene.here.plane.latency_s = 50
    (answer,) = scene.verify(scene.job(flow()))
    assert answer.outcome is Outcome.PROVED
    assert len(named(answer, "canary written")) == 1


# What it disproves ---------------------------------------------------------------------------------------------


def test_a_canary_that_does_not_arrive_fails_with_what_both_ends_say(scene: Scene) -> None:
    scene.here.plane.stalled = True
    (answer,) = scene.verify(scene.job(flow()))
    assert (answer.outcome, answer.lag_s) == (Outcome.FAILED, None)
    assert "did not arrive within 1m: the source's replication status is PENDING" in answer.reason
    assert "here says nothing about its state (1 waiting)" in answer.reason
    assert scene.clock.monotonic() >= 60
    assert scene.left() == []
    assert any("still waiting" in line for line in scene.told)


def test_what_may_still_come_after_the_limit_is_said(scene: Scene) -> None:
    scene.here.plane.latency_s = 90
    (answer,) = scene.verify(scene.job(flow()))
    assert named(answer, "cleanup")[0].verdict is Verdict.PENDING
    assert KEY in named(answer, "cleanup")[0].detail


def test_an_object_that_stays_failed_ends_the_wait_before_the_limit(scene: Scene) -> None:
    scene.here.plane.failing = True
    (answer,) = scene.verify(scene.job(flow(verify={"within": "1h"})))
    assert answer.outcome is Outcome.FAILED
    assert "the source's replication status is FAILED; here says it has failed (1 failed)" in answer.reason
    assert scene.clock.monotonic() < 600


def test_changed_bytes_fail(scene: Scene) -> None:
    scene.here.plane.corrupts = True
    (answer,) = scene.verify(scene.job(flow()))
    assert (answer.outcome, verdicts(answer)["sha256"], verdicts(answer)["size"]) == (
        Outcome.FAILED, Verdict.DIFFERS, Verdict.MATCH
    )  # fmt: skip
    assert "differs from what was written: sha256" in answer.reason
    assert scene.left() == []


def test_lost_metadata_fails(scene: Scene) -> None:
    scene.here.plane.drops_metadata = True
    (answer,) = scene.verify(scene.job(flow()))
    assert (answer.outcome, verdicts(answer)["metadata"]) == (Outcome.FAILED, Verdict.DIFFERS)


def test_a_file_that_is_still_being_written_is_given_time(scene: Scene) -> None:
    """Some systems show a file before all of it is there."""
    whole: list[MemoryObject] = []

    def shorten(request: LoggedRequest) -> None:
        held = scene.there.buckets["b"].get(KEY)
        if held and not whole:
            whole.append(held)
            scene.there.buckets["b"][KEY] = MemoryObject(data=held.data[:100], modified_at=held.modified_at)
            complete_at = scene.clock.monotonic() + 4
            scene.clock.woken = lambda now: scene.there.buckets["b"].update({KEY: held}) if now >= complete_at else None

    scene.there.watch = shorten
    (answer,) = scene.verify(scene.job(flow()))
    assert (answer.outcome, len(whole)) == (Outcome.PROVED, 1)


def test_other_objects_that_failed_are_not_outweighed(scene: Scene) -> None:
    job = scene.job(flow())
    scene.here.rules["a"]["repl.test.f"].failed = 7
    (answer,) = scene.verify(job)
    assert (answer.outcome, verdicts(answer)["canary arrived"]) == (Outcome.FAILED, Verdict.MATCH)
    assert "the canary arrived, but here says it has failed (7 failed" in answer.reason


# What it does not judge ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("glob", [".repl-canary/*", "in/.repl-*", "f"])
def test_a_filter_that_keeps_canaries_back_is_said_and_nothing_is_written(scene: Scene, glob: str) -> None:
    (answer,) = scene.verify(scene.job(flow(source="a/in/", filter={"exclude": ["*.tmp", glob]})))
    assert answer.outcome is Outcome.NOT_CHECKED
    assert repr(glob) in answer.reason
    assert not any(request.access == "write" for request in scene.here.log)


def test_a_paused_flow_is_left_alone_whoever_paused_it(scene: Scene) -> None:
    answers = scene.verify(
        scene.job(flow("by-hand"), state="paused"), scene.job(flow("by-manifest", state="paused"))
    )  # fmt: skip
    assert [(answer.outcome, answer.reason) for answer in answers] == [(Outcome.NOT_CHECKED, "paused")] * 2
    assert not any(request.access == "write" for request in scene.here.log)


def test_ends_without_objects_cannot_be_tried(scene: Scene) -> None:
    class Sealed(MemoryProvider):
        info = replace(MemoryProvider.info, capabilities=frozenset())

    job = scene.job(flow())
    sealed = Sealed.__new__(Sealed)
    (answer,) = scene.verify(replace(job, destination=sealed))
    assert answer.outcome is Outcome.NOT_CHECKED
    assert "objects on there can neither be written nor read" in answer.reason


# Jobs ----------------------------------------------------------------------------------------------------------


def test_a_system_that_does_not_copy_by_itself_is_told_to(scene: Scene) -> None:
    scene.here.plane.job_s = 10
    (answer,) = scene.verify(scene.job(flow(jobs=True)))
    assert answer.outcome is Outcome.PROVED
    assert len(named(answer, "job started")) == 1
    assert [request.operation for request in scene.here.requests("write")] == ["start"]
    assert scene.left() == []


def test_a_job_that_began_before_the_canary_does_not_count(scene: Scene) -> None:
    scene.here.plane.job_s = 20
    job = scene.job(flow(jobs=True))
    scene.here.start(scene.here.relationships["r-1"])
    (answer,) = scene.verify(job)
    assert answer.outcome is Outcome.PROVED
    assert answer.lag_s is not None
    assert answer.lag_s >= 40


def test_a_job_that_does_not_end_is_no_evidence_either_way(scene: Scene) -> None:
    scene.here.plane.job_s = 10_000
    job = scene.job(flow(jobs=True))
    scene.here.start(scene.here.relationships["r-1"])
    (answer,) = scene.verify(job)
    assert answer.outcome is Outcome.NOT_CHECKED
    assert "a job was running already" in answer.reason
    assert scene.left() == []


def test_somebody_else_s_job_between_look_and_start_is_waited_for(scene: Scene) -> None:
    scene.here.plane.job_s = 5
    job = scene.job(flow(jobs=True))
    begun: list[str] = []

    def interfere(request: LoggedRequest) -> None:
        if request.operation == "start" and not begun:
            begun.append("other")
            scene.here.start(scene.here.relationships["r-1"])

    scene.here.watch = interfere
    (answer,) = scene.verify(job)
    assert answer.outcome is Outcome.PROVED
    assert len(scene.here.requests("write", "start")) == 2


def test_a_job_that_fails_ends_the_wait(scene: Scene) -> None:
    scene.here.plane.job_s, scene.here.plane.failing = 5, True
    (answer,) = scene.verify(scene.job(flow(jobs=True, verify={"within": "1h"})))
    assert answer.outcome is Outcome.FAILED
    assert "the job has failed; here says it has failed" in answer.reason
    assert scene.clock.monotonic() < 600


def test_jobs_that_pass_the_canary_by_are_started_a_few_times_only(scene: Scene) -> None:
    scene.here.plane.job_s = 2
    job = scene.job(flow(jobs=True), filter={"exclude": [".repl-canary/*"], "tags": {}})
    (answer,) = scene.verify(job)
    assert answer.outcome is Outcome.FAILED
    assert len(scene.here.requests("write", "start")) == 3


def test_deletions_of_job_systems_need_a_job_too(scene: Scene) -> None:
    (answer,) = scene.verify(scene.job(flow(jobs=True, deletes="replicate")))
    assert (answer.outcome, verdicts(answer)["delete"]) == (Outcome.PROVED, Verdict.MATCH)
    assert len(named(answer, "job started")) == 2


def test_a_start_that_is_skipped_is_tried_again(scene: Scene) -> None:
    """Some systems take a start while a job runs, and do nothing."""

    class Lenient(MemoryProvider):
        def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
            try:
                return super().execute(call, secrets)
            except ProviderError:
                return CallResult(skipped="a job is running")

    scene.here.plane.job_s = 5
    job = scene.job(flow(jobs=True))
    begun: list[str] = []

    def interfere(request: LoggedRequest) -> None:
        if request.operation == "start" and not begun:
            begun.append("other")
            scene.here.start(scene.here.relationships["r-1"])

    scene.here.watch = interfere
    doc = job.flow.owner
    connection = Connection(doc=doc, secrets=Secrets(), access=Access.WRITE, base=Path(), workspace="test")
    lenient = Lenient(connection, doc.spec.config)  # type: ignore[arg-type]
    (answer,) = scene.verify(replace(job, provider=lenient))
    assert (answer.outcome, len(named(answer, "job started"))) == (Outcome.PROVED, 1)


# A run of several ----------------------------------------------------------------------------------------------


def test_every_job_has_one_answer_in_order_whatever_happens(scene: Scene) -> None:
    class Faulty:
        """A third party's provider with a bug, whose error text holds what it should not."""

        def __getattr__(self, name: str) -> Any:
            raise ValueError("password hunter2")

    broken = scene.job(flow("b"))
    broken = replace(broken, provider=Faulty())  # type: ignore[arg-type]
    answers = scene.verify(scene.job(flow("c")), broken, scene.job(flow("a")), parallelism=3)
    assert [(answer.replication, answer.outcome) for answer in answers] == [
        ("a", Outcome.PROVED), ("b", Outcome.FAILED), ("c", Outcome.PROVED)
    ]  # fmt: skip
    assert "a bug: ValueError" in answers[1].reason
    assert "hunter2" not in "".join([*(answer.model_dump_json() for answer in answers), *scene.told])


def test_no_jobs_no_answers(scene: Scene) -> None:
    assert scene.verify() == ()


def test_the_store_of_an_end_is_opened_by_that_end_s_provider(scene: Scene) -> None:
    job = scene.job(flow())
    scene.there.fail("head", code=ErrorCode.UNAUTHENTICATED)
    (answer,) = scene.verify(job)
    assert answer.reason.startswith("there: head: UNAUTHENTICATED")
