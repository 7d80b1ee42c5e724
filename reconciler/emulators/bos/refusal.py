"""How BOS says no: one exception, and the JSON envelope that the vendor's SDK reads.

Source: BOS API reference, "Error codes"; Baidu AI Cloud API reference, "Common error codes".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from reconciler.emulators.message import Reply

_MESSAGES: Final[Mapping[str, str]] = {
    "AccessDenied": "Access denied.",
    "AccountOverdue": "Your account is overdue.",
    "BadDigest": "The Content-MD5 you specified did not match what we received.",
    "BucketAlreadyExists": "The requested bucket name is not available. The bucket namespace is shared by all users.",
    "BucketNotEmpty": "The bucket you tried to delete is not empty.",
    "EntityTooLarge": "Your proposed upload exceeds the maximum allowed object size.",
    "EntityTooSmall": "Your proposed upload is smaller than the minimum allowed object size.",
    "InternalError": "We encountered an internal error. Please try again.",
    "InvalidAccessKeyId": "The Access Key ID you provided does not exist in our records.",
    "InvalidHTTPAuthHeader": "The HTTP authorization header is invalid.",
    "MalformedJSON": "The JSON you provided was not well-formed.",
    "MethodNotAllowed": "The specified method is not allowed against this resource.",
    "NoSuchBucket": "The specified bucket does not exist.",
    "NoSuchKey": "The specified key does not exist.",
    "NoSuchUpload": "The specified multipart upload does not exist.",
    "NoReplicationConfiguration": "The replication configuration does not exist.",
    "PreconditionFailed": "The specified If-Match header doesn't match the ETag header.",
    "RequestExpired": "Request has expired.",
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided.",
}

_BY_STATUS: Final[Mapping[int, str]] = {
    400: "InvalidArgument",
    401: "InvalidAccessKeyId",
    403: "AccessDenied",
    404: "NoSuchKey",
    405: "MethodNotAllowed",
    409: "OperationConflict",
    412: "PreconditionFailed",
    429: "RequestRateLimitExceeded",
    500: "InternalError",
    503: "ServiceUnavailable",
}


class Refusal(Exception):
    """A request that is answered with an error. ``message`` never holds a secret."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        self.status = status
        self.code = code
        self.message = message or _MESSAGES.get(code, "The request failed.")
        super().__init__(f"{code}: {self.message}")

    def reply(self, request_id: str, *, head: bool = False) -> Reply:
        """The answer. One to HEAD has no body, and so no code."""
        if head:
            return Reply(self.status)
        return Reply.of_json(self.status, {"code": self.code, "message": self.message, "requestId": request_id})


def by_status(status: int) -> Refusal:
    """The error BOS gives with a status, when nothing more is known."""
    return Refusal(status, _BY_STATUS.get(status, "InternalError" if status >= 500 else "InvalidArgument"))


def no_such_bucket() -> Refusal:
    return Refusal(404, "NoSuchBucket")


def denied(message: str = "") -> Refusal:
    return Refusal(403, "AccessDenied", message)


def invalid(message: str) -> Refusal:
    """A value that cannot be."""
    return Refusal(400, "InvalidArgument", message)


def inappropriate(message: str) -> Refusal:
    """JSON without something that is needed, or of another type than is needed."""
    return Refusal(400, "InappropriateJSON", message)


def new_request_id() -> str:
    return str(uuid.uuid4())
