"""Desired laid over observed."""

import pytest

from reconciler.engine.diff import differences, managed_part, settings_listed
from reconciler.model.relationship import Settings


def paths(observed: Settings, desired: Settings) -> list[str]:
    return [field.dotted for field in differences(observed, desired)]


@pytest.mark.parametrize(
    ("reason", "observed", "desired", "expected"),
    [
        ("what is left out is not managed", {"state": "active", "storageClass": "GLACIER"}, {"state": "active"}, []),
        ("an inner key left out is not managed", {"s3": {"a": 1, "b": 2}}, {"s3": {"a": 1}}, []),
        ("a setting that is not there differs", {}, {"state": "active"}, ["state"]),
        ("None is the same as not there", {"storageClass": None}, {}, []),
        ("None desired is not managed", {"s3": {"a": 1}}, {"s3": {"a": None}}, []),
        ("True is not 1", {"s3": {"metrics": 1}}, {"s3": {"metrics": True}}, ["s3.metrics"]),
        ("one tag too many", {"filter": {"tags": {"a": "1", "b": "2"}}}, {"filter": {"tags": {"a": "1"}}},
         ["filter.tags.b"]),
        ("managed to be empty", {"filter": {"tags": {"a": "1"}}}, {"filter": {"tags": {}}}, ["filter.tags.a"]),
        ("a list is compared in order", {"filter": {"exclude": ["a", "b"]}}, {"filter": {"exclude": ["b", "a"]}},
         ["filter.exclude"]),
        ("a mapping instead of a word", {"destination": "x"}, {"destination": {"bucket": "b"}}, ["destination.bucket"]),
        ("several, in order", {"state": "paused", "s3": {"z": 1}}, {"state": "active", "s3": {"z": 2, "a": 1}},
         ["s3.a", "s3.z", "state"]),
    ],
)  # fmt: skip
def test_differences(reason: str, observed: Settings, desired: Settings, expected: list[str]) -> None:
    assert paths(observed, desired) == expected, reason


def test_before_and_after_are_the_values() -> None:
    (field,) = differences({"destination": {"bucket": "old"}}, {"destination": {"bucket": "new"}})
    assert (field.path, field.before, field.after) == (("destination", "bucket"), "old", "new")


def test_what_forces_a_replacement_is_marked() -> None:
    fields = differences({"a": 1, "b": 1}, {"a": 2, "b": 2}, replaces=lambda path: path == ("a",))
    assert [(field.dotted, field.forces_replace) for field in fields] == [("a", True), ("b", False)]


def test_a_create_lists_every_setting() -> None:
    listed = settings_listed({"source": {"bucket": "a", "prefix": ""}, "state": "active"})
    assert [(field.dotted, field.before, field.after) for field in listed] == [
        ("source.bucket", None, "a"),
        ("source.prefix", None, ""),
        ("state", None, "active"),
    ]


def test_the_managed_part_goes_two_levels_deep() -> None:
    observed: Settings = {"s3": {"a": {"x": 1, "y": 2}, "b": 1}, "state": "active"}
    assert managed_part(observed, {"s3": {"a": {"x": 1}}}) == {"s3": {"a": {"x": 1, "y": 2}}}
