"""Bytes that move by themselves: when, how many, and what becomes of what was in the way."""

import os
import shutil
from typing import Any

import pytest

from tests.lab.scp import EAST, WEST, Lab
from tests.lab.world import eventually

PERIODS = {"5min": 300, "hourly": 3600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000}


def tally(lab: Lab, number: str) -> tuple[int, int, int]:
    one = lab.state["replications"][number]
    return one["transfers"], one["files"], one["bytes"]


@pytest.mark.parametrize(("frequency", "seconds"), PERIODS.items())
def test_what_changed_moves_when_the_time_has_come(lab: Lab, frequency: str, seconds: int) -> None:
    source = lab.volume()
    lab.write(source, "old", b"1")
    shown = lab.used(source, replication_frequency=frequency)
    replica, number = shown["replication_volume_id"], shown["replication_id"]
    assert lab.files(replica) == {"old": b"1"}
    lab.write(source, "new", b"22")
    lab.clock.advance(seconds - 1)
    assert tally(lab, number) == (1, 1, 1)
    assert "new" not in lab.files(replica)
    lab.clock.advance(1)
    assert tally(lab, number) == (2, 2, 3)
    assert lab.files(replica) == {"old": b"1", "new": b"22"}


def test_a_replica_is_made_like_its_source(lab: Lab) -> None:
    source = lab.volume()
    lab.write(source, "kept/same", b"same")
    lab.write(source, "was/file", b"x")
    lab.write(source, "becomes", b"file")
    shown = lab.used(source)
    replica, here = lab.mount(shown["replication_volume_id"]), lab.mount(source)
    shutil.rmtree(here / "was")
    (here / "was").write_bytes(b"now a file")
    (here / "becomes").unlink()
    (here / "becomes").mkdir()
    (here / "becomes" / "deep").symlink_to("../kept/same")
    (here / "empty").mkdir()
    os.utime(here / "kept" / "same", (1, 1))
    (replica / "written-there").write_bytes(b"lost")
    (replica / "kept" / "same").write_bytes(b"SAME")
    moved: Any = lab.emulator.act("replicate-now", {"replication_id": shown["replication_id"]})
    assert moved == {"moved": {shown["replication_id"]: {"files": 2, "bytes": 14}}}
    assert lab.files(shown["replication_volume_id"]) == {
        "kept/same": b"same", "was": b"now a file", "becomes/deep": b"same",
    }  # fmt: skip
    assert (replica / "becomes" / "deep").readlink().as_posix() == "../kept/same"
    assert (replica / "empty").is_dir()
    assert (replica / "kept" / "same").stat().st_mtime == 1


def test_a_pause_stops_transfers_and_a_resume_waits_for_the_next(lab: Lab) -> None:
    source = lab.volume()
    shown = lab.used(source, replication_frequency="5min")
    number = shown["replication_id"]
    lab.pause(shown)
    with pytest.raises(ValueError, match="paused"):
        lab.emulator.act("replicate-now", {"replication_id": number})
    assert lab.emulator.act("replicate-now", {}) == {"moved": {}}
    lab.clock.advance(10_000)
    assert tally(lab, number)[0] == 1
    lab.put(shown, replication_update_type="policy", replication_policy="use")
    lab.clock.advance(1 + 299)
    assert tally(lab, number)[0] == 1
    lab.clock.advance(1)
    assert tally(lab, number)[0] == 2


def test_a_jump_over_many_slots_is_made_up_for_once(lab: Lab) -> None:
    number = lab.used(lab.volume(), replication_frequency="5min")["replication_id"]
    lab.clock.advance(365 * 86_400)
    assert tally(lab, number)[0] == 2
    assert 0 < lab.state["replications"][number]["next_transfer_s"] <= 300


def test_a_new_frequency_counts_from_the_change(lab: Lab) -> None:
    shown = lab.used(lab.volume(), replication_frequency="monthly")
    lab.put(shown, replication_update_type="modify_schedule", replication_frequency="5min")
    lab.clock.advance(1)
    assert lab.state["replications"][shown["replication_id"]]["next_transfer_s"] == pytest.approx(300)


def test_a_backup_keeps_as_many_copies_as_it_is_told(lab: Lab) -> None:
    source = lab.volume()
    lab.write(source, "f", b"1")
    shown = lab.used(source, replication_type="backup", backup_retention_count=3, replication_frequency="daily")
    replica = shown["replication_volume_id"]
    lab.clock.advance(10 * 86_400)
    assert len(lab.state["volumes"][replica]["snapshots"]) == 3
    assert len(lab.snapshots(source)) == 1
    lab.put(shown, replication_update_type="modify_schedule", backup_retention_count=1)
    lab.clock.advance(86_401)
    assert len(lab.state["volumes"][replica]["snapshots"]) == 1


def test_a_backup_goes_with_its_volume(lab: Lab) -> None:
    source = lab.volume()
    shown = lab.used(source, replication_type="backup", backup_retention_count=2)
    lab.pause(shown)
    assert lab.delete(shown).status_code == 400
    assert lab.west.delete(f"/v1/volumes/{source}").status_code == 400
    assert lab.east.delete(f"/v1/volumes/{shown['replication_volume_id']}").status_code == 202
    assert lab.listed(source) == []
    lab.clock.advance(1)
    assert lab.state["volumes"].keys() == {source}


@pytest.mark.parametrize("how", ["replication", "either"])
def test_a_backup_goes_on_its_own_where_the_switch_says_so(lab: Lab, how: str) -> None:
    lab.emulator.switch({"backup_delete": how})
    shown = lab.used(lab.volume(), replication_type="backup")
    volume = f"/v1/volumes/{shown['replication_volume_id']}"
    if how == "replication":
        assert lab.east.delete(volume).status_code == 400
    lab.end(shown)
    assert lab.listed(shown["source_volume_id"]) == []
    assert lab.east.get(volume).json()["purpose"] == "none"


def test_copies_of_a_backup_can_be_taken_up_once_it_is_gone(lab: Lab) -> None:
    lab.emulator.switch({"backup_delete": "replication"})
    source = lab.volume()
    lab.write(source, "f", b"1")
    shown = lab.used(source, replication_type="backup", backup_retention_count=2)
    replica = shown["replication_volume_id"]
    lab.write(source, "f", b"2")
    lab.clock.advance(3600)
    lab.end(shown)
    first, last = lab.snapshots(replica, EAST)
    old, new = (lab.volume(name, EAST, snapshot_id=one["id"]) for name, one in (("old", first), ("new", last)))
    assert (lab.files(old), lab.files(new)) == ({"f": b"1"}, {"f": b"2"})


def test_transfers_wait_while_the_worker_is_stopped(lab: Lab) -> None:
    lab.emulator.switch({"worker": "stopped"})
    source = lab.volume()
    lab.write(source, "f")
    shown = lab.used(source)
    lab.clock.advance(7200)
    assert lab.files(shown["replication_volume_id"]) == {}
    lab.emulator.switch({"worker": "running"})
    assert tally(lab, shown["replication_id"])[0] == 1
    assert lab.files(shown["replication_volume_id"]) == {"f": b"data"}


def test_the_first_transfer_may_come_later(lab: Lab) -> None:
    lab.emulator.switch({"baseline_s": 60})
    source = lab.volume()
    lab.write(source, "f")
    shown = lab.used(source)
    assert lab.files(shown["replication_volume_id"]) == {}
    lab.clock.advance(60)
    lab.listed(source)
    assert lab.files(shown["replication_volume_id"]) == {"f": b"data"}


def test_files_move_without_anybody_asking(lab: Lab) -> None:
    source = lab.volume()
    lab.write(source, "f")
    replica = lab.create(source)["replication_volume_id"]
    lab.clock.advance(2)
    eventually(lambda: lab.files(replica) == {"f": b"data"})
    lab.write(source, "g")
    lab.clock.advance(3600)
    eventually(lambda: "g" in lab.files(replica))


def test_a_source_whose_folder_is_gone_does_not_empty_the_replica(lab: Lab) -> None:
    source = lab.volume()
    lab.write(source, "f")
    shown = lab.used(source)
    shutil.rmtree(lab.mount(source))
    lab.clock.advance(3600)
    assert lab.show(shown["replication_id"], source)["replication_status"] == "error"
    assert lab.files(shown["replication_volume_id"]) == {"f": b"data"}


def test_another_frequency_of_snapshots_is_kept_apart(lab: Lab) -> None:
    source = lab.volume()
    one, two = lab.used(source, "one_dr"), lab.used(source, "two_dr")
    names = [snapshot["name"] for snapshot in lab.snapshots(source, WEST)]
    for shown in (one, two):
        assert sum(name.startswith(f"snapmirror.{shown['replication_id']}_") for name in names) == 1
    lab.end(one)
    assert len(lab.snapshots(source)) == 2
    assert lab.listed(source) == [two["replication_id"]]


def test_the_minutes_of_schedules_can_be_short(lab: Lab) -> None:
    lab.emulator.switch({"minute_s": 0.5})
    source = lab.volume()
    made = lab.used(source, replication_frequency="5min")
    lab.show(made["replication_id"], source)
    lab.write(source, "late.txt")
    lab.clock.advance(2.4)
    assert not lab.files(made["replication_volume_id"])
    lab.clock.advance(0.2)
    lab.show(made["replication_id"], source)
    assert list(lab.files(made["replication_volume_id"])) == ["late.txt"]
