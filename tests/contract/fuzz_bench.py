"""Fuzzes a system by its OpenAPI document, and holds every answer against that document.

Schemathesis makes the requests: the walk along every boundary of every schema (its coverage cases), and drawn ones,
both such as the document allows and such as it does not. Its checks judge the answers: status, type, headers, body.

A *feed* puts things that exist where the document says only "a string", so that calls get past 404. It names members
of paths, queries, headers and bodies, and gives words such as ``~volume`` for each; these are turned into real names
just before a request goes out, by functions that make what is missing. Such members are always sent, and a parameter
without any word never. A media type for which the document has no schema may be given one. Nothing else of the
document is changed.

``FUZZ_EXAMPLES=500 pytest tests/contract/test_fuzz_scp.py`` draws that many for each call and each way, at random.
"""

import contextlib
import copy
import functools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from requests.auth import AuthBase
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.control import SkipTest
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from reconciler.emulators.requestlog import RequestLog

CHECKS = (
    status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance
)  # fmt: skip
#: For an answer without a body where the document allows that (`x-body-optional`), which OpenAPI cannot say.
BODILESS = (status_code_conformance, response_headers_conformance)
METHODS = frozenset({"get", "put", "post", "delete", "patch", "head"})
BOTH = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
#: The most boundary cases of one call, unless there is time for all of them.
BOUNDARIES = 30
#: How often each way of signing is drawn: rightly seven times of ten.
WAYS = ("right",) * 7 + ("other", "wrong", "none")

Feed = Mapping[str, Sequence[Any]]
Pair = tuple[str, str]


@dataclass(slots=True)
class Bench:
    """One system under fire. ``found`` has each fault once; ``seen`` counts answers by operation and documented status.

    ``auths`` has a signer for each of ``WAYS``; ``makers`` turn the words of a feed into names of what exists; ``base``
    gives the URL for an operation. ``own_faults``: operations documented to answer 5XX though nothing is broken.
    """

    document: dict[str, Any]
    base: Callable[[dict[str, Any]], str]
    auths: Mapping[str, AuthBase | None]
    makers: Mapping[str, Callable[[], Any]]
    log: RequestLog
    verify: str | bool = True
    own_faults: frozenset[str] = frozenset()
    #: A look of one's own at an answer: complaints.
    look: Callable[[Any, requests.Response], Iterator[str]] | None = None
    #: Called before each request; a world that was shot to pieces can be mended.
    before: Callable[[], None] | None = None
    found: dict[tuple[str, str], str] = field(default_factory=dict)
    seen: Counter[Pair] = field(default_factory=Counter)
    session: requests.Session = field(default_factory=requests.Session)

    def fire(self, operation_id: str, feed: Feed, *, thorough: bool = True) -> None:
        """Everything at one call: with what exists, with whatever the document allows, and with what it does not.

        Not ``thorough``: only what exists, for a system that is set to answer otherwise.
        """
        fed = _operation(_schema(self.document, feed), operation_id)
        self._draw(fed.as_strategy(generation_mode=GenerationMode.POSITIVE), 10)
        if not thorough and not EXAMPLES:
            return
        cases = list(_boundaries(fed))
        for case in cases if EXAMPLES else cases[:: -(-len(cases) // BOUNDARIES)]:
            self._send(case, "right")
        plain = _operation(_schema(self.document, {}), operation_id)
        self._draw(fed.as_strategy(generation_mode=GenerationMode.NEGATIVE), 6)
        self._draw(plain.as_strategy(generation_mode=GenerationMode.POSITIVE), 4)
        self._draw(plain.as_strategy(generation_mode=GenerationMode.NEGATIVE), 4)

    def _draw(self, strategy: st.SearchStrategy[Case], number: int) -> None:
        @hypothesis.settings(
            max_examples=EXAMPLES or number, derandomize=not EXAMPLES, database=None, deadline=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @hypothesis.given(case=strategy, way=st.sampled_from(WAYS))
        def drawn(case: Case, way: str) -> None:
            self._send(case, way)

        with contextlib.suppress(SkipTest, Unsatisfiable):  # nothing can be wrong with a call without parameters
            drawn()

    def _send(self, case: Case, way: str) -> None:
        operation = case.operation.definition.raw
        if self.before is not None:
            self.before()
        for place in ("path_parameters", "query", "headers", "body"):
            setattr(case, place, self._real(getattr(case, place)))
        self.log.clear()
        try:
            kwargs = case.as_transport_kwargs(base_url=self.base(operation))
            answer = self.session.request(
                **{**kwargs, "auth": self.auths[way], "verify": self.verify, "timeout": 30, "allow_redirects": False}
            )
        except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError, ValueError):
            return  # nothing that HTTP could carry
        except requests.exceptions.ConnectionError as error:
            sent = error.request and (error.request.method, error.request.url, error.request.body)
            self.found[operation["operationId"], "no answer"] = f"{operation['operationId']}: {error}: {sent!r}"
            return
        asked = self._asked()
        if asked != operation["operationId"]:
            self._astray(operation, asked, case, answer)
            return
        self.seen[asked, documented(operation, answer.status_code)] += 1
        self._judge(case, operation, answer)

    def _asked(self) -> str | None:
        """What the system took the request for: without a part of it, or by another method, it is another call."""
        rows: Any = self.log.since()["requests"]
        return rows[0]["operation"] if rows else None

    def _astray(self, meant: dict[str, Any], asked: str | None, case: Case, answer: requests.Response) -> None:
        other = operations(self.document).get(asked or "")
        if other is not None and documented(other, answer.status_code) not in other["responses"]:
            self._note(meant, case, answer, f"taken for {asked}, which is not documented to answer this")
        if other is None and answer.status_code >= 500 and answer.status_code != 501:
            self._note(meant, case, answer, "server error for what is no call at all")

    def _judge(self, case: Case, operation: dict[str, Any], answer: requests.Response) -> None:
        stated = operation["responses"].get(documented(operation, answer.status_code), {})
        empty = not answer.content and stated.get("x-body-optional")
        checks = [
            *(BODILESS if empty else CHECKS),
            *([] if operation["operationId"] in self.own_faults else [not_a_server_error]),
        ]
        try:
            case.validate_response(answer, checks=checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._note(operation, case, answer, f"{type(failure).__name__}: {failure}")
        for complaint in self.look(case, answer) if self.look is not None else ():
            self._note(operation, case, answer, complaint)

    def _note(self, operation: dict[str, Any], case: Case, answer: requests.Response, what: str) -> None:
        key = (operation["operationId"], re.sub(r"0x\w+|\d{3,}", "#", what.partition("\n")[0]))
        sent = answer.request
        body = sent.body if isinstance(sent.body, bytes) else str(sent.body).encode()
        self.found.setdefault(
            key,
            f"{key[0]} -> {answer.status_code}: {what}\n    {sent.method} {sent.path_url}\n    {case.headers}"
            f"\n    {body[:300]!r}\n    answer {dict(answer.headers)} {answer.content[:300]!r}",
        )

    def _real(self, value: Any) -> Any:
        """A copy of the value with real names for the words of the feed."""
        if isinstance(value, str):
            return self.makers[value]() if value in self.makers else value
        if isinstance(value, MutableMapping):
            real = value.copy()  # type: ignore[attr-defined]
            for name, member in value.items():
                real[name] = self._real(member)
            return real
        return [self._real(member) for member in value] if isinstance(value, list) else value


def load(document: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(document.read_text(encoding="utf-8")))


def operations(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """All operations by their ids."""
    return {
        operation["operationId"]: operation
        for item in document["paths"].values()
        for method, operation in item.items()
        if method in METHODS
    }


def successes(document: Mapping[str, Any]) -> set[Pair]:
    """Every success that is documented, as ``Bench.seen`` has it."""
    found = operations(document)
    return {(name, status) for name, one in found.items() for status in one["responses"] if status.startswith("2")}


def statuses(document: Mapping[str, Any]) -> set[Pair]:
    return {(name, status) for name, one in operations(document).items() for status in one["responses"]}


def table(bench: Bench) -> str:
    """What came of each operation, and what is documented and did not come, for a reader."""
    lines = []
    for name, one in operations(bench.document).items():
        counted = {status: bench.seen[name, status] for status in one["responses"]}
        came = "  ".join(f"{status} x{count}" for status, count in counted.items() if count)
        lines.append(f"{name}: {came}; never {' '.join(s for s, count in counted.items() if not count) or 'nothing'}")
    return "\n".join(lines)


def documented(operation: Mapping[str, Any], status: int) -> str:
    """The key of the document's answer of that status; the status itself if there is none."""
    known = operation["responses"]
    return next((key for key in (str(status), f"{status // 100}XX", "default") if key in known), str(status))


def _schema(document: dict[str, Any], feed: Feed) -> Any:
    key = id(document), repr(sorted(feed.items()))
    if key not in _SCHEMAS:
        _SCHEMAS[key] = schema = schemathesis.openapi.from_dict(_fed(document, feed) if feed else document)
        # Signatures are drawn here (``WAYS``), not by the document's security schemes.
        schema.config.generation.update(with_security_parameters=False)
    return _SCHEMAS[key]


#: Loaded documents by the identity of the content and the feed.
_SCHEMAS: dict[tuple[int, str], Any] = {}


def _operation(schema: Any, operation_id: str) -> Any:
    found = (one.ok() for one in schema.get_all_operations())
    return next(one for one in found if one.definition.raw["operationId"] == operation_id)


def _boundaries(operation: Any) -> Iterator[Case]:
    schema = operation.schema
    config = schema.config.generation_for(operation=operation, phase="coverage")
    yield from schema.iter_coverage_cases(operation, generation_modes=list(BOTH), generation_config=config)


def _fed(document: dict[str, Any], feed: Feed) -> dict[str, Any]:
    """The document whose requests have words of the feed in place of these members' schemas; answers as they were."""
    fed = copy.deepcopy(document)
    resolve = functools.partial(_resolved, document)
    for item in fed["paths"].values():
        for holder in (item, *(item[method] for method in METHODS & item.keys())):
            known = [resolve(one) for one in holder.get("parameters", [])]
            holder["parameters"] = [_fed_parameter(one, feed) for one in known if feed.get(one["name"]) != []]
        for operation in (item[method] for method in METHODS & item.keys()):
            for kind, media in operation.get("requestBody", {}).get("content", {}).items():
                if "schema" in media:
                    media["schema"] = _fed_body(media["schema"], feed, resolve)
                elif kind in feed:
                    media["schema"] = feed[kind][0]
    return fed


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return copy.deepcopy(dict(node))


def _fed_parameter(parameter: dict[str, Any], feed: Feed) -> dict[str, Any]:
    words = feed.get(parameter["name"])
    return parameter if words is None else {**parameter, "required": True, "schema": {"enum": list(words)}}


def _fed_body(schema: Any, feed: Feed, resolve: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    known = resolve(schema)
    if sent := known.get("properties", {}).keys() & feed.keys():
        known["required"] = sorted({*known.get("required", ()), *sent})
    for name, member in known.get("properties", {}).items():
        words = feed.get(name)
        known["properties"][name] = {"enum": list(words)} if words is not None else _fed_body(member, feed, resolve)
    if "items" in known:
        known["items"] = _fed_body(known["items"], feed, resolve)
    for many in ("oneOf", "anyOf", "allOf"):
        if many in known:
            known[many] = [_fed_body(one, feed, resolve) for one in known[many]]
    return known
