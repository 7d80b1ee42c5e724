"""Documents for programs: JSON in a stable order, and the JSON Schemas that describe it."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from reconciler.model.capabilities import CapabilityTable
from reconciler.model.drift import DriftReport
from reconciler.model.finding import Finding
from reconciler.model.plan import Plan
from reconciler.model.receipt import Receipt
from reconciler.model.validation import Validation
from reconciler.model.value import Json, Value
from reconciler.model.verification import VerificationReport

__all__ = ["schema_text", "schemas", "to_json"]

_DOCUMENTS: dict[str, tuple[type[Value], str]] = {
    "plan": (Plan, "What `repl plan --out` and `--output json` write, and what `repl apply` and `repl show` read."),
    "receipt": (Receipt, "What `repl apply --output json` writes, and what it keeps in the state folder."),
    "drift": (DriftReport, "What `repl drift --output json` writes."),
    "verification": (VerificationReport, "What `repl verify --output json` writes."),
    "validation": (Validation, "What `repl validate --output json` writes."),
    "providers": (CapabilityTable, "What `repl providers --format json` writes."),
    "finding": (Finding, "One message about the documents or the world, as it stands in every other document."),
}

_PROMISE = "Within version 1 keys are added and never removed or given another meaning: ignore those you do not know."
_FAR = re.compile(r"[^\n -~]")
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def to_json(value: Value) -> str:
    """Write a value as JSON: keys of records as declared, keys of mappings sorted, UTF-8, a line end at the end.

    Characters that control a terminal or turn lines round stand as `\\uXXXX`, so that the document may be printed.
    """
    text = json.dumps(_ordered(value, value.model_dump(mode="json")), indent=2, ensure_ascii=False, allow_nan=False)
    return _FAR.sub(_escaped, text) + "\n"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of all documents that `repl` writes: file name to JSON Schema 2020-12."""
    return {f"{name}.v1.json": _schema(name, model, text) for name, (model, text) in _DOCUMENTS.items()}


def schema_text(schema: Mapping[str, Any]) -> str:
    """Write a schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


class _Readable(GenerateJsonSchema):
    """Requires every key, since every key is written, and leaves out titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Say no: `plan_id` needs no title `Plan Id`."""
        del schema
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Say yes: defaults are written too."""
        del field, total
        return True


def _schema(name: str, model: type[Value], text: str) -> dict[str, Any]:
    made: dict[str, Any] = _open(
        model.model_json_schema(mode="serialization", by_alias=False, schema_generator=_Readable)
    )
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:repl:schema:{name}:v1",
        "title": f"repl {name}, version 1",
        "description": f"{text} {_PROMISE}",
    }
    return head | {key: part for key, part in made.items() if key not in head}


def _open(schema: Any) -> Any:
    """Let records have keys that this version does not know, as the promise about minor versions says."""
    if isinstance(schema, Mapping):
        closed = schema.get("additionalProperties") is False
        return {k: _open(v) for k, v in schema.items() if not (closed and k == "additionalProperties")}
    return [_open(part) for part in schema] if isinstance(schema, list) else schema


def _ordered(value: Any, dumped: Json) -> Json:
    """Sort the keys of mappings, and leave those of records as they are declared."""
    if isinstance(value, BaseModel) and isinstance(dumped, dict):
        return {key: _ordered(getattr(value, key, None), part) for key, part in dumped.items()}
    if isinstance(dumped, dict):
        inner = value if isinstance(value, Mapping) else {}
        return {key: _ordered(inner.get(key), part) for key, part in sorted(dumped.items())}
    if isinstance(dumped, list):
        parts = value if isinstance(value, Sequence) and len(value) == len(dumped) else [None] * len(dumped)
        return [_ordered(part, out) for part, out in zip(parts, dumped, strict=True)]
    return dumped


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    if unicodedata.category(char) not in _UNSEEN:
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
