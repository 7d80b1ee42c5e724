"""Points in time as people read them: UTC, to the minute, and how far off."""

from datetime import UTC, datetime

from reconciler.model.units import format_seconds

__all__ = ["from_now", "moment"]


def moment(at: datetime) -> str:
    """Write `2026-11-21 01:07 UTC`. A time without a zone is taken as UTC."""
    return _utc(at).strftime("%Y-%m-%d %H:%M UTC")


def from_now(at: datetime, now: datetime) -> str:
    """Write `in 23h59m` or `3d4h ago`: whole minutes, and no minutes where days are shown."""
    seconds = round((_utc(at) - _utc(now)).total_seconds())
    grain = 3_600 if abs(seconds) >= 86_400 else 60
    size = abs(seconds) // grain * grain
    text = format_seconds(size) if size else "less than a minute"
    return f"{text} ago" if seconds < 0 else f"in {text}"


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
