"""A topic of orders: first in, first out, one reader, and nothing in it is lost by itself.

Source: CloneCloudStore's channels ``request-action`` and ``request-replication``.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence

from reconciler.emulators.clock import Clock
from reconciler.emulators.clonecloudstore.records import Order


class Topic:
    """Calls ``consume`` with what is due on the world's clock, at most ``batch`` at once, from a thread of its own.

    An order is due ``lag()`` seconds after it came; while ``paused()`` all wait.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        lag: Callable[[], float],
        paused: Callable[[], bool],
        consume: Callable[[Sequence[Order]], None],
        batch: int = 1,
    ) -> None:
        self._clock = clock
        self._alarm = clock.alarm()
        self._lag = lag
        self._paused = paused
        self._consume = consume
        self._batch = batch
        self._lock = threading.Lock()
        self._queue: deque[tuple[float, Order]] = deque()
        self._under_way = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, after the clock was stopped."""
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def wake(self) -> None:
        """Look at the switches again."""
        self._alarm.ring()

    def emit(self, order: Order) -> None:
        with self._lock:
            self._queue.append((self._clock.monotonic() + self._lag(), order))
        self._alarm.ring()

    @property
    def waiting(self) -> list[Order]:
        with self._lock:
            return [order for _, order in self._queue]

    @property
    def under_way(self) -> int:
        with self._lock:
            return self._under_way

    def _run(self) -> None:
        while self._alarm.wait(self._next_due()):
            while orders := self._take():
                try:
                    self._consume(orders)
                except Exception:  # noqa: BLE001  (the reader's own mistake must be seen, and must not end it)
                    traceback.print_exc()
                finally:
                    with self._lock:
                        self._under_way = 0

    def _next_due(self) -> float | None:
        with self._lock:
            return self._queue[0][0] if self._queue and not self._paused() else None

    def _take(self) -> list[Order]:
        with self._lock:
            taken: list[Order] = []
            if self._clock.stopped or self._paused():
                return taken
            now = self._clock.monotonic()
            while self._queue and self._queue[0][0] <= now and len(taken) < self._batch:
                taken.append(self._queue.popleft()[1])
            self._under_way = len(taken)
            return taken
