"""Rules to normal form and back."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine.diff import as_known, differences
from reconciler.model.relationship import Flow
from reconciler.model.value import Json
from reconciler.providers.bos.convert import (
    body_size,
    desired_settings,
    enabled,
    exclusions_of,
    held_rule,
    identity_of,
    part,
    read_rule,
    resources_of,
    rule_body,
)
from tests.unit.providers.bos.flows import desired, flow, rule, seen

CLASSES = st.sampled_from((None, "STANDARD", "COLD", "MAZ_STANDARD_IA", "REMAIN"))
NAMES = st.text(alphabet="abé/._-", min_size=1, max_size=8)
PATTERNS = st.builds(
    lambda kind, text: kind.format(text), st.sampled_from(("{}*", "*{}", "*{}*")), NAMES.map(lambda text: f"x{text}")
)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    existing = draw(st.sampled_from((None, "copy", "ignore")))
    options: dict[str, Any] = {}
    if draw(st.booleans()):
        options["resources"] = draw(st.lists(st.builds(lambda a, b: f"app/{a}{b}", NAMES, st.sampled_from(("", "*"))),
                                             min_size=1, max_size=4))  # fmt: skip
    if draw(st.booleans()):
        options["exclude"] = draw(st.lists(PATTERNS, max_size=3))
    if existing == "copy" and draw(st.booleans()):
        options["historyStorageClass"] = draw(CLASSES)
    spec: dict[str, Any] = {
        "state": draw(st.sampled_from((None, "active", "paused"))),
        "deletes": draw(st.sampled_from((None, "keep", "replicate"))),
        "existing": existing,
        "storage_class": draw(CLASSES),
        "filter": draw(st.none() | st.lists(PATTERNS, max_size=3).map(lambda globs: {"exclude": globs})),
    }
    return flow(destination={"prefix": draw(st.none() | NAMES)}, options=options, **spec)


@settings(max_examples=500)
@given(flows(), flows())
def test_what_is_written_is_read_as_desired_whatever_was_there(wanted: Flow, other: Flow) -> None:
    """No perpetual diff, from nothing and from any rule that was there before."""
    goal = desired_settings(wanted)
    for held in (None, rule_body(desired_settings(other), None)):
        body = rule_body(goal, held)
        assert not differences(read_rule("src", body), goal)
        assert rule_body(goal, body) == body


@settings(max_examples=300)
@given(flows(), st.booleans(), st.booleans(), st.booleans())
def test_no_diff_after_a_write_however_the_service_answers(
    wanted: Flow, remain: bool, exclusions: bool, prefix: bool
) -> None:
    """Echoes that may be missing, REMAIN for nothing, lists in another order, read-only members of either name."""
    body = rule_body(desired_settings(wanted), None)
    answer = _answered(body, remain=remain, exclusions=exclusions, prefix=prefix)
    live = seen(answer).containers[0].relationships[0]
    sent = desired(wanted).model_copy(update={"unreadable": live.unreadable})
    assert not differences(as_known(live, sent), sent.settings)


def _answered(body: dict[str, Json], *, remain: bool, exclusions: bool, prefix: bool) -> dict[str, Json]:
    there = dict(part(body, "destination"))
    there.setdefault("storageClass", "REMAIN" if remain else "")
    answer = {**body, "createTime" if remain else "create_time": 1504448315, "destRegion": "gz", "destination": there}
    if "replicateHistory" in body:
        answer["replicateHistory"] = {"storageClass": "REMAIN", **part(body, "replicateHistory")} if remain else {}
        if not remain:
            answer["replicateHistory"] = dict(part(body, "replicateHistory"))
    for key in ("resource", "notIncludeResource"):
        if isinstance(found := body.get(key), list):
            answer[key] = list(reversed(found))
    if not exclusions:
        answer.pop("notIncludeResource", None)
    if not prefix:
        there.pop("prefix", None)
    return answer


@settings(max_examples=300)
@given(flows(), flows())
def test_a_difference_is_never_lost(one: Flow, other: Flow) -> None:
    """What differs from a live rule in normal form is written differently, and what does not is written the same."""
    body, goal = rule_body(desired_settings(one), None), desired_settings(other)
    assert bool(differences(read_rule("src", body), goal)) == (rule_body(goal, body) != body)


def test_a_new_rule_has_safe_defaults() -> None:
    assert rule_body(desired_settings(flow()), None) == {
        "id": identity_of(flow()),
        "status": "enabled",
        "replicateDeletes": "disabled",
        "resource": ["src/app/*"],
        "destination": {"bucket": "dst"},
    }


def test_a_full_rule() -> None:
    subject = flow(
        destination={"prefix": "dst-dir/"}, state="paused", deletes="replicate", existing="copy", storage_class="COLD",
        filter={"exclude": ["*.jpeg", "tmp/*", "*test*"]}, options={"id": "rule_1-A"},
    )  # fmt: skip
    assert rule_body(desired_settings(subject), None) == {
        "id": "rule_1-A",
        "status": "disabled",
        "resource": ["src/app/*"],
        "notIncludeResource": ["src/*.jpeg", "src/*test*", "src/app/tmp/*"],
        "destination": {"bucket": "dst", "storageClass": "COLD", "prefix": "dst-dir/"},
        "replicateHistory": {"storageClass": "COLD"},
        "replicateDeletes": "enabled",
    }


def test_what_is_not_managed_is_kept() -> None:
    held = rule(
        status="disabled", replicateDeletes="enabled", notIncludeResource=["src/*.tmp"], newerMember={"a": 1},
        destination={"bucket": "old", "storageClass": "COLD", "newer": True},
        replicateHistory={"storageClass": "COLD", "bucket": "old"},
    )  # fmt: skip
    assert rule_body(desired_settings(flow()), held) == {
        "id": identity_of(flow()),
        "status": "disabled",
        "resource": ["src/app/*"],
        "notIncludeResource": ["src/*.tmp"],
        "destination": {"bucket": "dst", "storageClass": "COLD", "newer": True},
        "replicateHistory": {"storageClass": "COLD"},
        "replicateDeletes": "enabled",
        "newerMember": {"a": 1},
    }


@pytest.mark.parametrize(
    ("spec", "gone"),
    [
        ({"storage_class": "REMAIN"}, "storageClass"),
        ({"existing": "ignore"}, "replicateHistory"),
        ({"filter": {"exclude": []}}, "notIncludeResource"),
    ],
)
def test_managed_to_be_empty_is_left_out(spec: dict[str, Any], gone: str) -> None:
    held = rule(
        destination={"bucket": "dst", "storageClass": "COLD"}, replicateHistory={}, notIncludeResource=["src/a*"]
    )
    body = rule_body(desired_settings(flow(**spec)), held)
    assert gone not in body
    assert gone not in part(body, "destination")


def test_the_class_of_history_can_be_another() -> None:
    subject = flow(existing="copy", storage_class="COLD", options={"historyStorageClass": "REMAIN"})
    body = rule_body(desired_settings(subject), None)
    assert (body["replicateHistory"], part(body, "destination")["storageClass"]) == ({}, "COLD")


@pytest.mark.parametrize(
    ("resource", "settings_read"),
    [
        (["src/*"], {"prefix": ""}),
        (["src/app/*"], {"prefix": "app/"}),
        (["src/app/*", "src/app/*"], {"prefix": "app/"}),
        (["src/abc"], ["abc"]),
        (["src/cd*", "src/abc"], ["abc", "cd*"]),
        (["src/a*b*"], ["a*b*"]),
        (["other/a*"], ["//other/a*"]),
        ("src/a*", {"prefix": "a"}),
        ([{"odd": 1}], ['//{"odd":1}']),
        (None, []),
    ],
)
def test_resources_are_never_taken_for_what_they_are_not(resource: Any, settings_read: Any) -> None:
    read = read_rule("src", rule(resource=resource))
    if isinstance(settings_read, dict):
        assert part(read, "source") == {"bucket": "src", **settings_read}
        assert part(read, "bos")["resources"] == []
    else:
        assert part(read, "source") == {"bucket": "src"}
        assert part(read, "bos")["resources"] == settings_read


def test_a_resource_without_a_star_is_not_the_prefix() -> None:
    read = read_rule("src", rule(resource=["src/app/"]))
    changed = differences(read, desired_settings(flow()))
    assert [field.dotted for field in changed] == ["bos.resources", "source.prefix"]
    as_written = flow(options={"resources": ["app/"]})
    assert not differences(read, desired_settings(as_written))
    assert rule_body(desired_settings(as_written), None)["resource"] == ["src/app/"]


@pytest.mark.parametrize(
    ("status", "state", "runs"),
    [("enabled", "active", True), ("disabled", "paused", False), ("Disabled", "paused", False),
     ("suspended", "suspended", True), (None, "active", True), (7, 7, True)],
)  # fmt: skip
def test_states(status: Any, state: Any, runs: bool) -> None:
    held = rule(status=status)
    assert read_rule("src", held)["state"] == state
    assert enabled(held) is runs


@pytest.mark.parametrize(
    ("word", "deletes"), [("enabled", "replicate"), ("disabled", "keep"), (None, "keep"), ("odd", "odd")]
)
def test_deletes(word: str | None, deletes: str) -> None:
    assert read_rule("src", rule(replicateDeletes=word))["deletes"] == deletes


def test_history_is_on_by_being_there() -> None:
    for held, existing, kept in ((None, "ignore", None), ({}, "copy", "REMAIN"), ({"storageClass": "COLD"}, "copy",
                                                                                  "COLD")):  # fmt: skip
        read = read_rule("src", rule(replicateHistory=held))
        assert (read["existing"], part(read, "bos").get("historyStorageClass")) == (existing, kept)


def test_members_that_nobody_sets_do_not_count() -> None:
    plain = seen(rule()).containers[0]
    odd = seen(rule(create_time=None, createTime=7, destRegion="", nobodyKnows={"x": [1]})).containers[0]
    assert plain.fingerprint == odd.fingerprint
    assert plain.relationships == odd.relationships


def test_each_rule_is_a_container_ordered_by_id() -> None:
    own = rule()
    found = seen(rule(id="zz"), own, rule(id="aa"))
    assert [state.ref.key for state in found.containers] == sorted(["aa", own["id"], "zz"])
    assert {state.ref.key: state.relationships[0].owned for state in found.containers} == {
        "aa": False, "zz": False, own["id"]: True,
    }  # fmt: skip
    assert held_rule(found.containers[0]) == rule(id="aa")
    assert held_rule(None) is None


def test_a_rule_without_an_id_is_told_by_what_it_says() -> None:
    (state,) = seen(rule(id="")).containers
    assert state.ref.key.startswith("unnamed:")
    assert state.ref.key == seen(rule(id="")).containers[0].ref.key


@pytest.mark.parametrize(
    ("rules", "hidden"),
    [
        ([rule()], {"destination.prefix", "filter.exclude"}),
        ([rule(notIncludeResource=["src/a*"])], {"destination.prefix"}),
        ([rule(), rule(id="b", notIncludeResource=[])], {"destination.prefix"}),
        ([rule(destination={"bucket": "dst", "prefix": ""})], {"filter.exclude"}),
        ([rule(), rule(id="b", notIncludeResource=None, destination={"bucket": "d", "prefix": "x/"})],
         {"filter.exclude"}),
        ([{**rule(), "notIncludeResource": None}], {"destination.prefix"}),
    ],
)  # fmt: skip
def test_one_rule_that_shows_a_member_proves_that_it_is_shown(rules: list[dict[str, Any]], hidden: set[str]) -> None:
    for state in seen(*rules).containers:
        assert set(state.relationships[0].unreadable) == hidden


def test_exclusions_of_both_kinds_are_joined() -> None:
    subject = flow(filter={"exclude": ["tmp/*", "*.log"]}, options={"exclude": ["*.log", "app/x*"]})
    assert exclusions_of(subject) == ("*.log", "app/tmp/*", "app/x*")
    assert exclusions_of(flow()) is None
    assert exclusions_of(flow(options={"exclude": []})) == ()
    assert exclusions_of(flow(filter={"exclude": ["a?b"]})) == ("a?b",)


def test_resources_are_a_set() -> None:
    assert resources_of(flow(options={"resources": ["b*", "a*", "b*"]})) == ("a*", "b*")
    assert resources_of(flow(source={"prefix": None})) == ("*",)


def test_size_counts_bytes_as_sent() -> None:
    assert body_size({"a": "é"}) == len('{"a": "é"}'.encode())
