"""A parsed document: plain data, and beside it the place of every key and value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.model.finding import FieldPath

__all__ = ["RawDocument", "Spot", "Spots", "Template", "Trace", "may_be_template", "scalars"]

Spots = dict[Any, "Spot"]
"""Places in one mapping or list, by its key or index."""


class Spot(NamedTuple):
    """Where one value stands, and its key; of a list's item both are the item's place."""

    key_at: int
    value_at: int
    inside: Spots | None
    """Places of what the value holds; None for a scalar. Of an alias, places at its anchor."""


class Template(NamedTuple):
    """A text that may be a template, and where in the data its value belongs."""

    holder: Any
    """The dict or list that holds it."""
    key: Any
    at: int


@dataclass(slots=True)
class RawDocument:
    """One document as written, before it is known what it should be."""

    data: Any
    root: Spot
    templates: list[Template] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    """Places of values that were reported already: nothing more is said about them."""
    types: tuple[str, ...] = ()
    """Provider types that its spec has keys for, in the order written."""
    truths: bool = False
    """Whether true or false stands anywhere in it."""

    @property
    def kind(self) -> str | None:
        """The document's kind, if it is text."""
        kind = self.data.get("kind") if isinstance(self.data, dict) else None
        return kind if isinstance(kind, str) else None

    @property
    def name(self) -> str | None:
        """The document's name, if it is text."""
        metadata = self.data.get("metadata") if isinstance(self.data, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else None

    @property
    def spec(self) -> dict[str, Any] | None:
        """The document's spec, if it is a mapping."""
        spec = self.data.get("spec") if isinstance(self.data, dict) else None
        return spec if isinstance(spec, dict) else None

    def trace(self, path: Sequence[str | int]) -> "Trace":
        """Follow a path as far as it goes; parts that lead nowhere are left out, as the tags of unions are."""
        spot, found, missed = self.root, list[str | int](), list[str | int]()
        for part in path:
            child = None if spot.inside is None else spot.inside.get(part)
            if child is None:
                missed.append(part)
            else:
                spot, missed = child, []
                found.append(part)
        return Trace(tuple(found), spot, tuple(missed))


class Trace(NamedTuple):
    """How far a path leads."""

    found: FieldPath
    spot: Spot
    missed: FieldPath
    """The parts after the last one found."""


def may_be_template(value: Any) -> bool:
    """Say whether a value is text with `{{` or `{%` in it."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def scalars(value: Any, spot: Spot) -> Iterator[tuple[Any, int]]:
    """Yield every scalar below a value with its place."""
    if spot.inside is None:
        yield value, spot.value_at
        return
    for key, inner in spot.inside.items():
        yield from scalars(value[key], inner)
