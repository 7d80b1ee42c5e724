"""Times as a cluster prints them: RFC 3339 in UTC with nine digits after the point."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNT = itertools.count()


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970. The last three digits, finer than a datetime, tell apart times of one microsecond."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000 + next(_COUNT) % 1000


def ticker(now: Callable[[], datetime]) -> Callable[[], int]:
    """A clock that reads in nanoseconds."""
    return lambda: nanoseconds(now())


def text(at: int) -> str:
    """``2020-04-06T17:56:29.659309904Z``. Source: printed answers in Qumulo's administrator guides."""
    seconds, fraction = divmod(at, 1_000_000_000)
    return f"{(_EPOCH + timedelta(seconds=seconds)):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
