"""What the emulator answers."""

import httpx


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """The answer is an error of this kind, written as all of them are."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"code", "message", "requestId"}
    assert body["code"] == code
    assert answer.headers["x-bce-request-id"] == body["requestId"]
