"""The way into an emulated service: every request is logged here, and meets its fault here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.emulators.clock import Clock
from reconciler.emulators.faults import Fault, Faults, Occasion
from reconciler.emulators.message import Hangup, Reply, Request
from reconciler.emulators.requestlog import RequestLog
from reconciler.emulators.server import Handler


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks for: the vendor's name for the call where known, and whether it changes anything."""

    name: str | None
    write: bool


class Service(Protocol):
    """The wire side of one emulated system. Called from many threads at once."""

    def __call__(self, request: Request) -> Reply:
        """Answer a request; ``Hangup`` closes the connection instead. Listings honour ``request.page_size``."""
        ...

    def operation(self, request: Request) -> Operation:
        """What is asked, from method, path and query alone; never fails, whatever was sent."""
        ...

    def failure(self, status: int, request: Request) -> Reply:
        """The answer this system gives when it fails with ``status`` before doing anything."""
        ...

    def frozen(self) -> Handler:
        """A handler that answers reads from the state as it is now, whatever is written afterwards."""
        ...


class Gate:
    """A handler for ``Server``. Several servers may share one, as HTTP and HTTPS of one system do."""

    def __init__(
        self, name: str, service: Service, *, clock: Clock, faults: Faults, log: RequestLog, part: str = ""
    ) -> None:
        self._name = name
        self._part = part
        self._service = service
        self._clock = clock
        self._faults = faults
        self._log = log
        self._before_last_write: Handler | None = None

    def __call__(self, request: Request) -> Reply:
        operation = self._service.operation(request)
        entry = self._log.begin(
            emulator=self._name,
            at=_stamp(self._clock.now()),
            method=request.method,
            path=request.path,
            query=request.query,
            write=operation.write,
            operation=operation.name,
            size=len(request.body),
            agent=request.header("User-Agent") or "",
            part=self._part,
        )
        fault = self._faults.take(
            Occasion(self._name, self._part, request.method, request.path, operation.name, operation.write)
        )
        passage = _Passage()
        try:
            reply = self._pass(request, operation, fault, passage)
        except Exception as error:
            # Anything but a hangup is the emulator's own mistake, which the server answers with 500.
            status = None if isinstance(error, Hangup) else 500
            self._log.finish(entry, status=status, committed=passage.reached, fault=fault.kind if fault else None)
            raise
        self._log.finish(entry, status=reply.status, committed=passage.reached, fault=fault.kind if fault else None)
        return reply

    def _pass(self, request: Request, operation: Operation, fault: Fault | None, passage: _Passage) -> Reply:
        if fault is None:
            return self._serve(request, operation, passage)
        match fault.kind:
            case "status":
                return self._refuse(request, fault)
            case "drop_before":
                raise Hangup
            case "drop_after":
                self._serve(request, operation, passage)
                raise Hangup
            case "timeout":
                if fault.commit:
                    self._serve(request, operation, passage)
                self._clock.pause(fault.seconds or 0)
                raise Hangup
            case "slow":
                self._clock.pause(fault.seconds or 0)
                return self._serve(request, operation, passage)
            case "short_page":
                return self._serve(request.with_page_size(fault.page_size), operation, passage)
            case "stale_read":
                handler = self._before_last_write
                return self._serve(request, operation, passage) if handler is None else handler(request)

    def _serve(self, request: Request, operation: Operation, passage: _Passage) -> Reply:
        if operation.write:
            self._before_last_write = self._service.frozen() if self._faults.wants_history(self._name) else None
        passage.reached = True
        return self._service(request)

    def _refuse(self, request: Request, fault: Fault) -> Reply:
        reply = self._service.failure(fault.status or 500, request)
        return reply if fault.retry_after is None else reply.with_header("Retry-After", str(fault.retry_after))


@dataclass(slots=True)
class _Passage:
    reached: bool = False


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
