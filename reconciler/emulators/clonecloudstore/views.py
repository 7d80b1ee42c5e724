"""What a service believes about topologies, rights and other sites' content until its cache has run out.

Source: CloneCloudStore's TopologyApiClient, OwnershipApiClient and RemoteReplicatorClientApiService. Each service has
its own view; none hears of what another one changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from reconciler.emulators.clock import Clock
from reconciler.emulators.clonecloudstore.database import Database
from reconciler.emulators.clonecloudstore.records import Topology, includes
from reconciler.emulators.clonecloudstore.refusal import Refusal

T = TypeVar("T")


class Cache(Generic[T]):
    """Values that are kept for so many seconds of the emulated clock after they were written. Thread-safe."""

    def __init__(self, clock: Clock, seconds: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, T]] = {}

    def get(self, key: Hashable) -> T | None:
        with self._lock:
            written, value = self._kept.get(key, (float("-inf"), None))
        return value if self._clock.monotonic() - written < self._seconds() else None

    def put(self, key: Hashable, value: T) -> T:
        with self._lock:
            self._kept[key] = (self._clock.monotonic(), value)
        return value

    def clear(self, key: Hashable | None = None) -> None:
        with self._lock:
            if key is None:
                self._kept.clear()
            self._kept.pop(key, None)


class Directory:
    """The topology as the replicator knows it."""

    def __init__(self, database: Database, cache: Cache[tuple[Topology, ...]]) -> None:
        self._database = database
        self._cache = cache

    def up(self) -> tuple[Topology, ...]:
        """Every site that is UP, or was when the list was read."""
        known = self._cache.get("up")
        if known is None:
            with self._database.lock:
                found = tuple(one for one in self._database.topologies.values() if one.status == "UP")
            known = self._cache.put("up", found)
        return known

    def site(self, site: str) -> Topology:
        """One of the list with this *name*, or else the entry with this id, whatever its status. ``Refusal`` (404)."""
        for one in self._cache.get("up") or ():
            if one.name == site:
                return one
        with self._database.lock:
            found = self._database.topologies.get(site)
        if found is None:
            raise Refusal(404)
        return found

    def forget(self) -> None:
        self._cache.clear()


class Rights:
    """Who may do what, as one service knows it."""

    def __init__(self, database: Database, cache: Cache[dict[str, str]]) -> None:
        self._database = database
        self._cache = cache

    def allow(self, client: str | None, bucket: str, wanted: str) -> bool:
        """A bucket that is not in the remembered list is asked for; one that is there is believed."""
        if client is None:
            return False
        known = self._cache.get(client)
        if known is None:
            with self._database.lock:
                rows = self._database.rights.items()
                known = self._cache.put(client, {key[1]: held for key, held in rows if key[0] == client})
        with self._database.lock:
            held = known.get(bucket) or self._database.rights.get((client, bucket))
        return held is not None and includes(held, wanted)

    def own(self, client: str, bucket: str) -> None:
        """Make the client the owner. Somebody who has rights already keeps those: that failure is not looked at."""
        self._cache.clear(client)
        with self._database.lock:
            self._database.rights.setdefault((client, bucket), "OWNER")

    def drop(self, bucket: str) -> None:
        """Take it from everybody."""
        self._cache.clear()
        with self._database.lock:
            for key in [key for key in self._database.rights if key[1] == bucket]:
                del self._database.rights[key]

    def forget(self) -> None:
        self._cache.clear()
