"""One apply at a time: a lock that ends with its process, and says who holds it."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.clock import Clock
from reconciler.errors import LockHeld

__all__ = ["FileLock"]


class FileLock:
    """An advisory lock on a file. The kernel frees it when the holder dies, however it dies.

    It holds between processes of one machine, and between machines where the file system has such locks.
    """

    def __init__(self, path: Path, *, actor: str, clock: Clock) -> None:
        self.path = path
        self._actor = actor
        self._clock = clock
        self._handle: int | None = None

    def __enter__(self) -> Self:
        """Take the lock. Raises LockHeld with the holder's name and since when, at once."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(handle)
            os.close(handle)
            raise LockHeld(
                f"another apply holds the lock {self.path}: {holder}",
                hint="wait for it to end; a lock never outlives its process",
            ) from error
        note = {"actor": self._actor, "pid": os.getpid(), "since": self._clock.now().isoformat()}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(note).encode(), 0)
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the lock."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def _holder(handle: int) -> str:
    try:
        note = json.loads(os.pread(handle, 4096, 0))
        return f"{note['actor']}, process {note['pid']}, since {note['since']}"
    except (ValueError, KeyError, TypeError):
        return "holder unknown"
