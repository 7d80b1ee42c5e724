"""How File Storage says no: one envelope for every error, and the gateway's own text where it never came so far.

Source: bodies seen live and published by a third party; the vendor's Terraform provider reads the same envelope.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from reconciler.emulators.message import JsonValue, Reply

#: Code of a refusal that has a reason of no particular service. Only that of 500 has been seen.
_CODES: Final[Mapping[int, str]] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    429: "TooManyRequests",
    500: "ContactAdminForAssistance",
}

_GATEWAY: Final[Mapping[int, str]] = {
    502: "Bad Gateway",
    503: "upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
    504: "upstream request timeout",
}

PURPOSE: Final = "filestorage.BadRequest.Invalid.volume.purpose"


class Refusal(Exception):
    """A request that is answered with an error. ``detail`` is a list for a validation error, a text otherwise."""

    def __init__(
        self,
        status: int,
        detail: str | list[str] | None = None,
        code: str | None = None,
        response: JsonValue = None,
    ) -> None:
        self.status = status
        self.detail = HTTPStatus(status).phrase if detail is None else detail
        self.code = code or _CODES.get(status, HTTPStatus(status).phrase.replace(" ", ""))
        self.response = response
        super().__init__(self.detail)

    def reply(self) -> Reply:
        error: JsonValue = {
            "code": self.code,
            "detail": self.detail,
            "global_request_id": f"req-{uuid4()}",
            "links": [],
            "related_resources": [],
            "request_id": f"req-{uuid4()}",
            "response": self.response,
            "status": self.status,
            "title": self.code,
        }
        return Reply.of_json(self.status, {"errors": [error]})


def invalid(details: list[str]) -> Refusal:
    """A request that does not have the form of its schema. The texts name no member."""
    return Refusal(400, details, "ValidationError")


def missing(what: str) -> Refusal:
    """Something that is not there. The codes of 404 are not published; this follows the form of those that are."""
    return Refusal(404, f"{what} not found.", f"filestorage.NotFound.{what}")


def wrong_purpose(detail: str = "Check the volume purpose") -> Refusal:
    return Refusal(400, detail, PURPOSE)


def failed(status: int) -> Reply:
    """The answer of something that fails before the service has done anything."""
    text = _GATEWAY.get(status)
    if text is not None:
        return Reply(status, (("Content-Type", "text/plain"),), text.encode())
    return Refusal(status).reply()
