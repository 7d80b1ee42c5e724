"""Objects over the JSON API, as the console uses it. Source: Alarik's InternalBucketController and ObjectMeta."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final
from urllib.parse import quote, urlencode

from moto.s3.models import FakeKey

from reconciler.emulators.alarik.buckets import STORE_REGION
from reconciler.emulators.alarik.call import Call, Route
from reconciler.emulators.alarik.moment import shown
from reconciler.emulators.alarik.refusal import Refusal, answer
from reconciler.emulators.message import Headers, JsonValue, Reply, Request
from reconciler.emulators.s3 import objects
from reconciler.emulators.s3.store import Version

_PAGE_SIZE: Final = 100
_MOST_TAGS: Final = 10


@dataclass(frozen=True, slots=True)
class _Place:
    """What of which bucket a call is about; the bucket is the caller's own."""

    call: Call
    bucket: str
    key: str

    def versions(self) -> list[Version]:
        """Oldest first."""
        store = self.call.instance.store
        found = store.bucket(self.bucket)
        return [] if found is None else store.versions(found, self.key)

    def current(self) -> FakeKey:
        versions = self.versions()
        if not versions or not isinstance(versions[-1], FakeKey):
            raise Refusal(404, "Object not found")
        return versions[-1]

    def write(self, name: str, headers: Headers = (), body: bytes = b"", version: str | None = None) -> None:
        """Do to the object what the S3 call of this name does, replication included."""
        if not self.key:
            # Without a key the S3 call would be one about the bucket.
            raise Refusal(404, "Object not found")
        method = "DELETE" if name == "DeleteObject" else "PUT"
        query = "" if version is None else urlencode({"versionId": version})
        request = Request(method, f"/{quote(self.bucket)}/{quote(self.key)}", query, headers, body)
        instance = self.call.instance
        with instance.store.lock:
            reply, changes = objects.write(
                instance.store, objects.ObjectCall(name, self.bucket, self.key, request, STORE_REGION)
            )
        if reply.status >= 300:
            raise Refusal(500)
        if version is None:
            for change in changes:
                instance.follow(self.bucket, change, deleted=name == "DeleteObject")


def list_objects(call: Call) -> Reply:
    """One level of folders, or with ``search`` everything below the prefix."""
    bucket = _place(call, keyed=False).bucket
    search = call.request.params.get("search", "").strip().lower()
    prefix = call.request.params.get("prefix", "")
    delimiter = "" if search else call.request.params.get("delimiter", "/")
    folders: set[str] = set()
    files: list[dict[str, JsonValue]] = []
    for version in _currents(call, bucket, prefix):
        rest = version.name[len(prefix) :]
        if delimiter and delimiter in rest:
            folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
        else:
            files.append(_shown(call, bucket, version, latest=True))
    items = [_folder(call, key) for key in sorted(folders)] + files
    return answer(call.page([item for item in items if search in str(item["key"]).lower()], _PAGE_SIZE))


def upload_object(call: Call) -> Reply:
    bucket = _place(call, keyed=False).bucket
    part = _form_file(call.request)
    place = _Place(call, bucket, call.request.params.get("prefix", "") + (part.get_filename() or ""))
    kind = part.get_content_type() if part["Content-Type"] else "application/octet-stream"
    body = part.get_payload(decode=True)
    place.write("PutObject", (("Content-Type", kind),), body if isinstance(body, bytes) else b"")
    return answer(_shown(call, bucket, place.current(), latest=True))


def delete_object(call: Call) -> Reply:
    """An object; or, where the key ends with a slash, every version of everything below it, for good."""
    place = _place(call)
    if not place.key.endswith("/"):
        place.write("DeleteObject")
        return Reply(204)
    if not place.key.strip("/."):
        raise Refusal(500, "Invalid prefix for deletion")
    store = call.instance.store
    with store.lock:
        found = store.bucket(place.bucket)
        if found is None:
            raise Refusal(404, "Bucket not found")
        gone: list[tuple[str, str]] = []
        for key in sorted(key for key in found.keys if key.startswith(place.key)):
            gone += [(key, str(version.version_id)) for version in store.versions(found, key)]
            store.replace_versions(found, key, [])
    versioned = call.instance.buckets.versioning(place.bucket) != "Disabled"
    for key, version in gone:
        call.instance.replication.deleted(place.bucket, key, version if versioned else None)
    return Reply(204)


def list_versions(call: Call) -> Reply:
    place = _place(call)
    newest = list(reversed(place.versions()))
    return answer([_shown(call, place.bucket, version, latest=version is newest[0]) for version in newest])


def delete_version(call: Call) -> Reply:
    place = _place(call)
    place.write("DeleteObject", version=call.parameter("versionId"))
    return Reply(204)


def get_tags(call: Call) -> Reply:
    tags: dict[str, JsonValue] = dict(call.instance.store.tags(_place(call).current()))
    return answer({"tags": tags})


def set_tags(call: Call) -> Reply:
    """Of the current version, in place. Not replicated."""
    call.identify()
    tags = call.body().texts_by_name("tags")
    if len(tags) > _MOST_TAGS:
        raise Refusal(400, f"Object tags cannot be greater than {_MOST_TAGS}.")
    call.instance.store.set_tags(_place(call).current(), tags)
    shown_tags: dict[str, JsonValue] = dict(tags)
    return answer({"tags": shown_tags})


def delete_tags(call: Call) -> Reply:
    call.instance.store.set_tags(_place(call).current(), {})
    return Reply(204)


def get_metadata(call: Call) -> Reply:
    current = _place(call).current()
    return answer(_metadata(current.metadata))


def set_metadata(call: Call) -> Reply:
    """Of the current version, in place. Not replicated."""
    call.identify()
    sent = call.body()
    kind, members = sent.text("contentType"), sent.texts_by_name("metadata")
    if not kind.strip():
        raise Refusal(400, "Content-Type cannot be empty.")
    current = _place(call).current()
    made = {f"x-amz-meta-{name.lower()}": value for name, value in members.items()}
    current.set_metadata({"content-type": kind, **made}, replace=True)
    return answer(_metadata(current.metadata))


def _place(call: Call, *, keyed: bool = True) -> _Place:
    user = call.user
    missing = {name for name in ("bucket", *(("key",) if keyed else ())) if name not in call.request.params}
    if missing:
        both = call.request.path.endswith(("/tags", "/metadata"))
        name = "'bucket' or 'key'" if both else "'bucket'" if "bucket" in missing else "'key'"
        raise Refusal(400, f"Missing {name} query parameter")
    bucket = call.instance.buckets.owned(call.request.params["bucket"], user)
    return _Place(call, bucket.name, call.request.params.get("key", ""))


def _currents(call: Call, bucket: str, prefix: str) -> list[FakeKey]:
    store = call.instance.store
    with store.lock:
        found = store.bucket(bucket)
        if found is None:
            return []
        latest = [store.versions(found, key)[-1] for key in sorted(found.keys) if key.startswith(prefix)]
    return [version for version in latest if isinstance(version, FakeKey)]


def _form_file(request: Request) -> Message:
    """The file of a multipart form. ``Refusal`` (400) if there is none."""
    head = f"Content-Type: {request.header('Content-Type') or ''}\r\n\r\n".encode("latin-1", "replace")
    form = BytesParser(policy=HTTP).parsebytes(head + request.body)
    for part in form.iter_parts() if form.is_multipart() else ():
        if part.get_filename():
            return part
    raise Refusal(400, "No file was uploaded.")


def _shown(call: Call, bucket: str, version: Version, *, latest: bool) -> dict[str, JsonValue]:
    file = version if isinstance(version, FakeKey) else None
    versioned = call.instance.buckets.versioning(bucket) != "Disabled"
    own: dict[str, JsonValue] = {"versionId": str(version.version_id)} if versioned else {}
    return {
        "key": version.name,
        "size": 0 if file is None else file.size,
        "contentType": "" if file is None else str(file.metadata.get("Content-Type", "")),
        "etag": "" if file is None else file.etag.strip('"'),
        "lastModified": shown(version.last_modified, call.instance.settings),
        "isFolder": False,
        **own,
        "isLatest": latest,
        "isDeleteMarker": file is None,
    }


def _folder(call: Call, key: str) -> dict[str, JsonValue]:
    return {
        "key": key,
        "size": 0,
        "contentType": "application/x-directory",
        "etag": "",
        "lastModified": shown(call.instance.clock.now(), call.instance.settings),
        "isFolder": True,
    }


def _metadata(kept: Mapping[str, str]) -> dict[str, JsonValue]:
    lower = {name.lower(): value for name, value in kept.items()}
    own: dict[str, JsonValue] = {
        name.removeprefix("x-amz-meta-"): value for name, value in lower.items() if name.startswith("x-amz-meta-")
    }
    return {"contentType": lower.get("content-type", ""), "metadata": own}


ROUTES: Final = (
    Route("GET", "/objects", "listObjects", list_objects),
    Route("POST", "/objects", "uploadObject", upload_object, write=True, unbounded=True),
    Route("DELETE", "/objects", "deleteObject", delete_object, write=True),
    Route("GET", "/objects/versions", "listObjectVersions", list_versions),
    Route("DELETE", "/objects/version", "deleteObjectVersion", delete_version, write=True),
    Route("GET", "/objects/tags", "getObjectTags", get_tags),
    Route("PUT", "/objects/tags", "setObjectTags", set_tags, write=True),
    Route("DELETE", "/objects/tags", "deleteObjectTags", delete_tags, write=True),
    Route("GET", "/objects/metadata", "getObjectMetadata", get_metadata),
    Route("PUT", "/objects/metadata", "setObjectMetadata", set_metadata, write=True),
)
