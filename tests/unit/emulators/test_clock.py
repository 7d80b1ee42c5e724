import threading
import time
from datetime import UTC, timedelta

import pytest

from reconciler.emulators.clock import Clock


def test_time_is_aware_and_moves_on() -> None:
    clock = Clock()
    first = clock.now()
    assert first.tzinfo is UTC
    assert clock.wait(0.01)
    assert clock.now() > first


def test_a_jump_moves_now_and_monotonic_together() -> None:
    clock = Clock()
    clock.freeze()
    now, monotonic = clock.now(), clock.monotonic()
    clock.advance(3600)
    assert clock.now() - now == timedelta(hours=1)
    assert clock.monotonic() - monotonic == pytest.approx(3600)


def test_a_frozen_clock_stands_still_and_goes_on_from_there() -> None:
    clock = Clock()
    clock.freeze()
    stood = clock.monotonic()
    time.sleep(0.05)
    assert clock.monotonic() == stood
    clock.resume()
    assert stood <= clock.monotonic() < stood + 0.05
    assert clock.offset < 0


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_time_never_goes_backwards_nor_to_the_end(seconds: float) -> None:
    with pytest.raises(ValueError, match="forward"):
        Clock().advance(seconds)


def test_a_jump_wakes_who_waits_on_a_frozen_clock() -> None:
    clock = Clock()
    clock.freeze()
    woken = _in_thread(lambda: clock.wait(3600))
    assert not woken.done(0.05)
    clock.advance(3599)
    assert not woken.done(0.05)
    clock.advance(1)
    assert woken.result() is True


def test_stop_wakes_everybody_and_says_so() -> None:
    clock = Clock()
    waits = [_in_thread(lambda: clock.wait(3600)), _in_thread(lambda: clock.pause(3600))]
    assert not any(wait.done(0.02) for wait in waits)
    clock.stop()
    assert [wait.result() for wait in waits] == [False, False]
    assert clock.wait(3600) is False
    assert clock.stopped


def test_a_pause_is_in_real_seconds() -> None:
    clock = Clock()
    clock.freeze()
    assert clock.pause(0.01) is True


def test_an_alarm_ends_the_present_wait_or_the_next() -> None:
    clock = Clock()
    alarm = clock.alarm()
    alarm.ring()
    assert alarm.wait(None) is True
    waiting = _in_thread(lambda: alarm.wait(None))
    assert not waiting.done(0.05)
    alarm.ring()
    assert waiting.result() is True
    assert alarm.wait(clock.monotonic()) is True


class _Run:
    def __init__(self, action: object) -> None:
        self._results: list[object] = []
        assert callable(action)
        self._thread = threading.Thread(target=lambda: self._results.append(action()), daemon=True)
        self._thread.start()

    def done(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> object:
        assert self.done(5)
        return self._results[0]


def _in_thread(action: object) -> _Run:
    return _Run(action)
