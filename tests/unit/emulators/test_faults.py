from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.emulators.faults import Fault, Faults, Occasion


@pytest.mark.parametrize(
    ("conditions", "matches"),
    [
        ({}, True),
        ({"emulator": "s3"}, True),
        ({"emulator": "nas"}, False),
        ({"part": "z1"}, False),
        ({"method": "put"}, True),
        ({"method": "GET"}, False),
        ({"path": "^/bucket"}, True),
        ({"path": "key$"}, True),
        ({"path": "other"}, False),
        ({"operation": "PutObject"}, True),
        ({"operation": "GetObject"}, False),
        ({"method": "PUT", "path": "other"}, False),
    ],
)
def test_every_condition_given_must_hold(conditions: dict[str, Any], matches: bool) -> None:
    faults = Faults()
    faults.add(Fault(kind="drop_before", **conditions))
    assert (faults.take(_write()) is not None) is matches


def test_it_skips_then_fires_then_is_spent() -> None:
    faults = Faults()
    faults.add(Fault(kind="drop_before", after=1, times=2))
    assert [faults.take(_write()) is not None for _ in range(5)] == [False, True, True, False, False]
    (described,) = faults.describe()
    assert (described["seen"], described["fired"]) == (3, 2)  # type: ignore[index, call-overload]


def test_without_a_number_it_fires_for_ever() -> None:
    faults = Faults()
    faults.add(Fault(kind="drop_before", times=None))
    assert all(faults.take(_write()) for _ in range(10))


def test_the_first_declared_fires_first() -> None:
    faults = Faults()
    faults.add(Fault(kind="drop_before"))
    faults.add(Fault(kind="drop_after"))
    assert [fault.kind if (fault := faults.take(_write())) else None for _ in range(3)] == [
        "drop_before",
        "drop_after",
        None,
    ]


@pytest.mark.parametrize("kind", ["stale_read", "short_page"])
def test_a_fault_of_reads_is_not_used_up_by_a_write(kind: Any) -> None:
    faults = Faults()
    faults.add(Fault(kind=kind))
    assert faults.take(_write()) is None
    assert faults.take(Occasion("s3", "", "GET", "/", None, write=False)) is not None


def test_one_or_all_can_be_taken_back() -> None:
    faults = Faults()
    first, second = faults.add(Fault(kind="drop_before")), faults.add(Fault(kind="drop_after"))
    faults.clear(first)
    assert [fault["id"] for fault in faults.describe()] == [second]  # type: ignore[index, call-overload]
    faults.clear()
    assert faults.describe() == []


def test_history_is_wanted_only_while_a_stale_read_is_to_come() -> None:
    faults = Faults()
    assert not faults.wants_history("s3")
    faults.add(Fault(kind="stale_read", emulator="s3"))
    assert faults.wants_history("s3")
    assert not faults.wants_history("nas")
    faults.take(Occasion("s3", "", "GET", "/", None, write=False))
    assert not faults.wants_history("s3")


@pytest.mark.parametrize(
    "declared",
    [
        {"kind": "explode"},
        {"kind": "status"},
        {"kind": "status", "status": 200},
        {"kind": "slow"},
        {"kind": "timeout", "seconds": 0},
        {"kind": "drop_before", "path": "("},
        {"kind": "drop_before", "times": 0},
        {"kind": "drop_before", "after": -1},
        {"kind": "drop_before", "colour": "red"},
        {"kind": "short_page", "page_size": 0},
    ],
)
def test_what_makes_no_sense_is_refused(declared: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(declared)


def _write() -> Occasion:
    return Occasion("s3", "", "PUT", "/bucket/key", "PutObject", write=True)
