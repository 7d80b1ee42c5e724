"""What all harnesses over HTTP share: a log, faults, answers changed on their way, recorded exchanges, one clock."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from unittest import mock

import stamina
from pydantic import SecretStr

from reconciler.emulators import faults as emulated
from reconciler.emulators.clock import Clock
from reconciler.emulators.emulator import Context
from reconciler.emulators.faults import Faults
from reconciler.emulators.gate import Gate, Operation, Service
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.requestlog import RequestLog
from reconciler.emulators.server import Handler
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.secret import SecretRef
from reconciler.testing.harness import Fault, FaultKind, Mangling, Sent
from tests.lab.recorder import Recorder

Mangler = Callable[[Reply], Reply]

_KINDS: dict[FaultKind, emulated.FaultKind] = {
    FaultKind.STATUS: "status",
    FaultKind.LOST_REQUEST: "drop_before",
    FaultKind.LOST_ANSWER: "drop_after",
    FaultKind.SHORT_PAGE: "short_page",
}


class EmulatedClock:
    """The host's time is the emulators': waiting on it makes theirs pass, and gives their threads a moment to work."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float, stop: threading.Event) -> bool:
        self._clock.advance(max(0.0, seconds))
        return stop.wait(min(seconds, 0.05))


class EnvSecrets:
    """Resolves `{env: NAME}` from given values. Shows none of them."""

    def __init__(self, **values: str) -> None:
        self._values: dict[str, SecretStr] = {}
        self.put(**values)

    def put(self, **values: str) -> None:
        """Give variables other values, as somebody who rotates a key does."""
        self._values |= {name: SecretStr(value) for name, value in values.items()}

    def resolve(self, ref: SecretRef, *, send_to: str | None = None) -> SecretStr:
        del send_to
        return self.resolve_here(ref)

    def resolve_here(self, ref: SecretRef) -> SecretStr:
        if ref.env not in self._values:
            raise ProviderError(f"{ref} is not set", code=ErrorCode.SECRET, provider="secrets", operation="resolve")
        return self._values[ref.env]

    @property
    def values(self) -> Sequence[str]:
        return list(self.by_name.values())

    @property
    def by_name(self) -> dict[str, str]:
        return {name: value.get_secret_value() for name, value in self._values.items()}


class Wire:
    """Requests come in over real sockets; what is logged, disturbed and recorded of them is told here."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.faults = Faults()
        self.log = RequestLog()
        self.recorder = Recorder()
        self._since = 0
        self._mangled: dict[str, Mangler] = {}

    def mark(self) -> None:
        self._since = int(self.log.since(1 << 60)["last"])  # type: ignore[call-overload]

    def requests(self, emulator: str, unseen: frozenset[str] = frozenset()) -> Sequence[Sent]:
        """The requests of our own providers since the mark."""
        rows: Sequence[Mapping[str, object]] = self.log.since(self._since, emulator)["requests"]  # type: ignore[assignment]
        return [
            Sent(
                operation=str(row["operation"]),
                write=bool(row["write"]),
                at_s=datetime.fromisoformat(str(row["at"])).timestamp(),
                reached=bool(row["committed"]),
            )
            for row in rows
            if str(row["agent"]).startswith("repl/") and row["operation"] not in unseen
        ]

    def fault(self, fault: Fault, emulator: str, operation: str) -> None:
        made = emulated.Fault(
            kind=_KINDS[fault.kind],
            emulator=emulator,
            operation=operation,
            times=fault.times,
            status=fault.status,
            retry_after=fault.retry_after,
            **({} if fault.page_size is None else {"page_size": fault.page_size}),
        )
        self.faults.add(made)

    def mangle(self, operation: str, mangler: Mangler) -> None:
        self._mangled[operation] = mangler

    def mend(self) -> None:
        self.faults.clear()
        self._mangled.clear()

    def changed(self, operation: str | None, reply: Reply) -> Reply:
        """The reply as it goes out."""
        mangler = self._mangled.get(operation or "")
        return reply if mangler is None or reply.status != 200 else mangler(reply)


class _Observed:
    """A service whose own exchanges are recorded, before an answer is changed. Faults are not: no service said them."""

    def __init__(self, service: Service, wire: Wire, *, record: bool) -> None:
        self._service = service
        self._wire = wire
        self._answer: Handler = wire.recorder.wrap(service) if record else service

    def __call__(self, request: Request) -> Reply:
        return self._wire.changed(self.operation(request).name, self._answer(request))

    def operation(self, request: Request) -> Operation:
        return self._service.operation(request)

    def failure(self, status: int, request: Request) -> Reply:
        return self._service.failure(status, request)

    def frozen(self) -> Handler:
        return self._service.frozen()


@dataclass(frozen=True, slots=True)
class WiredContext(Context):
    """Lends an emulator a wire. Of one whose traffic nobody judges nothing is recorded."""

    wire: Wire = field(default_factory=Wire)
    record: bool = True

    def gate(self, name: str, service: Service, part: str = "") -> Gate:
        observed = _Observed(service, self.wire, record=self.record)
        return Context.gate(self, name, observed, part)


def gate(wire: Wire, name: str, service: Service) -> Gate:
    """The way into a service that is no emulator."""
    observed = _Observed(service, wire, record=True)
    return Gate(name, observed, clock=wire.clock, faults=wire.faults, log=wire.log)


def page_of_a_proxy(_reply: Reply) -> Reply:
    return Reply(200, (("Content-Type", "text/html"),), b"<html><body>Please sign in to the network</body></html>")


def cut_off(reply: Reply) -> Reply:
    return Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])


COMMON_MANGLERS: Mapping[Mangling, Mangler] = {Mangling.GARBAGE: page_of_a_proxy, Mangling.CUT_OFF: cut_off}


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """No pauses between attempts; their number stays."""
    quick = SimpleNamespace(sleep=lambda _seconds: None)
    with stamina.set_testing(True, attempts=100, cap=True), mock.patch("botocore.endpoint.time", quick):
        yield
