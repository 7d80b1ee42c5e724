"""The two roots of every value: `Value` for what `repl` writes, `Document` for what people write."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

__all__ = ["Document", "Json", "Value", "canonical_json", "digest"]

Json = JsonValue
"""A JSON value: None, bool, int, float, str, list, dict with str keys."""


class Value(BaseModel):
    """A frozen record that `repl` writes: plans, receipts, findings. Keys in snake_case, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Document(BaseModel):
    """A frozen record that people write in YAML. Keys in camelCase, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )


def canonical_json(value: Mapping[str, Any] | Sequence[Any] | str | float | bool | None) -> str:
    """Write a JSON value in the one form that digests are made over: sorted keys, no blanks, UTF-8 kept."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Mapping[str, Any] | Sequence[Any] | str | float | bool | None) -> str:
    """Return `sha256:<hex>` over the canonical JSON of a value."""
    return "sha256:" + hashlib.sha256(canonical_json(value).encode()).hexdigest()
