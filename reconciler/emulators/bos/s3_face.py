"""The S3-compatible face of one region: SigV4 and XML, with the same objects and keys as BOS's own face.

Source: BOS product documentation, "Compatible with AWS S3". Replication rules are not among what it speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import unquote
from xml.sax.saxutils import escape

from reconciler.emulators.bos.bucket import FULL_CONTROL
from reconciler.emulators.bos.bucket_calls import check_class
from reconciler.emulators.bos.call import stamp
from reconciler.emulators.bos.cloud import Cloud
from reconciler.emulators.bos.identity import Account
from reconciler.emulators.bos.objects import STORE_REGION
from reconciler.emulators.bos.refusal import Refusal, inappropriate, new_request_id
from reconciler.emulators.gate import Operation
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.s3 import operations
from reconciler.emulators.s3.document import NAMESPACE, parse, text
from reconciler.emulators.s3.errors import S3Error, by_status, render
from reconciler.emulators.s3.objects import ObjectCall, keys_to_delete, plain
from reconciler.emulators.s3.payload import decode
from reconciler.emulators.s3.signature import verify
from reconciler.emulators.server import Handler

#: Calls that go to the store as they are, with the permission they need.
_PLAIN: Final[Mapping[str, str]] = {
    "AbortMultipartUpload": "WRITE",
    "CreateMultipartUpload": "WRITE",
    "GetBucketVersioning": FULL_CONTROL,
    "GetObject": "READ",
    "GetObjectAttributes": "READ",
    "GetObjectTagging": "READ",
    "HeadBucket": "LIST",
    "HeadObject": "READ",
    "ListMultipartUploads": "LIST",
    "ListObjectVersions": "LIST",
    "ListObjects": "LIST",
    "ListObjectsV2": "LIST",
    "ListParts": "READ",
    "UploadPart": "WRITE",
    "UploadPartCopy": "WRITE",
}
#: Calls that change objects, of which the rules must hear.
_WRITES: Final = frozenset({"CompleteMultipartUpload", "CopyObject", "DeleteObject", "DeleteObjects", "PutObject"})
_DOMAIN: Final = ".bcebos.com"
_LOCAL: Final = ".localhost"


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    request: Request
    account: Account
    bucket: str
    key: str


class S3Face:
    """See ``gate.Service``."""

    def __init__(self, cloud: Cloud, region: str) -> None:
        self._cloud = cloud
        self._region = region

    def __call__(self, request: Request) -> Reply:
        request_id, head = new_request_id(), request.method == "HEAD"
        try:
            reply = self._answer(request)
        except S3Error as error:
            reply = render(error, request_id=request_id, head=head)
        except Refusal as refusal:
            told = S3Error(refusal.status, refusal.code, refusal.message)
            reply = render(told, request_id=request_id, head=head)
        return reply.with_header("x-amz-request-id", request_id)

    def operation(self, request: Request) -> Operation:
        return operations.operation(_path_style(request))

    def failure(self, status: int, request: Request) -> Reply:
        request_id = new_request_id()
        reply = render(by_status(status), request_id=request_id, head=request.method == "HEAD")
        return reply.with_header("x-amz-request-id", request_id)

    def frozen(self) -> Handler:
        return S3Face(self._cloud.frozen(), self._region)

    def _answer(self, request: Request) -> Reply:
        now = datetime.now(UTC) + timedelta(seconds=self._cloud.switches.number("clock_skew_s"))
        signed = verify(request, self._cloud.identities.permanent(), now)
        credential = self._cloud.identities.find(signed.scope.access_key)
        if credential is None:
            raise Refusal(403, "InvalidAccessKeyId")
        request = decode(_path_style(request), signed)
        where = operations.target(request)
        name = operations.operation(request).name or ""
        call = _Call(name, request, credential.account, where.bucket, where.key)
        with self._cloud.lock:
            if name in _WRITES:
                return self._write(call)
            if name in _PLAIN:
                self._cloud.bucket(call.bucket, call.account, _PLAIN[name], self._region)
                return self._plain(call)
            special = _SPECIAL.get(name)
            if special is None:
                raise S3Error(501, "NotImplemented", "The S3 face of this service does not hold what was asked for.")
            return special(self, call)

    def list_buckets(self, call: _Call) -> Reply:
        rows = "".join(
            f"<Bucket><Name>{bucket.name}</Name><CreationDate>{stamp(bucket.created)}</CreationDate></Bucket>"
            for bucket in self._cloud.owned(call.account)
        )
        owner = f"<Owner><ID>{call.account.id}</ID><DisplayName>{call.account.display_name}</DisplayName></Owner>"
        return _xml("ListAllMyBucketsResult", f"{owner}<Buckets>{rows}</Buckets>")

    def create_bucket(self, call: _Call) -> Reply:
        if call.request.body:
            wanted = text(parse(call.request.body, "CreateBucketConfiguration"), "LocationConstraint")
            if wanted not in {None, "", self._region}:
                raise S3Error(400, "IllegalLocationConstraintException", "Another region's endpoint was asked.")
        self._cloud.create_bucket(call.bucket, call.account, self._region)
        return Reply(200, (("Location", f"/{call.bucket}"),))

    def delete_bucket(self, call: _Call) -> Reply:
        self._cloud.delete_bucket(self._cloud.bucket(call.bucket, call.account, FULL_CONTROL, self._region))
        return Reply(204)

    def location(self, call: _Call) -> Reply:
        return _xml("LocationConstraint", escape(self._cloud.bucket(call.bucket, call.account, "LIST").region))

    def put_versioning(self, call: _Call) -> Reply:
        status = text(parse(call.request.body, "VersioningConfiguration"), "Status")
        if status not in {"Enabled", "Suspended"}:
            raise inappropriate("Status must be Enabled or Suspended.")
        self._cloud.set_versioning(
            self._cloud.bucket(call.bucket, call.account, FULL_CONTROL, self._region), str(status)
        )
        return Reply(200)

    def _write(self, call: _Call) -> Reply:
        bucket = self._cloud.bucket(call.bucket, call.account, "WRITE", self._region)
        if call.name == "CopyObject":
            source = unquote(call.request.header("x-amz-copy-source") or "").removeprefix("/").partition("/")[0]
            self._cloud.bucket(source, call.account, "READ")
        chosen = call.request.header("x-amz-storage-class")
        if chosen is not None:
            check_class(chosen, multi_az=bucket.multi_az)
        keys = keys_to_delete(call.request) if call.name == "DeleteObjects" else [call.key]
        before = {key: self._cloud.objects.latest(call.bucket, key) for key in keys}
        kept = tuple(pair for pair in call.request.headers if pair[0].lower() != "x-amz-storage-class")
        reply = self._plain(replace(call, request=replace(call.request, headers=kept)))
        if reply.status < 300:
            for key in keys:
                self._cloud.objects.changed(bucket, key, before[key], chosen)
        return reply

    def _plain(self, call: _Call) -> Reply:
        asked = ObjectCall(call.name, call.bucket, call.key, call.request, STORE_REGION)
        return plain(self._cloud.objects.store, asked)


_SPECIAL: Final[Mapping[str, Callable[[S3Face, _Call], Reply]]] = {
    "ListBuckets": S3Face.list_buckets,
    "CreateBucket": S3Face.create_bucket,
    "DeleteBucket": S3Face.delete_bucket,
    "GetBucketLocation": S3Face.location,
    "PutBucketVersioning": S3Face.put_versioning,
}


def _path_style(request: Request) -> Request:
    """The same request with the bucket in its path, when it stood in the host name."""
    host = (request.header("Host") or "").partition(":")[0].lower()
    front = ""
    if host.endswith(_LOCAL):
        front = host.removesuffix(_LOCAL)
    elif host.endswith(_DOMAIN):
        # BUCKET.s3.REGION.bcebos.com: the last two labels before the domain are the service's.
        front = ".".join(host.removesuffix(_DOMAIN).split(".")[:-2])
    return replace(request, raw_path=f"/{front}{request.raw_path}") if front else request


def _xml(root: str, inner: str) -> Reply:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">{inner}</{root}>'
    return Reply(200, (("Content-Type", "application/xml"),), body.encode())
