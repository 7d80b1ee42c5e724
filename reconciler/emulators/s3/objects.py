"""Calls on objects of one store, with what moto gets wrong put right; shared by every S3 face in this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from moto.s3.models import FakeBucket

from reconciler.emulators.message import Reply, Request
from reconciler.emulators.s3.document import parse, text
from reconciler.emulators.s3.errors import no_such_bucket
from reconciler.emulators.s3.signature import without_signature
from reconciler.emulators.s3.store import Store, Version

TAGGING = frozenset({"PutObjectTagging", "DeleteObjectTagging"})
#: Calls that change objects.
TOUCHING = TAGGING | {"PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject", "DeleteObjects"}

_PAGE_PARAMETERS = {
    "ListBuckets": "max-buckets",
    "ListMultipartUploads": "max-uploads",
    "ListObjectVersions": "max-keys",
    "ListObjects": "max-keys",
    "ListObjectsV2": "max-keys",
    "ListParts": "max-parts",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What one request did to one key: its versions before and after, oldest first; ``tagged`` is a version of it
    whose tags were set."""

    key: str
    before: list[Version]
    after: list[Version]
    tagged: Version | None = None


@dataclass(frozen=True, slots=True)
class ObjectCall:
    """One authenticated request: its operation's name, what it is about, and the region it was signed for."""

    name: str
    bucket: str
    key: str
    request: Request
    region: str


def plain(store: Store, call: ObjectCall) -> Reply:
    """moto's answer as it is, in pages no longer than the request allows."""
    request = replace(call.request, query=without_signature(call.request.query))
    if request.page_size is not None and call.name in _PAGE_PARAMETERS:
        request = _shortened(request, _PAGE_PARAMETERS[call.name], request.page_size)
    return store.answer(request, call.region)


def read(store: Store, call: ObjectCall) -> tuple[Reply, Version | None]:
    """The answer to a GET or HEAD of an object, and the version that it is about."""
    with store.lock:
        bucket = store.bucket(call.bucket)
        reply = _head_of_version(store, call) if _is_head_in_suspended(call, bucket) else plain(store, call)
        versions = store.versions(bucket, call.key) if bucket is not None else []
        version_id = reply.header("x-amz-version-id") or call.request.params.get("versionId")
        found = (one for one in reversed(versions) if version_id in (None, one.version_id))
        return reply, next(found, None)


def write(store: Store, call: ObjectCall) -> tuple[Reply, list[Change]]:
    """The answer to a call that changes objects, and what it did. The caller holds the store's lock."""
    keys = keys_to_delete(call.request) if call.name == "DeleteObjects" else [call.key]
    bucket = store.bucket(call.bucket)
    if bucket is None:
        raise no_such_bucket(call.bucket)
    before = {key: store.versions(bucket, key) for key in keys}
    reply = plain(store, call)
    if _marks_nothing(call, bucket, before):
        marker = store.mark_deleted(bucket, call.key)
        reply = reply.with_header("x-amz-delete-marker", "true")
        reply = reply.with_header("x-amz-version-id", marker.version_id)
    if reply.status >= 300:
        return reply, []
    changes = []
    for key in keys:
        after = store.versions(bucket, key)
        tagged = None
        if call.name in TAGGING and after:
            wanted = call.request.params.get("versionId", after[-1].version_id)
            tagged = next((version for version in after if version.version_id == wanted), None)
        changes.append(Change(key, before[key], after, tagged))
    return reply, changes


def _head_of_version(store: Store, call: ObjectCall) -> Reply:
    # moto knows no versions to HEAD where versioning is suspended, but it does to GET.
    reply = plain(store, replace(call, request=replace(call.request, method="GET")))
    return replace(reply, body=b"")


def _marks_nothing(call: ObjectCall, bucket: FakeBucket, before: Mapping[str, list[Version]]) -> bool:
    """Whether a delete in a versioned bucket is of a key without any version: it leaves a marker all the same.

    Source: Amazon S3 user guide, "Working with delete markers"; Ceph 16 does so too (measured).
    """
    simple = call.name == "DeleteObject" and "versionId" not in call.request.params
    return simple and bucket.is_versioned and not before[call.key]


def _is_head_in_suspended(call: ObjectCall, bucket: FakeBucket | None) -> bool:
    return (
        call.name == "HeadObject"
        and "versionId" in call.request.params
        and bucket is not None
        and bucket.versioning_status == "Suspended"
    )


def _shortened(request: Request, parameter: str, size: int) -> Request:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    asked = [int(value) for name, value in pairs if name == parameter and value.isdecimal()]
    others = [(name, value) for name, value in pairs if name != parameter]
    return replace(request, query=urlencode([*others, (parameter, str(min([size, *asked])))]))


def keys_to_delete(request: Request) -> list[str]:
    """The keys that a DeleteObjects names, each once."""
    root = parse(request.body, "Delete")
    return list(dict.fromkeys(text(entry, "Key") or "" for entry in root.findall("Object")))
