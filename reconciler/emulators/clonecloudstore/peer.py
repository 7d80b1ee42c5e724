"""Calls to another site's replicator. Source: CloneCloudStore's RemoteReplicatorApiClient."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx

from reconciler.emulators.clonecloudstore import moment, wire
from reconciler.emulators.clonecloudstore.records import KINDS, STATUSES, Kind, Object, Order
from reconciler.emulators.clonecloudstore.refusal import Refusal
from reconciler.emulators.message import JsonValue

AGENT: Final = "clonecloudstore-replicator"
_ROOT: Final = "/replicator/remote"
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object as a stream brought it: what its headers say, and its plain bytes."""

    row: Object
    content: bytes


class Peer:
    """Thread-safe. Every method raises ``Refusal``: with the other side's status, or 500 where it cannot be reached.

    The certificates that a real site would be given are those of the world's own authority.
    """

    def __init__(self, authority: Path) -> None:
        self._client = httpx.Client(
            verify=ssl.create_default_context(cafile=str(authority)),
            trust_env=False,
            timeout=_SECONDS,
            headers={"User-Agent": AGENT},
        )

    def check(self, uri: str, path: str, who: Who, *, full: bool) -> Kind:
        """``path`` is the bucket, or the bucket and the name. NONE where the other side says 404."""
        try:
            answer = self._send("HEAD", uri, f"/buckets/{quote(path)}?fullCheck={str(full).lower()}", who)
        except Refusal as refusal:
            if refusal.status == 404:
                return "NONE"
            raise
        told = answer.headers.get(wire.TYPE)
        return next((kind for kind in KINDS if kind == told), "NONE")

    def bucket(self, uri: str, name: str, who: Who) -> JsonValue:
        answer = self._send("GET", uri, f"/buckets/{quote(name)}", who, accept=wire.JSON)
        try:
            read: JsonValue = answer.json()
        except ValueError as error:
            raise Refusal(500, "the answer cannot be read") from error
        return read

    def read(self, uri: str, bucket: str, name: str, who: Who, *, compressed: bool) -> Fetched:
        path = f"/buckets/{quote(bucket)}/{quote(name)}"
        answer = self._send("GET", uri, path, who, accept=wire.OCTETS, packed=compressed)
        try:
            return Fetched(_row(answer.headers, bucket, name), answer.content)
        except (ValueError, httpx.DecodingError) as error:
            raise Refusal(500, "the answer cannot be read") from error

    def order(self, uri: str, orders: Sequence[Order]) -> None:
        """One by itself, several as a list."""
        shown = [order.shown() for order in orders]
        path, body = ("/orders", shown[0]) if len(shown) == 1 else ("/orders/multiple", shown)
        who = Who(orders[0].client, orders[0].op_id)
        self._send("POST", uri, path, who, body=body)

    def close(self) -> None:
        self._client.close()

    def _send(
        self,
        method: str,
        uri: str,
        path: str,
        who: Who,
        *,
        accept: str = "*/*",
        packed: bool = False,
        body: JsonValue = None,
    ) -> httpx.Response:
        told = {wire.CLIENT: who.client, wire.OPERATION: who.operation}
        sent = {name: value for name, value in told.items() if value}
        sent |= {"Accept": accept, "Accept-Encoding": wire.ZSTD if packed else "identity"}
        try:
            url = uri.rstrip("/") + _ROOT + path
            answer = self._client.request(method, url, headers=sent, json=body)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise Refusal(500, f"{type(error).__name__} while asking another site") from error
        if answer.status_code >= 300:
            raise Refusal(answer.status_code, answer.headers.get(wire.ERROR))
        return answer


@dataclass(frozen=True, slots=True)
class Who:
    """On whose behalf, and as part of which operation."""

    client: str | None
    operation: str | None


def _row(headers: httpx.Headers, bucket: str, name: str) -> Object:
    def told(key: str) -> str | None:
        value: str | None = headers.get(wire.PREFIX + key)
        return value

    expires = told("expires")
    return Object(
        id=told("id") or "",
        site=told("site") or "",
        bucket=bucket,
        name=name,
        status=next((status for status in STATUSES if status == told("status")), "UNKNOWN"),
        creation=moment.parse(told("creation") or ""),
        hash=told("hash"),
        size=int(told("size") or 0),
        expires=moment.parse(expires) if expires else None,
        metadata=wire.metadata_of(told("metadata")),
    )
