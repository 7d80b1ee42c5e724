"""Reads scopes during apply: never older than asked for, and one read for all that ask at once."""

from collections import defaultdict
from threading import Lock

from reconciler.clock import Clock
from reconciler.engine.connect import Connections
from reconciler.model.observation import Observation, ScopeRef

__all__ = ["ScopeReader"]


class ScopeReader:
    """Observations with their age. Safe to use from several threads."""

    def __init__(self, connections: Connections, clock: Clock) -> None:
        self._connections = connections
        self._clock = clock
        self._locks: dict[ScopeRef, Lock] = defaultdict(Lock)
        self._guard = Lock()
        self._last: dict[ScopeRef, tuple[float, Observation]] = {}

    def read(self, scope: ScopeRef, *, not_before: float) -> Observation:
        """Return what a read saw that began at or after `not_before` (monotonic seconds). Raises ProviderError."""
        with self._guard:
            lock = self._locks[scope]
        with lock:
            begun, last = self._last.get(scope, (float("-inf"), None))
            if last is not None and begun >= not_before:
                return last
            begun = self._clock.monotonic()
            observation = self._connections.provider(scope.provider).observe(scope)
            self._last[scope] = (begun, observation)
            return observation

    def fresh(self, scope: ScopeRef) -> Observation:
        """Return what a read saw that began now or later. Raises ProviderError."""
        return self.read(scope, not_before=self._clock.monotonic())
