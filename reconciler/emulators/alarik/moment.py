"""Times as the server prints them: ISO 8601 in UTC, to the second. Source: Vapor's default content coder."""

from __future__ import annotations

from datetime import datetime

from reconciler.emulators.alarik.switches import AlarikSwitches


def shown(moment: datetime, switches: AlarikSwitches) -> str:
    timespec = "seconds" if switches.dates == "seconds" else "milliseconds"
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
