"""The S3 face: buckets and objects in path style, signed for the server's one region.

Source: Alarik's S3Controller, S3Service and SigV4Validator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, unescape

from reconciler.emulators.alarik.bucket_calls import is_bucket_name
from reconciler.emulators.alarik.buckets import STORE_REGION
from reconciler.emulators.alarik.identity import User
from reconciler.emulators.alarik.switches import DEFAULT_REGION
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.s3 import objects, operations
from reconciler.emulators.s3.errors import S3Error
from reconciler.emulators.s3.objects import ObjectCall
from reconciler.emulators.s3.payload import decode
from reconciler.emulators.s3.signature import Scope, verify

if TYPE_CHECKING:
    from reconciler.emulators.alarik.instance import Instance

_XML = (("Content-Type", "application/xml"),)
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

#: What the server holds of S3, and this emulator with it.
# fmt: off
HELD: Final = frozenset(
    {
        "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket", "CreateMultipartUpload",
        "DeleteBucket", "DeleteBucketReplication", "DeleteBucketTagging", "DeleteObject", "DeleteObjectTagging",
        "DeleteObjects", "GetBucketLocation", "GetBucketReplication", "GetBucketTagging", "GetBucketVersioning",
        "GetObject", "GetObjectAttributes", "GetObjectTagging", "HeadBucket", "HeadObject", "ListBuckets",
        "ListMultipartUploads", "ListObjectVersions", "ListObjects", "ListObjectsV2", "ListParts",
        "PutBucketReplication", "PutBucketTagging", "PutBucketVersioning", "PutObject", "PutObjectTagging",
        "UploadPart", "UploadPartCopy",
    }
)
# fmt: on

# Headers of a write that a client may send and the server does not keep.
_NOT_KEPT = re.compile(
    r"cache-control|content-(encoding|disposition|language)|expires|x-amz-(storage-class|acl|grant-.*|"
    r"server-side-encryption.*|website-redirect-location|object-lock-.*)",
    re.IGNORECASE,
)
_WRITES: Final = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})

_TEXTS: Final[Mapping[str, str]] = {
    "InvalidAccessKeyId": "The access key ID you provided does not exist in our records.",
    "RequestTimeTooSkewed": "Request time skew exceeds 15 minutes",
    "MalformedXML": "The XML you provided was not well-formed or did not validate against our published schema.",
}


class Face:
    """Answers S3 requests for one instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._special: Mapping[str, Callable[[ObjectCall, User], Reply]] = {
            "ListBuckets": self._list_buckets,
            "CreateBucket": self._create_bucket,
            "DeleteBucket": self._delete_bucket,
            "HeadBucket": self._head_bucket,
            "GetBucketLocation": self._location,
            "PutBucketVersioning": self._put_versioning,
            "GetBucketReplication": self._get_replication,
            "PutBucketReplication": self._put_replication,
            "DeleteBucketReplication": self._delete_replication,
            "GetObject": self._read,
            "HeadObject": self._read,
            **dict.fromkeys(objects.TOUCHING, self._write),
        }

    def answer(self, request: Request) -> Reply:
        """The reply, errors included. Every one has an XML body, but for HEAD."""
        try:
            reply = self._answer(request)
        except S3Error as error:
            return told(error, head=request.method == "HEAD")
        found = re.search(rb"<Code>([^<]*)</Code>.*?<Message>([^<]*)</Message>", reply.body, re.DOTALL)
        if reply.status >= 400 and found is not None:
            # The store underneath tells more than this server does.
            code, message = (unescape(part.decode(), {"&quot;": '"'}) for part in found.groups())
            return told(S3Error(reply.status, code, message), head=request.method == "HEAD")
        return reply

    def _answer(self, request: Request) -> Reply:
        where, name = operations.target(request), operations.operation(request).name
        reads = request.method in {"GET", "HEAD"} and where.bucket
        if (reads or name == "DeleteBucket") and self._instance.buckets.find(where.bucket) is None:
            # Looked up before anybody is asked who they are.
            raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist.")
        try:
            request, user = self._signed(request)
        except S3Error as error:
            if name in {"CreateBucket", "DeleteBucket"} and error.status == 403 and "Skewed" not in error.code:
                raise _denied() from error
            raise
        if name is None or name not in HELD:
            raise S3Error(501, "NotImplemented", "This emulator does not hold what was asked for.")
        if where.bucket and name not in {"CreateBucket", "DeleteBucket"}:
            record = self._instance.buckets.find(where.bucket)
            if record is None or record.owner != user.id:
                raise _denied()
        call = ObjectCall(name, where.bucket, where.key, request, STORE_REGION)
        special = self._special.get(name)
        return objects.plain(self._instance.store, call) if special is None else special(call, user)

    def _signed(self, request: Request) -> tuple[Request, User]:
        """The request with its plain body, and whose key has signed it."""
        now = datetime.now(UTC) + timedelta(seconds=self._instance.settings.clock_skew_s)
        signed = verify(request, self._instance.identities.valid_keys(), now, self._check_region)
        user = self._instance.identities.owner_of(signed.scope.access_key)
        if user is None:
            raise _denied()
        request = decode(request, signed)
        if operations.operation(request).name in _WRITES:
            request = _as_kept(request)
        return request, user

    def _check_region(self, scope: Scope, presigned: bool) -> None:
        right = self._instance.settings.region
        if scope.region == right:
            return
        wrong = f"the region '{scope.region}' is wrong; expecting '{right}'."
        if presigned:
            raise S3Error(
                400, "AuthorizationQueryParametersError", f"Error parsing the X-Amz-Credential parameter; {wrong}"
            )
        raise S3Error(400, "AuthorizationHeaderMalformed", f"The authorization header is malformed; {wrong}")

    def _list_buckets(self, _call: ObjectCall, user: User) -> Reply:
        rows = "".join(
            f"<Bucket><Name>{bucket.name}</Name><CreationDate>{bucket.created:%Y-%m-%dT%H:%M:%S.000Z}</CreationDate>"
            "</Bucket>"
            for bucket in sorted(self._instance.buckets.of(user), key=lambda bucket: bucket.name)
        )
        owner = "<Owner><ID>vapor-user</ID><DisplayName>vapor-user</DisplayName></Owner>"
        root = "ListAllMyBucketsResult"
        return _document(f'<{root} xmlns="{_NAMESPACE}">{owner}<Buckets>{rows}</Buckets></{root}>')

    def _create_bucket(self, call: ObjectCall, user: User) -> Reply:
        if not is_bucket_name(call.bucket):
            raise S3Error(400, "InvalidBucketName", "The specified bucket is not valid.")
        made = self._instance.buckets.create(call.bucket, user, self._instance.clock.now(), versioned=False)
        present = self._instance.buckets.find(call.bucket)
        if made is None and present is not None:
            if present.owner != user.id:
                raise S3Error(409, "BucketAlreadyExists", "The requested bucket name is not available.")
            if self._instance.settings.region != DEFAULT_REGION:
                text = "Your previous request to create the named bucket succeeded and you already own it."
                raise S3Error(409, "BucketAlreadyOwnedByYou", text)
        return Reply(200, (("Location", f"/{call.bucket}"),))

    def _delete_bucket(self, call: ObjectCall, user: User) -> Reply:
        record = self._instance.buckets.find(call.bucket)
        if record is None or record.owner != user.id:
            raise _denied()
        with self._instance.store.lock:
            found = self._instance.store.bucket(call.bucket)
            if found is not None and len(found.keys):
                raise S3Error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
            self._instance.drop_bucket(call.bucket)
        return Reply(204)

    def _head_bucket(self, _call: ObjectCall, _user: User) -> Reply:
        return Reply(200, (("x-amz-bucket-region", self._instance.settings.region),))

    def _location(self, _call: ObjectCall, _user: User) -> Reply:
        region = self._instance.settings.region
        inner = "" if region == DEFAULT_REGION else escape(region)
        return _document(f'<LocationConstraint xmlns="{_NAMESPACE}">{inner}</LocationConstraint>')

    def _put_versioning(self, call: ObjectCall, _user: User) -> Reply:
        for status in ("Enabled", "Suspended"):
            if f"<Status>{status}</Status>".encode() in call.request.body:
                self._instance.buckets.set_versioning(call.bucket, status)
                return Reply(200)
        raise S3Error(400, "MalformedXML", _TEXTS["MalformedXML"])

    def _get_replication(self, call: ObjectCall, _user: User) -> Reply:
        record = self._instance.buckets.find(call.bucket)
        if record is None or record.configuration is None:
            text = "The replication configuration was not found."
            raise S3Error(404, "ReplicationConfigurationNotFoundError", text)
        return Reply(200, _XML, record.configuration.xml(self._instance.settings))

    def _put_replication(self, _call: ObjectCall, _user: User) -> Reply:
        raise S3Error(
            501,
            "NotImplemented",
            "Configuring bucket replication via the S3 API is not supported. "
            "Manage replication through the Alarik console or internal API.",
        )

    def _delete_replication(self, call: ObjectCall, _user: User) -> Reply:
        self._instance.buckets.clear(call.bucket)
        return Reply(204)

    def _read(self, call: ObjectCall, _user: User) -> Reply:
        return objects.read(self._instance.store, call)[0]

    def _write(self, call: ObjectCall, _user: User) -> Reply:
        with self._instance.store.lock:
            reply, changes = objects.write(self._instance.store, call)
        # Outside of the lock: a synchronous rule may deliver to this very server.
        if call.name not in objects.TAGGING and "versionId" not in call.request.params:
            for change in changes:
                self._instance.follow(call.bucket, change, deleted=call.name.startswith("Delete"))
        return reply


def told(error: S3Error, *, head: bool = False) -> Reply:
    """An error as this server words it."""
    if head or error.status == 304:
        return Reply(error.status, _XML)
    message = _TEXTS.get(error.code, error.message)
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(message)}</Message>"
    return Reply(error.status, _XML, f"{_HEAD}<Error>{inner}</Error>".encode())


def _denied() -> S3Error:
    return S3Error(403, "AccessDenied", "Access Denied")


def _document(inner: str) -> Reply:
    return Reply(200, _XML, (_HEAD + inner).encode())


def _as_kept(request: Request) -> Request:
    headers = tuple((name, value) for name, value in request.headers if not _NOT_KEPT.fullmatch(name))
    if request.header("Content-Type") is None and request.header("x-amz-copy-source") is None:
        headers = (*headers, ("Content-Type", "application/octet-stream"))
    return replace(request, headers=headers)
