"""Two Alarik servers as a process, driven by boto3 and plain HTTP; and the document that says what they may say."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from botocore.exceptions import ClientError

from reconciler.emulators.alarik import build
from reconciler.emulators.alarik.call import BASE
from reconciler.emulators.alarik.instance import ROUTES
from reconciler.emulators.alarik.seed import BUCKETS, FOREIGN_PREFIX, FOREIGN_RULE, FOREIGN_TARGET
from reconciler.emulators.alarik.switches import AlarikSwitches
from reconciler.emulators.emulator import Options
from tests.lab.alarik import DOCUMENT, MASK, NEW
from tests.lab.world import RunningWorld, eventually, run_world

SOURCE = DOCUMENT.with_name("SOURCE.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pair() -> Iterator[RunningWorld]:
    with run_world("--alarik", "left", "--alarik", "right:eu-1", "--seed") as running:
        yield running


@contextmanager
def api(world: RunningWorld, name: str) -> Iterator[httpx.Client]:
    """A session of the described user."""
    described = world.emulator(name)
    with httpx.Client(base_url=f"{described['http']}/api/v1", timeout=10) as client:
        login = {"username": described["username"], "password": described["password"]}
        token = client.post("/users/login", json=login).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def state(world: RunningWorld, name: str) -> Any:
    return world.control("GET", "/state")["emulators"][name]["state"]


def connect(world: RunningWorld, source: str, bucket: str, destination: str, to: str, **rule: Any) -> str:
    """Add a target and a rule beside what is there; the id of the rule."""
    there = world.emulator(destination)
    with api(world, source) as client:
        at = f"/buckets/{bucket}/replication"
        new = {
            "id": NEW, "endpoint": there["https"], "targetBucket": to, "accessKeyId": there["access_key"],
            "secretAccessKey": there["secret_key"], "region": there["region"], "enabled": True,
        }  # fmt: skip
        targets = client.put(f"{at}/targets", json={"targets": [*client.get(f"{at}/targets").json()["targets"], new]})
        base = {"id": NEW, "replicateDeletes": True, "replicateExisting": True, "enabled": True}
        made = {**base, "targetId": targets.json()["targets"][-1]["id"], **rule}
        rules = client.put(f"{at}/rules", json={"rules": [*client.get(f"{at}/rules").json()["rules"], made]})
        assert rules.status_code == 200, rules.text
        return str(rules.json()["rules"][-1]["id"])


def names(world: RunningWorld, name: str, bucket: str) -> set[str]:
    return {one["Key"] for one in world.s3(name).list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_the_ready_line_tells_how_to_come_in(pair: RunningWorld) -> None:
    left, right = pair.emulator("left"), pair.emulator("right")
    assert (left["kind"], left["region"], right["region"]) == ("alarik", "us-east-1", "eu-1")
    for described in (left, right):
        users = [described, described["admin"], described["other"]]
        for key in ("access_key", "secret_key", "username", "password"):
            assert len({user[key] for user in users}) == 3
    assert left["access_key"] != right["access_key"]
    assert left["secret_key"] != right["secret_key"]


def test_a_seeded_server_has_buckets_and_a_rule_of_somebody_else(pair: RunningWorld) -> None:
    with api(pair, "left") as client:
        found = {one["name"]: one["versioningStatus"] for one in client.get("/buckets").json()["items"]}
        assert found == {name: "Enabled" if versioned else "Disabled" for name, versioned in BUCKETS.items()}
        target = client.get("/buckets/uploads/replication/targets").json()["targets"][0]
        rule = client.get("/buckets/uploads/replication/rules").json()["rules"][0]
    assert (target["id"], target["secretAccessKey"]) == (str(FOREIGN_TARGET).upper(), MASK)
    assert (rule["id"], rule["prefix"]) == (str(FOREIGN_RULE).upper(), FOREIGN_PREFIX)
    assert names(pair, "left", "legacy-copy") == set()
    pair.s3("left").put_object(Bucket="uploads", Key="legacy/new.csv", Body=b"1")
    eventually(lambda: names(pair, "left", "legacy-copy") == {"legacy/new.csv"})


def test_left_replicates_to_right_in_another_region(pair: RunningWorld) -> None:
    pair.reset()
    rule = connect(pair, "left", "uploads", "right", "uploads-copy", prefix="uploads/")
    existing = {key for key in names(pair, "left", "uploads") if key.startswith("uploads/")}
    assert names(pair, "right", "uploads-copy") == set()
    with api(pair, "left") as client:
        assert client.post(f"/buckets/uploads/replication/rules/{rule}/resync").status_code == 202
    eventually(lambda: names(pair, "right", "uploads-copy") == existing)
    client = pair.s3("left")
    client.put_object(Bucket="uploads", Key="uploads/new", Body=b"new", Metadata={"a": "b"})
    eventually(lambda: "uploads/new" in names(pair, "right", "uploads-copy"))
    assert pair.s3("right").head_object(Bucket="uploads-copy", Key="uploads/new")["Metadata"] == {"a": "b"}
    client.delete_object(Bucket="uploads", Key="uploads/new")
    eventually(lambda: names(pair, "right", "uploads-copy") == existing)
    operations = {row["operation"] for row in pair.requests("right") if row["agent"].startswith("Soto/")}
    assert operations == {"PutObject", "DeleteObject"}


def test_the_log_says_what_was_asked_and_whether_it_writes(pair: RunningWorld) -> None:
    since = pair.last_request()
    with api(pair, "left") as client:
        client.get("/buckets/uploads/replication/tasks")
        client.put("/buckets/unversioned/replication/targets", json={"targets": []})
    pair.s3("left").list_buckets()
    assert [(row["operation"], row["write"], row["status"]) for row in pair.requests("left", since)] == [
        ("login", False, 200),
        ("listReplicationTasks", False, 200),
        ("setReplicationTargets", True, 200),
        ("ListBuckets", False, 200),
    ]


def test_switches_are_set_all_or_none(pair: RunningWorld) -> None:
    for wrong in ({"mask": False, "unknown": 1}, {"duplicate_ids": "maybe"}, {"pace_s": -1}, {"region": ""}):
        answer = httpx.post(f"{pair.ready['control']}/emulators/left/switches", json=wrong, timeout=10)
        assert answer.status_code == 400
    assert state(pair, "left")["up"] is True
    assert pair.control("GET", "/emulators/left/switches") == AlarikSwitches().model_dump(mode="json")


def test_a_restart_keeps_rules_and_queue(pair: RunningWorld) -> None:
    pair.reset()
    pair.switch("right", worker="stopped")
    connect(pair, "right", "uploads", "left", "uploads-copy", prefix="restart/")
    pair.s3("right").put_object(Bucket="uploads", Key="restart/1", Body=b"x")
    pair.control("POST", "/emulators/right/actions/restart")
    queued = state(pair, "right")["buckets"]["uploads"]["outbox"]
    assert [task["key"] for task in queued] == ["restart/1"]
    pair.switch("right", worker="running")
    eventually(lambda: "restart/1" in names(pair, "left", "uploads-copy"))
    pair.reset()


def test_a_world_with_a_loop_in_it_can_be_stopped() -> None:
    with run_world("--alarik", "a", "--alarik", "b:eu-1") as world:
        for name in "ab":
            with api(world, name) as client:
                client.post("/buckets", json={"name": "loop", "versioningEnabled": True})
        connect(world, "a", "loop", "b", "loop")
        connect(world, "b", "loop", "a", "loop")
        world.s3("a").put_object(Bucket="loop", Key="k", Body=b"x")
        eventually(lambda: state(world, "b")["queue"]["delivered"] > 2)
        versions = world.s3("a").list_object_versions(Bucket="loop")["Versions"]
        assert len(versions) > 2
    assert world.process.returncode is not None


def test_a_wrong_region_is_seen_by_the_targets_own_keys(pair: RunningWorld) -> None:
    with pytest.raises(ClientError) as caught:
        pair.s3("right", region="us-east-1").get_bucket_location(Bucket="uploads")
    assert caught.value.response["Error"]["Code"] == "AuthorizationHeaderMalformed"
    assert "expecting 'eu-1'" in caught.value.response["Error"]["Message"]


def test_a_flavour_is_a_region() -> None:
    emulator = build(Options("a", "mars-1"))
    assert emulator.switches()["region"] == "mars-1"
    assert build(Options("a")).switches()["region"] == "us-east-1"


def test_the_secrets_of_a_world_are_in_no_process_output(tmp_path: Path) -> None:
    with run_world("--alarik", "a", "--dir", str(tmp_path)) as world:
        described = world.emulator("a")
        assert described["secret_key"] not in str(state(world, "a"))
        assert described["secret_key"] not in str(world.requests("a"))
        assert isinstance(world.process, subprocess.Popen)


# The document

CONTENT: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
OPERATIONS = [
    (path, method, item[method]) for path, item in CONTENT["paths"].items() for method in item if method != "parameters"
]


def test_the_emulator_has_exactly_the_documented_operations() -> None:
    documented = {(path, method.upper(), operation["operationId"]) for path, method, operation in OPERATIONS}
    assert {(BASE + route.path, route.method, route.name) for _, route in ROUTES} == documented


def test_everything_says_how_certain_it_is_and_where_that_is_from() -> None:
    told = [operation for _, _, operation in OPERATIONS] + list(CONTENT["components"]["schemas"].values())
    assert {one["x-certainty"] for one in told} == {"K", "I", "NF"}
    for name in {"K", "I", "NF"} | {source for one in told for source in one["x-source"]}:
        assert re.search(rf"^\| `{name}` \|", SOURCE, re.MULTILINE), name


def test_every_member_has_a_meaning() -> None:
    for name, schema in CONTENT["components"]["schemas"].items():
        for key, value in schema.get("properties", {}).items():
            assert value.keys() & {"description", "$ref", "enum"}, f"{name}.{key}"
            assert None not in value.values(), f"{name}.{key}"


def test_what_is_not_settled_has_a_switch() -> None:
    explained = set(re.findall(r"`([a-z_]+)` \|$", SOURCE, re.MULTILINE))
    assert explained
    assert explained <= set(AlarikSwitches.model_fields)
