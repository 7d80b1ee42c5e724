"""The plumbing of AWS providers, against real servers that say what is written down beforehand."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators import certificate as certificates
from reconciler.emulators.certificate import Certificate
from reconciler.errors import ErrorCode, ExitCode
from reconciler.model.manifest import Limits, Location
from reconciler.model.step import Call
from reconciler.providers.aws import retry_after
from reconciler.providers.base import Access
from reconciler.providers.s3.provider import S3Provider
from tests.unit.providers.aws_requests import EMPTY, PUT, SCOPE, failed, refusal
from tests.unit.providers.s3.connections import Secrets, opened
from tests.unit.providers.scripted import answer, drop, serve, short, slow

DELETE = Call(id="delete", operation="DeleteBucketReplication", target="b", summary="", idempotent=True)
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
    b"<ReplicationConfiguration>&b;</ReplicationConfiguration>"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificates.issue(tmp_path_factory.mktemp("certificate"))


def execute(provider: S3Provider, call: Call) -> Callable[[], object]:
    return lambda: provider.execute(call, Secrets())


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "MalformedXML", ErrorCode.INVALID_ARGUMENT),
        (400, "InvalidArgument", ErrorCode.INVALID_ARGUMENT),
        (400, "InvalidRequest", ErrorCode.INVALID_ARGUMENT),
        (400, "ExpiredToken", ErrorCode.UNAUTHENTICATED),
        (400, "AuthorizationHeaderMalformed", ErrorCode.FAILED_PRECONDITION),
        (403, "InvalidAccessKeyId", ErrorCode.UNAUTHENTICATED),
        (403, "SignatureDoesNotMatch", ErrorCode.UNAUTHENTICATED),
        (403, "RequestTimeTooSkewed", ErrorCode.UNAUTHENTICATED),
        (403, "AccessDenied", ErrorCode.PERMISSION_DENIED),
        (403, "NeverHeardOf", ErrorCode.PERMISSION_DENIED),
        (404, "NoSuchBucket", ErrorCode.NOT_FOUND),
        (405, "MethodNotAllowed", ErrorCode.UNIMPLEMENTED),
        (409, "OperationAborted", ErrorCode.CONFLICT),
        (409, "InvalidBucketState", ErrorCode.FAILED_PRECONDITION),
        (412, "PreconditionFailed", ErrorCode.FAILED_PRECONDITION),
        (429, "TooManyRequests", ErrorCode.RATE_LIMITED),
        (500, "InternalError", ErrorCode.UNAVAILABLE),
        (501, "NotImplemented", ErrorCode.UNIMPLEMENTED),
        (502, "", ErrorCode.UNAVAILABLE),
        (503, "SlowDown", ErrorCode.RATE_LIMITED),
        (503, "ServiceUnavailable", ErrorCode.UNAVAILABLE),
        (418, "Teapot", ErrorCode.PROTOCOL),
    ],
)
def test_each_answer_has_its_code(status: int, code: str, expected: ErrorCode) -> None:
    with serve(answer(status, refusal(code), x_amz_request_id="R1")) as server, opened(endpoint=server.url) as provider:
        error = failed(execute(provider, PUT))
    assert (error.code, error.status, error.request_id) == (expected, status, "R1")
    assert error.ambiguous == (status in (500, 502))
    assert error.operation == "PutBucketReplication"
    assert "Said so." in error.message
    if expected in (ErrorCode.UNAUTHENTICATED, ErrorCode.PERMISSION_DENIED):
        assert error.exit_code is ExitCode.AUTH


@pytest.mark.parametrize(
    "message",
    [
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        "Destination bucket must have versioning enabled.",
    ],
)
def test_missing_versioning_is_a_precondition_and_may_be_a_matter_of_minutes(message: str) -> None:
    body = refusal("InvalidRequest", message)
    with serve(answer(400, body)) as server, opened(endpoint=server.url) as provider:
        error = failed(execute(provider, PUT))
    assert error.code is ErrorCode.FAILED_PRECONDITION
    assert "minutes" in (error.hint or "")


@pytest.mark.parametrize("act", [drop, slow(2.0, answer(200))], ids=["dropped", "too late"])
def test_a_write_whose_answer_is_lost_is_ambiguous_and_not_sent_again(act: Any) -> None:
    with serve(act) as server, opened(endpoint=server.url, timeout_s=0.5) as provider:
        error = failed(execute(provider, PUT))
        assert len(server.requests) == 1
    assert error.code is ErrorCode.UNAVAILABLE
    assert error.ambiguous


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_refused_write_is_not_sent_again(status: int) -> None:
    with serve(answer(status, refusal("InternalError"))) as server, opened(endpoint=server.url) as provider:
        failed(execute(provider, PUT))
        assert len(server.requests) == 1


def test_a_write_that_found_nobody_did_not_happen() -> None:
    with serve(answer(200)) as server:
        url = server.url
    with opened(endpoint=url) as provider:
        error = failed(execute(provider, PUT))
    assert (error.code, error.ambiguous) == (ErrorCode.UNAVAILABLE, False)


def test_a_server_that_is_not_trusted_gets_nothing(certificate: Certificate) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    with serve(answer(200, EMPTY), tls=context) as server:
        with opened(endpoint=server.url) as provider:
            error = failed(execute(provider, PUT))
        assert (error.code, error.ambiguous) == (ErrorCode.TLS, False)
        assert "caFile" in (error.hint or "")
        assert server.requests == []
        with opened(endpoint=server.url, ca_file=certificate.ca.name, base=certificate.ca.parent) as provider:
            assert provider.observe(SCOPE).containers == ()


def test_an_authority_that_is_not_there_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with opened(endpoint="https://127.0.0.1:1", ca_file="none.pem", base=tmp_path) as provider:
        error = failed(lambda: provider.observe(SCOPE))
    assert error.code is ErrorCode.INVALID_ARGUMENT
    assert "none.pem" in error.message


@pytest.mark.parametrize(
    "first", [answer(500, refusal("InternalError")), drop, short, answer(503, refusal("SlowDown"), Retry_After="0")]
)
def test_reads_are_repeated(first: Any) -> None:
    with serve(first, answer(200, EMPTY)) as server, opened(endpoint=server.url) as provider:
        assert provider.observe(SCOPE).containers == ()
        assert len(server.requests) == 2


def test_reads_wait_as_long_as_they_are_told_to() -> None:
    with (
        serve(answer(429, refusal("TooManyRequests"), Retry_After="1"), answer(200, EMPTY)) as server,
        opened(endpoint=server.url) as provider,
    ):
        started = time.monotonic()
        provider.observe(SCOPE)
        assert time.monotonic() - started >= 1


def test_too_long_a_wait_is_handed_up() -> None:
    with serve(answer(503, refusal("SlowDown"), Retry_After="3600")) as server, opened(endpoint=server.url) as provider:
        error = failed(lambda: provider.observe(SCOPE))
        assert len(server.requests) == 1
    assert (error.code, error.retry_after_s) == (ErrorCode.RATE_LIMITED, 3600)


def test_reads_give_up_in_the_end() -> None:
    with serve(answer(503, refusal("SlowDown"), Retry_After="0")) as server, opened(endpoint=server.url) as provider:
        error = failed(lambda: provider.observe(SCOPE))
        assert len(server.requests) == 5
    assert error.code is ErrorCode.RATE_LIMITED


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("7", 7, 7),
        ("", None, None),
        ("soon", None, None),
        ("-1", None, None),
        ("Wed, 21 Oct 2015 07:28:00", 0, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, least: float | None, most: float | None) -> None:
    found = retry_after({"Retry-After": text})
    if least is None or most is None:
        assert found is None
    else:
        assert found is not None
        assert least <= found <= most


def test_retry_after_may_be_a_moment_to_come() -> None:
    found = retry_after({"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)})
    assert found is not None
    assert 90 <= found <= 101


def test_a_connection_that_may_only_read_sends_no_write() -> None:
    with serve(answer(200, EMPTY)) as server, opened(endpoint=server.url, access=Access.READ) as provider:
        store = provider.store(Location(provider="p", bucket="b"))
        assert provider.observe(SCOPE).containers == ()
        sent = len(server.requests)
        for act in (
            execute(provider, PUT),
            execute(provider, DELETE),
            lambda: store.delete("k"),
            lambda: store.write("k", _Bytes(b"x"), 1),  # type: ignore[arg-type]  # enough of a file
        ):
            assert failed(act).code is ErrorCode.READ_ONLY
        assert len(server.requests) == sent


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, at: int, whence: int = 0) -> int:
        self.at = at if whence == 0 else len(self.data)
        return self.at

    def read(self, count: int = -1) -> bytes:
        end = len(self.data) if count < 0 else self.at + count
        found, self.at = self.data[self.at : end], min(end, len(self.data))
        return found


def test_the_environment_cannot_move_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(answer(200, EMPTY)) as server, serve(answer(200, EMPTY)) as other:
        monkeypatch.setenv("AWS_ENDPOINT_URL", other.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", other.url)
        with opened(endpoint=server.url) as provider:
            provider.observe(SCOPE)
        assert (len(server.requests), other.requests) == (1, [])


def test_an_account_is_expected_to_own_every_bucket() -> None:
    with serve(answer(200, EMPTY)) as server, opened(endpoint=server.url, account="111122223333") as provider:
        provider.observe(SCOPE)
        provider.execute(PUT, Secrets())
        assert {one.headers.get("x-amz-expected-bucket-owner") for one in server.requests} == {"111122223333"}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>proxy</html>", b"", b"<!DOCTYPE x><ReplicationConfiguration/>", BOMB,
        b"<ReplicationConfiguration>" + b" " * (9 * 1024 * 1024) + b"</ReplicationConfiguration>",
    ],
    ids=["html", "empty", "doctype", "bomb", "huge"],
)  # fmt: skip
def test_an_answer_that_is_no_configuration_is_not_taken_for_an_empty_one(body: bytes) -> None:
    with serve(answer(200, body)) as server, opened(endpoint=server.url) as provider:
        error = failed(lambda: provider.observe(SCOPE))
    assert error.code is ErrorCode.PROTOCOL
    assert "proxy in front" in (error.hint or "")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"<ReplicationConfiguration>"], ids=["not utf-8", "cut short"])
def test_an_answer_that_is_no_xml_is_asked_for_again_and_then_given_up(body: bytes) -> None:
    with serve(answer(200, body)) as server, opened(endpoint=server.url) as provider:
        error = failed(lambda: provider.observe(SCOPE))
    assert error.code in (ErrorCode.UNAVAILABLE, ErrorCode.PROTOCOL)


def test_a_redirect_that_no_bucket_explains_is_an_answer_and_no_bug() -> None:
    with serve(answer(302, Location="/")) as server, opened(endpoint=server.url) as provider:
        error = failed(lambda: next(provider.discover(), None))
    assert error.code is ErrorCode.PROTOCOL
    assert "is this an S3 service" in str(error)


def test_no_more_requests_run_at_a_time_than_allowed() -> None:
    with (
        serve(slow(0.05, answer(200, EMPTY))) as server,
        opened(endpoint=server.url, limits=Limits(concurrency=2)) as provider,
    ):
        threads = [threading.Thread(target=provider.observe, args=(SCOPE,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 8
        assert server.busiest <= 2


def test_no_more_requests_begin_a_second_than_allowed() -> None:
    with serve(answer(200, EMPTY)) as server, opened(endpoint=server.url, limits=Limits(rate=20)) as provider:
        started = time.monotonic()
        for _ in range(5):
            provider.observe(SCOPE)
        assert time.monotonic() - started >= 0.19
        assert len(server.requests) == 5


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        assert not thread.name.startswith("repl"), thread
