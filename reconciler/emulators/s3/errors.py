"""S3's errors: code, status, message, and the XML they travel in."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from reconciler.emulators.message import Reply


class S3Error(Exception):
    """Raised anywhere while a request is served; becomes the answer."""

    def __init__(self, status: int, code: str, message: str, **details: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details: Mapping[str, str] = details


def malformed() -> S3Error:
    """What AWS says of any document that does not fit its schema. It never says where."""
    return S3Error(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def invalid_request(message: str) -> S3Error:
    return S3Error(400, "InvalidRequest", message)


def invalid_argument(message: str, name: str, value: str) -> S3Error:
    return S3Error(400, "InvalidArgument", message, ArgumentName=name, ArgumentValue=value)


def no_such_bucket(bucket: str) -> S3Error:
    return S3Error(404, "NoSuchBucket", "The specified bucket does not exist", BucketName=bucket)


_BY_STATUS = {
    403: ("AccessDenied", "Access Denied"),
    404: ("NoSuchBucket", "The specified bucket does not exist"),
    405: ("MethodNotAllowed", "The specified method is not allowed against this resource."),
    409: ("OperationAborted", "A conflicting conditional operation is currently in progress against this resource."),
    412: ("PreconditionFailed", "At least one of the pre-conditions you specified did not hold"),
    416: ("InvalidRange", "The requested range is not satisfiable"),
    429: ("TooManyRequests", "Please reduce your request rate."),
    500: ("InternalError", "We encountered an internal error. Please try again."),
    501: ("NotImplemented", "A header you provided implies functionality that is not implemented."),
    502: ("BadGateway", "The request failed."),
    503: ("SlowDown", "Please reduce your request rate."),
    504: ("GatewayTimeout", "The request timed out."),
}


_UNKNOWN = (("InvalidRequest", "The request failed."), ("InternalError", "The request failed."))


def by_status(status: int) -> S3Error:
    """The error S3 gives with a status, when nothing more is known."""
    code, message = _BY_STATUS.get(status, _UNKNOWN[status >= 500])
    return S3Error(status, code, message)


def render(error: S3Error, *, request_id: str, head: bool = False) -> Reply:
    """The answer for an error. An answer to HEAD has no body, and so no code."""
    if head:
        return Reply(error.status, (("Content-Type", "application/xml"),))
    fields = {"Code": error.code, "Message": error.message, **error.details, "RequestId": request_id}
    inner = "".join(f"<{name}>{escape(_printable(value))}</{name}>" for name, value in fields.items())
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
    return Reply(error.status, (("Content-Type", "application/xml"),), body.encode())


def _printable(value: str) -> str:
    # XML 1.0 has no way to hold the other control characters, which keys may contain.
    return "".join(character if character >= " " or character in "\t\n\r" else "\ufffd" for character in value)
