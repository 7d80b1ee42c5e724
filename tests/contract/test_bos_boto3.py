"""boto3 drives the S3 face of the BOS emulator, and the vendor's own client sees the same buckets and objects."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reconciler.emulators.faults import Fault
from tests.contract.bos_judged import judged, lab, referee, sdk
from tests.lab.bos import BosClient, Keys, Lab, rule

__all__ = ["judged", "lab", "referee", "sdk"]


def s3_error(status: int, call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    return str(caught.value.response["Error"]["Code"])


def test_boto3_sees_the_same_objects(lab: Lab, sdk: BosClient) -> None:
    s3 = lab.s3()
    s3.put_object(Bucket="src-bucket", Key="from/s3 ä", Body=b"one", Metadata={"colour": "blue"}, StorageClass="COLD")
    told = sdk.get_object_meta_data("src-bucket", "from/s3 ä").metadata
    assert (told.bce_meta_colour, told.bce_storage_class) == ("blue", "COLD")
    sdk.put_object_from_string("src-bucket", "from/bos", "two", user_metadata={"colour": "red"})
    head = s3.head_object(Bucket="src-bucket", Key="from/bos")
    assert (head["Metadata"], head["ContentLength"]) == ({"colour": "red"}, 3)
    assert s3.get_object(Bucket="src-bucket", Key="from/bos", Range="bytes=1-")["Body"].read() == b"wo"
    listed = s3.list_objects_v2(Bucket="src-bucket", Prefix="from/")["Contents"]
    assert [one["Key"] for one in listed] == ["from/bos", "from/s3 ä"]
    s3.copy_object(Bucket="src-bucket", Key="copy", CopySource={"Bucket": "src-bucket", "Key": "from/bos"})
    deleted = s3.delete_objects(Bucket="src-bucket", Delete={"Objects": [{"Key": "from/bos"}, {"Key": "from/s3 ä"}]})
    assert len(deleted["Deleted"]) == 2
    assert [one.key for one in sdk.list_objects("src-bucket").contents] == ["copy"]
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["dst-bucket", "src-bucket"]
    assert s3.get_bucket_location(Bucket="src-bucket")["LocationConstraint"] == "bj"


def test_what_boto3_writes_is_copied_by_rules(lab: Lab, sdk: BosClient) -> None:
    sdk.put_bucket_replication("src-bucket", rule())
    s3 = lab.s3()
    s3.put_object(Bucket="src-bucket", Key="a", Body=b"one")
    s3.upload_fileobj(io.BytesIO(b"b" * (9 << 20)), "src-bucket", "b")
    s3.copy_object(Bucket="src-bucket", Key="c", CopySource="src-bucket/a")
    lab.settle()
    assert lab.objects() == lab.objects("src-bucket")
    assert set(lab.objects()) == {"a", "b", "c"}
    s3.delete_object(Bucket="src-bucket", Key="a")
    s3.delete_objects(Bucket="src-bucket", Delete={"Objects": [{"Key": "b"}]})
    lab.settle()
    assert set(lab.objects()) == {"c"}


def test_buckets_by_boto3(lab: Lab, sdk: BosClient) -> None:
    s3 = lab.s3("gz")
    s3.create_bucket(Bucket="s3-bucket", CreateBucketConfiguration={"LocationConstraint": "gz"})
    assert sdk.get_bucket_location("s3-bucket") == "gz"
    s3.put_bucket_versioning(Bucket="s3-bucket", VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket="s3-bucket")["Status"] == "Enabled"
    s3.put_object(Bucket="s3-bucket", Key="a", Body=b"x")
    assert s3_error(409, s3.delete_bucket, Bucket="s3-bucket") == "BucketNotEmpty"
    for version in s3.list_object_versions(Bucket="s3-bucket")["Versions"]:
        s3.delete_object(Bucket="s3-bucket", Key="a", VersionId=version["VersionId"])
    s3.delete_bucket(Bucket="s3-bucket")
    sdk.put_bucket_replication("src-bucket", rule())
    assert s3_error(409, lab.s3().delete_bucket, Bucket="src-bucket") == "ReplicationStatusNotEmpty"


def test_what_the_s3_face_refuses(lab: Lab) -> None:
    s3 = lab.s3()
    assert s3_error(404, s3.list_objects_v2, Bucket="dst-bucket") == "NoSuchBucket"
    assert s3_error(403, lab.s3(keys=lab.other).list_objects_v2, Bucket="src-bucket") == "AccessDenied"
    wrong = lab.s3(keys=Keys(lab.owner.access_key, "wrong"))
    assert s3_error(403, wrong.list_objects_v2, Bucket="src-bucket") == "SignatureDoesNotMatch"
    assert s3_error(501, s3.get_bucket_replication, Bucket="src-bucket") == "NotImplemented"
    assert s3_error(404, s3.get_object, Bucket="src-bucket", Key="nothing") == "NoSuchKey"
    class_of_other = {"Bucket": "src-bucket", "Key": "k", "Body": b"", "StorageClass": "MAZ_STANDARD"}
    assert s3_error(400, s3.put_object, **class_of_other) == "InvalidStorageClass"


def test_pages_of_the_s3_face(lab: Lab) -> None:
    for number in range(5):
        lab.write(str(number))
    lab.faults.add(Fault(kind="short_page", page_size=2, times=None))
    pages = list(lab.s3().get_paginator("list_objects_v2").paginate(Bucket="src-bucket"))
    assert [len(page["Contents"]) for page in pages] == [2, 2, 1]
