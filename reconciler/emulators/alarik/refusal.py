"""How the JSON API says no, and the form of everything it says.

Source: Alarik's S3ErrorMiddleware, which leaves such errors to Vapor's ErrorMiddleware.
"""

from __future__ import annotations

import json
from http import HTTPStatus

from reconciler.emulators.message import JsonValue, Reply

_JSON = ("Content-Type", "application/json; charset=utf-8")


class Refusal(Exception):
    """A request that is answered with an error. Without a reason it is the status's own name."""

    def __init__(self, status: int, reason: str | None = None) -> None:
        self.status = status
        self.reason = reason if reason is not None else HTTPStatus(status).phrase
        super().__init__(self.reason)

    def reply(self) -> Reply:
        return answer({"error": True, "reason": self.reason}, self.status)


def answer(value: JsonValue, status: int = 200) -> Reply:
    """Any answer of the JSON API."""
    return Reply(status, (_JSON,), json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
