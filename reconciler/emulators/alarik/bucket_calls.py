"""Buckets over the JSON API. Source: Alarik's InternalBucketController, BucketService and BucketName validator."""

from __future__ import annotations

import re
from typing import Final

from reconciler.emulators.alarik.buckets import Bucket
from reconciler.emulators.alarik.call import Call, Route
from reconciler.emulators.alarik.configuration import shown_id
from reconciler.emulators.alarik.decode import Value
from reconciler.emulators.alarik.moment import shown
from reconciler.emulators.alarik.refusal import Refusal, answer
from reconciler.emulators.message import JsonValue, Reply

_NAME = re.compile(r"(?![0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\Z)(?!.*\.\.)(?!.*\.-)(?!.*-\.)[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")


def is_bucket_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def list_buckets(call: Call) -> Reply:
    """The caller's own, newest first; an administrator's are no others."""
    search = call.request.params.get("search", "").strip().lower()
    found = [bucket for bucket in call.instance.buckets.of(call.user) if search in bucket.name.lower()]
    return answer(call.page([_shown(call, bucket) for bucket in found]))


def create_bucket(call: Call) -> Reply:
    user, sent = call.user, call.body()
    _validate(sent)
    name, versioned = sent.text("name"), sent.flag("versioningEnabled")
    made = call.instance.buckets.create(name, user, call.instance.clock.now(), versioned=versioned)
    if made is None:
        raise Refusal(409, "The requested bucket name is not available.")
    return answer(_shown(call, made))


def delete_bucket(call: Call) -> Reply:
    """With everything in it, and everything queued from it."""
    bucket = call.instance.buckets.owned(call.parts["bucketName"], call.user)
    call.instance.drop_bucket(bucket.name)
    return Reply(204)


def get_versioning(call: Call) -> Reply:
    bucket = call.instance.buckets.owned(call.parts["bucketName"], call.user)
    return answer({"status": call.instance.buckets.versioning(bucket.name)})


def set_versioning(call: Call) -> Reply:
    user, status = call.user, call.body().text("status")
    if status not in {"Enabled", "Suspended"}:
        raise Refusal(400, "Invalid versioning status. Use 'Enabled' or 'Suspended'.")
    bucket = call.instance.buckets.owned(call.parts["bucketName"], user)
    call.instance.buckets.set_versioning(bucket.name, status)
    return answer({"status": status})


def _validate(sent: Value) -> None:
    """Vapor's validator looks before the decoder does, and tells of everything at once."""
    members = sent.value if isinstance(sent.value, dict) else {}
    wrong = []
    for name, kind, title in (("name", str, "String"), ("versioningEnabled", bool, "Bool")):
        if members.get(name) is None:
            wrong.append(f"{name} is required")
        elif not isinstance(members[name], kind):
            wrong.append(f"{name} is not a(n) {title}")
        elif name == "name" and not is_bucket_name(str(members[name])):
            wrong.append("name is not a valid bucket name")
    if wrong:
        raise Refusal(400, ", ".join(wrong))


def _shown(call: Call, bucket: Bucket) -> dict[str, JsonValue]:
    settings = call.instance.settings
    return {
        "id": shown_id(bucket.id, settings),
        "name": bucket.name,
        "creationDate": shown(bucket.created, settings),
        "versioningStatus": call.instance.buckets.versioning(bucket.name),
    }


ROUTES: Final = (
    Route("GET", "/buckets", "listBuckets", list_buckets),
    Route("POST", "/buckets", "createBucket", create_bucket, write=True),
    Route("DELETE", "/buckets/{bucketName}", "deleteBucket", delete_bucket, write=True),
    Route("GET", "/buckets/{bucketName}/versioning", "getBucketVersioning", get_versioning),
    Route("PUT", "/buckets/{bucketName}/versioning", "setBucketVersioning", set_versioning, write=True),
)
