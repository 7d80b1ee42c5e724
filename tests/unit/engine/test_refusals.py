"""What is refused before the first write: plans that are not what was approved, and what nobody has approved."""

from pathlib import Path

import pytest

from reconciler.engine.lock import FileLock
from reconciler.errors import ErrorCode, LockHeld, Refused, StalePlan
from reconciler.model.change import Action
from reconciler.model.receipt import RunOutcome
from reconciler.testing.clock import ManualClock
from tests.lab.workbench import PRUNING, Workbench
from tests.unit.engine.grains import bench

__all__ = ["bench"]


def test_a_plan_that_was_altered_is_refused(bench: Workbench) -> None:
    bench.replicate("one")
    plan = bench.plan()
    altered = plan.model_copy(update={"expires_at": plan.expires_at.replace(year=2099)})
    with pytest.raises(StalePlan, match="changed after it was made"):
        bench.apply(altered)
    assert bench.writes_sent == 0


@pytest.mark.parametrize(("seconds", "says"), [(86_401, "expired"), (-3_600, "dated in the future")])
def test_a_plan_out_of_its_time_is_refused(bench: Workbench, seconds: float, says: str) -> None:
    bench.replicate("one")
    bench.clock.advance(7_200)
    plan = bench.plan()
    bench.clock.advance(seconds)
    with pytest.raises(StalePlan, match=says):
        bench.apply(plan)
    assert bench.writes_sent == 0


def test_a_plan_of_another_version_is_refused(bench: Workbench) -> None:
    bench.replicate("one")
    other = bench.plan().model_copy(update={"tool_version": "0.0.1"}).sealed()
    with pytest.raises(StalePlan, match=r"made by repl 0\.0\.1"):
        bench.apply(other)


def test_a_world_that_moved_is_refused_before_the_first_write(bench: Workbench) -> None:
    bench.replicate("one", "a", "b")
    bench.replicate("two", "c", "d")
    bench.apply(bench.plan())
    bench.replicate("one", "a", "b", state="paused")
    bench.replicate("two", "c", "d", state="paused")
    plan = bench.plan()
    before = bench.writes_sent
    for rule in [*bench.here.relationships.values(), *bench.here.rules.get("c", {}).values()]:
        if rule.document["source"]["bucket"] == "c":
            rule.document["deletes"] = "replicate"
    with pytest.raises(StalePlan, match="changed by somebody else"):
        bench.apply(plan)
    assert bench.writes_sent == before


def test_without_its_journal_a_plan_is_judged_as_new(bench: Workbench) -> None:
    bench.replicate("one")
    plan = bench.plan()
    receipt = bench.apply(plan)
    bench.state.journal_path(receipt.run_id).unlink()
    with pytest.raises(StalePlan, match="since the plan was made"):
        bench.apply(plan)


def test_what_could_not_be_read_makes_the_plan_incomplete(bench: Workbench) -> None:
    bench.replicate("one")
    bench.here.fail("*", code=ErrorCode.PERMISSION_DENIED, times=99)
    plan = bench.plan()
    assert not plan.complete
    assert not plan.applyable
    assert [error.code for error in plan.errors] == ["REPL-W001"]
    with pytest.raises(Refused, match="could not be read"):
        bench.apply(plan)


def test_blocking_effects_need_an_approval(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship", replace=("deletes",))
    bench.replicate("one", deletes="keep")
    bench.apply(bench.plan())
    bench.replicate("one", deletes="replicate")
    blocked = bench.plan()
    assert [change.action for change in blocked.active_changes] == [Action.REPLACE]
    assert [effect.rule for effect in blocked.blocking] == ["MEMORY-REPLACE"]
    with pytest.raises(Refused):
        bench.apply(blocked)
    allowed = bench.plan(allow=("MEMORY-REPLACE@one",))
    assert not allowed.blocking
    assert bench.apply(allowed).outcome is RunOutcome.DONE
    assert len(bench.here.relationships) == 1


def test_an_approval_in_the_manifest_ends_with_its_day(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship", replace=("deletes",))
    bench.replicate("one", deletes="keep")
    bench.apply(bench.plan())
    allow = "[{effect: MEMORY-REPLACE, reason: agreed, expires: 2026-01-01}]"
    bench.replicate("one", deletes="replicate", allow=allow)
    assert not bench.plan().blocking
    bench.clock.advance(86_400)
    late = bench.plan()
    assert late.blocking
    assert [finding.code for finding in late.findings] == ["REPL-P020"]


def test_protect_forbids_replace_and_delete(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship", replace=("deletes",))
    bench.write("workspace.yaml", PRUNING)
    bench.replicate("one", deletes="keep", protect=True)
    bench.replicate("two", "c", "d")
    bench.apply(bench.plan())
    bench.replicate("one", deletes="replicate", protect=True)
    assert [error.code for error in bench.plan(allow=("MEMORY-REPLACE",)).errors] == ["REPL-P021"]
    bench.forget("one")
    assert [error.code for error in bench.plan(prune=True).errors] == ["REPL-P021"]


def test_an_emptied_workspace_is_refused(bench: Workbench) -> None:
    bench.replicate("one")
    bench.apply(bench.plan())
    bench.forget("one")
    assert "REPL-P022" in [error.code for error in bench.plan(prune=True).errors]


def test_one_lock_holder_at_a_time(tmp_path: Path) -> None:
    clock = ManualClock()
    with (
        FileLock(tmp_path / "lock", actor="ada@site", clock=clock),
        pytest.raises(LockHeld, match="ada@site"),
        FileLock(tmp_path / "lock", actor="bob@site", clock=clock),
    ):
        pass
    with FileLock(tmp_path / "lock", actor="bob@site", clock=clock):
        pass


def test_a_lock_file_that_says_nothing_is_held_all_the_same(tmp_path: Path) -> None:
    clock = ManualClock()
    with FileLock(tmp_path / "lock", actor="ada@site", clock=clock):
        (tmp_path / "lock").write_text("garbage")
        with pytest.raises(LockHeld, match="holder unknown"), FileLock(tmp_path / "lock", actor="bob", clock=clock):
            pass


def test_a_plan_from_before_another_run_is_stale(bench: Workbench) -> None:
    bench.replicate("one")
    plan = bench.plan()
    bench.replicate("two", "c", "d")
    bench.apply(bench.plan(select=("two",)))
    before = bench.writes_sent
    with pytest.raises(StalePlan, match="was applied since the plan was made"):
        bench.apply(plan)
    assert bench.writes_sent == before
