"""Times as Java's ``Instant`` prints and reads them: ISO 8601 in UTC, to the millisecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_INSTANT: Final = re.compile(r"[+-]?\d{4,}-\d\d-\d\dT\d\d:\d\d(:\d\d([.]\d{1,9})?)?Z")


def shown(moment: datetime) -> str:
    """Without a fraction where there is none."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return f"{text.removesuffix('.000')}Z"


def parse(text: str) -> datetime:
    """ValueError for anything that is no instant; a zone other than Z is none."""
    if _INSTANT.fullmatch(text) is None:
        raise ValueError("not an instant")
    whole, _, fraction = text.removesuffix("Z").partition(".")
    read = datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}")
    return read.replace(tzinfo=UTC)


def now_ms(moment: datetime) -> datetime:
    """Without what the database does not keep."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
