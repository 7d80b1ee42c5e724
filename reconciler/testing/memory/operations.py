"""What each planned call does to a world."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reconciler.model.value import Json
from reconciler.testing.memory.records import WorldError
from reconciler.testing.memory.world import MemoryWorld

__all__ = ["OPERATIONS", "Request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call, with its secrets."""

    body: dict[str, Any]
    tokens: Mapping[str, str | None]
    """By rule id; under the empty one for a single document."""
    continuous: bool


def _put_rules(world: MemoryWorld, request: Request) -> None:
    documents = request.body["rules"].items()
    rules = {key: (_without_token(document), request.tokens[key]) for key, document in documents}
    world.put_rules(request.body["bucket"], rules, request.continuous)


def _delete_rules(world: MemoryWorld, request: Request) -> None:
    world.delete_rules(request.body["bucket"])


def _create(world: MemoryWorld, request: Request) -> dict[str, Json]:
    document = _without_token(request.body["document"])
    number = world.create_relationship(document, request.tokens[""], request.continuous)
    return {"id": number, "provider_id": number}


def _update(world: MemoryWorld, request: Request) -> None:
    world.update_relationship(request.body["id"], _without_token(request.body["document"]), request.tokens[""])


def _delete(world: MemoryWorld, request: Request) -> None:
    # Absence is what was asked for.
    if request.body["id"] in world.relationships:
        world.delete_relationship(request.body["id"])


def _start(world: MemoryWorld, request: Request) -> None:
    world.start(world.rule(request.body["id"], request.body.get("bucket")))


def _abort(world: MemoryWorld, request: Request) -> None:
    with suppress(WorldError):
        world.rule(request.body["id"]).job = None


def _without_token(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "token"}


OPERATIONS: dict[str, Callable[[MemoryWorld, Request], dict[str, Json] | None]] = {
    "put-rules": _put_rules,
    "delete-rules": _delete_rules,
    "create-relationship": _create,
    "update-relationship": _update,
    "delete-relationship": _delete,
    "start": _start,
    "abort-job": _abort,
}
"""By the name that a plan shows."""
