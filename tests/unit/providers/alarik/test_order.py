"""Whatever changes: no rule of anybody ever loses its target, and the bucket ends as it should."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.relationship import Flow
from reconciler.model.step import StepPlan
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.identity import is_chosen
from tests.unit.providers.alarik.flows import (
    AMAZON,
    FOREIGN_RULE,
    FOREIGN_TARGET,
    PEER,
    Bucket,
    flow,
    planned,
    wire_rule,
    wire_target,
)

_NAMES = ("a", "b", "c", "d", "e")
_FULL = {"REPL-W410", "REPL-W411", "REPL-W418"}


@st.composite
def _flows(draw: st.DrawFn) -> list[Flow]:
    names = draw(st.sets(st.sampled_from(_NAMES), max_size=4))
    made = []
    for name in sorted(names):
        key = draw(st.sampled_from(["AK1", "AK2"]))
        spec: dict[str, Any] = {
            "state": draw(st.sampled_from(["active", "paused", None])),
            "deletes": draw(st.sampled_from(["keep", "replicate", None])),
            "existing": draw(st.sampled_from(["copy", "ignore", None])),
        }
        made.append(
            flow(
                name,
                prefix=draw(st.sampled_from([None, "", "p/", "p/q/"])),
                to=draw(st.sampled_from(["d1", "d2", "d3", "d4"])),
                peer=draw(st.sampled_from([PEER, AMAZON])).model_copy(update={"access_key_id": key}),
                options={"generation": draw(st.sampled_from([None, 2]))},
                **{name: value for name, value in spec.items() if value is not None},
            )
        )
    return made


@st.composite
def _others(draw: st.DrawFn) -> Bucket:
    """What others have made: targets, rules, and rules whose target is gone."""
    bucket = Bucket()
    for number in range(draw(st.integers(0, 3))):
        name = f"{number}{FOREIGN_TARGET[1:]}"
        bucket.targets_held.append(wire_target(id=name, secretAccessKey=f"theirs-{number}", note="not known here"))
        if draw(st.booleans()):
            rule = f"{number}{FOREIGN_RULE[1:]}"
            bucket.rules_held.append(wire_rule(id=rule, targetId=name, enabled=draw(st.booleans()), note="kept"))
    if draw(st.booleans()):
        bucket.rules_held.append(wire_rule(id=f"9{FOREIGN_RULE[1:]}", targetId=f"9{FOREIGN_TARGET[1:]}", enabled=False))
    return bucket


def _places(bucket: Bucket) -> dict[str, Any]:
    """Where each rule leads, and with which key; None: nowhere."""
    members = ("endpoint", "targetBucket", "accessKeyId", "region")
    led = {one["id"]: tuple(one[name] for name in members) for one in bucket.targets_held}
    return {one["id"]: led.get(one["targetId"]) for one in bucket.rules_held}


def _wanted(flows: list[Flow], recorded: Mapping[str, str]) -> dict[str, Any]:
    """Where the rules of flows shall lead, those that they take the place of too."""
    found: dict[str, Any] = {}
    for one in flows:
        target = convert.desired_target(one)
        place = (target.endpoint, target.bucket, target.access_key_id, target.region)
        found |= {convert.identity(one): place, recorded.get(one.name, ""): place}
    return found


def _run(bucket: Bucket, plan: StepPlan, wanted: Mapping[str, Any]) -> None:
    """Execute a plan, and look after every step that no rule leads to where it never was to lead."""
    before = _places(bucket)
    for step in plan.steps:
        bucket.run(StepPlan(steps=(step,)))
        for rule, place in _places(bucket).items():
            assert place in (before.get(rule), wanted.get(rule))


def _living(bucket: Bucket) -> list[dict[str, Any]]:
    """Rules of others that lead somewhere."""
    known = {one["id"] for one in bucket.targets_held}
    return [one for one in bucket.rules_held if not is_chosen(one["id"]) and one["targetId"] in known]


@settings(max_examples=500)
@given(bucket=_others(), story=st.lists(_flows(), min_size=1, max_size=5))
def test_every_way_is_safe_and_ends_in_no_difference(bucket: Bucket, story: list[list[Flow]]) -> None:
    theirs = [one for one in bucket.targets_held if not is_chosen(one["id"])]
    rules = _living(bucket)
    recorded: dict[str, str] = {}
    for flows in story:
        bucket.puts.clear()
        plan = planned(flows, bucket, recorded)
        errors = {one.code for one in plan.findings if one.severity == "error"}
        if errors:
            assert errors <= _FULL
            assert not plan.steps
            continue
        _run(bucket, plan, _wanted(flows, recorded))
        recorded = {one.name: convert.identity(one) for one in flows}
        assert bucket.disabled == []
        assert bucket.puts.count("targets") <= 2
        assert bucket.puts.count("rules") <= 2
        assert not planned(flows, bucket, recorded).steps
        assert [one for one in bucket.targets_held if not is_chosen(one["id"])] == theirs
        assert _living(bucket) == rules
        used = {one["targetId"] for one in bucket.rules_held}
        assert {one["id"] for one in bucket.targets_held if is_chosen(one["id"])} <= used, (
            "nothing of ours is left over"
        )
        for step in plan.steps:  # an answer that was lost: the same again changes nothing
            if step.id.startswith("rules") and step is [one for one in plan.steps if "rules" in one.id][-1]:
                before = bucket.rules("")
                bucket.run(StepPlan(steps=(step,)))
                assert bucket.rules("") == before


def test_the_story_of_four_full_places() -> None:
    """At the limit, a key that changes, a flow that takes another's place, and both at once."""
    bucket = Bucket()
    four = [flow(name, to=f"d-{name}") for name in "abcd"]
    bucket.run(planned(four, bucket))
    recorded = {one.name: convert.identity(one) for one in four}
    assert bucket.puts == ["targets", "rules"]

    bucket.puts.clear()
    rekeyed = [*four[:3], flow("d", to="d-d", peer=PEER.model_copy(update={"access_key_id": "AKNEW"}))]
    bucket.run(planned(rekeyed, bucket, recorded))
    assert bucket.puts == ["targets"], "the target changes in place: there is no room for a fifth"
    assert not planned(rekeyed, bucket, recorded).steps

    bucket.puts.clear()
    swapped = [*rekeyed[1:], flow("e", to="d-e")]
    bucket.run(planned(swapped, bucket, recorded))
    assert bucket.puts == ["rules", "targets", "rules"]
    assert bucket.disabled == []
    recorded = {one.name: convert.identity(one) for one in swapped}

    bucket.puts.clear()
    raised = [*swapped[:3], flow("e", to="d-e", peer=AMAZON, options={"generation": 2})]
    bucket.run(planned(raised, bucket, recorded))
    assert bucket.puts == ["targets", "rules"]
    assert bucket.disabled == []
    assert not planned(raised, bucket, {**recorded, "e": convert.identity(raised[3])}).steps


@pytest.mark.parametrize(
    ("before", "after", "puts"),
    [
        ([], [flow("a")], ["targets", "rules"]),
        ([flow("a")], [flow("a"), flow("b", prefix="b/")], ["rules"]),
        ([flow("a")], [flow("a"), flow("b", to="other")], ["targets", "rules"]),
        ([flow("a"), flow("b", to="other")], [flow("a")], ["rules", "targets"]),
        ([flow("a")], [], ["rules", "targets"]),
        ([flow("a"), flow("b")], [flow("a")], ["rules"]),
        ([flow("a")], [flow("a", to="other")], ["targets", "rules", "targets"]),
        ([flow("a")], [flow("a", deletes="replicate")], ["rules"]),
        ([flow("a")], [flow("a", options={"generation": 2})], ["rules"]),
        ([flow("a"), flow("b")], [flow("a"), flow("b")], []),
    ],
)
def test_the_fewest_writes(before: list[Flow], after: list[Flow], puts: list[str]) -> None:
    bucket = Bucket(targets_held=[wire_target(secretAccessKey="theirs")], rules_held=[wire_rule()])
    bucket.run(planned(before, bucket))
    bucket.puts.clear()
    bucket.run(planned(after, bucket, {one.name: convert.identity(one) for one in before}))
    assert bucket.puts == puts
    assert bucket.disabled == []
    assert bucket.rules_held[0] == wire_rule()
    assert bucket.targets_held[0] == wire_target(secretAccessKey="theirs")
