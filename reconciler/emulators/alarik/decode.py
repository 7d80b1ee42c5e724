"""Request bodies read as Swift's Codable reads them: types are strict, unknown keys are ignored.

Source: the models in Alarik's source, and Vapor's texts for ``DecodingError``, which changed between its releases.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from reconciler.emulators.alarik.refusal import Refusal
from reconciler.emulators.message import JsonValue, Request

BODY_LIMIT = 1_000_000

Texts = Literal["current", "older"]

T = TypeVar("T")

_SWIFT = {str: "String", bool: "Bool", int: "Int", dict: "Dictionary<String, Any>", list: "Array<Any>"}


def check_size(request: Request) -> None:
    """Vapor collects the body before anybody looks at the caller."""
    if len(request.body) > BODY_LIMIT:
        raise Refusal(413, "Payload Too Large")


def body(request: Request, texts: Texts) -> Value:
    """The body, to be taken apart. ``Refusal`` if it is not JSON or not said to be."""
    kind = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if kind not in {"application/json", "application/vnd.api+json"}:
        raise Refusal(415)
    if not request.body:
        raise Refusal(422)
    try:
        value: JsonValue = json.loads(request.body)
    except ValueError:
        raise Refusal(400, "Data corrupted at path ''. The given data was not valid JSON.") from None
    return Value(value, (), texts)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a document, and where it stands."""

    value: JsonValue
    path: tuple[str, ...]
    texts: Texts

    def text(self, key: str) -> str:
        return self._of(key, str)

    def flag(self, key: str) -> bool:
        return self._of(key, bool)

    def identity(self, key: str) -> uuid.UUID:
        inner = self._at(key)
        text = inner.as_a(str)
        found = parse_uuid(text)
        if found is None:
            place = ".".join(inner.path)
            raise Refusal(400, f"Data corrupted at path '{place}'. Attempted to decode UUID from invalid UUID string.")
        return found

    def optional_text(self, key: str) -> str | None:
        return None if self._absent(key) else self._of(key, str)

    def optional_flag(self, key: str) -> bool | None:
        return None if self._absent(key) else self._of(key, bool)

    def texts_by_name(self, key: str) -> dict[str, str]:
        inner = self._at(key)
        return {name: inner.text(name) for name in inner.as_a(dict)}

    def items(self, key: str) -> list[Value]:
        inner = self._at(key)
        listed = inner.as_a(list)
        return [Value(item, (*inner.path, f"Index {number}"), self.texts) for number, item in enumerate(listed)]

    def _of(self, key: str, kind: type[T]) -> T:
        return self._at(key).as_a(kind)

    def _absent(self, key: str) -> bool:
        members = cast("Mapping[str, JsonValue]", self.as_a(dict))
        return members.get(key) is None

    def _at(self, key: str) -> Value:
        members = cast("Mapping[str, JsonValue]", self.as_a(dict))
        if key not in members:
            place = ".".join(self.path)
            if self.texts == "older":
                raise Refusal(400, f"Value required for key '{'.'.join((*self.path, key))}'.")
            raise Refusal(
                400,
                f"No such key '{key}' at path '{place}'. No value associated with key "
                f'CodingKeys(stringValue: "{key}", intValue: nil) ("{key}").',
            )
        return Value(members[key], (*self.path, key), self.texts)

    def as_a(self, kind: type[T]) -> T:
        """This value, which must be of a kind."""
        # In Python a bool is an int; neither is the other to Swift.
        if isinstance(self.value, kind) and (kind is bool or not isinstance(self.value, bool)):
            return self.value
        place, name = ".".join(self.path), _SWIFT[kind]
        if self.texts == "older":
            raise Refusal(400, f"Value of type '{name}' required for key '{place}'.")
        if self.value is None:
            raise Refusal(400, f"No value found (expected type '{name}') at path '{place}'.")
        raise Refusal(400, f"Value at path '{place}' was not of type '{name}'.")


def parse_uuid(text: str) -> uuid.UUID | None:
    """A UUID in its 36-character form and any case, as Foundation takes it; None for anything else."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
