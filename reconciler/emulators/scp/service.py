"""The host of one region: who calls, which version, which call, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote

from reconciler.emulators.gate import Operation
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.scp import replication_calls, snapshot_calls, volume_calls
from reconciler.emulators.scp.call import Call, Route
from reconciler.emulators.scp.cloud import Cloud
from reconciler.emulators.scp.identity import Key, caller
from reconciler.emulators.scp.refusal import Refusal, failed, invalid
from reconciler.emulators.server import Handler

#: Every call with the pattern of its path. The first that fits answers.
ROUTES: Final = tuple(
    (route.pattern(), route) for route in (*replication_calls.ROUTES, *snapshot_calls.ROUTES, *volume_calls.ROUTES)
)

SERVICE: Final = "filestorage"
CURRENT: Final = "1.1"
#: Versions that answered once, and the last day on which they did. Source: vendor API reference.
RETIRED: Final[Mapping[str, str]] = {"1.0": "20251231"}
#: Everything that an id of the vendor's examples is made of, and that of any other service's.
_ID: Final = re.compile(r"[0-9A-Za-z_.:-]{1,128}")
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class ScpService:
    """See ``gate.Service``. ``keys`` are those of the account by their access key; ``settle`` brings the records up
    to the clock, and says when the next thing is due.
    """

    def __init__(
        self,
        cloud: Cloud,
        region: str,
        keys: Mapping[str, Key],
        settle: Callable[[], object],
        changed: Callable[[], None],
    ) -> None:
        self._cloud = cloud
        self._region = region
        self._keys = keys
        self._settle = settle
        self._changed = changed

    def __call__(self, request: Request) -> Reply:
        try:
            return self._answer(request)
        except Refusal as refusal:
            return refusal.reply()

    def operation(self, request: Request) -> Operation:
        """What is asked. An unknown path is called a write unless its method only reads."""
        for pattern, route in ROUTES:
            if route.method == request.method and pattern.fullmatch(request.raw_path):
                return Operation(route.name, route.write)
        return Operation(None, request.method not in _READS)

    def failure(self, status: int, request: Request) -> Reply:  # noqa: ARG002  (part of the contract)
        return failed(status)

    def frozen(self) -> Handler:
        """Answers reads from the records as they are now. Keys, switches and folders stay live."""
        return ScpService(self._cloud.frozen(), self._region, self._keys, settle=lambda: None, changed=lambda: None)

    def _answer(self, request: Request) -> Reply:
        settings = self._cloud.settings
        key = caller(request, self._keys, settings)
        if not settings.entitled:
            raise Refusal(401, "Request is rejected by gateway: catalog has not target.")
        _check_version(request)
        route, parts = _route(request)
        self._check_permission(key, route)
        if any(_ID.fullmatch(part) is None for part in parts.values()):
            raise invalid([f"String should match pattern '^{_ID.pattern}$'"])
        with self._cloud.lock:
            self._settle()
            reply = route.answer(Call(self._cloud, self._region, request, parts))
        if route.write:
            self._changed()
        return reply

    def _check_permission(self, key: Key, route: Route) -> None:
        action = f"{SERVICE}:{route.action}"
        if (key.read_only and route.write) or action in self._cloud.settings.denied_actions:
            raise Refusal(
                403,
                f"You do not have permission to {route.access}. Check the policy for {action}.",
                response={"access_level": route.access, "action_name": action},
            )


def _check_version(request: Request) -> None:
    """Without the header the current version answers. Source: SCP API reference, Common."""
    sent = (request.header("Scp-Api-Version") or "").strip()
    if not sent:
        return
    service, _, version = sent.partition(" ")
    if service == SERVICE and version.strip() == CURRENT:
        return
    ended = RETIRED.get(version.strip()) if service == SERVICE else None
    told = f"was supported until {ended}" if ended else "does not exist"
    raise Refusal(
        400, f"API version {sent[:40]!r} {told}. The current version is {SERVICE} {CURRENT}.", "InvalidApiVersion"
    )


def _route(request: Request) -> tuple[Route, dict[str, str]]:
    known = False
    for pattern, route in ROUTES:
        match = pattern.fullmatch(request.raw_path)
        if match is None:
            continue
        if route.method == request.method:
            return route, {name: unquote(part) for name, part in match.groupdict().items()}
        known = True
    raise Refusal(405) if known else Refusal(404)
