"""The objects of all buckets: one store behind both faces, with BOS's own storage classes.

The store underneath is the one of the S3 emulator; what BOS and S3 have in common (bytes, metadata, versions,
conditions, ranges) is done there.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from moto.s3.models import FakeKey

from reconciler.emulators.bos.bucket import Bucket
from reconciler.emulators.bos.refusal import Refusal, no_such_bucket
from reconciler.emulators.message import Headers, Reply, Request
from reconciler.emulators.s3.errors import S3Error
from reconciler.emulators.s3.store import Store, Version

ARCHIVE: Final = "ARCHIVE"
STORE_REGION: Final = "us-east-1"
#: The storage class of an object in the store's answers.
CLASS_HEADER: Final = "x-amz-storage-class"

_VERSIONING: Final = (
    '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>%s</Status>'
    "</VersioningConfiguration>"
)
_CODE: Final = re.compile(rb"<Code>(\w+)</Code>")


@dataclass(frozen=True, slots=True)
class Touch:
    """One key was written (``deleted``: it is gone). ``replica``: a rule did it, not a client."""

    bucket: str
    key: str
    deleted: bool
    replica: bool = False


class Objects:
    """Everything about objects. ``touched`` is called after each change, with the lock held."""

    def __init__(self, store: Store, touched: Callable[[Touch], None]) -> None:
        self.store = store
        self._touched = touched

    def create_bucket(self, name: str) -> None:
        self._answer("PUT", name)

    def delete_bucket(self, name: str) -> None:
        """``Refusal`` (409) if anything is left in it, older versions too."""
        if self._bucket(name).keys:
            raise Refusal(409, "BucketNotEmpty")
        self._answer("DELETE", name)

    def versioning(self, bucket: str) -> str:
        """Enabled, Suspended, or "" where it never was."""
        return str(self._bucket(bucket).versioning_status or "")

    def set_versioning(self, bucket: str, status: str) -> None:
        self._answer("PUT", bucket, query="versioning", body=(_VERSIONING % status).encode())

    def current(self, bucket: str, key: str) -> FakeKey | None:
        """The object under a key; None where there is none, or a delete marker."""
        with self.store.lock:
            versions = self.store.versions(self._bucket(bucket), key)
            return versions[-1] if versions and isinstance(versions[-1], FakeKey) else None

    def version(self, bucket: str, key: str, version_id: str | None) -> FakeKey | None:
        """One version of an object, or with None the current one."""
        if version_id is None:
            return self.current(bucket, key)
        with self.store.lock:
            versions = self.store.versions(self._bucket(bucket), key)
            return next((one for one in versions if one.version_id == version_id and isinstance(one, FakeKey)), None)

    def keys(self, bucket: str) -> list[str]:
        """All keys that hold an object, in the order of their UTF-8 bytes."""
        with self.store.lock:
            names = [name for name, found in self._bucket(bucket).keys.items() if isinstance(found, FakeKey)]
        return sorted(names, key=str.encode)

    def read(self, method: str, bucket: str, key: str, version_id: str | None, headers: Headers) -> Reply:
        """The store's answer to GET or HEAD of an object: bytes and headers in S3's names."""
        with self.store.lock:
            found = self.version(bucket, key, version_id)
            if found is None:
                raise Refusal(404, "NoSuchKey" if version_id is None else "NoSuchVersion")
            if method == "GET" and storage_class(found) == ARCHIVE:
                raise Refusal(403, "InvalidObjectState", "The object is archived and has not been restored.")
            reply = self._answer(method, bucket, key, query=version_query(version_id), headers=headers)
            return reply.with_header("ETag", found.etag).with_header(CLASS_HEADER, storage_class(found))

    def write(self, bucket: Bucket, key: str, body: bytes, headers: Headers, chosen: str | None) -> FakeKey:
        """Put an object; ``chosen`` is its storage class, or None for the bucket's usual one."""
        with self.store.lock:
            self._answer("PUT", bucket.name, key, headers=headers, body=body)
            return self._classify(bucket, key, chosen)

    def copy(self, bucket: Bucket, key: str, headers: Headers, chosen: str | None) -> FakeKey:
        """Put a copy of the object that ``x-amz-copy-source`` names."""
        with self.store.lock:
            self._answer("PUT", bucket.name, key, headers=headers)
            return self._classify(bucket, key, chosen)

    def delete(self, bucket: str, key: str, version_id: str | None = None, *, replica: bool = False) -> Reply:
        with self.store.lock:
            reply = self._answer("DELETE", bucket, key, query=version_query(version_id))
            if self.current(bucket, key) is None:
                self._touched(Touch(bucket, key, deleted=True, replica=replica))
            return reply

    def replicate(self, version: FakeKey, bucket: Bucket, key: str, chosen: str) -> None:
        """Put an exact copy of an object elsewhere, under another key and in another storage class."""
        with self.store.lock:
            target = self._bucket(bucket.name)
            present = self.store.versions(target, key)
            made = copy.deepcopy(version)
            made.name, made.bucket_name = key, bucket.name
            made.last_modified = datetime.now(UTC).replace(tzinfo=None)
            made._storage_class = chosen  # noqa: SLF001  (moto's setter knows fewer classes)
            made._version_id = str(uuid4()) if target.is_versioned else None  # noqa: SLF001  (the source's own)
            self.store.replace_versions(target, key, [*self._kept(target, present), made])
            self._touched(Touch(bucket.name, key, deleted=False, replica=True))

    def changed(self, bucket: Bucket, key: str, before: Version | None, chosen: str | None = None) -> None:
        """After a write that went past this class: give the object its class, and tell of it."""
        with self.store.lock:
            versions = self.store.versions(self._bucket(bucket.name), key)
            after = versions[-1] if versions else None
            if after is before:
                return
            if isinstance(after, FakeKey):
                asked = storage_class(after)
                self._classify(bucket, key, chosen or (None if asked == "STANDARD" else asked))
            else:
                self._touched(Touch(bucket.name, key, deleted=True))

    def latest(self, bucket: str, key: str) -> Version | None:
        """The newest version of a key, delete markers included."""
        with self.store.lock:
            versions = self.store.versions(self._bucket(bucket), key)
            return versions[-1] if versions else None

    def _classify(self, bucket: Bucket, key: str, chosen: str | None) -> FakeKey:
        made = self.current(bucket.name, key)
        if made is None:
            raise Refusal(500, "InternalError")
        made._storage_class = chosen or bucket.storage_class  # noqa: SLF001  (moto's setter knows fewer classes)
        self._touched(Touch(bucket.name, key, deleted=False))
        return made

    @staticmethod
    def _kept(bucket: Any, present: list[Version]) -> list[Version]:
        if bucket.versioning_status == "Enabled":
            return present
        return [one for one in present if one.version_id != "null"] if bucket.versioning_status else []

    def _bucket(self, name: str) -> Any:
        found = self.store.bucket(name)
        if found is None:
            raise no_such_bucket()
        return found

    def _answer(
        self, method: str, bucket: str, key: str = "", *, query: str = "", headers: Headers = (), body: bytes = b""
    ) -> Reply:
        path = f"/{bucket}/{quote(key)}" if key else f"/{bucket}"
        try:
            reply = self.store.answer(Request(method, path, query, headers, body), STORE_REGION)
        except S3Error as error:
            raise Refusal(error.status, error.code) from error
        if reply.status >= 400:
            raise _refusal(reply)
        return reply


def storage_class(version: FakeKey) -> str:
    return str(vars(version)["_storage_class"] or "STANDARD")


def version_query(version_id: str | None) -> str:
    return "" if version_id is None else f"versionId={quote(version_id)}"


def _refusal(reply: Reply) -> Refusal:
    found = _CODE.search(reply.body)
    by_status = {404: "NoSuchKey", 412: "PreconditionFailed", 416: "InvalidRange"}
    return Refusal(reply.status, found[1].decode() if found else by_status.get(reply.status, "InvalidArgument"))
