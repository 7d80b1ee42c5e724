"""A run cut off at every boundary of its journal, and run again: nothing twice, nothing lost."""

from collections import Counter
from pathlib import Path

import pytest

from reconciler.engine.journal import open_runs
from reconciler.errors import ErrorCode
from reconciler.model.change import Action, Reason
from reconciler.model.receipt import RunOutcome
from tests.lab.crash import survived
from tests.lab.workbench import Workbench


def prepare(root: Path, grain: str) -> Workbench:
    bench = Workbench(root, grain=grain, replace=("deletes",))
    bench.replicate("changed", "a", "b", prefix="x/", deletes="keep")
    bench.apply(bench.plan())
    bench.replicate("changed", "a", "b", prefix="x/", deletes="replicate")
    bench.replicate("new", "a", "c", prefix="y/")
    bench.replicate("other", "d", "c")
    return bench


def writes(bench: Workbench) -> Counter[tuple[str, str]]:
    """What was written, and how often."""
    return Counter(
        (one.operation, one.target.replace(bench.there.name, "there")) for one in bench.here.requests("write")
    )


@pytest.mark.parametrize("grain", ["container", "relationship"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("again", ["same plan", "new plan"])
def test_every_boundary(tmp_path: Path, grain: str, after: bool, again: str) -> None:
    allow = ("MEMORY-REPLACE",)
    uncut = prepare(tmp_path / "uncut", grain)
    uncut.apply(uncut.plan(allow=allow))
    number = 0
    while True:
        bench = prepare(tmp_path / str(number), grain)
        plan = bench.plan(allow=allow)
        ended = survived(bench.apply, plan, killed_at=number, after=after)
        if ended:
            break
        second = plan if again == "same plan" else bench.plan(allow=allow)
        if second.summary.changes:
            receipt = bench.apply(second)
            assert receipt.outcome is RunOutcome.DONE, number
            assert not open_runs(bench.state), f"cut at {number}"
        assert writes(bench) == writes(uncut), f"cut at {number}: nothing twice, nothing left out"
        rules = [rule for held in bench.here.rules.values() for rule in held.values()]
        live = rules + list(bench.here.relationships.values())
        assert len(live) == 3, f"cut at {number}"
        assert {change.action for change in bench.plan().changes} == {Action.NONE}, number
        # Where all had been done a new plan has nothing to apply; the next one that has something ends the run.
        bench.replicate("later", "c", "d")
        assert bench.apply(bench.plan()).outcome is RunOutcome.DONE
        assert not open_runs(bench.state), f"cut at {number}"
        number += 1
    assert number >= 8


def test_a_torn_line_at_the_end_is_passed_over(tmp_path: Path) -> None:
    bench = prepare(tmp_path, "container")
    plan = bench.plan(allow=("MEMORY-REPLACE",))
    receipt = bench.apply(plan, close=False)
    path = bench.state.journal_path(receipt.run_id)
    with path.open("ab") as file:
        file.write(b'{"format_version":"1.0","at":"2026')
    assert bench.apply(plan).outcome is RunOutcome.DONE
    assert not open_runs(bench.state)


def copied(bench: Workbench) -> int:
    """How often existing data was sent."""
    return sum(logged.operation == "start" for logged in bench.here.log)


@pytest.mark.parametrize("grain", ["container", "relationship"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("again", ["same plan", "new plan"])
def test_a_copy_that_is_owed_is_not_forgotten(tmp_path: Path, grain: str, after: bool, again: str) -> None:
    number = 0
    while True:
        bench = Workbench(tmp_path / str(number), grain=grain)
        bench.replicate("old", "a", "b", existing="copy", state="active")
        plan = bench.plan()
        ended = survived(bench.apply, plan, killed_at=number, after=after)
        if not ended:
            second = plan if again == "same plan" else bench.plan()
            if second.summary.changes:
                assert bench.apply(second).outcome is RunOutcome.DONE, number
        assert 1 <= copied(bench) <= 1 + (not ended), f"cut at {number}"
        assert {change.action for change in bench.plan().changes} == {Action.NONE}, number
        if ended:
            break
        number += 1
    assert number >= 6


def test_a_copy_that_was_refused_stays_owed_until_it_is_sent(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.replicate("old", "a", "b", existing="copy", state="active")
    bench.here.fail("start", code=ErrorCode.FAILED_PRECONDITION, times=1)
    assert bench.apply(bench.plan()).outcome is RunOutcome.PARTIAL
    owed = bench.plan()
    assert [(change.action, change.reason) for change in owed.changes] == [(Action.RESYNC, Reason.COPY_OWED)]
    bench.replicate("old", "a", "b", existing="copy", state="active", deletes="replicate")
    both = bench.plan()
    assert [change.action for change in both.changes] == [Action.UPDATE]
    receipt = bench.apply(both)
    assert (receipt.outcome, receipt.owed, copied(bench)) == (RunOutcome.DONE, (), 2)
    assert not bench.plan().summary.changes


def test_a_copy_that_nobody_wants_any_more_is_not_owed(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.replicate("old", "a", "b", existing="copy", state="active")
    bench.here.fail("start", code=ErrorCode.FAILED_PRECONDITION, times=1)
    bench.apply(bench.plan())
    bench.replicate("old", "a", "b", existing="ignore", state="active")
    assert not bench.plan().summary.changes


def test_a_copy_whose_answer_was_lost_is_sent_again(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.replicate("old", "a", "b", existing="copy", state="active")
    bench.here.fail("start", code=ErrorCode.UNAVAILABLE, committed=True, times=1)
    assert bench.apply(bench.plan()).outcome is RunOutcome.DONE
    assert copied(bench) == 2
