"""The published exit codes, each provoked for real."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.command import LabClient, repl

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


#: Holds the lock's file as another apply would.
HOLDER = (
    "import fcntl, sys, time\nfile = open(sys.argv[1], 'w')\nfcntl.flock(file, fcntl.LOCK_EX)\n"
    "print('held', flush=True)\ntime.sleep(60)"
)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), 0),
        (("--version",), 0),
        (("plan", "--help"), 0),
        (("lab", "up", "--help"), 0),
        (("--typo",), 64),
        (("plan", "--typo"), 64),
        (("nonsense",), 64),
        (("plan", "--parallelism", "many"), 64),
        (("plan", "--parallelism", "0"), 64),
        (("plan", "--output", "xml"), 64),
        (("plan", "--output", "text", "--output", "json"), 64),
        (("show",), 64),
        (("plan",), 64),
        (("plan", "-f", "nowhere.yaml"), 1),
        (("show", "nowhere.json"), 1),
        (("apply", "nowhere.json"), 1),
        (("schema", "nonsense"), 64),
        (("schema",), 0),
        (("schema", "plan"), 0),
        (("providers",), 0),
        (("explain",), 0),
        (("explain", "QUMULO-REPLACE"), 0),
        (("explain", "QUMULO-REPLAC"), 64),
        (("graph", "--format", "xml"), 64),
        (("plan", "--var", "novalue"), 64),
        (("resync",), 64),
    ],
)
def test_without_a_workspace(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    ended = repl(*arguments, cwd=tmp_path)
    assert ended.code == code, ended.text
    assert "Traceback" not in ended.text


def test_without_anywhere_to_write_to(tmp_path: Path) -> None:
    command = f"{sys.executable} -m reconciler providers >&- 2>&-"
    assert subprocess.run(command, shell=True, cwd=tmp_path, check=False).returncode == 0


def test_no_changes_and_changes(lab: LabClient) -> None:
    assert lab.run("plan").code == 0
    assert lab.run("plan", "--detailed-exitcode").code == 2
    assert lab.run("apply", "--yes", "--no-verify").code == 0
    assert lab.run("plan", "--detailed-exitcode").code == 0


def test_1_for_broken_manifests_and_for_a_provider_that_is_away(lab: LabClient) -> None:
    lab.edit("providers.yaml", "region: us-east-1", "regoin: us-east-1")
    broken = lab.run("plan")
    assert broken.code == 1
    assert "did you mean" in broken.text.lower()
    lab.edit("providers.yaml", "regoin: us-east-1", "region: us-east-1")
    lab.edit("providers.yaml", f"port: {lab.lab.world['emulators']['nas-1']['port']}", "port: 1")
    away = lab.run("plan")
    assert away.code == 1, away.text
    assert "could not be read" in away.text.lower()
    assert "No changes" not in away.text
    assert lab.run("drift").code == 1


def test_3_where_one_of_two_fails(lab: LabClient) -> None:
    lab.fault(emulator="s3", operation="PutBucketReplication", path="media", kind="status", status=503, times=99)
    partial = lab.run("apply", "--yes", "--no-verify", "--output", "json")
    assert partial.code == 3, partial.text
    outcomes = {result["container"]["scope"]: result["outcome"] for result in partial.json["results"]}
    assert outcomes["bucket/media"] == "failed"
    assert outcomes["bucket/logs"] == "done"


def test_4_for_a_guard_and_for_an_effect_without_approval(lab: LabClient) -> None:
    assert lab.run("apply", "--yes", "--no-verify").code == 0
    lab.edit("replications.yaml", "bucket: proj, prefix: v1/", "bucket: proj, prefix: v2/")
    refused = lab.run("apply", "--yes")
    assert refused.code == 4, refused.text
    assert "--allow QUMULO-REPLACE@nas-archive" in refused.text
    mark = lab.mark()
    assert lab.run("apply", "--yes", "--no-verify", "--allow", "QUMULO-REPLACE@nas-archive").code == 0
    assert lab.writes(mark)
    lab.edit("workspace.yaml", "maxLost: 2", "maxLost: 0")
    lab.edit("replications.yaml", "bucket: proj, prefix: v2/", "bucket: proj, prefix: v3/")
    guarded = lab.run("plan", "--allow", "QUMULO-REPLACE@nas-archive")
    assert guarded.code == 4, guarded.text
    assert "maxLost" in guarded.text


def test_5_for_a_plan_that_does_not_fit_any_more(lab: LabClient) -> None:
    assert lab.run("plan", "--out", "p.json").code == 0
    text = (lab.folder / "p.json").read_text()
    (lab.folder / "altered.json").write_text(text.replace("logs-dr", "logs-xx"))
    (lab.folder / "garbage.json").write_text(text[: len(text) // 2])
    mark = lab.mark()
    assert lab.run("apply", "altered.json").code == 5
    assert lab.run("apply", "garbage.json").code == 5
    shown = lab.run("show", "altered.json")
    assert shown.code == 5
    assert "Apply it" not in shown.text
    assert "Cannot be applied: altered" in shown.text
    assert "Apply it" in lab.run("show", "p.json").text
    lab.put_rules(
        "logs",
        [
            {
                "ID": "by-hand", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": "x/"},
                "Destination": {"Bucket": "arn:aws:s3:::logs-dr"}, "DeleteMarkerReplication": {"Status": "Disabled"},
            }
        ],
    )  # fmt: skip
    ours = lab.mark()
    stale = lab.run("apply", "p.json")
    assert stale.code == 5, stale.text
    assert "bucket/logs" in stale.text
    assert not lab.writes(ours)
    lab.edit("replications.yaml", "tier: gold", "tier: silver")
    assert lab.run("apply", "p.json").code == 5
    assert mark


def test_7_while_another_apply_runs(lab: LabClient) -> None:
    (lab.folder / ".repl").mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lab.folder / ".repl" / "lock")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert lab.run("apply", "--yes").code == 7
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_8_for_a_wrong_key(lab: LabClient) -> None:
    (lab.folder / "secrets" / "s3").write_text("wrong/wrong/wrong/wrong/wrong/wrong/wron\n")
    refused = lab.run("plan", "--select", "logs-to-dr")
    assert refused.code == 8, refused.text
    assert lab.run("verify", "logs-to-dr").code == 8
    (lab.folder / "secrets" / "s3").unlink()
    for command in (("plan", "--select"), ("verify",), ("drift", "--select")):
        unset = lab.run(*command, "logs-to-dr")
        assert unset.code == 8, unset.text
    assert lab.run("verify", "logs-to-dx").code == 64


def test_64_without_anybody_to_ask(lab: LabClient) -> None:
    asked = lab.run("apply", stdin="")
    assert asked.code == 64, asked.text
    assert "--yes" in asked.text


def test_130_after_ctrl_c_and_the_journal_is_complete(lab: LabClient) -> None:
    lab.switch("s3", worker="stopped")
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "--yes", "--select", "logs-to-dr"],
        cwd=lab.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip
    for _ in range(200):  # wait until the canary is under way
        if list((lab.folder / ".repl" / "receipts").glob("*")) and lab.s3.list_objects_v2(
            Bucket="logs", Prefix="app/.repl"
        ).get("Contents"):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode in (6, 130), out + err
    assert "Traceback" not in out + err
    listed = lab.s3.list_object_versions(Bucket="logs", Prefix="app/.repl-canary")
    assert not listed.get("Versions")
    assert lab.run("plan", "--detailed-exitcode", "--select", "logs-to-dr").code == 0
