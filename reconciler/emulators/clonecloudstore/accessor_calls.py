"""The accessor's two APIs: the public one, whose changes go to other sites, and the internal one, which only reads.

Source: CloneCloudStore's AbstractPublicBucketHelper, AbstractPublicObjectHelper and AbstractObjectStreamHandler.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from reconciler.emulators.clonecloudstore import buckets, listing, moment, names, objects, wire
from reconciler.emulators.clonecloudstore.call import Answer, Call, Route
from reconciler.emulators.clonecloudstore.objects import Upload
from reconciler.emulators.clonecloudstore.records import Order
from reconciler.emulators.clonecloudstore.refusal import Refusal, streamed
from reconciler.emulators.message import Reply

T = TypeVar("T")

PUBLIC: Final = "/cloudclonestore"
INTERNAL: Final = "/ccs/internal"


def list_buckets(call: Call) -> Reply:
    return Reply.of_json(200, [bucket.shown() for bucket in buckets.listed(call.site, call.who.client or "")])


def check_bucket(call: Call, *, public: bool) -> Reply:
    full = not public and call.full_check
    return call.found(buckets.check(call.site, call.bucket, call.who, full=full, public=public))


def get_bucket(call: Call, *, public: bool) -> Reply:
    return Reply.of_json(200, buckets.get(call.site, call.bucket, call.who, public=public))


def create_bucket(call: Call) -> Reply:
    name, client = call.bucket, call.client
    made = buckets.create(call.site, name, client, call.site.rights)
    call.site.replicate(Order(call.operation, call.site.name, None, client, name, action="CREATE"))
    return call.changed(made.shown(), 201)


def delete_bucket(call: Call) -> Reply:
    name, client = call.bucket, call.client
    buckets.delete(call.site, name, client, call.site.rights)
    call.site.replicate(Order(call.operation, call.site.name, None, client, name, action="DELETE"))
    return Reply(204)


def list_objects(call: Call) -> Reply:
    """A PUT that reads: one object a line, in the order of their making. There are no pages."""
    name = call.bucket
    try:
        wanted = listing.of(call.request.header)
    except ValueError as error:
        raise _unreadable(call, error) from error
    with call.site.database.lock:
        known, rows = name in call.site.database.buckets, list(call.site.database.objects.values())
    if call.settings.documented and not known:
        raise Refusal(404, form="stream")
    _streaming(partial(objects.demand_read, call.site, call.client, name), call)
    lines = [json.dumps(row.shown()) for row in rows if row.bucket == name and wanted.passes(row)]
    return call.stream("".join(f"{line}\n" for line in lines).encode())


def check_object(call: Call, *, public: bool) -> Reply:
    full = not public and call.full_check
    return call.found(objects.check(call.site, call.key, call.who, full=full, public=public))


def get_object(call: Call, *, public: bool) -> Reply:
    """Bytes or row, by the type that is asked for."""
    key = call.key
    if call.names_type(wire.OCTETS):
        found = _streaming(partial(objects.read, call.site, key, call.who, public=public), call, key)
        return call.stream(found.content, wire.object_headers(found.row))
    if not call.accepts(wire.JSON):
        raise Refusal(406, form="bare")
    return Reply.of_json(200, objects.info(call.site, key, call.who).shown())


def create_object(call: Call) -> Reply:
    key, client = call.key, call.client
    sent = _upload(call, key)
    made = _streaming(partial(objects.create, call.site, sent, client), call, key)
    order = Order(call.operation, call.site.name, None, client, *key, made.size, made.hash, "CREATE")
    call.site.replicate(order)
    return Reply.of_json(201, made.shown())


def delete_object(call: Call) -> Reply:
    """204 too where it is deleted already; nothing is ordered then."""
    key, client = call.key, call.client
    try:
        objects.delete(call.site, key, client, call.site.rights)
    except Refusal as refusal:
        if refusal.status == 410:
            return Reply(204)
        raise
    call.site.replicate(Order(call.operation, call.site.name, None, client, *key, action="DELETE"))
    return Reply(204)


def _upload(call: Call, key: tuple[str, str]) -> Upload:
    header = call.request.header
    call.demand_type(wire.OCTETS)
    try:
        expires = header(f"{wire.PREFIX}expires")
        metadata = wire.metadata_of(header(f"{wire.PREFIX}metadata"))
        names.check_metadata(metadata)
        packed = wire.names_zstd(header("Content-Encoding"))
        content = wire.decompressed(call.request.body) if packed else call.request.body
        return Upload(
            *key, content,
            hash=header(f"{wire.PREFIX}hash") or None,
            size=max(int(header(f"{wire.PREFIX}size") or 0), 0) or len(call.request.body),
            expires=moment.parse(expires) if expires else None,
            metadata=metadata,
        )  # fmt: skip
    except ValueError as error:
        raise _unreadable(call, error) from error


def _unreadable(call: Call, error: ValueError) -> Refusal:
    return call.invalid(f"Invalid Argument: {error}")


def _streaming(do: Callable[[], T], call: Call, key: tuple[str, str] | None = None) -> T:
    """As a stream says no: without a text, but with the headers of the object that was asked for."""
    try:
        return do()
    except Refusal as refusal:
        headers = () if key is None else wire.asked_headers(call.site.name, *key)
        raise streamed(refusal, headers) from refusal


def _reads(base: str, prefix: str, *, public: bool) -> tuple[Route, ...]:
    def name(text: str) -> str:
        return text if public else prefix + text[0].upper() + text[1:]

    def told(answer: Callable[..., Reply]) -> Answer:
        return partial(answer, public=public)

    bucket, thing = f"{base}/{{bucketName}}", f"{base}/{{bucketName}}/{{objectName}}"
    return (
        Route("GET", base, name("listBuckets"), list_buckets),
        Route("HEAD", bucket, name("checkBucket"), told(check_bucket)),
        Route("GET", bucket, name("getBucket"), told(get_bucket)),
        Route("PUT", bucket, name("listObjects"), list_objects),
        Route("HEAD", thing, name("checkObject"), told(check_object)),
        Route("GET", thing, name("getObject"), told(get_object)),
    )


_BUCKET, _OBJECT = f"{PUBLIC}/{{bucketName}}", f"{PUBLIC}/{{bucketName}}/{{objectName}}"

PUBLIC_ROUTES: Final = (
    *_reads(PUBLIC, "", public=True),
    Route("POST", _BUCKET, "createBucket", create_bucket, write=True),
    Route("DELETE", _BUCKET, "deleteBucket", delete_bucket, write=True),
    Route("POST", _OBJECT, "createObject", create_object, write=True),
    Route("DELETE", _OBJECT, "deleteObject", delete_object, write=True),
)

INTERNAL_ROUTES: Final = _reads(INTERNAL, "internal", public=False)
