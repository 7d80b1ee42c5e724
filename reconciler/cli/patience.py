"""Says who is waited for, where nothing is seen to happen for long: a silent command looks like a dead one."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from reconciler.model.units import format_seconds

__all__ = ["watched"]

_FIRST_S, _NEXT_S = 10.0, 30.0


@contextmanager
def watched(tell: Callable[[str], None], *, first_s: float = _FIRST_S, next_s: float = _NEXT_S) -> Iterator[list[str]]:
    """Yield a list for the names of who is asked at this moment, each as often as it is asked. While it lasts, they are
    told from time to time."""
    asked: list[str] = []
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(tell, asked, over, first_s, next_s), name="patience", daemon=True)
    watcher.start()
    try:
        yield asked
    finally:
        over.set()
        watcher.join()


def _watch(
    tell: Callable[[str], None], asked: Sequence[str], over: threading.Event, first_s: float, next_s: float
) -> None:
    waited, pause = 0.0, first_s
    while not over.wait(pause):
        waited, pause = waited + pause, next_s
        names = ", ".join(sorted(set(asked)))
        tell(f"still reading after {format_seconds(waited)}" + (f": no answer yet from {names}" if names else ""))
