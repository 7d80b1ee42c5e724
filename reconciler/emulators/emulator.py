"""What an emulator is to the world that runs it: the contract between the plumbing and each provider's part."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clock import Clock
from reconciler.emulators.faults import Faults
from reconciler.emulators.gate import Gate, Service
from reconciler.emulators.message import JsonValue
from reconciler.emulators.requestlog import RequestLog
from reconciler.emulators.server import Handler, Server


@dataclass(frozen=True, slots=True)
class Options:
    """How one emulator is to be made.

    ``flavour`` is what follows the colon in ``NAME:FLAVOUR`` (None: the kind's usual one). ``seed`` asks for a
    world with data in it. ``ports`` asks for fixed ports by endpoint name; the others are chosen by the system.
    """

    name: str
    flavour: str | None = None
    seed: bool = False
    ports: Mapping[str, int] | None = None

    def port(self, endpoint: str) -> int:
        return (self.ports or {}).get(endpoint, 0)


@dataclass(frozen=True, slots=True)
class Context:
    """What the world lends to every emulator. ``directory`` is private to the world and goes with it."""

    clock: Clock
    faults: Faults
    log: RequestLog
    certificate: Certificate
    tls: ssl.SSLContext
    directory: Path
    host: str = "127.0.0.1"

    def gate(self, name: str, service: Service, part: str = "") -> Gate:
        """The handler to serve: ``service`` behind the request log and the faults.

        ``part`` tells one endpoint from another where a system has several services.
        """
        return Gate(name, service, clock=self.clock, faults=self.faults, log=self.log, part=part)

    def serve(self, handler: Handler, *, tls: bool, port: int = 0) -> Server:
        """A started server for a handler (usually one from ``gate``); the emulator stops it."""
        server = Server(handler, host=self.host, port=port, tls=self.tls if tls else None)
        server.start()
        return server


class Emulator(Protocol):
    """One emulated system with its endpoints.

    ``start`` is called once, then the emulator answers on its own servers until ``stop``, which may be called
    without ``start`` and more than once. All other methods may be called from any thread in between.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    def start(self, context: Context) -> None: ...

    def describe(self) -> dict[str, JsonValue]:
        """What a client needs: endpoint URLs and made-up credentials. Printed when the world is ready."""
        ...

    def state(self) -> JsonValue:
        """What the system holds now, for a reader and for tests that check it from outside."""
        ...

    def switches(self) -> dict[str, JsonValue]:
        """Every switch with its present value."""
        ...

    def switch(self, values: Mapping[str, JsonValue]) -> None:
        """Set some switches. ValueError, and nothing changed, for an unknown name or a value it cannot hold."""
        ...

    def act(self, action: str, arguments: Mapping[str, JsonValue]) -> JsonValue:
        """Do something that no client of the system could, such as ``restart``. ValueError if there is no such act."""
        ...

    def stop(self) -> None: ...
