"""One authenticated call as its handler sees it, and how handlers are declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.emulators.message import JsonValue, Reply, Request
from reconciler.emulators.qumulo.identity import Caller
from reconciler.emulators.qumulo.refusal import Refusal
from reconciler.emulators.qumulo.relationship import etag

if TYPE_CHECKING:
    from reconciler.emulators.qumulo.cluster import Cluster

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request with what the route found in its path, percent-decoded. ``caller`` is None on a public route."""

    cluster: Cluster
    request: Request
    parts: Mapping[str, str]
    caller: Caller | None

    @property
    def user(self) -> Caller:
        if self.caller is None:
            raise Refusal(401, "Need to log in first.")
        return self.caller

    def json(self) -> JsonValue:
        try:
            return self.request.json()
        except ValueError:
            raise Refusal(400, "The body is not JSON.", "decode_error") from None

    def members(self, **kinds: type) -> dict[str, JsonValue]:
        """The body as an object with these members at most, each of its type; ``Refusal`` (400) otherwise."""
        body = self.json()
        if not isinstance(body, dict):
            raise Refusal(400, "The body must be a JSON object.", "decode_error")
        for name, value in body.items():
            if name not in kinds or not isinstance(value, kinds[name]):
                raise Refusal(400, f"Unknown member or wrong type: {name}", "decode_error")
        return body

    def number(self, name: str) -> int | None:
        """A query parameter that is a whole number, if it is there."""
        text = self.request.params.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal()):
            raise Refusal(400, f"Not a whole number: {name}", "decode_error")
        return int(text)

    def check_parameters(self, *known: str) -> None:
        """``Refusal`` (400) for a query parameter that this emulator does not have: better than to ignore it."""
        for name in self.request.params:
            if name not in known:
                raise Refusal(400, f"Unknown query parameter: {name}", "http_bad_request_error")

    def matches(self, value: JsonValue) -> bool:
        """Whether If-Match, if there, names this version."""
        expected = self.request.header("If-Match")
        return expected is None or expected.strip() in {"*", etag(value)}


Answer = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A call of the API. ``path`` has ``{name}`` for one segment, taken before it is percent-decoded.

    ``name`` is the operation id in ``specs/qumulo/openapi.yaml``. ``write`` is about what the call does, whatever its
    method.
    """

    method: str
    path: str
    name: str
    answer: Answer
    write: bool = False
    privilege: str | None = None
    public: bool = False

    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


def found(value: JsonValue, version: JsonValue | None = None) -> Reply:
    """A 200 with its ETag, made from ``version`` where that is not the body itself."""
    return Reply.of_json(200, value, (("ETag", etag(value if version is None else version)),))


def done() -> Reply:
    """A 200 with an empty body."""
    return Reply(200)
