"""A clock that tests move: waiting takes no time, and time passes only by waiting."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["ManualClock"]


class ManualClock:
    """A `Clock` whose `sleep` returns at once and moves the time on by what was asked for.

    `woken` is called after each sleep with the seconds since the start, outside the lock: the place to change the
    world or to set the stop event while something waits.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = threading.Lock()
        self.woken: Callable[[float], None] = lambda _elapsed: None

    def now(self) -> datetime:
        """Return the start plus what was slept."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        with self._lock:
            return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody waiting."""
        with self._lock:
            self._elapsed += seconds

    def sleep(self, seconds: float, stop: threading.Event) -> bool:
        """Let time pass, unless `stop` is set already."""
        if not stop.is_set():
            self.advance(max(0.0, seconds))
            self.woken(self.monotonic())
        return stop.is_set()
