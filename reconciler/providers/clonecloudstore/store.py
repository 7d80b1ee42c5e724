"""The objects of a bucket at one site, as that site has them.

Presence and bytes are asked of the site's replicator, which answers for its own storage: the public API may answer from
another site, and `/replicator/local` from minutes ago. Objects are written and deleted as clients do it, through the
public API, so that both go to the other sites.
Source: CloneCloudStore 0.8.0, RemoteReplicatorResource, AccessorObjectService, AccessorProperties (remote.read).
"""

import hashlib
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import ObjectFacts
from reconciler.providers.base import Store
from reconciler.providers.clonecloudstore.client import SiteClient
from reconciler.providers.clonecloudstore.names import base32hex, key_problem, metadata_held
from reconciler.providers.clonecloudstore.wire import DEAD, READY, ObjectRow

__all__ = ["CloneCloudStoreStore"]

_CHUNK = 1024 * 1024
_IN_MEMORY = 8 * 1024 * 1024


class CloneCloudStoreStore(Store):
    """Objects below a prefix. A list is sorted here and so held in memory, for the server has neither order nor pages.

    Names that the server would change are refused, and never there. An object cannot be written over: it is deleted and
    written anew. Objects without a byte are refused, for the server cannot store them. Its digests are not shown as
    checksums: one that a client gives is believed.
    """

    def __init__(self, client: SiteClient, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        """Yield what is READY in the site's database, ascending."""
        rows = self._client.objects(self._bucket, prefix=self._prefix + prefix, statuses=(READY,))
        for row in sorted(rows, key=lambda one: one.name.encode()):
            yield self._facts(row)

    def head(self, key: str) -> ObjectFacts | None:
        """Return what is known of an object that is in the site's storage, and not only in its database."""
        name = self._prefix + key
        if key_problem(name) or not self._client.replicator.has_object(self._bucket, name):
            return None
        row = self._client.row(self._bucket, name)
        return self._facts(row) if row is not None and row.status == READY else None

    def read(self, key: str) -> BinaryIO:
        """Open the site's own bytes. Raises NOT_FOUND."""
        name = self._prefix + key
        if problem := key_problem(name):
            raise self._error(ErrorCode.NOT_FOUND, "GET", f"no object is called {name!r}: {problem}")
        return self._client.replicator.open(self._bucket, name).body

    def write(
        self,
        key: str,
        data: BinaryIO,
        size: int,
        *,
        metadata: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,  # noqa: ARG002  there are none
    ) -> ObjectFacts:
        """Write an object whole. Metadata whose key is no word is left out. Raises INVALID_ARGUMENT for an odd name, no
        bytes, and another size than announced: sent, that would leave a row that no call leads out of."""
        name = self._prefix + key
        if problem := key_problem(name):
            raise self._error(ErrorCode.INVALID_ARGUMENT, "POST", f"{name!r} cannot be an object: {problem}")
        if size < 1:
            raise self._error(ErrorCode.INVALID_ARGUMENT, "POST", f"{name} has no bytes: such cannot be stored")
        self._client.refuse_write(f"/cloudclonestore/{self._bucket}/{name}")
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as kept:
            digest = self._copied(name, data, cast("BinaryIO", kept), size)
            row = self._stored(name, cast("BinaryIO", kept), size, metadata_held(metadata or {}))
        if row.hash and row.hash != base32hex(digest):
            raise self._error(ErrorCode.PROTOCOL, "POST", f"{name} was stored with other bytes than were sent")
        return self._facts(row)

    def delete(self, key: str) -> None:
        """Delete an object, here and wherever deletions go from here."""
        name = self._prefix + key
        if key_problem(name):
            return
        try:
            self._client.delete(self._bucket, name)
        except ProviderError as error:
            if error.status == 500:
                raise self._stuck(name, error) from None
            raise

    def purge(self, key: str) -> None:
        """Delete an object. There are no versions and no folders; its row stays for good, as DELETED."""
        self.delete(key)

    def _copied(self, name: str, data: BinaryIO, kept: BinaryIO, size: int) -> bytes:
        digest, count = hashlib.sha256(), 0
        while count <= size and (chunk := data.read(_CHUNK)):
            digest.update(chunk)
            kept.write(chunk)
            count += len(chunk)
        if count != size:
            raise self._error(ErrorCode.INVALID_ARGUMENT, "POST", f"{name} should have {size:,} bytes and has others")
        kept.seek(0)
        return digest.digest()

    def _stored(self, name: str, kept: BinaryIO, size: int, metadata: dict[str, str]) -> ObjectRow:
        try:
            return self._client.upload(self._bucket, name, kept, size, metadata)
        except ProviderError as error:
            if error.code is not ErrorCode.CONFLICT:
                raise
        self.delete(name.removeprefix(self._prefix))
        kept.seek(0)
        return self._client.upload(self._bucket, name, kept, size, metadata)

    def _stuck(self, name: str, error: ProviderError) -> ProviderError:
        """Say what keeps an object from being deleted, where its row tells."""
        row = self._client.row(self._bucket, name)
        if row is None or row.status == READY:
            return error
        dead = row.status in DEAD
        code = ErrorCode.FAILED_PRECONDITION if dead else ErrorCode.UNAVAILABLE
        why = "no call leads out of that" if dead else "it is being stored or deleted"
        return self._error(code, "DELETE", f"{name} is {row.status} at {self._client.site}: {why}")

    def _facts(self, row: ObjectRow) -> ObjectFacts:
        return ObjectFacts(
            key=row.name.removeprefix(self._prefix),
            size=row.size,
            modified_at=row.creation,
            etag=row.hash,
            metadata={key.lower(): value for key, value in (row.metadata or {}).items()},
        )

    def _error(self, code: ErrorCode, method: str, message: str) -> ProviderError:
        operation = f"{method} /cloudclonestore/{self._bucket}"
        return ProviderError(message, code=code, provider=self._client.name, operation=operation)
