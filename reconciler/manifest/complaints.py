"""pydantic's errors as mistakes: the key they belong to, in words for people who have never seen pydantic."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from reconciler.manifest.codes import Code, Mistake
from reconciler.manifest.documents import RawDocument, Trace, scalars
from reconciler.manifest.fields import known_fields, secret_depth
from reconciler.manifest.masks import Masks
from reconciler.manifest.sources import Sources
from reconciler.manifest.wording import closest, did_you_mean, dotted, listed, show
from reconciler.model.finding import FieldPath
from reconciler.model.manifest import Name
from reconciler.model.secret import SecretRef

__all__ = ["Complaints"]

_WRONG_TYPE = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "date_type": "a date such as 2027-01-31",
    "date_parsing": "a date such as 2027-01-31",
    "date_from_datetime_parsing": "a date such as 2027-01-31",
    "date_from_datetime_inexact": "a date such as 2027-01-31",
    "none_required": "left out",
}
"""What a value must be, by the type of pydantic's error."""

_BAD_VALUE = {
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "finite_number": "must be a finite number",
    "int_parsing_size": "must be a smaller number",
    "string_unicode": "must be text that UTF-8 can hold",
    "union_tag_invalid": "must be one of {expected_tags}",
    "union_tag_not_found": "does not say which of the forms it is",
}
"""What is wrong with a value of the right type."""

_NAME_PATTERN = TypeAdapter(Name).json_schema()["pattern"]
_PATTERNS = {
    _NAME_PATTERN: "must be lower-case letters, digits and inner hyphens, at most 63",
    r"^/": "must begin with /",
    r"^[A-Z0-9]+(-[A-Z0-9]+)+$": "must be the id of an effect, such as S3-NO-RETRO",
}
_QUOTED = re.compile(r"'([^']*)'")


def _refusal_of_literals() -> str:
    """Return what the model says to a secret written as a value, so that it is recognised among other errors."""
    try:
        SecretRef.model_validate("")
    except ValidationError as error:
        return _cause(error.errors()[0])
    raise AssertionError


def _cause(detail: ErrorDetails) -> str:
    return str(detail.get("ctx", {}).get("error", ""))


_LITERAL = _refusal_of_literals()


@dataclass(frozen=True, slots=True)
class Complaints:
    """Errors of one model about one part of one document."""

    document: RawDocument
    model: type[BaseModel]
    sources: Sources
    prefix: FieldPath = ()
    """Where in the document the model's own mapping stands."""
    spec_fields: tuple[str, ...] = ()
    """Keys that may stand in the spec, where these are others than the model's own: names of provider types."""
    spec_path: FieldPath = ("spec",)
    """Where in the document that spec stands."""

    def mistakes(self, error: ValidationError) -> Iterator[Mistake]:
        """Yield one mistake for each value concerned."""
        by_place: dict[FieldPath, list[tuple[ErrorDetails, Trace]]] = {}
        for detail in error.errors(include_url=False):
            loc = tuple("not" if part == "negate" else part for part in detail["loc"])
            trace = self.document.trace((*self.prefix, *loc))
            place = (*trace.found, *trace.missed[-1:]) if detail["type"] == "missing" else trace.found
            by_place.setdefault(place, []).append((detail, trace))
        for place, found in by_place.items():
            # Of the branches of a union, the one that got furthest into the value says most.
            deeper = any(len(other) > len(place) and other[: len(place)] == place for other in by_place)
            unions = all(trace.missed and detail["type"] != "missing" for detail, trace in found)
            at = found[0][1].spot.value_at
            if (deeper and unions) or at in self.document.broken:
                continue
            if found[0][0]["type"] != "missing":
                self.document.broken.add(at)
            yield self._mistake(place, found)

    def once(self, path: FieldPath, mistake: Callable[[FieldPath], Mistake]) -> Iterator[Mistake]:
        """Yield the mistake about a place, unless something has been said about it already."""
        at = self.document.trace(path).spot.value_at
        if at not in self.document.broken:
            self.document.broken.add(at)
            yield mistake(path)

    def unknown_field(self, path: FieldPath) -> Mistake:
        """Say that the last key of a path is not known, and which it may have been meant to be."""
        spot = self.document.trace(path).spot
        known = known_fields(self.model, path[len(self.prefix) : -1])
        if path[:-1] == self.spec_path and self.spec_fields:
            known = self.spec_fields
        if (depth := secret_depth(self.model, path[len(self.prefix) :])) is not None:
            self._hide(path[: len(self.prefix) + depth])
        key = str(path[-1])
        where = dotted(path[:-1]) or "the document"
        return self._at(Code.UNKNOWN_FIELD, spot.key_at, path, f"{where}: {show(key)}", did_you_mean(key, known))

    def truth_as_number(self, path: FieldPath) -> Mistake:
        """Say that true or false stands where a number belongs."""
        at = self.document.trace(path).spot.value_at
        return self._at(Code.WRONG_TYPE, at, path, f"{dotted(path)}: must be a number, found true or false")

    def _mistake(self, place: FieldPath, found: list[tuple[ErrorDetails, Trace]]) -> Mistake:
        (detail, trace), kind = found[0], found[0][0]["type"]
        if kind == "missing":
            above = dotted(place[:-1]) or "the document"
            return self._at(Code.MISSING_FIELD, trace.spot.key_at, place, f"{above}: {place[-1]} is missing")
        if kind == "extra_forbidden":
            return self.unknown_field(place)
        at = trace.spot.key_at if trace.missed[-1:] == ("[key]",) else trace.spot.value_at
        where = dotted(place) or "the document"
        if _cause(detail) == _LITERAL and len(found) == 1:
            self._hide(place)
            hint = "write where the secret is: {env: NAME} or {file: PATH}"
            return self._at(Code.LITERAL_SECRET, at, place, f"{where}: the value is not shown", hint)
        secret = secret_depth(self.model, place[len(self.prefix) :]) is not None
        value = detail.get("input")
        shown = "" if secret or isinstance(value, dict | list | tuple) else f", found {show(value)}"
        code, words = _words([detail for detail, _ in found])
        return self._at(code, at, place, f"{where}: {words}{shown}", None if secret else _hint(detail, value))

    def _at(self, code: Code, at: int, path: FieldPath, detail: str, hint: str | None = None) -> Mistake:
        document = self.document
        return Mistake(code=code, at=at, detail=detail, hint=hint, kind=document.kind, name=document.name, path=path)

    def _hide(self, path: FieldPath) -> None:
        """Hide every scalar of what should have been a secret reference."""
        value: Any = self.document.data
        for part in path:
            value = value[part]
        masks: Masks = self.sources.masks
        for scalar, at in scalars(value, self.document.trace(path).spot):
            masks.hide("" if scalar is None else str(scalar), at, self.sources.end_of(at))


def _words(details: Sequence[ErrorDetails]) -> tuple[Code, str]:
    if isinstance(details[0].get("input"), dict):
        # A mapping was meant for the branch of a union that takes mappings.
        details = [detail for detail in details if detail["type"] not in _WRONG_TYPE] or details
    wanted = dict.fromkeys(_WRONG_TYPE[detail["type"]] for detail in details if detail["type"] in _WRONG_TYPE)
    if wanted:
        return Code.WRONG_TYPE, f"must be {listed(wanted)}"
    detail = details[0]
    context = detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        return Code.BAD_VALUE, _PATTERNS.get(context["pattern"], f"must match {context['pattern']}")
    if detail["type"] in ("string_too_short", "too_short") and context.get("min_length") == 1:
        return Code.BAD_VALUE, "must not be empty"
    if detail["type"] in ("value_error", "assertion_error"):
        return Code.BAD_VALUE, _cause(detail)
    if (words := _BAD_VALUE.get(detail["type"])) is not None:
        return Code.BAD_VALUE, words.format(**context)
    return Code.BAD_VALUE, detail["msg"].replace("Input should be", "must be")


def _hint(detail: ErrorDetails, value: Any) -> str | None:
    if detail["type"] == "string_type" and isinstance(value, int | float):
        return f'quote it: "{show(value)}"'
    if detail["type"] in ("enum", "literal_error") and isinstance(value, str):
        best = closest(value, _QUOTED.findall(str(detail.get("ctx", {}).get("expected", ""))))
        return None if best is None else f"did you mean {best}?"
    return None
