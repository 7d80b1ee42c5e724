"""The demonstration, and the promises that it makes."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.alarik import eventually
from tests.lab.command import LabClient, repl

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture
def lab(forked_lab: LabClient) -> LabClient:
    """What commands leave on the systems counts here, not how they start."""
    return forked_lab


def emulators_running() -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if "reconciler.emulators" in line and "repl-demo-" in line]


def quiet(lab: LabClient) -> bool:
    """Whether the systems themselves have stopped writing: jobs and resyncs go on after an apply."""
    mark = lab.mark()
    time.sleep(1)
    return not lab.writes(mark, configuration=False)


def test_the_demo_ends_well_and_leaves_nothing_running(tmp_path: Path) -> None:
    ended = repl("lab", "demo", cwd=tmp_path, timeout=600)
    assert ended.code == 0, ended.text
    scenes = [" ".join(scene.split()) for scene in re.split(r"\n── \d+/\d+  ", ended.out)[1:]]
    assert "11 providers, 9 replications" in scenes[0]
    assert "CCS-ALL-BUCKETS site-b becomes UP at site-a" in scenes[1]
    assert re.findall(r"Verified: (\d+) proved", ended.out) == ["9", "1", "1", "1"]
    warned = next(one for one in scenes if one.startswith("SCP cannot rename"))
    approved = " ".join(ended.err.split())
    told = [re.findall(r"SCP-ORPHAN-VOLUME volume projects_dr \((\S{36})\)", one) for one in (warned, approved)]
    assert len(told[0]) == 1
    assert told[0] == told[1]
    assert "blocked: needs --allow SCP-REPLACE@projects-to-east" in warned
    assert "READY without bytes yet: 2026/03.pdf" in ended.err
    assert "No changes. 9 replications read" in scenes[-1]
    assert not emulators_running()
    assert not list(tmp_path.iterdir())


def test_what_is_shown_saved_and_shown_again_is_what_is_sent(process_lab: LabClient) -> None:
    lab = process_lab
    saved = lab.run("plan", "--out", "p.json", "--output", "json")
    assert saved.code == 0, saved.text
    shown = lab.run("show", "p.json", "--output", "json")
    assert shown.json == saved.json
    ids = [step["id"] for container in saved.json["containers"] for step in container["steps"]]
    assert ids == [step["id"] for container in shown.json["containers"] for step in container["steps"]]
    text = lab.run("show", "p.json")
    operations = [s["operation"] for c in saved.json["containers"] for s in c["steps"] if s["kind"] == "call"]
    for operation in operations:
        assert operation.split("/")[0].strip() in text.out
    mark = lab.mark()
    applied = lab.run("apply", "p.json", "--no-verify", "--output", "json")
    assert applied.code == 0, applied.text
    assert applied.json["plan_id"] == saved.json["plan_id"]
    sent = sum(result["calls"] for result in applied.json["results"])
    assert len(lab.writes(mark)) == sent
    # Of CloneCloudStore's three rounds of orders the last two send nothing, nor does the comparison after them.
    assert saved.json["summary"]["calls"] == len(operations) == sent + 3
    again = lab.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.text
    assert "No changes" in again.out
    mark = lab.mark()
    assert lab.run("apply", "--yes").code == 0
    assert not lab.writes(mark, configuration=False)


def test_reading_commands_write_nothing(lab: LabClient) -> None:
    lab.run("apply", "--yes", "--no-verify")
    eventually(lambda: quiet(lab))
    mark = lab.mark()
    for arguments in (
        ("validate",), ("plan",), ("drift",), ("verify", "--no-canary"), ("graph",), ("import", "aws-eu"),
        ("import", "nas-1"), ("import", "scp-west"), ("import", "ccs-a"), ("providers", "--check"),
    ):  # fmt: skip
        lab.run(*arguments)
    logins = [entry for entry in lab.writes(mark, configuration=False) if "/v1/session/login" not in entry["path"]]
    assert logins == []


def test_a_canary_proves_every_flow_and_leaves_nothing(lab: LabClient) -> None:
    applied = lab.run("apply", "--yes", "--output", "json")
    assert applied.code == 0, applied.text
    proofs = {proof["replication"]: proof for proof in applied.json["verifications"]}
    assert set(proofs) == {
        "logs-to-dr", "media-to-dr", "nas-archive", "nas-restore", "uploads-to-us", "uploads-to-aws", "images-to-gz",
        "projects-to-east", "invoices-to-b",
    }  # fmt: skip
    assert {proof["outcome"] for proof in proofs.values()} == {"proved"}
    assert all(proof["lag_s"] >= 0 for proof in proofs.values())
    assert canaries(lab) == []


def test_a_canary_of_one_flow_is_removed_where_another_has_carried_it(lab: LabClient) -> None:
    """`media-to-dr` takes the whole bucket, of which `nas-restore` takes a part."""
    applied = lab.run("apply", "--yes", "--no-verify")
    assert applied.code == 0, applied.text
    mark = lab.mark()
    verified = lab.run("verify", "nas-restore", "--output", "json")
    assert verified.code == 0, verified.text
    (proof,) = verified.json["verifications"]
    assert [check["verdict"] for check in proof["checks"] if check["name"] == "cleanup"] == ["="]
    removed = [entry["path"] for entry in lab.writes(mark, configuration=False) if entry["method"] == "DELETE"]
    assert [path for path in removed if path.startswith("/media-dr/raw/.repl-canary/")], removed
    assert canaries(lab) == []


def canaries(lab: LabClient) -> list[str]:
    """Return what is left of canaries, versions and delete markers, in all buckets."""
    found = []
    for bucket in ("logs", "logs-dr", "media", "media-dr", "proj", "uploads-dr"):
        listed = lab.s3.list_object_versions(Bucket=bucket)
        keys = [item["Key"] for part in ("Versions", "DeleteMarkers") for item in listed.get(part, [])]
        found += [f"{bucket}/{key}" for key in keys if "canary" in key]
    return found


def test_dead_replication_is_not_called_good(lab: LabClient) -> None:
    lab.switch("s3", worker="stopped")
    lab.edit("workspace.yaml", "within: 1m", "within: 3s")
    applied = lab.run("apply", "--yes", "--select", "logs-to-dr")
    assert applied.code == 6, applied.text
    assert "not proved" in applied.text.lower() or "failed" in applied.text.lower()
    assert lab.run("verify", "logs-to-dr").code == 6


def test_import_writes_manifests_that_plan_to_no_changes(lab: LabClient) -> None:
    lab.put_rules(
        "media",
        [
            {
                "ID": "Legacy Rule 2019", "Priority": 7, "Status": "Enabled", "Filter": {"Prefix": "raw/"},
                "Destination": {"Bucket": "arn:aws:s3:::media-dr"}, "DeleteMarkerReplication": {"Status": "Disabled"},
            }
        ],
    )  # fmt: skip
    (lab.folder / "replications.yaml").unlink()
    imported = lab.run("import", "aws-eu", "--out", "imported.yaml")
    assert imported.code == 0, imported.text
    planned = lab.run("plan", "--detailed-exitcode")
    assert planned.code == 0, planned.text
    assert "No changes" in planned.out


def test_drift_is_told_from_pending(lab: LabClient) -> None:
    assert lab.run("apply", "--yes", "--no-verify").code == 0
    assert lab.run("drift").code == 0
    lab.edit("replications.yaml", "storageClass: STANDARD_IA", "storageClass: GLACIER_IR")
    pending = lab.run("drift", "--output", "json")
    assert pending.code == 0, pending.text
    states = {item["replication"]: item["state"] for item in pending.json["items"]}
    assert states["logs-to-dr"] == "pending"
    assert lab.run("drift", "--include-pending").code == 2
    rules = lab.rules("media")
    rules[0]["Status"] = "Disabled"
    lab.put_rules("media", rules)
    drifted = lab.run("drift", "--output", "json")
    assert drifted.code == 2
    item = next(item for item in drifted.json["items"] if item["replication"] == "media-to-dr")
    assert item["state"] == "drifted"
    assert [(field["path"], field["before"], field["after"]) for field in item["fields"]] == [
        (["state"], "active", "paused")
    ]


def test_the_emulators_end_with_their_parent(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom reconciler.cli.laboratory import started\n"
        f"with started(Path({str(tmp_path / 'repl-demo-x')!r})) as lab:\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    import time

    for _ in range(100):
        if not emulators_running():
            return
        time.sleep(0.1)
    raise AssertionError(emulators_running())
