"""What is said of a run that was cut off before anything else is applied: by plan, and by drift."""

from pathlib import Path

import pytest

from reconciler.cli.outcome import drift_exit_code
from reconciler.engine.journal import open_runs, owed_copies
from reconciler.errors import ErrorCode, ExitCode
from reconciler.model.change import Action
from reconciler.model.drift import DriftReport, DriftState
from reconciler.model.finding import Finding
from reconciler.model.receipt import RunOutcome
from reconciler.report.drift import drift_text
from reconciler.report.style import Style
from tests.lab.crash import survived
from tests.lab.workbench import PRUNING, Workbench

GRAINS = pytest.mark.parametrize("grain", ["container", "relationship"])
BY_HAND = {DriftState.DRIFTED, DriftState.VANISHED}
ALLOW = ("MEMORY-REPLACE",)


def told(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.detail for finding in findings if finding.code == "REPL-W004"]


def states(report: DriftReport) -> dict[str, DriftState]:
    return {item.replication: item.state for item in report.items}


def prepared(root: Path, grain: str) -> Workbench:
    """One that is changed in place, one replaced, one removed, one new, and one that nobody touches."""
    bench = Workbench(root, grain=grain, replace=("deletes",))
    bench.write("workspace.yaml", PRUNING)
    bench.replicate("left", "c", "b", state="active")
    bench.replicate("paused", "b", "c", state="active")
    bench.replicate("replaced", "a", "b", prefix="x/", deletes="keep")
    bench.replicate("removed", "d", "b")
    bench.apply(bench.plan())
    bench.replicate("paused", "b", "c", state="paused")
    bench.replicate("replaced", "a", "b", prefix="x/", deletes="replicate")
    bench.replicate("new", "a", "c", prefix="y/")
    bench.forget("removed")
    return bench


@GRAINS
@pytest.mark.parametrize("after", [False, True])
def test_what_a_killed_run_has_done_is_nobodys_change_by_hand(tmp_path: Path, grain: str, after: bool) -> None:
    number, half_made = 0, set[str]()
    while True:
        bench = prepared(tmp_path / str(number), grain)
        plan = bench.plan(allow=ALLOW, prune=True)
        written = bench.writes_sent
        ended = survived(bench.apply, plan, killed_at=number, after=after)
        if ended:
            break
        report, again = bench.drift(), bench.plan(allow=ALLOW, prune=True)
        assert not BY_HAND & set(states(report).values()), (number, states(report))
        assert states(report)["left"] is DriftState.IN_SYNC
        here = {item.replication for item in report.half_made}
        half_made |= here
        receipt = bench.state.receipt()
        if bench.writes_sent > written and receipt is not None and receipt.plan_id != plan.plan_id:
            (run,) = open_runs(bench.state)
            assert any(run.run_id in text for text in told(report.findings)), number
            assert any(run.run_id in text for text in told(again.findings)), number
        if here:
            assert drift_exit_code(report, include_pending=False) == ExitCode.CHANGES
            assert "did not come to its end" in drift_text(report, Style(width=100, color=False))
        number += 1
    assert half_made == {"paused", "replaced", "removed"}


@GRAINS
def test_a_first_run_that_was_cut_off_leaves_nothing_that_has_vanished(tmp_path: Path, grain: str) -> None:
    number = 0
    while True:
        bench = Workbench(tmp_path / str(number), grain=grain)
        bench.replicate("one", "a", "b")
        bench.replicate("two", "c", "d")
        ended = survived(bench.apply, bench.plan(), killed_at=number, after=True)
        report = bench.drift()
        if number:
            assert not BY_HAND & set(states(report).values()), (number, states(report))
        if ended:
            break
        said = [finding.detail for finding in report.findings if finding.code == "REPL-W002"]
        assert not any("There has been no apply" in text for text in said[:1] if number), number
        number += 1
    assert number >= 8


def test_a_change_by_hand_elsewhere_is_still_drift(tmp_path: Path) -> None:
    bench = prepared(tmp_path, "container")
    assert not survived(bench.apply, bench.plan(allow=ALLOW, prune=True), killed_at=3, after=True)
    for rule in bench.here.rules["c"].values():
        rule.document["state"] = "paused"
    assert states(bench.drift())["left"] is DriftState.DRIFTED


def test_nothing_is_said_any_more_once_an_apply_has_come_to_its_end(tmp_path: Path) -> None:
    bench = prepared(tmp_path, "container")
    assert not survived(bench.apply, bench.plan(allow=ALLOW, prune=True), killed_at=3, after=True)
    assert told(bench.plan(allow=ALLOW, prune=True).findings)
    assert bench.apply(bench.plan(allow=ALLOW, prune=True)).outcome is RunOutcome.DONE
    assert not told(bench.plan().findings)
    assert not told(bench.drift().findings)
    assert set(states(bench.drift()).values()) == {DriftState.IN_SYNC}


def test_what_a_failed_run_has_done_is_nobodys_change_by_hand(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, replace=("deletes",), grain="relationship")
    bench.replicate("one", deletes="keep")
    bench.apply(bench.plan())
    bench.replicate("one", deletes="replicate")
    bench.here.fail("create-relationship", code=ErrorCode.FAILED_PRECONDITION, times=1)
    assert bench.apply(bench.plan(allow=ALLOW)).outcome is RunOutcome.PARTIAL
    assert states(bench.drift()) == {"one": DriftState.CUT_OFF}


def test_a_failed_run_that_is_gone_on_with_and_cut_off_is_told(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship")
    bench.replicate("one")
    bench.replicate("two", "c", "d")
    plan = bench.plan()
    bench.here.fail("create-relationship", code=ErrorCode.FAILED_PRECONDITION, times=1)
    assert bench.apply(plan).outcome is RunOutcome.PARTIAL
    assert not open_runs(bench.state)
    assert not survived(bench.apply, plan, killed_at=2, after=True)
    assert len(told(bench.plan().findings)) == 1
    assert bench.apply(bench.plan()).outcome is RunOutcome.DONE
    assert {change.action for change in bench.plan().changes} == {Action.NONE}
    assert not open_runs(bench.state)


def half_done(root: Path) -> Workbench:
    """A run that was cut off between the removal and the new making of one replication."""
    bench = prepared(root, "relationship")
    plan = bench.plan(allow=ALLOW, prune=True)
    for number in range(40):
        if any(item.replication == "replaced" for item in bench.drift().half_made):
            return bench
        bench = prepared(root / str(number), "relationship")
        plan = bench.plan(allow=ALLOW, prune=True)
        assert not survived(bench.apply, plan, killed_at=number, after=True)
    raise AssertionError("never half made")


def replaced_is_told(bench: Workbench, run_id: str) -> bool:
    said = any(run_id in text and "replaced" in text for text in told(bench.plan().findings))
    return said and states(bench.drift())["replaced"] is DriftState.CUT_OFF


def test_a_run_that_leaves_it_out_does_not_make_it_forgotten(tmp_path: Path) -> None:
    bench = half_done(tmp_path)
    (run,) = open_runs(bench.state)
    bench.replicate("other", "d", "a", prefix="z/")
    assert bench.apply(bench.plan(select=("other",))).outcome is RunOutcome.DONE
    assert replaced_is_told(bench, run.run_id)
    assert bench.apply(bench.plan(select=("replaced", "paused", "new"), allow=ALLOW)).outcome is RunOutcome.DONE
    assert not told(bench.plan().findings)


def test_a_second_run_that_is_cut_off_before_it_comes_there_does_not_make_it_forgotten(tmp_path: Path) -> None:
    for number in range(3):
        bench = half_done(tmp_path / str(number))
        (run,) = open_runs(bench.state)
        again = bench.plan(allow=ALLOW, prune=True)
        assert not survived(bench.apply, again, killed_at=number, after=True)
        assert replaced_is_told(bench, run.run_id)
        assert bench.apply(bench.plan(allow=ALLOW, prune=True)).outcome is RunOutcome.DONE
        assert not told(bench.plan().findings)


def test_a_second_run_that_fails_there_does_not_make_it_forgotten(tmp_path: Path) -> None:
    bench = half_done(tmp_path)
    (run,) = open_runs(bench.state)
    bench.here.fail("create-relationship", code=ErrorCode.FAILED_PRECONDITION, times=9)
    assert bench.apply(bench.plan(allow=ALLOW, prune=True)).outcome is not RunOutcome.DONE
    assert replaced_is_told(bench, run.run_id)


def test_a_copy_that_a_killed_run_owes_outlives_a_second_killed_run(tmp_path: Path) -> None:
    number = 0
    while True:
        bench = Workbench(tmp_path / str(number))
        bench.replicate("one", existing="copy", state="active")
        if survived(bench.apply, bench.plan(), killed_at=number, after=True):
            break
        owed = owed_copies(bench.state)
        assert not survived(bench.apply, bench.plan(), killed_at=1, after=True)
        assert owed_copies(bench.state) >= owed, number
        number += 1
    assert number > 3


def test_what_failed_and_was_left_out_of_the_next_run_is_told(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, replace=("deletes",), grain="relationship")
    bench.replicate("one", deletes="keep")
    bench.apply(bench.plan())
    bench.replicate("one", deletes="replicate")
    bench.replicate("two", "c", "d")
    bench.here.fail("create-relationship", code=ErrorCode.FAILED_PRECONDITION, times=1)
    failed = bench.apply(bench.plan(select=("one",), allow=ALLOW))
    assert bench.apply(bench.plan(select=("two",))).outcome is RunOutcome.DONE
    assert states(bench.drift())["one"] is DriftState.CUT_OFF
    (text,) = told(bench.plan().findings)
    assert f"Run {failed.run_id} failed in" in text
    assert bench.apply(bench.plan(allow=ALLOW)).outcome is RunOutcome.DONE
    assert not told(bench.plan().findings)
    assert set(states(bench.drift()).values()) == {DriftState.IN_SYNC}


@GRAINS
def test_what_a_killed_run_has_made_is_ours_though_nobody_wants_it_any_more(tmp_path: Path, grain: str) -> None:
    bench = Workbench(tmp_path, grain=grain)
    bench.write("workspace.yaml", PRUNING)
    bench.replicate("kept", "c", "d")
    bench.apply(bench.plan())
    bench.replicate("dropped", "a", "b")
    assert not survived(bench.apply, bench.plan(), killed_at=3, after=True)
    bench.forget("dropped")
    bench.replicate("kept", "c", "d", state="paused")
    assert bench.apply(bench.plan()).outcome is RunOutcome.DONE
    (left,) = bench.plan().unmanaged
    assert left.ours
    assert told(bench.plan().findings)
    assert bench.apply(bench.plan(prune=True)).outcome is RunOutcome.DONE
    assert not bench.plan().unmanaged
    assert not told(bench.plan().findings)


def test_a_container_that_is_settled_is_not_told_of_with_one_that_is_not(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, replace=("deletes",), grain="relationship")
    for name, source, to in (("one", "a", "b"), ("two", "c", "d")):
        bench.replicate(name, source, to, deletes="keep")
    bench.apply(bench.plan())
    for name, source, to in (("one", "a", "b"), ("two", "c", "d")):
        bench.replicate(name, source, to, deletes="replicate")
    bench.here.fail("create-relationship", code=ErrorCode.FAILED_PRECONDITION, times=2)
    bench.apply(bench.plan(allow=ALLOW))
    assert states(bench.drift()) == {"one": DriftState.CUT_OFF, "two": DriftState.CUT_OFF}
    assert bench.apply(bench.plan(select=("one",), allow=ALLOW)).outcome is RunOutcome.DONE
    assert states(bench.drift()) == {"one": DriftState.IN_SYNC, "two": DriftState.CUT_OFF}
    (text,) = told(bench.plan().findings)
    assert "for two" in text


def test_a_copy_that_a_later_run_has_sent_is_not_owed_by_one_that_stays_open(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship")
    bench.replicate("one", "a", "b", existing="copy", state="active")
    bench.replicate("two", "c", "d", existing="copy", state="active")
    bench.here.fail("start", code=ErrorCode.FAILED_PRECONDITION, times=2)
    bench.apply(bench.plan())
    assert owed_copies(bench.state) == {"one", "two"}
    assert bench.apply(bench.plan(select=("one",))).outcome is RunOutcome.DONE
    assert open_runs(bench.state)
    assert owed_copies(bench.state) == {"two"}
    assert not bench.plan(select=("one",)).active_changes


def test_what_a_killed_run_has_moved_is_recorded_where_it_is(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship")
    bench.replicate("one", "a", "b")
    bench.apply(bench.plan())
    bench.replicate("one", "c", "b")
    assert not survived(bench.apply, bench.plan(allow=ALLOW), killed_at=6, after=True)
    assert not bench.plan().active_changes
    bench.replicate("two", "d", "a")
    receipt = bench.apply(bench.plan())
    (moved,) = (rule.id for rule in bench.here.relationships.values() if rule.document["source"]["bucket"] == "c")
    entry = receipt.replications["one"]
    assert (entry.container.key[:2], entry.relationship.provider_id) == ("c/", moved)
