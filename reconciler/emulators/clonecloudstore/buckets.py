"""What an accessor does with buckets. Source: CloneCloudStore's AccessorBucketService and RequestActionService."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from reconciler.emulators.clonecloudstore import moment, names
from reconciler.emulators.clonecloudstore.peer import Who
from reconciler.emulators.clonecloudstore.records import Bucket, Kind, Order
from reconciler.emulators.clonecloudstore.refusal import Refusal
from reconciler.emulators.clonecloudstore.switches import take
from reconciler.emulators.clonecloudstore.views import Rights
from reconciler.emulators.message import JsonValue

if TYPE_CHECKING:
    from reconciler.emulators.clonecloudstore.site import Site


def listed(site: Site, client: str) -> list[Bucket]:
    """Those of a client, whatever their status."""
    with site.database.lock:
        return [bucket for bucket in site.database.buckets.values() if bucket.client == client]


def check(site: Site, name: str, who: Who, *, full: bool, public: bool) -> Kind:
    """READY, or at another site where that may be asked and there is no row at all."""
    with site.database.lock:
        row = site.database.buckets.get(name)
    if row is None and public and site.settings.remote_read:
        return _elsewhere(site, name, who)
    if row is None or row.status != "READY":
        return "NONE"
    return "BUCKET" if not full or site.storage.has_bucket(name) else "NONE"


def get(site: Site, name: str, who: Who, *, public: bool) -> dict[str, JsonValue]:
    """The bucket as JSON. ``Refusal``: 404, 410 for a deleted one, 500 for one that is in between or in error."""
    with site.database.lock:
        row = site.database.buckets.get(name)
    if row is None:
        if public and site.settings.remote_read:
            try:
                found, topology = site.local.bucket(name, who, None)
                site.repair(Order(who.operation, topology.id, site.name, who.client, name, action="CREATE"))
                return dict(cast("Mapping[str, JsonValue]", found))
            except Refusal:
                pass
        raise Refusal(404, f"Bucket {name} doesn't exist")
    if row.status == "DELETED":
        raise Refusal(410, f"Bucket {name}is deleted")
    if row.status != "READY":
        raise Refusal(500, f"Bucket {name} status {row.status}")
    return row.shown()


def create(site: Site, name: str, client: str, rights: Rights, *, ordered: bool = False) -> Bucket:
    """Make a bucket, or a deleted one again. ``Refusal``: 409, and 500 where the storage does not take it.

    A deleted bucket that is made again by an order stays with the client that it had.
    """
    with site.database.lock:
        row = site.database.buckets.get(name)
        if row is not None and row.status != "DELETED":
            raise Refusal(409, f"Bucket {name} already exist")
        now = moment.now_ms(site.clock.now())
        if row is None:
            row = Bucket(name, client, site.name, now, "UPLOAD")
        elif not ordered:
            row = replace(row, client=client)
        site.database.buckets[name] = row = replace(row, status="UPLOAD", creation=now)
        try:
            names.check_bucket(row.client)
        except names.BadName as error:
            # Thrown between the row and the storage: nobody sets the row's status any more.
            raise Refusal(500, "Invalid input") from error
        rights.own(row.client, name)
        if take(site.board, "fail_next_writes"):
            site.database.set_bucket(name, "ERR_UPL")
            raise Refusal(500, "the storage driver failed")
        site.storage.make_bucket(name)
        return site.database.set_bucket(name, "READY")


def delete(site: Site, name: str, client: str, rights: Rights) -> None:
    """``Refusal``: 404, 403, 406 with READY objects in it, 410 when it is deleted already, and 500.

    What is left of an object that failed is in the way of the storage driver: the bucket is then ERR_DEL for good.
    """
    with site.database.lock:
        row = site.database.buckets.get(name)
        if row is None:
            raise Refusal(404, f"Bucket {name} doesn't exist")
        if row.status == "DELETED":
            raise Refusal(410, f"Bucket {name} is already deleted")
        if row.status != "READY":
            raise Refusal(500, f"Bucket Status {row.status}")
        if row.client != client:
            raise Refusal(403, f"Bucket {name} is not owned by current client")
        if any(site.database.ready(name)):
            raise Refusal(406, "Bucket is not empty")
        site.database.set_bucket(name, "DELETING")
        rights.drop(name)
        if take(site.board, "fail_next_deletes") or not site.storage.drop_bucket(name):
            site.database.set_bucket(name, "ERR_DEL")
            raise Refusal(500, "the storage driver failed")
        site.database.set_bucket(name, "DELETED")


def _elsewhere(site: Site, name: str, who: Who) -> Kind:
    try:
        found = site.local.find_bucket(name, who, None)
    except Refusal:
        return "NONE"
    if found is None:
        return "NONE"
    site.repair(Order(who.operation, found.id, site.name, who.client, name, action="CREATE"))
    return "BUCKET"
