"""The object store as a cluster sees it: HTTPS with verification, SigV4, and errors in one sentence."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, SSLError

from reconciler.emulators.qumulo.relationship import BucketStyle, Target

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

#: Metadata member that holds the SHA-256 of what was uploaded. The name is ours: the vendor says only that there is
#: "Qumulo-specific hash metadata". Source: Qumulo administrator guide, Shift-To, objects under the same key.
HASH_METADATA: Final = "qumulo-sha256"
#: Source: Qumulo administrator guide, Shift-To, content-type metadata.
CONTENT_TYPE: Final = "binary/octet-stream"

_NOT_FOUND: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_REASONS: Final[Mapping[str, str]] = {
    "NoSuchBucket": "the bucket does not exist",
    "AccessDenied": "access is denied",
    "403": "access is denied",
    "InvalidAccessKeyId": "the access key is not known",
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "AuthorizationHeaderMalformed": "the region is wrong",
    "PermanentRedirect": "the bucket is in another region",
    "PreconditionFailed": "the object changed during the job",
}


class BucketError(Exception):
    """The object store did not do as asked; the text names no secret."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a listing."""

    key: str
    size: int
    etag: str
    modified: str
    storage_class: str

    @property
    def version(self) -> str:
        """Tells apart two states of the object."""
        return f"{self.etag} {self.size} {self.modified}"


@dataclass(frozen=True, slots=True)
class Head:
    """One object's version and the hash of its content, where an upload of ours left one."""

    etag: str
    sha256: str | None


class Bucket:
    """One bucket over HTTPS. Thread-safe. Every method raises ``BucketError``."""

    def __init__(self, target: Target, client: S3Client, page: int) -> None:
        self._target = target
        self._client = client
        self._page = page

    def check(self) -> bool:
        """That the bucket exists and can be listed; whether there is anything below the folder."""
        with self._explained("the bucket cannot be used"):
            page = self._client.list_objects_v2(Bucket=self._target.bucket, Prefix=self._target.prefix, MaxKeys=1)
            return bool(page.get("Contents"))

    def listing(self) -> Iterator[Listed]:
        """Every object below the folder, by pages."""
        token: dict[str, Any] = {}
        while True:
            with self._explained("the folder cannot be listed"):
                page = self._client.list_objects_v2(
                    Bucket=self._target.bucket, Prefix=self._target.prefix, MaxKeys=self._page, **token
                )
            for item in page.get("Contents", ()):
                yield Listed(
                    key=item["Key"],
                    size=item.get("Size", 0),
                    etag=item.get("ETag", ""),
                    modified=item["LastModified"].isoformat() if "LastModified" in item else "",
                    storage_class=item.get("StorageClass", "STANDARD"),
                )
            if not page.get("IsTruncated") or not page.get("NextContinuationToken"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def head(self, key: str) -> Head | None:
        """None if there is no such object."""
        try:
            with self._explained(f"object {key!r} cannot be read"):
                found = self._client.head_object(Bucket=self._target.bucket, Key=key)
        except BucketError as error:
            if _code(error.__cause__) in _NOT_FOUND:
                return None
            raise
        # Header names have no case, and some servers give them back in another one.
        metadata = {name.lower(): value for name, value in found.get("Metadata", {}).items()}
        return Head(found.get("ETag", ""), metadata.get(HASH_METADATA))

    def get(self, key: str, etag: str) -> bytes:
        """The content of an object, which must not have changed since it was listed."""
        with self._explained(f"object {key!r} cannot be read"):
            return self._client.get_object(Bucket=self._target.bucket, Key=key, IfMatch=etag)["Body"].read()

    def put(self, key: str, data: bytes) -> str:
        """Upload; the ETag of the object."""
        with self._explained(f"object {key!r} cannot be written"):
            answer = self._client.put_object(
                Bucket=self._target.bucket,
                Key=key,
                Body=data,
                ContentType=CONTENT_TYPE,
                Metadata={HASH_METADATA: hashlib.sha256(data).hexdigest()},
            )
        return answer.get("ETag", "")

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        where = f"{self._target.address}:{self._target.port}, bucket {self._target.bucket!r}"
        try:
            yield
        except SSLError as error:
            raise BucketError(f"{where}: the certificate of the object store cannot be verified") from error
        except ClientError as error:
            code = _code(error)
            raise BucketError(f"{where}: {what}: {_REASONS.get(code, code)}") from error
        except BotoCoreError as error:
            raise BucketError(f"{where}: {what}: the object store cannot be reached") from error
        except ValueError as error:  # a key or a name that no header and no URL can carry
            raise BucketError(f"{where}: {what}: it cannot be asked for in this way") from error


class Buckets:
    """Makes buckets, and keeps the connections of each for the next job. Thread-safe.

    ``directory`` is where certificates are kept while the emulator runs. ``authorities`` stands for the built-in
    public ones: None for those that botocore brings, else a file.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._clients: dict[tuple[Target, Path | None], S3Client] = {}
        self._session = botocore.session.Session(
            session_vars={
                # Nothing of whoever runs the emulator may reach the cluster: no profile, no file, no variable.
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )

    def open(self, target: Target, authorities: Path | None = None, page: int = 1000) -> Bucket:
        """``BucketError`` for an address or a region that is none, or that the addressing style cannot work with.

        ``page`` is how many objects a listing asks for at a time.
        """
        _check_style(target)
        with self._lock:
            client = self._clients.get((target, authorities))
            if client is None:
                try:
                    client = self._clients[target, authorities] = self._make(target, authorities)
                except (ValueError, BotoCoreError) as error:
                    raise BucketError(f"{target.address}:{target.port}: no such address, or no such region") from error
        return Bucket(target, client, page)

    def close(self) -> None:
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _make(self, target: Target, authorities: Path | None) -> S3Client:
        host = f"[{target.address}]" if ":" in target.address else target.address
        verify: bool | str = True if authorities is None else str(authorities)
        if target.ca_certificate:
            verify = str(self._certificate(target.ca_certificate))
        made = self._session.create_client(
            "s3",
            region_name=target.region or "us-east-1",
            endpoint_url=f"https://{host}:{target.port}",
            verify=verify,
            aws_access_key_id=target.access_key_id,
            aws_secret_access_key=target.secret_access_key,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if target.style is BucketStyle.PATH else "virtual"},
                retries={"total_max_attempts": 2, "mode": "standard"},
                connect_timeout=5,
                read_timeout=30,
                proxies={},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        return cast("S3Client", made)

    def _certificate(self, pem: str) -> Path:
        path = self._directory / f"{hashlib.sha256(pem.encode()).hexdigest()[:16]}.pem"
        if not path.exists():
            # Whole or not at all, and once: another client may be reading it to open a connection.
            part = path.with_suffix(".part")
            part.write_text(pem, encoding="ascii")
            part.replace(path)
        return path


def _code(error: BaseException | None) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _check_style(target: Target) -> None:
    # botocore would quietly fall back to path style here; a cluster would not.
    if target.style is BucketStyle.PATH:
        return
    try:
        ipaddress.ip_address(target.address)
    except ValueError:
        if "." in target.bucket:
            raise BucketError(
                f"{target.bucket}.{target.address}: the certificate of the object store cannot be verified"
            ) from None
        return
    raise BucketError(f"{target.bucket}.{target.address}: the host name cannot be resolved")
