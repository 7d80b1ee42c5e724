"""Deliveries: ordinary signed S3 calls over HTTP or HTTPS to wherever a target points.

Source: Alarik's ReplicationClient. The certificates that a real server would find in its system's list are the
world's own authority here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlencode

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from moto.s3.models import FakeKey

from reconciler.emulators.alarik.buckets import STORE_REGION
from reconciler.emulators.alarik.configuration import Target
from reconciler.emulators.message import Request
from reconciler.emulators.s3 import objects
from reconciler.emulators.s3.errors import S3Error
from reconciler.emulators.s3.store import Store

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

#: Objects above this go in parts of this size.
PART: Final = 8 * 1024 * 1024

_CLIENTS: Final = 64
_META: Final = "x-amz-meta-"


class DeliveryError(Exception):
    """Why a delivery failed, as a task's ``lastError`` says it. Names no secret."""


@dataclass(frozen=True, slots=True)
class Source:
    """One version of an object: what of it is delivered. Nothing else of it is."""

    body: bytes
    content_type: str
    metadata: Mapping[str, str]
    tagging: str

    def arguments(self) -> dict[str, Any]:
        made: dict[str, Any] = {"ContentType": self.content_type, "Metadata": dict(self.metadata)}
        return made | ({"Tagging": self.tagging} if self.tagging else {})


class Courier:
    """Thread-safe. Every method raises ``DeliveryError``."""

    def __init__(self, store: Store, authority: Path) -> None:
        self._store = store
        self._authority = authority
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, str, str], S3Client] = {}
        self._session = botocore.session.Session(
            session_vars={
                # Nothing of whoever runs the emulator may reach it: no profile, no file, no variable.
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )

    def put(self, target: Target, bucket: str, key: str, version: str | None) -> None:
        """Copy one version as it is now: its tags and metadata may be newer than its bytes."""
        source = self._source(bucket, key, version)
        with _explained():
            client = self._client(target)
            if len(source.body) <= PART:
                client.put_object(Bucket=target.bucket, Key=key, Body=source.body, **source.arguments())
            else:
                _put_in_parts(client, target.bucket, key, source)

    def delete(self, target: Target, key: str) -> None:
        """Without a version: what becomes of older ones is the target's own affair."""
        with _explained():
            self._client(target).delete_object(Bucket=target.bucket, Key=key)

    def close(self) -> None:
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def _source(self, bucket: str, key: str, version: str | None) -> Source:
        query = "" if version is None else urlencode({"versionId": version})
        request = Request("GET", f"/{quote(bucket)}/{quote(key)}", query, (), b"")
        try:
            reply, found = objects.read(
                self._store, objects.ObjectCall("GetObject", bucket, key, request, STORE_REGION)
            )
        except S3Error:
            found = None
        if not isinstance(found, FakeKey) or reply.status != 200:
            raise DeliveryError("Could not read the source object from disk")
        tags = self._store.tags(found)
        return Source(
            body=reply.body,
            content_type=reply.header("Content-Type") or "application/octet-stream",
            metadata={
                name[len(_META) :].lower(): value for name, value in reply.headers if name.lower().startswith(_META)
            },
            tagging="&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in tags.items()),
        )

    def _client(self, target: Target) -> S3Client:
        wanted = (target.endpoint, target.region, target.access_key, target.secret_key)
        with self._lock:
            if wanted not in self._clients:
                if len(self._clients) >= _CLIENTS:
                    self._clients.pop(next(iter(self._clients))).close()
                self._clients[wanted] = self._make(target)
            return self._clients[wanted]

    def _make(self, target: Target) -> S3Client:
        made = self._session.create_client(
            "s3",
            region_name=target.region,
            endpoint_url=target.endpoint,
            verify=str(self._authority),
            aws_access_key_id=target.access_key,
            aws_secret_access_key=target.secret_key,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=30,
                proxies={},
                user_agent="Soto/6.0",
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        return cast("S3Client", made)


def _put_in_parts(client: S3Client, bucket: str, key: str, source: Source) -> None:
    upload = client.create_multipart_upload(Bucket=bucket, Key=key, **source.arguments())["UploadId"]
    try:
        parts = []
        for number, start in enumerate(range(0, len(source.body), PART), start=1):
            sent = client.upload_part(
                Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=source.body[start : start + PART]
            )
            parts.append({"ETag": sent["ETag"], "PartNumber": number})
        client.complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=cast("Any", {"Parts": parts})
        )
    except (BotoCoreError, ClientError):
        with suppress(BotoCoreError, ClientError):
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        raise


@contextmanager
def _explained() -> Iterator[None]:
    """Turns what the S3 client says into what Alarik's would: code and message, or the failure of the connection."""
    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        raise DeliveryError(f"{told.get('Code', 'Unknown')}: {told.get('Message', '')}") from error
    except SSLError as error:
        raise DeliveryError("NIOSSLError.handshakeFailed: certificate verify failed") from error
    except ConnectTimeoutError as error:
        raise DeliveryError("HTTPClientError.connectTimeout") from error
    except EndpointConnectionError as error:
        raise DeliveryError("NIOConnectionError: connection refused") from error
    except ReadTimeoutError as error:
        raise DeliveryError("HTTPClientError.readTimeout") from error
    except (BotoCoreError, ValueError) as error:
        raise DeliveryError(f"HTTPClientError: {type(error).__name__}") from error


def _escaped(text: str) -> str:
    return quote(text, safe="-_.:/@")
