"""One call as its handler sees it, and how handlers are declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote

from reconciler.emulators.clonecloudstore import names, wire
from reconciler.emulators.clonecloudstore.peer import Who
from reconciler.emulators.clonecloudstore.records import Kind
from reconciler.emulators.clonecloudstore.refusal import Form, Refusal
from reconciler.emulators.clonecloudstore.switches import Switches
from reconciler.emulators.message import Headers, JsonValue, Reply, Request

if TYPE_CHECKING:
    from reconciler.emulators.clonecloudstore.site import Site

#: The services of a site, each on ports of its own. Two of them are one process.
SERVICES: Final = ("accessor", "internal", "replicator", "administration", "reconciliator")

#: What ``x-clonecloudstore-module`` says of them.
MODULES: Final[Mapping[str, str]] = {
    "accessor": "ACCESSOR",
    "internal": "ACCESSOR",
    "replicator": "REPLICATOR",
    "administration": "ADMINISTRATION",
    "reconciliator": "RECONCILIATOR",
}

#: Parts of a path that take all the rest of it.
_REST: Final = frozenset({"objectName", "pathDirectoryOrObject"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request with what the route found in its path, percent-decoded once."""

    site: Site
    request: Request
    parts: Mapping[str, str]
    operation: str

    @property
    def settings(self) -> Switches:
        return self.site.settings

    @property
    def who(self) -> Who:
        return Who(self.request.header(wire.CLIENT), self.operation)

    @property
    def client(self) -> str:
        """The client, where it must be known. ``Refusal`` (500) without."""
        client = self.request.header(wire.CLIENT)
        if client is None:
            raise Refusal(500, "Internal Server Error", form="bare")
        return client

    @property
    def full_check(self) -> bool:
        return self.request.params.get("fullCheck", "false").lower() == "true"

    @property
    def target(self) -> str | None:
        return self.request.header(wire.TARGET) or None

    @property
    def bucket(self) -> str:
        """The bucket that is meant. ``Refusal``: 500, for no mapper knows that exception; or 400 as documented."""
        return self.name("bucketName", names.bucket)

    @property
    def key(self) -> tuple[str, str]:
        part = next(name for name in self.parts if name in _REST)
        return self.bucket, self.name(part, names.object_name)

    def name(self, part: str, check: Callable[[str], str]) -> str:
        try:
            return check(self.parts[part])
        except names.BadName as error:
            raise self.invalid(str(error)) from error

    def invalid(self, reason: str) -> Refusal:
        form: Form = "told" if self.settings.documented else "bare"
        return Refusal(400 if self.settings.documented else 500, reason, form=form)

    def found(self, kind: Kind, headers: Headers = ()) -> Reply:
        """The answer to a HEAD."""
        if kind == "NONE":
            return Reply(404, ((wire.TYPE, kind),))
        return Reply(204 if self.settings.documented else 200, ((wire.TYPE, kind), *headers))

    def changed(self, value: JsonValue, documented: Literal[201, 202]) -> Reply:
        """What was made or changed: 200, for no method declares another status."""
        return Reply.of_json(documented if self.settings.documented else 200, value)

    def stream(self, content: bytes, headers: Headers = ()) -> Reply:
        """Bytes, compressed where the client takes that."""
        made = Reply(200, (("Content-Type", wire.OCTETS), *headers), content)
        if not wire.names_zstd(self.request.header("Accept-Encoding")):
            return made
        return Reply(200, (*made.headers, ("Content-Encoding", wire.ZSTD)), wire.compressed(content))

    def accepts(self, kind: str) -> bool:
        """Whether the client takes this type; one that does not say takes all."""
        wanted = [one.partition(";")[0].strip().lower() for one in (self.request.header("Accept") or "*/*").split(",")]
        return bool({"*/*", f"{kind.partition('/')[0]}/*", kind} & set(wanted))

    def demand_type(self, kind: str) -> None:
        """``Refusal`` (415) for a body that says to be of another type."""
        told = (self.request.header("Content-Type") or kind).partition(";")[0].strip().lower()
        if told != kind:
            raise Refusal(415, form="bare")

    def names_type(self, kind: str) -> bool:
        """Whether the client asks for just this type."""
        return kind in (self.request.header("Accept") or "").lower()


Answer = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A call of one service. ``name`` is the operation id in ``specs/clonecloudstore/openapi.yaml``.

    ``write`` is about what the call does, whatever its method. ``client``: whether the documents require a client id.
    """

    method: str
    path: str
    name: str
    answer: Answer
    write: bool = False
    client: bool = True

    def pattern(self) -> re.Pattern[str]:
        def part(match: re.Match[str]) -> str:
            return f"(?P<{match.group(1)}>{'.+' if match.group(1) in _REST else '[^/]+'})"

        return re.compile(re.sub(r"\{(\w+)\}", part, self.path))

    def match(self, raw_path: str) -> dict[str, str] | None:
        found = self.pattern().fullmatch(raw_path)
        return None if found is None else {name: unquote(text) for name, text in found.groupdict().items()}
