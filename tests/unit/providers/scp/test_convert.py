"""Between the wire and normal form."""

from typing import Any

import pytest

from reconciler.engine.diff import shown_differences
from reconciler.providers.scp import convert
from reconciler.providers.scp.convert import Shown, create_body, desired_settings, schedule_body
from reconciler.providers.scp.health import health_of
from reconciler.providers.scp.imports import imported
from tests.unit.providers.scp.flows import NUMBER, REPLICA, VOLUME, flow, seen, shown, wanted

HELD = {"region": "kr-east1", "type": "replication"}


def test_what_is_left_out_is_not_managed() -> None:
    assert desired_settings(flow()) == {
        "source": {"volume": "data"},
        "destination": {"volume": "data_dr"},
        # But for what a receipt alone has: that is false where it is not said.
        "scp": {"region": "kr-east1", "deleteReplicaVolume": False},
    }


def test_what_is_observed_equals_what_was_desired() -> None:
    full = flow(
        state="active", deletes="replicate", existing="copy", schedule={"every": "60m"},
        options={"type": "replication", "retention": 2},
    )  # fmt: skip
    (state,) = seen(shown(backup_retention_count=2)).containers
    (live,) = state.relationships
    assert live.identity == wanted(full).identity == state.ref.key == "kr-east1/data_dr"
    assert live.provider_id == f"{NUMBER}/{VOLUME}"
    assert not shown_differences(live, wanted(full).settings)
    assert live.kept == ("scp.deleteReplicaVolume",)


@pytest.mark.parametrize(
    ("word", "every"), [("5min", "5m"), ("hourly", "1h"), ("daily", "1d"), ("weekly", "7d"), ("monthly", "30d")]
)
def test_five_frequencies(word: str, every: str) -> None:
    (state,) = seen(shown(replication_frequency=word)).containers
    assert state.relationships[0].settings["schedule"] == {"every": every}
    assert create_body(flow(schedule={"every": every}))["replication_frequency"] == word


def test_a_creation_leaves_out_what_is_not_said() -> None:
    assert create_body(flow()) == {
        "name": "data_dr",
        "region": "kr-east1",
        "replication_frequency": "hourly",
        "replication_type": "replication",
    }
    whole = create_body(
        flow(schedule={"every": "5m"}, options={"type": "backup", "retention": 2, "cifsPassword": {"env": "P"}})
    )
    assert whole["cifs_password"] == {"$secret": {"env": "P"}}
    assert (whole["backup_retention_count"], whole["replication_type"]) == (2, "backup")


def test_a_schedule_keeps_what_it_does_not_change() -> None:
    held: Any = {"schedule": {"every": "1h"}, "scp": {"retention": 3}}
    assert schedule_body({"schedule": {"every": "1d"}}, held) == {
        "replication_update_type": "modify_schedule",
        "replication_frequency": "daily",
        "backup_retention_count": 3,
    }
    assert schedule_body({"scp": {"retention": 5}}, held)["replication_frequency"] == "hourly"
    assert "backup_retention_count" not in schedule_body({"schedule": {"every": "1d"}}, {"schedule": {"every": "1h"}})


@pytest.mark.parametrize(
    ("status", "policy", "state"),
    [
        ("available", "use", "active"),
        ("available", "paused", "paused"),
        ("creating", "none", "creating"),
        ("creating", "paused", "creating"),
        ("error", "use", "error"),
        ("create_failed", "", "error"),
        ("error", "paused", "paused"),
        ("deleting", "paused", "deleting"),
        ("available", "stopped", "stopped"),
        ("", "", "unknown"),
    ],
)
def test_states(status: str, policy: str, state: str) -> None:
    (one,) = seen(shown(replication_status=status, replication_policy=policy)).containers
    assert one.relationships[0].settings["state"] == state


def test_what_changes_by_itself_is_no_part_of_the_fingerprint() -> None:
    prints = {seen(shown(replication_status=word)).containers[0].fingerprint for word in ("available", "updating", "x")}
    assert len(prints) == 1
    making = {seen(shown(replication_status="creating", replication_policy="none")).containers[0].fingerprint}
    assert making == prints, "a plan made meanwhile holds when it is made"
    assert seen(shown(replication_policy="paused")).containers[0].fingerprint not in prints
    assert seen(shown(replication_id="other")).containers[0].fingerprint not in prints


def test_a_name_with_something_behind_it_may_be_the_one_asked_for() -> None:
    observation = seen(shown(replication_volume_name="data_drf55a24"))
    (state,) = observation.containers
    (live,) = state.relationships
    assert live.identity == "kr-east1/data_drf55a24"
    known = live.known_as("kr-east1/data_dr")
    assert known is not None
    assert known.settings["destination"] == {"volume": "data_dr"}
    assert not shown_differences(known, wanted(flow()).settings)
    assert live.known_as("kr-west1/data_dr") is None
    wanted_at = state.ref.model_copy(update={"key": "kr-east1/data_dr"})
    assert observation.container(wanted_at) == state
    assert observation.fingerprint(wanted_at) == state.fingerprint


def test_one_asked_for_exactly_goes_before_one_that_may_be_meant() -> None:
    observation = seen(shown(replication_volume_name="data_drf55a24", replication_id="1"), shown(replication_id="2"))
    ref = observation.containers[0].ref.model_copy(update={"key": "kr-east1/data_dr"})
    found = observation.container(ref)
    assert found is not None
    assert found.ref == ref


def test_surplus_is_shown_as_that() -> None:
    keys = [state.ref.key for state in seen(shown(replication_id="b"), shown(replication_id="a")).containers]
    assert keys == ["kr-east1/data_dr", "kr-east1/data_dr#b"]


def test_members_that_may_be_missing_may_be_missing() -> None:
    least = Shown.model_validate(
        {
            "replication_id": NUMBER,
            "source_volume_id": VOLUME,
            "replication_volume_id": REPLICA,
            "replication_volume_region": "kr-east1",
            "replication_volume_name": "data_dr",
            "replication_policy": None,
        }
    )
    assert seen(least).containers[0].relationships[0].settings["state"] == "unknown"


# Health and imports ---------------------------------------------------------------------------------------------------


def volume(state: str = "available") -> convert.Volume:
    return convert.Volume(id=VOLUME, name="data", state=state)


@pytest.mark.parametrize(
    ("changes", "source", "replica", "state"),
    [
        ({}, volume(), volume(), "unknown"),
        ({"replication_policy": "paused"}, volume(), volume(), "paused"),
        ({"replication_status": "creating"}, volume(), None, "running"),
        ({"replication_status": "error"}, volume(), volume(), "failed"),
        ({}, volume(), None, "failed"),
        ({}, None, volume(), "failed"),
        ({"replication_status": "deleting", "replication_policy": "paused"}, volume(), volume(), "failed"),
        ({}, volume(), volume("error"), "failed"),
        ({"replication_policy": "odd"}, volume(), volume(), "unknown"),
    ],
)
def test_health_is_never_ok(changes: dict[str, Any], source: Any, replica: Any, state: str) -> None:
    health = health_of(shown(**changes), source, replica)
    assert health.state == state
    assert health.detail


@pytest.mark.parametrize(
    ("changes", "state", "told"),
    [
        ({}, "available", "in use, status available; SCP does not say when it last copied"),
        ({"replication_status": ""}, "available", "in use, status not said;"),
        ({}, "extending", "; a volume is extending;"),
        ({}, "", "; a volume is not said;"),
        ({"replication_policy": "odd"}, "available", "its policy is odd"),
        ({"replication_policy": ""}, "available", "its policy is not said"),
        ({"replication_status": "deleting"}, "available", "somebody deletes it"),
    ],
)
def test_health_tells_all_that_is_shown(changes: dict[str, Any], state: str, told: str) -> None:
    assert told in health_of(shown(**changes), volume(state), volume()).detail


def test_what_is_not_there_is_not_well() -> None:
    assert health_of(None, None, None).state == "unknown"


def test_imports_name_the_document_of_the_region() -> None:
    (found,) = imported(seen(shown(replication_type="backup", backup_retention_count=7)), lambda _region: "east")
    assert found.source == {"provider": "west", "volume": "data"}
    assert found.destination == {"provider": "east", "volume": "data_dr"}
    assert found.suggested_name == "data-to-data-dr"
    assert found.spec["scp"] == {"type": "backup", "retention": 7}
    assert found.spec["schedule"] == {"every": "1h"}
    assert found.spec["verify"] == {"level": "status"}


def test_imports_say_what_is_to_be_done_by_hand() -> None:
    state = seen(shown(replication_frequency="yearly", replication_policy="odd")).containers[0]
    held = {**dict(state.document or {}), "protocol": "CIFS"}
    cifs = seen().model_copy(update={"containers": (state.model_copy(update={"document": held}),)})
    (found,) = imported(cifs, lambda _region: "east")
    password, policy, schedule = found.by_hand
    assert "`scp.cifsPassword` is never shown" in password
    assert "state odd" in policy
    assert "runs 'yearly'" in schedule
    assert found.beyond == "region kr-east1"
    (plain,) = imported(seen(shown()), lambda _region: "east")
    assert plain.by_hand == ()


def test_what_is_being_made_is_imported_as_what_it_will_be() -> None:
    (found,) = imported(seen(shown(replication_status="creating", replication_policy="none")), lambda _region: "east")
    assert found.spec["state"] == "active"
    assert found.by_hand == ()


def test_imports_write_no_count_of_backups_for_a_replication() -> None:
    """A warning would say that it means nothing there."""
    (found,) = imported(seen(shown(backup_retention_count=7)), lambda _region: "east")
    assert found.spec["scp"] == {"type": "replication"}


def test_imports_leave_out_what_no_document_can_say() -> None:
    odd = shown(replication_frequency="yearly", replication_policy="odd", replication_type="mirror")
    (found,) = imported(seen(odd), lambda _region: None)
    assert found.destination == {"volume": "data_dr"}
    assert not {"schedule", "state", "scp"} & found.spec.keys()
    too_long = shown(replication_volume_name="a" * 21 + "f55a24")
    (found,) = imported(seen(too_long), lambda _region: "east")
    assert isinstance(found.destination, dict)
    assert found.destination["volume"] == "a" * 21
    assert not list(imported(seen(shown(replication_volume_name="X" * 30)), lambda _region: "east"))
    assert len(list(imported(seen(shown(), shown(replication_id="b")), lambda _region: "east"))) == 1
