"""What SCP says when it refuses, in our words. Decisions go by the name of an error only where it has been seen.

Sources: the vendor's Terraform provider, which reads `errors[].detail` as a text or a list of texts; bodies seen live
and published by users of the service.
"""

import json
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reconciler.errors import ErrorCode
from reconciler.providers.http import Answer, Explanation

__all__ = ["PURPOSE", "explain"]

PURPOSE = "filestorage.BadRequest.Invalid.volume.purpose"
"""Code of what a volume cannot do while it is replicated, and of a call sent to the wrong region."""
_CODES = {
    "HmacValidFail": ErrorCode.UNAUTHENTICATED,
    "Forbidden": ErrorCode.PERMISSION_DENIED,
    PURPOSE: ErrorCode.FAILED_PRECONDITION,
}
_STATE_OF_THINGS = ("Invalid.volume.state", "Invalid.replication.policy", "has.snapshot", "not.available")
"""Parts of codes that speak of how things are, not of what was asked."""
_NOT_ENTITLED = ("rejected by gateway", "catalog has not target")
_HINTS = {
    "HmacValidFail": (
        "is the secret key right, and this machine's clock? With `accountId` the account is signed, too: it must be the"
        " key's own; without it, the service may ask for one"
    ),
    PURPOSE: "the volume is part of a replication, or the call must go to the replica's region: plan again",
    "ContactAdminForAssistance": "the service failed: try again later; its operators find the request by its id",
}
_BY_STATUS = {
    401: "check `credentials` of the provider, and this machine's clock",
    403: "the key's policy must allow filestorage:*VolumeReplication and ListVolumes in both regions",
    409: "another change of the same volume or replication is under way, or the name is taken",
}
_ENTITLEMENT = "the account has no File Storage in this region: order it in the console, or correct `region`"
_REGION = "SCP offers no replication from this volume to that region"


def _texts(value: object) -> list[str]:
    parts = value if isinstance(value, list) else [value]
    return [one if isinstance(one, str) else json.dumps(one) for one in parts if one is not None]


class _Error(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    code: Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))] = ""
    detail: Annotated[list[str], BeforeValidator(_texts)] = []
    request_id: str | None = None
    global_request_id: str | None = None


class _Envelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    errors: list[_Error] = Field(min_length=1)


def explain(answer: Answer) -> Explanation:
    """Read an answer that is an error. What is no envelope comes from the gateway, or from something in between."""
    try:
        said = _Envelope.model_validate_json(answer.content).errors
    except ValidationError:
        return _of_gateway(answer)
    first = said[0]
    message = "; ".join(_line(one) for one in said)
    return Explanation(
        message=message,
        code=_code(first.code, message, answer.status),
        hint=_hint(first.code, message, answer.status),
        request_id=first.request_id or first.global_request_id,
    )


def _line(one: _Error) -> str:
    """Write `code: detail`. Validation says `Field required` once for each field, and never which."""
    counted = {text: one.detail.count(text) for text in one.detail}
    told = ", ".join(text if count == 1 else f"{text} ({count} times)" for text, count in counted.items())
    return ": ".join(filter(None, (one.code, told)))


def _code(name: str, message: str, status: int) -> ErrorCode | None:
    if status >= 500:
        return None
    if any(text in message.lower() for text in _NOT_ENTITLED):
        return ErrorCode.PERMISSION_DENIED
    if status == 400 and any(text in name for text in _STATE_OF_THINGS):
        return ErrorCode.FAILED_PRECONDITION
    return _CODES.get(name)


def _hint(name: str, message: str, status: int) -> str | None:
    if any(text in message.lower() for text in _NOT_ENTITLED):
        return _ENTITLEMENT
    if "Replication is not available" in message:
        return _REGION
    return _HINTS.get(name, _BY_STATUS.get(status))


def _of_gateway(answer: Answer) -> Explanation:
    text = " ".join(answer.content[:400].decode(errors="replace").split())
    if any(mark in text.lower() for mark in _NOT_ENTITLED):
        return Explanation(message=text, code=ErrorCode.PERMISSION_DENIED, hint=_ENTITLEMENT)
    if answer.status >= 500:
        return Explanation(message=f"HTTP status {answer.status} of the gateway", hint="try again later")
    return Explanation(hint=_BY_STATUS.get(answer.status))
