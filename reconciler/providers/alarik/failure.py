"""What Alarik says when it refuses, in our words.

Its own API answers `{"error": true, "reason": "..."}`, its S3 face XML. Source: alarik, InternalBucketController and
Vapor's ErrorMiddleware.
"""

import re

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.errors import ErrorCode
from reconciler.providers.http import Answer, Explanation

__all__ = ["expected_region", "explain"]

_OWNER = "Alarik shows a bucket's replication to its owner only, not even to administrators: sign in as the owner"
_REASONS: tuple[tuple[str, ErrorCode | None, str], ...] = (
    # (a part of the reason, the code if the status does not say it, what to do); the first that fits counts
    ("Could not verify this session", ErrorCode.UNAVAILABLE, "the server cannot read its own users just now"),
    ("Bucket not found", ErrorCode.NOT_FOUND, f"the bucket is not there, or is another user's. {_OWNER}"),
    ("Only administrators can configure", ErrorCode.PERMISSION_DENIED,
     "use an endpoint with a public address, or let an administrator own the bucket"),
    ("Webhook URL must be", ErrorCode.INVALID_ARGUMENT, "the server means the endpoint of a target, not a webhook"),
    ("versioning to be Enabled", ErrorCode.FAILED_PRECONDITION, "enable versioning on the source bucket"),
    ("unknown replication target", ErrorCode.FAILED_PRECONDITION,
     "the target of a rule was removed meanwhile, or a disabled rule without its target is among them: plan again"),
    ("Cannot resync a disabled", ErrorCode.FAILED_PRECONDITION, "enable the replication first"),
    ("has not opted into existing-object", ErrorCode.FAILED_PRECONDITION, "set `existing: copy` and apply first"),
    ("target is missing or disabled", ErrorCode.FAILED_PRECONDITION, "plan again: the target of this rule is gone"),
    ("Not Found", ErrorCode.UNIMPLEMENTED, "this server knows no such call: does it run a release with replication?"),
    ("at most 4 replication", ErrorCode.FAILED_PRECONDITION, "those made by others count too: remove one"),
)  # fmt: skip
_BY_STATUS = {
    401: "are the keys, or user and password, right? Access keys may expire",
    403: _OWNER,
}
_BETWEEN = "this is no answer of Alarik but of something in front of it: a proxy, or a gateway"
_S3_ONLY = "this server speaks S3 but has no API of Alarik's under /api/v1: is `endpoint` right?"
_XML = re.compile(rb"<Error>.*?<Code>([^<]{1,100})</Code>(?:.*?<Message>([^<]{0,400})</Message>)?", re.DOTALL)
_REGION = re.compile(r"expecting '([^']{1,64})'")


class _Envelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    error: bool
    reason: str = ""


def explain(answer: Answer) -> Explanation:
    """Read an answer of the API that is an error."""
    hint = _BY_STATUS.get(answer.status)
    try:
        reason = _Envelope.model_validate_json(answer.content).reason
    except ValidationError:
        return _no_envelope(answer)
    for part, code, advice in _REASONS:
        if part in reason:
            unavailable = code is ErrorCode.UNAVAILABLE
            return Explanation(message=reason, code=code, hint=advice, nothing_done=unavailable)
    return Explanation(message=reason, hint=hint)


def expected_region(message: str) -> str | None:
    """Return the region that the S3 face asks for in its refusal of another one; None if it says nothing of it.

    Source: alarik, SigV4Validator: `the region 'X' is wrong; expecting 'Y'`.
    """
    found = _REGION.search(message)
    return found[1] if found else None


def _no_envelope(answer: Answer) -> Explanation:
    if not answer.content.strip():
        return Explanation(hint=_BY_STATUS.get(answer.status))
    if (found := _XML.search(answer.content)) is not None:
        name, text = ((part or b"").decode(errors="replace") for part in found.groups())
        return Explanation(message=": ".join(filter(None, (name, text))), code=_stranger(answer), hint=_S3_ONLY)
    message = f"HTTP status {answer.status}, without an answer of Alarik"
    return Explanation(message=message, code=_stranger(answer), hint=_BETWEEN)


def _stranger(answer: Answer) -> ErrorCode | None:
    """Return the code of an answer that is not the API's: its 404 must not pass for "there is no such bucket"."""
    return ErrorCode.PROTOCOL if answer.status in (404, 410) else None
