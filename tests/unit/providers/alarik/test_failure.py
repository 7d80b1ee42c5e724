"""What a server says when it refuses, and what is made of it."""

import json

import pytest

from reconciler.errors import ErrorCode, ExitCode, ProviderError
from reconciler.providers.alarik.failure import expected_region
from tests.unit.providers.alarik.connections import KEYS, LOGIN, PASSWORD, SECRET, opened
from tests.unit.providers.s3.connections import Secrets
from tests.unit.providers.scripted import answer, drop, serve

RULES = b'{"rules": []}'
RULE = {"id": "R", "targetId": "T", "replicateDeletes": False, "replicateExisting": False, "enabled": True}


def said(reason: str) -> bytes:
    return json.dumps({"error": True, "reason": reason}).encode()


def failed(status: int, body: bytes = b"", *, write: bool = False) -> ProviderError:
    """The error of one call that is answered so."""
    script = [answer(200, RULES), answer(status, body)] if write else [answer(status, body)]
    with serve(*script) as server, opened(endpoint=server.url) as client:
        with pytest.raises(ProviderError) as caught:
            client.put_rules("bucket", [RULE]) if write else client.is_admin()
        if write:
            assert [one.method for one in server.requests] == ["GET", "PUT"], "a list is never put twice"
    return caught.value


@pytest.mark.parametrize(
    ("status", "reason", "code", "hint"),
    [
        (401, "Unauthorized", ErrorCode.UNAUTHENTICATED, "expire"),
        (403, "Only administrators can configure replication targets pointing at private or loopback addresses.",
         ErrorCode.PERMISSION_DENIED, "public address"),
        (404, "Bucket not found", ErrorCode.NOT_FOUND, "owner"),
        (404, "Replication rule not found", ErrorCode.NOT_FOUND, ""),
        (400, "Webhook URL must be a valid http(s) URL with a host.", ErrorCode.INVALID_ARGUMENT, "endpoint"),
        (400, "Each replication target requires credentials.", ErrorCode.INVALID_ARGUMENT, ""),
        (400, "A bucket may have at most 4 replication rules.", ErrorCode.FAILED_PRECONDITION, "others"),
        (400, "Replication rules require the bucket's versioning to be Enabled.", ErrorCode.FAILED_PRECONDITION,
         "versioning"),
        (400, "Rule references an unknown replication target.", ErrorCode.FAILED_PRECONDITION, "plan again"),
        (400, "Cannot resync a disabled replication rule.", ErrorCode.FAILED_PRECONDITION, "enable"),
        (400, "This rule has not opted into existing-object replication (replicateExisting).",
         ErrorCode.FAILED_PRECONDITION, "existing: copy"),
        (400, "This rule's replication target is missing or disabled.", ErrorCode.FAILED_PRECONDITION, "gone"),
        (400, "Value required for key 'id'.", ErrorCode.INVALID_ARGUMENT, ""),
        (413, "Payload Too Large", ErrorCode.INVALID_ARGUMENT, ""),
    ],
)  # fmt: skip
def test_a_reason_is_told_in_the_servers_words(status: int, reason: str, code: ErrorCode, hint: str) -> None:
    error = failed(status, said(reason), write=True)
    assert (error.code, error.status, error.message, error.ambiguous) == (code, status, reason, False)
    assert hint in (error.hint or "")


def test_who_may_not_is_told_so_by_the_exit_code() -> None:
    assert failed(401, said("Unauthorized")).exit_code is ExitCode.AUTH
    assert failed(401).exit_code is ExitCode.AUTH


def test_a_session_that_could_not_be_looked_up_did_nothing() -> None:
    error = failed(503, said("Could not verify this session right now - please retry."), write=True)
    assert (error.code, error.ambiguous) == (ErrorCode.UNAVAILABLE, False)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", said("Something went wrong."), b"\xff"])
def test_after_a_write_that_the_server_stumbled_over_nobody_knows(status: int, body: bytes) -> None:
    error = failed(status, body, write=True)
    assert (error.code, error.ambiguous) == (ErrorCode.UNAVAILABLE, True)


def test_after_a_lost_answer_neither() -> None:
    with serve(answer(200, RULES), drop) as server, opened(endpoint=server.url) as client:
        with pytest.raises(ProviderError) as caught:
            client.put_rules("bucket", [RULE])
        assert (caught.value.code, caught.value.ambiguous, len(server.requests)) == (ErrorCode.UNAVAILABLE, True, 2)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"targets": []}'])
def test_an_answer_to_a_write_that_says_nothing_is_no_success(body: bytes) -> None:
    with serve(answer(200, RULES), answer(200, body)) as server, opened(endpoint=server.url) as client:
        with pytest.raises(ProviderError) as caught:
            client.put_rules("bucket", [RULE])
        assert (caught.value.code, caught.value.ambiguous) == (ErrorCode.PROTOCOL, True)


@pytest.mark.parametrize(
    ("body", "text", "hint"),
    [
        (b"<html><title>403 Forbidden</title></html>", "HTTP status 403", "proxy"),
        (b"", "HTTP status 403", "owner"),
        (b'{"reason": "x"}', "HTTP status 403", "proxy"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>No.</Message></Error>", "AccessDenied: No.",
         "S3"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_of_alarik(body: bytes, text: str, hint: str) -> None:
    error = failed(403, body)
    assert error.code is ErrorCode.PERMISSION_DENIED
    assert text in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>404 page not found</html>", ErrorCode.PROTOCOL),
        (b'{"message": "no Route matched with those values"}', ErrorCode.PROTOCOL),
        (b"<?xml version='1.0'?><Error><Code>NoSuchBucket</Code><Message>No.</Message></Error>", ErrorCode.PROTOCOL),
        (said("Not Found"), ErrorCode.UNIMPLEMENTED),
    ],
)
def test_the_404_of_somebody_else_is_not_taken_for_no_bucket(body: bytes, code: ErrorCode) -> None:
    for ask in ("targets", "rules", "tasks"):
        with (
            serve(answer(404, body)) as server,
            opened(endpoint=server.url) as client,
            pytest.raises(ProviderError) as caught,
        ):
            getattr(client, ask)("bucket")
        assert caught.value.code is code


def test_the_region_that_is_asked_for() -> None:
    text = "The authorization header is malformed; the region 'eu-1' is wrong; expecting 'us-east-1'."
    assert expected_region(text) == "us-east-1"
    assert expected_region("something else") is None


class TestSecrets:
    def test_a_server_that_repeats_what_it_was_told(self) -> None:
        body = said(f"{SECRET} is wrong")
        with serve(answer(401, body)) as server, opened(endpoint=server.url) as client:
            with pytest.raises(ProviderError) as caught:
                client.is_admin()
            assert server.requests[0].headers["x-secret-key"] == SECRET
            shown = f"{caught.value}{caught.value!r}{caught.value.hint}{caught.value.__cause__!r}{vars(client)!r}"
        assert caught.value.message == "*** is wrong"
        assert SECRET not in shown

    def test_so_with_a_login(self) -> None:
        script = [answer(200, b'{"token": "the-t0ken"}'), answer(500, said(f"{PASSWORD} the-t0ken"))]
        with serve(*script) as server, opened(endpoint=server.url, login=LOGIN) as client:
            with pytest.raises(ProviderError) as caught:
                client.resync("bucket", "r")
            assert json.loads(server.requests[0].body) == {"username": "u", "password": PASSWORD}
            assert server.requests[1].headers["authorization"] == "Bearer the-t0ken"
            shown = f"{caught.value}{caught.value!r}{caught.value.__cause__!r}{vars(client)!r}{vars(client._session)!r}"
        assert caught.value.message == "*** ***"
        assert PASSWORD not in shown

    @pytest.mark.parametrize("token", ["a\\nb", "ä", "a b"])
    def test_a_token_that_cannot_be_sent(self, token: str) -> None:
        script = answer(200, f'{{"token": "{token}"}}'.encode())
        with serve(script) as server, opened(endpoint=server.url, login=LOGIN) as client:
            with pytest.raises(ProviderError) as caught:
                client.is_admin()
            assert len(server.requests) == 1
        assert caught.value.code is ErrorCode.PROTOCOL

    @pytest.mark.parametrize("value", ["", "  ", "a b", "a\nb", "schlüssel"])
    def test_what_is_no_key_is_not_sent(self, value: str) -> None:
        secrets = Secrets({"SECRET": value})
        with serve(answer(200)) as server, opened(endpoint=server.url, credentials=KEYS, secrets=secrets) as client:
            with pytest.raises(ProviderError) as caught:
                client.is_admin()
            assert server.requests == []
        assert caught.value.code is ErrorCode.SECRET
        assert "env:SECRET" in (caught.value.hint or "")

    @pytest.mark.parametrize(
        "cut", [b"", b"[]", b'{"targets": [{"id": ["', b'{"targets": [{"secretAccessKey": "CLEAR", "id": 1}, 7]}']
    )
    def test_a_listing_that_cannot_be_read_is_not_shown(self, cut: bytes) -> None:
        with (
            serve(answer(200, cut)) as server,
            opened(endpoint=server.url) as client,
            pytest.raises(ProviderError) as caught,
        ):
            client.targets("bucket")
        assert caught.value.code is ErrorCode.PROTOCOL
        assert "CLEAR" not in f"{caught.value}{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"
