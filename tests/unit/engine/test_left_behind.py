"""What a replication leaves at an old place, and could not be removed, is still known to be ours."""

from pathlib import Path

from reconciler.errors import ErrorCode
from reconciler.model.change import Action
from reconciler.model.receipt import RunOutcome
from tests.lab.workbench import PRUNING, Workbench


def test_what_could_not_be_removed_after_a_move_is_removed_by_a_later_run(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.write("workspace.yaml", PRUNING)
    bench.replicate("one", "a", "c")
    first = bench.apply(bench.plan()).replications["one"]
    bench.replicate("one", "b", "c")
    plan = bench.plan(prune=True)
    assert [change.action for change in plan.changes] == [Action.CREATE, Action.DELETE]
    (removal,) = plan.containers[1].calls
    bench.here.fail(removal.operation, target=removal.target, code=ErrorCode.PERMISSION_DENIED, times=1)
    receipt = bench.apply(plan)
    assert receipt.outcome is RunOutcome.PARTIAL
    assert [name.partition("@")[0] for name in receipt.replications] == ["one", "one"]
    assert first.container in [entry.container for entry in receipt.replications.values()]
    again = bench.plan(prune=True)
    assert [change.action for change in again.active_changes] == [Action.DELETE]
    assert set(bench.apply(again).replications) == {"one"}
    assert not bench.plan(prune=True).active_changes
