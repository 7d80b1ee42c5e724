"""The S3 face: regions, who may touch what, and what is kept of an object."""

from typing import Any

import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from reconciler.emulators.faults import Fault
from tests.lab.alarik import Lab, Server


def refused(call: Any, **arguments: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def test_a_wrong_region_is_a_bad_request_that_names_the_right_one(here: Server, there: Server) -> None:
    assert refused(there.s3(region_name="us-east-1").list_buckets) == (
        400,
        "AuthorizationHeaderMalformed",
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-1'.",
    )
    presigning = Config(signature_version="s3v4")
    url = there.s3(region_name="us-east-1", config=presigning).generate_presigned_url("list_buckets")
    answer = httpx.get(url, timeout=10)
    assert answer.status_code == 400
    assert "<Code>AuthorizationQueryParametersError</Code>" in answer.text
    assert "the region 'us-east-1' is wrong; expecting 'eu-1'." in answer.text
    assert httpx.get(there.s3(config=presigning).generate_presigned_url("list_buckets"), timeout=10).status_code == 200


def test_key_then_region_then_signature(there: Server) -> None:
    wrong: dict[str, Any] = {"aws_access_key_id": "AKIANOBODY", "region_name": "mars", "aws_secret_access_key": "x"}
    status, code, message = refused(there.s3(**wrong).list_buckets)
    assert (status, code) == (403, "InvalidAccessKeyId")
    assert message == "The access key ID you provided does not exist in our records."
    del wrong["aws_access_key_id"]
    assert refused(there.s3(**wrong).list_buckets)[:2] == (400, "AuthorizationHeaderMalformed")
    del wrong["region_name"]
    assert refused(there.s3(**wrong).list_buckets)[:2] == (403, "SignatureDoesNotMatch")


def test_the_region_is_that_of_the_process(here: Server, there: Server) -> None:
    bucket, other = here.bucket(), there.bucket()
    assert here.s3().get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert there.s3().get_bucket_location(Bucket=other)["LocationConstraint"] == "eu-1"
    assert there.s3().head_bucket(Bucket=other)["BucketRegion"] == "eu-1"
    there.emulator.switch({"region": "mars-1"})
    assert there.s3().get_bucket_location(Bucket=other)["LocationConstraint"] == "mars-1"


def test_making_a_bucket_twice(lab: Lab, here: Server, there: Server) -> None:
    for server in (here, there):
        server.s3().create_bucket(Bucket="mine")
        assert [one["Name"] for one in server.s3().list_buckets()["Buckets"]] == ["mine"]
    here.s3().create_bucket(Bucket="mine")
    assert refused(there.s3().create_bucket, Bucket="mine")[:2] == (409, "BucketAlreadyOwnedByYou")
    guest = here.facts["other"]
    other = here.s3(aws_access_key_id=guest["access_key"], aws_secret_access_key=guest["secret_key"])
    assert refused(other.create_bucket, Bucket="mine")[:2] == (409, "BucketAlreadyExists")
    assert other.list_buckets()["Buckets"] == []
    assert refused(here.s3().create_bucket, Bucket="No")[:2] == (400, "InvalidBucketName")
    wrong = here.s3(aws_secret_access_key="x")
    assert refused(wrong.create_bucket, Bucket="new-one")[:2] == (403, "AccessDenied")
    assert refused(wrong.delete_bucket, Bucket="mine")[:2] == (403, "AccessDenied")


def test_buckets_of_others_and_buckets_that_are_not(here: Server) -> None:
    bucket, guest = here.bucket(), here.facts["other"]
    other = here.s3(aws_access_key_id=guest["access_key"], aws_secret_access_key=guest["secret_key"])
    denied = (403, "AccessDenied", "Access Denied")
    assert refused(other.list_objects_v2, Bucket=bucket) == denied
    assert refused(other.put_object, Bucket=bucket, Key="k", Body=b"") == denied
    assert refused(other.delete_bucket, Bucket=bucket) == denied
    # A write to a bucket that is not there is nobody's grant; a read is told so, even one that is not signed.
    assert refused(here.s3().put_object, Bucket="not-there", Key="k", Body=b"") == denied
    assert refused(here.s3().get_object, Bucket="not-there", Key="k")[:2] == (404, "NoSuchBucket")
    assert httpx.get(f"{here.facts['http']}/not-there", timeout=10).status_code == 404
    assert httpx.get(f"{here.facts['http']}/{bucket}", timeout=10).status_code == 403


def test_a_bucket_goes_when_it_is_empty(here: Server) -> None:
    bucket, client = here.bucket(), here.s3()
    version = client.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    assert refused(client.delete_bucket, Bucket=bucket)[:2] == (409, "BucketNotEmpty")
    client.delete_object(Bucket=bucket, Key="k", VersionId=version)
    client.delete_bucket(Bucket=bucket)
    assert refused(client.delete_bucket, Bucket=bucket)[:2] == (404, "NoSuchBucket")


def test_what_the_server_keeps_of_an_object(here: Server) -> None:
    bucket, client = here.bucket(versioned=False), here.s3()
    client.put_object(
        Bucket=bucket, Key="dir/é x", Body=b"body", Metadata={"Colour": "red"}, Tagging="a=b", ContentType="text/plain",
        CacheControl="no-cache", ContentEncoding="gzip", ContentDisposition="inline", StorageClass="GLACIER",
    )  # fmt: skip
    found = client.get_object(Bucket=bucket, Key="dir/é x")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"body", "text/plain", {"colour": "red"})
    assert not {"CacheControl", "ContentEncoding", "ContentDisposition", "StorageClass"} & found.keys()
    assert "ReplicationStatus" not in found
    assert client.get_object_tagging(Bucket=bucket, Key="dir/é x")["TagSet"] == [{"Key": "a", "Value": "b"}]
    client.put_object(Bucket=bucket, Key="plain", Body=b"")
    assert client.head_object(Bucket=bucket, Key="plain")["ContentType"] == "application/octet-stream"


def test_every_answer_has_an_id_and_errors_are_plain(lab: Lab, here: Server) -> None:
    answer = httpx.get(f"{here.facts['http']}/not-there", timeout=10)
    assert answer.headers["x-amz-request-id"] in answer.text
    assert answer.headers["x-amz-id-2"].startswith(answer.headers["x-amz-request-id"])
    assert answer.text.count("<") == 9


def test_versions_and_suspended_versions(here: Server) -> None:
    bucket, client = here.bucket(), here.s3()
    first = client.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"
    client.put_object(Bucket=bucket, Key="k", Body=b"22")
    assert client.head_object(Bucket=bucket, Key="k", VersionId=first)["ContentLength"] == 1
    client.delete_object(Bucket=bucket, Key="k")
    listed = client.list_object_versions(Bucket=bucket)
    assert [one["VersionId"] for one in listed["Versions"]] == [first]
    assert [one["VersionId"] for one in listed["DeleteMarkers"]] == ["null"]
    assert refused(client.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"MFADelete": "Disabled"})[
        :2
    ] == (400, "MalformedXML")


def test_what_the_server_does_not_hold(here: Server) -> None:
    assert refused(here.s3().get_bucket_accelerate_configuration, Bucket=here.bucket())[0] == 501


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_both_endpoints_are_one_server(here: Server, scheme: str) -> None:
    bucket = here.bucket()
    client = here.s3(scheme=scheme)
    client.put_object(Bucket=bucket, Key="k", Body=b"x" * 100_000)
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x" * 100_000


def test_a_signature_is_of_its_time(here: Server) -> None:
    here.emulator.switch({"clock_skew_s": 3600})
    assert refused(here.s3().list_buckets) == (403, "RequestTimeTooSkewed", "Request time skew exceeds 15 minutes")


def test_faults_speak_the_language_of_the_call(lab: Lab, here: Server) -> None:
    lab.faults.add(Fault(kind="status", status=503, operation="listBuckets", retry_after=2))
    lab.faults.add(Fault(kind="status", status=503, operation="ListBuckets"))
    answer = here.api.get("/api/v1/buckets")
    assert answer.json() == {"error": True, "reason": "Service Unavailable"}
    assert answer.headers["Retry-After"] == "2"
    assert refused(here.s3().list_buckets)[:2] == (503, "SlowDown")


def test_a_stale_read_is_of_lists_and_objects(lab: Lab, here: Server) -> None:
    bucket = here.bucket()
    for operation in ("getReplicationTargets", "ListObjectsV2"):
        lab.faults.add(Fault(kind="stale_read", operation=operation))
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    assert here.s3().list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert here.s3().list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    sent = {"id": "6f1c1b7e-8f55-5d0a-9c3e-0d7c1f2a3b4c", "endpoint": "http://a.b", "targetBucket": "b"}
    here.saved(bucket, "targets", {**sent, "accessKeyId": "a", "secretAccessKey": "s", "region": "", "enabled": True})
    assert here.get(bucket, "targets") == []
    assert len(here.get(bucket, "targets")) == 1


def test_short_pages(lab: Lab, here: Server) -> None:
    names = {here.bucket() for _ in range(5)}
    lab.faults.add(Fault(kind="short_page", operation="listBuckets", page_size=2, times=None))
    found: list[str] = []
    while len(found) < 5:
        page = here.api.get("/api/v1/buckets", params={"page": len(found) // 2 + 1, "per": 10}).json()
        assert 0 < len(page["items"]) <= page["metadata"]["per"] == 2
        found += [one["name"] for one in page["items"]]
    assert set(found) == names


def test_objects_come_in_pages(here: Server) -> None:
    bucket, client = here.bucket(versioned=False), here.s3()
    for number in range(30):
        client.put_object(Bucket=bucket, Key=f"k{number:03}", Body=b"")
    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7}))
    assert [len(page["Contents"]) for page in pages] == [7, 7, 7, 7, 2]
