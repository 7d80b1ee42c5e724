"""Rows and orders as the services write them. The only place with the names of JSON members.

Source: CloneCloudStore 0.8.0, AccessorBucket, AccessorObject, Topology, ClientBucketAccess, ReplicatorOrder.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from reconciler.model.value import Json

__all__ = [
    "BUCKET", "BUCKETS", "CREATE", "DEAD", "DELETE", "DELETE_BIT", "DOWN", "KNOWN", "OBJECT", "OWNER", "READ", "READY",
    "READ_BIT", "READ_WRITE", "RIGHT", "RIGHTS", "TOPOLOGIES", "TOPOLOGY", "UP", "WRITE_BIT", "BucketRow", "Listed",
    "ObjectRow", "Order", "RightRow", "Topology", "bits",
]  # fmt: skip

UP, DOWN, KNOWN = "UP", "DOWN", "UNKNOWN"
"""States of a site in another's list. KNOWN is one that orders are not sent to and objects can be fetched from: what
the server calls a site whose status was left out. Source: Topology, TopologyStatus; LocalReplicatorService."""
READY = "READY"
DEAD: Final = frozenset({"ERR_UPL", "ERR_DEL"})
"""Statuses that no call leads out of. Source: AccessorBucketService, AccessorObjectService, RequestActionService."""
CREATE, DELETE = "CREATE", "DELETE"
OWNER, READ, READ_WRITE = "OWNER", "READ", "READ_WRITE"
READ_BIT, WRITE_BIT, DELETE_BIT = 1, 2, 4
_BITS = {
    READ: 1, "WRITE": 2, READ_WRITE: 3, "DELETE": 4, "DELETE_READ": 5, "DELETE_WRITE": 6, OWNER: 7,
}  # fmt: skip


def bits(right: str | None) -> int:
    """Return rights as a sum of 1 (read), 2 (write) and 4 (delete); 0 for none and for a word that nobody knows."""
    return _BITS.get(right or "", 0)


class _Wire(BaseModel):
    # A newer release may add members: what is not needed is not read.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


_Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class Topology(_Wire):
    """Another site in a site's list. `uri` is its replicator."""

    id: str
    name: _Text = ""
    uri: _Text = ""
    status: Annotated[str, BeforeValidator(lambda value: KNOWN if value is None else value)] = KNOWN

    def sent(self) -> dict[str, Json]:
        """Return the body that makes it so."""
        return {"id": self.id, "name": self.name, "uri": self.uri, "status": self.status}


class BucketRow(_Wire):
    """A bucket, whatever its status."""

    id: str
    client: str = Field(default="", validation_alias="clientId")
    status: _Text = ""


class RightRow(_Wire):
    """What a client may do with a bucket at one site."""

    bucket: str
    ownership: str


class ObjectRow(_Wire):
    """An object's row, whatever its status. `hash` is base32hex, and believed by the server where a client gave it."""

    name: str
    status: str
    size: int = 0
    hash: str | None = None
    creation: datetime | None = None
    metadata: dict[str, str] | None = None

    def listed(self) -> "Listed":
        """Return what is kept of it while lists are held against each other."""
        return Listed(self.name, self.status, self.size, self.hash)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a row says of an object's content. Lists are read whole: this takes a sixth of a row's memory."""

    name: str
    status: str
    size: int
    hash: str | None

    def same_content(self, other: "Listed") -> bool:
        """Say whether both rows tell of the same content, as far as they tell: hashes where both have one."""
        if self.hash and other.hash:
            return self.hash == other.hash and self.size == other.size
        return self.size == other.size


class Order(_Wire):
    """Something that a site is to do: fetch what `from_site` has, or delete its own. Without an object: the bucket."""

    from_site: str
    to_site: str
    client: str
    bucket: str
    action: str
    object: str | None = None
    size: int = 0
    hash: str | None = None

    def sent(self, operation: str) -> dict[str, Json]:
        """Return it as the replicator takes it."""
        return {
            "opId": operation,
            "fromSite": self.from_site,
            "toSite": self.to_site,
            "clientId": self.client,
            "bucketName": self.bucket,
            "objectName": self.object,
            "size": self.size,
            "hash": self.hash,
            "action": self.action,
        }


TOPOLOGY: TypeAdapter[Topology] = TypeAdapter(Topology)
TOPOLOGIES: TypeAdapter[list[Topology]] = TypeAdapter(list[Topology])
BUCKET: TypeAdapter[BucketRow] = TypeAdapter(BucketRow)
BUCKETS: TypeAdapter[list[BucketRow]] = TypeAdapter(list[BucketRow])
RIGHTS: TypeAdapter[list[RightRow]] = TypeAdapter(list[RightRow])
RIGHT: TypeAdapter[str] = TypeAdapter(str)
OBJECT: TypeAdapter[ObjectRow] = TypeAdapter(ObjectRow)
