"""One cluster: its state, and the HTTP service in front of it."""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from reconciler.emulators.clock import Clock
from reconciler.emulators.gate import Operation
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.qumulo import file_calls, moment, replication_calls, session_calls
from reconciler.emulators.qumulo.bucket import Buckets
from reconciler.emulators.qumulo.call import READS, Call, Route
from reconciler.emulators.qumulo.identity import Caller, Identities
from reconciler.emulators.qumulo.refusal import Refusal
from reconciler.emulators.qumulo.replication import Replication
from reconciler.emulators.qumulo.switches import Switches
from reconciler.emulators.qumulo.tree import Tree
from reconciler.emulators.server import Handler

#: Every call with the pattern of its path.
ROUTES: Final = tuple(
    (route.pattern(), route) for route in (*session_calls.ROUTES, *replication_calls.ROUTES, *file_calls.ROUTES)
)


class Cluster:
    """Everything a cluster holds. ``lock`` guards ``tree``, ``identities`` and the relationships."""

    def __init__(self, clock: Clock, directory: Path, world_authority: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.switches = Switches()
        self.identities = Identities(clock)
        self.tree = Tree(moment.ticker(clock.now))
        self.buckets = Buckets(directory)
        self.replication = Replication(
            tree=self.tree,
            clock=clock,
            switches=self.switches,
            lock=self.lock,
            buckets=self.buckets,
            world_authority=world_authority,
        )

    def stop(self) -> None:
        self.replication.stop()
        self.buckets.close()

    def __call__(self, request: Request) -> Reply:
        try:
            return self._answer(request)
        except Refusal as refusal:
            if refusal.status == 401 and self.switches["unauthorized_body"] == "empty":
                return Reply.of_json(401, {})
            return refusal.reply()

    def operation(self, request: Request) -> Operation:
        """What is asked. An unknown path is called a write unless its method only reads."""
        for pattern, route in ROUTES:
            if route.method == request.method and pattern.fullmatch(request.raw_path):
                return Operation(route.name, route.write)
        return Operation(None, request.method not in READS)

    def failure(self, status: int, request: Request) -> Reply:
        return Refusal(status, f"{request.method} failed.").reply()

    def frozen(self) -> Handler:
        """Answers reads from files and relationships as they are now. Tokens stay live."""
        with self.lock:
            other = copy.copy(self)
            other.tree = self.tree.frozen()
            other.replication = self.replication.frozen(other.tree)
        return other

    def _answer(self, request: Request) -> Reply:
        route, parts = self._route(request)
        caller = None if route.public else self._caller(request, route)
        return route.answer(Call(self, request, parts, caller))

    def _route(self, request: Request) -> tuple[Route, dict[str, str]]:
        known = False
        for pattern, route in ROUTES:
            match = pattern.fullmatch(request.raw_path)
            if match is None:
                continue
            if route.method == request.method:
                return route, {name: unquote(part) for name, part in match.groupdict().items()}
            known = True
        if known:
            raise Refusal(405, f"{request.method} is not possible here.")
        raise Refusal(404, "No such call.")

    def _caller(self, request: Request, route: Route) -> Caller:
        with self.lock:
            caller = self.identities.caller(request.header("Authorization"))
        if caller is None:
            raise Refusal(401, "Need to log in first.")
        if route.privilege is not None and route.privilege not in caller.user.privileges:
            status = self.switches.whole("privilege_status")
            raise Refusal(status, f"Missing privilege: {route.privilege}", "http_unauthorized_error")
        return caller
