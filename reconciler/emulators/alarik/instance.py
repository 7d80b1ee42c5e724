"""One server: its state, and the HTTP service in front of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import unquote
from uuid import uuid4

from moto.s3.models import FakeDeleteMarker

from reconciler.emulators.alarik import bucket_calls, decode, object_calls, replication_calls, user_calls
from reconciler.emulators.alarik.buckets import Buckets
from reconciler.emulators.alarik.call import BASE, Call, Route
from reconciler.emulators.alarik.courier import Courier
from reconciler.emulators.alarik.face import Face, told
from reconciler.emulators.alarik.identity import Identities, User
from reconciler.emulators.alarik.refusal import Refusal
from reconciler.emulators.alarik.replication import Replication
from reconciler.emulators.alarik.switches import AlarikSwitches
from reconciler.emulators.clock import Clock
from reconciler.emulators.gate import Operation
from reconciler.emulators.message import Hangup, Reply, Request
from reconciler.emulators.s3 import operations
from reconciler.emulators.s3.errors import by_status
from reconciler.emulators.s3.objects import Change
from reconciler.emulators.s3.store import Store
from reconciler.emulators.server import Handler
from reconciler.emulators.switchboard import Board

ACCOUNT: Final = "alarik"

#: Every call of the JSON API with the pattern of its path.
ROUTES: Final[tuple[tuple[re.Pattern[str], Route], ...]] = tuple(
    (route.pattern(), route)
    for route in (*user_calls.ROUTES, *bucket_calls.ROUTES, *replication_calls.ROUTES, *object_calls.ROUTES)
)


class Instance:
    """Everything a server holds. See ``gate.Service`` for the calls that the world makes.

    ``admins`` are administrators whatever the switches say, ``owner`` is one if ``is_admin`` says so. ``crash`` ends
    the process, as far as clients can tell; ``up`` says whether it lives.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        board: Board[AlarikSwitches],
        identities: Identities,
        authority: Path,
        up: Callable[[], bool],
        crash: Callable[[], None],
    ) -> None:
        self.clock = clock
        self.identities = identities
        self.store = Store(ACCOUNT)
        self.buckets = Buckets(self.store)
        self.courier = Courier(self.store, authority)
        self.replication = Replication(
            clock=clock, board=board, store=self.store, buckets=self.buckets, courier=self.courier, up=up
        )
        self.admins: frozenset[str] = frozenset()
        self.owner = ""
        self._board = board
        self._crash = crash

    @property
    def settings(self) -> AlarikSwitches:
        return self._board.now

    def is_admin(self, user: User) -> bool:
        return user.username in self.admins or (user.username == self.owner and self.settings.is_admin)

    def pause(self, seconds: float) -> None:
        if seconds:
            self.clock.pause(seconds)

    def die(self) -> None:
        """A repeated id was stored, and the process traps when it builds its table. Never returns."""
        if self.settings.duplicate_ids == "error":
            raise Refusal(500)
        self._crash()
        raise Hangup

    def drop_bucket(self, name: str) -> None:
        self.replication.outbox.purge(name)
        self.buckets.delete(name)

    def follow(self, bucket: str, change: Change, *, deleted: bool) -> None:
        """Let replication know what a client has done to the current version of a key."""
        versioned = self.buckets.versioning(bucket) != "Disabled"
        current = change.after[-1] if change.after else None
        version = None if current is None or not versioned else str(current.version_id)
        if deleted:
            self.replication.deleted(bucket, change.key, version)
        elif current is not None and not isinstance(current, FakeDeleteMarker):
            self.replication.wrote(bucket, change.key, version)

    def stop(self) -> None:
        self.replication.join()
        self.courier.close()
        self.store.close()

    def __call__(self, request: Request) -> Reply:
        found = _route(request)
        if found is None:
            return _stamped(Face(self).answer(request))
        route, parts = found
        try:
            if not route.unbounded:
                decode.check_size(request)
            caller = None if route.public else self._caller(request)
            return _stamped(route.answer(Call(self, request, parts, caller)))
        except Refusal as refusal:
            return refusal.reply()

    def operation(self, request: Request) -> Operation:
        found = _route(request)
        if found is None:
            return operations.operation(request)
        return Operation(found[0].name, found[0].write)

    def failure(self, status: int, request: Request) -> Reply:
        if request.path.startswith(f"{BASE}/"):
            return Refusal(status).reply()
        return _stamped(told(by_status(status), head=request.method == "HEAD"))

    def frozen(self) -> Handler:
        """Answers reads from buckets, objects, rules and tasks as they are now."""
        taken = copy.copy(self)
        taken.store = self.store.frozen()
        taken.buckets = self.buckets.frozen(taken.store)
        taken.replication = copy.copy(self.replication)
        taken.replication.outbox = self.replication.outbox.frozen()
        taken.follow = lambda *_, **__: None  # type: ignore[method-assign]
        return taken

    def _caller(self, request: Request) -> User | None:
        """Whoever a session or a pair of keys belongs to; keys are only asked where there is no valid session."""
        kind, _, token = (request.header("Authorization") or "").partition(" ")
        user = self.identities.by_token(token.strip()) if kind.lower() == "bearer" else None
        if user is not None:
            if self.settings.sessions_unavailable:
                raise Refusal(503, "Could not verify this session right now - please retry.")
            return user
        return self.identities.by_key(request.header("X-Access-Key"), request.header("X-Secret-Key"))


def _route(request: Request) -> tuple[Route, dict[str, str]] | None:
    """None for what the JSON API does not have: to the router that is a bucket named ``api``."""
    for pattern, route in ROUTES:
        match = pattern.fullmatch(request.raw_path)
        if match is not None and route.method == request.method:
            return route, {name: unquote(part) for name, part in match.groupdict().items()}
    return None


def _stamped(reply: Reply) -> Reply:
    """With the ids that every answer has, but for errors of the JSON API."""
    identity = str(uuid4()).upper()
    body = reply.body
    if reply.status >= 400 and body.endswith(b"</Error>"):
        body = body.removesuffix(b"</Error>") + f"<RequestId>{identity}</RequestId></Error>".encode()
    made = Reply(reply.status, reply.headers, body)
    return made.with_header("x-amz-request-id", identity).with_header("x-amz-id-2", f"{identity}-{1000}")
