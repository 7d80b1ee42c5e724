"""A target that became another one in place keeps its id, which follows from where it led: it is not free for that."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.engine.diff import differences
from reconciler.model.relationship import Flow
from reconciler.model.secret import SecretRef, secret_refs
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.imports import imported
from tests.unit.providers.alarik.flows import (
    FOREIGN_RULE,
    FOREIGN_TARGET,
    PEER,
    SECRET,
    Bucket,
    flow,
    planned,
    wire_rule,
    wire_target,
)

MOVED = flow("a", to="d2")
ANOTHER = flow("c", to="d1", prefix="c/")
FIRST = convert.desired_target(flow("a", to="d1")).id


def recorded(*flows: Flow) -> dict[str, str]:
    return {one.name: convert.identity(one) for one in flows}


def taken_over() -> Bucket:
    """A full bucket: three targets of others, and one of ours that led to d1, has its id from that, and leads to d2."""
    bucket = Bucket(targets_held=[wire_target(id=f"{number}{FOREIGN_TARGET[1:]}") for number in range(3)])
    bucket.run(planned([flow("a", to="d1")], bucket))
    bucket.run(planned([MOVED], bucket, recorded(MOVED)))
    assert led(bucket) == {"a": "d2"}
    assert [one["id"] for one in bucket.targets_held][3:] == [FIRST]
    return bucket


def roomy() -> Bucket:
    """The same, and others have taken their targets away since."""
    bucket = taken_over()
    bucket.targets_held = bucket.targets_held[3:]
    return bucket


def led(bucket: Bucket) -> dict[str, str]:
    """Where the rules lead, by the replications' names."""
    names = {convert.identity(flow(name, options={"generation": n})): name for name in "abcde" for n in (1, 2)}
    to = {one["id"]: one["targetBucket"] for one in bucket.targets_held}
    return {names.get(one["id"], one["id"]): to[one["targetId"]] for one in bucket.rules_held}


def brought(bucket: Bucket, *flows: Flow, known: tuple[Flow, ...] = (), **more: Any) -> None:
    """Plan and execute; then nothing is left to do."""
    plan = planned(flows, bucket, recorded(*known), **more)
    assert [one.code for one in plan.findings if one.severity == "error"] == []
    bucket.run(plan)
    assert bucket.disabled == []
    assert not planned(flows, bucket, recorded(*flows)).steps
    assert led(bucket) == {one.name: one.spec.destination.bucket for one in flows}


def test_the_place_it_left_is_a_fifth_one() -> None:
    bucket = taken_over()
    plan = planned([MOVED, ANOTHER], bucket, recorded(MOVED))
    assert [one.code for one in plan.findings if one.severity == "error"] == ["REPL-W411"]
    assert not plan.steps


def test_with_room_the_place_it_left_gets_another_id() -> None:
    bucket = roomy()
    brought(bucket, MOVED, ANOTHER, known=(MOVED,))
    assert bucket.targets_held[0]["id"] == FIRST
    assert len(bucket.targets_held) == 2


def test_the_other_id_is_the_same_each_time_and_shared() -> None:
    made = []
    for _ in range(2):
        bucket = roomy()
        brought(bucket, MOVED, ANOTHER, known=(MOVED,))
        third = flow("d", to="d1", prefix="d/")
        brought(bucket, MOVED, ANOTHER, third, known=(MOVED, ANOTHER))
        made.append(sorted(one["id"] for one in bucket.targets_held))
    assert made[0] == made[1]
    assert len(made[0]) == 2


def test_two_that_are_new_at_once_share_the_other_id() -> None:
    bucket = roomy()
    brought(bucket, MOVED, ANOTHER, flow("d", to="d1", prefix="d/"), known=(MOVED,))
    assert len(bucket.targets_held) == 2


def test_it_is_written_anew_where_all_that_use_it_go_back() -> None:
    bucket = taken_over()
    bucket.puts.clear()
    brought(bucket, flow("a", to="d1"), known=(MOVED,))
    assert bucket.puts == ["targets"]


@pytest.mark.parametrize("after", [flow("a", to="d3"), None], ids=["goes on", "goes"])
def test_no_rule_delivers_to_the_old_place_while_it_leaves(after: Flow | None) -> None:
    """The target was to be written anew first, and the rule that still used it would have followed."""
    bucket = roomy()
    flows = [ANOTHER, *([after] if after else [])]
    plan = planned(flows, bucket, recorded(MOVED))
    for step in plan.steps:
        bucket.run(replace(plan, steps=(step,)))
        assert led(bucket).get("a") in {None, "d2", "d3"}
    assert bucket.disabled == []
    assert not planned(flows, bucket, recorded(*flows)).steps
    assert FIRST not in {one["id"] for one in bucket.targets_held}, "nobody needs it any more"


def test_a_full_bucket_in_which_the_old_place_takes_over_again() -> None:
    bucket = taken_over()
    brought(bucket, ANOTHER, known=(MOVED,))
    brought(bucket, flow("c", to="d4", prefix="c/"), known=(ANOTHER,))
    assert len(bucket.targets_held) == 4


def test_an_unused_target_with_the_other_id_is_taken_away() -> None:
    bucket = roomy()
    brought(bucket, MOVED, ANOTHER, known=(MOVED,))
    bucket.rules_held = [one for one in bucket.rules_held if one["id"] != convert.identity(ANOTHER)]
    brought(bucket, MOVED, flow("e", to="d5", prefix="e/"), known=(MOVED,))
    assert {one["targetBucket"] for one in bucket.targets_held} == {"d2", "d5"}


def test_a_rule_that_leaves_takes_the_other_id_along() -> None:
    bucket = roomy()
    brought(bucket, MOVED, ANOTHER, known=(MOVED,))
    brought(bucket, MOVED, known=(MOVED, ANOTHER))
    assert [one["id"] for one in bucket.targets_held] == [FIRST]


def test_another_generation_keeps_the_target_with_the_other_id() -> None:
    bucket = roomy()
    brought(bucket, MOVED, ANOTHER, known=(MOVED,))
    before = bucket.targets("")
    raised = flow("c", to="d1", prefix="c/", options={"generation": 2})
    brought(bucket, MOVED, raised, known=(MOVED, ANOTHER))
    assert bucket.targets("") == before
    assert bucket.purged == [convert.identity(ANOTHER)]


def test_a_target_with_the_other_id_that_was_disabled_is_written_anew() -> None:
    bucket = roomy()
    both = (MOVED, flow("c", to="d1", prefix="c/", state="active"))
    brought(bucket, *both, known=(MOVED,))
    before = bucket.targets("")
    bucket.targets_held[1]["enabled"] = False
    brought(bucket, *both, known=both)
    assert bucket.targets("") == before


def test_one_that_others_use_is_not_free_either() -> None:
    """Whoever made the rule: it would copy to where nobody sent it."""
    bucket = Bucket()
    bucket.run(planned([flow("a", to="d1")], bucket))
    bucket.targets_held[0]["targetBucket"] = "d9"
    bucket.rules_held = [wire_rule(targetId=FIRST)]
    bucket.run(planned([flow("a", to="d1")], bucket))
    assert led(bucket) == {FOREIGN_RULE: "d9", "a": "d1"}
    assert bucket.disabled == []


def test_what_is_imported_from_such_a_bucket_plans_to_nothing() -> None:
    bucket = roomy()
    brought(bucket, MOVED, ANOTHER, known=(MOVED,))
    held = convert.read(bucket.targets(""), bucket.rules(""))
    flows = []
    for item in imported(convert.observation(convert.bucket_scope("ala", "photos"), held)):
        assert isinstance(item.source, dict)
        assert isinstance(item.destination, dict)
        assert item.peer is not None
        spec: dict[str, Any] = dict(item.spec)
        flows.append(
            flow(
                item.suggested_name,
                prefix=item.source.get("prefix"),  # type: ignore[arg-type]
                to=str(item.destination["bucket"]),
                peer=item.peer.model_copy(update={"secret_access_key": PEER.secret_access_key}),
                options=spec.pop("alarik"),
                **spec,
            )
        )
    assert len(flows) == 2
    assert not any(differences(found.settings, convert.normalise(one).settings)
                   for one in flows for found in bucket.state().relationships  # type: ignore[union-attr]
                   if found.identity == convert.identity(one))  # fmt: skip
    assert not planned(flows, bucket).steps


def test_a_key_by_reference_is_sent_by_reference() -> None:
    peer = PEER.model_copy(update={"access_key_id": SecretRef(env="AK")})
    bucket = Bucket()
    plan = planned([flow(peer=peer)], bucket)
    assert set(secret_refs(plan.steps[0].body)) == {SECRET, SecretRef(env="AK")}  # type: ignore[union-attr]
    bucket.run(plan, {"env:AK": "AKREAL"})
    assert bucket.targets_held[0]["accessKeyId"] == "AKREAL"
    assert planned([flow(peer=peer)], bucket).steps == ()
    bucket.run(planned([flow(peer=peer, to="other")], bucket), {"env:AK": "AKREAL"})
    assert [one["targetBucket"] for one in bucket.targets_held] == ["other"]
