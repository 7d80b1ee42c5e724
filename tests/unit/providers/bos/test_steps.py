"""Calls, waits, effects and refusals for every transition of one rule."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.change import Action, ContainerDiff, Reason
from reconciler.model.finding import Severity
from reconciler.model.observation import LocationFacts
from reconciler.model.step import Await, Call, StepPlan
from reconciler.providers.bos.convert import identity_of, part
from reconciler.providers.bos.effects import EFFECTS
from reconciler.providers.bos.steps import DELETE, GONE, PUT, plan_steps
from tests.unit.providers.bos.flows import diff, flow, rule, seen

ID = identity_of(flow())


def shape(plan: StepPlan) -> list[str]:
    return [step.operation if isinstance(step, Call) else step.condition for step in plan.steps]


def effects(plan: StepPlan) -> list[str]:
    return [effect.rule for effect in plan.effects if effect.severity is not Severity.INFO]


def codes(plan: StepPlan) -> list[str]:
    return [finding.code for finding in plan.findings]


def sent(plan: StepPlan) -> dict[str, Any]:
    (call,) = [step for step in plan.steps if isinstance(step, Call) and step.operation == PUT]
    return part(call.body, "rule") if isinstance(call.body, dict) else {}


def held(status: str, **changes: Any) -> dict[str, Any]:
    return rule(status=status, **changes)


@pytest.mark.parametrize(
    ("before", "state", "steps", "found"),
    [
        (None, None, [PUT], []),
        (None, "active", [PUT], []),
        (None, "paused", [PUT], []),
        ("enabled", "active", [PUT], ["BOS-RESTART"]),
        ("enabled", None, [PUT], ["BOS-RESTART"]),
        ("enabled", "paused", [DELETE, GONE, PUT], ["BOS-NO-DISABLE"]),
        ("disabled", "paused", [PUT], []),
        ("disabled", None, [PUT], []),
        ("disabled", "active", [PUT], ["BOS-RESTART"]),
    ],
)
def test_every_transition(before: str | None, state: str | None, steps: list[str], found: list[str]) -> None:
    subject = flow(state=state, deletes="replicate", filter={"exclude": []})
    plan = plan_steps(diff(subject, seen(held(before)) if before else seen()))
    assert (shape(plan), effects(plan), codes(plan)) == (steps, found, [])
    assert sent(plan)["status"] == {"active": "enabled", "paused": "disabled"}.get(state or "", before or "enabled")


def test_a_create_is_one_call_that_can_be_sent_again() -> None:
    (call,) = plan_steps(diff(flow(existing="copy"), seen())).steps
    assert isinstance(call, Call)
    assert call.body == {
        "bucket": "src",
        "id": ID,
        "rule": {
            "id": ID, "status": "enabled", "resource": ["src/app/*"], "destination": {"bucket": "dst"},
            "replicateDeletes": "disabled", "replicateHistory": {},
        },
    }  # fmt: skip
    assert (call.idempotent, call.leaves_absent, call.copies) == (True, False, ())
    assert "copy what is there already" in call.summary


def test_a_paused_create_copies_nothing_yet() -> None:
    (call,) = plan_steps(diff(flow(existing="copy", state="paused"), seen())).steps
    assert isinstance(call, Call)
    assert "copy" not in call.summary


@pytest.mark.parametrize(
    ("change", "member", "value"),
    [
        ({"destination": {"bucket": "other"}}, "destination", {"bucket": "other"}),
        ({"destination": {"prefix": "d/"}}, "destination", {"bucket": "dst", "prefix": "d/"}),
        ({"source": {"prefix": "x/"}}, "resource", ["src/x/*"]),
        ({"storage_class": "COLD"}, "destination", {"bucket": "dst", "storageClass": "COLD"}),
        ({"deletes": "replicate"}, "replicateDeletes", "enabled"),
        ({"existing": "copy"}, "replicateHistory", {}),
        ({"filter": {"exclude": ["a*"]}}, "notIncludeResource", ["src/app/a*"]),
    ],
)
def test_every_setting_of_an_active_rule_changes_in_place_and_restarts(
    change: dict[str, Any], member: str, value: Any
) -> None:
    plan = plan_steps(diff(flow(**change), seen(held("enabled"))))
    assert shape(plan) == [PUT]
    assert sent(plan)[member] == value
    assert effects(plan) == ["BOS-RESTART"]


def test_a_restart_tells_what_is_copied_again() -> None:
    with_history = seen(held("enabled", replicateHistory={}))
    (copied,) = [one for one in plan_steps(diff(flow(deletes="replicate"), with_history)).effects if one.recopies]
    assert (copied.blocks, copied.estimate is not None) == (True, True)
    assert "src/app/*" in copied.text
    assert "is copied again" in copied.text
    (alone,) = [
        one
        for one in plan_steps(diff(flow(deletes="replicate"), seen(held("enabled")))).effects
        if one.rule == "BOS-RESTART"
    ]
    assert (alone.blocks, alone.recopies, alone.estimate) == (True, False, None)


def test_a_restart_that_was_asked_for_needs_no_approval() -> None:
    asked = resync(flow(existing="copy", filter={"exclude": []}), held("enabled", replicateHistory={}))
    resumed = plan_steps(diff(flow(state="active", filter={"exclude": []}), seen(held("disabled"))))
    for plan in (asked, resumed):
        assert [one.blocks for one in plan.effects if one.rule == "BOS-RESTART"] == [False]


def test_long_lists_are_cut_in_a_plan() -> None:
    many = flow(options={"resources": [f"app/{n}*" for n in range(9)]})
    (effect,) = [one for one in plan_steps(diff(many, seen(held("enabled")))).effects if one.rule == "BOS-RESTART"]
    assert "and 6 more" in effect.text


def test_pausing_is_a_choice_with_its_ways_out() -> None:
    subject = flow(state="paused", filter={"exclude": []})
    plan = plan_steps(diff(subject, seen(held("enabled"))))
    (effect,) = plan.effects
    assert (effect.rule, effect.blocks, effect.loses_protection) == ("BOS-NO-DISABLE", True, True)
    for way in (f"--allow {effect.allow}", "--prune", "by hand"):
        assert way in effect.text
    removal, wait, _ = plan.steps
    assert isinstance(removal, Call)
    assert isinstance(wait, Await)
    assert (removal.target, removal.leaves_absent, removal.idempotent) == (ID, True, True)
    assert (removal.body, wait.params) == ({"bucket": "src", "id": ID}, {"bucket": "src", "id": ID})


def test_a_protected_rule_is_not_deleted_to_be_paused() -> None:
    subject = flow(state="paused", protect=True, filter={"exclude": []})
    (finding,) = plan_steps(diff(subject, seen(held("enabled")))).findings
    assert (finding.code, finding.severity, finding.path) == ("REPL-W315", Severity.ERROR, ("spec", "protect"))


def test_another_id_is_another_rule_and_keeps_what_is_not_managed() -> None:
    old = held("enabled", id="old-one", replicateDeletes="enabled", notIncludeResource=["src/x*"])
    plan = plan_steps(diff(flow(), seen(old), Action.REPLACE, found_as="old-one"))
    assert shape(plan) == [DELETE, GONE, PUT]
    assert [step.target for step in plan.steps] == ["old-one", "old-one", ID]
    assert (sent(plan)["id"], sent(plan)["replicateDeletes"], sent(plan)["notIncludeResource"]) == (
        ID, "enabled", ["src/x*"],
    )  # fmt: skip
    assert "made again under another id" in plan.effects[0].text
    assert codes(plan) == []


@pytest.mark.parametrize(("status", "lost"), [("enabled", ["BOS-UNPROTECTED"]), ("disabled", [])])
def test_a_deletion_waits_until_the_rule_is_gone(status: str, lost: list[str]) -> None:
    whole = diff(flow(), seen(held(status)), Action.DELETE)
    deletion = whole.changes[0].model_copy(update={"desired": None})
    plan = plan_steps(ContainerDiff(container=whole.container, state=whole.state, changes=(deletion,), flows={},
                                    facts={}))  # fmt: skip
    assert shape(plan) == [DELETE, GONE]
    assert [one.rule for one in plan.effects if one.loses_protection] == lost


@pytest.mark.parametrize("action", [Action.NONE, Action.ADOPT])
def test_nothing_is_sent_without_a_difference(action: Action) -> None:
    assert plan_steps(diff(flow(), seen(held("enabled")), action)) == StepPlan(steps=())


def test_adoption_writes_what_differs() -> None:
    plan = plan_steps(diff(flow(deletes="replicate", options={"id": "theirs"}), seen(held("enabled", id="theirs")),
                           Action.ADOPT))  # fmt: skip
    assert shape(plan) == [PUT]


# Sending again -----------------------------------------------------------------------------------------------------


def resync(subject: Any, live: dict[str, Any], reason: Reason = Reason.RESYNC_REQUESTED) -> StepPlan:
    return plan_steps(diff(subject, seen(live), Action.RESYNC, reason=reason, resend=True))


def test_a_resync_writes_the_same_rule() -> None:
    live = held("enabled", replicateHistory={"storageClass": "REMAIN"}, notIncludeResource=["src/a*"])
    plan = resync(flow(), live)
    (call,) = plan.steps
    assert isinstance(call, Call)
    assert call.copies == ("logs-to-dr",)
    assert effects(plan) == ["BOS-RESTART"]
    assert sent(plan) == {
        "id": ID, "status": "enabled", "resource": ["src/app/*"], "replicateDeletes": "disabled",
        "destination": {"bucket": "dst"}, "replicateHistory": {}, "notIncludeResource": ["src/a*"],
    }  # fmt: skip


def test_a_resync_of_a_rule_that_copies_no_history_is_refused() -> None:
    (finding,) = resync(flow(filter={"exclude": []}), held("enabled")).findings
    assert (finding.code, finding.severity) == ("REPL-W312", Severity.ERROR)


def test_a_resync_of_a_paused_rule_is_refused() -> None:
    live = held("disabled", replicateHistory={}, notIncludeResource=[])
    (finding,) = resync(flow(state="paused"), live).findings
    assert (finding.code, finding.severity) == ("REPL-W311", Severity.ERROR)


def test_a_copy_that_is_owed_waits_for_the_pause_to_end() -> None:
    live = held("disabled", replicateHistory={}, notIncludeResource=[])
    plan = resync(flow(state="paused", existing="copy"), live, Reason.COPY_OWED)
    assert plan.steps == ()
    assert [(one.code, one.severity) for one in plan.findings] == [("REPL-W311", Severity.WARNING)]


@pytest.mark.parametrize("live", [None, held("enabled", replicateHistory={}), held("disabled", replicateHistory={})])
def test_other_changes_send_again_what_is_owed(live: dict[str, Any] | None) -> None:
    subject = flow(state="active", existing="copy", deletes="replicate")
    plan = plan_steps(diff(subject, seen(live) if live else seen(), resend=True))
    (call,) = plan.steps
    assert isinstance(call, Call)
    assert call.copies == ("logs-to-dr",)


# What stands against it --------------------------------------------------------------------------------------------


def test_exclusions_that_are_not_shown_are_not_wiped_without_a_word() -> None:
    plan = plan_steps(diff(flow(deletes="replicate"), seen(held("enabled"))))
    assert [(one.code, one.severity) for one in plan.findings] == [("REPL-W310", Severity.WARNING)]
    shown = seen(held("enabled"), rule(id="b", resource=["src/b*"], notIncludeResource=["src/x*"]))
    assert codes(plan_steps(diff(flow(deletes="replicate"), shown))) == []
    assert codes(plan_steps(diff(flow(filter={"exclude": ["a*"]}), seen(held("enabled"))))) == []


def test_an_eleventh_rule_is_refused_foreign_ones_counted() -> None:
    ten = [rule(id=f"r{number}", resource=[f"src/{number}*"]) for number in range(10)]
    assert codes(plan_steps(diff(flow(), seen(*ten)))) == ["REPL-W313"]
    assert codes(plan_steps(diff(flow(), seen(*ten[1:])))) == []
    after_another = replace(diff(flow(), seen(*ten[1:])), creations=1)
    assert codes(plan_steps(after_another)) == ["REPL-W313"]
    full = seen(*ten[1:], held("enabled", notIncludeResource=[]))
    assert codes(plan_steps(diff(flow(deletes="replicate"), full))) == []


def test_a_rule_equal_but_for_the_id_is_refused_with_the_id_to_take_over() -> None:
    plan = plan_steps(diff(flow(), seen(rule(id="the-same"))))
    (finding,) = plan.findings
    assert (finding.code, finding.severity) == ("REPL-W314", Severity.ERROR)
    assert "the-same" in finding.detail
    assert "bos: {id: the-same}" in (finding.hint or "")
    assert codes(plan_steps(diff(flow(), seen(rule(id="other", replicateDeletes="enabled"))))) == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, [("BOS-ARCHIVE", Severity.INFO, False)]),
        ({"archive_objects": 0}, [("BOS-ARCHIVE", Severity.INFO, False)]),
        ({"archive_objects": 3}, [("BOS-ARCHIVE", Severity.WARNING, False)]),
        ({"versioning": "Suspended"}, [("BOS-ARCHIVE", Severity.INFO, False)]),
        ({"versioning": "Enabled"}, [("BOS-VERSIONED-SOURCE", Severity.ERROR, True),
                                     ("BOS-ARCHIVE", Severity.INFO, False)]),
    ],
)  # fmt: skip
def test_what_the_source_holds(facts: dict[str, Any], expected: list[tuple[str, Severity, bool]]) -> None:
    plan = plan_steps(diff(flow(), seen(), source=LocationFacts(exists=True, facts=facts)))
    assert [(one.rule, one.severity, one.blocks) for one in plan.effects] == expected


def test_a_paused_rule_does_not_mind_what_the_source_holds() -> None:
    facts = LocationFacts(exists=True, facts={"versioning": "Enabled", "archive_objects": 3})
    assert plan_steps(diff(flow(state="paused"), seen(), source=facts)).effects == ()


@settings(max_examples=300)
@given(
    st.none() | st.sampled_from(("enabled", "disabled")),
    st.sampled_from((None, "active", "paused")),
    st.sampled_from((None, "copy", "ignore")),
    st.none() | st.just({}),
)
def test_the_service_is_never_asked_for_what_it_refuses(
    status: str | None, state: str | None, existing: str | None, history: dict[str, Any] | None
) -> None:
    """No write disables an enabled rule, and each writes at most once."""
    live = seen(held(status, replicateHistory=history)) if status else seen()
    change = diff(flow(state=state, existing=existing, deletes="replicate"), live)
    plan = plan_steps(change)
    calls = [step for step in plan.steps if isinstance(step, Call)]
    assert [call.operation for call in calls].count(PUT) == 1
    if status == "enabled" and sent(plan)["status"] == "disabled":
        assert shape(plan)[:2] == [DELETE, GONE]
    else:
        assert shape(plan) == [PUT]


def test_each_effect_is_told_whole() -> None:
    assert [rule.id for rule in EFFECTS] == [
        "BOS-RESTART", "BOS-NO-DISABLE", "BOS-UNPROTECTED", "BOS-VERSIONED-SOURCE", "BOS-ARCHIVE",
    ]  # fmt: skip
    for one in EFFECTS:
        assert one.provider == "bos"
        assert all((one.when, one.happens, one.instead, one.source))
