"""Time as a parameter: whatever waits or dates something is handed a clock. A leaf, free to import from anywhere."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """The time, and a way to wait that can be stopped. All methods may be called from several threads."""

    def now(self) -> datetime:
        """Return the date and time, aware, in UTC. May jump; for records, never for measuring."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back. For measuring and for deadlines."""
        ...

    def sleep(self, seconds: float, stop: threading.Event) -> bool:
        """Wait, and return at once when `stop` is set. Return whether `stop` is set."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the machine's date and time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's steady count of seconds."""
        return time.monotonic()

    def sleep(self, seconds: float, stop: threading.Event) -> bool:
        """Wait on the event itself, so that setting it ends the wait."""
        return stop.wait(max(0.0, seconds))
