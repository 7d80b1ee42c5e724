"""Holds recorded S3 exchanges against the model that Amazon publishes and botocore ships.

It is to S3 what the OpenAPI document is to the other systems: neither adapter nor emulator decides what is right.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from tests.contract.referee import Exchange

_SUPERSEDED = frozenset({"GetBucketLifecycle", "GetBucketNotification", "PutBucketLifecycle", "PutBucketNotification"})
_NEWER = frozenset({"ListDirectoryBuckets", "CreateSession"})
_SIGNING = "x-id"


class BotocoreReferee:
    """Judges exchanges in path style. Bodies of objects are not looked at."""

    def objection(self, exchange: Exchange) -> str | None:
        """What is wrong with an exchange, in places and rules, never values; None if it agrees with the model."""
        operation = _operation(exchange)
        if operation is None:
            return f"{exchange.method} {sorted(_query(exchange))}: no such operation"
        complaints = [*_asked(operation, exchange), *_answered(operation, exchange)]
        return f"{operation.name} -> {exchange.status}: {'; '.join(complaints)}" if complaints else None


def _asked(operation: OperationModel, exchange: Exchange) -> Iterator[str]:
    members = operation.input_shape.members if operation.input_shape else {}
    known = {
        m.serialization.get("name", n) for n, m in members.items() if m.serialization.get("location") == "querystring"
    }
    known |= {name for name, _ in parse_qsl(urlsplit(operation.http["requestUri"]).query, keep_blank_values=True)}
    for name in sorted(_query(exchange).keys() - known - {_SIGNING}):
        yield f"query parameter {name} is not in the model"
    shape = _payload(operation.input_shape)
    if exchange.status < 400 and isinstance(shape, StructureShape) and exchange.request_body:
        yield from _document(shape, exchange.request_body, "request")


def _answered(operation: OperationModel, exchange: Exchange) -> Iterator[str]:
    body = exchange.response_body
    if exchange.status >= 300:
        # An answer to HEAD goes out without its body.
        if body and exchange.method != "HEAD" and exchange.status != 304 and not _text(body, "Code"):
            yield "an error without a code"
        return
    expected = operation.http.get("responseCode", 200)
    if exchange.status not in (expected, 206):
        yield f"status {exchange.status}, not {expected}"
    shape = operation.output_shape
    if shape is None or not body or exchange.method == "HEAD":
        return
    payload = shape.serialization.get("payload")
    told = shape.members[payload] if payload else shape
    if isinstance(told, StructureShape):
        yield from _document(told, body, "answer", headers=payload is None)


def _document(shape: StructureShape, body: bytes, what: str, *, headers: bool = False) -> Iterator[str]:
    try:
        root = fromstring(body)
    except ParseError:
        yield f"the {what} is not XML"
        return
    _bare(root)
    if "GetBucketLocation" in shape.name:
        return  # its text stands in the root itself, which the model cannot say
    outside = {n for n, m in shape.members.items() if headers and m.serialization.get("location")}
    yield from _structure(shape, root, what, outside)


def _structure(shape: StructureShape, element: Element, at: str, outside: frozenset[str] | set[str]) -> Iterator[str]:
    by_tag: dict[str, Shape] = {}
    for name, member in shape.members.items():
        if name in outside or member.serialization.get("xmlAttribute"):
            continue
        by_tag[_tag(name, member)] = member
    for child in element:
        if child.tag not in by_tag:
            yield f"{at}/{child.tag} is not in the model"
        else:
            yield from _value(by_tag[child.tag], child, f"{at}/{child.tag}")
    present = {child.tag for child in element}
    for name in shape.required_members:
        if name not in outside and _tag(name, shape.members[name]) not in present:
            yield f"{at}: {name} is required"


def _value(shape: Shape, element: Element, at: str) -> Iterator[str]:
    text = element.text or ""
    if isinstance(shape, StructureShape):
        yield from _structure(shape, element, at, set())
    elif isinstance(shape, ListShape):
        inner = [element] if shape.serialization.get("flattened") else list(element)
        for item in inner:
            yield from _value(shape.member, item, at)
    elif isinstance(shape, MapShape):
        return
    elif shape.type_name in ("integer", "long") and not text.strip().lstrip("-").isdecimal():
        yield f"{at} is no number"
    elif shape.type_name == "boolean" and text.lower() not in ("true", "false"):
        yield f"{at} is no boolean"
    elif isinstance(enum := getattr(shape, "enum", None), list) and enum and text not in enum:
        yield f"{at} is none of its values"


def _tag(name: str, member: Shape) -> str:
    tag = member.serialization.get("name", name)
    if isinstance(member, ListShape) and member.serialization.get("flattened"):
        tag = member.serialization.get("name") or member.member.serialization.get("name", name)
    return str(tag)


def _bare(root: Element) -> None:
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]


def _text(body: bytes, name: str) -> str:
    try:
        return fromstring(body).findtext(name) or ""
    except ParseError:
        return ""


def _payload(shape: Any) -> Shape | None:
    name = shape.serialization.get("payload") if shape is not None else None
    return shape.members[name] if name else None


def _query(exchange: Exchange) -> Mapping[str, str]:
    return dict(parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True))


def _operation(exchange: Exchange) -> OperationModel | None:
    """The operation whose method, path and fixed query fit best."""
    path, query = unquote(urlsplit(exchange.url).path), _query(exchange)
    _, _, key = path.removeprefix("/").partition("/")
    level = "key" if key else "bucket" if path.strip("/") else "service"
    headers = {name.lower() for name in exchange.request_headers}
    fitting = [
        (len(fixed) + len(needed), operation)
        for method, where, fixed, needed, operation in _operations()
        if (method, where) == (exchange.method, level)
        and all(name in query and value in ("", query[name]) for name, value in fixed.items())
        and all(name in (query if kind == "querystring" else headers) for kind, name in needed)
    ]
    return max(fitting, key=lambda found: found[0])[1] if fitting else None


@cache
def _operations() -> tuple[tuple[str, str, Mapping[str, str], tuple[tuple[str, str], ...], OperationModel], ...]:
    model = ServiceModel(Loader().load_service_model("s3", "service-2"), "s3")
    levels = {"/": "service", "/{Bucket}": "bucket", "/{Bucket}/{Key+}": "key"}
    found = []
    for name in sorted(set(model.operation_names) - _SUPERSEDED - _NEWER):
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        if path in levels:
            fixed = dict(parse_qsl(query, keep_blank_values=True))
            fixed.pop(_SIGNING, None)
            found.append((operation.http["method"], levels[path], fixed, _needed(operation), operation))
    return tuple(found)


def _needed(operation: OperationModel) -> tuple[tuple[str, str], ...]:
    shape = operation.input_shape
    if shape is None:
        return ()
    return tuple(
        (
            member.serialization["location"],
            member.serialization["name"].lower() if place == "header" else name_of(member),
        )
        for name, member in shape.members.items()
        if name in shape.required_members
        and (place := member.serialization.get("location")) in ("querystring", "header")
        and member.serialization["name"] != "x-amz-object-attributes"
    )


def name_of(member: Shape) -> str:
    return str(member.serialization["name"])
