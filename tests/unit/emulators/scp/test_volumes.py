"""Volumes, their snapshots, and who may mount them."""

from pathlib import Path

import pytest

from tests.lab.scp import EAST, PASSWORD, WEST, Lab, error


def test_a_volume_is_a_folder_and_there_at_once(lab: Lab) -> None:
    answer = lab.west.post("/v1/volumes", json={"name": "fresh", "protocol": "NFS", "type_name": "SSD", "tags": []})
    made = answer.json()
    assert made == {
        "volume_id": made["volume_id"], "volume_name": "fresh", "protocol": "NFS", "type_name": "SSD",
        "snapshot_id": None,
    }  # fmt: skip
    shown = lab.west.get(f"/v1/volumes/{made['volume_id']}").json()
    assert (shown["state"], shown["purpose"], shown["usage"]) == ("available", "none", 0)
    assert lab.facts["mounts"][made["volume_id"]] == str(lab.mount(made["volume_id"]))
    lab.write(made["volume_id"], "f", b"12345")
    assert lab.west.get(f"/v1/volumes/{made['volume_id']}").json()["usage"] == 5
    assert lab.east.get(f"/v1/volumes/{made['volume_id']}").status_code == 404


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({}, 3),
        ({"name": "ab", "protocol": "SMB", "type_name": "TAPE"}, 3),
        ({"name": "ok_name", "type_name": "HDD"}, 1),
    ],
)
def test_a_volume_that_has_not_the_form(lab: Lab, body: dict[str, str], count: int) -> None:
    status, code, detail = error(lab.west.post("/v1/volumes", json=body))
    assert (status, code, len(detail)) == (400, "ValidationError", count)


def test_a_volume_of_cifs_needs_a_password_that_nobody_sees(lab: Lab) -> None:
    body = {"name": "shares", "protocol": "CIFS", "type_name": "HDD"}
    assert lab.west.post("/v1/volumes", json=body).status_code == 400
    number = lab.volume("shares", protocol="CIFS")
    assert PASSWORD not in lab.west.get(f"/v1/volumes/{number}").text
    assert PASSWORD not in str(lab.state)
    assert PASSWORD not in repr(lab.emulator.cloud.volumes)


def test_a_name_is_free_once_in_a_region(lab: Lab) -> None:
    lab.volume("twice", WEST)
    lab.volume("twice", EAST)
    body = {"name": "twice", "protocol": "NFS", "type_name": "HDD"}
    assert lab.west.post("/v1/volumes", json=body).status_code == 400


def test_volumes_come_in_pages(lab: Lab) -> None:
    for number in range(25):
        lab.volume(f"volume_{number:02}")
        lab.clock.advance(1)
    first = lab.west.get("/v1/volumes").json()
    assert (first["count"], len(first["filestorages"])) == (25, 20)
    assert first["filestorages"][0]["name"] == "volume_24"
    rest = lab.west.get("/v1/volumes", params={"offset": 20, "limit": 20}).json()
    assert {one["id"] for one in first["filestorages"]} & {one["id"] for one in rest["filestorages"]} == set()
    assert len(rest["filestorages"]) == 5
    lab.emulator.switch({"count": "page"})
    assert lab.west.get("/v1/volumes", params={"offset": 20}).json()["count"] == 5
    assert lab.west.get("/v1/volumes", params={"limit": 0}).json() == {"count": 0, "filestorages": []}


def test_volumes_are_sorted_and_selected(lab: Lab) -> None:
    for name, kind in (("beta", "SSD"), ("alpha", "HDD"), ("alphabet", "HDD")):
        lab.volume(name, type_name=kind)
        lab.clock.advance(1)

    def names(**query: str) -> list[str]:
        return [one["name"] for one in lab.west.get("/v1/volumes", params=query).json()["filestorages"]]

    assert names(sort="name:asc") == ["alpha", "alphabet", "beta"]
    assert names(sort="name:desc") == ["beta", "alphabet", "alpha"]
    assert names(sort="created_at:asc") == ["beta", "alpha", "alphabet"]
    assert names(type_name="HDD", sort="name:asc") == ["alpha", "alphabet"]
    assert names(name="alpha", sort="name:asc") == ["alpha", "alphabet"]
    lab.emulator.switch({"name_filter": "exact"})
    assert names(name="alpha") == ["alpha"]
    assert error(lab.west.get("/v1/volumes", params={"sort": "size"}))[1] == "ValidationError"


def test_a_volume_can_be_set_and_deleted(lab: Lab) -> None:
    number = lab.volume()
    answer = lab.west.put(f"/v1/volumes/{number}", json={"file_unit_recovery_enabled": True})
    assert (answer.status_code, answer.content) == (202, b"")
    assert lab.west.get(f"/v1/volumes/{number}").json()["file_unit_recovery_enabled"] is True
    assert error(lab.west.put(f"/v1/volumes/{number}", json={}))[2] == ["Field required"]
    assert lab.west.delete(f"/v1/volumes/{number}").status_code == 202
    assert lab.west.delete(f"/v1/volumes/{number}").status_code == 400
    lab.clock.advance(1)
    for method in ("GET", "DELETE"):
        assert lab.west.request(method, f"/v1/volumes/{number}").status_code == 404
    assert lab.west.put(f"/v1/volumes/{number}", json={"file_unit_recovery_enabled": True}).status_code == 404
    assert not lab.mount(number).exists()


def test_a_volume_that_takes_its_time(lab: Lab) -> None:
    lab.emulator.switch({"volume_create_s": 30})
    number = lab.volume()
    assert lab.west.get(f"/v1/volumes/{number}").json()["state"] == "creating"
    body = {
        "name": "replica", "volume_id": number, "region": EAST, "replication_frequency": "5min",
        "replication_type": "replication",
    }  # fmt: skip
    assert lab.west.post("/v1/replications", json=body).status_code == 400
    lab.clock.advance(30)
    assert lab.west.get(f"/v1/volumes/{number}").json()["state"] == "available"


def test_snapshots_hold_what_was_there(lab: Lab) -> None:
    number = lab.volume()
    lab.write(number, "f", b"then")
    made = lab.west.post("/v1/snapshots", json={"volume_id": number}).json()["snapshot"]
    assert (made["volume_id"], made["size"], made["state"]) == (number, 4, "available")
    assert made["name"].startswith("source.")
    lab.write(number, "f", b"now")
    listed = lab.west.get("/v1/snapshots", params={"volume_id": number}).json()
    assert (listed["count"], listed["snapshot_size_total_byte"]) == (1, 4)
    restored = lab.volume("restored", snapshot_id=made["id"])
    assert lab.files(restored) == {"f": b"then"}
    assert lab.west.delete(f"/v1/volumes/{number}").status_code == 400
    assert lab.west.delete(f"/v1/snapshots/{made['id']}", params={"volume_id": restored}).status_code == 404
    assert lab.west.delete(f"/v1/snapshots/{made['id']}").status_code == 400
    assert lab.west.delete(f"/v1/snapshots/{made['id']}", params={"volume_id": number}).status_code == 202
    assert lab.snapshots(number) == []
    assert lab.west.delete(f"/v1/volumes/{number}").status_code == 202
    body = {"name": "late", "protocol": "NFS", "type_name": "HDD", "snapshot_id": made["id"]}
    assert lab.west.post("/v1/volumes", json=body).status_code == 404
    assert lab.west.post("/v1/snapshots", json={"volume_id": "not-there"}).status_code == 404
    assert lab.west.get("/v1/snapshots", params={"volume_id": "not-there"}).status_code == 404


@pytest.mark.parametrize(("blocking", "user", "system"), [("all", 400, 400), ("system", 202, 400), ("none", 202, 202)])
def test_which_snapshots_hold_a_volume(lab: Lab, blocking: str, user: int, system: int) -> None:
    lab.emulator.switch({"blocking_snapshots": blocking})
    number, source = lab.volume("with_user"), lab.volume("with_system")
    lab.west.post("/v1/snapshots", json={"volume_id": number})
    lab.end(lab.used(source))
    assert lab.west.delete(f"/v1/volumes/{number}").status_code == user
    assert lab.west.delete(f"/v1/volumes/{source}").status_code == system


def test_snapshots_of_a_replication_that_is_there(lab: Lab) -> None:
    source = lab.volume()
    lab.used(source)
    (made,) = lab.snapshots(source)
    at = {"url": f"/v1/snapshots/{made['id']}", "params": {"volume_id": source}}
    assert lab.west.delete(**at).status_code == 400
    lab.emulator.switch({"system_snapshots": "deletable"})
    assert lab.west.delete(**at).status_code == 202


def test_access_rules_are_added_and_removed(lab: Lab) -> None:
    number, server = lab.volume(), lab.facts["virtual_servers"][0]
    at, rule = f"/v1/volumes/{number}/access-rules", {"object_id": server, "object_type": "VM"}
    assert lab.west.get(at).json() == {"volume_id": number, "count": 0, "access_rules": []}
    for _ in range(2):
        answer = lab.west.put(at, json={**rule, "action": "add"})
        assert (answer.status_code, answer.json()) == (202, {**rule, "action": "add", "volume_id": number})
    assert lab.west.get(at).json()["access_rules"] == [{**rule, "access_rule_state": "active"}]
    assert lab.west.put(at, json={**rule, "action": "remove"}).status_code == 202
    assert lab.west.get(at).json()["count"] == 0
    unknown = lab.west.put(at, json={**rule, "object_id": "not-there", "action": "add"})
    assert error(unknown)[:2] == (404, "VirtualServer.VirtualServerNotFound")
    assert lab.west.put(at, json={**rule, "object_type": "BM", "action": "add"}).status_code == 404
    assert error(lab.west.put(at, json={}))[2] == ["Field required"] * 3
    assert lab.east.get(at).status_code == 404


def test_a_volume_can_be_mounted_by_its_name(lab: Lab) -> None:
    share = Path(lab.facts["share_root"]) / WEST / "papers"
    assert not share.exists()
    volume = lab.volume("papers")
    lab.write(volume, "a.txt", b"a")
    assert (share / "a.txt").read_bytes() == b"a"
    assert lab.west.delete(f"/v1/volumes/{volume}").is_success
    lab.clock.advance(lab.emulator.cloud.settings.volume_delete_s)
    lab.emulator.engine.settle()
    assert not share.is_symlink()
