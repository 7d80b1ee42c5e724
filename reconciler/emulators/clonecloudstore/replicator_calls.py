"""The replicator's two faces: ``/local`` asks other sites, ``/remote`` answers for this one and takes orders.

Source: CloneCloudStore's LocalReplicatorResource and RemoteReplicatorResource.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from reconciler.emulators.clonecloudstore import buckets, names, objects, wire
from reconciler.emulators.clonecloudstore.call import Call, Route
from reconciler.emulators.clonecloudstore.records import ACTIONS, Kind, Order, Topology
from reconciler.emulators.clonecloudstore.refusal import Refusal, streamed
from reconciler.emulators.message import Headers, JsonValue, Reply

LOCAL: Final = "/replicator/local"
REMOTE: Final = "/replicator/remote"

T = TypeVar("T")

_TEXTS: Final = ("opId", "fromSite", "toSite", "clientId", "bucketName", "objectName", "hash")


def local_check_bucket(call: Call) -> Reply:
    name = call.bucket
    return _elsewhere(
        call, "BUCKET", lambda: call.site.local.find_bucket(name, call.who, call.target, full=call.full_check)
    )


def local_check_object(call: Call) -> Reply:
    """Directories are found nowhere."""
    key = call.key
    return _elsewhere(
        call, "OBJECT", lambda: call.site.local.find_object(*key, call.who, call.target, full=call.full_check)
    )


def local_get_bucket(call: Call) -> Reply:
    name = call.bucket
    try:
        found, topology = call.site.local.bucket(name, call.who, call.target)
    except Refusal as refusal:
        kept = (404, 410) if call.settings.documented else (404,)
        raise Refusal(refusal.status if refusal.status in kept else 500, refusal.reason) from refusal
    if call.settings.local_bucket == "bare":
        return Reply.of_json(200, found)
    return Reply.of_json(200, {"response": found, "targetId": topology.id})


def local_read_object(call: Call) -> Reply:
    key = call.key
    _only_octets(call)
    found = _streaming(call, lambda: call.site.local.read(*key, call.who, call.target))
    return call.stream(found.content, wire.object_headers(found.row))


def remote_check_bucket(call: Call) -> Reply:
    name = call.bucket
    return _own(call, lambda: buckets.check(call.site, name, call.who, full=call.full_check, public=False))


def remote_check_object(call: Call) -> Reply:
    key = call.key
    _demand(call, key[0])
    return _own(call, lambda: objects.check(call.site, key, call.who, full=call.full_check, public=False))


def remote_get_bucket(call: Call) -> Reply:
    name = call.bucket
    try:
        return Reply.of_json(200, buckets.get(call.site, name, call.who, public=False))
    except Refusal as refusal:
        if refusal.status == 404:
            missing = call.settings.remote_missing_bucket
            raise Refusal(missing, refusal.reason, form="told" if missing == 404 else "bare") from refusal
        if call.settings.documented:
            raise
        raise Refusal(500, refusal.reason) from refusal


def remote_read_object(call: Call) -> Reply:
    key = call.key
    _only_octets(call)
    _demand(call, key[0])
    found = _streaming(call, lambda: objects.read(call.site, key, call.who, public=False))
    return call.stream(found.content, wire.object_headers(found.row))


def create_order(call: Call) -> Reply:
    """Taken in and not looked at."""
    return _taken(call, [_order(_json(call))])


def create_orders(call: Call) -> Reply:
    sent = _json(call)
    if not isinstance(sent, list):
        raise Refusal(400, form="bare")
    return _taken(call, [_order(one) for one in sent])


def _taken(call: Call, orders: list[Order]) -> Reply:
    for order in orders:
        if call.settings.documented:
            _check(call, order)
        call.site.actions.emit(order)
    return Reply(201)


def _check(call: Call, order: Order) -> None:
    """What the documents say of orders, and the source does not do."""
    try:
        names.check_bucket(order.bucket or "")
    except names.BadName as error:
        raise Refusal(400, str(error)) from error
    who = call.who
    exists = buckets.check(call.site, order.bucket or "", who, full=False, public=False) == "BUCKET"
    if order.action == "CREATE" and not order.object and exists:
        raise Refusal(409, f"Bucket {order.bucket} already exist")


def _json(call: Call) -> JsonValue:
    call.demand_type(wire.JSON)
    try:
        return call.request.json()
    except ValueError as error:
        raise Refusal(400, form="bare") from error


def _order(sent: JsonValue) -> Order:
    """Members that are not known are not looked at; those that are must have their type, or be null."""
    if not isinstance(sent, dict):
        raise Refusal(400, form="bare")
    texts = [sent.get(name) for name in _TEXTS]
    size, action = sent.get("size"), sent.get("action")
    whole = isinstance(size, int) and not isinstance(size, bool)
    if any(isinstance(text, list | dict) for text in texts) or not (size is None or whole):
        raise Refusal(400, form="bare")
    known = next((one for one in ACTIONS if one == action), None)
    if action is not None and known is None:
        raise Refusal(400, form="bare")
    op, origin, to, client, bucket, name, digest = (None if text is None else str(text) for text in texts)
    return Order(op, origin, to, client, bucket, name, size if isinstance(size, int) else 0, digest, known)


def _elsewhere(call: Call, kind: Kind, find: Callable[[], Topology | None]) -> Reply:
    try:
        found = find()
    except Refusal as refusal:
        return Reply(500 if refusal.status != 404 else 404, ((wire.TYPE, "NONE"),))
    headers: Headers = () if found is None else ((wire.TARGET, found.id),)
    return call.found("NONE" if found is None else kind, headers)


def _own(call: Call, check: Callable[[], Kind]) -> Reply:
    try:
        return call.found(check())
    except Refusal as refusal:
        return Reply(404 if refusal.status == 404 else 500, ((wire.TYPE, "NONE"),))


def _demand(call: Call, bucket: str) -> None:
    """Documented as 403; the source has the accessor say 404."""
    if call.settings.documented and call.site.storage.has_bucket(bucket):
        objects.demand_read(call.site, call.who.client, bucket)


def _only_octets(call: Call) -> None:
    if not call.accepts(wire.OCTETS):
        raise Refusal(406, form="bare")


def _streaming(call: Call, do: Callable[[], T]) -> T:
    try:
        return do()
    except Refusal as refusal:
        told = {wire.CLIENT: call.who.client, wire.TARGET: call.target}
        raise streamed(refusal, tuple((name, value) for name, value in told.items() if value)) from refusal


_BUCKET, _OBJECT = "/buckets/{bucketName}", "/buckets/{bucketName}/{objectName}"

ROUTES: Final = (
    Route("HEAD", LOCAL + _BUCKET, "localCheckBucket", local_check_bucket),
    Route("GET", LOCAL + _BUCKET, "localGetBucket", local_get_bucket),
    Route("HEAD", LOCAL + _OBJECT, "localCheckObject", local_check_object),
    Route("GET", LOCAL + _OBJECT, "localReadObject", local_read_object),
    Route("HEAD", REMOTE + _BUCKET, "remoteCheckBucket", remote_check_bucket),
    Route("GET", REMOTE + _BUCKET, "remoteGetBucket", remote_get_bucket),
    Route("HEAD", REMOTE + _OBJECT, "remoteCheckObject", remote_check_object),
    Route("GET", REMOTE + _OBJECT, "remoteReadObject", remote_read_object),
    Route("POST", f"{REMOTE}/orders", "createOrder", create_order, write=True, client=False),
    Route("POST", f"{REMOTE}/orders/multiple", "createOrders", create_orders, write=True, client=False),
)
