"""The objects below one bucket and prefix of any server that speaks S3, over boto3."""

import base64
import binascii
import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast
from urllib.parse import urlencode

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import ObjectFacts
from reconciler.providers.aws import Requests

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from types_boto3_s3.client import S3Client

__all__ = ["S3Service", "S3Store"]

_PUT_MAX = 5 * 1024**3
_CHUNK = 1024 * 1024
_SPOOL = 16 * 1024 * 1024
_ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
_CANNOT_LIST_VERSIONS = (ErrorCode.UNIMPLEMENTED, ErrorCode.INVALID_ARGUMENT)


class S3Service(Protocol):
    """What is needed of a connection to a service."""

    name: str
    """Name of the Provider document, for errors."""
    requests: Requests

    @property
    def client(self) -> "S3Client":
        """A client that repeats what failed."""
        ...

    @property
    def etag_is_md5(self) -> bool:
        """Whether the ETag of an object of one part, without a key of its own, is the MD5 of its bytes."""
        ...


class S3Store:
    """Objects of a bucket whose key begins with a prefix. Keys are relative to that: the rest of the key, as it is.

    No key is cleaned: `/lead`, `a//b` and `dir/` are keys like others, and the empty one is the object that is called
    as the prefix. Requests are repeated after 429, 5xx and resets, writes too: each gives key and content whole.
    """

    def __init__(self, api: S3Service, bucket: str, prefix: str) -> None:
        self._api = api
        self._bucket = bucket
        self._prefix = prefix

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        """Yield objects strictly ascending by the UTF-8 bytes of the key. Raises PROTOCOL if a server does not so."""
        before = b""
        first = True
        for page in self._pages("ListObjectsV2", "list_objects_v2", self._prefix + prefix):
            for item in page.get("Contents", []):
                key = str(item["Key"])
                encoded = key.encode(errors="surrogatepass")
                if not key.startswith(self._prefix + prefix) or (not first and encoded <= before):
                    raise self._error("ListObjectsV2", ErrorCode.PROTOCOL, _disorder(self._bucket, key))
                before, first = encoded, False
                yield ObjectFacts(
                    key=key[len(self._prefix) :],
                    size=item["Size"],
                    modified_at=_moment(item),
                    etag=_etag(item),
                    storage_class=item.get("StorageClass"),
                )

    def head(self, key: str) -> ObjectFacts | None:
        """Return what is known of one object, or None if it is not there or is hidden by a delete marker."""
        try:
            with self._requests.one("HeadObject"):
                found = self._api.client.head_object(
                    Bucket=self._bucket, Key=self._prefix + key, ChecksumMode="ENABLED"
                )
        except ProviderError as error:
            # On a delete marker, and on it alone, HEAD of a key answers 405 where it does not answer 404.
            if error.code is ErrorCode.NOT_FOUND or error.status == 405:
                return None
            raise
        return self._facts(key, cast("dict[str, Any]", found))

    def read(self, key: str) -> BinaryIO:
        """Open one object for reading. Raises ProviderError NOT_FOUND."""
        with self._requests.one("GetObject"):
            answer = self._api.client.get_object(Bucket=self._bucket, Key=self._prefix + key)
        return cast("BinaryIO", io.BufferedReader(_Body(answer["Body"], self._requests), _CHUNK))

    def write(
        self,
        key: str,
        data: BinaryIO,
        size: int,
        *,
        metadata: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> ObjectFacts:
        """Write one object whole, in one request, with its SHA-256 for the server to check.

        Raises INVALID_ARGUMENT for more than 5 GiB, and if `data` has not exactly `size` bytes.
        """
        if size > _PUT_MAX:
            raise self._error("PutObject", ErrorCode.INVALID_ARGUMENT, f"{size} bytes are more than one request takes")
        body, digest = self._measured(data, size)
        sent: dict[str, Any] = {"Metadata": metadata or {}}
        if tags:
            sent["Tagging"] = urlencode(tags)
        try:
            with self._requests.one("PutObject", write=True):
                answer = self._api.client.put_object(
                    Bucket=self._bucket,
                    Key=self._prefix + key,
                    Body=body,
                    ContentLength=size,
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=base64.b64encode(digest).decode(),
                    **sent,
                )
        finally:
            if body is not data:
                body.close()
        return ObjectFacts(
            key=key,
            size=size,
            etag=_etag(cast("dict[str, Any]", answer)),
            checksums={"sha256": digest.hex()},
            metadata={name.lower(): value for name, value in (metadata or {}).items()},
            version_id=answer.get("VersionId"),
        )

    def delete(self, key: str) -> None:
        """Delete one object as a client would: a versioned bucket keeps a delete marker. Absence is no error."""
        self._delete(key, None)

    def purge(self, key: str) -> None:
        """Remove one object with all its versions and delete markers; for ever."""
        try:
            versions = self._versions(self._prefix + key)
        except ProviderError as error:
            if error.code not in _CANNOT_LIST_VERSIONS:
                raise
            versions = ()  # a server without versions
        for version in versions:
            self._delete(key, version)
        if not versions and self.head(key) is not None:
            self._delete(key, None)  # only if it is there: a versioned bucket answers with a delete marker else

    # Inside ---------------------------------------------------------------------------------------------------

    @property
    def _requests(self) -> Requests:
        return self._api.requests

    def _error(self, operation: str, code: ErrorCode, message: str) -> ProviderError:
        return ProviderError(message, code=code, provider=self._api.name, operation=operation)

    def _pages(self, operation: str, method: str, prefix: str) -> Iterator[dict[str, Any]]:
        pages: Iterator[dict[str, Any]] = iter(())
        with self._requests.one(operation):
            paginator: Any = self._api.client.get_paginator(cast("Any", method))
            pages = iter(paginator.paginate(Bucket=self._bucket, Prefix=prefix))
        while True:
            with self._requests.one(operation):
                page = next(pages, None)
            if page is None:
                return
            if "IsTruncated" not in page:
                raise self._error(operation, ErrorCode.PROTOCOL, "the answer is no listing: is this an S3 service?")
            yield page

    def _versions(self, key: str) -> Sequence[str]:
        """Return the ids of all versions and delete markers of exactly this key."""
        found = []
        for page in self._pages("ListObjectVersions", "list_object_versions", key):
            listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            found += [item["VersionId"] for item in listed if item["Key"] == key and item.get("VersionId")]
            if any(item["Key"] != key for item in listed):
                break  # keys are in order, and this is the least with this beginning
        return found

    def _delete(self, key: str, version: str | None) -> None:
        chosen: dict[str, Any] = {} if version is None else {"VersionId": version}
        try:
            with self._requests.one("DeleteObject", write=True):
                self._api.client.delete_object(Bucket=self._bucket, Key=self._prefix + key, **chosen)
        except ProviderError as error:
            if error.code is not ErrorCode.NOT_FOUND or (error.message.startswith("NoSuchBucket")):
                raise

    def _measured(self, data: BinaryIO, size: int) -> tuple[BinaryIO, bytes]:
        """Return a body that can be sent again from its start, and its digest."""
        reusable = data.seekable() and data.tell() == 0
        body = data if reusable else cast("BinaryIO", tempfile.SpooledTemporaryFile(_SPOOL))  # noqa: SIM115 closed after
        digest, count = hashlib.sha256(), 0
        while count <= size and (chunk := data.read(min(_CHUNK, size + 1 - count))):
            digest.update(chunk)
            count += len(chunk)
            if not reusable:
                body.write(chunk)
        if count != size:
            if not reusable:
                body.close()
            given = f"at least {count}" if count > size else str(count)
            raise self._error("PutObject", ErrorCode.INVALID_ARGUMENT, f"{size} bytes were announced, {given} came")
        body.seek(0)
        return body, digest.digest()

    def _facts(self, key: str, found: dict[str, Any]) -> ObjectFacts:
        etag = _etag(found)
        return ObjectFacts(
            key=key,
            size=found["ContentLength"],
            modified_at=_moment(found),
            etag=etag,
            checksums=_checksums(found) | self._md5(etag, found),
            storage_class=found.get("StorageClass") or "STANDARD",
            metadata={name.lower(): value for name, value in found.get("Metadata", {}).items()},
            version_id=found.get("VersionId"),
            replication_status=found.get("ReplicationStatus"),
        )

    def _md5(self, etag: str | None, found: dict[str, Any]) -> dict[str, str]:
        """Return the ETag as an MD5, only where it is said to be one: one part, and no key but the service's own.

        Source: Amazon S3 API reference, Object (ETag).
        """
        plain = found.get("ServerSideEncryption", "AES256") == "AES256" and not found.get("SSECustomerAlgorithm")
        if not self._api.etag_is_md5 or not plain or etag is None or len(etag) != 32:
            return {}
        return {"md5": etag.lower()}


class _Body(io.RawIOBase):
    """An object's bytes as they come. Every failure is a ProviderError."""

    def __init__(self, stream: Any, requests: Requests) -> None:
        super().__init__()
        self._stream = stream
        self._requests = requests

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        with self._requests.one("GetObject"):
            data: bytes = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _etag(found: dict[str, Any]) -> str | None:
    etag = found.get("ETag")
    return etag.strip('"') if isinstance(etag, str) else None


def _moment(found: dict[str, Any]) -> datetime | None:
    moment = found.get("LastModified")
    return moment.astimezone(UTC) if isinstance(moment, datetime) else None


def _checksums(found: dict[str, Any]) -> dict[str, str]:
    """Return checksums of the whole object; one made of its parts' checksums says nothing about its bytes."""
    kind = found.get("ChecksumType")
    given = {name.lower(): found.get(f"Checksum{name}") for name in _ALGORITHMS}
    if kind == "COMPOSITE" or (kind is None and "-" in (_etag(found) or "")):
        return {}
    return {name: plain for name, text in given.items() if text and (plain := _hex(text)) is not None}


def _hex(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).hex()
    except binascii.Error:
        return None  # `<checksum>-<parts>`


def _disorder(bucket: str, key: str) -> str:
    return f"{bucket} is not listed in the order of its keys' bytes, at {key!r}: a comparison would be wrong"
