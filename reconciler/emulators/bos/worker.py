"""The thread that works off what rules owe, when it is due on the world's clock."""

from __future__ import annotations

import heapq
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from reconciler.emulators.bos.switches import Switches
from reconciler.emulators.clock import Clock

Kind = Literal["existing", "new", "delete"]


@dataclass(frozen=True, slots=True)
class Task:
    """One key that a rule is to carry over. ``run`` is the start of the rule that the task belongs to."""

    bucket: str
    rule: str
    run: int
    kind: Kind
    key: str


@dataclass(order=True, slots=True)
class _Entry:
    due: float
    number: int
    task: Task = field(compare=False)


class Worker:
    """Calls ``do`` with each task at its moment, in order. Mistakes of ``do`` are printed and end nothing."""

    def __init__(self, clock: Clock, switches: Switches, do: Callable[[Task], None]) -> None:
        self._clock = clock
        self._alarm = clock.alarm()
        self._switches = switches
        self._do = do
        self._lock = threading.Lock()
        self._queue: list[_Entry] = []
        self._number = 0
        self._under_way = 0
        self._thread = threading.Thread(target=self._run, name="bos-replication", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, after the clock was stopped."""
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def wake(self) -> None:
        """Look at the switches again."""
        self._alarm.ring()

    def push(self, task: Task, seconds: float) -> None:
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
            while (task := self._take()) is not None:
                try:
                    self._do(task)
                except Exception:  # noqa: BLE001  (the worker's own mistake must be seen, and must not end it)
                    traceback.print_exc()
                finally:
                    with self._lock:
                        self._under_way -= 1

    def _stopped(self) -> bool:
        return self._switches["worker"] == "stopped"

    def _next_due(self) -> float | None:
        with self._lock:
            return self._queue[0].due if self._queue and not self._stopped() else None

    def _take(self) -> Task | None:
        with self._lock:
            if self._queue and not self._stopped() and self._queue[0].due <= self._clock.monotonic():
                self._under_way += 1
                return heapq.heappop(self._queue).task
            return None
