"""Exclusions and the destination's prefix on a service that shows them, and on one that does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.model.change import Action
from reconciler.model.plan import Plan
from reconciler.model.relationship import Flow
from reconciler.testing.host import Host
from tests.contract.harnesses.bos import BosHarness, Way

HIDDEN = {"echo_not_include_resource": False, "echo_destination_prefix": False}


@pytest.fixture(params=[{}, HIDDEN], ids=["shown", "hidden"])
def switches(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture
def host(tmp_path: Path, certificate: Certificate, switches: dict[str, Any]) -> Iterator[Host]:
    harness = BosHarness(tmp_path, certificate, Way(switches=switches))
    host = Host(harness, tmp_path / "state")
    yield host
    host.close()
    harness.close()


def made(host: Host, prefix: str | None = None, *globs: str, **spec: Any) -> Flow:
    harness = host.harness
    assert isinstance(harness, BosHarness)
    chosen = {"filter": {"exclude": list(globs)}} if globs else {}
    return harness.made("one", {"bucket": "src-a", "prefix": "one/"}, {"bucket": "dst-a", "prefix": prefix},
                        chosen | spec)  # fmt: skip


def changed(plan: Plan) -> list[str]:
    return [field.dotted for change in plan.active_changes for field in change.fields]


def codes(plan: Plan) -> list[str]:
    return [finding.code for finding in plan.findings]


def test_each_change_is_written_once_and_then_there_is_none(host: Host) -> None:
    first, more, moved = made(host, "d/", "*.tmp"), made(host, "d/", "*.tmp", "old/*"), made(host, "e/", "*.tmp")
    for flow, fields in ((first, None), (more, ["filter.exclude"]), (moved, ["destination.prefix", "filter.exclude"])):
        plan = host.plan(flow)
        assert fields is None or changed(plan) == fields
        assert plan.summary.calls == 1
        host.converge(flow)
        host.settled(flow)
    host.converge(made(host, None, filter={"exclude": []}))
    host.settled(made(host, None, filter={"exclude": []}))


def test_copies_obey_what_is_not_shown(host: Host) -> None:
    harness = host.harness
    assert isinstance(harness, BosHarness)
    host.converge(made(host, "d/", "*.tmp"))
    host.converge(made(host, "e/", "*.log"))
    for key in ("one/a", "one/a.tmp", "one/a.log"):
        harness.write("src-a", key)
    harness.settle()
    assert {key for key in harness.objects("dst-a") if key.startswith("e/")} == {"e/one/a", "e/one/a.tmp"}


def test_without_a_receipt_what_is_wanted_is_written_again_where_nobody_can_see_it(
    host: Host, switches: dict[str, Any]
) -> None:
    flow = made(host, None, "*.tmp")
    host.converge(flow)
    host.forget()
    plan = host.plan(flow)
    assert changed(plan) == (["filter.exclude"] if switches else [])
    host.converge(flow)
    host.settled(flow)


def test_a_rule_of_which_nobody_knows_is_said(host: Host, switches: dict[str, Any]) -> None:
    """Nothing is wanted and nothing is shown: equal, as far as anybody can tell."""
    host.converge(made(host, None))
    assert "REPL-W003" not in codes(host.plan(made(host, None)))
    host.forget()
    plan = host.plan(made(host, None))
    assert [change.action for change in plan.changes] == [Action.NONE]
    # With no rule that has either, a service that would show them looks the same.
    assert codes(plan).count("REPL-W003") == 1
    with_list = host.plan(made(host, None, filter={"exclude": []}))
    assert codes(with_list).count("REPL-W003") == 2


def test_exclusions_of_others_are_not_wiped_without_a_word(host: Host, switches: dict[str, Any]) -> None:
    harness = host.harness
    assert isinstance(harness, BosHarness)
    host.converge(made(host, None, "*.tmp"))
    plan = host.plan(made(host, None, deletes="replicate"))
    assert ("REPL-W310" in codes(plan)) == bool(switches)


def test_what_is_removed_by_hand_is_seen_where_it_was_shown_before(host: Host, switches: dict[str, Any]) -> None:
    harness = host.harness
    assert isinstance(harness, BosHarness)
    flow = made(host, None, "*.tmp")
    host.converge(flow)
    held = harness.rule("src-a", harness.identity(flow))
    assert held is not None
    harness.put_rule("src-a", {key: value for key, value in held.items() if key != "notIncludeResource"})
    assert changed(host.plan(flow)) == ([] if switches else ["filter.exclude"])
