"""Whatever order calls come in: nothing is answered that is not documented, and all of it can be taken apart again."""

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.scp.records import PERIODS
from tests.lab import scp
from tests.lab.scp import EAST, WEST, Lab, Signed, request

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "create",
                "pause",
                "use",
                "schedule",
                "delete",
                "volume",
                "snapshots",
                "write",
                "wait",
                "fail",
                "drop",
                "new",
            ]
        ),
        st.integers(0, 4),
        st.sampled_from([*PERIODS]),
        st.sampled_from(["replication", "backup"]),
    ),
    max_size=40,
)
SHARED = [HealthCheck.function_scoped_fixture]


def step(lab: Lab, name: str, number: int, frequency: str, kind: str) -> Any:
    """One call on one of the volumes or replications that there are."""
    volumes, pairs = list(lab.state["volumes"].values()), list(lab.state["replications"].values())
    volume = volumes[number % len(volumes)] if volumes else None
    pair = pairs[number % len(pairs)] if pairs else None
    body = {"replication_update_type": "policy", "replication_policy": "use" if name == "use" else "paused"}
    if name == "schedule":
        body = {"replication_update_type": "modify_schedule", "replication_frequency": frequency}
    if name == "wait":
        return lab.clock.advance(number * 100)
    if name == "new":
        path = {"name": f"volume_{number}", "protocol": "NFS", "type_name": "HDD"}
        return lab.host((WEST, EAST)[number % 2]).post("/v1/volumes", json=path)
    if volume is not None and name in {"create", "volume", "snapshots", "write"}:
        return on_volume(
            lab, volume, name, request(volume["id"], replication_frequency=frequency, replication_type=kind)
        )
    if pair is None:
        return None
    if name in {"fail", "drop"}:
        return lab.emulator.act(f"{name}-replication", {"replication_id": pair["replication_id"]})
    return lab.delete(pair) if name == "delete" else lab.put(pair, **body)


def on_volume(lab: Lab, volume: dict[str, Any], name: str, body: dict[str, Any]) -> Any:
    host, other = lab.host(volume["region"]), EAST if volume["region"] == WEST else WEST
    match name:
        case "create":
            fresh = f"r{len(lab.state['volumes'])}_{volume['name']}"[:21]
            return host.post("/v1/replications", json={**body, "region": other, "name": fresh})
        case "volume":
            return host.delete(f"/v1/volumes/{volume['id']}")
        case "write":
            return lab.write(volume["id"], "f", volume["name"].encode()) if lab.mount(volume["id"]).is_dir() else None
    for one in lab.snapshots(volume["id"], volume["region"]):
        host.delete(f"/v1/snapshots/{one['id']}", params={"volume_id": volume["id"]})
    return None


def take_apart(lab: Lab) -> None:
    """The order that is known to work, for everything."""
    lab.clock.advance(100)
    for pair in lab.state["replications"].values():
        replica = f"/v1/volumes/{pair['replication_volume_id']}"
        lab.pause(pair)
        if pair["replication_type"] == "backup":
            assert lab.host(pair["replication_volume_region"]).delete(replica).status_code == 202
        else:
            assert lab.delete(pair).status_code == 202
        lab.clock.advance(100)
    for volume in lab.state["volumes"].values():
        on_volume(lab, volume, "snapshots", {})
        assert on_volume(lab, volume, "volume", {}).status_code == 202
    lab.clock.advance(100)


@settings(max_examples=40, suppress_health_check=SHARED)
@given(steps=STEPS)
@example(steps=[("create", 0, "5min", "replication"), ("fail", 0, "5min", "replication")])
@example(steps=[("create", 0, "5min", "backup"), ("drop", 0, "5min", "backup")])
def test_any_order_of_calls(tmp_path: Path, certificate: Certificate, steps: list[tuple[str, int, str, str]]) -> None:
    with scp.start(tmp_path, certificate) as lab:
        lab.clock.freeze()
        lab.volume("first")
        for name, number, frequency, kind in steps:
            answer = step(lab, name, number, frequency, kind)
            assert getattr(answer, "status_code", 202) < 500
            state = lab.state
            for pair in state["replications"].values():
                assert {pair["source_volume_id"], pair["replication_volume_id"]} <= state["volumes"].keys() or (
                    pair["phase"] == "left"
                )
        take_apart(lab)
        assert (lab.state["volumes"], lab.state["replications"]) == ({}, {})
        assert list(Path(lab.facts["mount_root"]).parent.rglob("*/*")) == []
        lab.judge()


@pytest.mark.parametrize("clients", [6])
def test_many_at_once(lab: Lab, clients: int) -> None:
    lab.clock.resume()
    lab.emulator.switch({"create_s": 0, "change_s": 0, "delete_s": 0, "region_lag_s": 0, "volume_delete_s": 0})
    facts, failed = lab.facts, list[str]()

    def work(number: int) -> None:
        auth = Signed(facts["access_key"], facts["secret_key"])
        west, east = (lab.client(region, auth) for region in (WEST, EAST))
        try:
            source = west.post(
                "/v1/volumes", json={"name": f"source_{number}", "protocol": "NFS", "type_name": "HDD"}
            ).json()["volume_id"]
            lab.write(source, "f", bytes([number]) * 10_000)
            made = west.post("/v1/replications", json=request(source, name=f"replica_{number}")).json()
            at = {
                "url": f"/v1/replications/{made['replication_id']}",
                "params": {"volume_id": made["replication_volume_id"]},
            }
            assert east.get(**at).json()["replication_policy"] == "use"
            pause = {"replication_update_type": "policy", "replication_policy": "paused"}
            assert east.put(json=pause, **at).status_code == 202
            assert east.get(**at).json()["replication_policy"] == "paused"
            assert east.delete(**at).status_code == 202
            assert east.get(**at).status_code == 404
            assert lab.files(made["replication_volume_id"]) == {"f": bytes([number]) * 10_000}
        except Exception as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert lab.state["replications"] == {}
