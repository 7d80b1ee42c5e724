from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.report.moment import from_now, moment

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_times_are_shown_in_utc() -> None:
    assert moment(NOW.astimezone(timezone(timedelta(hours=9)))) == "2026-11-21 12:00 UTC"
    assert moment(NOW.replace(tzinfo=None)) == "2026-11-21 12:00 UTC"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (30, "in less than a minute"),
        (-59, "less than a minute ago"),
        (60, "in 1m"),
        (86_399, "in 23h59m"),
        (86_400, "in 1d"),
        (-100_000, "1d3h ago"),
    ],
)
def test_distances_are_rounded_down_to_what_matters(seconds: int, text: str) -> None:
    assert from_now(NOW + timedelta(seconds=seconds), NOW) == text
