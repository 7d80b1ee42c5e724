"""What an accessor does with objects. Source: CloneCloudStore's AccessorObjectService and its stream handlers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.emulators.clonecloudstore import moment, wire
from reconciler.emulators.clonecloudstore.database import Key
from reconciler.emulators.clonecloudstore.peer import Fetched, Who
from reconciler.emulators.clonecloudstore.records import Kind, Object, Order
from reconciler.emulators.clonecloudstore.refusal import Refusal
from reconciler.emulators.clonecloudstore.switches import take
from reconciler.emulators.clonecloudstore.views import Rights

if TYPE_CHECKING:
    from reconciler.emulators.clonecloudstore.site import Site


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client sent. A hash that comes with it is believed; the size that counts is that of ``content``."""

    bucket: str
    name: str
    content: bytes
    hash: str | None = None
    size: int = 0
    expires: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.bucket, self.name


def check(site: Site, key: Key, who: Who, *, full: bool, public: bool) -> Kind:
    """OBJECT, or DIRECTORY where READY names begin so. ``Refusal`` (404) without the right to read."""
    with site.database.lock:
        row = site.database.objects.get(key)
        found: Kind = "OBJECT" if row is not None and row.status == "READY" else "NONE"
        if found == "NONE" and any(site.database.ready(*key)):
            found = "DIRECTORY"
    if found == "NONE":
        return _elsewhere(site, key, who) if public else "NONE"
    _demand(site.rights, who.client, key[0], "READ", 404)
    return site.storage.kind(key) if full and found == "OBJECT" else found


def info(site: Site, key: Key, who: Who) -> Object:
    """The row, whatever its status."""
    with site.database.lock:
        row = site.database.objects.get(key)
    if row is None:
        raise Refusal(404, f"Bucket: {key[0]} Object: {key[1]} not found")
    _demand(site.rights, who.client, key[0], "READ", 404)
    return row


def read(site: Site, key: Key, who: Who, *, public: bool) -> Fetched:
    """Row and bytes, which must both be there; or those of another site, where that may be asked."""
    with site.database.lock:
        row, content = site.database.objects.get(key), site.storage.read(key)
    if row is None or row.status != "READY" or content is None:
        return _read_elsewhere(site, key, who, public=public)
    _demand(site.rights, who.client, key[0], "READ", 404)
    return Fetched(row, content)


def _read_elsewhere(site: Site, key: Key, who: Who, *, public: bool) -> Fetched:
    """Sites that cannot be asked have nothing."""
    if not (public and site.settings.remote_read):
        raise Refusal(404, "Object not found")
    try:
        found = site.local.find_object(*key, who, None)
        fetched = None if found is None else site.local.read(*key, who, found.id)
    except Refusal as refusal:
        raise Refusal(404, "Object not found") from refusal
    if found is None or fetched is None:
        raise Refusal(404, "Object not found")
    made = fetched.row
    site.repair(Order(who.operation, found.id, site.name, who.client, *key, made.size, made.hash, "CREATE"))
    return fetched


def create(site: Site, sent: Upload, client: str | None) -> Object:
    """``Refusal``: 404 without a READY bucket, 403, 406 while it is UPLOAD, 409 for any other status but DELETED, 500.

    Nothing at all cannot be stored: the server waits for bytes until it gives up, and the row is ERR_UPL for good.
    """
    with site.database.lock:
        _demand_bucket(site, sent.bucket)
        _demand(site.rights, client, sent.bucket, "WRITE", 403)
        begin(site, sent)
    if not sent.content or take(site.board, "fail_next_writes"):
        if site.rights.allow(client, sent.bucket, "READ"):
            # The handler looks at the row as the client may; who cannot read leaves it UPLOAD.
            site.database.set_object(sent.key, "ERR_UPL")
        raise Refusal(500, "Time out during upload")
    found = sent.hash or (wire.digest(sent.content) if site.settings.compute_hash else None)
    with site.database.lock:
        site.storage.write(sent.key, sent.content)
        row = replace(site.database.objects[sent.key], status="READY", hash=found, size=len(sent.content))
        site.database.objects[sent.key] = row
    return row


def begin(site: Site, sent: Upload) -> Object:
    """The row, in UPLOAD. A deleted one keeps its id, its metadata and when it expires."""
    with site.database.lock:
        row, now = site.database.objects.get(sent.key), moment.now_ms(site.clock.now())
        if row is None:
            row = Object(
                uuid.uuid4().hex, site.name, *sent.key, "UPLOAD", now,
                expires=sent.expires, metadata=dict(sent.metadata),
            )  # fmt: skip
        elif row.status == "UPLOAD":
            raise Refusal(406, f"Bucket: {sent.bucket} Object: {sent.name} already in creation, Status: {row.status}")
        elif row.status != "DELETED":
            raise Refusal(409, f"Bucket: {sent.bucket} Object: {sent.name} Status: {row.status}")
        elif not (sent.hash or sent.size):
            site.database.objects[sent.key] = row = replace(row, status="UPLOAD", creation=now)
            return row
        made = replace(row, status="UPLOAD", hash=sent.hash, size=sent.size, creation=now)
        site.database.objects[sent.key] = made
        return made


def delete(site: Site, key: Key, client: str | None, rights: Rights) -> None:
    """``Refusal``: 404, 403, 410 when it is deleted already, and 500 from any status but READY."""
    with site.database.lock:
        row = site.database.objects.get(key)
        if row is None:
            raise Refusal(404, f"Bucket: {key[0]} Object: {key[1]} Status: UNKNOWN")
        _demand(rights, client, key[0], "DELETE", 403)
        if row.status != "READY":
            status = 410 if row.status == "DELETED" else 500
            raise Refusal(status, f"Bucket: {key[0]} Object: {key[1]} Status: {row.status}")
        site.database.set_object(key, "DELETING")
        if take(site.board, "fail_next_deletes"):
            site.database.set_object(key, "ERR_DEL")
            raise Refusal(500, f"Bucket: {key[0]} Object: {key[1]} Status: DELETING")
        site.storage.delete(key)
        site.database.set_object(key, "DELETED")


def demand_read(site: Site, client: str | None, bucket: str) -> None:
    """What a list needs; a bucket that is missing has no rights either."""
    _demand(site.rights, client, bucket, "READ", 403)


def _demand_bucket(site: Site, name: str) -> None:
    bucket = site.database.buckets.get(name)
    if bucket is None or bucket.status != "READY":
        raise Refusal(404, "Bucket does not exists")


def _demand(rights: Rights, client: str | None, bucket: str, right: str, status: int) -> None:
    if not rights.allow(client, bucket, right):
        raise Refusal(status, f"{right} not allowed")


def _elsewhere(site: Site, key: Key, who: Who) -> Kind:
    if not site.settings.remote_read:
        return "NONE"
    try:
        found = site.local.find_object(*key, who, None)
    except Refusal:
        return "NONE"
    if found is None:
        return "NONE"
    site.repair(Order(who.operation, found.id, site.name, who.client, *key, action="CREATE"))
    return "OBJECT"
