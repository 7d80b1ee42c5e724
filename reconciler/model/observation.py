"""What the world holds now: scopes, containers, relationships, and facts about locations."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from reconciler.model.relationship import Relationship
from reconciler.model.value import Json, Value

__all__ = [
    "ABSENT",
    "ContainerRef",
    "ContainerState",
    "Health",
    "HealthState",
    "LocationFacts",
    "Observation",
    "ScopeRef",
]

ABSENT = "absent"
"""The fingerprint of a container that is not there."""


class ScopeRef(Value):
    """What one read returns: a bucket's rules, a cluster's relationships."""

    provider: str
    """Name of the Provider document."""
    key: str
    """Unique in the provider: `bucket/logs`, `cluster`."""

    def __str__(self) -> str:
        """Write `provider:key`."""
        return f"{self.provider}:{self.key}"


class ContainerRef(Value):
    """What one write replaces: a bucket's rule set, one relationship."""

    provider: str
    scope: str
    """The key of the scope that it lies in."""
    key: str
    """Unique in the scope."""

    @property
    def scope_ref(self) -> ScopeRef:
        """The scope that it lies in."""
        return ScopeRef(provider=self.provider, key=self.scope)

    def __str__(self) -> str:
        """Write `provider:scope#key`, or `provider:scope` where the container is the whole scope."""
        return f"{self.provider}:{self.scope}" + (f"#{self.key}" if self.key != self.scope else "")


class ContainerState(Value):
    """One container as read."""

    ref: ContainerRef
    fingerprint: str
    """Digest over what configuration it holds, without progress, order or other things that change by themselves."""
    relationships: tuple[Relationship, ...] = ()
    """All in it, foreign ones included, in normal form, ordered by identity."""
    document: Json = None
    """The provider's own form, for `steps`: whatever a write must carry through. Holds no secret."""
    also: tuple[str, ...] = ()
    """Keys that it may be wanted under instead, where a server changes names: see `Relationship.also`."""

    def belongs_to(self, ids: Collection[str]) -> bool:
        """Say whether it holds something, and all of it has one of these server ids."""
        return bool(self.relationships) and all(one.provider_id in ids for one in self.relationships)


class Observation(Value):
    """One scope as read. A scope that holds nothing has no containers; that is no error."""

    scope: ScopeRef
    containers: tuple[ContainerState, ...] = ()

    def container(self, ref: ContainerRef, strangers: Collection[str] = ()) -> ContainerState | None:
        """Return the container's state, or None if it is not there.

        `strangers`: server ids that are not meant, though their container may be wanted under that key.
        """
        exact = next((state for state in self.containers if state.ref == ref), None)
        if exact is not None or ref.scope_ref != self.scope:
            return exact
        fitting = (state for state in self.containers if ref.key in state.also)
        return next((state for state in fitting if not state.belongs_to(strangers)), None)

    def fingerprint(self, ref: ContainerRef, strangers: Collection[str] = ()) -> str:
        """Return the container's fingerprint, `absent` if it is not there."""
        state = self.container(ref, strangers)
        return state.fingerprint if state else ABSENT


class HealthState(StrEnum):
    """What a provider says of its data plane for one relationship."""

    OK = "ok"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The provider has no such word, or did not say it. Never taken for `ok`."""


class Health(Value):
    """What the provider says about one relationship's data plane."""

    state: HealthState
    detail: str = ""
    last_success_at: datetime | None = None
    backlog: int | None = None
    """Objects waiting; None where the provider does not say."""
    failed: int | None = None
    """Objects that failed; None where the provider does not say."""


class LocationFacts(Value):
    """What one end of a flow looks like, as its own provider reads it."""

    exists: bool
    readable: bool = True
    """False where the credentials may not look: then the other facts are unknown, not false."""
    facts: dict[str, Json] = {}
    """Such as {"region": "eu-west-1", "versioning": "Enabled" | "Suspended" | None, "id": "3"}."""
    problem: str = ""
    """Why it could not be read."""
