"""Holds recorded exchanges against an OpenAPI document.

The document under `specs/` is the third party between an adapter and an emulator that were written by the same
project: neither of the two decides what is right. `Referee.judge` raises `Objection` for a path, method, query
parameter, status, body or member that the document does not have, and for one that it requires and the exchange lacks.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema.exceptions import ValidationError
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.finders import APICallPathFinder
from werkzeug.datastructures import Headers, ImmutableMultiDict

# Such an answer says that the request was wrong: it need not agree with the document.
EXCUSED = frozenset({400, 401, 413, 415, 422})


class Objection(AssertionError):
    """The exchange and the document disagree. The message names places and rules, never values: they may be secret."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as it went over the wire. Bodies are bytes as sent, with transfer encodings removed."""

    method: str
    url: str
    status: int
    request_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    request_body: bytes = field(default=b"", repr=False)
    response_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    response_body: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        """Method, path and status; without the query, which may hold a token."""
        return f"{self.method} {urlsplit(self.url).path} -> {self.status}"


class _Request:
    """An exchange's request in the shape that openapi-core reads; its host is the document's default server."""

    def __init__(self, exchange: Exchange, host_url: str, path: str) -> None:
        parts = urlsplit(exchange.url)
        self.host_url = host_url
        self.path = path
        self.method = exchange.method.lower()
        headers = Headers(list(exchange.request_headers.items()))
        query = parse_qsl(parts.query, keep_blank_values=True)
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(query), header=headers, cookie=ImmutableMultiDict()
        )
        self.body = exchange.request_body or None
        self.content_type = headers.get("Content-Type", "").lower()


class _Response:
    def __init__(self, exchange: Exchange) -> None:
        self.status_code = exchange.status
        self.headers = Headers(list(exchange.response_headers.items()))
        self.content_type = self.headers.get("Content-Type", "").lower()
        self.data = exchange.response_body or None


class Referee:
    """Judges exchanges against one document, and remembers which operations it has seen.

    `seen` holds the operation ids of all exchanges that passed, so that a test can ask whether all of the document was
    exercised. `path_of` gives the path to look up in a document that tells calls apart by more than their paths.
    """

    def __init__(
        self, document: Path, path_of: Callable[[Exchange], str] = lambda exchange: urlsplit(exchange.url).path
    ) -> None:
        self._path_of = path_of
        self._document, self._openapi, self._passed = _load(document)
        self._host_url = _default_server(self._document["servers"][0])
        self.seen: set[str] = set()

    @property
    def operations(self) -> frozenset[str]:
        """All operation ids of the document."""
        paths = self._document["paths"].values()
        return frozenset(item["operationId"] for path in paths for item in path.values() if "operationId" in item)

    def judge(self, exchange: Exchange) -> str:
        """The operation id of an exchange that agrees with the document; raises `Objection` otherwise."""
        essence = _essence(exchange, self._path_of(exchange))
        if essence not in self._passed:
            self._passed[essence] = self._looked_at(exchange)
        self.seen.add(self._passed[essence])
        return self._passed[essence]

    def _looked_at(self, exchange: Exchange) -> str:
        request, response = _Request(exchange, self._host_url, self._path_of(exchange)), _Response(exchange)
        operation = self._operation(exchange, request)
        complaints = list(_responses(operation, exchange))
        if exchange.status not in EXCUSED:
            complaints += _surplus(operation, exchange)
            complaints += map(_explain, self._openapi.iter_request_errors(request))
        if exchange.response_body or not _may_be_empty(_documented(operation, exchange.status)):
            complaints += map(_explain, self._openapi.iter_response_errors(request, response))
        if complaints:
            raise Objection(f"{exchange.name}: " + "; ".join(complaints))
        return str(operation["operationId"])

    def judge_all(self, exchanges: Iterable[Exchange]) -> int:
        """How many exchanges were judged; raises `Objection` with every disagreement found."""
        objections, count = [], 0
        for exchange in exchanges:
            count += 1
            try:
                self.judge(exchange)
            except Objection as objection:
                objections.append(str(objection))
        if objections:
            raise Objection("\n".join(objections))
        return count

    def _operation(self, exchange: Exchange, request: _Request) -> dict[str, Any]:
        try:
            found = APICallPathFinder(self._openapi.spec).find(request.method, self._host_url + request.path)
        except Exception as error:
            raise Objection(f"{exchange.name}: not documented ({type(error).__name__})") from None
        path = self._document["paths"][found.path_result.pattern]
        operation = path[request.method]
        parameters = [self._resolve(item) for item in [*path.get("parameters", []), *operation.get("parameters", [])]]
        responses = {status: self._resolve(item) for status, item in operation["responses"].items()}
        return {**operation, "parameters": parameters, "responses": responses}

    def _resolve(self, item: dict[str, Any]) -> dict[str, Any]:
        reference = item.get("$ref")
        if reference is None:
            return item
        target: Any = self._document
        for key in reference.removeprefix("#/").split("/"):
            target = target[key]
        return dict(target)


@lru_cache(maxsize=8)
def _load(document: Path) -> tuple[dict[str, Any], OpenAPI, dict[tuple[object, ...], str]]:
    """The document, what judges by it, and the operation of each exchange that has passed, by its essence."""
    content = yaml.safe_load(document.read_text(encoding="utf-8"))
    return content, OpenAPI.from_dict(content), {}


def _essence(exchange: Exchange, path: str) -> tuple[object, ...]:
    """All that two exchanges must have in common to be judged as one: not when they were, nor who sent them."""
    heads = [
        frozenset((name.lower(), value if name.lower() == "content-type" else "") for name, value in headers.items())
        for headers in (exchange.request_headers, exchange.response_headers)
    ]
    bodies = [hashlib.sha256(body).digest() for body in (exchange.request_body, exchange.response_body)]
    return exchange.method, path, urlsplit(exchange.url).query, exchange.status, *heads, *bodies


def _default_server(server: Mapping[str, Any]) -> str:
    def default(match: re.Match[str]) -> str:
        return str(server["variables"][match.group(1)]["default"])

    return re.sub(r"\{(\w+)\}", default, server["url"]).rstrip("/")


def _documented(operation: Mapping[str, Any], status: int) -> Mapping[str, Any]:
    """The documented answer of that status; empty if there is none."""
    responses = operation["responses"]
    return next((responses[key] for key in (str(status), f"{status // 100}XX", "default") if key in responses), {})


def _responses(operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
    documented = _documented(operation, exchange.status)
    if not documented:
        yield f"status {exchange.status} is not documented"
    elif "content" not in documented and exchange.response_body and exchange.status < 400:
        yield "a body, where the document has none"
    elif "application/json" in documented.get("content", ()) and not (
        exchange.response_body or documented.get("x-body-optional")
    ):
        yield "no body, where the document has one"


def _may_be_empty(documented: Mapping[str, Any]) -> bool:
    """Whether an answer without a body says something: where the document allows it, and for the bytes of a file."""
    content = documented.get("content", {})
    return bool(documented.get("x-body-optional")) or (bool(content) and "application/json" not in content)


def _surplus(operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
    known = {item["name"] for item in operation["parameters"] if item["in"] == "query"}
    sent = {name for name, _ in parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)}
    for name in sorted(sent - known):
        yield f"query parameter {name!r} is not documented"
    if exchange.request_body and "requestBody" not in operation:
        yield "a request body, where the document has none"


def _explain(error: BaseException) -> str:
    """An openapi-core error as its class and, for schema errors, as places and rules."""
    chain = list(_chain(error))
    places = [_place(leaf) for link in chain for found in _schema_errors(link) for leaf in _leaves(found)]
    return " ".join([type(error).__name__, *(dict.fromkeys(places) or [type(chain[-1]).__name__])])


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def _schema_errors(error: BaseException) -> list[ValidationError]:
    return [item for item in getattr(error, "schema_errors", ()) if isinstance(item, ValidationError)]


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    if not error.context:
        yield error
    for inner in error.context or ():
        yield from _leaves(inner)


def _place(error: ValidationError) -> str:
    where = "/".join(str(part) for part in error.absolute_path) or "(whole)"
    # These three messages name members only; all others quote the value.
    if error.validator in {"required", "additionalProperties", "unevaluatedProperties"}:
        return f"[{where}: {error.message}]"
    return f"[{where}: must keep to {error.validator} {error.validator_value!r}]"
