"""The object store: moto's S3, made to hold several separate worlds in one process.

moto keeps its buckets in one global table, in which bucket names are unique. Here every ``Store`` has a table of
its own, and moto sees the one of the store that is answering. Requests go to moto's own handlers without its web
framework, whose routing does not carry every key (``a//b``, a newline).
"""

from __future__ import annotations

import copy
import io
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, unquote_to_bytes
from xml.parsers.expat import ExpatError

import moto.s3.models as moto_models
import moto.s3.responses as moto_responses
from botocore.exceptions import ClientError
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.core.request import Request as MotoRequest
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend, S3BackendDict
from moto.s3.utils import _VersionedKeyStore
from moto.utilities.utils import PARTITION_NAMES
from werkzeug.exceptions import HTTPException

from reconciler.emulators.message import Headers, Reply, Request
from reconciler.emulators.s3.backend import Backend
from reconciler.emulators.s3.errors import S3Error, by_status, malformed

#: A version of an object as moto holds it: its bytes with their metadata, or the mark that it was deleted.
Version = FakeKey | FakeDeleteMarker

# Without a store it is moto's own, so that a moto server in the same process goes on as if nothing had happened.
_answering: ContextVar[S3BackendDict] = ContextVar("_answering", default=moto_models.s3_backends)


class _TableOfTheAnsweringStore:
    """Stands where moto looks for its global table."""

    def __getitem__(self, account: str) -> Any:
        return _answering.get()[account]

    def __getattr__(self, name: str) -> Any:
        return getattr(_answering.get(), name)


for _module in (moto_models, moto_responses):
    vars(_module)["s3_backends"] = _TableOfTheAnsweringStore()
# moto warns of every object that its own version listing copies and drops.
FakeKey.__del__ = FakeKey.dispose  # type: ignore[method-assign]


class _ServerRequest(MotoRequest):
    from_wsgi_server = True


class Store:
    """Buckets and objects of one account. Thread-safe: one request at a time, and ``lock`` for more than one step."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.lock = threading.RLock()
        self._table = S3BackendDict(
            Backend, service_name="s3", use_boto3_regions=False, additional_regions=PARTITION_NAMES
        )

    def answer(self, request: Request, region: str) -> Reply:
        """moto's answer. ``region`` is where a new bucket goes; the signature has been checked already."""
        moto_request = _ServerRequest(_environ(request, self.account, region))
        bucket_only = "/" not in request.raw_path.removeprefix("/").rstrip("/")
        handler = moto_responses.S3Response.bucket_dispatch if bucket_only else moto_responses.S3Response.key_dispatch
        with self._in_use():
            try:
                status, headers, body = handler(moto_request, moto_request.raw_url, dict(moto_request.headers))
            except HTTPException as error:
                response = error.get_response()
                if response.mimetype == "text/html":
                    # Not one of moto's own, which are XML: its web framework's page.
                    raise by_status(response.status_code) from error
                status, headers, body = response.status_code, dict(response.headers), response.get_data()
            except ClientError as error:
                raise S3Error(400, error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
            except NotImplementedError as error:
                raise S3Error(501, "NotImplemented", "This emulator does not hold what was asked for.") from error
            except AssertionError as error:
                # An ACL that there is not.
                raise S3Error(400, "InvalidArgument", "Invalid Argument") from error
            except (KeyError, TypeError, AttributeError, IndexError, ValueError, ExpatError) as error:
                # moto reads documents and parameters without checking them; what it trips over was malformed.
                raise malformed() from error
        return Reply(int(status), _headers(headers), body.encode() if isinstance(body, str) else bytes(body))

    def bucket(self, name: str) -> FakeBucket | None:
        with self.lock:
            partition, account = self._table.bucket_accounts.get(name, ("", ""))
            return self._table[account][partition].buckets.get(name) if account else None

    def buckets(self) -> list[FakeBucket]:
        with self.lock:
            found = [self.bucket(name) for name in sorted(self._table.bucket_accounts)]
            return [bucket for bucket in found if bucket is not None]

    def versions(self, bucket: FakeBucket, key: str) -> list[Version]:
        """Every version of a key, oldest first; empty if there is none."""
        with self.lock:
            return list(bucket.keys.getlist(key, []))

    def replace_versions(self, bucket: FakeBucket, key: str, versions: list[Version]) -> None:
        """Make these the versions of a key, oldest first; none removes the key."""
        with self._in_use():
            if versions:
                bucket.keys.setlist(key, versions)
            elif key in bucket.keys:
                bucket.keys.pop(key)

    def mark_deleted(self, bucket: FakeBucket, key: str) -> FakeDeleteMarker:
        """Put a delete marker where nothing is, which moto does not do."""
        with self._in_use():
            nothing = FakeKey(key, b"", self.account, bucket.region_name)
            marker = FakeDeleteMarker(key=nothing)
            nothing.dispose()
            bucket.keys.setlist(key, [marker])
            return marker

    def tags(self, version: FakeKey) -> dict[str, str]:
        with self._in_use():
            tags: dict[str, str] = self._backend_of(version).tagger.get_tag_dict_for_resource(version.arn)
            return tags

    def set_tags(self, version: FakeKey, tags: Mapping[str, str]) -> None:
        with self._in_use():
            self._backend_of(version).put_object_tagging(version, dict(tags))

    def frozen(self) -> Store:
        """A copy of everything as it is now."""
        taken = Store(self.account)
        with self.lock:
            for account, by_partition in self._table.items():
                for partition, backend in by_partition.items():
                    taken._table[account][partition].tagger = copy.deepcopy(backend.tagger)
                    for name, bucket in backend.buckets.items():
                        taken._table[account][partition].buckets[name] = _copy_bucket(bucket)
                        taken._table.bucket_accounts[name] = (partition, account)
        return taken

    def close(self) -> None:
        """Let go of the objects' temporary files."""
        with self._in_use():
            for bucket in self.buckets():
                for _, versions in bucket.keys.iterlists():
                    for version in versions:
                        if isinstance(version, FakeKey):
                            version.dispose()

    def _backend_of(self, version: FakeKey) -> S3Backend:
        return self._table[version.account_id][version.partition]

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self.lock:
            token = _answering.set(self._table)
            try:
                yield
            finally:
                _answering.reset(token)


def _copy_bucket(bucket: FakeBucket) -> FakeBucket:
    taken = copy.copy(bucket)
    taken.keys = _VersionedKeyStore()
    for key, versions in bucket.keys.iterlists():
        taken.keys.setlist(key, [copy.deepcopy(version) for version in versions])
    return taken


def _environ(request: Request, account: str, region: str) -> dict[str, Any]:
    names: dict[str, str] = {}
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.raw_path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": f"{request.raw_path}?{request.query}" if request.query else request.raw_path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        PRESERVED_HEADER_NAMES_ENVIRON_KEY: names,
    }
    for name, value in request.headers:
        key = environ_key_for_header(name)
        if should_preserve_original_header_name(name):
            names[key] = name
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ["CONTENT_LENGTH"] = str(len(request.body))
    # A host name without a dot keeps moto from looking for the bucket in it.
    environ["HTTP_HOST"] = "localhost"
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
    environ["HTTP_AUTHORIZATION"] = (
        f"AWS4-HMAC-SHA256 Credential=emulated/20000101/{region}/s3/aws4_request, SignedHeaders=host, Signature=0"
    )
    return environ


def _headers(headers: Mapping[str, Any]) -> Headers:
    dropped = {"server", "x-amzn-requestid"}
    return tuple((name, _sendable(str(value))) for name, value in headers.items() if name.lower() not in dropped)


def _sendable(value: str) -> str:
    """What a header can carry, UTF-8 as Latin-1 too. moto repeats what it was sent, as a version id never its own."""
    return "".join(one if " " <= one <= "~" or "\x80" <= one <= "\xff" else quote(one) for one in value)
