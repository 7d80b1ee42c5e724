"""The JSON Schema of a manifest, for editors: made from the models, never written by hand."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from reconciler.manifest.envelope import MODELS
from reconciler.model.manifest import Config, Match, Options, ProviderSpec, ReplicationSpec
from reconciler.model.secret import SecretRef

__all__ = ["SCHEMA_ID", "manifest_schema"]

SCHEMA_ID = "manifest.v1.json"

_TEMPLATE = {
    "type": "string",
    "pattern": r"\{\{.*\}\}",
    "description": "A template: `{{ vars.x }}`, its value from the Workspace, a variable file or --var.",
}
_LIMITED = frozenset(("enum", "const", "pattern", "format", "maxLength"))
_OPEN_WORDS = ("title", "description", "default", "examples")

Schema = dict[str, Any]


def manifest_schema(models: Mapping[str, tuple[type[Config], type[Options]]]) -> Schema:
    """Return the JSON Schema (2020-12) of one manifest document.

    Args:
        models: connection and options models by provider type; each type is a key under `spec`.
    """
    types = dict(sorted(models.items()))
    wanted: list[type[BaseModel]] = [*MODELS.values(), *(model for pair in types.values() for model in pair)]
    refs, found = models_json_schema([(model, "validation") for model in wanted], by_alias=True)
    definitions: dict[str, Schema] = found["$defs"]
    names = {model: refs[model, "validation"]["$ref"].rpartition("/")[2] for model in wanted}
    shared = {model: model.__name__ for model in (ProviderSpec, ReplicationSpec, Match, SecretRef)}
    _provider_spec(definitions[shared[ProviderSpec]], {name: names[pair[0]] for name, pair in types.items()})
    _replication_spec(definitions[shared[ReplicationSpec]], {name: names[pair[1]] for name, pair in types.items()})
    _match(definitions[shared[Match]])
    if SecretRef.__name__ in definitions:
        definitions[SecretRef.__name__] |= {"minProperties": 1, "maxProperties": 1}
    kinds = {kind: names[model] for kind, model in MODELS.items()}
    for name in ("Config", "Options"):
        if not any(f"#/$defs/{name}" == ref for ref in _references([*definitions.values()])):
            definitions.pop(name, None)
    templated = {name: _tidied(_with_templates(schema)) for name, schema in definitions.items()}
    for kind, name in kinds.items():
        templated[name]["properties"] |= {"apiVersion": {"const": "repl/v1"}, "kind": {"const": kind}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Manifest of repl",
        **_root(kinds),
        "$defs": dict(sorted({**templated, "Template": _TEMPLATE}.items())),
    }


def _root(kinds: Mapping[str, str]) -> Schema:
    """One kind after the other by `if`, so that an editor's complaints are about the kind that was written."""
    return {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {
            "apiVersion": {"const": "repl/v1", "description": "Version of the format."},
            "kind": {"enum": list(kinds), "description": "What the document is."},
            "metadata": {"$ref": "#/$defs/Metadata"},
            "spec": {"type": "object", "description": "What it says; its keys depend on the kind."},
        },
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{name}"},
            }
            for kind, name in kinds.items()
        ],
    }


def _provider_spec(schema: Schema, configs: Mapping[str, str]) -> None:
    properties = {key: value for key, value in schema["properties"].items() if key not in ("type", "config")}
    schema["properties"] = {**_refs(configs), **properties}
    schema["required"] = []
    if configs:
        schema["oneOf"] = [{"required": [name]} for name in configs]


def _replication_spec(schema: Schema, options: Mapping[str, str]) -> None:
    schema["properties"].pop("options", None)
    schema["properties"] |= _refs(options)
    if len(options) > 1:
        pairs = [{"required": list(pair)} for pair in combinations(options, 2)]
        schema["not"] = {"anyOf": pairs}


def _refs(names: Mapping[str, str]) -> Schema:
    # A type's key may stand with nothing under it: all its settings are left out.
    return {key: {"anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}]} for key, name in names.items()}


def _match(schema: Schema) -> None:
    """Labels stand beside `not` in YAML; the model keeps them apart."""
    labels = {"type": "object", "additionalProperties": {"type": "string"}}
    schema["properties"] = {"not": {**labels, "description": "Labels that must not all be equal."}}
    schema["additionalProperties"] = {"type": "string"}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _with_templates(schema: Any) -> Any:
    """Allow a template wherever a scalar stands that is not any text anyway."""
    if isinstance(schema, list):
        return [_with_templates(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in ("integer", "number", "boolean") or (
        schema.get("type") in ("string", None) and _LIMITED & schema.keys()
    ):
        outer = {key: schema[key] for key in _OPEN_WORDS if key in schema}
        inner = {key: value for key, value in schema.items() if key not in _OPEN_WORDS}
        return {**outer, "anyOf": [inner, {"$ref": "#/$defs/Template"}]}
    kept = ("default", "examples", "required", "enum", "const")
    return {
        key: value
        if key in kept
        else {name: _with_templates(inner) for name, inner in value.items()}
        if key == "properties"
        else _with_templates(value)
        for key, value in schema.items()
    }


def _tidied(schema: Any) -> Any:
    """Leave out titles that only repeat the key, and defaults that say "left out" or are in the models' own form."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: _tidied(inner) for name, inner in value.items()}
        elif key == "title" or (key == "default" and (value is None or isinstance(value, dict))):
            continue
        else:
            result[key] = _tidied(value)
    return result
