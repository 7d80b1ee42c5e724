"""What a site keeps, as values: buckets, objects, topologies, and orders; and how each is written as JSON.

Source: CloneCloudStore's AccessorBucket, AccessorObject, AccessorStatus, Topology and ReplicatorOrder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from reconciler.emulators.clonecloudstore.moment import shown
from reconciler.emulators.message import JsonValue

Status = Literal["UNKNOWN", "UPLOAD", "READY", "ERR_UPL", "DELETING", "DELETED", "ERR_DEL"]
STATUSES: Final[tuple[Status, ...]] = ("UNKNOWN", "UPLOAD", "READY", "ERR_UPL", "DELETING", "DELETED", "ERR_DEL")

Kind = Literal["NONE", "BUCKET", "DIRECTORY", "OBJECT"]
KINDS: Final[tuple[Kind, ...]] = ("NONE", "BUCKET", "DIRECTORY", "OBJECT")

TopologyStatus = Literal["UP", "DOWN", "DELETED", "UNKNOWN"]
TOPOLOGY_STATUSES: Final[tuple[TopologyStatus, ...]] = ("UP", "DOWN", "DELETED", "UNKNOWN")

Action = Literal["CREATE", "UPDATE", "DELETE", "UNKNOWN"]
ACTIONS: Final[tuple[Action, ...]] = ("CREATE", "UPDATE", "DELETE", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket's row. There is one name space for all clients of a site."""

    id: str
    client: str
    site: str
    creation: datetime
    status: Status
    expires: datetime | None = None

    def shown(self) -> dict[str, JsonValue]:
        return {
            "id": self.id,
            "clientId": self.client,
            "site": self.site,
            "creation": shown(self.creation),
            "expires": _moment(self.expires),
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class Object:
    """An object's row; its bytes are the storage driver's, and may be missing or other ones."""

    id: str
    site: str
    bucket: str
    name: str
    status: Status
    creation: datetime
    hash: str | None = None
    size: int = 0
    expires: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, JsonValue]:
        return {
            "id": self.id,
            "site": self.site,
            "bucket": self.bucket,
            "name": self.name,
            "hash": self.hash,
            "status": self.status,
            "creation": shown(self.creation),
            "expires": _moment(self.expires),
            "size": self.size,
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True, slots=True)
class Topology:
    """Another site, as this one knows it. ``uri`` is its replicator."""

    id: str
    name: str
    uri: str
    status: TopologyStatus

    def shown(self) -> dict[str, JsonValue]:
        return {"id": self.id, "name": self.name, "uri": self.uri, "status": self.status}


@dataclass(frozen=True, slots=True)
class Order:
    """Something that a site is to do. Nothing in it was looked at when it was taken in, but for its JSON types.

    Without an object name it is about the bucket.
    """

    op_id: str | None = None
    from_site: str | None = None
    to_site: str | None = None
    client: str | None = None
    bucket: str | None = None
    object: str | None = None
    size: int = 0
    hash: str | None = None
    action: Action | None = None

    def shown(self) -> dict[str, JsonValue]:
        return {
            "opId": self.op_id,
            "fromSite": self.from_site,
            "toSite": self.to_site,
            "clientId": self.client,
            "bucketName": self.bucket,
            "objectName": self.object,
            "size": self.size,
            "hash": self.hash,
            "action": self.action,
        }


#: Rights of a client on a bucket, as bits.
RIGHTS: Final[Mapping[str, int]] = {
    "UNKNOWN": 0,
    "READ": 1,
    "WRITE": 2,
    "READ_WRITE": 3,
    "DELETE": 4,
    "DELETE_READ": 5,
    "DELETE_WRITE": 6,
    "OWNER": 7,
}
RIGHTS_BY_BITS: Final[Mapping[int, str]] = {bits: name for name, bits in RIGHTS.items()}


def includes(held: str, wanted: str) -> bool:
    """Whether a right is part of another; only UNKNOWN includes UNKNOWN."""
    if wanted == "UNKNOWN":
        return held == "UNKNOWN"
    return RIGHTS[held] & RIGHTS[wanted] == RIGHTS[wanted]


def fused(held: str, added: str) -> str:
    """Both together: an update never takes anything away."""
    return RIGHTS_BY_BITS[RIGHTS[held] | RIGHTS[added]]


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else shown(moment)
