"""What the service says when it refuses, in our words."""

import json
from typing import Any

import pytest

from reconciler.errors import ErrorCode
from reconciler.providers.http import Answer
from reconciler.providers.scp.failure import PURPOSE, explain


def answer(status: int, code: str, detail: Any, **more: Any) -> Answer:
    error = {
        "code": code, "detail": detail, "status": status, "title": code, "links": [], "response": None,
        "request_id": "req-7e99bfcc", "global_request_id": "req-c56bf27b", **more,
    }  # fmt: skip
    return Answer(status=status, content=json.dumps({"errors": [error]}).encode())


def test_validation_counts_what_it_repeats() -> None:
    said = explain(answer(400, "ValidationError", ["Field required", "Field required", "Input should be a string"]))
    assert said.message == "ValidationError: Field required (2 times), Input should be a string"
    assert said.code is None
    assert said.request_id == "req-7e99bfcc"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "HmacValidFail", ErrorCode.UNAUTHENTICATED),
        (403, "Forbidden", ErrorCode.PERMISSION_DENIED),
        (400, PURPOSE, ErrorCode.FAILED_PRECONDITION),
        (400, "filestorage.BadRequest.Invalid.volume.state", ErrorCode.FAILED_PRECONDITION),
        (400, "filestorage.BadRequest.Other", None),
        (500, "ContactAdminForAssistance", None),
        (400, "filestorage.BadRequest.Volume.has.snapshot", ErrorCode.FAILED_PRECONDITION),
        (400, "filestorage.BadRequest.Invalid.replication.policy", ErrorCode.FAILED_PRECONDITION),
        (409, "filestorage.Conflict.Invalid.volume.state", None),
        (500, "Forbidden", None),
    ],
)
def test_codes(status: int, code: str, expected: ErrorCode | None) -> None:
    assert explain(answer(status, code, "text")).code is expected


def test_every_common_refusal_has_a_way_out() -> None:
    for status, code in ((401, "HmacValidFail"), (403, "Forbidden"), (409, "Conflict"), (400, PURPOSE)):
        assert explain(answer(status, code, "text")).hint


def test_a_service_that_is_not_ordered_is_no_matter_of_keys() -> None:
    enveloped = json.dumps({"errors": [{"detail": "catalog has not target"}]}).encode()
    for content in (b"Request is rejected by gateway", enveloped):
        said = explain(Answer(status=401, content=content))
        assert said.code is ErrorCode.PERMISSION_DENIED
        assert "order it" in (said.hint or "")


def test_a_region_that_is_not_offered() -> None:
    said = explain(answer(400, "x.Replication.not.available", "Replication is not available."))
    assert said.code is ErrorCode.FAILED_PRECONDITION
    assert "no replication from this volume" in (said.hint or "")


def test_every_error_of_several_is_told() -> None:
    errors = [{"code": "First", "detail": "one"}, {"code": "Second", "detail": None}, {"detail": {"a": 1}}]
    said = explain(Answer(status=400, content=json.dumps({"errors": errors}).encode()))
    assert said.message == 'First: one; Second; {"a": 1}'


def test_a_request_without_an_id_of_its_own_has_the_global_one() -> None:
    assert explain(answer(400, "Other", "text", request_id=None)).request_id == "req-c56bf27b"


def test_a_gateway_is_told_apart_and_its_pages_are_not_printed() -> None:
    said = explain(Answer(status=502, content=b"<html>Bad Gateway</html>"))
    assert said.message == "HTTP status 502 of the gateway"
    assert said.hint
    assert "credentials" in (explain(Answer(status=401, content=b"<html>no</html>")).hint or "")


def test_what_a_gateway_says_is_cut() -> None:
    said = explain(Answer(status=401, content=b"Request is rejected by gateway " + b"x" * 10_000))
    assert len(said.message or "") <= 400


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}", b'{"errors": []}', b'[{"msg": "x"}]', b"\xff\xfe"])
def test_what_is_no_envelope_is_left_to_its_status(content: bytes) -> None:
    assert explain(Answer(status=503, content=content)).code is None
    assert explain(Answer(status=400, content=content)).code is None
