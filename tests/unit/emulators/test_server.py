import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.emulators import certificate
from reconciler.emulators.message import Hangup, Reply, Request
from reconciler.emulators.server import Server


def _echo(request: Request) -> Reply:
    if request.path == "/hangup":
        raise Hangup
    if request.path == "/error":
        raise RuntimeError("the handler's own fault")
    if request.path == "/empty":
        return Reply(204)
    return Reply.of_json(
        200,
        {
            "method": request.method,
            "raw": request.raw_path,
            "path": request.path,
            "query": request.query,
            "body": request.body.decode("latin-1"),
            "scheme": request.scheme,
            "twice": request.header("x-twice"),
        },
        (("Content-Length", "999"),) if request.method == "HEAD" else (),
    )


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server(_echo)
    served.start()
    yield served
    served.stop()


@pytest.fixture
def connection(server: Server) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection(server.host, server.port, timeout=5)
    yield opened
    opened.close()


def _ask(
    connection: http.client.HTTPConnection, method: str, target: str, body: object = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request(method, target, body=body, headers=headers)  # type: ignore[arg-type]
    response = connection.getresponse()
    return response, response.read()


def test_paths_arrive_as_sent_and_decoded(connection: http.client.HTTPConnection) -> None:
    _, body = _ask(connection, "GET", "/b//a%2Fb/../%0A%C3%A9?x=%20&y")
    assert b'"raw": "/b//a%2Fb/../%0A%C3%A9"' in body
    assert rb'"path": "/b//a/b/../\n\u00e9"' in body
    assert b'"query": "x=%20&y"' in body


def test_a_connection_is_kept_and_used_again(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    before = connection.sock
    for number in range(3):
        response, body = _ask(connection, "POST", "/x", str(number))
        assert response.status == 200
        assert f'"body": "{number}"'.encode() in body
    assert connection.sock is before


def test_a_chunked_body_is_joined(connection: http.client.HTTPConnection) -> None:
    _, body = _ask(connection, "PUT", "/x", iter([b"one", b"two"]))
    assert b'"body": "onetwo"' in body


def test_no_content_and_head_have_no_body(connection: http.client.HTTPConnection) -> None:
    response, body = _ask(connection, "DELETE", "/empty")
    assert (response.status, body, response.getheader("Content-Length")) == (204, b"", None)
    response, body = _ask(connection, "HEAD", "/x")
    assert (response.status, body, response.getheader("Content-Length")) == (200, b"", "999")
    response, _ = _ask(connection, "GET", "/x")
    assert response.status == 200


def test_a_client_that_waits_for_continue_gets_it(server: Server) -> None:
    with socket.create_connection((server.host, server.port), timeout=5) as raw:
        raw.sendall(b"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 100")
        raw.sendall(b"hi")
        assert b'"body": "hi"' in raw.recv(10000)


def test_a_hangup_closes_without_a_word(connection: http.client.HTTPConnection) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        _ask(connection, "GET", "/hangup")


@pytest.mark.parametrize(
    "head",
    [
        b"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        b"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999\r\n\r\n",
        b"PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_nonsense_is_refused_and_the_connection_closed(server: Server, head: bytes) -> None:
    with socket.create_connection((server.host, server.port), timeout=5) as raw:
        raw.sendall(head)
        answer = b""
        while piece := raw.recv(10000):
            answer += piece
    assert b"400" in answer


def test_a_broken_handler_is_an_internal_error_and_does_not_end_the_server(
    server: Server, connection: http.client.HTTPConnection, capfd: pytest.CaptureFixture[str]
) -> None:
    response, _ = _ask(connection, "GET", "/error")
    assert response.status == 500
    again = http.client.HTTPConnection(server.host, server.port, timeout=5)
    assert _ask(again, "GET", "/x")[0].status == 200
    again.close()
    assert "RuntimeError" in capfd.readouterr().err


def test_clients_that_vanish_make_no_noise(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    for sent in (b"", b"GET", b"PUT /x HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"):
        with socket.create_connection((server.host, server.port), timeout=5) as raw:
            raw.sendall(sent)
    server.stop()
    assert capfd.readouterr().err == ""


def test_crash_refuses_and_start_comes_back_on_the_same_port(server: Server) -> None:
    idle = socket.create_connection((server.host, server.port), timeout=5)
    idle.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
    assert idle.recv(10000)
    port = server.port
    server.crash()
    assert not server.running
    assert idle.recv(1) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, port), timeout=5)
    server.start()
    assert server.port == port
    socket.create_connection((server.host, port), timeout=5).close()


def test_a_crashed_server_keeps_its_port_until_it_is_stopped(server: Server) -> None:
    server.crash()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((server.host, server.port))
    server.stop()
    with socket.socket() as other:
        other.bind((server.host, server.port))


def test_stop_lets_a_request_finish() -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(_request: Request) -> Reply:
        entered.set()
        release.wait(5)
        return Reply(200, (), b"done")

    served = Server(slow)
    served.start()
    connection = http.client.HTTPConnection(served.host, served.port, timeout=5)
    connection.request("GET", "/")
    assert entered.wait(5)
    stopping = threading.Thread(target=served.stop)
    stopping.start()
    release.set()
    assert connection.getresponse().read() == b"done"
    connection.close()
    stopping.join(5)
    assert not stopping.is_alive()


def test_a_taken_port_is_an_error(server: Server) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(_echo, port=server.port).start()


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> certificate.Certificate:
    return certificate.issue(tmp_path_factory.mktemp("tls"), ["s3.lab.example"])


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "s3.lab.example"])
def test_tls_is_trusted_through_the_authority(issued: certificate.Certificate, name: str) -> None:
    served = Server(_echo, tls=issued.server_context())
    served.start()
    try:
        context = ssl.create_default_context(cafile=str(issued.ca))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with (
            socket.create_connection((served.host, served.port), timeout=5) as raw,
            context.wrap_socket(raw, server_hostname=name) as secured,
        ):
            secured.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert b'"scheme": "https"' in _read_all(secured.recv)
    finally:
        served.stop()


def test_a_silent_client_does_not_block_the_others(issued: certificate.Certificate) -> None:
    served = Server(_echo, tls=issued.server_context())
    served.start()
    try:
        with socket.create_connection((served.host, served.port), timeout=5):
            context = ssl.create_default_context(cafile=str(issued.ca))
            started = time.monotonic()
            other = http.client.HTTPSConnection(served.host, served.port, timeout=5, context=context)
            assert _ask(other, "GET", "/x")[0].status == 200
            other.close()
            assert time.monotonic() - started < 4
    finally:
        served.stop()


def test_only_the_owner_may_read_the_key(issued: certificate.Certificate) -> None:
    assert issued.key.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in Path(issued.ca).read_bytes()


def _read_all(receive: Callable[[int], bytes]) -> bytes:
    answer = b""
    while piece := receive(10000):
        answer += piece
    return answer
