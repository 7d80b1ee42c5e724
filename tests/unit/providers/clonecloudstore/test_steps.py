"""The calls of a plan: as few as can be, in an order in which nothing is lost, and what follows from them."""

from typing import Any

import pytest

from reconciler.model.step import Await, Call, StepPlan
from reconciler.providers.clonecloudstore.steps import plan_steps
from tests.unit.providers.clonecloudstore.flows import back, diff, flow, ground, site

COPY: dict[str, Any] = {"existing": "copy", "deletes": "replicate"}


def ids(plan: StepPlan) -> list[str]:
    return [step.id for step in plan.steps]


def rules(plan: StepPlan) -> set[str]:
    return {effect.rule for effect in plan.effects}


def call(plan: StepPlan, name: str) -> Call:
    return next(step for step in plan.steps if isinstance(step, Call) and step.id == name)


def test_between_strangers() -> None:
    plan = plan_steps(diff(ground(None, None, invoices=""), flow(state="active", deletes="replicate")))
    assert ids(plan) == [
        "know-site-a-at-site-b",
        "buckets-client1-at-site-b",
        "buckets-client1-ready-at-site-b",
        "know-site-b-at-site-a",
    ]
    body = call(plan, "know-site-a-at-site-b").body
    assert isinstance(body, dict)
    assert body["topology"] == {
        "id": "site-a", "name": "site-a", "uri": "https://replicator.site-a.example", "status": "UNKNOWN",
    }  # fmt: skip
    assert rules(plan) == {"CCS-ALL-BUCKETS", "CCS-CACHED-LIST", "CCS-NO-BACKFILL"}


def test_only_what_differs_is_written() -> None:
    plan = plan_steps(diff(ground("UP", "UP", invoices=""), flow(state="active", deletes="replicate")))
    assert ids(plan) == ["buckets-client1-at-site-b", "buckets-client1-ready-at-site-b"]
    assert [one.code for one in plan.findings] == ["REPL-W607"]


@pytest.mark.parametrize("held", ["UNKNOWN", "DELETED", "DOWN"])
def test_a_site_becomes_up_in_place(held: str) -> None:
    plan = plan_steps(diff(ground(held, invoices="READY"), flow(state="active", deletes="replicate")))
    assert ids(plan) == ["know-site-b-at-site-a"]
    assert call(plan, "know-site-b-at-site-a").operation == "PUT /administration/topologies"


def test_a_state_that_is_not_managed_stays() -> None:
    plan = plan_steps(diff(ground("DOWN", invoices=""), flow(deletes="replicate")))
    assert ids(plan) == ["buckets-client1-at-site-b", "buckets-client1-ready-at-site-b"]
    assert "CCS-ALL-BUCKETS" not in rules(plan)


def test_pausing_writes_one_list() -> None:
    plan = plan_steps(diff(ground("UP", invoices="READY", other="READY"), flow(state="paused")))
    assert ids(plan) == ["know-site-b-at-site-a"]
    assert rules(plan) == {"CCS-PAUSE"}
    assert "other" in plan.effects[0].text


def test_the_other_direction_keeps_its_state() -> None:
    plan = plan_steps(diff(ground("UP", "UP", invoices="READY"), flow(state="paused")))
    assert ids(plan) == ["know-site-b-at-site-a"]


def test_both_directions_at_once() -> None:
    plan = plan_steps(diff(ground(None, None, invoices=""), flow(), back()))
    lists = [one for one in ids(plan) if one.startswith("know")]
    assert lists == ["know-site-b-at-site-a", "know-site-a-at-site-b"]
    assert [call(plan, name).summary.rsplit(", ", 1)[1] for name in lists] == ["UP: orders are sent there"] * 2


@pytest.mark.parametrize(
    ("held", "deletes", "expected"),
    [
        ("OWNER", "keep", ["take", "give"]),
        ("READ", "keep", ["give"]),
        ("READ", "replicate", ["give"]),
        ("READ_WRITE", "replicate", ["give"]),
        ("DELETE", "keep", ["take", "give"]),
        ("WRITE", None, ["give"]),
        ("READ_WRITE", None, []),
        ("OWNER", "replicate", []),
    ],
)
def test_rights(held: str, deletes: str | None, expected: list[str]) -> None:
    subject = flow(deletes=deletes, state="active")
    plan = plan_steps(diff(ground("DOWN", invoices="READY", there={"invoices": held}), subject))  # type: ignore[arg-type]
    assert [one.split("-")[0] for one in ids(plan) if one.startswith(("take", "give"))] == expected


def test_a_new_bucket_for_keeping_loses_the_right_to_delete() -> None:
    plan = plan_steps(diff(ground(None, None, invoices=""), flow(deletes="keep")))
    assert ids(plan)[3:5] == ["take-client1-invoices-at-site-b", "give-client1-invoices-at-site-b"]
    assert {one.rule: one.blocks for one in plan.effects}["CCS-RIGHTS"] is False


def test_removal_leaves_the_right_to_read() -> None:
    plan = plan_steps(diff(ground(invoices="READY"), gone=["site-a->site-b/client1/invoices"]))
    assert ids(plan) == ["take-client1-invoices-at-site-b", "give-client1-invoices-at-site-b"]
    body = call(plan, "give-client1-invoices-at-site-b").body
    assert isinstance(body, dict)
    assert body["right"] == "READ"
    assert rules(plan) == {"CCS-UNPROTECTED", "CCS-RIGHTS"}
    assert [one.code for one in plan.findings] == ["REPL-W611"]
    plan = plan_steps(diff(ground(invoices="READY", other="READY"), gone=["site-a->site-b/client1/invoices"]))
    assert not plan.findings


@pytest.mark.parametrize("returns", ["UP", "DOWN", "UNKNOWN"])
def test_removal_blocks_where_the_bucket_is_written_there(returns: str) -> None:
    plan = plan_steps(diff(ground("UP", returns, invoices="READY"), gone=["site-a->site-b/client1/invoices"]))
    assert {one.rule: one.blocks for one in plan.effects}["CCS-RIGHTS"] is (returns == "UP")


def test_copying_comes_last_and_in_rounds() -> None:
    plan = plan_steps(diff(ground(None, None, invoices=""), flow(state="active", **COPY)))
    assert ids(plan)[3:] == [
        "know-site-b-at-site-a", "list-known-at-site-a", "order-1-invoices", "copied-1-invoices", "order-2-invoices",
        "copied-2-invoices", "order-3-invoices", "copied-3-invoices", "compare-invoices",
    ]  # fmt: skip
    assert [one.id for one in plan.steps if isinstance(one, Call) and one.copies] == ["compare-invoices"]
    assert "CCS-NO-BACKFILL" not in rules(plan)


def test_replacing_and_pruning_clear_first_and_block() -> None:
    subject = flow(state="active", **COPY, options={"conflicts": "replace", "prune": True})
    plan = plan_steps(diff(ground(invoices=""), subject))
    assert ids(plan)[2:6] == ["clear-1-invoices", "cleared-1-invoices", "order-1-invoices", "copied-1-invoices"]
    assert {one.rule for one in plan.effects if one.blocks} == {"CCS-OVERWRITE", "CCS-PRUNE"}


def test_what_comes_back_is_not_pruned() -> None:
    plan = plan_steps(diff(ground("UP", "UP", invoices=""), flow(**COPY, options={"prune": True})))
    assert plan.steps == ()
    assert "REPL-W612" in [one.code for one in plan.findings]


def test_what_will_come_back_is_not_pruned() -> None:
    pruned = flow(state="active", **COPY, options={"prune": True})
    for other in (back("other", bucket="other"), back("other", bucket="other", state="active")):
        plan = plan_steps(diff(ground(None, None, invoices="", other="READY"), pruned, other))
        assert (plan.steps, [one.code for one in plan.findings]) == ((), ["REPL-W612"])
    paused = back("other", bucket="other", state="paused")
    plan = plan_steps(diff(ground(None, None, invoices="", other="READY"), pruned, paused))
    assert not plan.findings


def test_no_list_is_waited_for_where_it_is_not_believed() -> None:
    ends = (site("site-a", topologyCache="0s"), site("site-b"))
    plan = plan_steps(diff(ground(None, None, invoices=""), flow(ends=ends, **COPY)))
    assert "list-known-at-site-a" not in ids(plan)


def test_asking_to_copy_later_copies_and_nothing_else() -> None:
    plan = plan_steps(diff(ground(invoices="READY"), flow(**COPY)))
    assert {one.split("-")[0] for one in ids(plan)} == {"order", "copied", "compare"}


@pytest.mark.parametrize("existing", ["copy", "ignore", None])
def test_a_resync_that_was_asked_for_copies(existing: str | None) -> None:
    plan = plan_steps(diff(ground(invoices="READY"), flow(existing=existing), resend=["invoices"]))
    assert ids(plan)[-1] == "compare-invoices"


def test_a_resync_of_a_paused_pair_is_refused() -> None:
    plan = plan_steps(diff(ground("DOWN", invoices="READY"), flow(state="paused"), resend=["invoices"]))
    assert plan.steps == ()
    assert [one.code for one in plan.findings] == ["REPL-W608"]


def test_nothing_is_copied_into_a_pause() -> None:
    plan = plan_steps(diff(ground(None, None, invoices=""), flow(state="paused", **COPY)))
    assert "compare-invoices" not in ids(plan)
    plan = plan_steps(diff(ground("DOWN", invoices="READY"), flow(state="active", **COPY)))
    assert ids(plan)[-1] == "compare-invoices"
    assert "stays at site-b" in {one.rule: one.text for one in plan.effects}["CCS-NO-BACKFILL"]
    pruned = flow(state="active", **COPY, options={"prune": True})
    assert "CCS-NO-BACKFILL" not in rules(plan_steps(diff(ground("DOWN", invoices="READY"), pruned)))


@pytest.mark.parametrize(("before", "loses"), [("UP", True), ("DOWN", False), ("UNKNOWN", False), (None, False)])
def test_a_pause_loses_what_was_sent_before_and_nothing_else(before: str | None, loses: bool) -> None:
    plan = plan_steps(diff(ground(before, invoices="READY"), flow(state="paused")))
    assert ("CCS-PAUSE" in rules(plan)) is loses
    assert "CCS-NO-BACKFILL" not in rules(plan)


@pytest.mark.parametrize(
    ("before", "operation"),
    [(None, "POST /administration/topologies"), ("UNKNOWN", "PUT /administration/topologies"),
     ("DELETED", "PUT /administration/topologies")],
)  # fmt: skip
def test_a_destination_becomes_up_from_whatever_is_no_running_state(before: str | None, operation: str) -> None:
    know = call(plan_steps(diff(ground(before, invoices="READY"), flow())), "know-site-b-at-site-a")
    assert know.operation == operation
    assert "UP: orders are sent there" in know.summary


def test_two_states_at_once_are_refused() -> None:
    subjects = (flow("a", bucket="one", state="active"), flow("b", bucket="two", state="paused"))
    plan = plan_steps(diff(ground(None, None, one="", two=""), *subjects))
    assert (plan.steps, [one.code for one in plan.findings]) == ((), ["REPL-W610"])


def test_buckets_go_together() -> None:
    subjects = [flow(name, bucket=name) for name in ("one", "two", "three")]
    plan = plan_steps(diff(ground(None, None, one="", two="", three=""), *subjects))
    assert len([one for one in plan.steps if isinstance(one, Call)]) == 3
    assert call(plan, "buckets-client1-at-site-b").operation.endswith("/multiple")


def test_a_bucket_that_is_being_made_is_waited_for_and_not_ordered() -> None:
    subjects = [flow(name, bucket=name, state="active") for name in ("one", "two")]
    rights = {"one": "OWNER", "two": "OWNER"}
    plan = plan_steps(diff(ground("UP", one="UPLOAD", two="UPLOAD", there=rights), *subjects))
    assert ids(plan) == ["buckets-client1-ready-at-site-b"]
    plan = plan_steps(diff(ground("UP", one="UPLOAD", two="", there={"one": "OWNER"}), *subjects))
    assert ids(plan) == ["buckets-client1-at-site-b", "buckets-client1-ready-at-site-b"]
    assert call(plan, "buckets-client1-at-site-b").summary == "order bucket two at site-b"
    waits = {step.id: step.params for step in plan.steps if isinstance(step, Await)}
    params = waits["buckets-client1-ready-at-site-b"]
    assert isinstance(params, dict)
    assert params["buckets"] == ["one", "two"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"prune": True}, ["give-client1-invoices-at-site-b"]),
        ({"conflicts": "replace"}, ["give-client1-invoices-at-site-b"]),
    ],
)
def test_what_deletes_to_copy_has_the_right_to_delete(options: dict[str, Any], expected: list[str]) -> None:
    subject = flow(state="active", existing="copy", options=options)
    plan = plan_steps(diff(ground("UP", invoices="READY", there={"invoices": "READ_WRITE"}), subject))
    assert [one for one in ids(plan) if one.startswith(("take", "give"))] == expected


def waits(plan: StepPlan) -> dict[str, int]:
    """Seconds by condition."""
    found = [(step.condition, step.params) for step in plan.steps if isinstance(step, Await)]
    return {
        name: int(str(params["seconds"])) for name, params in found if isinstance(params, dict) and "seconds" in params
    }


def test_both_waits_run_at_once() -> None:
    held = ground("DOWN", invoices="READY", there={"invoices": "READ"})
    plan = plan_steps(diff(held, flow(state="active", **COPY)))
    assert waits(plan) == {"rights-known": 600}
    ends = (site("site-a", topologyCache="15m"), site("site-b"))
    plan = plan_steps(diff(held, flow(state="active", ends=ends, **COPY)))
    assert waits(plan) == {"rights-known": 600, "list-known": 300}
    ends = (site("site-a"), site("site-b", ownershipCache="0s"))
    plan = plan_steps(diff(held, flow(state="active", ends=ends, **COPY)))
    assert waits(plan) == {"list-known": 300}
    assert "CCS-CACHED-RIGHTS" not in rules(plan)


def test_a_silent_flow_goes_with_its_pair() -> None:
    silent, resumed = flow("silent", bucket="one", **COPY), flow("said", bucket="two", state="active")
    plan = plan_steps(diff(ground("DOWN", one="", two="READY"), silent, resumed))
    assert "compare-silent" in ids(plan)
    paused = flow("said", bucket="two", state="paused")
    plan = plan_steps(diff(ground("UP", one="", two="READY"), silent, paused))
    assert "compare-silent" not in ids(plan)


def test_what_the_lists_bring_back_is_said() -> None:
    held = ground(None, one="READY", two="READY")
    plan = plan_steps(diff(held, flow("one", bucket="one", state="active")))
    assert [live.identity for live in plan.revives] == ["site-a->site-b/client1/two"]
    assert [live.settings["state"] for live in plan.revives] == ["active"]
    held = ground("UP", one="", two="READY")
    assert not plan_steps(diff(held, flow("one", bucket="one", state="active"))).revives


def test_what_one_copy_lacks_keeps_no_other_from_being_made() -> None:
    subjects = [flow(name, bucket=name, state="active", **COPY) for name in ("one", "two")]
    found = ids(plan_steps(diff(ground("UP", one="", two=""), *subjects)))
    assert found.index("copied-3-two") < found.index("compare-one") < found.index("compare-two")
