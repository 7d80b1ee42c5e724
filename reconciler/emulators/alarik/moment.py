"""Times as the server prints them: ISO 8601 in UTC, to the second. Source: Vapor's default content coder."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.emulators.alarik.switches import AlarikSwitches


def shown(moment: datetime, switches: AlarikSwitches) -> str:
    """A time without a zone is in UTC."""
    timespec = "seconds" if switches.dates == "seconds" else "milliseconds"
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.isoformat(timespec=timespec).replace("+00:00", "Z")
