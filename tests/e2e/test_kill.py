"""A real process killed with SIGKILL at every boundary of its journal, and started again."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.command import Ended, LabClient
from tests.lab.forks import KILLED

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def killed(ended: Ended) -> bool:
    """Whether the command was killed; it must have ended well if not."""
    assert ended.code in (0, KILLED), ended.text
    return ended.code == KILLED


def clear(lab: LabClient) -> None:
    """Take everything off the live systems, and the memory of it."""
    (lab.folder / "replications.yaml").rename(lab.folder / "kept.txt")
    (lab.folder / "one.yaml").write_text(
        "apiVersion: repl/v1\nkind: Replication\nmetadata: {name: last}\n"
        "spec: {source: {provider: aws-eu, bucket: proj}, destination: {provider: aws-us, bucket: logs-dr}}\n"
    )
    lab.edit("workspace.yaml", "maxLost: 2", "maxLost: 9")
    assert lab.run("apply", "--yes", "--no-verify", "--prune").code == 0
    lab.edit("workspace.yaml", "maxLost: 9", "maxLost: 2")
    lab.s3.delete_bucket_replication(Bucket="proj")
    (lab.folder / "one.yaml").unlink()
    (lab.folder / "kept.txt").rename(lab.folder / "replications.yaml")
    for path in sorted((lab.folder / ".repl").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


@pytest.fixture
def four(forked_lab: LabClient) -> LabClient:
    """A lab without the two kinds whose crashes are shown elsewhere, clock in hand: they wait long, and often."""
    forked_lab.leave_out("scp-west", "ccs-a")
    return forked_lab


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_boundary_and_run_again(four: LabClient, when: str, first: int) -> None:
    """Every other boundary, from the first of them: two halves make a whole, and run side by side."""
    lab = four
    lab.switch("nas-1", job_seconds=0)
    number = first
    while True:
        assert lab.run("plan", "--out", "p.json").code == 0
        if not killed(lab.run("apply", "p.json", "--no-verify", kill=(number, when == "after"))):
            break
        again = lab.run("apply", *(("p.json",) if number % 2 else ("--yes",)), "--no-verify")
        assert again.code == 0, (number, again.text)
        identities = [(item["direction"], item["bucket"], item["object_folder"]) for item in lab.relationships()]
        assert len(identities) == len(set(identities)) == 2, number
        assert [rule["ID"] for rule in lab.rules("logs")] == ["repl.lab.logs-to-dr"]
        assert [rule["ID"] for rule in lab.rules("media")] == ["repl.lab.media-to-dr"]
        planned = lab.run("plan", "--detailed-exitcode")
        assert planned.code == 0, (number, planned.text)
        clear(lab)
        number += 2
    assert number >= 12


def test_a_replacement_killed_at_every_boundary(four: LabClient) -> None:
    lab = four
    lab.switch("nas-1", job_seconds=0)
    allow = ("--allow", "QUMULO-REPLACE")
    assert lab.run("apply", "--yes", "--no-verify").code == 0
    number, folder = 0, 1
    while True:
        lab.edit("replications.yaml", f"prefix: v{folder}/", f"prefix: v{folder + 1}/")
        folder += 1
        assert lab.run("plan", "--out", "p.json", *allow).code == 0
        if not killed(lab.run("apply", "p.json", "--no-verify", kill=(number, True))):
            break
        again = lab.run("apply", *(("p.json",) if number % 2 else ("--yes", *allow)), "--no-verify")
        assert again.code == 0, (number, again.text)
        folders = sorted(item["object_folder"].strip("/") for item in lab.relationships())
        assert folders == ["raw", f"v{folder}"], number
        assert lab.run("plan", "--detailed-exitcode").code == 0
        number += 1
    assert number >= 6


def test_two_at_once(lab: LabClient) -> None:
    command = [sys.executable, "-m", "reconciler", "apply", "--yes", "--no-verify"]
    both = [
        subprocess.Popen(command, cwd=lab.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    codes = sorted(process.wait(timeout=120) for process in both)
    assert codes in ([0, 0], [0, 7])
    assert len(lab.relationships()) == 2
    assert lab.run("plan", "--detailed-exitcode").code == 0
    assert Path(lab.folder / ".repl" / "receipt.json").exists()


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_the_network_goes_away_in_the_middle_of_a_create(lab: LabClient, kind: str) -> None:
    lab.fault(emulator="nas-1", method="POST", path="^/v3/replication/object-relationships/$", kind=kind, times=1)
    applied = lab.run("apply", "--yes", "--no-verify")
    assert applied.code == 0, applied.text
    assert len(lab.relationships()) == 2
    assert lab.run("plan", "--detailed-exitcode").code == 0
