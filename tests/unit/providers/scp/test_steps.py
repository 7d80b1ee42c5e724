"""Which calls and waits a change comes to, where they go, and what they bring about."""

from typing import Any

import pytest

from reconciler.model.change import Action
from reconciler.model.observation import LocationFacts
from reconciler.model.step import Call, StepPlan
from tests.unit.providers.scp.flows import NUMBER, REPLICA, VOLUME, flow, planned, shown

ACTIVE: dict[str, Any] = {"state": "active", "schedule": {"every": "1h"}}


def ids(plan: StepPlan) -> list[str]:
    return [step.id for step in plan.steps]


def calls(plan: StepPlan) -> list[Call]:
    return [step for step in plan.steps if isinstance(step, Call)]


def effects(plan: StepPlan) -> set[str]:
    return {effect.rule for effect in plan.effects}


def codes(plan: StepPlan) -> list[str]:
    return [finding.code for finding in plan.findings]


def test_a_creation_is_one_call_and_waits_for_use() -> None:
    plan = planned(Action.CREATE, flow(**ACTIVE), None)
    assert ids(plan) == ["create", "created"]
    (create,) = calls(plan)
    assert not create.idempotent
    assert create.guarded
    assert isinstance(create.body, dict)
    assert create.body["source"] == VOLUME
    assert create.body["known"] == []
    assert '"$ref"' in plan.steps[1].model_dump_json()
    assert not plan.effects


def test_a_source_that_could_not_be_looked_at_stays_a_name() -> None:
    (create,) = calls(planned(Action.CREATE, flow(**ACTIVE), None, source={"id": None}))
    assert isinstance(create.body, dict)
    assert create.body["source"] == "data"


def test_a_paused_creation_is_paused_when_it_is_made() -> None:
    plan = planned(Action.CREATE, flow(**(ACTIVE | {"state": "paused"})), None)
    assert ids(plan) == ["create", "created", "pause", "paused"]


@pytest.mark.parametrize(
    ("changes", "live", "expected"),
    [
        ({"state": "paused"}, {}, ["pause", "paused"]),
        ({}, {"replication_policy": "paused"}, ["resume", "resumed"]),
        ({"schedule": {"every": "1d"}}, {}, ["schedule", "scheduled"]),
        ({"options": {"retention": 4}}, {"backup_retention_count": 3}, ["schedule", "scheduled"]),
        (
            {"state": "paused", "schedule": {"every": "1d"}},
            {},
            ["schedule", "scheduled", "pause", "paused"],
        ),
        (
            {"schedule": {"every": "1d"}},
            {"replication_policy": "paused"},
            ["resume", "resumed", "schedule", "scheduled"],
        ),
        ({}, {"replication_status": "creating"}, ["created"]),
        ({"schedule": {"every": "1d"}}, {"replication_status": "creating"}, ["created", "schedule", "scheduled"]),
        ({"state": "paused"}, {"replication_status": "creating"}, ["settled", "pause", "paused"]),
    ],
)
def test_updates_in_place(changes: dict[str, Any], live: dict[str, Any], expected: list[str]) -> None:
    plan = planned(Action.UPDATE, flow(**(ACTIVE | changes)), shown(**live))
    assert ids(plan) == expected
    for call in calls(plan):
        assert isinstance(call.body, dict)
        assert call.idempotent
        place = [call.body[key] for key in ("region", "replica_volume", "provider")]
        assert place == ["kr-east1", REPLICA, "east"]
    assert not plan.effects


def test_what_only_a_receipt_keeps_takes_no_call() -> None:
    assert planned(Action.UPDATE, flow(**ACTIVE, options={"deleteReplicaVolume": True}), shown()).steps == ()


def test_a_deletion_pauses_waits_deletes_and_waits() -> None:
    plan = planned(Action.DELETE, None, shown())
    assert ids(plan) == ["pause", "paused", "delete", "gone"]
    assert effects(plan) == {"SCP-ORPHAN-VOLUME", "SCP-PAUSE-FIRST"}
    (orphan,) = [effect for effect in plan.effects if effect.rule == "SCP-ORPHAN-VOLUME"]
    assert REPLICA in orphan.text
    assert orphan.loses_protection
    assert not orphan.blocks
    assert calls(plan)[1].target == NUMBER


def test_what_is_paused_is_not_paused_again() -> None:
    plan = planned(Action.DELETE, None, shown(replication_policy="paused"))
    assert ids(plan) == ["delete", "gone"]
    assert effects(plan) == {"SCP-ORPHAN-VOLUME"}
    creating = planned(Action.DELETE, None, shown(replication_policy="paused", replication_status="creating"))
    assert ids(creating) == ["settled", "pause", "paused", "delete", "gone"]


def test_with_consent_the_volume_goes_snapshots_first() -> None:
    plan = planned(Action.DELETE, None, shown(), recorded={"deleteReplicaVolume": True})
    assert ids(plan)[4:] == ["free", "delete-snapshots", "cleared", "delete-volume", "removed"]
    assert effects(plan) == {"SCP-VOLUME-DELETED", "SCP-PAUSE-FIRST"}
    assert next(effect for effect in plan.effects if effect.rule == "SCP-VOLUME-DELETED").blocks


@pytest.mark.parametrize(("kind", "tidy", "at_once"), [("backup", True, True), ("backup", False, False),
                                                       ("replication", True, False)])  # fmt: skip
def test_only_a_backups_volume_may_go_before_its_replication(kind: str, tidy: bool, at_once: bool) -> None:
    live = shown(replication_type=kind)
    plan = planned(Action.DELETE, None, live, recorded={"deleteReplicaVolume": tidy})
    delete = next(call for call in calls(plan) if call.id == "delete")
    assert isinstance(delete.body, dict)
    assert delete.body["with_volume"] is at_once


def test_false_is_no_consent() -> None:
    plan = planned(Action.DELETE, None, shown(), recorded={"deleteReplicaVolume": False})
    assert "delete-volume" not in ids(plan)


def test_a_replacement_removes_and_creates() -> None:
    other = flow(**ACTIVE, replica="other_dr", options={"type": "backup"})
    plan = planned(Action.REPLACE, other, shown(replication_frequency="daily"))
    assert ids(plan) == ["pause", "paused", "delete", "gone", "create", "created"]
    assert {"SCP-REPLACE", "SCP-ORPHAN-VOLUME", "SCP-PAUSE-FIRST"} == effects(plan)
    replace = next(effect for effect in plan.effects if effect.rule == "SCP-REPLACE")
    assert replace.blocks
    assert replace.loses_protection
    assert replace.recopies
    assert "scp.type" in replace.text
    assert "schedule" not in replace.text, "what can be changed in place needs no new replica"
    orphan = next(effect for effect in plan.effects if effect.rule == "SCP-ORPHAN-VOLUME")
    assert not orphan.loses_protection, "the new one protects: it is the replacement that is said to lose it"
    create = next(call for call in calls(plan) if call.id == "create")
    assert isinstance(create.body, dict)
    assert create.body["known"] == [NUMBER]


def test_a_replacement_under_the_kept_name_is_refused_where_names_are_kept() -> None:
    same = flow(**ACTIVE, options={"type": "backup"})
    assert codes(planned(Action.REPLACE, same, shown())) == ["REPL-W508"]
    suffixed = planned(Action.REPLACE, same, shown(replication_volume_name="data_drf55a24"))
    assert "create" in ids(suffixed)
    elsewhere = planned(Action.REPLACE, same, shown(replication_volume_region="kr-south1"))
    assert "create" in ids(elsewhere)
    tidy = flow(**ACTIVE, options={"type": "backup", "deleteReplicaVolume": True})
    assert "delete-volume" in ids(planned(Action.REPLACE, tidy, shown()))


def test_a_cifs_source_needs_a_password_for_a_creation() -> None:
    assert codes(planned(Action.CREATE, flow(**ACTIVE), None, source={"protocol": "CIFS"})) == ["REPL-W506"]
    with_password = flow(**ACTIVE, options={"cifsPassword": {"env": "P"}})
    plan = planned(Action.CREATE, with_password, None, source={"protocol": "CIFS"})
    assert not plan.findings
    assert effects(plan) == {"SCP-SECRET-UNREADABLE"}
    assert '"$secret"' in calls(plan)[0].model_dump_json()


def test_a_volume_of_that_name_is_warned_of() -> None:
    there = LocationFacts(exists=True, facts={"id": "someone-elses"})
    plan = planned(Action.CREATE, flow(**ACTIVE), None, there=there)
    assert codes(plan) == ["REPL-W507"]
    assert ids(plan) == ["create", "created"]


def test_a_region_that_nobody_reaches_is_told_before() -> None:
    for action, desired in ((Action.DELETE, None), (Action.UPDATE, flow(**(ACTIVE | {"state": "paused"})))):
        plan = planned(action, desired, shown(), reaches=False)
        assert codes(plan) == ["REPL-W509"]
        assert not plan.steps


def test_calls_hold_no_secret_and_no_credentials() -> None:
    plan = planned(Action.REPLACE, flow(**ACTIVE, replica="other_dr"), shown())
    assert "AK" not in "".join(step.model_dump_json() for step in plan.steps)


@pytest.mark.parametrize(
    ("action", "live", "told"),
    [
        (Action.CREATE, None, "is sent with the creation"),
        (Action.REPLACE, shown(), "is sent with the creation"),
        (Action.UPDATE, shown(), "is not sent: only a creation takes it"),
        (Action.ADOPT, shown(), "is not sent: only a creation takes it"),
        (Action.NONE, shown(), None),
    ],
)
def test_a_password_is_said_to_be_sent_where_it_is(action: Action, live: Any, told: str | None) -> None:
    with_password = flow(**ACTIVE, options={"cifsPassword": {"env": "P"}, "deleteReplicaVolume": True})
    texts = [one.text for one in planned(action, with_password, live).effects if one.rule == "SCP-SECRET-UNREADABLE"]
    assert [told in text for text in texts] == ([] if told is None else [True])
