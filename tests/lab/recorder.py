"""Records exchanges at the emulator's side, as they went over the wire, for the referee."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.emulators.emulator import Context
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.server import Handler, Server
from tests.contract.referee import Exchange


class Recorder:
    """Wraps handlers and keeps what they were asked and what they answered. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []

    @property
    def exchanges(self) -> Sequence[Exchange]:
        with self._lock:
            return tuple(self._exchanges)

    def clear(self) -> None:
        with self._lock:
            self._exchanges.clear()

    def wrap(self, handler: Handler) -> Handler:
        def recorded(request: Request) -> Reply:
            reply = handler(request)
            with self._lock:
                self._exchanges.append(_exchange(request, reply))
            return reply

        return recorded


@dataclass(frozen=True, slots=True)
class RecordingContext(Context):
    """A context whose servers record."""

    recorder: Recorder = field(default_factory=Recorder)

    def serve(self, handler: Handler, *, tls: bool, port: int = 0) -> Server:
        return Context.serve(self, self.recorder.wrap(handler), tls=tls, port=port)


def _exchange(request: Request, reply: Reply) -> Exchange:
    query = f"?{request.query}" if request.query else ""
    return Exchange(
        method=request.method,
        url=f"{request.scheme}://{request.header('Host') or 'emulator'}{request.raw_path}{query}",
        request_headers=dict(request.headers),
        request_body=request.body,
        status=reply.status,
        response_headers=dict(reply.headers),
        response_body=reply.body,
    )
