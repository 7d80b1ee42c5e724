"""Buckets over the wire: make, list, delete, where they are, who may use them, versioning, storage class.

Source: BOS API reference, "Bucket related interface"; python package bce-python-sdk 0.9.79.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from reconciler.emulators.bos.bucket import canned, grants
from reconciler.emulators.bos.call import Call, Route, done, found, stamp
from reconciler.emulators.bos.identity import Account
from reconciler.emulators.bos.refusal import Refusal, inappropriate, invalid
from reconciler.emulators.message import JsonValue, Reply

_STATUSES: Final = {"enabled": "Enabled", "suspended": "Suspended"}
_CLASSES: Final = frozenset(
    {"STANDARD", "STANDARD_IA", "COLD", "ARCHIVE", "MAZ_STANDARD", "MAZ_STANDARD_IA", "MAZ_COLD"}
)


def list_buckets(call: Call) -> Reply:
    told: list[JsonValue] = []
    for bucket in call.cloud.owned(call.account):
        one: dict[str, JsonValue] = {
            "name": bucket.name,
            "location": bucket.region,
            "creationDate": stamp(bucket.created),
        }
        if bucket.multi_az and call.cloud.switches["list_multi_az"]:
            one["enableMultiAz"] = True
        told.append(one)
    return found({"owner": owner(call.account), "buckets": told})


def put_bucket(call: Call) -> Reply:
    multi_az = False
    if call.request.body:
        body = call.json()
        wanted = body.get("enableMultiAz", False) if isinstance(body, dict) else None
        if not isinstance(wanted, bool):
            raise inappropriate("Wrong type: enableMultiAz")
        multi_az = wanted
    call.cloud.create_bucket(call.name, call.account, call.region, multi_az=multi_az)
    return Reply(200, (("Location", f"/{call.name}"),))


def head_bucket(call: Call) -> Reply:
    call.bucket("LIST")
    return done()


def delete_bucket(call: Call) -> Reply:
    with call.cloud.lock:
        call.cloud.delete_bucket(call.bucket())
    return done(204)


def location(call: Call) -> Reply:
    # Answered by every region: it is how a client finds the right one.
    return found({"locationConstraint": call.cloud.bucket(call.name, call.account, "LIST").region})


def get_acl(call: Call) -> Reply:
    bucket = call.bucket()
    return found({"owner": {"id": bucket.owner.id}, "accessControlList": [one.wire() for one in bucket.grants]})


def put_acl(call: Call) -> Reply:
    with call.cloud.lock:
        bucket = call.bucket()
        name = call.request.header("x-bce-acl")
        given = canned(name, bucket.owner) if name is not None else grants(call.json())
        call.cloud.buckets[bucket.name] = replace(bucket, grants=given)
    return done()


def get_versioning(call: Call) -> Reply:
    with call.cloud.lock:
        status = call.cloud.objects.versioning(call.bucket().name).lower()
    if not status:
        return found({"status": "disabled"} if call.cloud.switches["versioning_never"] == "disabled" else {})
    return found({"status": status})


def put_versioning(call: Call) -> Reply:
    body = call.json()
    status = body.get("status") if isinstance(body, dict) else None
    if not isinstance(status, str):
        raise inappropriate("Missing: status")
    if status not in _STATUSES:
        raise invalid("status must be enabled or suspended.")
    with call.cloud.lock:
        call.cloud.set_versioning(call.bucket(), _STATUSES[status])
    return done()


def get_storage_class(call: Call) -> Reply:
    return found({"storageClass": call.bucket().storage_class})


def put_storage_class(call: Call) -> Reply:
    body = call.json()
    name = body.get("storageClass") if isinstance(body, dict) else None
    with call.cloud.lock:
        bucket = call.bucket()
        if not isinstance(name, str):
            raise inappropriate("Missing: storageClass")
        check_class(name, multi_az=bucket.multi_az)
        call.cloud.buckets[bucket.name] = replace(bucket, storage_class=name)
    return done()


def check_class(name: str, *, multi_az: bool) -> None:
    """``Refusal`` (400) for a storage class that does not exist, or not in such a bucket."""
    if name not in _CLASSES or name.startswith("MAZ_") is not multi_az:
        raise Refusal(400, "InvalidStorageClass", "The storage class is not valid for this bucket.")


def owner(account: Account) -> dict[str, JsonValue]:
    return {"id": account.id, "displayName": account.display_name}


ROUTES: Final = (
    Route("GET", "service", "ListBuckets", list_buckets),
    Route("GET", "bucket", "GetBucketLocation", location, ("location",)),
    Route("GET", "bucket", "GetBucketAcl", get_acl, ("acl",)),
    Route("PUT", "bucket", "PutBucketAcl", put_acl, ("acl",), write=True),
    Route("GET", "bucket", "GetBucketVersioning", get_versioning, ("versioning",)),
    Route("PUT", "bucket", "PutBucketVersioning", put_versioning, ("versioning",), write=True),
    Route("GET", "bucket", "GetBucketStorageClass", get_storage_class, ("storageClass",)),
    Route("PUT", "bucket", "PutBucketStorageClass", put_storage_class, ("storageClass",), write=True),
    Route("HEAD", "bucket", "HeadBucket", head_bucket),
    Route("PUT", "bucket", "PutBucket", put_bucket, write=True),
    Route("DELETE", "bucket", "DeleteBucket", delete_bucket, write=True),
)
