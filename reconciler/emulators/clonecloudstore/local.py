"""Asking the other sites: the first one that has it answers. Source: CloneCloudStore's LocalReplicatorService."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from reconciler.emulators.clonecloudstore.peer import Fetched, Peer, Who
from reconciler.emulators.clonecloudstore.records import Kind, Topology
from reconciler.emulators.clonecloudstore.refusal import Refusal
from reconciler.emulators.clonecloudstore.switches import Switches
from reconciler.emulators.clonecloudstore.views import Cache, Directory
from reconciler.emulators.message import JsonValue


class LocalReplicator:
    """What was found at a site is remembered by its host, port, bucket and name alone.

    So neither who asked nor ``full`` makes a difference to what is remembered; and what was not there is remembered
    too. Methods raise ``Refusal`` where a site cannot be asked: the ones behind it are not asked then.
    """

    def __init__(
        self,
        site: str,
        directory: Directory,
        peer: Peer,
        *,
        settings: Callable[[], Switches],
        buckets: Cache[Kind],
        objects: Cache[Kind],
    ) -> None:
        self._site = site
        self._directory = directory
        self._peer = peer
        self._settings = settings
        self._buckets = buckets
        self._objects = objects

    def find_bucket(self, bucket: str, who: Who, target: str | None, *, full: bool = False) -> Topology | None:
        return self._find(bucket, "BUCKET", self._buckets, who, target, full=full)

    def find_object(
        self, bucket: str, name: str, who: Who, target: str | None, *, full: bool = False
    ) -> Topology | None:
        return self._find(f"{bucket}/{name}", "OBJECT", self._objects, who, target, full=full)

    def bucket(self, name: str, who: Who, target: str | None) -> tuple[JsonValue, Topology]:
        found = self.find_bucket(name, who, target)
        if found is None:
            raise Refusal(404, "No bucket found on any remote replicator")
        return self._peer.bucket(found.uri, name, who), found

    def read(self, bucket: str, name: str, who: Who, target: str | None) -> Fetched:
        """The remembered answer decides whether anybody is asked for the bytes."""
        found = self.find_object(bucket, name, who, target)
        if found is None:
            raise Refusal(404, "Item not found")
        compressed = self._settings().internal_compression
        return self._peer.read(found.uri, bucket, name, who, compressed=compressed)

    def forget(self) -> None:
        self._buckets.clear()
        self._objects.clear()

    def _find(
        self, path: str, wanted: Kind, cache: Cache[Kind], who: Who, target: str | None, *, full: bool
    ) -> Topology | None:
        try:
            asked = (self._directory.site(target),) if target else self._directory.up()
        except Refusal:
            return None
        for topology in asked:
            if topology.id == self._site:
                continue
            key = f"{_place(topology.uri)}/{path}"
            kind = cache.get(key) or cache.put(key, self._peer.check(topology.uri, path, who, full=full))
            if kind == wanted:
                return topology
        return None


def _place(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return uri
    return f"{parts.hostname}{-1 if port is None else port}"
