"""The worker that copies: what arrives, what does not, and what the status header says."""

import io
import os
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.lab.world import RunningWorld, eventually

ENABLED = {"Status": "Enabled"}
DISABLED = {"Status": "Disabled"}


class Flow:
    """Two buckets and what is configured between them."""

    def __init__(self, world: RunningWorld) -> None:
        self.world = world
        self.client = world.s3()
        self.role = world.emulator("s3")["role"]
        self.source, self.destination = self.bucket(), self.bucket()

    def bucket(self) -> str:
        name = f"w-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration=ENABLED)
        return name

    def rule(self, number: int = 1, destination: str | None = None, **changes: Any) -> dict[str, Any]:
        extra = changes.pop("to", {})
        return {
            "ID": f"rule-{number}",
            "Priority": number,
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "DeleteMarkerReplication": DISABLED,
            "Destination": {"Bucket": f"arn:aws:s3:::{destination or self.destination}", **extra},
            **changes,
        }

    def configure(self, *rules: dict[str, Any], source: str | None = None) -> None:
        self.client.put_bucket_replication(
            Bucket=source or self.source, ReplicationConfiguration={"Role": self.role, "Rules": list(rules)}
        )

    def put(self, key: str, body: bytes = b"x", bucket: str | None = None, **extra: Any) -> str:
        return str(self.client.put_object(Bucket=bucket or self.source, Key=key, Body=body, **extra)["VersionId"])

    def head(self, bucket: str, key: str, **extra: Any) -> Any:
        try:
            return self.client.head_object(Bucket=bucket, Key=key, **extra)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def status(self, key: str, bucket: str | None = None) -> str | None:
        found = self.head(bucket or self.source, key)
        return found.get("ReplicationStatus") if found else None

    def settled(self, key: str) -> str:
        return str(eventually(lambda: (status := self.status(key)) != "PENDING" and status))

    def keys(self, bucket: str) -> list[str]:
        return [entry["Key"] for entry in self.client.list_objects_v2(Bucket=bucket).get("Contents", ())]

    def failures(self) -> list[dict[str, Any]]:
        state = self.world.control("GET", "/state")["emulators"]["s3"]["state"]["replication"]
        return [failure for failure in state["failures"] if failure["bucket"] == self.source]

    def quiet(self) -> bool:
        return bool(self.world.control("GET", "/state")["emulators"]["s3"]["state"]["replication"]["queued"] == 0)


@pytest.fixture
def flow(clean_world: RunningWorld) -> Flow:
    clean_world.switch("s3", replication_lag_s=0)
    return Flow(clean_world)


def test_a_replica_is_the_same_object(flow: Flow) -> None:
    flow.configure(flow.rule())
    version = flow.put(
        "a b/é\n", b"bytes", Metadata={"team": "x", "a_b": "y"}, ContentType="text/x", Tagging="k=v", CacheControl="no"
    )
    assert flow.settled("a b/é\n") == "COMPLETED"
    found = flow.client.get_object(Bucket=flow.destination, Key="a b/é\n", ChecksumMode="ENABLED")
    original = flow.client.get_object(Bucket=flow.source, Key="a b/é\n", ChecksumMode="ENABLED")
    assert found["Body"].read() == b"bytes"
    assert found["VersionId"] == version
    assert found["ReplicationStatus"] == "REPLICA"
    assert found["StorageClass" if "StorageClass" in found else "ETag"] is not None
    for name in ("Metadata", "ContentType", "CacheControl", "ETag", "LastModified", "ChecksumCRC32", "TagCount"):
        assert found[name] == original[name], name
    tags = flow.client.get_object_tagging(Bucket=flow.destination, Key="a b/é\n")["TagSet"]
    assert tags == [{"Key": "k", "Value": "v"}]


def test_every_way_of_writing_is_seen(flow: Flow) -> None:
    flow.configure(flow.rule())
    part = os.urandom(5 * 1024 * 1024)
    flow.client.upload_fileobj(io.BytesIO(part * 2), flow.source, "multipart")
    flow.put("plain")
    flow.client.copy_object(Bucket=flow.source, Key="copy", CopySource={"Bucket": flow.source, "Key": "plain"})
    for key in ("multipart", "plain", "copy"):
        assert flow.settled(key) == "COMPLETED"
        assert flow.head(flow.destination, key)["ETag"] == flow.head(flow.source, key)["ETag"]
    assert flow.head(flow.destination, "multipart")["ETag"].endswith('-2"')
    body = flow.client.get_object(Bucket=flow.destination, Key="multipart")["Body"]
    assert body.read() == part * 2


def test_each_version_is_copied(flow: Flow) -> None:
    flow.configure(flow.rule())
    versions = [flow.put("k", body) for body in (b"1", b"2", b"3")]
    assert flow.settled("k") == "COMPLETED"
    assert eventually(flow.quiet)
    for version, body in zip(versions, (b"1", b"2", b"3"), strict=True):
        found = flow.client.get_object(Bucket=flow.destination, Key="k", VersionId=version)
        assert found["Body"].read() == body
    assert flow.client.get_object(Bucket=flow.destination, Key="k")["Body"].read() == b"3"


def test_pending_until_the_lag_has_passed_on_the_emulated_clock(flow: Flow) -> None:
    flow.world.switch("s3", replication_lag_s=900)
    flow.configure(flow.rule())
    flow.world.control("POST", "/clock", {"freeze": True})
    flow.put("k")
    flow.world.control("POST", "/clock", {"advance": 899})
    assert flow.status("k") == "PENDING"
    assert flow.head(flow.destination, "k") is None
    flow.world.control("POST", "/clock", {"advance": 1})
    assert flow.settled("k") == "COMPLETED"
    assert flow.head(flow.destination, "k") is not None


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        ({"Prefix": "a/"}, {"a/1", "a/tagged"}),
        ({"Tag": {"Key": "k", "Value": "v"}}, {"a/tagged", "b/tagged"}),
        ({"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}]}}, {"a/tagged"}),
        ({"And": {"Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}]}}, {"b/tagged"}),
        ({"Prefix": ""}, {"a/1", "a/tagged", "b/1", "b/tagged"}),
        ({}, {"a/1", "a/tagged", "b/1", "b/tagged"}),
    ],
)
def test_only_what_a_filter_selects(flow: Flow, selection: dict[str, Any], selected: set[str]) -> None:
    flow.configure(flow.rule(Filter=selection))
    flow.put("a/1")
    flow.put("a/tagged", Tagging="k=v")
    flow.put("b/1", Tagging="k=other")
    flow.put("b/tagged", Tagging="k=v&l=w")
    assert eventually(flow.quiet)
    assert eventually(lambda: set(flow.keys(flow.destination)) == selected)
    for key in ("a/1", "a/tagged", "b/1", "b/tagged"):
        assert flow.status(key) == ("COMPLETED" if key in selected else None)


def test_of_rules_to_one_destination_the_highest_priority_counts(flow: Flow) -> None:
    flow.configure(
        flow.rule(1, to={"StorageClass": "ONEZONE_IA"}),
        flow.rule(5, Filter={"Prefix": "a/"}, to={"StorageClass": "STANDARD_IA"}),
        flow.rule(9, Status="Disabled", to={"StorageClass": "GLACIER_IR"}),
    )
    for key in ("a/1", "b/1"):
        flow.put(key)
        assert flow.settled(key) == "COMPLETED"
    assert flow.head(flow.destination, "a/1")["StorageClass"] == "STANDARD_IA"
    assert flow.head(flow.destination, "b/1")["StorageClass"] == "ONEZONE_IA"


def test_without_a_storage_class_the_source_s_is_kept(flow: Flow) -> None:
    flow.configure(flow.rule())
    flow.put("k", StorageClass="STANDARD_IA")
    assert flow.settled("k") == "COMPLETED"
    assert flow.head(flow.destination, "k")["StorageClass"] == "STANDARD_IA"


def test_several_destinations_are_completed_only_together(flow: Flow) -> None:
    other = flow.bucket()
    flow.configure(flow.rule(1), flow.rule(2, other))
    flow.put("k")
    assert flow.settled("k") == "COMPLETED"
    assert flow.head(other, "k")["ReplicationStatus"] == "REPLICA"
    flow.client.put_bucket_versioning(Bucket=other, VersioningConfiguration={"Status": "Suspended"})
    flow.put("l")
    assert flow.settled("l") == "FAILED"
    assert eventually(lambda: flow.head(flow.destination, "l"))
    assert flow.head(other, "l") is None


def test_what_was_there_before_is_not_copied(flow: Flow) -> None:
    flow.put("old")
    flow.configure(flow.rule())
    flow.put("new")
    assert flow.settled("new") == "COMPLETED"
    assert eventually(flow.quiet)
    assert flow.keys(flow.destination) == ["new"]
    assert flow.status("old") is None


def test_replicas_are_not_replicated_onward(flow: Flow) -> None:
    third = flow.bucket()
    flow.configure(flow.rule())
    flow.configure(flow.rule(1, third), source=flow.destination)
    flow.put("k")
    assert flow.settled("k") == "COMPLETED"
    flow.put("direct", bucket=flow.destination)
    assert eventually(lambda: flow.keys(third) == ["direct"])
    assert eventually(flow.quiet)
    assert flow.keys(third) == ["direct"]
    assert flow.status("k", flow.destination) == "REPLICA"


def test_two_buckets_may_replicate_to_each_other_without_a_loop(flow: Flow) -> None:
    flow.configure(flow.rule())
    flow.configure(flow.rule(1, flow.source), source=flow.destination)
    flow.put("k", b"1")
    assert flow.settled("k") == "COMPLETED"
    assert eventually(flow.quiet)
    for bucket in (flow.source, flow.destination):
        assert len(flow.client.list_object_versions(Bucket=bucket)["Versions"]) == 1


def test_a_changed_destination_is_not_sent_what_went_to_the_old_one(flow: Flow) -> None:
    flow.configure(flow.rule())
    flow.put("before")
    assert flow.settled("before") == "COMPLETED"
    new = flow.bucket()
    flow.configure(flow.rule(1, new))
    flow.put("after")
    assert flow.settled("after") == "COMPLETED"
    assert flow.keys(flow.destination) == ["before"]
    assert flow.keys(new) == ["after"]


def _marked(flow: Flow, bucket: str, key: str) -> list[str]:
    markers = flow.client.list_object_versions(Bucket=bucket).get("DeleteMarkers", ())
    return [marker["VersionId"] for marker in markers if marker["Key"] == key]


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(("setting", "carried"), [(ENABLED, True), (DISABLED, False)])
def test_delete_markers_are_carried_over_if_the_rule_says_so(
    flow: Flow, setting: dict[str, str], carried: bool, many: bool
) -> None:
    flow.configure(flow.rule(DeleteMarkerReplication=setting))
    flow.put("k")
    assert flow.settled("k") == "COMPLETED"
    if many:
        flow.client.delete_objects(Bucket=flow.source, Delete={"Objects": [{"Key": "k"}]})
    else:
        flow.client.delete_object(Bucket=flow.source, Key="k")
    assert eventually(flow.quiet)
    if carried:
        assert eventually(lambda: _marked(flow, flow.destination, "k")) == _marked(flow, flow.source, "k")
    assert (flow.head(flow.destination, "k") is None) is carried


def test_v1_always_carries_delete_markers_and_v2_after_migration_does_not(flow: Flow) -> None:
    rule = flow.rule(Prefix="")
    for field in ("Filter", "Priority", "DeleteMarkerReplication"):
        del rule[field]
    flow.configure(rule)
    for key in ("a", "b"):
        flow.put(key)
        assert flow.settled(key) == "COMPLETED"
    flow.client.delete_object(Bucket=flow.source, Key="a")
    assert eventually(lambda: flow.head(flow.destination, "a") is None)
    flow.world.switch("s3", echo_v1=True)
    flow.client.delete_object(Bucket=flow.source, Key="b")
    assert eventually(flow.quiet)
    assert flow.head(flow.destination, "b") is not None


def test_a_version_deleted_for_good_stays_at_the_destination(flow: Flow) -> None:
    flow.configure(flow.rule(DeleteMarkerReplication=ENABLED))
    version = flow.put("k")
    assert flow.settled("k") == "COMPLETED"
    flow.client.delete_object(Bucket=flow.source, Key="k", VersionId=version)
    assert eventually(flow.quiet)
    assert flow.keys(flow.source) == []
    assert flow.head(flow.destination, "k", VersionId=version) is not None


def test_a_version_gone_before_its_turn_is_dropped(flow: Flow) -> None:
    flow.world.switch("s3", worker="stopped")
    flow.configure(flow.rule())
    version = flow.put("k")
    flow.client.delete_object(Bucket=flow.source, Key="k", VersionId=version)
    flow.world.switch("s3", worker="running")
    assert eventually(flow.quiet)
    assert flow.keys(flow.destination) == []


def test_tags_set_later_are_carried_over(flow: Flow) -> None:
    flow.put("old")
    flow.configure(flow.rule())
    flow.put("k", Tagging="k=v")
    assert flow.settled("k") == "COMPLETED"

    def tags(bucket: str, key: str) -> list[dict[str, str]]:
        return list(flow.client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"])

    for key in ("k", "old"):
        flow.client.put_object_tagging(Bucket=flow.source, Key=key, Tagging={"TagSet": [{"Key": "n", "Value": "w"}]})
    assert eventually(lambda: tags(flow.destination, "k") == [{"Key": "n", "Value": "w"}])
    flow.client.delete_object_tagging(Bucket=flow.source, Key="k")
    assert eventually(lambda: tags(flow.destination, "k") == [])
    assert flow.head(flow.destination, "old") is None


def _deny(flow: Flow) -> None:
    flow.world.switch("s3", role_denied=True)


def _suspend(flow: Flow) -> None:
    flow.client.put_bucket_versioning(Bucket=flow.destination, VersioningConfiguration={"Status": "Suspended"})


def _remove(flow: Flow) -> None:
    flow.client.delete_bucket(Bucket=flow.destination)


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [(_deny, "AssumeRoleNotPermitted"), (_suspend, "DstBucketUnversioned"), (_remove, "DstBucketNotFound")],
)
def test_what_cannot_be_copied_has_failed_and_is_not_tried_again(
    flow: Flow, break_it: Callable[[Flow], None], reason: str
) -> None:
    flow.configure(flow.rule())
    break_it(flow)
    flow.put("k")
    assert flow.settled("k") == "FAILED"
    assert [(failure["key"], failure["reason"]) for failure in flow.failures()] == [("k", reason)]
    flow.world.switch("s3", role_denied=False)
    flow.put("l")
    assert flow.settled("l") == ("COMPLETED" if break_it is _deny else "FAILED")
    assert flow.status("k") == "FAILED"


def test_a_stopped_worker_leaves_everything_pending(flow: Flow) -> None:
    flow.configure(flow.rule())
    flow.world.switch("s3", worker="stopped")
    flow.put("k")
    assert not flow.quiet()
    assert flow.status("k") == "PENDING"
    assert flow.head(flow.destination, "k") is None
    flow.world.switch("s3", worker="running")
    assert flow.settled("k") == "COMPLETED"


@pytest.mark.parametrize("away", ["delete", "disable", "redirect"])
def test_a_rule_taken_away_no_longer_copies_what_waits(flow: Flow, away: str) -> None:
    flow.configure(flow.rule())
    flow.world.switch("s3", worker="stopped")
    flow.put("k")
    if away == "delete":
        flow.client.delete_bucket_replication(Bucket=flow.source)
    else:
        changes = {"Status": "Disabled"} if away == "disable" else {"destination": flow.bucket()}
        flow.configure(flow.rule(1, **changes))
    flow.world.switch("s3", worker="running")
    assert eventually(flow.quiet)
    assert flow.keys(flow.destination) == []


def test_objects_under_kms_need_the_rule_s_consent(flow: Flow) -> None:
    key = "arn:aws:kms:us-east-1:111122223333:key/replica"
    flow.configure(flow.rule())
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:eu-west-1:111122223333:key/mine"}
    flow.put("skipped", **encrypted)
    assert flow.status("skipped") is None
    flow.configure(
        flow.rule(
            SourceSelectionCriteria={"SseKmsEncryptedObjects": ENABLED},
            to={"EncryptionConfiguration": {"ReplicaKmsKeyID": key}},
        )
    )
    flow.put("taken", **encrypted)
    assert flow.settled("taken") == "COMPLETED"
    assert flow.head(flow.destination, "taken")["SSEKMSKeyId"] == key
    assert flow.head(flow.destination, "skipped") is None


def test_copies_by_the_worker_are_no_requests(flow: Flow) -> None:
    flow.configure(flow.rule())
    since = flow.world.last_request()
    flow.put("k")
    assert flow.settled("k") == "COMPLETED"
    writes = [row for row in flow.world.requests("s3", since) if row["write"]]
    assert [(row["operation"], row["path"]) for row in writes] == [("PutObject", f"/{flow.source}/k")]
