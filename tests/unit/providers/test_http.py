import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import stamina.instrumentation
from pydantic import BaseModel, TypeAdapter

from reconciler.emulators import certificate as certificates
from reconciler.emulators.certificate import Certificate
from reconciler.errors import ErrorCode, ExitCode
from reconciler.model.manifest import Limits
from reconciler.providers.base import Access
from reconciler.providers.http import Answer, Ask, Endpoint, Explanation, HttpClient, Retries
from reconciler.providers.http_failure import retry_after
from tests.lab.provider_error import failed
from tests.unit.providers.scripted import answer, drip, drop, serve, short, slow

QUICK = Retries(attempts=4, wait_initial_s=0.001, wait_max_s=0.5)
READ = Ask(method="GET", path="/thing", operation="GET /thing")
WRITE = Ask(method="POST", path="/things", operation="POST /things", content=b'{"a": 1}')
LOGIN = Ask(method="POST", path="/login", operation="POST /login", content=b"{}")


_opened: list[HttpClient] = []


def client(url: str, **changes: Any) -> HttpClient:
    """A client that is closed when the test ends."""
    settings = {"provider": "nas-1", "access": Access.WRITE, "retries": QUICK, "timeout_s": 5.0, **changes}
    _opened.append(HttpClient(Endpoint(url=url, **settings)))
    return _opened[-1]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


@pytest.fixture
def waits() -> Any:
    """Seconds waited before each repetition."""
    noted: list[float] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: noted.append(details.wait_for)])
    yield noted
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificates.issue(tmp_path_factory.mktemp("certificate"))


class TestRetriesOfReads:
    @pytest.mark.parametrize("trouble", [answer(503), answer(500), answer(502), answer(429), drop, short])
    def test_a_read_is_repeated_until_it_works(self, trouble: Any) -> None:
        with serve(trouble, trouble, answer(200, b"good")) as server:
            assert client(server.url).send(READ).content == b"good"
            assert len(server.requests) == 3

    def test_repetition_is_bounded(self) -> None:
        with serve(answer(503)) as server:
            error = failed(lambda: client(server.url).send(READ))
            assert (error.code, error.status, len(server.requests)) == (ErrorCode.UNAVAILABLE, 503, 4)
            assert not error.ambiguous, "a read changes nothing"

    def test_the_server_says_how_long_to_wait(self, waits: list[float]) -> None:
        with serve(answer(429, Retry_After="0.05"), answer(503, Retry_After="0"), answer(200)) as server:
            client(server.url).send(READ)
            assert waits == [0.05, 0.0]

    def test_a_wait_that_is_too_long_goes_up_instead(self, waits: list[float]) -> None:
        with serve(answer(429, Retry_After="3600")) as server:
            error = failed(lambda: client(server.url).send(READ))
            assert (error.code, error.retry_after_s, len(server.requests)) == (ErrorCode.RATE_LIMITED, 3600, 1)
            assert waits == []

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 501])
    def test_what_will_not_change_is_not_repeated(self, status: int) -> None:
        with serve(answer(status)) as server:
            failed(lambda: client(server.url).send(READ))
            assert len(server.requests) == 1

    def test_a_post_that_only_reads_is_repeated(self) -> None:
        with serve(drop, answer(200, b"in")) as server:
            assert client(server.url, reads=frozenset({("POST", "/login")})).send(LOGIN).content == b"in"


class TestWrites:
    @pytest.mark.parametrize(
        ("trouble", "code", "ambiguous"),
        [
            (drop, ErrorCode.UNAVAILABLE, True),
            (short, ErrorCode.UNAVAILABLE, True),
            (slow(3.0, answer(200)), ErrorCode.UNAVAILABLE, True),
            (answer(500), ErrorCode.UNAVAILABLE, True),
            (answer(502), ErrorCode.UNAVAILABLE, True),
            (answer(503, Retry_After="0"), ErrorCode.UNAVAILABLE, True),
            (answer(504), ErrorCode.UNAVAILABLE, True),
            (answer(501), ErrorCode.UNIMPLEMENTED, False),
            (answer(400), ErrorCode.INVALID_ARGUMENT, False),
            (answer(401), ErrorCode.UNAUTHENTICATED, False),
            (answer(403), ErrorCode.PERMISSION_DENIED, False),
            (answer(404), ErrorCode.NOT_FOUND, False),
            (answer(405), ErrorCode.UNIMPLEMENTED, False),
            (answer(408), ErrorCode.UNAVAILABLE, False),
            (answer(409), ErrorCode.CONFLICT, False),
            (answer(410), ErrorCode.NOT_FOUND, False),
            (answer(412), ErrorCode.FAILED_PRECONDITION, False),
            (answer(418), ErrorCode.INVALID_ARGUMENT, False),
            (answer(429, Retry_After="0"), ErrorCode.RATE_LIMITED, False),
            (answer(302, Location="/elsewhere"), ErrorCode.PROTOCOL, False),
        ],
    )
    def test_a_write_is_sent_once_and_says_if_it_may_have_happened(
        self, trouble: Any, code: ErrorCode, ambiguous: bool
    ) -> None:
        with serve(trouble) as server:
            error = failed(lambda: client(server.url, timeout_s=1.5).send(WRITE))
            assert (error.code, error.ambiguous, len(server.requests)) == (code, ambiguous, 1)
            assert server.requests[0].body == WRITE.content

    def test_what_was_never_sent_did_not_happen(self) -> None:
        with serve(answer(200)) as server:
            url = server.url
        error = failed(lambda: client(url).send(WRITE))
        assert (error.code, error.ambiguous) == (ErrorCode.UNAVAILABLE, False)

    def test_an_address_that_is_none_is_an_error_of_ours(self) -> None:
        error = failed(lambda: client("ftp://host").send(WRITE))
        assert (error.code, error.ambiguous) == (ErrorCode.INVALID_ARGUMENT, False)


class TestReadOnly:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post", "MKCOL"])
    def test_a_write_is_refused_before_a_byte_is_sent(self, method: str) -> None:
        ask = Ask(method=method, path="/things?login", operation="write")
        with serve(answer(200)) as server:
            reader = client(server.url, access=Access.READ, reads=frozenset({("POST", "/login")}))
            for send in (reader.send, reader.open):
                error = failed(lambda send=send: send(ask))  # type: ignore[misc]
                assert (error.code, error.ambiguous) == (ErrorCode.READ_ONLY, False)
            assert server.connections == 0

    def test_the_transport_itself_refuses_what_came_another_way(self) -> None:
        with serve(answer(200)) as server:
            reader = client(server.url, access=Access.READ, reads=frozenset({("POST", "/login")}))
            error = failed(lambda: reader._client().post(f"{server.url}/%6Cogin"))
            assert error.code is ErrorCode.READ_ONLY
            assert server.connections == 0

    def test_reads_pass(self) -> None:
        with serve(answer(200)) as server:
            reader = client(server.url, access=Access.READ, reads=frozenset({("POST", "/login")}))
            for ask in (READ, LOGIN, Ask(method="HEAD", path="/x", operation="HEAD /x")):
                reader.send(ask)
            assert [request.method for request in server.requests] == ["GET", "POST", "HEAD"]


class TestTls:
    def test_an_unknown_authority(self, certificate: Certificate) -> None:
        with serve(answer(200), tls=certificate.server_context()) as server:
            error = failed(lambda: client(server.url).send(WRITE))
            assert (error.code, error.ambiguous, server.requests) == (ErrorCode.TLS, False, [])
            assert "not trusted" in error.message
            assert "caFile" in (error.hint or "")
            assert server.connections == 1, "trying again does not help"

    def test_the_right_ca_file(self, certificate: Certificate) -> None:
        with serve(answer(200, b"good"), tls=certificate.server_context()) as server:
            assert client(server.url, ca_file=certificate.ca).send(READ).content == b"good"

    def test_the_wrong_ca_file(self, certificate: Certificate, tmp_path: Path) -> None:
        other = certificates.issue(tmp_path)
        with serve(answer(200), tls=certificate.server_context()) as server:
            error = failed(lambda: client(server.url, ca_file=other.ca).send(READ))
            assert error.code is ErrorCode.TLS
            assert str(other.ca) in (error.hint or "")

    def test_a_certificate_for_another_name(self, certificate: Certificate) -> None:
        with serve(answer(200), tls=certificate.server_context(), host="127.0.0.2") as server:
            error = failed(lambda: client(server.url, ca_file=certificate.ca).send(READ))
            assert error.code is ErrorCode.TLS
            assert "another name than 127.0.0.2" in (error.hint or "")

    def test_verification_can_be_switched_off(self, certificate: Certificate) -> None:
        with serve(answer(200, b"good"), tls=certificate.server_context()) as server:
            assert client(server.url, verify_tls=False).send(READ).content == b"good"

    def test_a_server_without_tls(self) -> None:
        with serve(answer(200)) as server:
            error = failed(lambda: client(server.url.replace("http", "https")).send(READ))
            assert error.code is ErrorCode.TLS
            assert "HTTPS" in (error.hint or "")

    @pytest.mark.parametrize("content", [None, b"", b"no certificate"])
    def test_a_ca_file_that_is_none(self, tmp_path: Path, content: bytes | None) -> None:
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_bytes(content)
        error = failed(lambda: client("https://127.0.0.1:1", ca_file=file).send(READ))
        assert error.code is ErrorCode.TLS
        assert str(file) in error.message
        assert "PEM" in (error.hint or "")


class TestBounds:
    @pytest.mark.parametrize(("ask", "ambiguous"), [(READ, False), (WRITE, True)])
    def test_an_answer_that_is_too_long(self, ask: Ask, ambiguous: bool) -> None:
        with serve(answer(200, b"x" * 2000)) as server:
            error = failed(lambda: client(server.url, max_bytes=1000).send(ask))
            assert (error.code, error.ambiguous) == (ErrorCode.PROTOCOL, ambiguous)

    def test_an_answer_that_does_not_end(self) -> None:
        with serve(drip) as server:
            error = failed(lambda: client(server.url, timeout_s=0.1, retries=Retries(attempts=1)).send(READ))
            assert error.code is ErrorCode.UNAVAILABLE

    def test_not_more_requests_at_a_time_than_allowed(self) -> None:
        with serve(slow(0.05, answer(200))) as server:
            limited = client(server.url, limits=Limits(concurrency=2))
            threads = [threading.Thread(target=limited.send, args=(READ,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert (len(server.requests), server.busiest) == (8, 2)

    def test_not_more_requests_a_second_than_allowed(self) -> None:
        with serve(answer(200)) as server:
            limited = client(server.url, limits=Limits(rate=50))
            start = time.monotonic()
            for _ in range(6):
                limited.send(READ)
            assert time.monotonic() - start >= 5 / 50

    def test_closing_twice_and_using_it_again(self) -> None:
        with serve(answer(200)) as server:
            used = client(server.url)
            used.send(READ)
            used.close()
            used.close()
            assert used.send(READ).status == 200
            used.close()


class TestStreams:
    def test_a_body_is_not_held_in_memory(self) -> None:
        content = bytes(range(256)) * 8192
        with serve(answer(503), answer(200, content)) as server:
            limited = client(server.url, max_bytes=1000, limits=Limits(concurrency=1))
            with limited.open(READ) as stream, limited.open(READ) as second:
                assert stream.read(3) == content[:3]
                assert stream.read() == content[3:]
                assert second.read() == content

    def test_an_error_is_known_before_the_stream_is_there(self) -> None:
        with serve(answer(404)) as server:
            assert failed(lambda: client(server.url).open(READ)).code is ErrorCode.NOT_FOUND

    def test_a_body_that_breaks_off(self) -> None:
        with serve(short) as server, client(server.url).open(READ) as stream:
            assert failed(stream.read).code is ErrorCode.UNAVAILABLE


class TestWhatErrorsSay:
    def test_no_secret_ever(self) -> None:
        secret = 'tok"en/1 2'
        ask = Ask(
            method="POST", path="/x", operation="POST /x", headers={"Authorization": f"Bearer {secret}"},
            content=b"hunter2",
        )  # fmt: skip
        said = f'you said {secret}, tok\\"en/1 2 and tok%22en%2F1%202 with hunter2'.encode()
        with serve(answer(400, said)) as server:
            used = client(server.url, explain=lambda got: Explanation(message=got.content.decode()))
            used.conceal(secret)
            used.conceal("hunter2")
            used.conceal("")
            error = failed(lambda: used.send(ask))
        assert error.message == "you said ***, *** and *** with ***"
        for shown in (str(error), repr(error), repr(ask), repr(Answer(status=1, content=said)), repr(used)):
            assert "tok" not in shown
            assert "hunter2" not in shown

    def test_what_the_provider_reads_from_it(self) -> None:
        with serve(answer(400, b"taken", X_Request_Id="r-17")) as server:
            said = Explanation(message="taken\x1b[31m\n  twice", code=ErrorCode.ALREADY_EXISTS, hint="use another")
            error = failed(lambda: client(server.url, explain=lambda _: said).send(WRITE))
        assert (error.code, error.hint, error.request_id) == (ErrorCode.ALREADY_EXISTS, "use another", "r-17")
        assert str(error) == "nas-1: POST /things: ALREADY_EXISTS 400: taken [31m twice [request r-17]"

    def test_one_bounded_line(self) -> None:
        with serve(answer(400)) as server:
            error = failed(lambda: client(server.url, explain=lambda _: Explanation(message="x" * 9999)).send(READ))
        assert len(error.message) == 500
        assert error.message.endswith("...")

    def test_authentication_has_its_exit_code(self) -> None:
        with serve(answer(401)) as server:
            assert failed(lambda: client(server.url).send(READ)).exit_code is ExitCode.AUTH

    @pytest.mark.parametrize("value", ["Bearer abc\ndef", "Bearer abcä"])
    def test_a_header_that_cannot_be_sent_is_not_shown(self, value: str) -> None:
        ask = Ask(method="GET", path="/", operation="GET /", headers={"Authorization": value})
        with serve(answer(200)) as server:
            error = failed(lambda: client(server.url).send(ask))
        assert error.code is ErrorCode.INVALID_ARGUMENT
        assert "abc" not in "".join(traceback.format_exception(error))


class Shape(BaseModel):
    name: str
    count: int


class TestParsing:
    SHAPE = TypeAdapter(Shape)

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b'{"name": "hunter2"}', b'{"name": 7, "count": "hunter2"}']
    )
    @pytest.mark.parametrize(("ask", "ambiguous"), [(READ, False), (WRITE, True)])
    def test_what_is_not_as_documented(self, body: bytes, ask: Ask, ambiguous: bool) -> None:
        error = failed(lambda: client("http://127.0.0.1:1").parse(ask, Answer(status=200, content=body), self.SHAPE))
        assert (error.code, error.status, error.ambiguous) == (ErrorCode.PROTOCOL, 200, ambiguous)
        assert "hunter2" not in str(error)

    def test_what_is(self) -> None:
        good = Answer(status=200, content=b'{"name": "a", "count": 3}')
        assert client("http://127.0.0.1:1").parse(READ, good, self.SHAPE) == Shape(name="a", count=3)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0.5", 0.5), ("-3", 0), ("", None), ("soon", None), ("inf", None), ("nan", None)],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after(Answer(status=503, headers={"retry-after": text})) == seconds


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    found = retry_after(Answer(status=503, headers={"retry-after": later}))
    assert found is not None
    assert 3500 < found <= 3600
    assert retry_after(Answer(status=503, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})) == 0
    assert retry_after(Answer(status=503)) is None
