"""BOS's own face in one region: who asks, what for, and which part answers."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from reconciler.emulators.bos import auth, bucket_calls, object_calls, replication_calls, upload_calls
from reconciler.emulators.bos.call import READS, Call, Level, Route
from reconciler.emulators.bos.cloud import Cloud
from reconciler.emulators.bos.refusal import Refusal, by_status, new_request_id
from reconciler.emulators.gate import Operation
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.server import Handler

#: Every call; of those that fit a request the one with the most conditions is meant.
ROUTES: Final = tuple(
    sorted(
        (*replication_calls.ROUTES, *bucket_calls.ROUTES, *upload_calls.ROUTES, *object_calls.ROUTES),
        key=lambda route: -len(route.query) - bool(route.header),
    )
)

#: Hosts under which a bucket's name may stand in front.
_DOMAINS: Final = (".bcebos.com", ".localhost")
#: Query parameters that name a part of a bucket or object; one that is not held must not be taken for nothing.
_PARTS: Final = frozenset(
    {
        "append", "bucketTagging", "copyrightProtection", "cors", "encryption", "fetch", "inventory", "lifecycle",
        "logging", "mirroring", "notification", "objectlock", "quota", "restore", "select", "symlink", "tagging",
        "trash", "userQuota", "versions", "website",
    }
)  # fmt: skip
_OLD_PREFIX: Final = "/v1/"
_LONGEST_KEY: Final = 1024


class BosService:
    """See ``gate.Service``. Buckets may stand in the path, in the host name, or in the path after ``/v1``."""

    def __init__(self, cloud: Cloud, region: str) -> None:
        self._cloud = cloud
        self._region = region

    def __call__(self, request: Request) -> Reply:
        request_id = new_request_id()
        try:
            reply = self._answer(request)
        except Refusal as refusal:
            reply = refusal.reply(request_id, head=request.method == "HEAD")
        return reply.with_header("x-bce-request-id", request_id).with_header("x-bce-debug-id", request_id)

    def operation(self, request: Request) -> Operation:
        found = _route(request)
        if found is None:
            return Operation(None, request.method not in READS)
        return Operation(found.name, found.write)

    def failure(self, status: int, request: Request) -> Reply:
        request_id = new_request_id()
        reply = by_status(status).reply(request_id, head=request.method == "HEAD")
        return reply.with_header("x-bce-request-id", request_id)

    def frozen(self) -> Handler:
        return BosService(self._cloud.frozen(), self._region)

    def _answer(self, request: Request) -> Reply:
        credential = auth.verify(request, self._cloud.identities, self._cloud.switches)
        if self._cloud.identities.is_overdue(credential.account):
            raise Refusal(403, "AccountOverdue")
        route = _route(request)
        if route is None:
            raise Refusal(501, "NotImplemented", "This emulator does not hold what was asked for.")
        bucket, key = place(request)
        check_key(key)
        return route.answer(Call(self._cloud, request, credential.account, self._region, bucket, key))


def check_key(key: str) -> None:
    """``Refusal`` (400) for a key that is too long, or that has a step such as ``..``."""
    if any(part in {".", ".."} for part in key.split("/")) or len(key.encode()) > _LONGEST_KEY:
        raise Refusal(400, "InvalidURI", "The key is not valid.")


def place(request: Request) -> tuple[str, str]:
    """Bucket and key of a request, decoded; "" where there is none."""
    host = (request.header("Host") or "").partition(":")[0].lower()
    path = request.raw_path
    domain = next((one for one in _DOMAINS if host.endswith(one)), None)
    front = host.removesuffix(domain) if domain else ""
    # Of the vendor's names the last label before the domain is the region.
    if domain == ".bcebos.com":
        front = front.rpartition(".")[0]
    if front:
        return front, unquote(path.removeprefix("/"))
    if path.startswith(_OLD_PREFIX):
        path = path.removeprefix(_OLD_PREFIX[:-1])
    bucket, _, key = path.removeprefix("/").partition("/")
    return unquote(bucket), unquote(key)


def _route(request: Request) -> Route | None:
    bucket, key = place(request)
    level: Level = "object" if key else "bucket" if bucket else "service"
    found = next((route for route in ROUTES if route.fits(request.method, level, request)), None)
    if found is not None and not found.query and not _PARTS.isdisjoint(request.params):
        return None
    return found
