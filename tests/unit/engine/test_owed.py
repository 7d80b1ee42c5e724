"""What a run should have copied and did not stays owed: over other runs, and as long as somebody may want it."""

from pathlib import Path

import pytest

from reconciler.errors import ErrorCode
from reconciler.model.change import Action, Reason
from reconciler.model.receipt import RunOutcome
from tests.lab.workbench import PRUNING, Workbench


def copied(bench: Workbench) -> int:
    """How often existing data was sent."""
    return sum(logged.operation == "start" for logged in bench.here.log)


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """A replication that is in place, and a copy of it that was asked for and refused."""
    made = Workbench(tmp_path)
    made.write("workspace.yaml", PRUNING)
    made.replicate("old", "a", "b", existing="copy", state="active")
    made.apply(made.plan())
    made.here.fail("start", code=ErrorCode.FAILED_PRECONDITION, times=1)
    receipt = made.apply(made.plan(resync=frozenset({"old"})))
    assert (receipt.outcome, receipt.owed) == (RunOutcome.FAILED, ("old",))
    return made


def test_a_run_about_something_else_does_not_forget_it(bench: Workbench) -> None:
    bench.replicate("new", "c", "d")
    other = bench.plan(select=("new",))
    assert [change.replication for change in other.active_changes] == ["new"]
    assert bench.apply(other).owed == ("old",)
    owed = bench.plan()
    assert [(change.action, change.reason) for change in owed.active_changes] == [(Action.RESYNC, Reason.COPY_OWED)]
    assert bench.apply(owed).owed == ()
    assert not bench.plan().active_changes


def test_it_waits_while_the_replication_is_paused(bench: Workbench) -> None:
    bench.replicate("old", "a", "b", existing="copy", state="paused")
    assert bench.apply(bench.plan()).owed == ("old",)
    before = copied(bench)
    assert not bench.plan().active_changes
    bench.replicate("old", "a", "b", existing="copy", state="active")
    assert bench.apply(bench.plan()).owed == ()
    assert copied(bench) > before
    assert not bench.plan().active_changes


def test_it_is_kept_for_what_still_stands_and_forgotten_with_it(bench: Workbench) -> None:
    """Its document is away for a while: another branch, perhaps."""
    bench.forget("old")
    bench.replicate("new", "c", "d")
    assert bench.apply(bench.plan()).owed == ("old",)
    receipt = bench.apply(bench.plan(prune=True))
    assert (receipt.owed, set(receipt.replications)) == ((), {"new"})
