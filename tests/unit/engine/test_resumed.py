"""A plan that is applied again goes by what its own run has left."""

from pathlib import Path

from reconciler.errors import ErrorCode
from reconciler.model.receipt import RunOutcome
from tests.lab.workbench import Workbench


def test_what_was_replaced_under_another_identity_is_not_taken_for_a_change_by_others(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship", replace=("*",))
    bench.replicate("one", "a", "b")
    bench.apply(bench.plan())
    bench.replicate("one", "a", "c")
    bench.replicate("two", "b", "d")
    plan = bench.plan(allow=("MEMORY-REPLACE",))
    replaced, created = plan.containers
    assert {read.container for read in replaced.reads} > {replaced.container}
    (call,) = created.calls
    bench.here.fail(call.operation, target=call.target, code=ErrorCode.PERMISSION_DENIED)
    assert bench.apply(plan).outcome is RunOutcome.PARTIAL
    assert bench.apply(plan).outcome is RunOutcome.DONE
    assert not bench.plan().active_changes
