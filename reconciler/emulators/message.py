"""One HTTP request and one reply, as values. What the server reads and what an emulator answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self
from urllib.parse import parse_qsl, unquote

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
Headers = tuple[tuple[str, str], ...]


class Hangup(Exception):
    """Raised by a handler to close the connection without an answer."""


@dataclass(frozen=True)
class Request:
    """A request, read whole. ``raw_path`` and ``query`` are as sent, percent-encoded; ``path`` is decoded."""

    method: str
    raw_path: str
    query: str
    headers: Headers
    body: bytes
    scheme: str = "http"
    client: str = "127.0.0.1"
    #: The most entries a listing may return on one page, when a fault asks for short pages.
    page_size: int | None = None

    @cached_property
    def path(self) -> str:
        return unquote(self.raw_path)

    @cached_property
    def params(self) -> dict[str, str]:
        """Query parameters, decoded; of a repeated one the last; ``?acl`` is ``{"acl": ""}``."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @cached_property
    def _by_name(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self.headers:
            key = name.lower()
            found[key] = f"{found[key]},{value}" if key in found else value
        return found

    def header(self, name: str) -> str | None:
        """The value of a header, by any spelling of its name; repeated ones joined by a comma."""
        return self._by_name.get(name.lower())

    def json(self) -> JsonValue:
        """The body as JSON. ValueError when it is not."""
        value: JsonValue = json.loads(self.body)
        return value

    def with_page_size(self, page_size: int) -> Self:
        return replace(self, page_size=page_size)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. The server adds Date, Server, Connection and Content-Length where absent."""

    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def of_json(cls, status: int, value: JsonValue, headers: Headers = ()) -> Self:
        return cls(status, (("Content-Type", "application/json"), *headers), json.dumps(value).encode())

    def header(self, name: str) -> str | None:
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def with_header(self, name: str, value: str) -> Self:
        """The same reply with this header set, in place of any of the same name."""
        rest = tuple((key, old) for key, old in self.headers if key.lower() != name.lower())
        return replace(self, headers=(*rest, (name, value)))
