"""A clock that tests can push: asynchronous states of an emulator follow it, not the wall clock."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """The time of one emulated world. Starts at the real time and runs at its speed.

    ``advance`` jumps forward, ``freeze`` stops, ``resume`` lets it run on from where it stopped. Time never goes
    backwards. Safe to use from any thread; everybody who waits is woken by a jump and by ``stop``.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._epoch = datetime.now(UTC)
        self._start = time.monotonic()
        self._offset = 0.0
        self._frozen_at: float | None = None
        self._stopped = False

    def monotonic(self) -> float:
        """Seconds since this clock was made, jumps included."""
        with self.changed:
            return self._elapsed()

    def now(self) -> datetime:
        """The emulated time, aware, in UTC."""
        return self._epoch + timedelta(seconds=self.monotonic())

    @property
    def frozen(self) -> bool:
        with self.changed:
            return self._frozen_at is not None

    @property
    def offset(self) -> float:
        """Seconds by which this clock is ahead of the real one; negative after it was frozen for a while."""
        return self.monotonic() - (time.monotonic() - self._start)

    def advance(self, seconds: float) -> None:
        """Jump forward. Works on a frozen clock too. ValueError if ``seconds`` is negative or not finite."""
        if not 0 <= seconds < float("inf"):
            raise ValueError("a clock only moves forward: seconds must be finite and not negative")
        with self.changed:
            self._offset += seconds
            self.changed.notify_all()

    def freeze(self) -> None:
        with self.changed:
            if self._frozen_at is None:
                self._frozen_at = time.monotonic()
            self.changed.notify_all()

    def resume(self) -> None:
        with self.changed:
            if self._frozen_at is not None:
                self._offset -= time.monotonic() - self._frozen_at
                self._frozen_at = None
            self.changed.notify_all()

    @property
    def stopped(self) -> bool:
        with self.changed:
            return self._stopped

    def stop(self) -> None:
        """Wake everybody for good: from now on no wait blocks."""
        with self.changed:
            self._stopped = True
            self.changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Sleep for emulated seconds. True when they have passed, False when the clock was stopped."""
        return self.alarm().wait(self.monotonic() + seconds)

    def sleep_until(self, moment: float) -> bool:
        """Sleep until ``monotonic()`` reaches ``moment``. True when it did, False when the clock was stopped."""
        return self.alarm().wait(moment)

    def pause(self, seconds: float) -> bool:
        """Sleep for real seconds, whatever this clock says: for what a client's own deadline must see.

        True when they have passed, False when the clock was stopped.
        """
        deadline = time.monotonic() + seconds
        with self.changed:
            while not self._stopped and (left := deadline - time.monotonic()) > 0:
                self.changed.wait(left)
            return not self._stopped

    def alarm(self) -> Alarm:
        """A wait that another thread can end early."""
        return Alarm(self)

    def _elapsed(self) -> float:
        reference = time.monotonic() if self._frozen_at is None else self._frozen_at
        return reference - self._start + self._offset


class Alarm:
    """Lets a worker sleep until a moment of the clock, or until somebody rings because there is new work."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = False

    def ring(self) -> None:
        """End the present or the next wait at once."""
        with self._clock.changed:
            self._rung = True
            self._clock.changed.notify_all()

    def wait(self, moment: float | None) -> bool:
        """Sleep until the clock's ``monotonic()`` reaches ``moment`` (None: for ever), a ring, or the clock's stop.

        True when the moment was reached or the alarm rung, False when the clock was stopped.
        """
        clock = self._clock
        with clock.changed:
            while not clock._stopped:  # noqa: SLF001  (one class in two parts)
                if self._rung:
                    self._rung = False
                    return True
                left = None if moment is None else moment - clock._elapsed()  # noqa: SLF001
                if left is not None and left <= 0:
                    return True
                # A frozen clock reaches no moment by itself: only a jump, a ring or a stop can end this.
                clock.changed.wait(None if clock._frozen_at is not None else left)  # noqa: SLF001
            return False
