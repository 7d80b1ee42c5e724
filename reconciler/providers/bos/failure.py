"""What BOS says when it refuses, in our words. Decisions go by the name of an error only where the vendor documents it.

Source: BOS API, *Error codes*, and Baidu AI Cloud, *Common error codes*: `{"code", "message", "requestId"}`.
"""

import re

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.errors import ErrorCode
from reconciler.providers.http import Answer, Explanation

__all__ = ["explain"]

_CODES = {
    ErrorCode.NOT_FOUND: "NoSuchBucket NoSuchKey NoSuchUpload NoSuchVersion NoReplicationConfiguration",
    ErrorCode.ALREADY_EXISTS: "BucketAlreadyExists",
    ErrorCode.UNAUTHENTICATED: "InvalidAccessKeyId SignatureDoesNotMatch InvalidHTTPAuthHeader RequestExpired "
    "RequestTimeTooSkewed InvalidSecurityToken ExpiredToken MissingAuthorization",
    ErrorCode.PERMISSION_DENIED: "AccessDenied AccountOverdue OptInRequired",
    ErrorCode.INVALID_ARGUMENT: "InappropriateJSON MalformedJSON InvalidArgument InvalidURI InvalidBucketName "
    "InvalidObjectName KeyTooLong EntityTooLarge EntityTooSmall BadDigest InvalidDigest MetadataTooLarge InvalidPart "
    "InvalidPartOrder InvalidHTTPRequest InvalidStorageClass RequestTooLarge MissingContentLength",
    ErrorCode.FAILED_PRECONDITION: "PreconditionFailed ReplicationStatusNotEmpty BucketNotEmpty",
    ErrorCode.RATE_LIMITED: "SlowDown TooManyRequests RequestLimitExceeded RequestRateLimitExceeded",
}  # fmt: skip
_BY_NAME = {name: code for code, names in _CODES.items() for name in names.split()}
_CLOCK = "the clock of this machine is wrong, or requests are held up on their way: synchronise it"
_HINTS = {
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "SignatureDoesNotMatch": "the secret key is wrong, or a proxy changes the request",
    "InvalidAccessKeyId": "check `credentials` of the provider",
    "InvalidSecurityToken": "the session token is wrong, or has expired: ask STS for new keys",
    "ExpiredToken": "the session has expired: ask STS for new keys",
    "AccountOverdue": "the account owes Baidu money: nothing works until that is paid",
    "AccessDenied": (
        "replication needs FULL_CONTROL of the source bucket, and its account must be able to write to the destination"
    ),
}
_BY_STATUS = {
    401: _HINTS["InvalidAccessKeyId"],
    403: "the keys are wrong, or may not do this: " + _HINTS["AccessDenied"],
}
_ELSEWHERE = "the bucket lies in another region: set `region` (and `endpoint`) of the provider to it"
_S3_FACE = "this is an S3 service: `endpoint` is the BOS API, https://<region>.bcebos.com, and `s3Endpoint` its S3 face"
_BETWEEN = "this is no answer of BOS but of something in front of it: a proxy, or a gateway"
_XML = re.compile(rb"<Error>.*?<Code>([^<]{1,100})</Code>(?:.*?<Message>([^<]{0,400})</Message>)?", re.DOTALL)


class _Envelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    code: str = ""
    message: str = ""
    requestId: str = ""  # noqa: N815  the vendor's name


def explain(answer: Answer) -> Explanation:
    """Read an answer that is an error. An answer to HEAD has no body: then its status must do."""
    if 300 <= answer.status < 400:
        return Explanation(
            message=f"HTTP status {answer.status}, which leads elsewhere", code=ErrorCode.FAILED_PRECONDITION,
            hint=_ELSEWHERE,
        )  # fmt: skip
    try:
        said = _Envelope.model_validate_json(answer.content)
    except ValidationError:
        return _no_envelope(answer)
    if not said.code and _stranger(answer):
        return _no_envelope(answer)
    if not said.code and not said.message:
        return Explanation(hint=_BY_STATUS.get(answer.status))
    message = ": ".join(part for part in (said.code, said.message) if part)
    if said.requestId and "x-bce-request-id" not in answer.headers:
        message += f" (request {said.requestId.strip()})"
    return Explanation(
        message=message, code=_code(said.code, answer.status), hint=_HINTS.get(said.code, _BY_STATUS.get(answer.status))
    )


def _code(name: str, status: int) -> ErrorCode | None:
    """Return the code of a documented name. A server's own trouble is what its status says, whatever it is called."""
    if status >= 500 and _BY_NAME.get(name) is not ErrorCode.RATE_LIMITED:
        return None
    return _BY_NAME.get(name)


def _no_envelope(answer: Answer) -> Explanation:
    if not answer.content.strip():
        return Explanation(hint=_BY_STATUS.get(answer.status))
    if (found := _XML.search(answer.content)) is not None:
        name, text = ((part or b"").decode(errors="replace") for part in found.groups())
        return Explanation(
            message=": ".join(filter(None, (name, text))), code=_stranger(answer) or _code(name, answer.status),
            hint=_S3_FACE,
        )  # fmt: skip
    message = f"HTTP status {answer.status}, without an answer of BOS"
    return Explanation(message=message, code=_stranger(answer), hint=_BETWEEN)


def _stranger(answer: Answer) -> ErrorCode | None:
    """Return the code of an answer that is not the service's: its 404 must not pass for "there is nothing"."""
    return ErrorCode.PROTOCOL if answer.status in (404, 410) else None
