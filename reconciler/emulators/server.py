"""A threaded HTTP/1.1 server on loopback for one handler: keep-alive, TLS, real socket drops, a clean stop."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from reconciler.emulators.message import Hangup, Reply, Request

Handler = Callable[[Request], Reply]

BODY_LIMIT = 1 << 30
IDLE_SECONDS = 120.0
DRAIN_SECONDS = 2.0
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def readline(self, size: int, /) -> bytes: ...


class Server:
    """Serves ``handler`` from ``start`` until ``stop``. A port of 0 is chosen by the system and then kept.

    ``crash`` closes the listening socket and every connection at once, as a dying process does; ``start`` brings
    the server back on the same port, which nobody else gets meanwhile. The handler runs in one thread per connection.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._handler = handler
        self._tls = tls
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None
        self._held: socket.socket | None = None
        self.host = host
        self.port = port

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def running(self) -> bool:
        return self._listener is not None

    def start(self) -> None:
        """Listen. OSError if the port is taken."""
        if self._listener is not None:
            return
        self._release()
        listener = _Listener((self.host, self.port), self._handler, self._tls)
        self.port = listener.server_address[1]
        self._listener = listener
        self._thread = threading.Thread(
            target=listener.serve_forever, kwargs={"poll_interval": 0.05}, name=f"serve-{self.port}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port, let requests under way be answered, then close every connection. Safe to repeat."""
        listener, self._listener = self._listener, None
        self._release()
        if listener is None:
            return
        listener.close_port()
        listener.drain(DRAIN_SECONDS)
        listener.close_connections()
        listener.shutdown()
        listener.server_close()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def crash(self) -> None:
        """As ``stop``, but callable from within a request: it does not wait for anything."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close_port()
            self._hold()
            listener.close_connections()
            threading.Thread(target=self._bury, args=(listener,), daemon=True).start()

    def _hold(self) -> None:
        # Bound and not listening: connections are refused, and no other server of this machine is given the port.
        held = socket.socket(_family(self.host))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((self.host, self.port))
        except OSError:
            held.close()
        else:
            self._held = held

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    @staticmethod
    def _bury(listener: _Listener) -> None:
        listener.shutdown()
        listener.server_close()


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: Handler, tls: ssl.SSLContext | None) -> None:
        self.address_family = _family(address[0])
        self.handler = handler
        self.tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Condition()
        self._busy = 0
        self._shut = False
        super().__init__(address, _Connection)

    def get_request(self) -> tuple[Any, Any]:
        connection, address = self.socket.accept()
        connection.settimeout(IDLE_SECONDS)
        if self.tls is not None:
            # The handshake is left to the connection's own thread: a client that never speaks must not block others.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            if self._shut:
                connection.close()
                raise OSError("the server is going down")
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        _close(request)

    def close_port(self) -> None:
        # Without this, new connections would be taken until the accept loop's next turn.
        with self._lock:
            self._shut = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def drain(self, seconds: float) -> None:
        with self._lock:
            self._lock.wait_for(lambda: self._busy == 0, seconds)

    def close_connections(self) -> None:
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            _close(connection)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """A request is under way."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._lock.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away in the middle is an everyday event here."""


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _close(connection: socket.socket) -> None:
    # The plain socket's shutdown: a TLS close would wait for the peer.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "repl-emulator"
    disable_nagle_algorithm = True
    server: _Listener

    def handle(self) -> None:
        # Everything that ends a connection is silent here; the request log has what was asked.
        with contextlib.suppress(OSError, ValueError):
            if isinstance(self.request, ssl.SSLSocket):
                self.request.do_handshake()
            super().handle()

    def version_string(self) -> str:
        return self.server_version

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing."""

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.requestline, self.request_version, self.command = "", "", ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        with self.server.busy():
            try:
                reply = self._answer()
            except Hangup:
                self.close_connection = True
                return
            except Exception:  # noqa: BLE001  (an emulator's own mistake must be seen, and must not end the server)
                traceback.print_exc(file=sys.stderr)
                self.close_connection = True
                reply = Reply(HTTPStatus.INTERNAL_SERVER_ERROR, (("Content-Type", "text/plain"),), b"emulator error")
            self._send(reply)

    def _answer(self) -> Reply:
        try:
            body = read_body(self.rfile, self.headers.get("Content-Length"), self.headers.get("Transfer-Encoding"))
        except ValueError as error:
            self.close_connection = True
            return Reply(HTTPStatus.BAD_REQUEST, (("Content-Type", "text/plain"),), str(error).encode())
        raw_path, _, query = self.path.partition("?")
        if raw_path.startswith(("http://", "https://")):
            raw_path = "/" + raw_path.split("/", 3)[3] if raw_path.count("/") > 2 else "/"
        request = Request(
            method=self.command,
            raw_path=raw_path,
            query=query,
            headers=tuple(self.headers.items()),
            body=body,
            scheme="https" if self.server.tls else "http",
            client=str(self.client_address[0]),
        )
        return self.server.handler(request)

    def _send(self, reply: Reply) -> None:
        head = self.command == "HEAD"
        bodiless = reply.status in _BODILESS
        if (reply.header("Connection") or "").lower() == "close":
            self.close_connection = True
        self.send_response(reply.status)
        for name, value in reply.headers:
            if name.lower() not in {"connection", "transfer-encoding", "date", "server"} and not (
                name.lower() == "content-length" and not head
            ):
                self.send_header(name, value)
        if not bodiless and not (head and reply.header("Content-Length")):
            self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        # Head and body leave in one write, so that a small answer is one packet.
        self._headers_buffer: list[bytes]
        self._headers_buffer.append(b"\r\n")
        head_bytes = b"".join(self._headers_buffer)
        self._headers_buffer = []
        self.wfile.write(head_bytes if head or bodiless else head_bytes + reply.body)
        self.wfile.flush()


def read_body(stream: _Readable, length: str | None, encoding: str | None) -> bytes:
    """A request's body, read whole. ValueError for one that is cut short, malformed or over ``BODY_LIMIT``."""
    if encoding is not None and encoding.lower() != "identity":
        if encoding.lower() != "chunked":
            raise ValueError("transfer encoding not supported")
        return b"".join(_chunks(stream))
    if length is None:
        return b""
    if not length.isascii() or not length.isdigit() or int(length) > BODY_LIMIT:
        raise ValueError("bad content length")
    body = stream.read(int(length))
    if len(body) != int(length):
        raise ValueError("the body was cut short")
    return body


def _chunks(stream: _Readable) -> list[bytes]:
    parts: list[bytes] = []
    total = 0
    while True:
        size = int(stream.readline(1024).split(b";", 1)[0].strip() or b"x", 16)
        total += size
        if size < 0 or total > BODY_LIMIT:
            raise ValueError("bad chunk size")
        if size == 0:
            while stream.readline(65537).strip():
                pass
            return parts
        part = stream.read(size)
        if len(part) != size or stream.read(2) != b"\r\n":
            raise ValueError("the body was cut short")
        parts.append(part)
