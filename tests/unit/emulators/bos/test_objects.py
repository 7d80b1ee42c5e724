"""Buckets and objects over BOS' own face, where the vendor's SDK does not go."""

from typing import Any

import pytest

from reconciler.emulators.bos.refusal import Refusal
from reconciler.emulators.bos.service import check_key
from tests.lab.bos import Lab
from tests.unit.emulators.bos.answers import refused


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (None, "/src-bucket/dir/k"),
        (None, "/v1/src-bucket/dir/k"),
        ("src-bucket.bj.bcebos.com", "/dir/k"),
        ("src-bucket.localhost:9000", "/dir/k"),
        ("bj.bcebos.com", "/src-bucket/dir/k"),
    ],
)
def test_where_a_bucket_may_stand(lab: Lab, host: str | None, path: str) -> None:
    lab.write("dir/k", "hello")
    assert lab.ask("GET", path, host=host).text == "hello"


def test_a_replication_call_in_every_style(lab: Lab) -> None:
    params = {"replication": "", "list": ""}
    for host, path in ((None, "/v1/src-bucket"), (None, "/v1/src-bucket/"), ("src-bucket.bj.bcebos.com", "/")):
        assert lab.ask("GET", path, params, host=host).json() == {"rules": []}


@pytest.mark.parametrize("name", ["ab", "A-bucket", "-bucket", "bucket-", "a.b", "b" * 64])
def test_a_name_that_no_bucket_has(lab: Lab, name: str) -> None:
    refused(lab.ask("PUT", f"/{name}"), 400, "InvalidBucketName")


def test_a_name_that_another_account_has(lab: Lab) -> None:
    refused(lab.ask("PUT", "/src-bucket", keys=lab.other), 409, "BucketAlreadyExists")
    assert lab.ask("PUT", "/their-bucket", keys=lab.other).status_code == 200
    told = lab.ask("GET", "/", keys=lab.other).json()
    assert [one["name"] for one in told["buckets"]] == ["their-bucket"]


def test_a_key_that_no_object_has(lab: Lab) -> None:
    refused(lab.ask("PUT", f"/src-bucket/{'x' * 1025}", body=b"x"), 400, "InvalidURI")
    # A client library takes steps such as .. away before it sends; the host name's style leaves them in the key.
    for key in ("a/../b", "./a", "a/."):
        with pytest.raises(Refusal, match="InvalidURI"):
            check_key(key)


@pytest.mark.parametrize("part", ["lifecycle", "cors", "tagging", "versions", "inventory"])
def test_a_part_that_is_not_held_is_not_taken_for_the_whole(lab: Lab, part: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        refused(lab.ask(method, "/src-bucket", {part: ""}), 501, "NotImplemented")
    assert lab.ask("HEAD", "/src-bucket").status_code == 200


def test_a_bucket_that_is_not_empty(lab: Lab) -> None:
    lab.write("k")
    refused(lab.ask("DELETE", "/src-bucket"), 409, "BucketNotEmpty")
    lab.ask("DELETE", "/src-bucket/k")
    assert lab.ask("DELETE", "/src-bucket").status_code == 204
    refused(lab.ask("GET", "/src-bucket"), 404, "NoSuchBucket")


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        ("versioning", {"status": "on"}, "InvalidArgument"),
        ("versioning", {}, "InappropriateJSON"),
        ("versioning", b"{", "MalformedJSON"),
        ("acl", {}, "InappropriateJSON"),
        ("acl", {"accessControlList": [{"grantee": [{}], "permission": ["READ"]}]}, "InappropriateJSON"),
        ("acl", {"accessControlList": [{"grantee": [{"id": "*"}], "permission": ["EAT"]}]}, "InappropriateJSON"),
        ("storageClass", {"storageClass": "GLACIER"}, "InvalidStorageClass"),
        ("storageClass", {}, "InappropriateJSON"),
    ],
)
def test_a_bucket_setting_that_cannot_be(lab: Lab, query: str, body: Any, code: str) -> None:
    refused(lab.ask("PUT", "/src-bucket", {query: ""}, body=body), 400, code)


@pytest.mark.parametrize("limit", ["0", "x", "-1"])
def test_a_page_that_cannot_be(lab: Lab, limit: str) -> None:
    refused(lab.ask("GET", "/src-bucket", {"maxKeys": limit}), 400, "InvalidArgument")


def test_what_others_may(lab: Lab) -> None:
    lab.write("k", "hello")
    body = {"accessControlList": [{"grantee": [{"id": lab.facts["other_account"]["account"]}], "permission": ["READ"]}]}
    assert lab.ask("PUT", "/src-bucket", {"acl": ""}, body=body).status_code == 200
    assert lab.ask("GET", "/src-bucket/k", keys=lab.other).text == "hello"
    assert lab.ask("GET", "/src-bucket", keys=lab.other).status_code == 200
    refused(lab.ask("DELETE", "/src-bucket/k", keys=lab.other), 403, "AccessDenied")
    refused(lab.ask("GET", "/src-bucket", {"acl": ""}, keys=lab.other), 403, "AccessDenied")
    refused(lab.ask("DELETE", "/src-bucket", keys=lab.other), 403, "AccessDenied")


def test_conditions(lab: Lab) -> None:
    lab.write("k", "hello")
    tag = lab.ask("HEAD", "/src-bucket/k").headers["ETag"]
    assert lab.ask("GET", "/src-bucket/k", headers={"If-Match": tag}).status_code == 200
    assert lab.ask("GET", "/src-bucket/k", headers={"If-None-Match": tag}).status_code == 304
    refused(lab.ask("GET", "/src-bucket/k", headers={"If-Match": '"x"'}), 412, "PreconditionFailed")


def test_ranges(lab: Lab) -> None:
    lab.write("k", "hello")
    part = lab.ask("GET", "/src-bucket/k", headers={"Range": "bytes=-2"})
    assert (part.status_code, part.text, part.headers["Content-Range"]) == (206, "lo", "bytes 3-4/5")
    assert lab.ask("GET", "/src-bucket/k", headers={"Range": "bytes=9-"}).status_code == 416


def test_parts_that_are_too_small(lab: Lab) -> None:
    upload = lab.ask("POST", "/src-bucket/k", {"uploads": ""}).json()["uploadId"]
    parts = []
    for number in (1, 2):
        sent = lab.ask("PUT", "/src-bucket/k", {"partNumber": number, "uploadId": upload}, body=b"x")
        parts.append({"partNumber": number, "eTag": sent.headers["ETag"]})
    done = {"uploadId": upload}
    refused(lab.ask("POST", "/src-bucket/k", done, body={"parts": parts}), 400, "EntityTooSmall")
    refused(lab.ask("POST", "/src-bucket/k", done, body={"parts": parts[::-1]}), 400, "InvalidPartOrder")
    refused(lab.ask("POST", "/src-bucket/k", done, body={"parts": []}), 400, "InappropriateJSON")
    refused(lab.ask("POST", "/src-bucket/other", done, body={"parts": parts}), 404, "NoSuchUpload")
    for number in ("0", "10001", "x"):
        wrong = {"partNumber": number, "uploadId": upload}
        refused(lab.ask("PUT", "/src-bucket/k", wrong, body=b"x"), 400, "InvalidArgument")
    assert lab.ask("POST", "/src-bucket/k", done, body={"parts": parts[1:]}).status_code == 200
    assert lab.ask("GET", "/src-bucket/k").text == "x"


def test_copies_of_what_may_not_be_read(lab: Lab) -> None:
    lab.ask("PUT", "/their-bucket", keys=lab.other)
    lab.ask("PUT", "/their-bucket/k", body=b"x", keys=lab.other)
    for source, status, code in (
        ("/their-bucket/k", 403, "AccessDenied"),
        ("/src-bucket/nothing", 404, "NoSuchKey"),
        ("/no-such-bucket/k", 404, "NoSuchBucket"),
        ("k", 400, "InvalidArgument"),
    ):
        refused(lab.ask("PUT", "/src-bucket/k", headers={"x-bce-copy-source": source}), status, code)
