"""Times as File Storage prints them: ISO 8601 in UTC with microseconds and no zone. Source: vendor API reference."""

from __future__ import annotations

from datetime import datetime


def text(moment: datetime) -> str:
    """``2024-07-30T04:54:33.219373``."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


def stamp(moment: datetime) -> str:
    """The form in names of snapshots: ``2024-10-01_142150``."""
    return f"{moment:%Y-%m-%d_%H%M%S}"
