"""Durations and sizes, as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.units import format_bytes, format_seconds, parse_bytes, parse_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1h30m", 5_400), ("2d", 172_800), ("1d2h3m4s", 93_784), ("0s", 0)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "1.5h", "30m1h", "1 h", "-1s", "1H", None, 15, 1.5, True, [], "1w"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="a duration"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.4249, "0.42 s"), (1, "1 s"), (59.999, "60 s"), (60, "1m"), (5_400, "1h30m"), (93_784, "1d2h3m4s")],
)
def test_durations_shown(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@given(st.integers(min_value=60, max_value=10**9))
def test_a_duration_shown_is_read_as_the_same(seconds: int) -> None:
    assert parse_seconds(format_seconds(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [("512", 512), (512, 512), (0, 0), ("10MiB", 10 * 2**20), ("1.5GB", 1_500_000_000), ("10 TiB", 10 * 2**40),
     ("1k", 1000), ("1KiB", 1024), ("2Eib", 2 * 2**60)],
)  # fmt: skip
def test_sizes(text: object, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "MiB", "-1", -1, True, None, "1 2", "1.5.1", "ten", 1.5])
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError, match="a size"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (46_900_000_000_000, "42.7 TiB"), (2**60, "1024.0 PiB")],
)
def test_sizes_shown(count: int, text: str) -> None:
    assert format_bytes(count) == text


def test_a_size_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="computer"):
        parse_bytes("9" * 400 + "EiB")
