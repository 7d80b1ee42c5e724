"""A site's accessor and administration, one method for each call, and its replicator.

Lists of objects are read with PUT, which changes nothing there; the accessor has no other PUT.
Source: CloneCloudStore 0.8.0, AbstractPublicBucketHelper, AbstractPublicObjectHelper, TopologyResource,
OwnershipResource, AccessorConstants.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO
from urllib.parse import quote

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import ProviderDoc
from reconciler.providers.base import Connection
from reconciler.providers.clonecloudstore.identity import config_of
from reconciler.providers.clonecloudstore.names import sanitised
from reconciler.providers.clonecloudstore.replicator import Replicator
from reconciler.providers.clonecloudstore.service import Service
from reconciler.providers.clonecloudstore.wire import (
    BUCKETS,
    OBJECT,
    RIGHT,
    RIGHTS,
    TOPOLOGIES,
    TOPOLOGY,
    ObjectRow,
    RightRow,
    Topology,
)
from reconciler.providers.http import Answer

__all__ = ["SiteClient"]

_PUBLIC, _INTERNAL = "/cloudclonestore", "/ccs/internal"
_TOPOLOGIES, _OWNERSHIPS = "/administration/topologies", "/administration/ownerships"
_PREFIX = "x-clonecloudstore-"
_JSON = {"Content-Type": "application/json"}
_OCTETS = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
_CHUNK = 256 * 1024


class SiteClient:
    """One site in the name of one client. Safe to use from several threads. Every method raises ProviderError and
    nothing else. Names must be ones that the server leaves as they are."""

    def __init__(self, connection: Connection, doc: ProviderDoc) -> None:
        config = config_of(doc.spec.config)
        self.config = config
        self.name = doc.name
        self.site = config.site
        self.client = config.client_id
        reads = frozenset({"PUT"})
        self._accessor = Service(connection, config, doc.name, config.accessor, read_methods=reads)
        self._internal = (
            Service(connection, config, doc.name, config.internal, read_methods=reads) if config.internal else None
        )
        self._administration = Service(connection, config, doc.name, config.administration)
        self._replicator = Service(connection, config, doc.name, config.replicator)
        self.replicator = Replicator(self._replicator)

    def refuse_write(self, operation: str) -> None:
        """Raise READ_ONLY for a `METHOD path` on a connection that may only read. Nothing has been sent then."""
        self._replicator.refuse_write("POST", operation)

    # Sites that this one knows --------------------------------------------------------------------------------

    def topologies(self) -> list[Topology]:
        """Read the list of other sites, whatever their status."""
        return self._administration.read(self._administration.ask("GET", _TOPOLOGIES), TOPOLOGIES)

    def topology(self, site: str) -> Topology | None:
        """Read another site's entry; None without one."""
        ask = self._administration.ask("GET", f"{_TOPOLOGIES}/{quote(site, safe='')}")
        return self._administration.read_if_there(ask, TOPOLOGY)

    def add_topology(self, topology: Topology) -> str | None:
        """Add a site. Raises CONFLICT if it is there. Returns the request's id."""
        return self._put_topology("POST", topology)

    def set_topology(self, topology: Topology) -> str | None:
        """Replace a site's entry. Raises NOT_FOUND: this makes none. Returns the request's id."""
        return self._put_topology("PUT", topology)

    # Rights ---------------------------------------------------------------------------------------------------

    def rights(self) -> list[RightRow]:
        """Read what the client may do, by bucket."""
        path = f"{_OWNERSHIPS}/{self.client}"
        return self._administration.read(self._administration.ask("GET", path), RIGHTS)

    def right(self, bucket: str) -> str | None:
        """Read what the client may do with one bucket; None if nothing."""
        ask = self._administration.ask("GET", f"{_OWNERSHIPS}/{self.client}/{bucket}")
        return self._administration.read_if_there(ask, RIGHT)

    def add_right(self, bucket: str, right: str) -> str | None:
        """Give the client rights where it has none. Raises CONFLICT if it has some. Returns the request's id."""
        return self._put_right("POST", bucket, right)

    def raise_right(self, bucket: str, right: str) -> str | None:
        """Add rights to those that the client has: nothing is taken away. Raises NOT_FOUND if it has none."""
        return self._put_right("PUT", bucket, right)

    def drop_right(self, bucket: str) -> str | None:
        """Take all rights from the client. Raises NOT_FOUND if it has none."""
        ask = self._administration.ask("DELETE", f"{_OWNERSHIPS}/{self.client}/{bucket}")
        return _request_id(self._administration.send(ask))

    # Buckets and objects --------------------------------------------------------------------------------------

    def buckets(self) -> dict[str, str]:
        """Read the status of each of the client's buckets, deleted ones included."""
        rows = self._accessor.read(self._accessor.ask("GET", _PUBLIC), BUCKETS)
        return {row.id: row.status for row in rows}

    def objects(self, bucket: str, *, prefix: str = "", statuses: Sequence[str] = ()) -> Iterator[ObjectRow]:
        """Read the rows of a bucket's objects, in the server's order: all of them in one answer, without pages.

        Rows say what the database has; the storage is not asked. This never asks another site.
        """
        filters: dict[str, str] = {}
        if prefix and sanitised(prefix) == prefix:  # another one would be changed, and then match other names
            filters[f"{_PREFIX}namePrefix"] = prefix
        if statuses:
            filters[f"{_PREFIX}statuses"] = json.dumps(list(statuses))
        service, base = (self._internal, _INTERNAL) if self._internal else (self._accessor, _PUBLIC)
        ask = service.ask("PUT", f"{base}/{bucket}", headers=filters)
        return (row for row in service.lines(ask, OBJECT) if row.name.startswith(prefix))

    def row(self, bucket: str, name: str) -> ObjectRow | None:
        """Read one object's row, whatever its status."""
        return next((row for row in self.objects(bucket, prefix=name) if row.name == name), None)

    def upload(self, bucket: str, name: str, data: BinaryIO, size: int, metadata: Mapping[str, str]) -> ObjectRow:
        """Store a new object, which goes to all sites that are UP. `data` must hold exactly `size` bytes, 1 or more:
        anything else leaves a row that no call leads out of. Raises CONFLICT if there is one."""
        held = {f"{_PREFIX}metadata": json.dumps(dict(metadata))} if metadata else {}
        headers = {**_OCTETS, **held, f"{_PREFIX}size": str(size), "Content-Length": str(size)}
        content = iter(lambda: data.read(_CHUNK), b"")
        ask = self._accessor.ask("POST", f"{_PUBLIC}/{bucket}/{name}", headers=headers, content=content)
        return self._accessor.read(ask, OBJECT)

    def delete(self, bucket: str, name: str) -> bool:
        """Delete an object, here and at all sites that are UP. False if there was none."""
        try:
            self._accessor.send(self._accessor.ask("DELETE", f"{_PUBLIC}/{bucket}/{name}"))
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return False
            raise
        return True

    def close(self) -> None:
        """Release connections. May be called twice."""
        for service in (self._accessor, self._internal, self._administration, self._replicator):
            if service is not None:
                service.close()

    def _put_topology(self, method: str, topology: Topology) -> str | None:
        body = json.dumps(topology.sent(), ensure_ascii=False).encode()
        ask = self._administration.ask(method, _TOPOLOGIES, headers=_JSON, content=body)
        answer = self._administration.send(ask)
        return _request_id(answer)

    def _put_right(self, method: str, bucket: str, right: str) -> str | None:
        path = f"{_OWNERSHIPS}/{self.client}/{bucket}/{right}"
        return _request_id(self._administration.send(self._administration.ask(method, path)))


def _request_id(answer: Answer) -> str | None:
    return answer.headers.get(f"{_PREFIX}op-id")
