"""A receipt remembers from when on a replication takes the objects that it takes, and a plan says how it is proved."""

from datetime import datetime
from pathlib import Path

import pytest

from reconciler.model.receipt import ReceiptEntry
from tests.lab.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def applied(bench: Workbench) -> ReceiptEntry:
    bench.clock.advance(3600)
    return bench.apply(bench.plan()).replications["one"]


def test_an_update_of_something_else_does_not_make_it_younger(bench: Workbench) -> None:
    bench.replicate("one", storageClass="COLD")
    first = applied(bench)
    assert first.since == first.applied_at
    bench.replicate("one", storageClass="WARM")
    second = applied(bench)
    assert (second.since, second.applied_at > first.applied_at) == (first.since, True)
    assert applied(bench).since == first.since


@pytest.mark.parametrize("change", [{"to": "c"}, {"filter": {"exclude": "['*.tmp']"}}])
def test_other_ends_and_another_filter_begin_anew(bench: Workbench, change: dict[str, object]) -> None:
    bench.replicate("one")
    first = applied(bench)
    bench.replicate("one", **change)  # type: ignore[arg-type]
    second = applied(bench)
    assert isinstance(first.since, datetime)
    assert isinstance(second.since, datetime)
    assert second.since > first.since


def test_receipts_of_older_versions_go_by_the_last_apply(bench: Workbench) -> None:
    bench.replicate("one", storageClass="COLD")
    first = applied(bench)
    receipt = bench.state.receipt()
    assert receipt is not None
    old = receipt.model_copy(update={"replications": {"one": first.model_copy(update={"since": None})}})
    bench.state.write_receipt(old)
    bench.replicate("one", storageClass="WARM")
    assert applied(bench).since == first.applied_at


@pytest.mark.parametrize("level", ["presence", "size", "hash", "bytes"])
def test_a_plan_says_that_all_objects_will_be_compared(bench: Workbench, level: str) -> None:
    bench.replicate("one", verify={"level": level, "within": "5m"})
    plan = bench.plan()
    assert plan.errors == ()
    (change,) = plan.changes
    assert change.proof == f"canary at both ends, within 5m; then all objects are compared by {level}"
