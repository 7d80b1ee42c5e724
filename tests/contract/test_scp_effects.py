"""Each effect on SCP is real: provoked on the emulator and seen to happen, and told by `repl` before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.providers.scp.effects import EFFECTS
from tests.contract.effect_marks import SCP
from tests.contract.harnesses.scp import ScpHarness, Way
from tests.contract.scp_workspace import Workspace, opened
from tests.lab.scp import EAST, PASSWORD, WEST

happens, told = SCP.happens, SCP.told


def test_every_effect_is_shown_and_told() -> None:
    declared = {rule.id for rule in EFFECTS}
    assert SCP.shown == SCP.said == declared
    assert {"SCP-ORPHAN-VOLUME", "SCP-PAUSE-FIRST", "SCP-SECRET-UNREADABLE"} <= declared


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[ScpHarness]:
    harness = ScpHarness(tmp_path_factory.mktemp("scp"), certificate, Way(tls=False))
    yield harness
    harness.close()


@pytest.fixture
def work(scp: ScpHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(scp, tmp_path) as made:
        yield made


@pytest.fixture
def cifs(scp: ScpHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(scp, tmp_path, "CIFS") as made:
        yield made


def send(work: Workspace, shown: dict[str, Any], method: str, region: str = EAST, **body: Any) -> httpx.Response:
    """A change or deletion by hand, whatever comes of it."""
    volume = shown["replication_volume_id" if region == EAST else "source_volume_id"]
    path = f"/v1/replications/{shown['replication_id']}"
    return work.scp._hosts[region].request(method, path, params={"volume_id": volume}, json=body or None)


def pause(work: Workspace, shown: dict[str, Any]) -> None:
    answer = send(work, shown, "PUT", replication_update_type="policy", replication_policy="paused")
    assert answer.is_success, answer.text


# SCP-ORPHAN-VOLUME ------------------------------------------------------------------------------------------------


@happens("SCP-ORPHAN-VOLUME")
def test_the_volume_of_a_deleted_replica_stays_with_all_in_it(work: Workspace) -> None:
    work.write("file")
    shown = work.create()
    work.copied()
    volume = shown["replication_volume_id"]
    pause(work, shown)
    assert send(work, shown, "DELETE").is_success
    assert work.replications == []
    (left,) = work.volumes()
    assert (left["id"], left["state"], left["purpose"]) == (volume, "available", "none")
    assert work.files(volume) == {"file": b"content"}
    assert work.snapshots(volume)
    (work.scp.mount(volume) / "written-now").write_bytes(b"by anybody")
    # Its name is not free.
    body = {"name": work.replica, "volume_id": work.source_id, "region": EAST}
    body |= {"replication_frequency": "hourly", "replication_type": "replication"}
    assert work.scp._hosts[WEST].post("/v1/replications", json=body).status_code == 409


@told("SCP-ORPHAN-VOLUME")
def test_a_volume_that_will_stay_is_told_with_its_id(work: Workspace) -> None:
    work.replicate()
    work.another()
    work.apply()
    (held,) = work.volumes()
    work.forget()
    effect = work.effects("--prune")["SCP-ORPHAN-VOLUME"]
    assert (effect["blocks"], effect["loses_protection"], effect["replication"]) == (False, True, "one")
    assert f"volume {work.replica} ({held['id']}) in {EAST} stays and is billed" in effect["text"]
    (call,) = [summary for operation, summary in work.calls("--prune") if operation == "DeleteVolumeReplication"]
    assert "its volume stays" in call
    applied = work.apply("--prune")
    assert held["id"] in applied.text
    assert [one["id"] for one in work.volumes()] == [held["id"]]
    work.replicate()
    again = work.repl("plan")
    assert "REPL-W507" in again.text
    assert held["id"] in again.text


@told("SCP-ORPHAN-VOLUME")
def test_a_replacement_leaves_one_behind_too(work: Workspace) -> None:
    work.replicate()
    work.apply()
    (held,) = work.volumes()
    work.replicate(to=f"{work.replica}2")
    assert held["id"] in work.effects()["SCP-ORPHAN-VOLUME"]["text"]
    work.apply("--allow", "SCP-REPLACE@one")
    assert [one["id"] for one in work.volumes()] == [held["id"]]
    work.settled()


def test_losing_protection_can_be_forbidden(work: Workspace) -> None:
    work.replicate()
    work.another()
    work.apply()
    work.settings(guards={"maxLost": 0})
    work.forget()
    assert "maxLost" in work.refused(4, "--prune").text
    assert len(work.replications) == 2


def test_a_protected_replication_is_not_removed(work: Workspace) -> None:
    work.replicate(protect=True)
    work.another()
    work.apply()
    work.forget()
    work.refused(4, "--prune")
    assert len(work.replications) == 2


# SCP-VOLUME-DELETED -----------------------------------------------------------------------------------------------


@happens("SCP-VOLUME-DELETED")
def test_a_volume_goes_after_its_snapshots_with_all_in_it(work: Workspace) -> None:
    work.write("file")
    shown = work.create()
    work.copied()
    volume = shown["replication_volume_id"]
    pause(work, shown)
    assert send(work, shown, "DELETE").is_success
    east = work.scp._hosts[EAST]
    refused = east.delete(f"/v1/volumes/{volume}")
    assert (refused.status_code, "has snapshots" in refused.text) == (400, True)
    work.scp.drop_volume(volume)
    assert work.volumes() == []
    assert not work.scp.mount(volume).exists()


def test_an_option_that_is_taken_out_again_leaves_the_volume(work: Workspace) -> None:
    """Left out is false: what a receipt once had deletes nothing."""
    work.replicate(scp={"deleteReplicaVolume": True})
    work.another()
    work.apply()
    work.replicate()
    assert work.calls() == []
    assert work.repl("plan", "--detailed-exitcode").code == 2
    work.apply()
    work.settled()
    work.forget()
    assert work.effects("--prune").keys() == {"SCP-ORPHAN-VOLUME", "SCP-PAUSE-FIRST"}


@told("SCP-VOLUME-DELETED")
def test_a_volume_goes_only_with_an_approval(work: Workspace) -> None:
    work.write("file")
    work.replicate(scp={"deleteReplicaVolume": True})
    work.another()
    work.apply()
    work.copied()
    (held,) = work.volumes()
    work.forget()
    effect = work.effects("--prune")["SCP-VOLUME-DELETED"]
    assert effect["blocks"]
    assert "SCP-ORPHAN-VOLUME" not in work.effects("--prune")
    assert held["id"] in effect["text"]
    assert [operation for operation, _ in work.calls("--prune")][-2:] == ["DeleteSnapshot", "DeleteVolume"]
    assert "--allow SCP-VOLUME-DELETED@one" in work.refused(4, "--prune").text
    assert work.files(held["id"]) == {"file": b"content"}
    work.apply("--prune", "--allow", "SCP-VOLUME-DELETED@one")
    assert work.volumes() == []
    assert [one["replication_volume_name"] for one in work.replications] == [f"{work.replica}2"]
    work.settled()


# SCP-PAUSE-FIRST --------------------------------------------------------------------------------------------------


@happens("SCP-PAUSE-FIRST")
def test_only_what_is_paused_is_deleted_and_only_from_the_replicas_region(work: Workspace) -> None:
    shown = work.create()
    in_use = send(work, shown, "DELETE")
    assert (in_use.status_code, "paused > delete" in in_use.text) == (400, True)
    elsewhere = send(work, shown, "DELETE", WEST)
    assert (elsewhere.status_code, "Invalid.volume.purpose" in elsewhere.text) == (400, True)
    pause(work, shown)
    work.write("late")
    work.copied()
    assert work.files(shown["replication_volume_id"]) == {}
    assert send(work, shown, "DELETE").is_success


@told("SCP-PAUSE-FIRST")
def test_the_pause_is_a_step_of_its_own_and_told(work: Workspace) -> None:
    work.replicate()
    work.another()
    work.apply()
    work.forget()
    effect = work.effects("--prune")["SCP-PAUSE-FIRST"]
    assert (effect["severity"], effect["blocks"]) == ("info", False)
    assert "nothing is copied then" in effect["text"]
    assert [operation for operation, _ in work.calls("--prune")] == ["SetVolumeReplication", "DeleteVolumeReplication"]
    assert all(f"at {EAST}" in summary for _, summary in work.calls("--prune"))
    work.apply("--prune")


@told("SCP-PAUSE-FIRST")
def test_what_is_paused_already_is_not_paused_again(work: Workspace) -> None:
    work.replicate(state="paused")
    work.another()
    work.apply()
    work.forget()
    assert "SCP-PAUSE-FIRST" not in work.effects("--prune")
    assert [operation for operation, _ in work.calls("--prune")] == ["DeleteVolumeReplication"]


# SCP-REPLACE ------------------------------------------------------------------------------------------------------


@happens("SCP-REPLACE")
@pytest.mark.parametrize(
    "change",
    [{"name": "other_name"}, {"region": WEST}, {"replication_type": "backup"}, {"cifs_password": "an0ther!one"}],
    ids=lambda change: str(*change),
)
def test_no_request_changes_what_a_replication_is(work: Workspace, change: dict[str, str]) -> None:
    shown = work.create()
    for kind in ("policy", "modify_schedule", *change):
        send(work, shown, "PUT", replication_update_type=kind, **change)
    assert work.shown(shown["replication_id"]) == shown


@happens("SCP-REPLACE")
def test_a_new_replication_transfers_everything_again(work: Workspace) -> None:
    work.write("file")
    shown = work.create()
    work.copied()
    pause(work, shown)
    assert send(work, shown, "DELETE").is_success
    second = work.create(name=f"{work.replica}2")
    work.copied()
    assert work.files(second["replication_volume_id"]) == {"file": b"content"}
    state: Any = work.scp.emulator.state()
    assert state["replications"][second["replication_id"]]["bytes"] >= len(b"content")


@told("SCP-REPLACE")
@pytest.mark.parametrize(
    ("spec", "field"),
    [({"to": "elsewhere_x"}, "destination.volume"), ({"to": "other_x", "scp": {"type": "backup"}}, "scp.type")],
    ids=["name", "type"],
)
def test_a_replacement_is_blocked_and_says_why(work: Workspace, spec: dict[str, Any], field: str) -> None:
    work.write("file")
    work.replicate()
    work.apply()
    before = work.replication
    work.replicate(**spec)
    effect = work.effects()["SCP-REPLACE"]
    assert (effect["blocks"], effect["recopies"], field in effect["text"]) == (True, True, True)
    operations = ["SetVolumeReplication", "DeleteVolumeReplication", "CreateVolumeReplication"]
    assert [operation for operation, _ in work.calls()] == operations
    assert "--allow SCP-REPLACE@one" in work.refused(4).text
    assert work.replication == before
    work.apply("--allow", "SCP-REPLACE@one")
    assert work.replication["replication_volume_id"] != before["replication_volume_id"]
    work.settled()


def test_copying_again_can_be_forbidden(work: Workspace) -> None:
    """How much there is SCP does not say, so that any limit refuses it."""
    work.replicate()
    work.apply()
    work.settings(guards={"maxRecopy": "10TiB"})
    work.replicate(to=f"{work.replica}2")
    assert "maxRecopy" in work.refused(4, "--allow", "SCP-REPLACE@one").text


# SCP-SECRET-UNREADABLE --------------------------------------------------------------------------------------------


@happens("SCP-SECRET-UNREADABLE")
def test_nothing_shows_a_password(cifs: Workspace) -> None:
    shown = cifs.create(cifs_password=PASSWORD)
    assert "cifs_password" not in shown
    listed = cifs.volumes()[0]
    volume = cifs.scp.ask(EAST, "GET", f"/v1/volumes/{shown['replication_volume_id']}").json()
    assert not [one for one in (shown, listed, volume) if PASSWORD in str(one) or "cifs_password" in one]


@told("SCP-SECRET-UNREADABLE")
def test_a_change_by_hand_is_not_seen_and_one_of_the_manifests_is(
    cifs: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = {"cifsPassword": {"env": "CIFS_PASSWORD"}, "deleteReplicaVolume": True}
    cifs.replicate(scp=secret)
    effect = cifs.effects()["SCP-SECRET-UNREADABLE"]
    assert (effect["severity"], "noticed by the receipt only" in effect["text"]) == ("info", True)
    cifs.apply()
    cloud = cifs.scp.emulator.cloud
    (held,) = cifs.volumes()
    cloud.update(cloud.volumes[held["id"]], password="by!hand123")
    assert cifs.repl("drift").code == 0
    cifs.settled()
    monkeypatch.setenv("CIFS_PASSWORD", "an0ther!one")
    cifs.scp.secrets.put(CIFS_PASSWORD="an0ther!one")
    told_now = cifs.effects()
    assert told_now["SCP-REPLACE"]["blocks"]
    assert "scp.cifsPassword" in told_now["SCP-REPLACE"]["text"]
    cifs.refused(4)
    cifs.apply("--allow", "SCP-REPLACE@one", "--allow", "SCP-VOLUME-DELETED@one")
    assert cifs.volumes()[0]["id"] != held["id"]
    cifs.settled()


@told("SCP-SECRET-UNREADABLE")
def test_without_a_receipt_another_password_is_not_noticed(cifs: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    cifs.replicate(scp={"cifsPassword": {"env": "CIFS_PASSWORD"}})
    cifs.apply()
    (cifs.folder / ".repl" / "receipt.json").unlink()
    monkeypatch.setenv("CIFS_PASSWORD", "an0ther!one")
    cifs.settled()
