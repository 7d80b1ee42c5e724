"""The examples do what they say: each is planned, applied, proved against emulators, and then nothing is left to do."""

import os
import re
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.lab.command import Ended, LabClient, repl
from tests.lab.world import RunningWorld, eventually, run_world

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
CANARIES = ".repl-canary"


@pytest.fixture(scope="module")
def systems() -> Iterator[RunningWorld]:
    """AWS, two zones of Ceph and a Qumulo cluster, all with the lab's data."""
    with run_world("--s3", "s3", "--s3", "ceph:rgw", "--qumulo", "nas-1", "--seed", "--with-parent") as running:
        running.switch("nas-1", job_seconds=0)
        yield running


@dataclass(frozen=True, slots=True)
class Example:
    """A copy of one example's folder, and how its README says it is pointed at the lab."""

    folder: Path
    variables: dict[str, str]
    environ: dict[str, str]
    systems: RunningWorld

    def run(self, command: str, *arguments: str) -> Ended:
        given = [part for name, value in self.variables.items() for part in ("--var", f"{name}={value}")]
        return repl(command, *arguments, *given, cwd=self.folder, env=self.environ)

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.folder / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))


@pytest.fixture
def example(request: pytest.FixtureRequest, systems: RunningWorld, tmp_path: Path) -> Example:
    """The example named by the test's parameter."""
    name = str(request.param)
    folder = tmp_path / name
    shutil.copytree(ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns(".repl"))
    s3, nas, ceph = systems.emulator("s3"), systems.emulator("nas-1"), systems.emulator("ceph")
    keys = ("AWS", "AWS_EU", "RGW")
    environ = {f"{key}_ACCESS_KEY_ID": s3["access_key"] for key in keys}
    environ |= {f"{key}_SECRET_ACCESS_KEY": s3["secret_key"] for key in keys}
    environ |= {
        "STORE_SOUTH_SECRET_KEY": s3["secret_key"], "NAS_1_TOKEN": nas["token"], "NAS_1_PASSWORD": nas["password"],
        "AWS_CA_BUNDLE": systems.ca,
    }  # fmt: skip
    cluster = {
        "nas": nas["host"], "nas_port": str(nas["port"]), "store": s3["https"], "store_key_id": s3["access_key"],
        "ca": systems.ca,
    }  # fmt: skip
    variables = {
        "s3-to-s3": {"eu_endpoint": s3["https"], "us_endpoint": s3["https"]},
        "qumulo-archive": cluster,
        "qumulo-restore": cluster,
        "ceph-zones": {zone: ceph["zones"][zone]["https"] for zone in ("z1", "z2")},
        "guarded": {"endpoint": s3["https"]},
    }[name]
    return Example(folder, variables, environ, systems)


@pytest.fixture(autouse=True)
def no_rules_left(systems: RunningWorld) -> Iterator[None]:
    """Examples share the lab's buckets and directories; each starts without rules and relationships."""
    yield
    for bucket in ("logs", "media"):
        systems.s3().delete_bucket_replication(Bucket=bucket)
    nas = systems.emulator("nas-1")
    trusted = ssl.create_default_context(cafile=systems.ca)
    bearer = {"Authorization": f"Bearer {nas['token']}"}
    with httpx.Client(base_url=nas["url"], headers=bearer, verify=trusted) as http:
        place = "/v3/replication/object-relationships/"
        for relationship in http.get(place).json():
            eventually(lambda one=relationship["id"]: http.delete(f"{place}{one}").status_code in (200, 404))


def configuration_writes(systems: RunningWorld, since: int) -> list[dict[str, Any]]:
    log = [entry for name in ("s3", "ceph", "nas-1") for entry in systems.requests(name, since)]
    return [entry for entry in log if entry["write"] and is_configuration(entry)]


def is_configuration(entry: dict[str, Any]) -> bool:
    return "replication" in str(entry.get("query", "")) or str(entry["path"]).startswith("/v3/replication/")


@pytest.mark.parametrize(
    "example", ["s3-to-s3", "qumulo-archive", "qumulo-restore", "ceph-zones", "guarded"], indirect=True
)
def test_example_is_applied_proved_and_then_empty(example: Example) -> None:
    planned = example.run("plan", "--out", "plan.json", "--output", "json")
    assert planned.code == 0, planned.text
    plan = planned.json
    assert plan["applyable"]
    mark = example.systems.last_request()
    applied = example.run("apply", "plan.json", "--no-verify")
    assert applied.code == 0, applied.text
    assert len(configuration_writes(example.systems, mark)) == plan["summary"]["calls"] > 0
    proved = example.run("verify", "--output", "json")
    assert proved.code == 0, proved.text
    assert {item["level"] for item in proved.json["verifications"]} == {"canary"}
    assert len(proved.json["verifications"]) == plan["summary"]["create"]
    again = example.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.text
    assert "No changes" in again.out
    assert example.run("drift").code == 0
    for secret in (example.environ["AWS_SECRET_ACCESS_KEY"], example.environ["NAS_1_TOKEN"]):
        assert secret not in planned.text + applied.text + proved.text + (example.folder / "plan.json").read_text()


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
    planned = lab.run("plan", "--out", "plan.json", env={**os.environ, "COLUMNS": "96", "NO_COLOR": "1"})
    assert planned.code == 4, planned.text
    assert without_what_varies(planned.out) == without_what_varies(shown)


def without_what_varies(text: str) -> list[str]:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "THEN", text)
    text = re.sub(r"Plan [0-9a-f]{12}", "Plan ID", text)
    return re.sub(r"\(in \w+\)", "", text).strip().splitlines()
