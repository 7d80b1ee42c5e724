"""A site's rows and a site's storage, which are two things: either may say what the other does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.emulators.clonecloudstore.records import Bucket, Kind, Object, Status, Topology

#: Bucket and name of an object.
Key = tuple[str, str]


class Database:
    """The rows, in the order of their making. Values are immutable; hold ``lock`` to read and then write."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.buckets: dict[str, Bucket] = {}
        self.objects: dict[Key, Object] = {}
        self.topologies: dict[str, Topology] = {}
        #: Name of the right, by client and bucket.
        self.rights: dict[Key, str] = {}

    def set_bucket(self, name: str, status: Status) -> Bucket:
        with self.lock:
            self.buckets[name] = made = replace(self.buckets[name], status=status)
            return made

    def set_object(self, key: Key, status: Status, creation: datetime | None = None) -> Object:
        with self.lock:
            row = self.objects[key]
            self.objects[key] = made = replace(row, status=status, creation=creation or row.creation)
            return made

    def ready(self, bucket: str, prefix: str = "") -> Iterator[Object]:
        """READY objects of a bucket whose names start so."""
        with self.lock:
            rows = list(self.objects.values())
        return (row for row in rows if row.bucket == bucket and row.status == "READY" and row.name.startswith(prefix))

    def frozen(self) -> Database:
        taken = Database()
        with self.lock:
            taken.buckets, taken.objects = dict(self.buckets), dict(self.objects)
            taken.topologies, taken.rights = dict(self.topologies), dict(self.rights)
        return taken


class Storage:
    """The storage driver: buckets and bytes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._buckets: dict[str, dict[str, bytes]] = {}

    def make_bucket(self, name: str) -> None:
        with self._lock:
            self._buckets.setdefault(name, {})

    def has_bucket(self, name: str) -> bool:
        with self._lock:
            return name in self._buckets

    def drop_bucket(self, name: str) -> bool:
        """False if it is not empty, and then nothing happens; what is missing is gone already."""
        with self._lock:
            if self._buckets.get(name):
                return False
            self._buckets.pop(name, None)
            return True

    def write(self, key: Key, content: bytes) -> None:
        with self._lock:
            self._buckets.setdefault(key[0], {})[key[1]] = content

    def read(self, key: Key) -> bytes | None:
        with self._lock:
            return self._buckets.get(key[0], {}).get(key[1])

    def delete(self, key: Key) -> None:
        with self._lock:
            self._buckets.get(key[0], {}).pop(key[1], None)

    def kind(self, key: Key) -> Kind:
        with self._lock:
            names = self._buckets.get(key[0], {})
            if key[1] in names:
                return "OBJECT"
            return "DIRECTORY" if any(name.startswith(key[1]) for name in names) else "NONE"

    def frozen(self) -> Storage:
        taken = Storage()
        with self._lock:
            taken._buckets = {name: dict(found) for name, found in self._buckets.items()}
        return taken
