"""The wire side of one S3 endpoint: who asks, what for, and which part answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex

from reconciler.emulators.gate import Operation
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.s3 import operations
from reconciler.emulators.s3.aws import Resource
from reconciler.emulators.s3.document import parse, text
from reconciler.emulators.s3.errors import S3Error, by_status, malformed, no_such_bucket, render
from reconciler.emulators.s3.objects import TOUCHING, Change, ObjectCall, plain, read, write
from reconciler.emulators.s3.payload import decode
from reconciler.emulators.s3.signature import verify
from reconciler.emulators.s3.store import Store
from reconciler.emulators.s3.switches import Switches
from reconciler.emulators.s3.worker import status_of
from reconciler.emulators.server import Handler

Observer = Callable[[Store, str, Change], None]


class S3Service:
    """See ``gate.Service``. ``observer`` is told what each object write did, inside the store's lock.

    ``mirrored`` is told of every successful call that changed a bucket itself, outside of any lock.
    """

    def __init__(
        self,
        *,
        store: Store,
        resource: Resource,
        keys: Mapping[str, str],
        settings: Callable[[], Switches],
        observer: Observer,
        mirrored: Callable[[Request, str], None] = lambda _request, _region: None,
    ) -> None:
        self._store = store
        self._resource = resource
        self._keys = keys
        self._settings = settings
        self._observer = observer
        self._mirrored = mirrored

    def operation(self, request: Request) -> Operation:
        return operations.operation(_path_style(request))

    def failure(self, status: int, request: Request) -> Reply:
        return _finish(render(by_status(status), request_id=_request_id(), head=request.method == "HEAD"))

    def frozen(self) -> Handler:
        return S3Service(
            store=self._store.frozen(),
            resource=self._resource.frozen(),
            keys=self._keys,
            settings=self._settings,
            observer=lambda _store, _bucket, _change: None,
        )

    def __call__(self, request: Request) -> Reply:
        try:
            return _finish(self._answer(request))
        except S3Error as error:
            reply = render(error, request_id=_request_id(), head=request.method == "HEAD")
            region = error.details.get("Region")
            return _finish(reply.with_header("x-amz-bucket-region", region) if region else reply)

    def _answer(self, request: Request) -> Reply:
        now = datetime.now(UTC) + timedelta(seconds=self._settings().clock_skew_s)
        signed = verify(request, self._keys, now)
        request = decode(_path_style(request), signed)
        where = operations.target(request)
        name = operations.operation(request).name
        if name is None or name not in operations.SUPPORTED:
            raise S3Error(501, "NotImplemented", "This emulator does not hold what was asked for.")
        call = ObjectCall(name, where.bucket, where.key, request, signed.scope.region)
        self._admit(call)
        special = {
            "PutBucketReplication": self._put_replication,
            "GetBucketReplication": lambda call: self._resource.get(call.bucket),
            "DeleteBucketReplication": lambda call: self._resource.delete(call.bucket),
            "PutBucketVersioning": self._put_versioning,
            "DeleteBucket": self._delete_bucket,
            "HeadObject": self._read_object,
            "GetObject": self._read_object,
            **dict.fromkeys(TOUCHING, self._write_object),
        }
        reply = special.get(name, self._plain)(call)
        about_bucket = call.bucket and not call.key and name not in TOUCHING
        if about_bucket and reply.status < 300 and operations.operation(request).write:
            self._mirrored(call.request, signed.scope.region)
        return reply

    def _admit(self, call: ObjectCall) -> None:
        settings = self._settings()
        owner = call.request.header("x-amz-expected-bucket-owner")
        if call.name in settings.denied_operations or owner not in (None, self._store.account):
            raise S3Error(403, "AccessDenied", "Access Denied")
        if not call.bucket or call.name == "CreateBucket":
            return
        bucket = self._store.bucket(call.bucket)
        if bucket is None:
            raise no_such_bucket(call.bucket)
        region, asked = bucket.region_name, call.region
        if settings.region_check and region != asked and call.name != "GetBucketLocation":
            raise S3Error(
                400,
                "AuthorizationHeaderMalformed",
                f"The authorization header is malformed; the region '{asked}' is wrong; expecting '{region}'",
                Region=region,
            )

    def _plain(self, call: ObjectCall) -> Reply:
        return plain(self._store, call)

    def _put_replication(self, call: ObjectCall) -> Reply:
        return self._resource.put(call.bucket, call.request)

    def _put_versioning(self, call: ObjectCall) -> Reply:
        status = text(parse(call.request.body, "VersioningConfiguration"), "Status")
        if status not in {"Enabled", "Suspended"}:
            raise malformed()
        if status == "Suspended" and self._resource.locks_versioning(call.bucket):
            raise S3Error(
                409,
                "InvalidBucketState",
                "A replication configuration is present on this bucket, so you cannot change the versioning state. "
                "To change the versioning state, first delete the replication configuration.",
            )
        return self._plain(call)

    def _delete_bucket(self, call: ObjectCall) -> Reply:
        reply = self._plain(call)
        if reply.status < 300:
            self._resource.forget(call.bucket)
        return reply

    def _read_object(self, call: ObjectCall) -> Reply:
        reply, version = read(self._store, call)
        status = None if version is None else status_of(version)
        return reply.with_header("x-amz-replication-status", status) if status else reply

    def _write_object(self, call: ObjectCall) -> Reply:
        with self._store.lock:
            reply, changes = write(self._store, call)
            for change in changes:
                self._observer(self._store, call.bucket, change)
        return reply


def _path_style(request: Request) -> Request:
    """The same request with the bucket in its path, when it was in the host name: ``BUCKET.localhost``."""
    host = (request.header("Host") or "").partition(":")[0]
    bucket = host.removesuffix(".localhost")
    if bucket == host or not bucket:
        return request
    return replace(request, raw_path=f"/{bucket}{request.raw_path}")


def _finish(reply: Reply) -> Reply:
    return reply.with_header("x-amz-request-id", _request_id())


def _request_id() -> str:
    return token_hex(8).upper()
