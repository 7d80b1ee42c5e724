"""An OpenAPI document of S3, made from the model that Amazon publishes and botocore ships, for the fuzzer.

The model says what a request may hold, and which status is a success; `BotocoreReferee` judges bodies of answers by it.
Of errors it says nothing but their form, so that every 4XX is allowed here, and no 5XX: but 501, by which the emulator
says that it does not hold what was asked for. A query that tells calls apart stands after a ``#``, as in BOS' document.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_SCALARS = {
    "string": {"type": "string"}, "character": {"type": "string"}, "boolean": {"type": "boolean"},
    "integer": {"type": "integer"}, "long": {"type": "integer"}, "float": {"type": "number"},
    "double": {"type": "number"}, "timestamp": {"type": "string"},
}  # fmt: skip
#: Made by whoever sends the request, and other than its sender says if it is drawn.
_LEFT_OUT = frozenset({"Content-Length", "Content-MD5", "Content-Encoding", "Expect", "Host", "Authorization"})


def document(names: Iterable[str]) -> dict[str, Any]:
    """These operations, in path style."""
    model = ServiceModel(Loader().load_service_model("s3", "service-2"), "s3")
    paths: dict[str, Any] = {}
    for name in names:
        operation = model.operation_model(name)
        where = operation.http["requestUri"].partition("?")[0].replace("Key+", "Key")
        paths[f"{where.rstrip('/')}/#{name}"] = {operation.http["method"].lower(): _operation(operation)}
    return {"openapi": "3.1.0", "info": {"title": "Amazon S3", "version": "2006-03-01"}, "paths": paths}


def _operation(operation: OperationModel) -> dict[str, Any]:
    members = operation.input_shape.members if operation.input_shape else {}
    needed = set(operation.input_shape.required_members if operation.input_shape else ())
    found: dict[str, Any] = {
        "operationId": operation.name,
        "parameters": [*_fixed(operation), *_parameters(members, needed)],
        "responses": {key: {"description": key} for key in _statuses(operation)},
    }
    payload = operation.input_shape.serialization.get("payload") if operation.input_shape else None
    if payload:
        found["requestBody"] = {"required": payload in needed, "content": _content(payload, members[payload])}
    return found


def _statuses(operation: OperationModel) -> list[str]:
    own = [str(operation.http.get("responseCode", 200))]
    reading = ["206", "304"] if operation.name in {"GetObject", "HeadObject"} else []
    return [*own, *reading, "4XX", "501"]


def _fixed(operation: OperationModel) -> list[dict[str, Any]]:
    query = parse_qsl(operation.http["requestUri"].partition("?")[2], keep_blank_values=True)
    return [_parameter(name, "query", {"const": value}, required=True) for name, value in query if name != "x-id"]


def _parameters(members: Mapping[str, Shape], needed: set[str]) -> Iterable[dict[str, Any]]:
    places = {"uri": "path", "querystring": "query", "header": "header"}
    for member, shape in members.items():
        place, name = places.get(shape.serialization.get("location", "")), shape.serialization.get("name", member)
        if place and name not in _LEFT_OUT:
            # In a bucket's path and a key's no slash may be missing: there are other calls without it.
            schema = {"type": "string", "minLength": 1} if place == "path" else _schema(shape)
            yield _parameter(name, place, schema, required=member in needed or place == "path")


def _parameter(name: str, place: str, schema: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": dict(schema)}


def _content(name: str, shape: Shape) -> dict[str, Any]:
    if not isinstance(shape, StructureShape):
        return {"application/octet-stream": {}}
    schema = _schema(shape)
    schema["xml"] = {"name": shape.serialization.get("name", name), "namespace": NAMESPACE}
    return {"application/xml": {"schema": schema}}


def _schema(shape: Shape, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    if isinstance(shape, StructureShape) and shape.name not in seen:
        members = {_tag(name, member): _schema(member, (*seen, shape.name)) for name, member in shape.members.items()}
        needed = sorted(_tag(name, shape.members[name]) for name in shape.required_members)
        return {"type": "object", "properties": members, "required": needed, "additionalProperties": False}
    if isinstance(shape, ListShape):
        items = _schema(shape.member, seen)
        if shape.serialization.get("flattened"):
            return {"type": "array", "items": items}
        items["xml"] = {"name": shape.member.serialization.get("name", "member")}
        return {"type": "array", "items": items, "xml": {"wrapped": True}}
    if isinstance(shape, MapShape | StructureShape):
        return {"type": "object"}
    enum = getattr(shape, "enum", None)
    return {"type": "string", "enum": list(enum)} if enum else dict(_SCALARS.get(shape.type_name, {"type": "string"}))


def _tag(name: str, member: Shape) -> str:
    return str(member.serialization.get("name", name))
