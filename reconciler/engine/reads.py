"""Reads scopes during apply: never older than asked for, and one read for all that ask at once."""

from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock

from reconciler.clock import Clock
from reconciler.engine.connect import Connections
from reconciler.model.observation import Observation, ScopeRef

__all__ = ["ScopeReader"]


@dataclass(slots=True)
class _Scope:
    """The last read of one scope; reads are numbered in the order in which they began."""

    lock: Lock = field(default_factory=Lock)
    begun: int = 0
    begun_at: float = float("-inf")
    last: Observation | None = None


class ScopeReader:
    """Observations with their age. Safe to use from several threads."""

    def __init__(self, connections: Connections, clock: Clock) -> None:
        self._connections = connections
        self._clock = clock
        self._scopes: dict[ScopeRef, _Scope] = defaultdict(_Scope)
        self._guard = Lock()

    def recent(self, scope: ScopeRef, max_age_s: float) -> Observation:
        """Return what a read saw that began no longer ago than that. Raises ProviderError."""
        entry = self._entry(scope)
        oldest = self._clock.monotonic() - max_age_s
        with entry.lock:
            if entry.last is not None and entry.begun_at >= oldest:
                return entry.last
            return self._read(scope, entry)

    def fresh(self, scope: ScopeRef) -> Observation:
        """Return what a read saw that began after this call. Raises ProviderError."""
        entry = self._entry(scope)
        before = entry.begun
        with entry.lock:
            if entry.last is not None and entry.begun > before:
                return entry.last
            return self._read(scope, entry)

    def latest(self, scope: ScopeRef) -> Observation:
        """Return what the last read saw, however old; read if there was none. Raises ProviderError."""
        return self.recent(scope, float("inf"))

    def _entry(self, scope: ScopeRef) -> _Scope:
        with self._guard:
            return self._scopes[scope]

    def _read(self, scope: ScopeRef, entry: _Scope) -> Observation:
        entry.begun += 1
        entry.begun_at = self._clock.monotonic()
        entry.last = None
        entry.last = observation = self._connections.provider(scope.provider).observe(scope)
        return observation
