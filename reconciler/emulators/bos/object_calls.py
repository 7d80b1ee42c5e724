"""Objects over the wire: put, copy, get, head, delete, list, delete many.

Source: BOS API reference, "Object related interface"; python package bce-python-sdk 0.9.79.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from moto.s3.models import FakeKey

from reconciler.emulators.bos import payload
from reconciler.emulators.bos.bucket import Bucket
from reconciler.emulators.bos.bucket_calls import check_class, owner
from reconciler.emulators.bos.call import Call, Route, done, found, stamp
from reconciler.emulators.bos.objects import storage_class
from reconciler.emulators.bos.refusal import Refusal, inappropriate, invalid
from reconciler.emulators.message import JsonValue, Reply

_MOST_DELETED: Final = 1000


def put(call: Call) -> Reply:
    payload.check(call.request)
    with call.cloud.lock:
        bucket = call.bucket("WRITE")
        headers = payload.to_store(call.request.headers)
        made = call.cloud.objects.write(bucket, call.key, call.request.body, headers, wanted_class(call, bucket))
    return _written(made)


def copy(call: Call) -> Reply:
    source_bucket, source_key = _source(call)
    with call.cloud.lock:
        bucket = call.bucket("WRITE")
        call.cloud.bucket(source_bucket, call.account, "READ")
        source = call.cloud.objects.current(source_bucket, source_key)
        if source is None:
            raise Refusal(404, "NoSuchKey")
        headers = payload.to_store(call.request.headers)
        chosen = wanted_class(call, bucket)
        if chosen is None and storage_class(source).startswith("MAZ_") is bucket.multi_az:
            chosen = storage_class(source)
        made = call.cloud.objects.copy(bucket, call.key, headers, chosen)
        return found({"eTag": made.etag.strip('"'), "lastModified": stamp(made.last_modified)})


def get(call: Call) -> Reply:
    with call.cloud.lock:
        call.bucket("READ")
        version_id, headers = call.params.get("versionId"), payload.to_store(call.request.headers)
        reply = call.cloud.objects.read(call.request.method, call.name, call.key, version_id, headers)
    return Reply(reply.status, payload.from_store(reply.headers), reply.body)


def delete(call: Call) -> Reply:
    with call.cloud.lock:
        call.bucket("WRITE")
        version_id = call.params.get("versionId")
        missing = version_id is None and call.cloud.objects.current(call.name, call.key) is None
        if missing and call.cloud.switches["delete_missing_object"] == 404:
            raise Refusal(404, "NoSuchKey")
        reply = call.cloud.objects.delete(call.name, call.key, version_id)
    return Reply(204, payload.from_store(reply.headers))


def delete_many(call: Call) -> Reply:
    body = call.json()
    entries = body.get("objects") if isinstance(body, dict) else None
    if not isinstance(entries, list) or len(entries) > _MOST_DELETED:
        raise inappropriate(f"objects must be a list of at most {_MOST_DELETED}.")
    errors: list[JsonValue] = []
    with call.cloud.lock:
        call.bucket("WRITE")
        for entry in entries:
            key = entry.get("key") if isinstance(entry, dict) else None
            if not isinstance(key, str):
                raise inappropriate("Missing: key")
            if call.cloud.objects.current(call.name, key) is None:
                refusal = Refusal(404, "NoSuchKey")
                errors.append({"key": key, "code": refusal.code, "message": refusal.message})
            else:
                call.cloud.objects.delete(call.name, key)
    return found({"errors": errors})


def list_objects(call: Call) -> Reply:
    with call.cloud.lock:
        bucket = call.bucket("LIST")
        limit = call.limit("maxKeys")
        prefix, marker, delimiter = (call.params.get(name, "") for name in ("prefix", "marker", "delimiter"))
        contents: list[JsonValue] = []
        groups: dict[str, None] = {}
        last, truncated = "", False
        for key in call.cloud.objects.keys(call.name):
            group = _group(key, prefix, delimiter)
            at = group or key
            if not key.startswith(prefix) or at.encode() <= marker.encode() or group in groups:
                continue
            if len(contents) + len(groups) >= limit:
                truncated = True
                break
            last = at
            if group:
                groups[group] = None
            elif (version := call.cloud.objects.current(call.name, key)) is not None:
                contents.append(_entry(version, bucket))
    told: dict[str, JsonValue] = {
        "name": call.name,
        "prefix": prefix,
        "marker": marker,
        "delimiter": delimiter,
        "maxKeys": limit,
        "isTruncated": truncated,
        "contents": contents,
        "commonPrefixes": [{"prefix": group} for group in groups],
    }
    return found({**told, "nextMarker": last} if truncated else told)


def wanted_class(call: Call, bucket: Bucket) -> str | None:
    """What ``x-bce-storage-class`` asks for, if that can be."""
    name = call.request.header("x-bce-storage-class")
    if name is not None:
        check_class(name, multi_az=bucket.multi_az)
    return name


def _source(call: Call) -> tuple[str, str]:
    text = unquote((call.request.header("x-bce-copy-source") or "").partition("?")[0])
    bucket, _, key = text.removeprefix("/").partition("/")
    if not bucket or not key:
        raise invalid("x-bce-copy-source must be a bucket and a key.")
    return bucket, key


def _group(key: str, prefix: str, delimiter: str) -> str:
    if not delimiter or not key.startswith(prefix):
        return ""
    head, cut, _ = key[len(prefix) :].partition(delimiter)
    return f"{prefix}{head}{cut}" if cut else ""


def _entry(version: FakeKey, bucket: Bucket) -> JsonValue:
    return {
        "key": version.name,
        "lastModified": stamp(version.last_modified),
        "eTag": version.etag.strip('"'),
        "size": version.size,
        "storageClass": storage_class(version),
        "owner": owner(bucket.owner),
    }


def _written(version: FakeKey) -> Reply:
    reply = done().with_header("ETag", version.etag)
    return reply if version.version_id == "null" else reply.with_header("x-bce-version-id", version.version_id)


ROUTES: Final = (
    Route("POST", "bucket", "DeleteMultipleObjects", delete_many, ("delete",), write=True),
    Route("GET", "bucket", "ListObjects", list_objects),
    Route("PUT", "object", "CopyObject", copy, write=True, header="x-bce-copy-source"),
    Route("PUT", "object", "PutObject", put, write=True),
    Route("GET", "object", "GetObject", get),
    Route("HEAD", "object", "GetObjectMeta", get),
    Route("DELETE", "object", "DeleteObject", delete, write=True),
)
