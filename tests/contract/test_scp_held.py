"""What the service does not let go of at once, or at all: a replication under another change, a replica's volume."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault
from reconciler.providers.scp import steps
from tests.contract.harnesses.scp import ScpHarness, Way
from tests.contract.scp_workspace import Workspace, opened
from tests.lab.scp import EAST

GOES = {"deleteReplicaVolume": True}
ALLOWED = ("--prune", "--allow", "SCP-VOLUME-DELETED")


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[ScpHarness]:
    harness = ScpHarness(tmp_path_factory.mktemp("scp"), certificate, Way(tls=False))
    yield harness
    harness.close()


@pytest.fixture
def work(scp: ScpHarness, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with one replication that was made and is not written down any more. No pauses between attempts."""
    with opened(scp, tmp_path) as made, scp.hurried():
        made.replicate(scp=GOES)
        made.another()
        made.apply()
        made.forget()
        yield made


def held(work: Workspace, operation: str, status: int, times: int | None = None) -> None:
    """Refuse so many of these requests; all without a number."""
    fault = {"kind": "status", "emulator": "scp", "operation": operation, "status": status, "times": times}
    work.scp.wire.faults.add(Fault.model_validate(fault))


def failed(work: Workspace, *arguments: str) -> str:
    """Apply what does not work. What is told, on one line."""
    ended = work.repl("apply", "--yes", "--no-verify", *(arguments or ALLOWED))
    assert ended.code not in (0, 2, 6), ended.text
    return " ".join(ended.text.split())


def planned(work: Workspace) -> str:
    return " ".join(work.repl("plan", "--prune").text.split())


@pytest.mark.parametrize(
    ("operation", "status"), [("deleteVolumeReplication", 409), ("deleteVolume", 400), ("deleteVolume", 409)]
)
def test_what_is_held_for_a_moment_is_asked_for_again(work: Workspace, operation: str, status: int) -> None:
    held(work, operation, status, 2)
    work.apply(*ALLOWED)
    assert len(work.replications) == 1
    assert work.volumes() == []


def test_a_replication_that_stays_held_is_not_waited_for_as_if_it_went(work: Workspace) -> None:
    held(work, "deleteVolumeReplication", 409)
    told = failed(work)
    assert "held by another change" in told
    assert "still lists it" not in told
    work.scp.mend()
    work.apply(*ALLOWED)
    assert work.volumes() == []


def test_a_saved_plan_deletes_what_it_was_refused(work: Workspace) -> None:
    work.repl("plan", *ALLOWED, "--out", "saved.json")
    held(work, "deleteVolumeReplication", 409)
    failed(work, "saved.json")
    work.scp.mend()
    work.apply("saved.json")
    assert work.volumes() == []


@pytest.mark.parametrize("operation", ["deleteVolume", "deleteSnapshot"])
def test_a_volume_that_is_not_let_go_is_named_until_the_next_apply(work: Workspace, operation: str) -> None:
    """Nothing live shows what it was, and nobody else knows that it was to go."""
    work.write("file")
    work.copied()
    (volume,) = work.volumes()
    held(work, operation, 400)
    told = failed(work)
    assert f"delete {volume['id']} in the console of kr-east1" in told
    said = planned(work)
    assert "REPL-W007" in said
    assert volume["id"] in said
    work.scp.mend()
    work.apply()
    assert [one["id"] for one in work.volumes()] == [volume["id"]]
    assert "REPL-W007" not in planned(work)


def test_what_is_planned_once_more_is_not_said_twice(work: Workspace) -> None:
    held(work, "deleteVolumeReplication", 409)
    failed(work)
    said = planned(work)
    assert "REPL-W007" not in said
    assert "SCP-VOLUME-DELETED" in said


def test_a_saved_plan_goes_on_with_the_volume(work: Workspace) -> None:
    work.repl("plan", *ALLOWED, "--out", "saved.json")
    held(work, "deleteVolume", 400)
    failed(work, "saved.json")
    work.scp.mend()
    work.apply("saved.json")
    assert work.volumes() == []
    assert "REPL-W007" not in planned(work)


def new_and_paused(work: Workspace, times: int | None) -> None:
    """Write one down whose replica's region does not show it so many times, or never."""
    fault = {"kind": "status", "emulator": "scp", "operation": "ShowVolumeReplication", "status": 404, "times": times}
    work.scp.wire.faults.add(Fault.model_validate(fault | {"part": EAST}))
    work.replicate("two", to=f"{work.replica}3", state="paused")


def test_a_new_replication_that_its_replicas_region_shows_later_is_paused(work: Workspace) -> None:
    """It is seen in use at the source's first."""
    new_and_paused(work, 1)
    work.apply("--select", "two")
    assert "paused" in [one["replication_policy"] for one in work.replications]


def test_a_region_that_never_shows_a_replication_is_named(work: Workspace) -> None:
    new_and_paused(work, None)
    told = failed(work, "--select", "two")
    assert "kr-west1 shows the replication, and kr-east1 does not" in told
    assert "the same account?" in told
    work.scp.mend()
    work.apply("--select", "two")
    assert "paused" in [one["replication_policy"] for one in work.replications]


def test_what_somebody_deletes_is_neither_paused_nor_as_written(work: Workspace) -> None:
    """A deletion takes a while, and until then the policy is that which was asked for before."""
    work.replicate(scp=GOES, state="paused")
    work.apply()
    (one,) = [one for one in work.replications if one["replication_volume_name"] == work.replica]
    work.scp.switch(delete_s=3_600)
    path, query = f"/v1/replications/{one['replication_id']}", {"volume_id": one["replication_volume_id"]}
    work.scp.ask(EAST, "DELETE", path, params=query)
    assert "deleting -> paused" in planned(work)
    assert work.repl("drift").code == 2
    told = failed(work, "--select", "one")
    assert "the replication is being deleted" in told
    assert "plan again once kr-east1 does not list it any more" in told
    work.scp.wire.clock.advance(3_601)
    assert "1 to create" in planned(work)


def test_a_creation_that_does_not_end_is_not_called_done(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applying once more waits once more."""
    monkeypatch.setattr(steps, "_CREATE_DEADLINE_S", 1)
    work.scp.switch(create_outcome="stuck")
    work.replicate("two", to=f"{work.replica}3")
    for _ in range(2):
        assert "wait until the replica is made and in use" in failed(work, "--select", "two")
    assert work.repl("plan", "--detailed-exitcode", "--select", "two").code == 2
    work.repl("plan", "--select", "two", "--out", "saved.json")
    (one,) = [one for one in work.replications if one["replication_status"] == "creating"]
    work.scp.emulator.act("repair-replication", {"replication_id": one["replication_id"]})
    work.scp.mark()
    work.apply("saved.json")
    assert work.writes() == []
    assert work.repl("plan", "--detailed-exitcode", "--select", "two").code == 0


def test_a_creation_that_fails_is_made_anew_as_told(work: Workspace) -> None:
    """What never worked is in no receipt, so that removing its manifest alone takes nothing away."""
    work.apply(*ALLOWED)
    work.scp.switch(create_outcome="error")
    work.replicate("two", to=f"{work.replica}3", scp=GOES)
    told = failed(work, "--select", "two")
    assert "does not work: status error" in told
    assert "wait for wait" not in told
    assert "apply `state: paused` with `scp: {deleteReplicaVolume: true}`" in told
    work.replicate("two", to=f"{work.replica}3", scp=GOES, state="paused")
    work.apply("--select", "two")
    work.forget("two")
    work.apply(*ALLOWED)
    assert work.volumes(f"{work.replica}3") == []
    work.scp.switch(create_outcome="use")
    work.replicate("two", to=f"{work.replica}3", scp=GOES)
    work.apply()
    assert sorted(one["replication_status"] for one in work.replications) == ["available", "available"]
