"""The objects below one bucket and prefix of BOS.

Sources: BOS API, ListObjects, PutObject and the multipart calls; the vendor's Python SDK, bos_client.
"""

import hashlib
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import BinaryIO, TypeVar

from pydantic import TypeAdapter

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.value import Json
from reconciler.model.verification import ObjectFacts
from reconciler.providers.bos.client import BosClient
from reconciler.providers.bos.objects import (
    BEGUN,
    DONE,
    META,
    PAGE,
    UPLOADS,
    Done,
    ListedObject,
    body_headers,
    checksums,
    description,
    lowered,
    moment,
    unquoted,
)
from reconciler.providers.http import Answer, Ask

__all__ = ["BosStore"]

PART = 16 * 1024 * 1024
"""What goes in one request; more goes in parts. This much is held in memory."""
_MOST_PARTS = 10_000
_MOST_KEYS = "1000"
_RESERVED = frozenset({"", "v1", "V1", "v1/", "V1/"})
"""Paths that mean a bucket, not an object. Source: the vendor's Python SDK, bos_handler.validate_object_key."""
_CANNOT_LIST = frozenset({ErrorCode.UNIMPLEMENTED, ErrorCode.INVALID_ARGUMENT})
_DOTS = frozenset({".", ".."})

T = TypeVar("T")


class BosStore:
    """Objects of a bucket whose key begins with a prefix. Keys are relative to that: the rest of the key, as it is.

    Every key goes over the wire as it is, `/lead`, `a//b` and `a/../b` too; what the service does not take it refuses.
    Only paths that would mean the bucket itself are never sent: such keys are never there, and cannot be written.
    Requests are repeated after 429, 5xx and resets, writes too: each gives key and content whole.
    """

    def __init__(self, client: BosClient, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        """Yield objects strictly ascending by the UTF-8 bytes of the key, after the whole listing has been read.

        The service promises "alphabetical order" and does not say which: a temporary file puts keys in the one that is
        needed.
        """
        with closing(sqlite3.connect("", check_same_thread=False)) as sorter:
            try:
                sorter.execute("CREATE TABLE found (key BLOB PRIMARY KEY, facts TEXT) WITHOUT ROWID")
                for page in self._pages(self._prefix + prefix):
                    rows = [(one.key.encode(), self._listed(one).model_dump_json()) for one in page]
                    sorter.executemany("INSERT OR REPLACE INTO found VALUES (?, ?)", rows)
                in_order = sorter.execute("SELECT facts FROM found ORDER BY key")
            except sqlite3.Error as error:
                why = f"the listing cannot be put in order on this machine: {error}"
                raise self._error("list", ErrorCode.UNAVAILABLE, prefix, why) from error
            for (facts,) in in_order:
                yield ObjectFacts.model_validate_json(facts)

    def head(self, key: str) -> ObjectFacts | None:
        """Return what is known of one object, or None if it is not there or is hidden by a delete marker."""
        if self._is_reserved(key):
            return None
        ask = self._ask("HEAD", key)
        try:
            answer = self._client.http.send(ask)
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND or self._cannot_be(key, error):
                return None
            raise
        return self._facts(key, ask, answer)

    def read(self, key: str) -> BinaryIO:
        """Open one object for reading. Raises ProviderError NOT_FOUND."""
        if self._is_reserved(key):
            raise self._error("GET", ErrorCode.NOT_FOUND, key, "no object can be called so")
        return self._client.http.open(self._ask("GET", key))

    def write(
        self,
        key: str,
        data: BinaryIO,
        size: int,
        *,
        metadata: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> ObjectFacts:
        """Write one object whole: up to 16 MiB in one request, more in parts that become an object at the end.

        Each request has its MD5 for the service to check. INVALID_ARGUMENT unless `data` has exactly `size` bytes.
        """
        if self._is_reserved(key):
            raise self._error("PUT", ErrorCode.INVALID_ARGUMENT, key, "no object can be called so")
        headers = description(metadata or {}, tags or {})
        if size > PART:
            return self._write_in_parts(key, data, size, headers, metadata or {})
        content = self._taken(key, data, size, 0, size)
        digest = hashlib.sha256(content).hexdigest()
        headers |= {**body_headers(content), "x-bce-content-sha256": digest}
        answer = self._client.http.send(self._ask("PUT", key, headers=headers, content=content, repeatable=True))
        return ObjectFacts(
            key=key,
            size=size,
            etag=unquoted(answer.headers.get("etag")),
            checksums={"sha256": digest},
            metadata=lowered(metadata or {}),
            version_id=answer.headers.get("x-bce-version-id"),
        )

    def delete(self, key: str) -> None:
        """Delete one object as a client would: a versioned bucket keeps a delete marker. Absence is no error."""
        if not self._is_reserved(key):
            self._delete(key, {})

    def purge(self, key: str) -> None:
        """Remove one object with all its versions and delete markers, and parts of uploads that were never finished."""
        if self._is_reserved(key):
            return
        for upload in tuple(self._uploads(key)):
            self._delete(key, {"uploadId": upload})
        if self._is_versioned():
            for version in self._versions(key):
                self._delete(key, {"versionId": version})
        removed = set[str | None]()
        while (facts := self.head(key)) is not None and facts.version_id not in removed:
            # Only what is there: in a versioned bucket a delete of nothing leaves a delete marker.
            self._delete(key, {"versionId": facts.version_id} if facts.version_id else {})
            removed.add(facts.version_id)

    # Parts ----------------------------------------------------------------------------------------------------

    def _write_in_parts(
        self, key: str, data: BinaryIO, size: int, headers: Mapping[str, str | bytes], metadata: Mapping[str, str]
    ) -> ObjectFacts:
        # As the vendor's SDK has it: metadata comes at the end, tags at the beginning.
        first = {name: value for name, value in headers.items() if not name.startswith(META)}
        last = {name: value for name, value in headers.items() if name.startswith(META)}
        begun = self._parsed(self._ask("POST", key, query={"uploads": ""}, headers=first), BEGUN)
        sent = False
        try:
            digest, parts = self._send_parts(key, data, size, begun.upload)
            sent = True
        finally:
            if not sent:
                self._abort(key, begun.upload)
        done = self._complete(key, begun.upload, parts, last)
        return ObjectFacts(
            key=key, size=size, etag=unquoted(done.etag), checksums={"sha256": digest}, metadata=lowered(metadata)
        )

    def _send_parts(self, key: str, data: BinaryIO, size: int, upload: str) -> tuple[str, Sequence[Json]]:
        part_size = max(PART, math.ceil(size / _MOST_PARTS))
        digest, parts = hashlib.sha256(), list[Json]()
        for number, start in enumerate(range(0, size, part_size), 1):
            content = self._taken(key, data, min(part_size, size - start), start, size)
            digest.update(content)
            query = {"partNumber": str(number), "uploadId": upload}
            ask = self._ask("PUT", key, query=query, headers=body_headers(content), content=content, repeatable=True)
            answer = self._client.http.send(ask)
            if not (etag := unquoted(answer.headers.get("etag"))):
                raise self._client.http.protocol_error(ask, "the answer to a part has no ETag", answer)
            parts.append({"partNumber": number, "eTag": etag})
        return digest.hexdigest(), parts

    def _complete(self, key: str, upload: str, parts: Sequence[Json], headers: Mapping[str, str | bytes]) -> Done:
        ask = self._client.ask(
            "POST",
            self._bucket,
            self._prefix + key,
            query={"uploadId": upload},
            body={"parts": [*parts]},
            headers=headers,
        )
        try:
            return self._parsed(ask, DONE)
        except ProviderError as error:
            if not error.ambiguous:  # else it may be an object by now
                self._abort(key, upload)
            raise

    def _abort(self, key: str, upload: str) -> None:
        with suppress(ProviderError):  # what went wrong before is what counts; `purge` tries again
            self._delete(key, {"uploadId": upload})

    def _taken(self, key: str, data: BinaryIO, count: int, start: int, size: int) -> bytes:
        """Return the next `count` bytes of `size`; at the end it must be the end of the data, too."""
        content = bytearray()
        while len(content) < count and (more := data.read(count - len(content))):
            content += more
        if len(content) < count:
            why = f"the data ended after {start + len(content)} of {size} bytes"
            raise self._error("PUT", ErrorCode.INVALID_ARGUMENT, key, why)
        if start + count == size and data.read(1):
            raise self._error("PUT", ErrorCode.INVALID_ARGUMENT, key, f"{size} bytes were announced and more came")
        return bytes(content)

    def _uploads(self, key: str) -> Iterator[str]:
        """Yield the uploads of exactly this key that were begun and not ended."""
        query = {"uploads": "", "maxUploads": _MOST_KEYS, "prefix": self._prefix + key}
        while True:
            ask = self._client.ask("GET", self._bucket, query=query)
            try:
                page = self._parsed(ask, UPLOADS)
            except ProviderError as error:
                if error.code in _CANNOT_LIST:
                    return
                raise
            yield from (one.upload for one in page.uploads if one.key == self._prefix + key)
            if not page.truncated:
                return
            query = self._following(ask, query, {"keyMarker": page.marker or ""})

    # Inside ---------------------------------------------------------------------------------------------------

    def _pages(self, prefix: str, what: Mapping[str, str] | None = None) -> Iterator[Sequence[ListedObject]]:
        """Yield a listing page by page, in the service's order."""
        query = {**(what or {}), "maxKeys": _MOST_KEYS, **({"prefix": prefix} if prefix else {})}
        while True:
            ask = self._client.ask("GET", self._bucket, query=query)
            page = self._parsed(ask, PAGE)
            if any(not one.key.startswith(prefix) for one in page.contents):
                raise self._client.http.protocol_error(ask, "the listing holds keys of another prefix")
            yield page.contents
            if not page.truncated:
                return
            markers = {"marker": page.marker or (page.contents[-1].key if page.contents else "")}
            if page.version_marker:
                markers["versionIdMarker"] = page.version_marker
            query = self._following(ask, query, markers)

    def _following(self, ask: Ask, query: Mapping[str, str], markers: Mapping[str, str]) -> dict[str, str]:
        following = {**query, **markers}
        if following == query or not any(markers.values()):
            raise self._client.http.protocol_error(ask, "the next page is the same again, or has no beginning")
        return following

    def _is_versioned(self) -> bool:
        """Say whether the bucket has, or had, versions; False if these keys may not ask."""
        try:
            return self._client.versioning(self._bucket) is not None
        except ProviderError as error:
            if error.code is ErrorCode.PERMISSION_DENIED:
                return False
            raise

    def _versions(self, key: str) -> Sequence[str]:
        """Return the ids of all versions and delete markers of exactly this key, as far as the service lists them.

        The vendor's SDK has the call; what it answers is not documented, but for the form of other listings.
        """
        found: list[str] = []
        try:
            for page in self._pages(self._prefix + key, {"versions": ""}):
                found += (one.version for one in page if one.version and one.key == self._prefix + key)
        except ProviderError as error:
            if error.code not in _CANNOT_LIST:
                raise
        return found

    def _delete(self, key: str, query: Mapping[str, str]) -> None:
        try:
            self._client.http.send(self._ask("DELETE", key, query=query, repeatable=True))
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND and not error.message.startswith("NoSuchBucket"):
                return
            if not self._cannot_be(key, error):
                raise

    def _cannot_be(self, key: str, error: ProviderError) -> bool:
        """Say whether the service would not take such a key: then nothing is there."""
        return error.code is ErrorCode.INVALID_ARGUMENT and not _DOTS.isdisjoint((self._prefix + key).split("/"))

    def _is_reserved(self, key: str) -> bool:
        whole = self._prefix + key
        return whole in _RESERVED or not whole.strip("/")

    def _ask(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str | bytes] | None = None,
        content: bytes | None = None,
        repeatable: bool = False,
    ) -> Ask:
        return self._client.ask(
            method,
            self._bucket,
            self._prefix + key,
            query=query,
            headers=headers,
            content=content,
            repeatable=repeatable,
        )

    def _parsed(self, ask: Ask, shape: TypeAdapter[T]) -> T:
        return self._client.http.parse(ask, self._client.http.send(ask), shape)

    def _listed(self, found: ListedObject) -> ObjectFacts:
        return ObjectFacts(
            key=found.key[len(self._prefix) :],
            size=found.size,
            modified_at=found.modified,
            etag=unquoted(found.etag),
            storage_class=found.storage_class,
        )

    def _facts(self, key: str, ask: Ask, answer: Answer) -> ObjectFacts:
        headers = answer.headers
        if not (length := headers.get("content-length", "")).isdecimal():
            raise self._client.http.protocol_error(ask, "the answer does not say how long the object is", answer)
        return ObjectFacts(
            key=key,
            size=int(length),
            modified_at=moment(headers.get("last-modified", "")),
            etag=unquoted(headers.get("etag")),
            checksums=checksums(headers),
            storage_class=headers.get("x-bce-storage-class") or "STANDARD",
            metadata={name[len(META) :]: value for name, value in headers.items() if name.startswith(META)},
            version_id=headers.get("x-bce-version-id"),
        )

    def _error(self, operation: str, code: ErrorCode, key: str, why: str) -> ProviderError:
        return ProviderError(
            f"{self._prefix}{key}: {why}",
            code=code,
            provider=self._client.name,
            operation=f"{operation} /{self._bucket}",
        )
