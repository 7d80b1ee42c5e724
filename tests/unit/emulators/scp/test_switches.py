"""What no document tells, as switches; acts of the control port; and data to start with."""

from typing import Any

import pytest

from reconciler.emulators.emulator import Options
from reconciler.emulators.scp import build
from reconciler.emulators.scp.seed import CIFS_PASSWORD, FILES, FOREIGN_REPLICATION, VOLUMES, volume_id
from tests.lab.scp import EAST, WEST, Lab, request


def test_there_is_no_flavour() -> None:
    with pytest.raises(ValueError, match="no flavours"):
        build(Options("scp", "other"))


def test_switches_are_set_all_or_none(lab: Lab) -> None:
    before = lab.emulator.switches()
    for wrong in ({"name_suffix": True, "unknown": 1}, {"write_status": 201}, {"create_s": -1}, {"skew_s": 0}):
        with pytest.raises(ValueError, match=":"):
            lab.emulator.switch(wrong)  # type: ignore[arg-type]
    assert lab.emulator.switches() == before


def test_words_that_nobody_lists(lab: Lab) -> None:
    source = lab.volume()
    lab.emulator.switch(
        {
            "policy_while_creating": "use", "settled_status": "inUse", "busy_status": None, "paused_status": "idle",
            "deleting_status": "terminating", "source_access": "ro", "replica_purpose": "REPLICATION",
        }
    )  # fmt: skip
    made = lab.create(source)
    number, replica = made["replication_id"], made["replication_volume_id"]
    shown = lab.show(number, source)
    assert (shown["replication_policy"], shown["replication_status"]) == ("use", "creating")
    lab.clock.advance(2)
    assert lab.show(number, source)["replication_status"] == "inUse"
    assert lab.show(number, source)["source_volume_access_level"] == "ro"
    assert lab.east.get(f"/v1/volumes/{replica}").json()["purpose"] == "REPLICATION"
    lab.put(made, replication_update_type="policy", replication_policy="paused")
    assert lab.show(number, source)["replication_status"] == "inUse"
    lab.clock.advance(1)
    assert lab.show(number, source)["replication_status"] == "idle"
    lab.delete(made)
    assert lab.show(number, source)["replication_status"] == "terminating"


def test_answers_as_of_1_0(lab: Lab) -> None:
    lab.emulator.switch({"write_status": 200})
    shown = lab.used(lab.volume())
    answer = lab.put(shown, replication_update_type="policy", replication_policy="paused")
    assert (answer.status_code, answer.content) == (200, b"")
    lab.clock.advance(1)
    answer = lab.delete(shown)
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_answer_to_a_put_may_show_what_was_asked(lab: Lab) -> None:
    lab.emulator.switch({"echo": "asked"})
    shown = lab.used(lab.volume(), backup_retention_count=2)
    answer = lab.put(shown, replication_update_type="modify_schedule", replication_frequency="daily").json()
    assert (answer["replication_frequency"], answer["backup_retention_count"]) == ("daily", 2)
    assert lab.show(shown["replication_id"], shown["source_volume_id"])["replication_frequency"] == "hourly"


def test_names_may_get_longer(lab: Lab) -> None:
    lab.emulator.switch({"name_suffix": True})
    sources = [lab.volume("twice") for _ in range(2)]
    shown = [lab.used(source, "same") for source in sources]
    names = {one["replication_volume_name"] for one in shown}
    assert len(names) == 2
    assert all(name.startswith("same") and len(name) == 10 for name in names)
    assert all(one["source_volume_name"].startswith("twice") for one in shown)


@pytest.mark.parametrize(("either", "status"), [(True, 200), (False, 404)])
def test_a_host_may_answer_for_the_other_region(lab: Lab, either: bool, status: int) -> None:
    lab.emulator.switch({"either_id": either})
    source = lab.volume()
    shown = lab.used(source)
    for host, volume in ((lab.east, source), (lab.west, shown["replication_volume_id"])):
        query = {"volume_id": volume}
        assert host.get("/v1/replications", params=query).status_code == status
        assert host.get(f"/v1/replications/{shown['replication_id']}", params=query).status_code == status
    assert lab.listed(source) == lab.listed(shown["replication_volume_id"], EAST) == [shown["replication_id"]]


def test_a_list_for_a_volume_that_is_not_there(lab: Lab) -> None:
    query = {"volume_id": "not-there"}
    assert lab.west.get("/v1/replications", params=query).status_code == 404
    lab.emulator.switch({"unknown_volume": "empty"})
    assert lab.west.get("/v1/replications", params=query).json() == {"count": 0, "replications": []}


def test_a_creation_that_fails_and_one_that_never_ends(lab: Lab) -> None:
    source = lab.volume()
    lab.write(source, "f")
    lab.emulator.switch({"create_outcome": "error"})
    failed = lab.create(source, "failed")
    lab.clock.advance(2)
    assert lab.show(failed["replication_id"], source)["replication_status"] == "error"
    lab.emulator.switch({"create_outcome": "stuck"})
    stuck = lab.create(source, "stuck")
    lab.clock.advance(86_400)
    assert lab.show(stuck["replication_id"], source)["replication_status"] == "creating"
    assert lab.files(failed["replication_volume_id"]) == lab.files(stuck["replication_volume_id"]) == {}
    for made in (failed, stuck):
        lab.emulator.act("repair-replication", {"replication_id": made["replication_id"]})
        assert lab.show(made["replication_id"], source)["replication_policy"] == "use"
        assert lab.files(made["replication_volume_id"]) == {"f": b"data"}
    lab.emulator.switch({"error_status": "broken"})
    lab.emulator.act("fail-replication", {"replication_id": stuck["replication_id"]})
    assert lab.show(stuck["replication_id"], source)["replication_status"] == "broken"
    lab.end(stuck)
    assert lab.listed(source) == [failed["replication_id"]]


def test_a_schedule_may_need_a_policy_of_use(lab: Lab) -> None:
    shown = lab.used(lab.volume())
    lab.pause(shown)
    change = {"replication_update_type": "modify_schedule", "replication_frequency": "daily"}
    assert lab.put(shown, **change).status_code == 202
    lab.emulator.switch({"schedule_needs_use": True})
    assert lab.put(shown, **change).status_code == 400


def test_somebody_in_the_console(lab: Lab) -> None:
    source = lab.volume()
    number = lab.used(source)["replication_id"]
    values = {"frequency": "weekly", "policy": "paused", "retention": 7}
    lab.emulator.act("set-replication", {"replication_id": number, **values})
    shown = lab.show(number, source)
    assert [shown[key] for key in ("replication_frequency", "replication_policy", "backup_retention_count")] == [
        *values.values()
    ]
    lab.emulator.act("drop-replication", {"replication_id": number})
    assert lab.listed(source) == []
    made: Any = lab.emulator.act("create-volume", {"name": "by_hand", "region": EAST})
    assert lab.east.get(f"/v1/volumes/{made['volume_id']}").json()["name"] == "by_hand"
    lab.emulator.act("write", {"volume": "by_hand", "path": "a/b", "text": "hello"})
    lab.emulator.act("write", {"volume": made["volume_id"], "path": "c", "base64": "AAE="})
    assert lab.files(made["volume_id"]) == {"a/b": b"hello", "c": b"\x00\x01"}
    lab.emulator.act("delete", {"volume": "by_hand", "path": "a"})
    assert lab.state["volumes"][made["volume_id"]]["files"].keys() == {"c"}


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("explode", {}),
        ("replicate-now", {"replication_id": "not-there"}),
        ("write", {"volume": "projects", "path": "../escape", "text": "x"}),
        ("write", {"volume": "projects", "path": "/absolute", "text": "x"}),
        ("write", {"volume": "projects", "path": "f"}),
        ("write", {"volume": "projects", "path": "f", "base64": "?"}),
        ("write", {"volume": "nothing", "path": "f", "text": "x"}),
        ("create-volume", {"name": "projects"}),
        ("create-volume", {"name": "fresh", "region": "mars"}),
        ("set-replication", {"replication_id": FOREIGN_REPLICATION, "frequency": "yearly"}),
        ("set-replication", {"replication_id": FOREIGN_REPLICATION, "retention": "two"}),
        ("repair-replication", {"replication_id": FOREIGN_REPLICATION}),
        ("rotate-key", {"user": "nobody"}),
        ("restart", {"region": "mars"}),
    ],
)
def test_an_act_that_cannot_be_done(seeded: Lab, action: str, arguments: dict[str, Any]) -> None:
    before = seeded.state["volumes"]
    with pytest.raises(ValueError, match=r"\w"):
        seeded.emulator.act(action, arguments)
    assert seeded.state["volumes"] == before


def test_a_region_can_be_down_while_the_other_is_not(lab: Lab) -> None:
    source = lab.volume()
    shown = lab.used(source)
    lab.emulator.act("crash", {"region": EAST})
    assert lab.state["up"] == {WEST: True, EAST: False}
    assert lab.listed(source) == [shown["replication_id"]]
    lab.emulator.act("restart", {})
    assert lab.state["up"] == {WEST: True, EAST: True}
    assert lab.listed(shown["replication_volume_id"], EAST) == [shown["replication_id"]]


def test_a_seeded_account_has_volumes_and_a_replication_of_somebody_else(seeded: Lab) -> None:
    volumes = seeded.state["volumes"]
    assert {(one["name"], one["region"], one["protocol"], one["type_name"]) for one in volumes.values()} == {
        (name, *facts) for name, facts in VOLUMES.items()
    }
    assert {facts[:2] for facts in VOLUMES.values()} >= {(WEST, "NFS"), (WEST, "CIFS"), (EAST, "NFS")}
    for name, files in FILES.items():
        assert seeded.files(volume_id(name)) == files
    assert seeded.listed(volume_id("ledger")) == [FOREIGN_REPLICATION]
    assert seeded.files(volume_id("ledger_dr")) == FILES["ledger"]
    assert seeded.show(FOREIGN_REPLICATION, volume_id("ledger"))["replication_frequency"] == "daily"
    assert CIFS_PASSWORD not in str(seeded.state)
    made = seeded.west.post("/v1/replications", json=request(volume_id("projects"), name="projects_dr"))
    seeded.clock.advance(2)
    seeded.listed(volume_id("projects"))
    assert seeded.files(made.json()["replication_volume_id"]) == FILES["projects"]
