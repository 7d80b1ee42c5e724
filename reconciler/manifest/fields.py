"""What the models say about a place in a document: which fields are known there, and whether a secret belongs there."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from reconciler.model.secret import SecretRef

__all__ = ["known_fields", "secret_depth", "secret_fields"]


def known_fields(model: type[BaseModel], path: Sequence[str | int]) -> tuple[str, ...]:
    """Return the keys that may stand in the mapping at `path`, as written in YAML; none where any key may."""
    models = [model]
    for part in path:
        models = [inner for outer in models for inner in _inner(outer, part)]
    return tuple(sorted({alias for found in models for alias in _aliases(found)}))


def secret_depth(model: type[BaseModel], path: Sequence[str | int]) -> int | None:
    """Return how many parts of `path` lead to a secret reference, or None if it touches none."""
    models = [model]
    for depth, part in enumerate(path, start=1):
        models = [inner for outer in models for inner in _inner(outer, part)]
        if any(issubclass(found, SecretRef) for found in models):
            return depth
    return None


def secret_fields(model: type[BaseModel]) -> set[str]:
    """Return the YAML names of all fields, at any depth, that take a secret reference."""
    found: set[str] = set()
    seen: set[type[BaseModel]] = set()
    waiting = [model]
    while waiting:
        outer = waiting.pop()
        if outer in seen or issubclass(outer, SecretRef):
            continue
        seen.add(outer)
        for name, field in outer.model_fields.items():
            inner = list(_models(field.annotation))
            waiting += inner
            if any(issubclass(one, SecretRef) for one in inner):
                found.add(field.alias or name)
    return found


def _aliases(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if not field.exclude:
            yield field.alias or name


def _inner(model: type[BaseModel], part: str | int) -> Iterator[type[BaseModel]]:
    """Yield the models that may stand under one key; a list's index or a mapping's key stays where it is."""
    for name, field in model.model_fields.items():
        if part == (field.alias or name):
            yield from _models(field.annotation)
            return
    if isinstance(part, int):
        yield model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
