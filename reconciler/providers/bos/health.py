"""What a rule's progress says about its data plane. Pure.

Source: BOS API, GetBucketReplicationProgress: `status` is the configured one, no run state; the percentage "returns 0
if it is no longer effective", so that 0 is not begun, not asked for, or long finished alike. 100 of a rule that has
never copied may be all of nothing. There are no counts.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from reconciler.model.observation import Health, HealthState
from reconciler.model.value import Json
from reconciler.providers.bos.convert import enabled

__all__ = ["health_of"]


def health_of(progress: Mapping[str, Json]) -> Health:
    """Return what is said. Numbers may come as text, as the vendor's Go SDK reads them."""
    percent, last = _number(progress.get("historyReplicationPercent")), _moment(progress.get("latestReplicationTime"))
    if not enabled(progress):
        return Health(state=HealthState.PAUSED, detail="the rule is disabled", last_success_at=last)
    if percent is not None and 0 < percent < 100:
        detail = f"{percent:g}% of what was there before is copied"
        return Health(state=HealthState.RUNNING, detail=detail, last_success_at=last)
    if percent is not None and percent >= 100 and last is not None:
        return Health(state=HealthState.OK, detail="what was there before is copied", last_success_at=last)
    detail = "the service does not say whether copies are complete" if last else "no copy is told of"
    return Health(state=HealthState.UNKNOWN, detail=detail, last_success_at=last)


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _moment(value: Json) -> datetime | None:
    """Read seconds since 1970; None for 0, which stands for never, and for what is no moment."""
    seconds = _number(value)
    if not seconds or seconds < 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
