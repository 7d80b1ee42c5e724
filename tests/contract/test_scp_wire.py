"""SCP File Storage as a process, and every status that its document states."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from reconciler.emulators import certificate as certificates
from reconciler.emulators.faults import Fault
from reconciler.emulators.scp.seed import FOREIGN_REPLICATION, volume_id
from reconciler.emulators.scp.service import ROUTES
from tests.contract.referee import Referee
from tests.contract.scp_examples import CREATE_REQUEST, ID, SEED_HEADERS, UPDATE_REQUEST
from tests.lab import scp
from tests.lab.scp import DOCUMENT, EAST, HEADERS, WEST, Lab, Signed
from tests.lab.world import RunningWorld, eventually, run_world

CONTENT: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
OPERATIONS = [
    (path, method, item[method]) for path, item in CONTENT["paths"].items() for method in item if method != "parameters"
]


# As a process


@pytest.fixture(scope="module")
def world() -> Iterator[RunningWorld]:
    with run_world("--scp", "scp", "--seed") as running:
        yield running


def client(world: RunningWorld, region: str, scheme: str = "http", **changes: Any) -> httpx.Client:
    facts = world.emulator("scp")
    keys = {"access_key": facts["access_key"], "secret_key": facts["secret_key"], **changes}
    url = facts["regions"][region][scheme]
    return httpx.Client(base_url=url, auth=Signed(**keys), headers=HEADERS, timeout=10, trust_env=False)


def test_the_ready_line_tells_how_to_come_in(world: RunningWorld) -> None:
    facts = world.emulator("scp")
    assert facts["kind"] == "scp"
    assert facts["regions"].keys() == {WEST, EAST}
    urls = [url for ends in facts["regions"].values() for url in ends.values()]
    assert len(set(urls)) == 4
    assert facts["mounts"].keys() == {
        volume_id(name) for name in ("projects", "finance", "ledger", "ledger_dr", "media")
    }
    assert (Path(facts["mounts"][volume_id("projects")]) / "apollo" / "plan.csv").is_file()
    with client(world, WEST, account=facts["account_id"]) as api:
        assert api.get("/v1/volumes").json()["count"] == 3


def test_files_move_in_a_running_world(world: RunningWorld) -> None:
    mounts, root = world.emulator("scp")["mounts"], Path(world.emulator("scp")["mount_root"])
    source = volume_id("projects")
    with client(world, WEST) as west, client(world, EAST) as east:
        made = west.post("/v1/replications", json=scp.request(source, name="projects_dr")).json()
        replica = root / made["replication_volume_id"]
        at = {"url": f"/v1/replications/{made['replication_id']}", "params": {"volume_id": replica.name}}
        world.control("POST", "/clock", {"advance": 5})
        eventually(lambda: east.get(**at).json()["replication_policy"] == "use")
        eventually((replica / "README.txt").is_file)
        (Path(mounts[source]) / "new.txt").write_text("new")
        moved = world.control(
            "POST", "/emulators/scp/actions/replicate-now", {"replication_id": made["replication_id"]}
        )
        assert moved == {"moved": {made["replication_id"]: {"files": 1, "bytes": 3}}}
        assert (replica / "new.txt").read_text() == "new"
        pause = {"replication_update_type": "policy", "replication_policy": "paused"}
        assert east.put(json=pause, **at).status_code == 202
        world.control("POST", "/clock", {"advance": 5})
        assert east.delete(**at).status_code == 202
        world.control("POST", "/clock", {"advance": 20})
        assert east.get(**at).status_code == 404
    assert (replica / "new.txt").read_text() == "new"


#: The key may only read, and belongs to another account: that is seen only of one whom its signature has let in.
VECTORS = [
    ("POST", "", "", "+hanHEOMn9NLIVhxbqYngzTwxJIPc6l0cJ/C/em89Ck=", 403),
    ("POST", "", "acct0001", "qHvPjpBWs+yoXRhI2ZHMZqSCy9WRFTGywf/GIt9Xb2U=", 403),
    ("GET", f"?volume_id={ID}", "", "neOxrSV2FtkZUjbQZtJZv2o2w9BHhlYeudY7X79FLy8=", 404),
    ("GET", f"?volume_id={ID}", "acct0001", "3YGt0u3r6PhfpHnZBsgVXfrRnrypkQJJT/I716Moeus=", 403),
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one[0]} {one[2]}")
def test_known_signatures_over_the_wire(world: RunningWorld, vector: tuple[str, str, str, str, int]) -> None:
    method, query, account, signature, status = vector
    facts = world.emulator("scp")
    world.switch("scp", skew_s=None)
    key = {"user": "reader", "access_key": "AKTEST0001", "secret_key": "SKTEST0001"}
    world.control("POST", "/emulators/scp/actions/rotate-key", key)
    headers = {
        **SEED_HEADERS, "Host": "filestorage.kr-west1.e.samsungsdscloud.com", "Scp-Accesskey": "AKTEST0001",
        **({"Scp-AccountId": account} if account else {}),
    }  # fmt: skip
    url = f"{facts['regions'][WEST]['https']}/v1/replications{query}"
    with httpx.Client(verify=ssl.create_default_context(cafile=world.ca), headers=headers, timeout=10) as api:
        body = CREATE_REQUEST if method == "POST" else None
        right, wrong = (
            api.request(method, url, json=body, headers={"Scp-Signature": sent})
            for sent in (signature, signature[::-1])
        )
    assert right.status_code == status
    assert wrong.status_code == 401
    assert wrong.json()["errors"][0]["code"] == "HmacValidFail"
    world.reset()


def test_nothing_stays_of_a_world_and_no_secret_is_told(tmp_path: Path) -> None:
    with run_world("--scp", "scp", "--seed", "--dir", str(tmp_path)) as world:
        facts = world.emulator("scp")
        with client(world, WEST) as api:
            assert api.post("/v1/replications", json=scp.request(volume_id("projects"))).status_code == 202
        told = str(world.control("GET", "/state")) + str(world.requests("scp"))
        assert facts["secret_key"] not in told
        assert facts["reader"]["secret_key"] not in told
        assert Path(facts["mount_root"]).is_relative_to(tmp_path)
    assert world.process.returncode is not None
    assert list(tmp_path.iterdir()) == []


# Every status


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with scp.start(tmp_path, certificates.issue(tmp_path), seed=True) as running:
        running.clock.freeze()
        yield running
        running.judge()


def bodies(lab: Lab) -> dict[str, tuple[str, Any]]:
    """A path and a body with which each operation succeeds at the host of the replica of the seeded replication."""
    replica, media = volume_id("ledger_dr"), volume_id("media")
    pair = f"/v1/replications/{FOREIGN_REPLICATION}?volume_id={replica}"
    snapshot: Any = lab.east.post("/v1/snapshots", json={"volume_id": media}).json()["snapshot"]
    rule = {"action": "add", "object_type": "VM", "object_id": lab.facts["virtual_servers"][0]}
    regions = "type_name=HDD&source_region_name=kr-west1&replication_type=replication"
    return {
        "listVolumeReplications": (f"/v1/replications?volume_id={replica}", None),
        "createVolumeReplication": ("/v1/replications", scp.request(media, region=WEST)),
        "listVolumeReplicationRegion": (f"/v1/replications/regions?{regions}", None),
        "ShowVolumeReplication": (pair, None),
        "setVolumeReplication": (pair, UPDATE_REQUEST),
        "deleteVolumeReplication": (pair, None),
        "listVolumes": ("/v1/volumes", None),
        "createVolume": ("/v1/volumes", {"name": "fresh", "protocol": "NFS", "type_name": "HDD"}),
        "showVolume": (f"/v1/volumes/{media}", None),
        "setVolume": (f"/v1/volumes/{media}", {"file_unit_recovery_enabled": True}),
        "deleteVolume": (f"/v1/volumes/{lab.volume('doomed', EAST)}", None),
        "listAccessRules": (f"/v1/volumes/{media}/access-rules", None),
        "setAccessRule": (f"/v1/volumes/{media}/access-rules", rule),
        "listSnapshots": (f"/v1/snapshots?volume_id={media}", None),
        "createSnapshot": ("/v1/snapshots", {"volume_id": media}),
        "deleteSnapshot": (f"/v1/snapshots/{snapshot['id']}?volume_id={media}", None),
    }


#: What to ask for in place of what succeeds. Where nothing is said for 400, an empty body is wrong enough.
BAD = {
    "listVolumeReplications": "/v1/replications",
    "listVolumeReplicationRegion": "/v1/replications/regions",
    "ShowVolumeReplication": "/v1/replications/x",
    "deleteVolumeReplication": "/v1/replications/x",
    "listVolumes": "/v1/volumes?limit=x",
    "showVolume": "/v1/volumes/%7Bid%7D",
    "listAccessRules": "/v1/volumes/%7Bid%7D/access-rules",
    "deleteVolume": f"/v1/volumes/{volume_id('ledger_dr')}",
    "listSnapshots": "/v1/snapshots",
    "deleteSnapshot": "/v1/snapshots/x",
}
UNKNOWN = {
    "listVolumeReplications": "/v1/replications?volume_id=x",
    "listVolumeReplicationRegion": (
        "/v1/replications/regions?type_name=HDD&source_region_name=mars&replication_type=replication"
    ),
    "ShowVolumeReplication": "/v1/replications/x?volume_id=x",
    "setVolumeReplication": "/v1/replications/x?volume_id=x",
    "deleteVolumeReplication": "/v1/replications/x?volume_id=x",
    "showVolume": "/v1/volumes/x",
    "setVolume": "/v1/volumes/x",
    "deleteVolume": "/v1/volumes/x",
    "listAccessRules": "/v1/volumes/x/access-rules",
    "setAccessRule": "/v1/volumes/x/access-rules",
    "listSnapshots": "/v1/snapshots?volume_id=x",
    "deleteSnapshot": "/v1/snapshots/x?volume_id=x",
}
UNKNOWN_BODIES: dict[str, Any] = {
    "createVolumeReplication": scp.request("x", region=WEST),
    "createVolume": {"name": "fresh", "protocol": "NFS", "type_name": "HDD", "snapshot_id": "x"},
    "createSnapshot": {"volume_id": "x"},
}


def test_every_status_that_is_stated(lab: Lab) -> None:
    wanted = bodies(lab)
    lab.recorder.clear()

    def send(name: str, path: str, body: Any, auth: httpx.Auth | None = None) -> None:
        method = next(method for _, method, operation in OPERATIONS if operation["operationId"] == name)
        given = {} if auth is None else {"auth": auth}
        lab.east.request(method, path, json=body, **given)  # type: ignore[arg-type]

    nobody = Signed("AKNOBODY", "x")
    lab.emulator.switch({"denied_actions": [f"filestorage:{route.action}" for _, route in ROUTES]})
    for name, (path, body) in wanted.items():
        send(name, path, body, nobody)
        send(name, path, body)
    lab.emulator.switch({"denied_actions": []})
    for name, (path, body) in wanted.items():
        for status in (429, 503):
            lab.faults.add(Fault(kind="status", status=status))
            send(name, path, body)
        send(name, BAD.get(name, path), None if body is None else {})
        send(name, UNKNOWN.get(name, path), UNKNOWN_BODIES.get(name, body))
    send("deleteVolumeReplication", *wanted["deleteVolumeReplication"])
    for name in sorted(wanted, key=lambda name: name.startswith(("delete", "set"))):
        if name != "deleteVolumeReplication":
            send(name, *wanted[name])
    send("createVolumeReplication", *wanted["createVolumeReplication"])
    _last_of_the_replication(lab, send, wanted)
    judge, produced = Referee(DOCUMENT), set()
    for one in lab.recorder.exchanges:
        status = "5XX" if one.status >= 500 else str(one.status)
        produced.add((judge.judge(one), status))
    stated = {(operation["operationId"], status) for _, _, operation in OPERATIONS for status in operation["responses"]}
    assert produced == stated


def _last_of_the_replication(lab: Lab, send: Any, wanted: dict[str, tuple[str, Any]]) -> None:
    """200 and 202 of PUT and DELETE, and 409 while it is going."""
    path, change = wanted["setVolumeReplication"]
    lab.emulator.switch({"write_status": 200})
    send("setVolumeReplication", path, change)
    lab.emulator.act("set-replication", {"replication_id": FOREIGN_REPLICATION, "policy": "paused"})
    send("deleteVolumeReplication", path, None)
    send("deleteVolumeReplication", path, None)
    send("setVolumeReplication", path, change)
    lab.emulator.switch({"write_status": 202})
    lab.emulator.act("fail-replication", {"replication_id": FOREIGN_REPLICATION})
    send("deleteVolumeReplication", path, None)
