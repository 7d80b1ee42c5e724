"""Everything around replication: keys, pages, faults and refusals, as boto3 and rclone see them."""

import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from reconciler.emulators.message import Request
from reconciler.emulators.s3.operations import SUPPORTED, _signatures, operation
from tests.lab.world import RunningWorld

ODD_KEYS = (
    "/lead", "dir/", "a//b", "a/./b", "a/../b", "%20", "%2F", "a b", "a+b", "new\nline", "tab\t", "é", "😀", "a&b<c>",
    "?q", "#h", ";p", "'\"", "\\", "~", "k" * 1024,
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_odd_keys_are_kept(world: RunningWorld, bucket: str, scheme: str) -> None:
    client = world.s3(scheme=scheme)
    for key in ODD_KEYS:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket)["Contents"]] == sorted(ODD_KEYS)
    for key in ODD_KEYS:
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
        assert client.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(key.encode())
        client.delete_object(Bucket=bucket, Key=key)
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_short_pages_make_more_of_them_and_lose_nothing(clean_world: RunningWorld, bucket: str) -> None:
    client = clean_world.s3()
    for key in ODD_KEYS:
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    clean_world.fault(kind="short_page", page_size=4, operation="ListObjectsV2", times=None)
    clean_world.fault(kind="short_page", page_size=3, operation="ListObjectVersions", times=None)
    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=bucket))
    assert max(len(page["Contents"]) for page in pages) == 4
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == sorted(ODD_KEYS)
    pages = list(client.get_paginator("list_object_versions").paginate(Bucket=bucket))
    assert [entry["Key"] for page in pages for entry in page["Versions"]] == sorted(ODD_KEYS)
    assert max(len(page["Versions"]) for page in pages) == 3


def test_a_page_is_never_longer_than_asked(clean_world: RunningWorld, bucket: str) -> None:
    client = clean_world.s3()
    for key in "abc":
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    clean_world.fault(kind="short_page", page_size=2)
    assert client.list_objects_v2(Bucket=bucket, MaxKeys=1)["KeyCount"] == 1


@pytest.mark.parametrize(("status", "code"), [(429, "TooManyRequests"), (500, "InternalError"), (503, "SlowDown")])
def test_a_status_fault_speaks_s3(clean_world: RunningWorld, bucket: str, status: int, code: str) -> None:
    clean_world.fault(kind="status", status=status, retry_after=1, operation="PutObject")
    with pytest.raises(ClientError) as caught:
        clean_world.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    assert clean_world.s3().list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(("kind", "committed"), [("drop_before", 0), ("drop_after", 1)])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dropped_write_may_have_happened(
    clean_world: RunningWorld, bucket: str, scheme: str, kind: str, committed: int
) -> None:
    client = clean_world.s3(scheme=scheme)
    clean_world.fault(kind=kind, method="PUT", path=f"^/{bucket}/k$")
    with pytest.raises(ConnectionClosedError):
        client.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == committed


def test_a_held_request_times_out_at_the_client(clean_world: RunningWorld, bucket: str) -> None:
    clean_world.fault(kind="timeout", seconds=1.5, operation="GetBucketVersioning")
    with pytest.raises(ReadTimeoutError):
        clean_world.s3(read_timeout=0.2).get_bucket_versioning(Bucket=bucket)


def test_boto3_s_own_retries_see_the_fault_pass(clean_world: RunningWorld, bucket: str) -> None:
    client = clean_world.s3(retries={"mode": "standard", "total_max_attempts": 3})
    since = clean_world.last_request()
    clean_world.fault(kind="status", status=503, times=2, operation="GetBucketLocation")
    client.get_bucket_location(Bucket=bucket)
    assert [row["status"] for row in clean_world.requests("s3", since)] == [503, 503, 200]


def test_stale_listings_and_objects(clean_world: RunningWorld, bucket: str) -> None:
    client = clean_world.s3()
    client.put_object(Bucket=bucket, Key="k", Body=b"old", Metadata={"v": "1"})
    clean_world.fault(kind="stale_read", times=3)
    client.put_object(Bucket=bucket, Key="k", Body=b"new")
    stale = client.get_object(Bucket=bucket, Key="k")
    assert (stale["Body"].read(), stale["Metadata"]) == (b"old", {"v": "1"})
    client.put_object(Bucket=bucket, Key="l", Body=b"")
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 2


def test_a_conditional_put_wins_once(world: RunningWorld, bucket: str) -> None:
    client = world.s3()
    client.put_object(Bucket=bucket, Key="lock", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=bucket, Key="lock", Body=b"2", IfNoneMatch="*")
    assert client.get_object(Bucket=bucket, Key="lock")["Body"].read() == b"1"


def test_suspended_versioning_keeps_the_older_versions(world: RunningWorld, bucket: str) -> None:
    client = world.s3()

    def listed() -> list[tuple[str, bool]]:
        found = client.list_object_versions(Bucket=bucket)
        versions = [(one["VersionId"], False) for one in found.get("Versions", ())]
        return sorted(versions + [(one["VersionId"], True) for one in found.get("DeleteMarkers", ())])

    client.put_object(Bucket=bucket, Key="k", Body=b"before versioning")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = client.put_object(Bucket=bucket, Key="k", Body=b"first")["VersionId"]
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"second", b"third"):
        client.put_object(Bucket=bucket, Key="k", Body=body)
        assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == body
        assert listed() == sorted([(first, False), ("null", False)])
    assert client.head_object(Bucket=bucket, Key="k", VersionId=first)["ContentLength"] == len(b"first")
    assert client.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"first"
    client.delete_object(Bucket=bucket, Key="k")
    assert listed() == sorted([(first, False), ("null", True)])
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    client.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"
    client.delete_object(Bucket=bucket, Key="k", VersionId=first)
    assert listed() == []
    client.delete_bucket(Bucket=bucket)


def test_buckets_have_regions_and_head_tells(world: RunningWorld) -> None:
    client = world.s3(region="us-east-1")
    client.create_bucket(Bucket="virginia-bucket")
    head = client.head_bucket(Bucket="virginia-bucket")
    assert head["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"
    assert client.get_bucket_location(Bucket="virginia-bucket")["LocationConstraint"] is None


def test_a_wrong_region_is_refused_when_asked_for(clean_world: RunningWorld, bucket: str) -> None:
    other = clean_world.s3(region="us-east-1")
    other.get_bucket_versioning(Bucket=bucket)
    clean_world.switch("s3", region_check=True)
    since = clean_world.last_request()
    other.get_bucket_versioning(Bucket=bucket)  # boto3 reads the region in the refusal and asks again
    statuses = [row["status"] for row in clean_world.requests("s3", since)]
    assert statuses[0] == 400
    assert statuses[-1] == 200


def test_a_denied_operation(clean_world: RunningWorld, bucket: str) -> None:
    clean_world.switch("s3", denied_operations=["GetBucketReplication", "HeadBucket"])
    with pytest.raises(ClientError, match="AccessDenied"):
        clean_world.s3().get_bucket_replication(Bucket=bucket)
    with pytest.raises(ClientError, match="403"):
        clean_world.s3().head_bucket(Bucket=bucket)
    clean_world.s3().get_bucket_versioning(Bucket=bucket)


def test_what_is_not_held_is_not_something_else(world: RunningWorld, bucket: str) -> None:
    client = world.s3()
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    with pytest.raises(ClientError, match="NotImplemented"):
        client.put_bucket_metrics_configuration(Bucket=bucket, Id="m", MetricsConfiguration={"Id": "m"})
    answer = world.send("PUT", f"/{bucket}/k?torrent", b"x")
    assert answer.status_code in {200, 501}
    assert world.send("PATCH", f"/{bucket}/k").status_code == 501


@pytest.mark.parametrize(
    ("path", "body"),
    [("?versioning", b"<x/>"), ("?versioning", b"nonsense"), ("?delete", b"<Delete/>"), ("?tagging", b"nonsense")],
)
def test_a_malformed_document_is_said_to_be_so(world: RunningWorld, bucket: str, path: str, body: bytes) -> None:
    method = "POST" if path == "?delete" else "PUT"
    answer = world.send(method, f"/{bucket}{path}", body)
    assert answer.status_code == 400, answer.text


def test_the_bucket_may_be_in_the_host_name(world: RunningWorld, bucket: str) -> None:
    import httpx
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    world.s3().put_object(Bucket=bucket, Key="k", Body=b"virtual")
    described = world.emulator("s3")
    port = described["http"].rsplit(":", 1)[1]
    request = AWSRequest("GET", f"http://{bucket}.localhost:{port}/k")
    S3SigV4Auth(Credentials(described["access_key"], described["secret_key"]), "s3", "eu-west-1").add_auth(request)
    headers = {**dict(request.headers.items()), "Host": f"{bucket}.localhost:{port}"}
    assert httpx.get(f"{described['http']}/k", headers=headers).content == b"virtual"


def test_rclone_is_a_client_too(world: RunningWorld, bucket: str, tmp_path: Path) -> None:
    described = world.emulator("s3")
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("a b", "é", "deep/file", "plus+"):
        (tmp_path / "in" / name).write_bytes(name.encode() * 1000)
    remote = (
        f":s3,provider=Other,access_key_id={described['access_key']},secret_access_key='{described['secret_key']}',"
        f"endpoint='{described['https']}',region=eu-west-1:{bucket}/pre"
    )
    rclone = [str(Path(sysconfig.get_path("scripts"), "rclone")), "--config", "/dev/null", "--ca-cert", world.ca]
    for command in (["copy", str(tmp_path / "in"), remote], ["check", "--download", str(tmp_path / "in"), remote]):
        done = subprocess.run([*rclone, *command], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
    keys = [entry["Key"] for entry in world.s3().list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["pre/a b", "pre/deep/file", "pre/plus+", "pre/é"]


@pytest.mark.parametrize(
    ("method", "target", "headers", "name", "write"),
    [
        ("GET", "/", {}, "ListBuckets", False),
        ("PUT", "/b", {}, "CreateBucket", True),
        ("HEAD", "/b", {}, "HeadBucket", False),
        ("GET", "/b", {}, "ListObjects", False),
        ("GET", "/b?list-type=2&prefix=x", {}, "ListObjectsV2", False),
        ("GET", "/b?versions&encoding-type=url", {}, "ListObjectVersions", False),
        ("GET", "/b/?replication", {}, "GetBucketReplication", False),
        ("PUT", "/b?replication", {}, "PutBucketReplication", True),
        ("DELETE", "/b?replication", {}, "DeleteBucketReplication", True),
        ("POST", "/b?delete", {}, "DeleteObjects", True),
        ("GET", "/b/k", {}, "GetObject", False),
        ("GET", "/b/k?attributes", {}, "GetObjectAttributes", False),
        ("GET", "/b/k?uploadId=u", {}, "ListParts", False),
        ("PUT", "/b/k", {}, "PutObject", True),
        ("PUT", "/b/k", {"x-amz-copy-source": "b/l"}, "CopyObject", True),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {}, "UploadPart", True),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {"x-amz-copy-source": "b/l"}, "UploadPartCopy", True),
        ("POST", "/b/k?uploads", {}, "CreateMultipartUpload", True),
        ("POST", "/b/k?uploadId=u", {}, "CompleteMultipartUpload", True),
        ("DELETE", "/b/k?uploadId=u", {}, "AbortMultipartUpload", True),
        ("POST", "/b/k?select&select-type=2", {}, "SelectObjectContent", False),
        ("GET", "/b?inventory&id=i", {}, "GetBucketInventoryConfiguration", False),
        ("GET", "/b?inventory", {}, "ListBucketInventoryConfigurations", False),
        ("PATCH", "/b/k", {}, None, True),
        ("OPTIONS", "/b/k", {}, None, False),
    ],
)
def test_operations_are_known_by_aws_s_own_model(
    method: str, target: str, headers: dict[str, str], name: str | None, write: bool
) -> None:
    path, _, query = target.partition("?")
    found = operation(Request(method, path, query, tuple(headers.items()), b""))
    assert (found.name, found.write) == (name, write)


def test_every_supported_operation_is_in_the_model() -> None:
    known: set[Any] = {signature.name for group in _signatures().values() for signature in group}
    assert known >= SUPPORTED
