"""What a server says when it refuses, and what is made of it."""

import pytest

from reconciler.errors import ErrorCode, ExitCode, ProviderError
from tests.unit.providers.bos.connections import SECRET, TOKEN, opened
from tests.unit.providers.s3.connections import Secrets
from tests.unit.providers.scripted import answer, drop, serve


def said(code: str, message: str = "In the vendor's words.", request: str = "r-1") -> bytes:
    return f'{{"code":"{code}","message":"{message}","requestId":"{request}"}}'.encode()


def failed(status: int, body: bytes = b"", *, write: bool = False, **headers: str) -> ProviderError:
    """The error of one call that is answered so."""
    with serve(answer(status, body, **headers)) as server, opened(endpoint=server.url) as client:
        with pytest.raises(ProviderError) as caught:
            client.put_rule("bucket", "id", {}) if write else client.buckets()
        if write:
            assert len(server.requests) == 1, "a rule is never put twice"
    return caught.value


@pytest.mark.parametrize(
    ("status", "name", "code", "hint"),
    [
        (403, "AccessDenied", ErrorCode.PERMISSION_DENIED, "FULL_CONTROL"),
        (403, "AccountOverdue", ErrorCode.PERMISSION_DENIED, "paid"),
        (403, "InvalidAccessKeyId", ErrorCode.UNAUTHENTICATED, "credentials"),
        (403, "SignatureDoesNotMatch", ErrorCode.UNAUTHENTICATED, "secret key"),
        (400, "SignatureDoesNotMatch", ErrorCode.UNAUTHENTICATED, "secret key"),
        (400, "InvalidHTTPAuthHeader", ErrorCode.UNAUTHENTICATED, ""),
        (403, "RequestTimeTooSkewed", ErrorCode.UNAUTHENTICATED, "clock"),
        (400, "RequestExpired", ErrorCode.UNAUTHENTICATED, "clock"),
        (404, "NoSuchBucket", ErrorCode.NOT_FOUND, ""),
        (404, "NoReplicationConfiguration", ErrorCode.NOT_FOUND, ""),
        (409, "BucketAlreadyExists", ErrorCode.ALREADY_EXISTS, ""),
        (400, "InappropriateJSON", ErrorCode.INVALID_ARGUMENT, ""),
        (409, "ReplicationStatusNotEmpty", ErrorCode.FAILED_PRECONDITION, ""),
        (409, "SomethingNew", ErrorCode.CONFLICT, ""),
        (400, "SomethingNew", ErrorCode.INVALID_ARGUMENT, ""),
    ],
)
def test_a_name_that_is_known_and_one_that_is_not(status: int, name: str, code: ErrorCode, hint: str) -> None:
    error = failed(status, said(name), write=True, x_bce_request_id="from-header")
    assert (error.code, error.status, error.ambiguous) == (code, status, False)
    assert error.message == f"{name}: In the vendor's words."
    assert error.request_id == "from-header"
    assert hint in (error.hint or "")


def test_who_may_not_is_told_so_by_the_exit_code() -> None:
    assert failed(403, said("AccessDenied")).exit_code is ExitCode.AUTH
    assert failed(403, said("SignatureDoesNotMatch")).exit_code is ExitCode.AUTH


def test_the_request_id_is_in_the_text_where_no_header_has_it() -> None:
    assert "r-1" in str(failed(404, said("NoSuchBucket"), write=True))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", b"<html><title>Bad Gateway</title></html>", said("InternalError"), b"\xff\xfe"])
def test_after_a_write_that_the_server_stumbled_over_nobody_knows(status: int, body: bytes) -> None:
    error = failed(status, body, write=True)
    assert (error.code, error.ambiguous) == (ErrorCode.UNAVAILABLE, True)


def test_after_a_lost_answer_neither() -> None:
    with serve(drop) as server, opened(endpoint=server.url) as client:
        with pytest.raises(ProviderError) as caught:
            client.put_rule("bucket", "id", {})
        assert (caught.value.code, caught.value.ambiguous) == (ErrorCode.UNAVAILABLE, True)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "text", "hint"),
    [
        (b"<html><head><title>403 Forbidden</title></head></html>", "HTTP status 403", "proxy"),
        (b"", "HTTP status 403", "keys"),
        (b"   ", "HTTP status 403", "keys"),
        (b'{"error": "whatever"}', "HTTP status 403", "keys"),
        (b'["x"]', "HTTP status 403", "proxy"),
        (b'{"code": 7, "message": null}', "HTTP status 403", "proxy"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>No.</Message></Error>", "AccessDenied: No.",
         "s3Endpoint"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_of_bos(body: bytes, text: str, hint: str) -> None:
    error = failed(403, body)
    assert error.code is ErrorCode.PERMISSION_DENIED
    assert text in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize(
    "body",
    [
        b"<html>404 page not found</html>",
        b'{"message": "no Route matched with those values"}',
        b'{"error": true, "reason": "Not Found"}',
        b"<?xml version='1.0'?><Error><Code>NoSuchBucket</Code><Message>No.</Message></Error>",
    ],
)
def test_the_404_of_somebody_else_is_not_taken_for_nothing_there(status: int, body: bytes) -> None:
    for ask in ("rules", "rule", "delete_rule"):
        with (
            serve(answer(status, body)) as server,
            opened(endpoint=server.url) as client,
            pytest.raises(ProviderError) as caught,
        ):
            getattr(client, ask)(*(("bucket",) if ask == "rules" else ("bucket", "id")))
        assert caught.value.code is ErrorCode.PROTOCOL


@pytest.mark.parametrize("status", [301, 302, 307])
def test_an_answer_that_leads_elsewhere_is_not_followed(status: int) -> None:
    error = failed(status, Location="http://127.0.0.1:1/")
    assert error.code is ErrorCode.FAILED_PRECONDITION
    assert "region" in (error.hint or "")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"rules": {}}', b'{"rules": [1]}'])
def test_a_listing_that_is_none_is_not_taken_for_an_empty_one(body: bytes) -> None:
    with (
        serve(answer(200, body)) as server,
        opened(endpoint=server.url) as client,
        pytest.raises(ProviderError) as caught,
    ):
        client.rules("bucket")
    assert caught.value.code is ErrorCode.PROTOCOL


def test_a_server_that_repeats_what_it_was_told_gives_no_secret_away() -> None:
    settings = {"accessKeyId": "AK", "secretAccessKey": {"env": "SECRET"}, "sessionToken": {"env": "TOKEN"}}
    body = said("InvalidArgument", f"{SECRET} and {TOKEN}")
    with serve(answer(400, body)) as server, opened(endpoint=server.url, credentials=settings) as client:
        with pytest.raises(ProviderError) as caught:
            client.buckets()
        assert server.requests[0].headers["x-bce-security-token"] == TOKEN
        shown = f"{caught.value}{caught.value!r}{caught.value.hint}{caught.value.__cause__!r}{client!r}{vars(client)!r}"
    assert "*** and ***" in caught.value.message
    assert SECRET not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize("value", ["", "  ", "a b", "a\nb", "schlüssel", "a\x07"])
def test_what_is_no_key_is_not_sent(value: str) -> None:
    with serve(answer(200)) as server, opened(endpoint=server.url, secrets=Secrets({"SECRET": value})) as client:
        with pytest.raises(ProviderError) as caught:
            client.buckets()
        assert server.requests == []
    assert (caught.value.code, caught.value.exit_code) == (ErrorCode.SECRET, ExitCode.AUTH)
    assert "env:SECRET" in (caught.value.hint or "")
    assert value.strip() == "" or value not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize("name", ["", "ab", "evil.example/", "a" * 64, "Bucket", "a_b", "-ab", "ab-", "a.b.c", "a#b"])
def test_what_is_no_bucket_leads_nowhere(name: str) -> None:
    with opened() as client, pytest.raises(ProviderError) as caught:
        client.rules(name)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("endpoint", "base", "path"),
    [
        (None, "https://my-bucket.bj.bcebos.com", "/a%20b"),
        ("https://bos.example:8443", "https://my-bucket.bos.example:8443", "/a%20b"),
        ("http://127.0.0.1:8080", "", "/my-bucket/a%20b"),
        ("http://localhost:8080", "", "/my-bucket/a%20b"),
        ("https://[::1]:8443", "", "/my-bucket/a%20b"),
        ("https://192.0.2.7", "", "/my-bucket/a%20b"),
    ],
)
def test_where_the_bucket_stands(endpoint: str | None, base: str, path: str) -> None:
    with opened(endpoint=endpoint) as client:
        ask = client.ask("GET", "my-bucket", "a b")
    assert (ask.base, ask.path) == (base, path)
