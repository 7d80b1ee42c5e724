"""The side port: JSON over plain HTTP to look into a world and to disturb it.

==========================================  =========================================================================
call                                        what it does
==========================================  =========================================================================
GET /state                                  clock, faults, and per emulator its kind, switches and state
GET /requests?since=N&emulator=NAME         the request log after entry N
DELETE /requests                            forget the log; numbers go on
GET /faults                                 the declared faults, with how often each fired
POST /faults                                declare one fault (object) or several (list); answers their ids
DELETE /faults, DELETE /faults?id=N         take all back, or one
GET /clock                                  the emulated time
POST /clock                                 ``{"freeze": true}``, ``{"advance": SECONDS}``, ``{"resume": true}``
GET, POST /emulators/NAME/switches          read or set switches
POST /emulators/NAME/actions/ACTION         what no client could do, such as restart; the body holds arguments
POST /shutdown                              end the world
==========================================  =========================================================================

Answers are 200 with JSON; 400 with ``{"error": text}`` for what cannot be done, 404 for what is not there.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import cast

from pydantic import TypeAdapter, ValidationError

from reconciler.emulators.clock import Clock
from reconciler.emulators.emulator import Emulator
from reconciler.emulators.faults import Fault, Faults
from reconciler.emulators.message import JsonValue, Reply, Request
from reconciler.emulators.requestlog import RequestLog

_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])
_CLOCK_ORDERS = ("freeze", "advance", "resume")


class _NotThereError(Exception):
    pass


class Control:
    """The handler behind the side port. ``finished`` is set when somebody asks the world to end."""

    def __init__(self, *, clock: Clock, faults: Faults, log: RequestLog, emulators: Mapping[str, Emulator]) -> None:
        self._clock = clock
        self._faults = faults
        self._log = log
        self._emulators = emulators
        self.finished = threading.Event()

    def __call__(self, request: Request) -> Reply:
        # A page in somebody's browser can reach loopback too; what it sends always names its origin.
        if request.header("Origin") is not None:
            return Reply.of_json(403, {"error": "not from a browser"})
        for method, pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found is not None and method == request.method:
                try:
                    return Reply.of_json(200, answer(self, request, *found.groups()))
                except _NotThereError as error:
                    return Reply.of_json(404, {"error": str(error)})
                except ValueError as error:
                    return Reply.of_json(400, {"error": _explain(error)})
        return Reply.of_json(404, {"error": f"no such call: {request.method} {request.path}"})

    def state(self, _request: Request) -> JsonValue:
        return {
            "clock": self.clock(_request),
            "faults": self._faults.describe(),
            "emulators": {
                name: {"kind": emulator.kind, "switches": emulator.switches(), "state": emulator.state()}
                for name, emulator in self._emulators.items()
            },
        }

    def requests(self, request: Request) -> JsonValue:
        since = request.params.get("since", "0")
        if not since.isdecimal():
            raise ValueError("since must be a number")
        return self._log.since(int(since), request.params.get("emulator"))

    def forget_requests(self, _request: Request) -> JsonValue:
        self._log.clear()
        return {}

    def faults(self, _request: Request) -> JsonValue:
        return self._faults.describe()

    def add_faults(self, request: Request) -> JsonValue:
        value = _body(request)
        declared = _FAULTS.validate_python(value if isinstance(value, list) else [value])
        return {"ids": [self._faults.add(fault) for fault in declared]}

    def clear_faults(self, request: Request) -> JsonValue:
        number = request.params.get("id")
        if number is not None and not number.isdecimal():
            raise ValueError("id must be a number")
        self._faults.clear(None if number is None else int(number))
        return {}

    def clock(self, _request: Request) -> JsonValue:
        return {
            "now": self._clock.now().isoformat(),
            "monotonic": self._clock.monotonic(),
            "frozen": self._clock.frozen,
            "offset": self._clock.offset,
        }

    def set_clock(self, request: Request) -> JsonValue:
        orders = _mapping(_body(request))
        unknown = set(orders) - set(_CLOCK_ORDERS)
        if unknown or not orders:
            raise ValueError(f"say one or more of: {', '.join(_CLOCK_ORDERS)}")
        advance = orders.get("advance", 0)
        if isinstance(advance, bool) or not isinstance(advance, int | float):
            raise ValueError("advance must be a number of seconds")  # noqa: TRY004  (one class for all bad input)
        if orders.get("freeze"):
            self._clock.freeze()
        self._clock.advance(advance)
        if orders.get("resume"):
            self._clock.resume()
        return self.clock(request)

    def switches(self, _request: Request, name: str) -> JsonValue:
        return self._emulator(name).switches()

    def set_switches(self, request: Request, name: str) -> JsonValue:
        emulator = self._emulator(name)
        emulator.switch(_mapping(_body(request)))
        return emulator.switches()

    def act(self, request: Request, name: str, action: str) -> JsonValue:
        return self._emulator(name).act(action, _mapping(_body(request)) if request.body else {})

    def shutdown(self, _request: Request) -> JsonValue:
        self.finished.set()
        return {}

    def _emulator(self, name: str) -> Emulator:
        if name not in self._emulators:
            raise _NotThereError(f"no emulator named {name}")
        return self._emulators[name]


_ROUTES: tuple[tuple[str, str, Callable[..., JsonValue]], ...] = (
    ("GET", "/state", Control.state),
    ("GET", "/requests", Control.requests),
    ("DELETE", "/requests", Control.forget_requests),
    ("GET", "/faults", Control.faults),
    ("POST", "/faults", Control.add_faults),
    ("DELETE", "/faults", Control.clear_faults),
    ("GET", "/clock", Control.clock),
    ("POST", "/clock", Control.set_clock),
    ("GET", "/emulators/([^/]+)/switches", Control.switches),
    ("POST", "/emulators/([^/]+)/switches", Control.set_switches),
    ("POST", "/emulators/([^/]+)/actions/([^/]+)", Control.act),
    ("POST", "/shutdown", Control.shutdown),
)


def _body(request: Request) -> JsonValue:
    try:
        return request.json()
    except ValueError as error:
        raise ValueError("the body must be JSON") from error


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004  (as above)
    return cast("dict[str, JsonValue]", value)


def _explain(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors())
