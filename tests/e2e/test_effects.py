"""Each effect is real: provoked on the emulator and seen to happen, and named by repl before."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.lab.command import LabClient
from tests.lab.forks import Forks
from tests.lab.world import RunningWorld, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture
def lab(forked_lab: LabClient) -> LabClient:
    """What commands leave on the systems counts here, not how they start."""
    return forked_lab


ONE = """\
apiVersion: repl/v1
kind: Replication
metadata: {name: %s}
spec:
  source: {provider: aws-eu, bucket: %s}
  destination: {provider: aws-us, bucket: %s}
  state: active
  deletes: %s
"""


def write(lab: LabClient, *flows: tuple[str, str, str, str]) -> None:
    (lab.folder / "replications.yaml").write_text("---\n".join(ONE % flow for flow in flows))


def apply(lab: LabClient, *arguments: str) -> None:
    ended = lab.run("apply", "--yes", "--no-verify", *arguments)
    assert ended.code == 0, ended.text


def keys(lab: LabClient, bucket: str) -> set[str]:
    return {item["Key"] for item in lab.s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def put(lab: LabClient, bucket: str, key: str) -> None:
    lab.s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def effects(lab: LabClient, *arguments: str) -> set[str]:
    plan = lab.run("plan", "--output", "json", *arguments).json
    return {effect["rule"] for effect in plan["effects"]}


def test_s3_no_retro(lab: LabClient) -> None:
    put(lab, "proj", "before")
    write(lab, ("one", "proj", "logs-dr", "keep"))
    assert "S3-NO-RETRO" in effects(lab)
    apply(lab)
    put(lab, "proj", "after")
    eventually(lambda: "after" in keys(lab, "logs-dr"))
    assert "before" not in keys(lab, "logs-dr")


def test_s3_dest_change(lab: LabClient) -> None:
    write(lab, ("one", "proj", "logs-dr", "keep"))
    apply(lab)
    put(lab, "proj", "first")
    eventually(lambda: "first" in keys(lab, "logs-dr"))
    write(lab, ("one", "proj", "media-dr", "keep"))
    assert "S3-DEST-CHANGE" in effects(lab)
    apply(lab)
    put(lab, "proj", "second")
    eventually(lambda: "second" in keys(lab, "media-dr"))
    assert "first" not in keys(lab, "media-dr")


def test_s3_delete_markers(lab: LabClient) -> None:
    rule = {"ID": "legacy", "Prefix": "", "Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::logs-dr"}}
    lab.put_rules("proj", [rule])
    for key in ("under-v1", "under-v2"):
        put(lab, "proj", key)
        eventually(lambda key=key: key in keys(lab, "logs-dr"))
    lab.s3.delete_object(Bucket="proj", Key="under-v1")
    eventually(lambda: "under-v1" not in keys(lab, "logs-dr"))
    write(lab, ("one", "proj", "logs-dr", "keep"))
    path = lab.folder / "replications.yaml"
    path.write_text(path.read_text() + "  s3: {id: legacy}\n")
    assert "S3-DELETE-MARKERS" in effects(lab)
    apply(lab)
    lab.s3.delete_object(Bucket="proj", Key="under-v2")
    time.sleep(1.0)
    assert "under-v2" in keys(lab, "logs-dr")


def test_s3_chain(lab: LabClient) -> None:
    write(lab, ("first", "proj", "logs-dr", "keep"), ("second", "logs-dr", "media-dr", "keep"))
    told = lab.run("validate").text
    assert "REPL-G003" in told
    assert "S3-CHAIN" in told
    apply(lab)
    put(lab, "proj", "one")
    eventually(lambda: "one" in keys(lab, "logs-dr"))
    time.sleep(1.0)
    assert "one" not in keys(lab, "media-dr")


def test_s3_versioning(lab: LabClient) -> None:
    write(lab, ("one", "proj", "logs-dr", "keep"))
    apply(lab)
    lab.s3.put_bucket_versioning(Bucket="logs-dr", VersioningConfiguration={"Status": "Suspended"})
    put(lab, "proj", "lost")
    eventually(lambda: lab.s3.head_object(Bucket="proj", Key="lost").get("ReplicationStatus") == "FAILED")
    assert "lost" not in keys(lab, "logs-dr")
    for command in ("plan", "drift"):
        told = lab.run(command).text
        assert "versioning" in told.lower(), command
    assert lab.run("plan").code != 0


def qumulo_act(lab: LabClient, action: str, **arguments: Any) -> None:
    lab.control("POST", f"/emulators/nas-1/actions/{action}", arguments)


def test_qumulo_one_shot(lab: LabClient) -> None:
    assert "QUMULO-ONE-SHOT" in effects(lab, "--select", "nas-archive")
    apply(lab, "--select", "nas-archive")
    eventually(lambda: "v1/README.txt" in keys(lab, "proj"))
    qumulo_act(lab, "write", path="/projects/late.txt", text="late")
    time.sleep(1.5)
    assert "v1/late.txt" not in keys(lab, "proj")
    assert lab.run("resync", "nas-archive", "--yes", "--no-verify").code == 0
    eventually(lambda: "v1/late.txt" in keys(lab, "proj"))


def jobs(lab: LabClient) -> list[dict[str, Any]]:
    return list(lab.control("GET", "/state")["emulators"]["nas-1"]["state"]["jobs"])


def transferred(job: dict[str, Any]) -> int:
    return int(job.get("files_transferred", job.get("counts", {}).get("files_transferred", -1)))


def test_qumulo_replace(lab: LabClient) -> None:
    apply(lab, "--select", "nas-restore")
    eventually(lambda: len(jobs(lab)) == 1)
    assert lab.run("resync", "nas-restore", "--yes", "--no-verify").code == 0
    eventually(lambda: len(jobs(lab)) == 2)
    lab.edit("replications.yaml", "path: /restore}", "path: /restore}\n  qumulo: {region: eu-west-2}")
    assert "QUMULO-REPLACE" in effects(lab, "--select", "nas-restore")
    assert lab.run("apply", "--yes", "--select", "nas-restore").code == 4
    apply(lab, "--select", "nas-restore", "--allow", "QUMULO-REPLACE@nas-restore")
    eventually(lambda: len(jobs(lab)) == 3)
    first, again, replaced = (transferred(job) for job in jobs(lab))
    assert (again, replaced) == (0, first)
    assert first > 0


def test_qumulo_read_only(lab: LabClient) -> None:
    assert "QUMULO-READ-ONLY" in effects(lab, "--select", "nas-restore")
    lab.switch("nas-1", job_seconds=30)
    apply(lab, "--select", "nas-restore")
    import httpx

    nas = lab.lab.world["emulators"]["nas-1"]
    with httpx.Client(
        base_url=nas["url"], verify=lab.context, headers={"Authorization": f"Bearer {nas['token']}"}
    ) as http:
        refused = http.post("/v1/files/%2Frestore/entries/", json={"name": "mine", "action": "CREATE_FILE"})
    assert refused.status_code in (400, 403, 409), refused.text


RGW = """\
apiVersion: repl/v1
kind: Provider
metadata: {name: z1}
spec: {s3: {flavour: rgw, endpoint: "%(z1)s", caFile: ca.pem, credentials: {accessKeyId: {env: KEY}, secretAccessKey: {env: SECRET}}}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: z2}
spec: {s3: {flavour: rgw, endpoint: "%(z2)s", caFile: ca.pem, credentials: {accessKeyId: {env: KEY}, secretAccessKey: {env: SECRET}}}}
---
apiVersion: repl/v1
kind: Replication
metadata: {name: one}
spec:
  source: {provider: z1, bucket: %(source)s}
  destination: {provider: z2, bucket: %(destination)s}
  state: active
"""  # noqa: E501


def create(client: Any, bucket: str) -> None:
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def ceph(world: RunningWorld, folder: Path, source: str, destination: str) -> dict[str, str]:
    """Write a workspace over the two zones; returns the environment for its secrets."""
    facts = world.emulator("ceph")
    for bucket in {source, destination}:
        create(world.s3("ceph", zone="z1"), bucket)  # and so in z2: zones share their buckets' names
    ends = {zone: facts["zones"][zone]["https"] for zone in ("z1", "z2")}
    (folder / "ca.pem").write_bytes(Path(world.ca).read_bytes())
    (folder / "all.yaml").write_text(RGW % (ends | {"source": source, "destination": destination}))
    return {"KEY": facts["access_key"], "SECRET": facts["secret_key"]}


def test_rgw_other_bucket(clean_world: RunningWorld, forks: Forks, tmp_path: Path) -> None:
    env = ceph(clean_world, tmp_path, "named-x", "named-y")
    refused = forks.run("apply", "--yes", "--no-verify", cwd=tmp_path, env=env)
    assert refused.code == 4, refused.text
    assert "RGW-OTHER-BUCKET" in refused.text
    allowed = forks.run("apply", "--yes", "--no-verify", "--allow", "RGW-OTHER-BUCKET", cwd=tmp_path, env=env)
    assert allowed.code == 0, allowed.text
    clean_world.s3("ceph", zone="z1").put_object(Bucket="named-x", Key="k", Body=b"x")
    other = clean_world.s3("ceph", zone="z2")
    eventually(lambda: other.list_objects_v2(Bucket="named-x").get("KeyCount"))
    assert not other.list_objects_v2(Bucket="named-y").get("KeyCount")


def test_rgw_dest_change(clean_world: RunningWorld, forks: Forks, tmp_path: Path) -> None:
    env = ceph(clean_world, tmp_path, "moved-a", "moved-b")
    allow = ("--allow", "RGW-OTHER-BUCKET")
    assert forks.run("apply", "--yes", "--no-verify", *allow, cwd=tmp_path, env=env).code == 0
    path = tmp_path / "all.yaml"
    path.write_text(path.read_text().replace("bucket: moved-b", "bucket: moved-a"))
    planned = forks.run("plan", "--output", "json", *allow, cwd=tmp_path, env=env).json
    assert "RGW-DEST-CHANGE" in {effect["rule"] for effect in planned["effects"]}
    calls = [step["operation"] for step in planned["containers"][0]["steps"]]
    assert calls == ["DeleteBucketReplication", "PutBucketReplication"]
    assert forks.run("apply", "--yes", "--no-verify", *allow, cwd=tmp_path, env=env).code == 0
    assert clean_world.s3("ceph", zone="z1").get_bucket_replication(Bucket="moved-a")["ReplicationConfiguration"][
        "Rules"
    ]
    assert forks.run("plan", "--detailed-exitcode", cwd=tmp_path, env=env).code == 0


def test_rgw_in_place_is_fatal_there(clean_world: RunningWorld) -> None:
    """What our plan avoids: the server is gone."""
    client = clean_world.s3("ceph", zone="z1")
    create(client, "fatal")
    rule = {"ID": "r", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"}}  # fmt: skip
    for bucket, dies in (("fatal", False), ("elsewhere", True)):
        rules = [rule | {"Destination": {"Bucket": f"arn:aws:s3:::{bucket}"}}]
        try:
            client.put_bucket_replication(Bucket="fatal", ReplicationConfiguration={"Role": "", "Rules": rules})
        except Exception:
            assert dies
        else:
            assert not dies
    clean_world.control("POST", "/emulators/ceph/actions/restart", {"zone": "z1"})
    assert client.list_buckets()["Buckets"]
