"""What an emulated system still has to do by itself, and the thread that does it when it is due by the clock."""

from __future__ import annotations

import heapq
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.emulators.clock import Clock

T = TypeVar("T")


@dataclass(order=True, slots=True)
class _Entry(Generic[T]):
    due: float
    number: int
    task: T = field(compare=False)


class Agenda(Generic[T]):
    """Calls ``do`` with each task at its moment; of those due at once, with the one that came first.

    While ``held()`` all wait; ``wake`` has it asked again. Mistakes of ``do`` are printed and end nothing.
    """

    def __init__(self, name: str, clock: Clock, do: Callable[[T], None], held: Callable[[], bool]) -> None:
        self._clock = clock
        self._alarm = clock.alarm()
        self._do = do
        self._held = held
        self._lock = threading.Lock()
        self._queue: list[_Entry[T]] = []
        self._number = 0
        self._under_way = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, after the clock was stopped."""
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def wake(self) -> None:
        self._alarm.ring()

    def push(self, task: T, seconds: float) -> None:
        """Do a task so many emulated seconds from now."""
        with self._lock:
            self._number += 1
            heapq.heappush(self._queue, _Entry(self._clock.monotonic() + seconds, self._number, task))
        self._alarm.ring()

    @property
    def queued(self) -> int:
        """Tasks that wait or are under way."""
        with self._lock:
            return len(self._queue) + self._under_way

    def _run(self) -> None:
        while self._alarm.wait(self._next_due()):
            while (entry := self._take()) is not None:
                try:
                    self._do(entry.task)
                except Exception:  # noqa: BLE001  (a mistake of its own must be seen, and must not end it)
                    traceback.print_exc()
                finally:
                    with self._lock:
                        self._under_way -= 1

    def _next_due(self) -> float | None:
        with self._lock:
            return self._queue[0].due if self._queue and not self._held() else None

    def _take(self) -> _Entry[T] | None:
        with self._lock:
            if self._queue and not self._held() and self._queue[0].due <= self._clock.monotonic():
                self._under_way += 1
                return heapq.heappop(self._queue)
            return None
