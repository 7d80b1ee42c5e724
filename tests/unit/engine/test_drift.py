"""Drift against the last receipt; pending against it; never mixed up."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.outcome import drift_exit_code
from reconciler.errors import ErrorCode, ExitCode
from reconciler.model.drift import DriftItem, DriftState
from reconciler.model.observation import HealthState
from reconciler.report.drift import drift_text
from reconciler.report.style import Style
from tests.lab.workbench import Workbench

ACCEPTING = """
apiVersion: repl/v1
kind: Workspace
metadata: {name: default}
spec:
  acceptDrift:
    - {replication: one, path: %s, reason: agreed, owner: ada, expires: 2026-01-02}
"""


@pytest.fixture(params=["container", "relationship"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Workbench:
    bench = Workbench(tmp_path, grain=request.param)
    bench.replicate("one", state="active", deletes="keep")
    return bench


def only(bench: Workbench) -> DriftItem:
    (item,) = bench.drift().items
    return item


def by_hand(bench: Workbench, **settings: Any) -> None:
    for rule in [*bench.here.relationships.values(), *bench.here.rules.get("a", {}).values()]:
        rule.document.update(settings)


def vanish(bench: Workbench) -> None:
    bench.here.relationships.clear()
    bench.here.rules.clear()


def test_in_sync_after_an_apply(bench: Workbench) -> None:
    bench.apply(bench.plan())
    report = bench.drift()
    assert report.complete
    assert only(bench).state is DriftState.IN_SYNC
    assert not report.drifted


def test_a_change_by_hand_is_drift_with_receipt_before_and_live_after(bench: Workbench) -> None:
    bench.apply(bench.plan())
    by_hand(bench, deletes="replicate")
    item = only(bench)
    assert item.state is DriftState.DRIFTED
    assert [(field.dotted, field.before, field.after) for field in item.fields] == [("deletes", "keep", "replicate")]
    assert not item.pending


def test_an_edit_is_pending_and_no_drift(bench: Workbench) -> None:
    bench.apply(bench.plan())
    bench.replicate("one", state="active", deletes="replicate")
    item = only(bench)
    assert item.state is DriftState.PENDING
    assert [(field.dotted, field.before, field.after) for field in item.pending] == [("deletes", "keep", "replicate")]
    assert not item.fields
    assert not bench.drift().drifted


def test_both_at_once_are_told_apart(bench: Workbench) -> None:
    bench.apply(bench.plan())
    by_hand(bench, state="paused")
    bench.replicate("one", state="active", deletes="replicate")
    item = only(bench)
    assert item.state is DriftState.DRIFTED
    assert [field.dotted for field in item.fields] == ["state"]
    assert [field.dotted for field in item.pending] == ["deletes"]


def test_what_is_gone_has_vanished(bench: Workbench) -> None:
    bench.apply(bench.plan())
    vanish(bench)
    assert only(bench).state is DriftState.VANISHED
    assert bench.drift().drifted


def test_a_new_document_was_never_applied_but_without_any_receipt_it_is_missing(bench: Workbench) -> None:
    report = bench.drift()
    assert report.items[0].state is DriftState.VANISHED
    assert "REPL-W002" in [finding.code for finding in report.findings]
    bench.apply(bench.plan())
    bench.replicate("two", "c", "d")
    states = {item.replication: item.state for item in bench.drift().items}
    assert states == {"one": DriftState.IN_SYNC, "two": DriftState.NEVER_APPLIED}
    assert [item.replication for item in bench.drift().pending] == ["two"]


def test_a_document_that_was_removed_is_pending(bench: Workbench) -> None:
    bench.replicate("two", "c", "d")
    bench.apply(bench.plan())
    bench.forget("two")
    states = {item.replication: item.state for item in bench.drift().items}
    assert states == {"one": DriftState.IN_SYNC, "two": DriftState.PENDING}


@pytest.mark.parametrize(
    ("path", "days", "state"),
    [("deletes", 0, DriftState.ACCEPTED), ("'*'", 0, DriftState.ACCEPTED), ("state", 0, DriftState.DRIFTED),
     ("deletes", 2, DriftState.DRIFTED)],
)  # fmt: skip
def test_accepted_drift_has_a_path_and_an_end(bench: Workbench, path: str, days: int, state: DriftState) -> None:
    bench.write("workspace.yaml", ACCEPTING % path)
    bench.apply(bench.plan())
    by_hand(bench, deletes="replicate")
    bench.clock.advance(86_400 * days)
    assert only(bench).state is state


def test_what_cannot_be_read_is_unknown_and_said(bench: Workbench) -> None:
    bench.apply(bench.plan())
    bench.here.fail("*", code=ErrorCode.UNAVAILABLE, times=99)
    report = bench.drift()
    assert not report.complete
    assert report.items[0].state is DriftState.UNKNOWN
    assert "REPL-W001" in [finding.code for finding in report.findings]


def test_health_is_reported_and_failed_flows_are_dead(bench: Workbench) -> None:
    bench.apply(bench.plan())
    assert only(bench).health is not None
    assert not only(bench).dead
    for rule in [*bench.here.relationships.values(), *bench.here.rules.get("a", {}).values()]:
        rule.failed = 3
    item = only(bench)
    assert item.health is not None
    assert item.health.state is HealthState.FAILED
    assert item.dead
    assert item.state is DriftState.IN_SYNC
    assert bench.drift().drifted == (item,)


@pytest.mark.parametrize(("hours", "dead"), [(2.9, False), (3.1, True)])
def test_silence_for_three_schedules_is_death(bench: Workbench, hours: float, dead: bool) -> None:
    bench.apply(bench.plan())
    for rule in [*bench.here.relationships.values(), *bench.here.rules.get("a", {}).values()]:
        rule.last_success_at = bench.clock.now()
    bench.replicate("one", state="active", deletes="keep", schedule="{every: 1h}")
    bench.clock.advance(3_600 * hours)
    item = only(bench)
    assert item.dead is dead
    assert ("no success since" in item.detail) is dead


def test_a_paused_flow_is_not_dead(bench: Workbench) -> None:
    bench.replicate("one", state="paused", deletes="keep")
    bench.apply(bench.plan())
    for rule in [*bench.here.relationships.values(), *bench.here.rules.get("a", {}).values()]:
        rule.failed = 3
    assert not only(bench).dead


def test_health_that_cannot_be_asked_for_is_unknown(bench: Workbench) -> None:
    bench.apply(bench.plan())
    bench.here.fail("get-status", code=ErrorCode.UNAVAILABLE, times=99)
    item = only(bench)
    assert item.health is not None
    assert item.health.state is HealthState.UNKNOWN
    assert not item.dead


@pytest.mark.parametrize(
    ("refusal", "code"), [(ErrorCode.UNAVAILABLE, ExitCode.ERROR), (ErrorCode.PERMISSION_DENIED, ExitCode.AUTH)]
)
def test_nobody_is_told_that_all_is_well_where_health_was_not_to_be_had(
    bench: Workbench, refusal: ErrorCode, code: ExitCode
) -> None:
    bench.apply(bench.plan())
    bench.here.fail("get-status", code=refusal, times=99)
    report = bench.drift()
    assert not report.complete
    assert drift_exit_code(report, include_pending=False) == code
    (finding,) = [each for each in report.findings if each.code == "REPL-W001"]
    assert "health of one" in finding.detail
    assert "No drift seen, but not all was read." in drift_text(report, Style(color=False, width=120))


def test_what_the_manifest_follows_is_no_drift_after_the_next_apply(bench: Workbench) -> None:
    bench.apply(bench.plan())
    by_hand(bench, state="paused")
    assert only(bench).state is DriftState.DRIFTED
    bench.replicate("one", state="paused", deletes="keep")
    plan = bench.plan()
    assert not plan.active_changes
    bench.apply(plan)
    assert only(bench).state is DriftState.IN_SYNC
    by_hand(bench, state="active")
    assert only(bench).state is DriftState.DRIFTED


def test_what_is_not_written_down_any_more_is_no_drift_after_the_next_apply(bench: Workbench) -> None:
    bench.apply(bench.plan())
    by_hand(bench, deletes="replicate")
    bench.replicate("one", state="active")
    bench.apply(bench.plan())
    assert only(bench).state is DriftState.IN_SYNC


def test_the_health_of_what_is_paused_is_not_missed(bench: Workbench) -> None:
    bench.replicate("one", state="paused", deletes="keep")
    bench.apply(bench.plan())
    bench.here.fail("get-status", code=ErrorCode.UNAVAILABLE, times=99)
    assert bench.drift().complete


def test_what_is_gone_and_in_no_manifest_is_no_drift(bench: Workbench) -> None:
    bench.replicate("two", "c", "d")
    bench.apply(bench.plan())
    bench.forget("one")
    bench.here.relationships.pop("r-1", None)
    bench.here.rules.pop("a", None)
    report = bench.drift()
    assert {item.replication: item.state for item in report.items}["one"] is DriftState.IN_SYNC
    assert drift_exit_code(report, include_pending=True) == ExitCode.OK


def test_one_that_shall_go_back_to_where_it_was_before_is_pending(bench: Workbench) -> None:
    bench.apply(bench.plan(allow=("MEMORY-REPLACE",)))
    bench.replicate("one", "c", "b", state="active", deletes="keep")
    bench.apply(bench.plan(allow=("MEMORY-REPLACE",)))
    bench.replicate("one", "a", "b", state="active", deletes="keep")
    report = bench.drift()
    assert {item.replication: item.state for item in report.items}["one"] is DriftState.PENDING
    assert not report.drifted


def test_one_that_was_gone_and_unwanted_is_new_when_it_is_written_down_again(bench: Workbench) -> None:
    bench.apply(bench.plan())
    bench.forget("one")
    vanish(bench)
    bench.replicate("two", "c", "d")
    bench.apply(bench.plan())
    bench.replicate("one", state="active", deletes="keep")
    assert {item.replication: item.state for item in bench.drift().items}["one"] is DriftState.NEVER_APPLIED
