"""What apply tells while it runs, as values; whoever listens decides how to show it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ApplyEvent", "Emit", "EventKind", "ignore"]


class EventKind(StrEnum):
    """What has just happened."""

    STARTED = "started"
    CALL_START = "call_start"
    CALL_END = "call_end"
    CALL_SETTLED = "call_settled"
    """An earlier attempt's outcome was unknown; looking has shown that it had worked."""
    CALL_RETRY = "call_retry"
    WAIT = "wait"
    READ_BACK = "read_back"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyEvent:
    """One thing worth a line."""

    kind: EventKind
    container: str = ""
    step: str = ""
    text: str = ""
    percent: float | None = None


Emit = Callable[[ApplyEvent], None]


def ignore(event: ApplyEvent) -> None:
    """Listen to nothing."""
    del event
