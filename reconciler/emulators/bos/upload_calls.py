"""Multipart uploads over the wire.

Source: BOS API reference, "Multipart upload"; python package bce-python-sdk 0.9.79.
"""

from __future__ import annotations

from typing import Final

from reconciler.emulators.bos import payload
from reconciler.emulators.bos.bucket_calls import owner
from reconciler.emulators.bos.call import Call, Route, done, found, stamp
from reconciler.emulators.bos.object_calls import wanted_class
from reconciler.emulators.bos.refusal import invalid
from reconciler.emulators.bos.uploads import Upload, chosen_parts
from reconciler.emulators.message import JsonValue, Reply


def begin(call: Call) -> Reply:
    with call.cloud.lock:
        bucket = call.bucket("WRITE")
        headers = payload.to_store(call.request.headers)
        kept = tuple((name, value) for name, value in headers if name.lower() != "content-length")
        upload = call.cloud.uploads.begin(call.name, call.key, kept, wanted_class(call, bucket))
    return found({"bucket": call.name, "key": call.key, "uploadId": upload.id})


def put_part(call: Call) -> Reply:
    payload.check(call.request)
    call.bucket("WRITE")
    number = call.params["partNumber"]
    if not (number.isascii() and number.isdecimal()):
        raise invalid("partNumber must be a whole number.")
    part = call.cloud.uploads.add(_upload(call), int(number), call.request.body)
    return done().with_header("ETag", f'"{part.etag}"')


def complete(call: Call) -> Reply:
    with call.cloud.lock:
        bucket = call.bucket("WRITE")
        upload = _upload(call)
        parts = chosen_parts(upload, call.json())
        body = b"".join(part.body for part in parts)
        extra = tuple(pair for pair in payload.to_store(call.request.headers) if pair[0].startswith("x-amz-meta-"))
        made = call.cloud.objects.write(bucket, call.key, body, (*upload.headers, *extra), upload.storage_class)
        call.cloud.uploads.end(upload)
        etag = made.etag.strip('"')
    return found({"location": f"/{call.name}/{call.key}", "bucket": call.name, "key": call.key, "eTag": etag})


def abort(call: Call) -> Reply:
    call.bucket("WRITE")
    call.cloud.uploads.end(_upload(call))
    return done(204)


def list_parts(call: Call) -> Reply:
    call.bucket("READ")
    upload = _upload(call)
    limit = call.limit("maxParts")
    marker = call.params.get("partNumberMarker") or "0"
    if not (marker.isascii() and marker.isdecimal()):
        raise invalid("partNumberMarker must be a whole number.")
    parts = [part for number, part in sorted(upload.parts.items()) if number > int(marker)]
    page = parts[:limit]
    told: list[JsonValue] = [
        {"partNumber": part.number, "lastModified": stamp(part.sent), "eTag": part.etag, "size": len(part.body)}
        for part in page
    ]
    return found(
        {
            **_named(call, upload),
            "partNumberMarker": int(marker),
            "nextPartNumberMarker": page[-1].number if page else int(marker),
            "maxParts": limit,
            "isTruncated": len(parts) > len(page),
            "parts": told,
        }
    )


def list_uploads(call: Call) -> Reply:
    call.bucket("LIST")
    limit = call.limit("maxUploads")
    prefix, marker = call.params.get("prefix", ""), call.params.get("keyMarker", "")
    uploads = [
        one
        for one in call.cloud.uploads.of_bucket(call.name)
        if one.key.startswith(prefix) and one.key.encode() > marker.encode()
    ]
    page = uploads[:limit]
    told: dict[str, JsonValue] = {
        "bucket": call.name,
        "prefix": prefix,
        "keyMarker": marker,
        "maxUploads": limit,
        "isTruncated": len(uploads) > len(page),
        "uploads": [
            {"key": one.key, "uploadId": one.id, "initiated": stamp(one.begun), "owner": owner(call.account)}
            for one in page
        ],
    }
    return found({**told, "nextKeyMarker": page[-1].key} if len(uploads) > len(page) else told)


def _upload(call: Call) -> Upload:
    return call.cloud.uploads.find(call.params.get("uploadId", ""), call.name, call.key)


def _named(call: Call, upload: Upload) -> dict[str, JsonValue]:
    return {
        "bucket": call.name,
        "key": call.key,
        "uploadId": upload.id,
        "initiated": stamp(upload.begun),
        "owner": owner(call.account),
        "storageClass": upload.storage_class or call.cloud.buckets[call.name].storage_class,
    }


ROUTES: Final = (
    Route("POST", "object", "InitiateMultipartUpload", begin, ("uploads",), write=True),
    Route("PUT", "object", "UploadPart", put_part, ("partNumber", "uploadId"), write=True),
    Route("POST", "object", "CompleteMultipartUpload", complete, ("uploadId",), write=True),
    Route("DELETE", "object", "AbortMultipartUpload", abort, ("uploadId",), write=True),
    Route("GET", "object", "ListParts", list_parts, ("uploadId",)),
    Route("GET", "bucket", "ListMultipartUploads", list_uploads, ("uploads",)),
)
