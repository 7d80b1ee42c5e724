"""Calls whose answer nobody has seen: they may still be under way, and may have happened."""

from copy import deepcopy
from pathlib import Path
from shutil import rmtree

from reconciler.errors import ErrorCode
from reconciler.model.receipt import JournalEvent, RunOutcome
from tests.lab.crash import survived
from tests.lab.workbench import Workbench

JOURNAL = [JournalEvent.RUN_STARTED, JournalEvent.CONTAINER_STARTED, JournalEvent.CALL_PENDING]


def test_a_call_that_a_killed_process_had_sent_is_given_time(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.replicate("one")
    bench.apply(bench.plan())
    made = deepcopy(bench.here.rules["a"])
    bench.here.rules["a"].clear()
    rmtree(bench.state.journals.parent)
    plan = bench.plan()
    assert not survived(bench.apply, plan, killed_at=JOURNAL.index(JournalEvent.CALL_PENDING), after=True)
    before = bench.writes_sent
    bench.clock.woken = lambda _elapsed: bench.here.rules["a"].update(made)
    assert bench.apply(plan).outcome is RunOutcome.DONE
    assert bench.writes_sent == before, "it was seen to have happened"


def test_what_may_have_happened_is_not_called_nothing(tmp_path: Path) -> None:
    """`failed` promises that nothing was done."""
    bench = Workbench(tmp_path)
    bench.replicate("one")
    plan = bench.plan()
    bench.here.fail(plan.containers[0].calls[0].operation, code=ErrorCode.UNAVAILABLE, ambiguous=True, times=99)
    assert bench.apply(plan).outcome is RunOutcome.PARTIAL
