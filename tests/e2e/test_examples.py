"""The examples do what they say: each is planned, applied, proved against emulators, and then nothing is left to do."""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.lab.command import LabClient
from tests.lab.examples import (
    CONSOLE_RULE,
    SWITCHES,
    WORLD,
    Example,
    alarik,
    buckets,
    configuration_writes,
    environment,
    is_ours,
    remove_all,
    variables,
)
from tests.lab.world import RunningWorld, eventually, run_world

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
CANARIES = ".repl-canary"
NAMES = (
    "s3-to-s3", "qumulo-archive", "qumulo-restore", "ceph-zones", "guarded", "bos-to-bos", "alarik-to-s3", "mixed",
    "scp-volumes", "clonecloudstore-sites", "six-systems",
)  # fmt: skip


@pytest.fixture(scope="module")
def systems() -> Iterator[RunningWorld]:
    """Every kind of system, with the lab's data."""
    with run_world(*WORLD) as running:
        for name, values in SWITCHES.items():
            running.switch(name, **values)
        yield running


@pytest.fixture
def example(request: pytest.FixtureRequest, systems: RunningWorld, tmp_path: Path) -> Example:
    """The example named by the test's parameter."""
    name = str(request.param)
    folder = tmp_path / name
    shutil.copytree(ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns(".repl"))
    return Example(folder, variables(name, systems), environment(systems), systems)


@pytest.fixture(autouse=True)
def no_rules_left(systems: RunningWorld) -> Iterator[None]:
    """Examples share the lab's buckets and directories; each starts without rules and relationships."""
    yield
    remove_all(systems)


@pytest.mark.parametrize("example", NAMES, indirect=True)
def test_example_is_applied_proved_and_then_empty(example: Example) -> None:
    planned = example.run("plan", "--out", "plan.json", "--output", "json")
    assert planned.code == 0, planned.text
    plan = planned.json
    assert plan["applyable"]
    mark = example.systems.last_request()
    applied = example.run("apply", "plan.json", "--no-verify", "--output", "json")
    assert applied.code == 0, applied.text
    sent = len(configuration_writes(example.systems, mark))
    assert sent == sum(result["calls"] for result in applied.json["results"]) > 0
    assert sent == plan["summary"]["calls"] - sum(map(needless, calls_of(plan)))
    proved = example.run("verify", "--output", "json")
    assert proved.code == 0, proved.text
    assert {item["level"] for item in proved.json["verifications"]} == {"canary"}
    assert len(proved.json["verifications"]) == plan["summary"]["create"] + plan["summary"]["none"]
    again = example.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.text
    assert "No changes" in again.out
    assert example.run("drift").code == 0
    said = planned.text + applied.text + proved.text + (example.folder / "plan.json").read_text()
    for name, secret in example.environ.items():
        assert secret not in said or not re.search("SECRET|TOKEN|PASSWORD", name), name


@pytest.mark.parametrize("example", ["scp-volumes", "clonecloudstore-sites", "six-systems"], indirect=True)
def test_plan_in_an_examples_readme_is_what_is_printed(example: Example) -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", (example.folder / "README.md").read_text(), flags=re.DOTALL)
    usual = {**example.variables, **({"topology_cache": "5m"} if "topology_cache" in example.variables else {})}
    said = Example(example.folder, usual, {**example.environ, "COLUMNS": "100"}, example.systems)
    planned = said.run("plan", "--out", "plan.json")
    assert planned.code == 0, planned.text
    printed = planned.out.partition("Apply it:")[0]
    assert without_what_varies(printed) == without_what_varies(shown)


def calls_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for container in plan["containers"] for step in container["steps"] if step["kind"] == "call"]


def needless(call: dict[str, Any]) -> bool:
    """Whether a call has nothing to send if all that was ordered before it has arrived, as its summary says."""
    return bool(re.search("if any is left$|sends nothing", call["summary"]))


@pytest.mark.parametrize("example", ["s3-to-s3"], indirect=True)
def test_two_teams_rules_of_one_bucket_go_out_in_one_call(example: Example) -> None:
    plan = example.run("plan", "--output", "json").json
    assert plan["summary"]["create"] == 3
    assert plan["summary"]["calls"] == 2


@pytest.mark.parametrize("example", ["qumulo-archive"], indirect=True)
def test_archive_is_brought_up_to_date_by_resync_and_protected_from_changes(example: Example) -> None:
    systems, bucket = example.systems, "proj"
    assert example.run("apply", "--yes").code == 0
    systems.control("POST", "/emulators/nas-1/actions/write", {"path": "/projects/late.txt", "text": "late"})
    assert example.run("resync", "projects-archive", "--yes").code == 0
    keys = {item["Key"] for item in systems.s3().list_objects_v2(Bucket=bucket).get("Contents", [])}
    assert "archive/projects/late.txt" in keys
    assert not [key for key in keys if CANARIES in key]
    example.edit("replications.yaml", "prefix: archive/projects/", "prefix: archive/v2/")
    refused = example.run("plan", "--allow", "QUMULO-REPLACE@projects-archive")
    assert refused.code == 4, refused.text
    assert "REPL-P021" in refused.out


@pytest.mark.parametrize("example", ["qumulo-restore"], indirect=True)
def test_restore_says_that_the_directory_is_read_only(example: Example) -> None:
    planned = example.run("plan")
    assert "QUMULO-READ-ONLY" in planned.out


@pytest.mark.parametrize("example", ["ceph-zones"], indirect=True)
def test_another_bucket_name_on_ceph_is_held_back(example: Example) -> None:
    example.edit(
        "replications.yaml", "destination: {provider: z2, bucket: media}", "destination: {provider: z2, bucket: other}"
    )
    refused = example.run("plan", "--select", "media-z1-to-z2")
    assert refused.code in (1, 4), refused.text
    assert "RGW-OTHER-BUCKET" in refused.out


@pytest.mark.parametrize("example", ["bos-to-bos"], indirect=True)
def test_rule_of_the_console_is_taken_over_as_it_is(example: Example) -> None:
    before = buckets(example.systems, "bos")["prod-thumbs"]["rules"]
    mark = example.systems.last_request()
    assert example.run("apply", "--yes", "--select", "thumbs-to-gz").code == 0
    assert configuration_writes(example.systems, mark) == []
    after = buckets(example.systems, "bos")["prod-thumbs"]["rules"]
    assert {name: rule["runs"] for name, rule in before.items()} == {CONSOLE_RULE: after[CONSOLE_RULE]["runs"]}


@pytest.mark.parametrize("example", ["bos-to-bos"], indirect=True)
def test_history_is_copied_but_for_exclusions(example: Example) -> None:
    systems = example.systems
    for key in ("raw/late.tmp", "raw/drafts/a.jpeg", "raw/a~backup~b.jpeg", "raw/kept.jpeg"):
        systems.control("POST", "/emulators/bos/actions/write", {"bucket": "prod-images", "key": key, "text": "x"})
    assert example.run("apply", "--yes").code == 0
    eventually(lambda: "raw/kept.jpeg" in buckets(systems, "bos")["dr-images"]["objects"])
    eventually(lambda: not systems.control("GET", "/state")["emulators"]["bos"]["state"]["replication"]["queued"])
    copies, scans = buckets(systems, "bos")["dr-images"]["objects"], buckets(systems, "bos")["dr-archive"]["objects"]
    assert not [key for key in copies if re.search(r"\.tmp$|drafts|backup", key)]
    assert copies["raw/kept.jpeg"]["storage_class"] == "STANDARD_IA"
    assert scans["bj/2019/a.tif"]["storage_class"] == "COLD"


@pytest.mark.parametrize("example", ["bos-to-bos"], indirect=True)
def test_changes_on_bos_wait_for_approval(example: Example) -> None:
    assert example.run("apply", "--yes", "--no-verify").code == 0
    example.edit("replications.yaml", '      - "*.tmp"\n', '      - "*.tmp"\n      - "*.bak"\n')
    example.edit("workspace.yaml", "state: active", "state: paused")
    paused = example.run("plan", "--select", "scans-to-gz")
    assert paused.code == 4, paused.text
    assert "BOS-NO-DISABLE" in paused.out
    example.edit("workspace.yaml", "state: paused", "state: active")
    blocked = example.run("plan")
    assert blocked.code == 4, blocked.text
    assert "BOS-RESTART" in blocked.out
    assert example.run("apply", "--yes", "--allow", "BOS-RESTART@images-to-gz").code == 0


@pytest.mark.parametrize("example", ["alarik-to-s3"], indirect=True)
def test_one_bucket_one_write_for_each_list(example: Example) -> None:
    systems = example.systems
    mark = systems.last_request()
    assert example.run("apply", "--yes").code == 0
    paths = [entry["path"].partition("/replication/")[2] for entry in configuration_writes(systems, mark)]
    assert [path for path in paths if "resync" not in path] == ["targets", "rules"]
    assert len(paths) == 4
    with alarik(systems, "alarik-eu") as http:
        targets, rules = (http.get(f"uploads/replication/{kind}").json()[kind] for kind in ("targets", "rules"))
    assert sorted(map(is_ours, targets)) == [False, True, True]
    assert sorted(map(is_ours, rules)) == [False, True, True, True]
    aws = {item["Key"] for item in systems.s3().list_objects_v2(Bucket="uploads-dr").get("Contents", [])}
    assert "uploads/2026/01.bin" in aws


@pytest.mark.parametrize("example", ["mixed"], indirect=True)
@pytest.mark.parametrize(
    ("file", "before", "after", "codes"),
    [
        ("eu", "aws-eu, bucket: proj", "aws-us, bucket: logs-dr", {"REPL-P001"}),
        ("eu", "source: {provider: nas-1, path: /projects}", "source: {provider: aws-eu, bucket: logs}", {"REPL-C001"}),
        ("china", "bos-gz, bucket: dr-images", "aws-eu, bucket: proj", {"REPL-C001"}),
    ],
)
def test_what_is_not_possible_is_refused(example: Example, file: str, before: str, after: str, codes: set[str]) -> None:
    example.edit(f"flows/{file}.yaml", before, after)
    refused = example.run("validate")
    assert refused.code in (1, 4), refused.text
    assert codes <= set(re.findall(r"error\[(REPL-\w+)\]", refused.out)), refused.text


@pytest.mark.parametrize("example", ["mixed"], indirect=True)
def test_guard_counts_what_nobody_knows_the_amount_of(example: Example) -> None:
    assert example.run("apply", "--yes", "--no-verify", "--select", "images-to-gz").code == 0
    example.edit("flows/china.yaml", '["*.tmp"]', '["*.tmp", "*.bak"]')
    refused = example.run("plan", "--allow", "BOS-RESTART@images-to-gz")
    assert refused.code == 4, refused.text
    assert "REPL-P011" in refused.out


@pytest.mark.parametrize("example", ["scp-volumes"], indirect=True)
def test_a_volume_stays_or_goes_as_the_readme_says(example: Example) -> None:
    assert example.run("apply", "--yes", "--no-verify").code == 0
    volumes = {one["name"]: number for number, one in scp(example)["volumes"].items()}
    example.edit("workspace.yaml", "spec:\n  vars:", "spec:\n  prune: true\n  vars:")
    manifest = example.folder / "replications.yaml"
    manifest.write_text("---\n".join(part for part in manifest.read_text().split("---\n") if "protect: true" in part))
    planned = example.run("plan", "--prune")
    said = " ".join(planned.out.split())
    assert planned.code == 4, planned.text
    assert f"SCP-ORPHAN-VOLUME volume projects_dr ({volumes['projects_dr']}) in kr-east1 stays and is billed" in said
    assert volumes["media_dr"] in said.partition("SCP-VOLUME-DELETED")[2]
    done = example.run("apply", "--yes", "--prune", "--allow", "SCP-VOLUME-DELETED@media-to-west")
    assert done.code == 0, done.text
    left = {one["name"] for one in scp(example)["volumes"].values()}
    assert "projects_dr" in left
    assert "media_dr" not in left


@pytest.mark.parametrize("example", ["scp-volumes"], indirect=True)
def test_a_rotated_cifs_password_is_another_replica_and_protected(example: Example) -> None:
    assert example.run("apply", "--yes", "--no-verify").code == 0
    rotated = Example(
        example.folder, example.variables, {**example.environ, "FINANCE_CIFS_PASSWORD": "made-Up-3!"}, example.systems
    )
    refused = rotated.run("plan", "--allow", "SCP-REPLACE@finance-to-east")
    assert refused.code == 1, refused.text
    assert {"REPL-P021", "REPL-W508"} <= set(re.findall(r"error\[(REPL-\w+)\]", refused.out))
    assert "made-Up" not in refused.text


@pytest.mark.parametrize("example", ["clonecloudstore-sites"], indirect=True)
def test_sites_are_told_once_and_only_one_bucket_is_copied(example: Example) -> None:
    systems = example.systems
    planned = " ".join(example.run("plan").out.split())
    assert planned.count("CCS-ALL-BUCKETS") == 1
    assert "of invoices, and of empty besides" in planned or "of invoices, scans, and of empty besides" in planned
    mark = systems.last_request()
    assert example.run("apply", "--yes").code == 0
    paths = [entry["path"] for entry in configuration_writes(systems, mark)]
    assert paths.count("/administration/topologies") == 2
    held = ccs(example)["sites"]["site-b"]["buckets"]
    assert {"2026/01.pdf", "readme.txt"} <= held["invoices"]["objects"].keys()
    assert not [key for key in held["scans"]["objects"] if CANARIES not in key]


def scp(example: Example) -> dict[str, Any]:
    return dict(example.systems.control("GET", "/state")["emulators"]["scp"]["state"])


def ccs(example: Example) -> dict[str, Any]:
    return dict(example.systems.control("GET", "/state")["emulators"]["ccs"]["state"])


@pytest.mark.parametrize("example", ["guarded"], indirect=True)
def test_policy_denies_a_flow_out_of_the_eu(example: Example) -> None:
    example.edit("teams/platform.yaml", "provider: aws-eu, bucket: proj", "provider: aws-us, bucket: logs-dr")
    denied = example.run("validate")
    assert denied.code == 4, denied.text
    assert "REPL-P001" in denied.out
    assert "personal data stays in the EU" in " ".join(denied.out.split())


@pytest.mark.parametrize("example", ["guarded"], indirect=True)
def test_guard_and_protection_refuse_as_the_readme_says(example: Example) -> None:
    assert example.run("apply", "--yes", "--no-verify").code == 0
    teams = example.folder / "teams"
    kept = {path: path.read_text() for path in teams.iterdir()}
    for path, text in kept.items():
        path.write_text(text.replace("existing: ignore", "existing: ignore\n  state: paused"))
    paused = example.run("plan")
    assert paused.code == 4, paused.text
    assert "REPL-P010" in paused.out
    for path, text in kept.items():
        path.write_text(text)
    (teams / "platform.yaml").unlink()
    pruned = example.run("plan", "--prune")
    assert pruned.code == 4, pruned.text
    assert "REPL-P021" in pruned.out


@pytest.mark.parametrize("example", ["guarded"], indirect=True)
@pytest.mark.parametrize(("days", "code"), [(1, 0), (-1, 4)])
def test_approval_holds_until_its_date(example: Example, days: int, code: int) -> None:
    """The bucket has a rule of another team, and the role changes for it too."""
    example.systems.s3().put_bucket_replication(
        Bucket="logs",
        ReplicationConfiguration={
            "Role": "arn:aws:iam::111122223333:role/old",
            "Rules": [
                {
                    "ID": "billing", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": "billing/"},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "Destination": {"Bucket": "arn:aws:s3:::logs-dr"},
                }
            ],
        },
    )  # fmt: skip
    manifest = example.folder / "teams" / "platform.yaml"
    until = (datetime.now(UTC) + timedelta(days=days)).date()
    manifest.write_text(re.sub(r"expires: \S+", f"expires: {until}", manifest.read_text()))
    planned = example.run("plan", "--select", "tier=gold")
    assert planned.code == code, planned.text
    assert "S3-ROLE-CHANGE" in planned.out
    assert ("REPL-P020" in planned.out) == (code == 4)


def test_screen_in_the_readme_is_what_is_printed(lab: LabClient) -> None:
    """The screen is real: the lab prints it again, apart from ids, ports and times."""
    shown = re.findall(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)[0]
    assert lab.run("apply", "--yes", "--no-verify").code == 0
    lab.edit("replications.yaml", "storageClass: STANDARD_IA", "storageClass: GLACIER_IR")
    lab.edit("replications.yaml", "bucket: proj, prefix: v1/", "bucket: proj, prefix: v2/")
    lab.edit("replications.yaml", '["*.tmp"]', '["*.tmp", "*.bak"]')
    planned = lab.run("plan", "--out", "plan.json", env={**os.environ, "COLUMNS": "96", "NO_COLOR": "1"})
    assert planned.code == 4, planned.text
    assert without_what_varies(planned.out) == without_what_varies(shown)


def without_what_varies(text: str) -> list[str]:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "THEN", text)
    text = re.sub(r"Plan [0-9a-f]{12}", "Plan ID", text)
    text = re.sub(r"127\.0\.0\.1:\d{5}|port: \d{5}", "PORT", text)
    return re.sub(r"\(in \w+\)", "", text).strip().splitlines()
