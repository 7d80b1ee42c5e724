"""A small real server whose every answer a test writes down beforehand."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

Act = Callable[[socket.socket], None]


@dataclass(slots=True)
class Received:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class ScriptedServer:
    """Answers requests in the order of `script`; the last act is repeated. `connections` counts what was accepted."""

    url: str
    script: list[Act]
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    busy: int = 0
    busiest: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Received) -> Act:
        with self._lock:
            self.requests.append(request)
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def done(self) -> None:
        with self._lock:
            self.busy -= 1


def answer(status: int, body: bytes = b"", **headers: str) -> Act:
    """Answer, with `Retry_After` standing for `Retry-After`."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "", ""]).encode()
    return lambda connection: connection.sendall(head + body)


def drop(connection: socket.socket) -> None:
    """Close the connection after the request, without an answer."""
    connection.shutdown(socket.SHUT_RDWR)


def short(connection: socket.socket) -> None:
    """Promise 100 bytes, send four, close."""
    connection.sendall(b"HTTP/1.1 200 Said\r\nContent-Length: 100\r\n\r\nfour")
    connection.shutdown(socket.SHUT_RDWR)


def slow(seconds: float, then: Act) -> Act:
    """Answer late."""

    def act(connection: socket.socket) -> None:
        time.sleep(seconds)
        with contextlib.suppress(OSError):
            then(connection)

    return act


def drip(connection: socket.socket) -> None:
    """Send a byte now and then, for ever."""
    connection.sendall(b"HTTP/1.1 200 Said\r\nContent-Length: 100000\r\n\r\n")
    _dripping(connection)


def _dripping(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for _ in range(10_000):
            connection.sendall(b"x")
            time.sleep(0.02)


def drip_chunk(connection: socket.socket) -> None:
    """Promise one chunk, and send a byte of it now and then, for ever."""
    connection.sendall(b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n186A0\r\n")
    _dripping(connection)


def endless(status: int = 200) -> Act:
    """Send as fast as it goes, for ever."""

    def act(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 {status} Said\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(piece)

    return act


@contextlib.contextmanager
def serve(*script: Act, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[ScriptedServer]:
    """Run a server until the block ends."""
    with socket.create_server((host, 0)) as listener:
        port = listener.getsockname()[1]
        server = ScriptedServer(f"{'https' if tls else 'http'}://{host}:{port}", list(script))
        threading.Thread(target=_accept, args=(listener, server, tls), daemon=True).start()
        yield server
        # Closing alone does not wake a thread that waits in accept.
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server: ScriptedServer, tls: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            server.connections += 1
            threading.Thread(target=_talk, args=(connection, server, tls), daemon=True).start()


def _talk(connection: socket.socket, server: ScriptedServer, tls: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError), connection:
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as stream:
            try:
                while (request := _read(stream, connection)) is not None:
                    act = server.take(request)
                    try:
                        act(connection)
                    finally:
                        server.done()
            except ValueError:  # whatever that was, it was not HTTP
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


def _read(stream, connection: socket.socket) -> Received | None:  # type: ignore[no-untyped-def]
    line = stream.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ")
    headers = {}
    while (line := stream.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":  # botocore waits a second for it
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Received(method, target, headers, stream.read(int(headers.get("content-length", 0))))
