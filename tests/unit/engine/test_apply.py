"""Apply: exactly the plan, and failures that stay where they are."""

import threading
from copy import deepcopy
from pathlib import Path

import pytest

from reconciler.engine.record import actor
from reconciler.errors import ErrorCode
from reconciler.model.change import Action, Reason
from reconciler.model.drift import DriftState
from reconciler.model.plan import Plan
from reconciler.model.receipt import ContainerOutcome, RunOutcome
from tests.lab.workbench import PRUNING, Workbench
from tests.unit.engine.grains import bench

__all__ = ["bench"]


@pytest.fixture
def rules(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path, grain="container")


def actions(plan: Plan) -> dict[str, Action]:
    return {change.replication: change.action for change in plan.changes}


def test_a_second_plan_is_empty_and_no_call_is_made_that_was_not_planned(bench: Workbench) -> None:
    bench.replicate("one", "a", "b", prefix="x/", state="active")
    bench.replicate("two", "a", "c", prefix="y/", deletes="replicate")
    bench.replicate("three", "b", "d")
    plan = bench.plan()
    assert plan.applyable
    receipt = bench.apply(plan)
    assert receipt.outcome is RunOutcome.DONE
    assert bench.writes_sent == plan.summary.calls == (2 if bench.grain == "container" else 3)
    again = bench.plan()
    assert actions(again) == dict.fromkeys(("one", "two", "three"), Action.NONE)
    assert not again.applyable
    assert not again.containers


def test_a_receipt_remembers_what_earlier_runs_made(bench: Workbench) -> None:
    bench.replicate("one", "a", "b")
    bench.apply(bench.plan())
    bench.replicate("two", "c", "d")
    receipt = bench.apply(bench.plan())
    assert set(receipt.replications) == {"one", "two"}
    assert bench.state.receipt() == receipt


def test_foreign_rules_stay_as_they_are(rules: Workbench) -> None:
    foreign = {"source": {"bucket": "a", "prefix": "theirs/"}, "destination": {"bucket": "d"}, "state": "active"}
    before = deepcopy(rules.here.inject("legacy-2019", foreign).document)
    rules.replicate("one", "a", "b", prefix="ours/")
    plan = rules.plan()
    assert [item.identity for item in plan.unmanaged] == ["legacy-2019"]
    assert plan.containers[0].calls[0].preserves == ("legacy-2019",)
    rules.apply(plan)
    assert rules.here.rules["a"]["legacy-2019"].document == before


def test_only_what_is_ours_is_pruned_and_only_when_both_say_so(bench: Workbench) -> None:
    bench.replicate("one", "a", "b")
    bench.replicate("two", "a", "c", prefix="y/")
    bench.apply(bench.plan())
    theirs = {"source": {"bucket": "a", "prefix": "z/"}, "destination": {"bucket": "d"}, "state": "active"}
    bench.here.inject("theirs" if bench.grain == "container" else None, theirs)
    bench.forget("two")
    assert Action.DELETE not in actions(bench.plan(prune=True)).values()
    bench.write("workspace.yaml", PRUNING)
    kept = bench.plan()
    assert Action.DELETE not in actions(kept).values()
    assert sum(item.ours for item in kept.unmanaged) == 1
    plan = bench.plan(prune=True)
    assert [change.action for change in plan.active_changes] == [Action.DELETE]
    receipt = bench.apply(plan)
    assert set(receipt.replications) == {"one"}
    assert len(bench.plan(prune=True).active_changes) == 0


def test_a_failure_stops_its_container_and_no_other(bench: Workbench) -> None:
    bench.replicate("one", "a", "b")
    bench.replicate("two", "c", "d")
    plan = bench.plan()
    operation = plan.containers[0].calls[0].operation
    target = plan.containers[0].calls[0].target
    bench.here.fail(operation, target=target, code=ErrorCode.PERMISSION_DENIED, times=99)
    if bench.grain == "relationship":  # every create has one target there: fail the first alone
        bench.here._faults.clear()
        bench.here.fail(operation, code=ErrorCode.PERMISSION_DENIED, times=1)
    receipt = bench.apply(plan)
    assert receipt.outcome is RunOutcome.PARTIAL
    assert sorted(result.outcome for result in receipt.results) == [ContainerOutcome.DONE, ContainerOutcome.FAILED]
    failed = next(result for result in receipt.results if result.outcome is ContainerOutcome.FAILED)
    assert failed.code == "PERMISSION_DENIED"
    assert len(bench.plan().active_changes) == 1
    bench.here._faults.clear()
    assert bench.apply(bench.plan()).outcome is RunOutcome.DONE
    assert not bench.plan().active_changes


@pytest.mark.parametrize("committed", [True, False])
def test_a_lost_answer_is_settled_by_looking(bench: Workbench, committed: bool) -> None:
    bench.replicate("one")
    plan = bench.plan()
    call = plan.containers[0].calls[0]
    bench.here.fail(call.operation, committed=committed, ambiguous=True)
    receipt = bench.apply(plan)
    assert receipt.outcome is RunOutcome.DONE
    assert sum(len(held) for held in bench.here.rules.values()) + len(bench.here.relationships) == 1
    assert bench.writes_sent == (1 if committed else 2)


def test_refusals_that_pass_are_tried_again(bench: Workbench) -> None:
    bench.replicate("one")
    plan = bench.plan()
    bench.here.fail(plan.containers[0].calls[0].operation, code=ErrorCode.RATE_LIMITED, times=1)
    assert bench.apply(plan).outcome is RunOutcome.DONE


def test_an_interrupted_run_says_so_and_can_be_finished(bench: Workbench) -> None:
    bench.replicate("one", "a", "b")
    bench.replicate("two", "c", "d")
    plan = bench.plan()
    stop = threading.Event()
    bench.here.watch = lambda request: stop.set() if request.access == "write" else None
    receipt = bench.apply(plan, stop=stop, close=False)
    bench.here.watch = lambda _request: None
    assert receipt.outcome is RunOutcome.INTERRUPTED
    assert bench.apply(plan).outcome is RunOutcome.DONE
    assert bench.writes_sent == plan.summary.calls
    assert not bench.plan().active_changes


def test_a_rotated_secret_is_seen_and_never_shown(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, environ={"TOKEN": "first-token-value"})
    bench.replicate("one", memory="{token: {env: TOKEN}}")
    bench.apply(bench.plan())
    assert not bench.plan().active_changes
    bench.environ["TOKEN"] = "second-token-value"
    plan = bench.plan()
    assert [field.dotted for field in plan.active_changes[0].fields] == ["memory.token"]
    assert plan.active_changes[0].fields[0].sensitive
    bench.apply(plan)
    assert not bench.plan().active_changes
    everything = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "token-value" not in everything
    assert "token-value" not in plan.model_dump_json()


def test_a_wait_that_never_ends_fails_its_container(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship", replace=("deletes",))
    bench.write(
        "providers.yaml", (tmp_path / "providers.yaml").read_text().replace("grain:", "continuous: false, grain:")
    )
    bench.replicate("one", deletes="keep")
    bench.apply(bench.plan())
    bench.here.settle_all()
    bench.replicate("one", deletes="replicate")
    plan = bench.plan(allow=("MEMORY-REPLACE",))
    assert [type(step).__name__ for step in plan.containers[0].steps].count("Await") >= 1
    bench.here.fail("get-status", code=ErrorCode.PERMISSION_DENIED, times=99)
    receipt = bench.apply(plan)
    assert receipt.outcome in (RunOutcome.FAILED, RunOutcome.PARTIAL)
    assert receipt.results[0].code == "PERMISSION_DENIED"
    bench.here._faults.clear()
    assert bench.apply(bench.plan(allow=("MEMORY-REPLACE",))).outcome is RunOutcome.DONE


def test_a_provider_that_shows_something_else_is_reported(bench: Workbench) -> None:
    bench.replicate("one", deletes="keep")
    plan = bench.plan()

    def meddle(_event: object) -> None:
        for rule in [*bench.here.relationships.values(), *bench.here.rules.get("a", {}).values()]:
            rule.document["deletes"] = "replicate"

    bench.here.watch = lambda request: meddle(request) if request.access == "read" else None
    receipt = bench.apply(plan)
    (result,) = receipt.results
    assert result.code == "PROVIDER-DID-NOT-CONVERGE"
    assert "deletes" in result.detail


def test_resync_starts_what_can_be_started(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship")
    bench.replicate("one")
    bench.apply(bench.plan())
    plan = bench.plan(resync=frozenset({"one"}))
    assert actions(plan) == {"one": Action.RESYNC}
    before = bench.writes_sent
    assert bench.apply(plan).outcome is RunOutcome.DONE
    assert bench.writes_sent == before + 1


def test_a_changed_identity_replaces_what_the_receipt_knows(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship", replace=("*",))
    bench.replicate("one", "a", "b")
    bench.apply(bench.plan())
    bench.replicate("one", "a", "c")
    plan = bench.plan(allow=("MEMORY-REPLACE",))
    assert actions(plan) == {"one": Action.REPLACE}
    assert plan.containers[0].gone
    bench.apply(plan)
    assert len(bench.here.relationships) == 1
    assert not bench.plan().active_changes


def test_what_a_moved_replication_leaves_is_remembered_until_it_is_pruned(rules: Workbench) -> None:
    rules.write("workspace.yaml", PRUNING)
    rules.replicate("one", "a", "c")
    rules.apply(rules.plan())
    rules.replicate("one", "b", "c")
    moved = rules.plan()
    assert [(change.action, change.reason) for change in moved.changes] == [(Action.CREATE, Reason.MOVED)]
    assert len(rules.apply(moved).replications) == 2
    kept = rules.plan()
    assert [item.ours for item in kept.unmanaged] == [True]
    assert [item.state for item in rules.drift().items if item.replication == "one"] == [DriftState.IN_SYNC]
    receipt = rules.apply(rules.plan(prune=True))
    assert set(receipt.replications) == {"one"}
    assert not rules.plan(prune=True).changes[1:]
    assert not rules.plan().unmanaged


def test_a_replication_that_moves_and_is_pruned_in_one_go_stays_ours(rules: Workbench) -> None:
    rules.write("workspace.yaml", PRUNING)
    rules.replicate("one", "a", "c")
    rules.apply(rules.plan())
    rules.replicate("one", "b", "c")
    plan = rules.plan(prune=True)
    assert [change.action for change in plan.changes] == [Action.CREATE, Action.DELETE]
    receipt = rules.apply(plan)
    assert [entry.container for entry in receipt.replications.values()] == [plan.changes[0].container]


def test_a_replication_that_moves_there_and_back_is_recorded_once(rules: Workbench) -> None:
    rules.replicate("one", "a", "c")
    first = rules.apply(rules.plan()).replications["one"]
    rules.replicate("one", "b", "c")
    rules.apply(rules.plan())
    rules.replicate("one", "a", "c")
    plan = rules.plan()
    assert actions(plan) == {"one": Action.NONE}
    rules.replicate("two", "d", "c")
    receipt = rules.apply(rules.plan())
    assert receipt.replications["one"].container == first.container
    assert sorted(name.partition("@")[0] for name in receipt.replications) == ["one", "one", "two"]


def test_the_same_plan_may_be_applied_again_and_does_nothing(bench: Workbench) -> None:
    bench.replicate("one")
    plan = bench.plan()
    bench.apply(plan)
    before = bench.writes_sent
    assert bench.apply(plan).outcome is RunOutcome.DONE
    assert bench.writes_sent == before


def test_what_failed_is_tried_again_by_the_same_plan(bench: Workbench) -> None:
    bench.replicate("one", "a", "b")
    bench.replicate("two", "c", "d")
    plan = bench.plan()
    bench.here.fail(plan.containers[0].calls[0].operation, code=ErrorCode.PERMISSION_DENIED, times=1)
    assert bench.apply(plan).outcome is RunOutcome.PARTIAL
    assert bench.apply(plan).outcome is RunOutcome.DONE
    assert not bench.plan().active_changes


@pytest.mark.parametrize("variables", [{"GITHUB_ACTOR": "ada"}, {"REPL_ACTOR": "ada", "GITHUB_ACTOR": "bot"}])
def test_the_actor_is_who_ci_says(variables: dict[str, str]) -> None:
    assert actor(variables) == "ada"


def test_the_actor_is_somebody_in_any_case() -> None:
    assert "@" in actor({})


def test_nothing_is_deleted_after_a_write_on_the_same_provider_failed(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.write("workspace.yaml", PRUNING)
    bench.replicate("old", "a", "b")
    bench.replicate("kept", "d", "b", prefix="k/")
    bench.apply(bench.plan())
    bench.forget("old")
    bench.replicate("new", "c", "d")
    plan = bench.plan(prune=True)
    assert sorted(item.level for item in plan.containers) == [0, 1]
    bench.here.fail(plan.containers[0].calls[0].operation, code=ErrorCode.PERMISSION_DENIED, times=1)
    receipt = bench.apply(plan)
    outcomes = {result.container.scope: result.outcome for result in receipt.results}
    assert outcomes == {"bucket/c": ContainerOutcome.FAILED, "bucket/a": ContainerOutcome.SKIPPED}
    assert "repl.default.old" in bench.here.rules["a"]


def test_a_run_stopped_before_it_began_does_nothing(bench: Workbench) -> None:
    bench.replicate("one")
    stop = threading.Event()
    stop.set()
    receipt = bench.apply(bench.plan(), stop=stop)
    assert receipt.outcome is RunOutcome.INTERRUPTED
    assert bench.writes_sent == 0
