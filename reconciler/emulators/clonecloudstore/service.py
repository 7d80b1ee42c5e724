"""The HTTP side of one service of a site. See ``gate.Service`` for the calls that the world makes."""

from __future__ import annotations

import re
import uuid
from typing import Final

from reconciler.emulators.clonecloudstore import (
    accessor_calls,
    administration_calls,
    reconciliator_calls,
    replicator_calls,
    wire,
)
from reconciler.emulators.clonecloudstore.call import MODULES, Call, Route
from reconciler.emulators.clonecloudstore.refusal import Refusal
from reconciler.emulators.clonecloudstore.site import Site
from reconciler.emulators.gate import Operation
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.server import Handler

#: Every call of each service.
ROUTES: Final[dict[str, tuple[Route, ...]]] = {
    "accessor": accessor_calls.PUBLIC_ROUTES,
    "internal": accessor_calls.INTERNAL_ROUTES,
    "replicator": replicator_calls.ROUTES,
    "administration": administration_calls.ROUTES,
    "reconciliator": reconciliator_calls.ROUTES,
}

_PATTERNS: Final[dict[str, tuple[tuple[re.Pattern[str], Route], ...]]] = {
    name: tuple((route.pattern(), route) for route in routes) for name, routes in ROUTES.items()
}


class Service:
    """One of ``call.SERVICES``. An operation id that comes with a request goes back with the answer."""

    def __init__(self, site: Site, name: str) -> None:
        self._site = site
        self._name = name

    def __call__(self, request: Request) -> Reply:
        operation = request.header(wire.OPERATION) or uuid.uuid4().hex
        try:
            return self._stamped(self._answer(request, operation), operation)
        except Refusal as refusal:
            return self._refused(refusal, operation)

    def operation(self, request: Request) -> Operation:
        found = self._route(request)
        if not isinstance(found, Route):
            return Operation(None, request.method not in {"GET", "HEAD"})
        return Operation(found.name, found.write)

    def failure(self, status: int, request: Request) -> Reply:
        return self._refused(Refusal(status), request.header(wire.OPERATION) or uuid.uuid4().hex)

    def frozen(self) -> Handler:
        return Service(self._site.frozen(), self._name)

    def _answer(self, request: Request, operation: str) -> Reply:
        route = self._route(request)
        if not isinstance(route, Route):
            raise Refusal(route, form="bare")
        if route.client and self._site.settings.documented and request.header(wire.CLIENT) is None:
            raise Refusal(401)
        return route.answer(Call(self._site, request, route.match(request.raw_path) or {}, operation))

    def _route(self, request: Request) -> Route | int:
        """The route, or the status that there is none with."""
        path = request.raw_path if request.raw_path == "/" else request.raw_path.rstrip("/")
        found = [route for pattern, route in _PATTERNS[self._name] if pattern.fullmatch(path or "/")]
        for route in found:
            if route.method == request.method:
                return route
        return 405 if found else 404

    def _refused(self, refusal: Refusal, operation: str) -> Reply:
        """No body in any form."""
        made = Reply(refusal.status, refusal.headers)
        if refusal.form == "told":
            made = made.with_header(wire.ERROR, _one_line(refusal.reason))
        if refusal.form == "stream":
            made = made.with_header("Connection", "close")
        return self._stamped(made, operation)

    def _stamped(self, reply: Reply, operation: str) -> Reply:
        headers = tuple((name, value.encode("latin-1", "replace").decode("latin-1")) for name, value in reply.headers)
        reply = Reply(reply.status, headers, reply.body)
        return reply.with_header(wire.OPERATION, _one_line(operation)).with_header(wire.MODULE, MODULES[self._name])


def _one_line(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text)[:1000]
