"""What the emulators were asked, in order. Never a header, a body or a secret."""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import asdict, dataclass
from itertools import dropwhile

from reconciler.emulators.message import JsonValue

CAPACITY = 200_000

_SECRET_PARAMETER = re.compile(
    r"(?<![^&])(X-Amz-Signature|X-Amz-Security-Token|Signature|password|secret|access_token|token|key)=[^&]*",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Entry:
    """One request. ``status`` and ``outcome`` are set when it is over.

    ``outcome``: ``open`` while it runs, ``answered``, ``dropped`` (the connection was closed without an answer).
    ``committed``: the emulator itself was reached, so that a write has happened unless ``status`` says otherwise.
    ``operation`` is the vendor's name for the call where the emulator knows it; ``part`` names the endpoint that was
    asked where a system has several, such as a zone.
    """

    seq: int
    emulator: str
    at: str
    method: str
    path: str
    query: str
    write: bool
    operation: str | None
    size: int
    agent: str
    part: str = ""
    status: int | None = None
    outcome: str = "open"
    committed: bool = False
    fault: str | None = None


class RequestLog:
    """Append-only and bounded: beyond ``CAPACITY`` entries the oldest go, and are counted. Thread-safe."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._seq = 0
        self._dropped = 0

    def begin(
        self,
        *,
        emulator: str,
        at: str,
        method: str,
        path: str,
        query: str,
        write: bool,
        operation: str | None,
        size: int,
        agent: str,
        part: str = "",
    ) -> Entry:
        """Note a request on arrival; the caller completes the entry with ``finish``."""
        with self._lock:
            self._seq += 1
            entry = Entry(
                self._seq, emulator, at, method, path, redact(query), write, operation, size, agent[:200], part
            )
            if len(self._entries) == self._entries.maxlen:
                self._dropped += 1
            self._entries.append(entry)
            return entry

    def finish(self, entry: Entry, *, status: int | None, committed: bool, fault: str | None) -> None:
        with self._lock:
            entry.status = status
            entry.outcome = "dropped" if status is None else "answered"
            entry.committed = committed
            entry.fault = fault

    def since(self, seq: int = 0, emulator: str | None = None) -> dict[str, JsonValue]:
        """Entries after ``seq``, oldest first: ``{"requests": [...], "last": seq, "dropped": count}``."""
        with self._lock:
            rows = [
                asdict(entry)
                for entry in dropwhile(lambda entry: entry.seq <= seq, self._entries)
                if emulator is None or entry.emulator == emulator
            ]
            return {"requests": rows, "last": self._seq, "dropped": self._dropped}

    def clear(self) -> None:
        """Forget the entries. Numbers go on from where they were."""
        with self._lock:
            self._entries.clear()
            self._dropped = 0


def redact(query: str) -> str:
    """A query string without the values that grant access (a presigned URL's signature, for one)."""
    return _SECRET_PARAMETER.sub(lambda match: f"{match.group(1)}=***", query)
