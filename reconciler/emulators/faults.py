"""Faults on demand: declared as data, matched against requests, used up as they fire."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from reconciler.emulators.message import JsonValue

FaultKind = Literal["status", "timeout", "drop_before", "drop_after", "stale_read", "short_page", "slow"]

#: These make no sense for a write, which they pass by without being used up.
_READS_ONLY = frozenset({"stale_read", "short_page"})


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return value


@dataclass(frozen=True, slots=True)
class Occasion:
    """What of a request a fault can be bound to."""

    emulator: str
    part: str
    method: str
    path: str
    operation: str | None
    write: bool


class Fault(BaseModel):
    """What goes wrong, and for which requests.

    Matching: every condition given must hold. ``path`` is searched in the decoded path; ``operation`` is the
    vendor's name as in the request log. The first ``after`` matching requests pass, the next ``times`` fail
    (None: all that come). Of several faults the one declared first fires.

    =============  ============================================================================================
    kind           what the client sees
    =============  ============================================================================================
    status         ``status`` with the provider's own error body, and ``Retry-After`` when ``retry_after`` is given;
                   nothing is committed
    timeout        nothing for ``seconds``, then a closed connection; committed first when ``commit`` is true
    drop_before    a closed connection, nothing committed
    drop_after     a closed connection, committed
    stale_read     a read answers with the state before the last write made since this fault was declared
    short_page     a listing returns at most ``page_size`` entries a page
    slow           the right answer, ``seconds`` late
    =============  ============================================================================================

    ``seconds`` are real seconds, since they are meant for the client's own deadline.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    emulator: str | None = None
    part: str | None = None
    method: str | None = None
    path: Annotated[str, AfterValidator(_pattern)] = ""
    operation: str | None = None
    times: Annotated[int, Field(ge=1)] | None = 1
    after: Annotated[int, Field(ge=0)] = 0
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    retry_after: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    page_size: Annotated[int, Field(ge=1)] = 1
    commit: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"status": self.status, "timeout": self.seconds, "slow": self.seconds}
        if self.kind in needed and needed[self.kind] is None:
            raise ValueError(f"a fault of kind {self.kind} needs {'status' if self.kind == 'status' else 'seconds'}")
        return self

    def matches(self, occasion: Occasion) -> bool:
        return (
            not (occasion.write and self.kind in _READS_ONLY)
            and self.emulator in (None, occasion.emulator)
            and self.part in (None, occasion.part)
            and (self.method is None or self.method.upper() == occasion.method)
            and self.operation in (None, occasion.operation)
            and re.search(self.path, occasion.path) is not None
        )


@dataclass(slots=True)
class _Armed:
    number: int
    fault: Fault
    seen: int = 0
    fired: int = 0

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.fired >= self.fault.times


class Faults:
    """The faults declared now, with how often each was met. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._number = 0

    def add(self, fault: Fault) -> int:
        """Declare a fault; returns its number."""
        with self._lock:
            self._number += 1
            self._armed.append(_Armed(self._number, fault))
            return self._number

    def clear(self, number: int | None = None) -> None:
        """Take back one fault, or all of them."""
        with self._lock:
            self._armed = [armed for armed in self._armed if number is not None and armed.number != number]

    def take(self, occasion: Occasion) -> Fault | None:
        """The fault that this request meets, used up by one; None for a request that meets none."""
        with self._lock:
            for armed in self._armed:
                if armed.spent or not armed.fault.matches(occasion):
                    continue
                armed.seen += 1
                if armed.seen > armed.fault.after:
                    armed.fired += 1
                    return armed.fault
            return None

    def wants_history(self, emulator: str) -> bool:
        """Whether the state before a write must be kept, for a stale read to come."""
        with self._lock:
            return any(
                armed.fault.kind == "stale_read" and not armed.spent and armed.fault.emulator in (None, emulator)
                for armed in self._armed
            )

    def describe(self) -> list[JsonValue]:
        """Every declared fault with ``id``, ``seen`` and ``fired``; the spent ones too."""
        with self._lock:
            return [
                {"id": armed.number, **armed.fault.model_dump(mode="json"), "seen": armed.seen, "fired": armed.fired}
                for armed in self._armed
            ]
