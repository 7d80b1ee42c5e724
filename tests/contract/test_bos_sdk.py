"""The vendor's own client drives the BOS emulator, and the referee reads along.

An emulator that only this project's adapter can talk to would prove nothing. Here `bce-python-sdk` writes rules, reads
their progress and moves objects, and every exchange is held against the OpenAPI document.
"""

import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from reconciler.emulators.bos import service
from reconciler.emulators.faults import Fault
from tests.contract.bos_judged import judged, lab, referee, sdk
from tests.contract.referee import Referee
from tests.lab.bos import DOCUMENT, BosClient, Keys, Lab, path_of, rule

__all__ = ["judged", "lab", "referee", "sdk"]

PART = 100 * 1024


def refused(status: int, code: str | None, call: Callable[..., Any], *rest: Any, **more: Any) -> Any:
    with pytest.raises(Exception, match="Unable to execute HTTP request") as caught:
        call(*rest, **more)
    assert type(caught.value).__name__ == "BceHttpClientError"
    assert caught.value.status_code == status
    assert caught.value.code == code
    assert code is None or caught.value.request_id
    return caught.value.last_error


def raw(answer: Any) -> Any:
    return json.loads(answer.raw_data)


def replication(lab: Lab, sdk: BosClient) -> None:
    """Every function of the SDK about rules."""
    lab.write("abc")
    body = rule(
        id="rule_1-A",
        resource=["src-bucket/abc", "src-bucket/cd*"],
        notIncludeResource=["src-bucket/prefix/*", "src-bucket/*.jpeg", "src-bucket/*test*"],
        destination={"bucket": "dst-bucket", "storageClass": "COLD", "prefix": "dst/"},
        replicateHistory={"storageClass": "COLD"},
    )
    assert sdk.put_bucket_replication("src-bucket", body).metadata.bce_request_id
    told = raw(sdk.get_bucket_replication("src-bucket", "rule_1-A"))
    assert {name: told[name] for name in body} == body
    answer = sdk.get_bucket_replication("src-bucket", "rule_1-A")
    assert (answer.replicate_deletes, answer.dest_region, answer.create_time > 0) == ("enabled", "gz", True)
    assert answer.not_include_resource[2] == "src-bucket/*test*"
    assert raw(sdk.list_bucket_replication("src-bucket")) == {"rules": [told]}
    lab.settle()
    progress = sdk.get_bucket_replication_progress("src-bucket", "rule_1-A")
    assert (progress.status, progress.history_replication_percent) == ("enabled", 100)
    assert progress.latest_replication_time > 0
    assert sdk.delete_bucket_replication("src-bucket", "rule_1-A").metadata.bce_request_id
    refused(404, "NoReplicationConfiguration", sdk.get_bucket_replication, "src-bucket", "rule_1-A")


def buckets(lab: Lab, sdk: BosClient) -> None:
    sdk.create_bucket("new-bucket")
    refused(409, "BucketAlreadyExists", sdk.create_bucket, "new-bucket")
    sdk.create_bucket("maz-bucket", enable_maz=True)
    told = {one.name: (one.location, one.enable_multi_az) for one in sdk.list_buckets().buckets}
    expected = {"dst-bucket": ("gz", None), "maz-bucket": ("bj", True), "new-bucket": ("bj", None)}
    assert told == {**expected, "src-bucket": ("bj", None)}
    assert sdk.get_bucket_location("dst-bucket") == "gz"
    assert sdk.does_bucket_exist("new-bucket")
    assert not sdk.does_bucket_exist("no-such-bucket")
    sdk.set_bucket_canned_acl("new-bucket", b"public-read")
    acl = sdk.get_bucket_acl("new-bucket").access_control_list
    assert [one.permission for one in acl] == [["FULL_CONTROL"], ["READ"]]
    sdk.set_bucket_acl("new-bucket", [{"grantee": [{"id": lab.facts["account"]}], "permission": ["WRITE"]}])
    assert len(sdk.get_bucket_acl("new-bucket").access_control_list) == 1
    assert sdk.get_bucket_versioning("new-bucket").status == "disabled"
    for status in ("enabled", "suspended"):
        sdk.put_bucket_versioning("new-bucket", status)
        assert sdk.get_bucket_versioning("new-bucket").status == status
    assert sdk.get_bucket_storage_class("maz-bucket").storage_class == "MAZ_STANDARD"
    sdk.set_bucket_storage_class("new-bucket", "COLD")
    assert sdk.get_bucket_storage_class("new-bucket").storage_class == "COLD"
    sdk.delete_bucket("new-bucket")
    refused(404, "NoSuchBucket", sdk.get_bucket_location, "new-bucket")


def objects(lab: Lab, sdk: BosClient) -> None:
    key = "ordner/ä b+c~'(1).txt"
    sdk.put_object_from_string(
        "src-bucket", key, "hello", content_type="text/plain", user_metadata={"colour": "blue"}, storage_class=b"COLD"
    )
    told = sdk.get_object_meta_data("src-bucket", key).metadata
    assert (told.content_length, told.content_type, told.bce_meta_colour) == ("5", "text/plain", "blue")
    assert (told.bce_storage_class, told.etag) == ("COLD", "5d41402abc4b2a76b9719d911017c592")
    assert sdk.get_object_as_string("src-bucket", key) == b"hello"
    assert sdk.get_object_as_string("src-bucket", key, range=[1, 3]) == b"ell"
    sdk.copy_object("src-bucket", key, "src-bucket", "copy")
    copied = sdk.get_object_meta_data("src-bucket", "copy").metadata
    assert (copied.etag, copied.bce_meta_colour, copied.bce_storage_class) == (told.etag, "blue", "COLD")
    sdk.copy_object("src-bucket", key, "src-bucket", "copy", user_metadata={"colour": "red"})
    assert sdk.get_object_meta_data("src-bucket", "copy").metadata.bce_meta_colour == "red"
    assert [(one.key, one.size, one.storage_class) for one in sdk.list_objects("src-bucket").contents] == [
        ("copy", 5, "COLD"),
        (key, 5, "COLD"),
    ]
    answer = sdk.delete_multiple_objects("src-bucket", ["copy", "nothing"])
    assert [(one.key, one.code) for one in answer.errors] == [("nothing", "NoSuchKey")]
    sdk.delete_object("src-bucket", key)
    refused(404, "NoSuchKey", sdk.get_object, "src-bucket", key)
    refused(404, None, sdk.get_object_meta_data, "src-bucket", key)
    refused(404, "NoSuchKey", sdk.delete_object, "src-bucket", key)


def uploads(lab: Lab, sdk: BosClient) -> None:
    bodies = [b"a" * PART, b"b" * PART, b"end"]
    upload = sdk.initiate_multipart_upload("src-bucket", "dir/big", storage_class=b"STANDARD_IA").upload_id
    other = sdk.initiate_multipart_upload("src-bucket", "other").upload_id
    parts = []
    for number, body in enumerate(bodies, 1):
        sent = sdk.upload_part("src-bucket", "dir/big", upload, number, len(body), io.BytesIO(body))
        parts.append({"partNumber": number, "eTag": sent.metadata.etag})
    page = sdk.list_parts("src-bucket", "dir/big", upload, max_parts=2)
    assert (page.is_truncated, [one.size for one in page.parts]) == (True, [PART, PART])
    assert [one.part_number for one in sdk.list_all_parts("src-bucket", "dir/big", upload)] == [1, 2, 3]
    assert [one.key for one in sdk.list_all_multipart_uploads("src-bucket")] == ["dir/big", "other"]
    refused(400, "InvalidPart", sdk.complete_multipart_upload, "src-bucket", "other", other, parts)
    made = sdk.complete_multipart_upload("src-bucket", "dir/big", upload, parts)
    assert sdk.get_object_as_string("src-bucket", "dir/big") == b"".join(bodies)
    told = sdk.get_object_meta_data("src-bucket", "dir/big").metadata
    assert (told.etag, told.bce_storage_class) == (made.etag, "STANDARD_IA")
    sdk.abort_multipart_upload("src-bucket", "other", other)
    assert list(sdk.list_all_multipart_uploads("src-bucket")) == []
    refused(404, "NoSuchUpload", sdk.list_parts, "src-bucket", "other", other)


STORIES = (replication, buckets, objects, uploads)


@pytest.mark.parametrize("story", STORIES)
def test_a_story(lab: Lab, sdk: BosClient, story: Callable[..., None]) -> None:
    story(lab, sdk)


def test_the_stories_drive_every_operation_of_the_document(lab: Lab, sdk: BosClient) -> None:
    for story in STORIES:
        story(lab, sdk)
        for key in list(lab.objects("src-bucket")):
            lab.emulator.act("delete", {"bucket": "src-bucket", "key": key})
        if story is buckets:
            sdk.delete_bucket("maz-bucket")
    mine = Referee(DOCUMENT, path_of)
    mine.judge_all(lab.exchanges)
    assert mine.seen == mine.operations == {route.name for route in service.ROUTES}


def test_the_log_names_calls_as_the_document_does(lab: Lab, sdk: BosClient, referee: Referee) -> None:
    objects(lab, sdk)
    replication(lab, sdk)
    logged: Any = lab.log.since()["requests"]
    assert [row["operation"] for row in logged] == [referee.judge(one) for one in lab.exchanges]
    writes = {row["operation"] for row in logged if row["write"]}
    assert writes == {
        "PutBucketReplication", "DeleteBucketReplication", "PutObject", "CopyObject", "DeleteObject",
        "DeleteMultipleObjects",
    }  # fmt: skip


def virtual_host(lab: Lab, region: str = "bj") -> BosClient:
    """A client that believes in the real host names; the emulator is its proxy."""
    where = urlsplit(lab.url(region))
    return lab.sdk(region, endpoint=f"http://{region}.bcebos.com", proxy_host=where.hostname, proxy_port=where.port)


@pytest.mark.parametrize("story", STORIES)
def test_a_story_with_buckets_in_host_names(lab: Lab, story: Callable[..., None]) -> None:
    story(lab, virtual_host(lab))
    hosts = {urlsplit(one.url).hostname for one in lab.recorder.exchanges}
    assert "src-bucket.bj.bcebos.com" in hosts or "new-bucket.bj.bcebos.com" in hosts


def test_a_session(lab: Lab) -> None:
    replication(lab, lab.sdk(keys=lab.session))
    lab.emulator.act("expire-sessions", {})
    refused(403, "AccessDenied", lab.sdk(keys=lab.session).list_buckets)


@pytest.mark.parametrize("status", [403, 400])
def test_a_bad_signature(lab: Lab, status: int) -> None:
    lab.emulator.switch({"signature_status": status})
    client = lab.sdk(keys=Keys(lab.owner.access_key, "wrong"))
    error = refused(status, "SignatureDoesNotMatch", client.get_bucket_replication, "src-bucket", "r")
    assert "signature" in str(error)
    refused(status, "SignatureDoesNotMatch", client.put_bucket_replication, "src-bucket", rule())
    assert lab.get_rule().status_code == 404


def test_an_expired_signature(lab: Lab, sdk: BosClient) -> None:
    lab.emulator.switch({"clock_skew_s": 1801})
    refused(400, "RequestExpired", sdk.list_bucket_replication, "src-bucket")


def test_the_sdk_without_an_id(lab: Lab, sdk: BosClient) -> None:
    refused(404, "NoReplicationConfiguration", sdk.get_bucket_replication, "src-bucket")
    refused(400, "InvalidArgument", sdk.put_bucket_replication, "src-bucket", rule(id=None))
    # The document wants an id; that the SDK can do without is what this is about.
    lab.recorder.clear()


def test_objects_by_pages(lab: Lab, sdk: BosClient) -> None:
    keys = sorted([f"d/{number}" for number in range(5)] + ["a", "e/x/1", "e/x/2", "ä", "z"], key=str.encode)
    for key in keys:
        lab.write(key)
    found, marker = [], None
    while True:
        page = sdk.list_objects("src-bucket", max_keys=3, marker=marker)
        assert len(page.contents) <= 3
        found += [one.key for one in page.contents]
        if not page.is_truncated:
            break
        marker = page.next_marker
    assert found == keys
    grouped = sdk.list_objects("src-bucket", delimiter="/")
    assert [one.key for one in grouped.contents] == ["a", "z", "ä"]
    assert [one.prefix for one in grouped.common_prefixes] == ["d/", "e/"]
    below = sdk.list_objects("src-bucket", prefix="e/", delimiter="/")
    assert [one.prefix for one in below.common_prefixes] == ["e/x/"]
    lab.faults.add(Fault(kind="short_page", page_size=2, times=None))
    assert [one.key for one in sdk.list_all_objects("src-bucket")] == keys
    first = sdk.list_objects("src-bucket", delimiter="/")
    assert (first.is_truncated, first.next_marker) == (True, "d/")
    second = sdk.list_objects("src-bucket", delimiter="/", marker="d/")
    assert [one.prefix for one in second.common_prefixes] == ["e/"]


def test_a_digest_that_does_not_fit(lab: Lab, sdk: BosClient) -> None:
    for wrong in ({"content_md5": b"XUFAKrxLKna5cZ2REBfFkg=="}, {"content_sha256": b"0" * 64}, {"content_crc32": 1}):
        refused(400, "BadDigest", sdk.put_object, "src-bucket", "k", io.BytesIO(b"x"), 1, **wrong)
    assert lab.objects("src-bucket") == {}


def test_an_archived_object_cannot_be_read(lab: Lab, sdk: BosClient) -> None:
    lab.write("k", storage_class="ARCHIVE")
    assert sdk.get_object_meta_data("src-bucket", "k").metadata.bce_storage_class == "ARCHIVE"
    refused(403, "InvalidObjectState", sdk.get_object, "src-bucket", "k")


def test_a_multi_az_bucket_takes_its_own_classes(lab: Lab, sdk: BosClient) -> None:
    sdk.create_bucket("maz-bucket", enable_maz=True)
    sdk.put_object_from_string("maz-bucket", "k", "x")
    assert sdk.get_object_meta_data("maz-bucket", "k").metadata.bce_storage_class == "MAZ_STANDARD"
    refused(400, "InvalidStorageClass", sdk.put_object_from_string, "maz-bucket", "k", "x", storage_class=b"COLD")
    refused(
        400, "InvalidStorageClass", sdk.put_object_from_string, "src-bucket", "k", "x", storage_class=b"MAZ_STANDARD"
    )


def test_versions_of_an_object(lab: Lab, sdk: BosClient) -> None:
    sdk.put_bucket_versioning("src-bucket", "enabled")
    first = sdk.put_object_from_string("src-bucket", "k", "one").metadata.bce_version_id
    sdk.put_object_from_string("src-bucket", "k", "two")
    assert sdk.get_object_as_string("src-bucket", "k", version_id=first) == b"one"
    sdk.delete_object("src-bucket", "k")
    refused(404, "NoSuchKey", sdk.get_object, "src-bucket", "k")
    assert sdk.get_object_as_string("src-bucket", "k", version_id=first) == b"one"
    refused(409, "BucketNotEmpty", sdk.delete_bucket, "src-bucket")


@pytest.mark.parametrize(
    ("value", "status", "code"), [("not_found", 404, "NoSuchBucket"), ("forbidden", 403, "AccessDenied")]
)
def test_a_bucket_of_another_region(lab: Lab, sdk: BosClient, value: str, status: int, code: str) -> None:
    lab.emulator.switch({"wrong_region": value})
    refused(status, code, sdk.list_objects, "dst-bucket")
    refused(status, code, sdk.list_bucket_replication, "dst-bucket")
    assert sdk.get_bucket_location("dst-bucket") == "gz"
    lab.emulator.switch({"wrong_region": "serve"})
    assert sdk.list_objects("dst-bucket").contents == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_service(lab: Lab, sdk: BosClient, status: int) -> None:
    lab.faults.add(Fault(kind="status", status=status, operation="ListBucketReplication"))
    error = refused(status, _code(status), sdk.list_bucket_replication, "src-bucket")
    assert error.request_id
    assert sdk.list_bucket_replication("src-bucket").rules == []


def _code(status: int) -> str:
    return {429: "RequestRateLimitExceeded", 500: "InternalError", 503: "ServiceUnavailable"}[status]


@pytest.mark.parametrize(
    "switches",
    [
        {"echo_not_include_resource": False, "echo_destination_prefix": False, "echo_dest_region": False},
        {"create_time_name": "createTime", "destination_storage_class": "absent", "history_storage_class": "absent"},
        {"destination_storage_class": "REMAIN", "history_storage_class": "empty", "history_off": "null"},
        {"empty_list": "not_found", "delete_reply": 200, "delete_missing": 204, "id_mismatch": "refuse"},
        {"rule_refusal_status": 409, "target_missing": "invalid_argument", "bucket_in_use_status": 403},
        {"rule_refusal_status": 403, "versioned_source": "ignore", "versioning_with_rules": "refuse"},
        {"percent_when_done": 0, "percent_form": "float", "latest_time_form": "string", "list_multi_az": False},
        {"latest_time_never": "absent", "versioning_never": "absent", "delete_missing_object": 204},
        {"delete_seconds": 60, "put_while_deleting": "accept", "wrong_region": "serve", "copy_replicas": True},
    ],
)
def test_the_document_allows_every_value_of_the_switches(lab: Lab, sdk: BosClient, switches: dict[str, Any]) -> None:
    lab.emulator.switch(switches)

    def anyway(call: Callable[..., Any], *rest: Any) -> None:
        try:
            call(*rest)
        except Exception as error:  # an answer either way, which the referee reads
            assert getattr(error, "status_code", 500) < 500  # noqa: PT017

    exclusions = ["src-bucket/x*"]
    bodies = (
        rule(status="disabled", replicateHistory=None),
        rule(notIncludeResource=exclusions, destination={"bucket": "dst-bucket", "prefix": "p/"}),
        rule(status="disabled"),
        rule(id="twin", notIncludeResource=exclusions, destination={"bucket": "dst-bucket", "prefix": "p/"}),
        rule(id="lost", destination={"bucket": "no-such-bucket"}),
    )
    anyway(sdk.list_bucket_replication, "src-bucket")
    for body in bodies:
        anyway(sdk.put_bucket_replication, "src-bucket", body)
        anyway(sdk.get_bucket_replication, "src-bucket", body["id"])
        anyway(sdk.get_bucket_replication_progress, "src-bucket", body["id"])
    sdk.put_object_from_string("src-bucket", "a", "x")
    lab.settle()
    anyway(sdk.list_bucket_replication, "src-bucket")
    anyway(sdk.get_bucket_replication_progress, "src-bucket", "r")
    anyway(sdk.get_bucket_versioning, "src-bucket")
    anyway(sdk.put_bucket_versioning, "src-bucket", "enabled")
    anyway(sdk.put_bucket_replication, "src-bucket", rule())
    anyway(sdk.delete_bucket, "src-bucket")
    for _ in range(2):
        anyway(sdk.delete_bucket_replication, "src-bucket", "r")
    anyway(sdk.put_bucket_replication, "src-bucket", rule())
    anyway(sdk.delete_object, "src-bucket", "nothing")
    anyway(sdk.list_objects, "dst-bucket")
    anyway(sdk.list_buckets)
