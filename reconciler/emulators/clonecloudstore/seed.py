"""Data for sites that should not start empty: a client with buckets and objects at the first site that no other has."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.emulators.clonecloudstore import moment, wire
from reconciler.emulators.clonecloudstore.records import Bucket, Object, Status, Topology
from reconciler.emulators.clonecloudstore.site import Site

CLIENT: Final = "client1"
#: Somebody else, with a bucket of the same site.
OTHER: Final = "client2"


@dataclass(frozen=True, slots=True)
class Seeded:
    """One object. A status other than READY has no bytes."""

    content: bytes
    status: Status = "READY"
    metadata: Mapping[str, str] = field(default_factory=dict)


#: Objects by bucket, at the first site.
BUCKETS: Final[Mapping[str, Mapping[str, Seeded]]] = {
    "invoices": {
        **{f"2026/{number:02}.pdf": Seeded(bytes([number]) * 4096) for number in range(1, 7)},
        "readme.txt": Seeded(b"invoices, one a month\n", metadata={"kind": "note", "lang": "en"}),
        "2025/12.pdf": Seeded(b"", "DELETED"),
    },
    "scans": {
        "inbox/a-1.tif": Seeded(b"II*\x00" + bytes(range(256)) * 64),
        "inbox/a-2.tif": Seeded(b"II*\x00" + bytes(reversed(range(256))) * 64),
        "broken/a-3.tif": Seeded(b"", "ERR_UPL"),
    },
    "empty": {},
}


def seed(sites: Sequence[Site]) -> None:
    """Fill the first site; there is also a bucket of somebody else. Nothing is ordered."""
    first = sites[0]
    for name, found in BUCKETS.items():
        _bucket(first, name, CLIENT)
        for key, one in found.items():
            _object(first, name, key, one)
    _bucket(first, "others", OTHER)
    _object(first, "others", "private.bin", Seeded(b"not for everybody\n"))


def introduce(sites: Sequence[Site], urls: Mapping[str, str]) -> None:
    """Make every site know every other one as UP, by its replicator's URL."""
    for here in sites:
        for there in sites:
            if here is not there:
                with here.database.lock:
                    here.database.topologies[there.name] = Topology(there.name, there.name, urls[there.name], "UP")
        here.directory.forget()


def _bucket(site: Site, name: str, client: str) -> None:
    now = moment.now_ms(site.clock.now())
    site.database.buckets[name] = Bucket(name, client, site.name, now, "READY")
    site.database.rights[client, name] = "OWNER"
    site.storage.make_bucket(name)


def _object(site: Site, bucket: str, name: str, one: Seeded) -> None:
    site.database.objects[bucket, name] = Object(
        uuid.uuid4().hex, site.name, bucket, name, one.status, moment.now_ms(site.clock.now()),
        wire.digest(one.content) if one.content else None, len(one.content), None, one.metadata,
    )  # fmt: skip
    if one.status == "READY":
        site.storage.write((bucket, name), one.content)
