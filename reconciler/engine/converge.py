"""Holds what is live against what was planned for a container."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from reconciler.engine.diff import shown_differences
from reconciler.model.observation import ContainerRef, Observation
from reconciler.model.plan import ContainerPlan
from reconciler.model.relationship import Relationship
from reconciler.model.value import Json

__all__ = ["Meant", "find", "ids_made", "shortfalls"]


@dataclass(frozen=True, slots=True)
class Meant:
    """Tells what a container's plan means from what merely answers to the same name, by the ids that servers give.

    What a run has made is known by what its creations returned, what was there by the id in the plan, and what was
    there and is not meant is never taken. Without ids all goes by identity.
    """

    strangers: frozenset[str] = frozenset()
    made: frozenset[str] = frozenset()
    alone: bool = False
    """Whether the container is for one relationship: once that was made, nothing else can be it."""

    @classmethod
    def of(cls, item: ContainerPlan, returned: Iterable[Mapping[str, Json]] = ()) -> Self:
        """Judge by a plan, and by what the calls of its run have returned so far."""
        return cls(frozenset(item.strangers), ids_made(returned), len(item.desired) == 1)

    def find(self, observation: Observation, desired: Relationship) -> Relationship | None:
        """Return the live relationship that stands for a desired one, under its identity; None if there is none."""
        fitting = [
            (self._rank(live, desired), known)
            for state in observation.containers
            for live in state.relationships
            if (known := live.known_as(desired.identity)) is not None and self._may_be(live, desired)
        ]
        return min(fitting, key=lambda one: one[0], default=(None, None))[1]

    def fingerprint(self, observation: Observation, ref: ContainerRef) -> str:
        """Return the fingerprint of a container, `absent` if it is not there or is somebody else's."""
        made = (state for state in observation.containers if ref.key in state.also and state.belongs_to(self.made))
        own = next(made, None) if ref.scope_ref == observation.scope else None
        return own.fingerprint if own is not None else observation.fingerprint(ref, self.strangers)

    def _may_be(self, live: Relationship, desired: Relationship) -> bool:
        given = live.provider_id
        if given is None or given in self.made or given == desired.provider_id:
            return True
        return given not in self.strangers and not (self.made and self.alone)

    def _rank(self, live: Relationship, desired: Relationship) -> tuple[bool, bool, bool]:
        given = live.provider_id
        return given not in self.made, given is None or given != desired.provider_id, live.identity != desired.identity


def ids_made(returned: Iterable[Mapping[str, Json]]) -> frozenset[str]:
    """Return the server ids of what calls have made, from what they returned."""
    return frozenset(str(one["provider_id"]) for one in returned if one.get("provider_id"))


def shortfalls(item: ContainerPlan, observation: Observation, meant: Meant | None = None) -> tuple[str, ...]:
    """Say in what the container is not as planned, one line for each difference. Empty means that it is,
    as far as the provider shows it."""
    meant = meant or Meant.of(item)
    lines: list[str] = []
    for desired in item.desired:
        live = meant.find(observation, desired)
        if live is None:
            lines.append(f"{desired.identity}: not there")
            continue
        lines += [
            f"{desired.identity}: {field.dotted} is {field.before!r}, not {field.after!r}"
            for field in shown_differences(live, desired.settings)
        ]
    kept = {desired.provider_id for desired in item.desired} - {None}
    lines += [f"{identity}: still there" for identity in item.gone if _stands(item, identity, observation, kept)]
    return tuple(lines)


def find(observation: Observation, identity: str) -> Relationship | None:
    """Return the live relationship of this identity, or that may have been made under it; None if there is none."""
    return Meant().find(observation, Relationship(identity=identity, settings={}))


def _stands(item: ContainerPlan, identity: str, observation: Observation, kept: Collection[str | None]) -> bool:
    """Say whether what must be gone is still there: by the server's id, else by identity."""
    number = item.gone_ids.get(identity)
    if number is None:
        return find(observation, identity) is not None
    held = [one for state in observation.containers for one in state.relationships if one.provider_id == number]
    # What is changed in place keeps its id and loses its identity.
    return any(number not in kept or one.known_as(identity) is not None for one in held)
