"""Reads the live world: one read for each scope, concurrently, and what each end of a flow looks like."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.engine.connect import Connections
from reconciler.engine.workers import workers
from reconciler.errors import ProviderError
from reconciler.model.manifest import Location
from reconciler.model.observation import LocationFacts, Observation, ScopeRef
from reconciler.model.relationship import Flow

__all__ = ["World", "observe"]

K = TypeVar("K", ScopeRef, Location)
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What was read. A scope is in exactly one of `observations` and `unread`."""

    observations: dict[ScopeRef, Observation] = field(default_factory=dict)
    unread: dict[ScopeRef, ProviderError] = field(default_factory=dict)
    facts: dict[Location, LocationFacts] = field(default_factory=dict)
    """By `place(location)`."""

    def ends(self, flow: Flow) -> tuple[LocationFacts, LocationFacts]:
        """Return (source, destination) facts of a flow."""
        return self.facts[place(flow.spec.source)], self.facts[place(flow.spec.destination)]


def place(location: Location) -> Location:
    """Return the location without its prefix: flows that share a bucket share what is known of it."""
    return location.model_copy(update={"prefix": None})


def observe(
    flows: Sequence[Flow],
    extra: Iterable[ScopeRef],
    connections: Connections,
    *,
    parallelism: int,
    asked: list[str] | None = None,
) -> World:
    """Read the scopes of all flows and the extra ones, and inspect the ends of all flows. Never writes, never raises
    ProviderError: what could not be read is in `unread`. Names of providers stand in `asked` while they are."""
    asked = asked if asked is not None else []
    scopes = sorted(
        {connections.provider(flow.owner.name).scope(flow) for flow in flows}
        | {scope for scope in extra if connections.known(scope.provider)},
        key=str,
    )
    places = sorted({place(end) for flow in flows for end in (flow.spec.source, flow.spec.destination)}, key=repr)
    with workers(parallelism, "observe") as pool:
        read = _gather(pool, scopes, lambda scope: connections.provider(scope.provider).observe(scope), asked)
        seen = _gather(pool, places, lambda end: connections.provider(end.provider).inspect(end), asked)
    return World(
        observations={key: value for key, value in read.items() if isinstance(value, Observation)},
        unread={key: value for key, value in read.items() if isinstance(value, ProviderError)},
        facts={key: value if isinstance(value, LocationFacts) else _unreadable(value) for key, value in seen.items()},
    )


def _gather(
    pool: ThreadPoolExecutor, keys: Sequence[K], read: Callable[[K], V], asked: list[str]
) -> dict[K, V | ProviderError]:
    def attempt(key: K) -> V | ProviderError:
        asked.append(key.provider)
        try:
            return read(key)
        except ProviderError as error:
            return error
        finally:
            asked.remove(key.provider)

    return dict(zip(keys, pool.map(attempt, keys), strict=True))


def _unreadable(error: ProviderError) -> LocationFacts:
    return LocationFacts(exists=True, readable=False, problem=str(error))
