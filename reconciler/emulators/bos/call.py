"""One authenticated call as its handler sees it, and how handlers are declared."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from reconciler.emulators.bos.bucket import FULL_CONTROL, Bucket
from reconciler.emulators.bos.identity import Account
from reconciler.emulators.bos.refusal import Refusal, invalid
from reconciler.emulators.message import JsonValue, Reply, Request

if TYPE_CHECKING:
    from reconciler.emulators.bos.cloud import Cloud

Level = Literal["service", "bucket", "object"]
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose signature holds. ``name`` and ``key`` are of the bucket and object, "" where there is none.

    ``region`` is that of the endpoint that was asked.
    """

    cloud: Cloud
    request: Request
    account: Account
    region: str
    name: str
    key: str

    @property
    def params(self) -> Mapping[str, str]:
        return self.request.params

    def bucket(self, permission: str = FULL_CONTROL) -> Bucket:
        """The bucket, for something that needs a permission. ``Refusal`` if it is not for this caller."""
        return self.cloud.bucket(self.name, self.account, permission, self.region)

    def json(self) -> JsonValue:
        try:
            value: JsonValue = json.loads(self.request.body)
        except ValueError:
            raise Refusal(400, "MalformedJSON") from None
        return value

    def limit(self, name: str) -> int:
        """How many entries a page has: as asked for, and no more than the server and the faults allow."""
        text = self.params.get(name, "1000")
        if not (text.isascii() and text.isdecimal() and int(text)):
            raise invalid(f"{name} must be a whole number above 0.")
        return min(int(text), self.cloud.switches.whole("page_limit"), self.request.page_size or 1000)


@dataclass(frozen=True, slots=True)
class Route:
    """A call of the API, told from others by method, level and the query parameters that must be there.

    ``name`` is the vendor's name of the call and the operation id in ``specs/bos/openapi.yaml``. ``header``: a header
    that must be there too.
    """

    method: str
    level: Level
    name: str
    answer: Callable[[Call], Reply]
    query: tuple[str, ...] = ()
    write: bool = False
    header: str = ""

    def fits(self, method: str, level: Level, request: Request) -> bool:
        return (
            self.method == method
            and self.level == level
            and all(name in request.params for name in self.query)
            and (not self.header or request.header(self.header) is not None)
        )


def found(value: JsonValue) -> Reply:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Reply(200, (("Content-Type", "application/json; charset=utf-8"),), body)


def done(status: int = 200) -> Reply:
    """An answer without a body."""
    return Reply(status)


def stamp(moment: datetime) -> str:
    """A time as BOS prints it: ISO 8601 in UTC, whole seconds."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
