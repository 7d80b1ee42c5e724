import re
from collections.abc import Callable
from datetime import timedelta

from reconciler.cli.outcome import drift_exit_code
from reconciler.errors import ExitCode
from reconciler.model.change import FieldChange
from reconciler.model.drift import DriftItem, DriftReport, DriftState
from reconciler.model.finding import Severity
from reconciler.model.observation import Health, HealthState, ScopeRef
from reconciler.report.drift import drift_text
from reconciler.report.style import Style
from tests.unit.report.shapes import BROKEN, NOON, at

PLAIN = Style(color=False, width=80)
PAUSED = FieldChange(path=("state",), before="active", after="paused", where=at(13))
DELETES = FieldChange(path=("deletes",), before="keep", after="replicate", where=at(14))


def item(name: str, state: DriftState, **more: object) -> DriftItem:
    known = {"replication": name, "provider": "aws-eu", "title": "a -> b", "state": state, "where": at(12)}
    return DriftItem.model_validate({**known, **more})


def report(*items: DriftItem, unread: tuple[ScopeRef, ...] = ()) -> DriftReport:
    return DriftReport(
        tool_version="0.1.0", workspace="acme", created_at=NOON, complete=not unread, unread=unread, items=items
    )


SICK = Health(
    state=HealthState.FAILED, detail="AccessDenied", last_success_at=NOON - timedelta(days=20), backlog=12, failed=3
)
QUIET = item("quiet", DriftState.IN_SYNC)
DEAD = item("dead-one", DriftState.IN_SYNC, dead=True, detail="no success since the 1st", health=SICK)
EVERYTHING = report(
    item("changed", DriftState.DRIFTED, fields=(PAUSED,), pending=(DELETES,)),
    item("gone", DriftState.VANISHED),
    DEAD,
    item("waiting", DriftState.PENDING, pending=(DELETES,)),
    item("fresh", DriftState.NEVER_APPLIED),
    item("known", DriftState.ACCEPTED, fields=(PAUSED,)),
    item("dark", DriftState.UNKNOWN),
    QUIET,
    unread=(ScopeRef(provider="nas-2", key="cluster"),),
)


def test_all_kinds_read_as_agreed(golden: Callable[[str, str], None]) -> None:
    found = EVERYTHING.model_copy(update={"findings": (BROKEN,)})
    golden("drift-80", drift_text(found, PLAIN))
    golden("drift-verbose-120", drift_text(found, Style(color=False, width=120), verbose=True))


def test_no_drift_is_said_aloud_with_how_many_were_read() -> None:
    found = drift_text(report(QUIET, QUIET.model_copy(update={"replication": "still"})), PLAIN)
    assert found.endswith("\nNo drift. 2 replications read, live is as last applied.\n")


def test_no_drift_is_not_claimed_for_what_was_not_read() -> None:
    found = drift_text(report(QUIET, unread=(ScopeRef(provider="nas-2", key="cluster"),)), PLAIN)
    assert found.startswith("NOT READ: 1 scope.")
    assert "No drift." not in found
    assert "No drift seen, but not all was read." in found


def test_pending_is_no_drift() -> None:
    found = drift_text(report(QUIET, item("waiting", DriftState.PENDING, pending=(DELETES,))), PLAIN)
    assert "Pending, which is no drift (last applied → manifest)" in found
    assert "No drift. 2 replications read" in found
    assert "Of these: 1 pending · 1 in sync" in found


def test_one_that_drifted_and_is_pending_stands_in_both_places_with_its_own_fields() -> None:
    found = drift_text(EVERYTHING, PLAIN)
    live, _, waiting = found.partition("Pending, which is no drift")
    assert re.search(r"drifted  changed[^\n]*\n +~ state  active → paused", live)
    assert "replicate" not in live
    assert re.search(r"pending  changed[^\n]*\n +~ deletes  keep → replicate", waiting)


def test_the_dead_are_named_with_the_reason() -> None:
    found = drift_text(report(DEAD, QUIET), PLAIN)
    assert re.search(r"Dead: .*\n   ! dead     dead-one .*\n      no success since the 1st\n", found)
    assert found.endswith("Drift: 1 dead · 2 in sync\n")


def test_accepted_drift_is_shown_and_does_not_count() -> None:
    found = drift_text(report(item("known", DriftState.ACCEPTED, fields=(PAUSED,))), PLAIN)
    assert "~ state  active → paused" in found
    assert "No drift. 1 replication read, live is as last applied but for what is" in found


def test_health_is_told_in_full_on_request() -> None:
    found = drift_text(report(DEAD), Style(color=False, width=120), verbose=True)
    assert "failed · last success 2026-11-01 12:00 UTC (20d ago) · 12 waiting · 3 failed · AccessDenied" in found


def test_colour_only_adds_colour() -> None:
    painted = drift_text(EVERYTHING, Style(color=True, width=80), verbose=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == drift_text(EVERYTHING, PLAIN, verbose=True)


def test_what_cannot_work_is_not_called_good() -> None:
    hindered = BROKEN.model_copy(update={"severity": Severity.ERROR, "replication": QUIET.replication})
    found = report(QUIET).model_copy(update={"findings": (hindered,)})
    assert "No drift, but 1 replication cannot work: see the errors." in drift_text(found, PLAIN)
    assert drift_exit_code(found, include_pending=False) == ExitCode.CHANGES
    never = QUIET.model_copy(update={"state": DriftState.NEVER_APPLIED})
    waiting = found.model_copy(update={"items": (never,)})
    assert drift_exit_code(waiting, include_pending=False) == ExitCode.OK
