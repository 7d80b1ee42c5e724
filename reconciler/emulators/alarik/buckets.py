"""What the server keeps of each bucket beside its objects: whose it is, and how it replicates."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from reconciler.emulators.alarik.configuration import Configuration
from reconciler.emulators.alarik.identity import User
from reconciler.emulators.alarik.refusal import Refusal
from reconciler.emulators.message import Request
from reconciler.emulators.s3.store import Store

# Whatever the server's own region is: where the object store underneath thinks that it is, it takes any bucket.
STORE_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket's record. ``configuration`` is None where there is neither target nor rule."""

    id: uuid.UUID
    name: str
    owner: uuid.UUID
    created: datetime
    configuration: Configuration | None = None


class Buckets:
    """The records, over the store that holds the objects. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._records: dict[str, Bucket] = {}

    def find(self, name: str) -> Bucket | None:
        with self._lock:
            return self._records.get(name)

    def owned(self, name: str, user: User) -> Bucket:
        """``Refusal`` (404) for a bucket that is missing, and for one of somebody else: nothing tells them apart."""
        found = self.find(name)
        if found is None or found.owner != user.id:
            raise Refusal(404, "Bucket not found")
        return found

    def of(self, user: User) -> list[Bucket]:
        """Newest first."""
        with self._lock:
            found = [bucket for bucket in self._records.values() if bucket.owner == user.id]
        return sorted(found, key=lambda bucket: bucket.created, reverse=True)

    def all(self) -> list[Bucket]:
        with self._lock:
            return list(self._records.values())

    def create(self, name: str, user: User, at: datetime, *, versioned: bool) -> Bucket | None:
        """None if there is such a bucket already."""
        with self._lock:
            if name in self._records:
                return None
            self._store.answer(Request("PUT", f"/{quote(name)}", "", (), b""), STORE_REGION)
            self._records[name] = made = Bucket(uuid.uuid4(), name, user.id, at)
            if versioned:
                self.set_versioning(name, "Enabled")
            return made

    def delete(self, name: str) -> None:
        """The record, and every version of every object."""
        with self._lock:
            self._records.pop(name, None)
            with self._store.lock:
                bucket = self._store.bucket(name)
                if bucket is not None:
                    for key in list(bucket.keys):
                        self._store.replace_versions(bucket, key, [])
                self._store.answer(Request("DELETE", f"/{quote(name)}", "", (), b""), STORE_REGION)

    def save(self, name: str, configuration: Configuration) -> None:
        """Write the whole record back. A bucket that is gone by now stays so."""
        empty = not configuration.targets and not configuration.rules
        with self._lock:
            if name in self._records:
                self._records[name] = replace(self._records[name], configuration=None if empty else configuration)

    def clear(self, name: str) -> None:
        self.save(name, Configuration())

    def versioning(self, name: str) -> str:
        """``Enabled``, ``Suspended``, or ``Disabled`` where it was never set."""
        bucket = self._store.bucket(name)
        return (bucket.versioning_status if bucket is not None else None) or "Disabled"

    def set_versioning(self, name: str, status: str) -> None:
        document = (
            '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Status>{status}</Status></VersioningConfiguration>"
        )
        self._store.answer(Request("PUT", f"/{quote(name)}", "versioning", (), document.encode()), STORE_REGION)

    def frozen(self, store: Store) -> Buckets:
        """A copy as it is now, over a frozen store."""
        taken = Buckets(store)
        with self._lock:
            taken._records = dict(self._records)
        return taken
