"""Which S3 operation a request is, read from the service model that botocore ships: AWS's own description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.loaders import Loader

from reconciler.emulators.gate import Operation
from reconciler.emulators.message import Request

#: Calls that moto holds. For any other it would do something else in its place, such as put an object.
# fmt: off
SUPPORTED = frozenset(
    {
        "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket",
        "CreateMultipartUpload", "DeleteBucket", "DeleteBucketCors", "DeleteBucketEncryption",
        "DeleteBucketLifecycle", "DeleteBucketOwnershipControls", "DeleteBucketPolicy",
        "DeleteBucketReplication", "DeleteBucketTagging", "DeleteBucketWebsite", "DeleteObject",
        "DeleteObjectTagging", "DeleteObjects", "DeletePublicAccessBlock", "GetBucketAccelerateConfiguration",
        "GetBucketAcl", "GetBucketCors", "GetBucketEncryption", "GetBucketInventoryConfiguration",
        "GetBucketLifecycleConfiguration", "GetBucketLocation", "GetBucketLogging",
        "GetBucketNotificationConfiguration", "GetBucketOwnershipControls", "GetBucketPolicy",
        "GetBucketPolicyStatus", "GetBucketReplication", "GetBucketTagging", "GetBucketVersioning",
        "GetBucketWebsite", "GetObject", "GetObjectAcl", "GetObjectAttributes", "GetObjectLegalHold",
        "GetObjectLockConfiguration", "GetObjectTagging", "GetPublicAccessBlock", "HeadBucket", "HeadObject",
        "ListBucketInventoryConfigurations", "ListBuckets", "ListMultipartUploads", "ListObjectVersions",
        "ListObjects", "ListObjectsV2", "ListParts", "PutBucketAccelerateConfiguration", "PutBucketAcl",
        "PutBucketCors", "PutBucketEncryption", "PutBucketInventoryConfiguration",
        "PutBucketLifecycleConfiguration", "PutBucketLogging", "PutBucketNotificationConfiguration",
        "PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketReplication", "PutBucketTagging",
        "PutBucketVersioning", "PutBucketWebsite", "PutObject", "PutObjectAcl", "PutObjectLegalHold",
        "PutObjectLockConfiguration", "PutObjectRetention", "PutObjectTagging", "PutPublicAccessBlock",
        "RestoreObject", "SelectObjectContent", "UploadPart", "UploadPartCopy",
    }
)
# fmt: on

_READS = ("Get", "Head", "List", "Select")

# Older names for the same call; the newer one is reported.
_SUPERSEDED = frozenset(
    {
        "GetBucketLifecycle",
        "GetBucketNotification",
        "PutBucketLifecycle",
        "PutBucketNotification",
        "ListDirectoryBuckets",
        "CreateSession",
    }
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: the bucket, or "" for the service; the key, or "" for the bucket itself."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class _Signature:
    name: str
    query: Mapping[str, str | None]
    headers: frozenset[str]

    def fits(self, request: Request) -> bool:
        return all(
            name in request.params and (value is None or request.params[name] == value)
            for name, value in self.query.items()
        ) and all(request.header(name) is not None for name in self.headers)

    @property
    def weight(self) -> int:
        return len(self.query) + len(self.headers)


def target(request: Request) -> Target:
    """The bucket and key of a path-style request, decoded."""
    bucket, _, key = request.raw_path.removeprefix("/").partition("/")
    return Target(unquote(bucket), unquote(key))


def operation(request: Request) -> Operation:
    """The name and kind of a request; a name of None means that S3 has no such call."""
    where = target(request)
    level = "key" if where.key else "bucket" if where.bucket else "service"
    fitting = [candidate for candidate in _signatures().get((request.method, level), ()) if candidate.fits(request)]
    if not fitting:
        return Operation(None, write=request.method not in {"GET", "HEAD", "OPTIONS"})
    name = max(fitting, key=lambda candidate: candidate.weight).name
    return Operation(name, write=not name.startswith(_READS))


@cache
def _signatures() -> dict[tuple[str, str], list[_Signature]]:
    model = Loader().load_service_model("s3", "service-2")
    found: dict[tuple[str, str], list[_Signature]] = {}
    for name, described in model["operations"].items():
        path, _, query = described["http"]["requestUri"].partition("?")
        level = {"/": "service", "/{Bucket}": "bucket", "/{Bucket}/{Key+}": "key"}.get(path)
        if level is None or name in _SUPERSEDED:
            continue
        conditions: dict[str, str | None] = dict.fromkeys(
            _required(model, described, "querystring"),
        )
        for key, value in parse_qsl(query, keep_blank_values=True):
            conditions[key] = value or None
        signature = _Signature(name, conditions, frozenset(_required(model, described, "header")))
        found.setdefault((described["http"]["method"], level), []).append(signature)
    return found


def _required(model: Mapping[str, Any], described: Mapping[str, Any], location: str) -> list[str]:
    if "input" not in described:
        return []
    shape = model["shapes"][described["input"]["shape"]]
    return [
        shape["members"][member]["locationName"]
        for member in shape.get("required", ())
        if shape["members"][member].get("location") == location
        # Named in the model but sent by no client of an object's attributes; the static query tells these apart.
        and shape["members"][member]["locationName"] != "x-amz-object-attributes"
    ]
