"""What really arrives elsewhere, what does not, and how the queue tells why."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reconciler.emulators.alarik.courier import PART
from reconciler.emulators.certificate import issue
from reconciler.emulators.faults import Fault
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.server import Server as HttpServer
from tests.lab.alarik import Lab, Server, eventually, rule, target


@pytest.fixture
def bucket(here: Server) -> str:
    return here.bucket()


@pytest.fixture
def copy(there: Server) -> str:
    """Where it goes."""
    return there.bucket()


def names(server: Server, bucket: str) -> list[str]:
    return [one["Key"] for one in server.s3().list_objects_v2(Bucket=bucket).get("Contents", [])]


def arrived(server: Server, bucket: str, key: str) -> Any:
    """The object, once it is there."""

    def look() -> Any:
        try:
            return server.s3().get_object(Bucket=bucket, Key=key)
        except ClientError:
            return None

    return eventually(look)


def asked(lab: Lab, server: Server, since: int = 0) -> list[str]:
    """Writes of the other server, in order."""
    rows: Any = lab.log.since(since, server.emulator.name)["requests"]
    return [row["operation"] for row in rows if row["agent"].startswith("Soto/") and row["write"]]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_bytes_type_metadata_and_tags_arrive(here: Server, there: Server, bucket: str, copy: str, scheme: str) -> None:
    here.replicate(bucket, there, copy, target={"endpoint": there.facts[scheme]})
    for key in ("a/é x+y", "/lead", "a//b", "%2F", "dir/"):
        here.s3().put_object(
            Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/x", Metadata={"Colour": "red"},
            Tagging="a=b%2Fc&d=e",
        )  # fmt: skip
        found = arrived(there, copy, key)
        assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
            key.encode(),
            "text/x",
            {"colour": "red"},
        )
        tags = there.s3().get_object_tagging(Bucket=copy, Key=key)["TagSet"]
        assert sorted((one["Key"], one["Value"]) for one in tags) == [("a", "b/c"), ("d", "e")]


def test_large_objects_go_in_parts_and_small_uploads_in_one(
    lab: Lab, here: Server, there: Server, bucket: str, copy: str
) -> None:
    here.replicate(bucket, there, copy)
    client = here.s3()
    edge = client.put_object(Bucket=bucket, Key="edge", Body=b"x" * PART)["ETag"]
    over = client.put_object(Bucket=bucket, Key="over", Body=b"x" * (PART + 1))["ETag"]
    upload = client.create_multipart_upload(Bucket=bucket, Key="parts", Metadata={"a": "b"})["UploadId"]
    part = client.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"small")["ETag"]
    assembled = client.complete_multipart_upload(
        Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"ETag": part, "PartNumber": 1}]}
    )["ETag"]
    assert arrived(there, copy, "edge")["ETag"] == edge
    found = arrived(there, copy, "over")
    assert found["Body"].read() == b"x" * (PART + 1)
    assert found["ETag"] != over
    assert found["ETag"].endswith('-2"')
    found = arrived(there, copy, "parts")
    assert (found["ETag"], found["Metadata"]) == (part, {"a": "b"})
    assert assembled.endswith('-1"')
    eventually(there.quiet)
    assert sorted(set(asked(lab, there))) == [
        "CompleteMultipartUpload", "CreateMultipartUpload", "PutObject", "UploadPart",
    ]  # fmt: skip


def test_copies_and_uploads_of_the_console_are_writes_too(here: Server, there: Server, bucket: str, copy: str) -> None:
    here.replicate(bucket, there, copy, replicateDeletes=True)
    here.s3().put_object(Bucket=bucket, Key="one", Body=b"1")
    here.s3().copy_object(Bucket=bucket, Key="two", CopySource={"Bucket": bucket, "Key": "one"})
    answer = here.api.post(
        "/api/v1/objects", params={"bucket": bucket, "prefix": "up/"}, files={"file": ("three.txt", b"3", "text/plain")}
    )
    assert (answer.status_code, answer.json()["key"], answer.json()["contentType"]) == (
        200,
        "up/three.txt",
        "text/plain",
    )
    assert arrived(there, copy, "two")["Body"].read() == b"1"
    found = arrived(there, copy, "up/three.txt")
    assert (found["Body"].read(), found["ContentType"]) == (b"3", "text/plain")
    for key in ("two", "up/"):
        gone = here.api.delete("/api/v1/objects", params={"bucket": bucket, "key": key})
        assert gone.status_code == 204
    eventually(lambda: names(there, copy) == ["one"])


def test_deletes_only_where_asked_for_and_never_of_a_version(
    lab: Lab, here: Server, there: Server, bucket: str, copy: str
) -> None:
    kept = there.bucket()
    both = here.saved(bucket, "targets", target(there, copy), target(there, kept))
    here.saved(bucket, "rules", rule(both[0]["id"], replicateDeletes=True), rule(both[1]["id"]))
    client = here.s3()
    first = client.put_object(Bucket=bucket, Key="a", Body=b"1")["VersionId"]
    for key in "abc":
        client.put_object(Bucket=bucket, Key=key, Body=b"2")
    eventually(lambda: names(there, copy) == names(there, kept) == ["a", "b", "c"])
    eventually(here.quiet)
    client.delete_object(Bucket=bucket, Key="a", VersionId=first)
    client.put_object_tagging(Bucket=bucket, Key="b", Tagging={"TagSet": [{"Key": "x", "Value": "y"}]})
    assert here.quiet()
    client.delete_object(Bucket=bucket, Key="a")
    client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}, {"Key": "c"}]})
    eventually(lambda: names(there, copy) == [])
    eventually(here.quiet)
    assert names(there, kept) == ["a", "b", "c"]
    assert there.s3().get_object_tagging(Bucket=kept, Key="b")["TagSet"] == []
    assert len(there.s3().list_object_versions(Bucket=copy)["DeleteMarkers"]) == 3


def test_the_target_need_not_have_versions(here: Server, there: Server, bucket: str) -> None:
    plain = there.bucket(versioned=False)
    here.replicate(bucket, there, plain, replicateDeletes=True)
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    arrived(there, plain, "k")
    here.s3().delete_object(Bucket=bucket, Key="k")
    eventually(lambda: names(there, plain) == [])


def test_prefixes_disabled_rules_and_disabled_targets(here: Server, there: Server, bucket: str, copy: str) -> None:
    on, off = here.saved(bucket, "targets", target(there, copy), target(there, copy, enabled=False))
    rules = [rule(on["id"], prefix="a/"), rule(on["id"], prefix="b/", enabled=False), rule(off["id"], prefix="c/")]
    here.saved(bucket, "rules", *rules)
    for key in ("a/1", "b/1", "c/1", "d/1", "a/2"):
        here.s3().put_object(Bucket=bucket, Key=key, Body=b"x")
    eventually(lambda: names(there, copy) == ["a/1", "a/2"])
    eventually(here.quiet)
    assert names(there, copy) == ["a/1", "a/2"]


def test_two_rules_for_one_key_are_two_deliveries(here: Server, there: Server, bucket: str, copy: str) -> None:
    made = here.saved(bucket, "targets", target(there, copy))[0]
    here.saved(bucket, "rules", rule(made["id"]), rule(made["id"], prefix="k"))
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    eventually(lambda: here.queue()["delivered"] == 2)
    assert len(there.s3().list_object_versions(Bucket=copy)["Versions"]) == 2


def test_writes_while_versions_are_suspended_are_delivered(here: Server, there: Server, bucket: str, copy: str) -> None:
    here.replicate(bucket, there, copy)
    here.emulator.switch({"worker": "stopped"})
    here.s3().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    assert here.tasks(bucket)[0]["versionId"] == "null"
    here.emulator.switch({"worker": "running"})
    arrived(there, copy, "k")


def test_a_task_says_what_it_will_do(here: Server, there: Server, bucket: str, copy: str) -> None:
    here.emulator.switch({"worker": "stopped"})
    made = here.replicate(bucket, there, copy)
    version = here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    task = here.tasks(bucket)[0]
    assert task == {
        "id": task["id"],
        "ruleId": made["id"],
        "targetId": made["targetId"],
        "endpoint": there.facts["https"],
        "key": "k",
        "versionId": version,
        "operation": "put",
        "state": "pending",
        "attempts": 0,
        "nextAttemptAt": task["createdAt"],
        "createdAt": task["createdAt"],
    }
    assert len(task["createdAt"]) == len("2026-11-21T00:00:00Z")
    here.emulator.switch({"dates": "fractional"})
    assert "." in here.tasks(bucket)[0]["createdAt"]


WRONG = [
    ({"region": "us-east-1"}, "the region 'us-east-1' is wrong; expecting 'eu-1'."),
    ({"secretAccessKey": "wrong"}, "SignatureDoesNotMatch: "),
    ({"accessKeyId": "AKIANOBODY"}, "InvalidAccessKeyId: "),
    ({"targetBucket": "missing-bucket"}, "AccessDenied: Access Denied"),
    ({"endpoint": "http://127.0.0.1:9"}, "connection refused"),
    ({"region": ""}, "the region '' is wrong; expecting 'eu-1'."),
    ({"region": "no region"}, "HTTPClientError"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: next(iter(wrong[0])))
def test_a_wrong_target_is_saved_and_shows_only_in_the_queue(
    here: Server, there: Server, bucket: str, copy: str, wrong: tuple[dict[str, str], str]
) -> None:
    changes, text = wrong
    here.replicate(bucket, there, copy, target=changes)
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    task = eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"]])[0]
    assert (task["state"], task["attempts"]) == ("pending", 1)
    assert text in task["lastError"]
    assert names(there, copy) == []


def test_certificates_are_verified(here: Server, bucket: str, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    asked: list[Request] = []
    server = HttpServer(lambda request: asked.append(request) or Reply(200), tls=issue(stranger).server_context())  # type: ignore[func-returns-value]
    server.start()
    try:
        here.saved(bucket, "targets", target(here, "b", endpoint=server.url))
        here.saved(bucket, "rules", rule(here.get(bucket, "targets")[0]["id"]))
        here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
        task = eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"]])[0]
    finally:
        server.stop()
    assert "certificate" in task["lastError"]
    assert asked == []


def test_a_version_that_is_gone_cannot_be_delivered(here: Server, there: Server, bucket: str, copy: str) -> None:
    here.emulator.switch({"worker": "stopped"})
    here.replicate(bucket, there, copy)
    old = here.s3().put_object(Bucket=bucket, Key="k", Body=b"old")["VersionId"]
    kept = here.s3().put_object(Bucket=bucket, Key="l", Body=b"old")["VersionId"]
    here.s3().put_object(Bucket=bucket, Key="l", Body=b"new")
    here.s3().delete_object(Bucket=bucket, Key="k", VersionId=old)
    here.emulator.switch({"worker": "running"})
    task = eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"]])[0]
    assert (task["key"], task["lastError"]) == ("k", "Could not read the source object from disk")
    eventually(lambda: here.queue()["delivered"] == 2)
    versions = there.s3().list_object_versions(Bucket=copy)["Versions"]
    assert [one["Size"] for one in versions] == [3, 3]
    assert kept not in {one["VersionId"] for one in versions}


def test_an_upload_that_breaks_off_is_aborted(lab: Lab, here: Server, there: Server, bucket: str, copy: str) -> None:
    here.replicate(bucket, there, copy)
    lab.faults.add(Fault(kind="status", status=503, operation="UploadPart", emulator="there"))
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x" * (PART + 1))
    task = eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"]])[0]
    assert task["lastError"].startswith("SlowDown: ")
    assert "Uploads" not in there.s3().list_multipart_uploads(Bucket=copy)


def test_a_synchronous_rule_has_delivered_before_the_answer(
    here: Server, there: Server, bucket: str, copy: str
) -> None:
    here.replicate(bucket, there, copy, synchronous=True, replicateDeletes=True)
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    assert names(there, copy) == ["k"]
    here.s3().delete_object(Bucket=bucket, Key="k")
    assert names(there, copy) == []
    assert here.queue()["delivered"] == 2


def test_a_synchronous_rule_that_fails_goes_to_the_queue(here: Server, there: Server, bucket: str, copy: str) -> None:
    made = here.replicate(bucket, there, copy, synchronous=True)
    here.emulator.switch({"fail_next_deliveries": 1, "worker": "stopped"})
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    assert names(there, copy) == []
    assert [(one["ruleId"], one["attempts"]) for one in here.tasks(bucket)] == [(made["id"], 0)]
    here.emulator.switch({"worker": "running"})
    arrived(there, copy, "k")


def test_a_synchronous_rule_waits_only_so_long(lab: Lab, here: Server, there: Server, bucket: str, copy: str) -> None:
    here.replicate(bucket, there, copy, synchronous=True)
    here.emulator.switch({"synchronous_timeout_s": 0.2, "worker": "stopped"})
    lab.faults.add(Fault(kind="slow", seconds=1, emulator="there", operation="PutObject"))
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    assert len(here.tasks(bucket)) == 1


def test_synchronous_rules_in_a_loop_do_answer(here: Server, there: Server, bucket: str, copy: str) -> None:
    here.replicate(bucket, there, copy, synchronous=True)
    there.replicate(copy, here, bucket, synchronous=True)
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    assert names(there, copy) == ["k"]
    eventually(lambda: here.queue()["attempts"] > 3)


def test_a_synchronous_rule_may_lead_to_the_server_itself(here: Server, bucket: str) -> None:
    other = here.bucket()
    here.replicate(bucket, here, other, synchronous=True)
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    assert names(here, other) == ["k"]


def test_a_bucket_that_goes_takes_its_queue_along(here: Server, there: Server, bucket: str, copy: str) -> None:
    here.emulator.switch({"worker": "stopped"})
    here.replicate(bucket, there, copy)
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    assert here.api.delete(f"/api/v1/buckets/{bucket}").status_code == 204
    assert here.queue()["pending"] == 0
    assert here.api.get(f"/api/v1/buckets/{bucket}/replication/tasks").status_code == 404
    here.bucket(bucket)
    assert here.get(bucket, "targets") == []
