"""One call of the JSON API as its handler sees it, and how handlers are declared."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.emulators.alarik import decode
from reconciler.emulators.alarik.identity import User
from reconciler.emulators.alarik.refusal import Refusal
from reconciler.emulators.message import JsonValue, Reply, Request

if TYPE_CHECKING:
    from reconciler.emulators.alarik.instance import Instance

BASE: Final = "/api/v1"
_PAGE_SIZE: Final = 10


@dataclass(frozen=True, slots=True)
class Call:
    """A request with what the route found in its path, percent-decoded. ``user`` is whoever sent it."""

    instance: Instance
    request: Request
    parts: Mapping[str, str]
    caller: User | None

    @property
    def user(self) -> User:
        if self.caller is None:
            raise Refusal(401)
        return self.caller

    def identify(self) -> None:
        """``Refusal`` (401) for nobody, before anything else is looked at."""
        _ = self.user

    @property
    def is_admin(self) -> bool:
        return self.instance.is_admin(self.user)

    def body(self) -> decode.Value:
        return decode.body(self.request, self.instance.settings.decode_text)

    def identity(self, name: str, reason: str) -> uuid.UUID:
        """A UUID of the path; ``Refusal`` (400) with ``reason`` if it is none."""
        found = decode.parse_uuid(self.parts[name])
        if found is None:
            raise Refusal(400, reason)
        return found

    def parameter(self, name: str) -> str:
        """A query parameter that must be there."""
        value = self.request.params.get(name)
        if value is None:
            raise Refusal(400, f"Missing '{name}' query parameter")
        return value

    def number(self, name: str, usual: int) -> int:
        text = self.request.params.get(name)
        if text is None:
            return usual
        try:
            return int(text)
        except ValueError:
            raise Refusal(400, f"Value at path '{name}' was not of type 'Int'.") from None

    def page(self, items: Sequence[Mapping[str, JsonValue]], usual: int = _PAGE_SIZE) -> dict[str, JsonValue]:
        """One page of a list, numbered from 1."""
        page, per = max(self.number("page", 1), 1), max(self.number("per", usual), 1)
        if self.request.page_size is not None:
            per = min(per, self.request.page_size)
        start = (page - 1) * per
        shown: list[JsonValue] = list(items[start : start + per])
        return {"items": shown, "metadata": {"page": page, "per": per, "total": len(items)}}


Answer = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A call of the API. ``path`` is below ``/api/v1`` and has ``{name}`` for one segment.

    ``name`` is the operation id in ``specs/alarik/openapi.yaml``. ``write`` is about what the call does, whatever its
    method.
    """

    method: str
    path: str
    name: str
    answer: Answer
    write: bool = False
    public: bool = False
    #: Whether the body may be of any size.
    unbounded: bool = False

    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(BASE + self.path)) + "/?")
