"""Rules about where data may go hold for hops too; guards count what one apply would cost."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from reconciler.engine.policy import check_guards, check_policies
from reconciler.engine.topology import Link, Place, topology_of
from reconciler.model.change import Action, Change, FieldChange, Reason
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import PolicySpec, ProviderDoc
from reconciler.model.observation import ContainerRef
from reconciler.model.relationship import Flow
from reconciler.model.step import Effect, Estimate
from reconciler.testing.memory import memory_flow, memory_provider, open_memory

JOBS: dict[str, Any] = {"grain": "relationship", "continuous": False}
EU = memory_provider("eu", {"jurisdiction": "eu"}, **JOBS)
UK = memory_provider("uk", {"jurisdiction": "uk"}, **JOBS)
US = memory_provider("us", {"jurisdiction": "us"}, **JOBS)
STAY = PolicySpec.model_validate(
    {
        "flows": [
            {
                "deny": {"from": {"jurisdiction": "eu"}, "to": {"not": {"jurisdiction": "eu"}}},
                "reason": "stays in the EU",
            }
        ]
    }
)
NOT_US = PolicySpec.model_validate(
    {"flows": [{"deny": {"from": {"jurisdiction": "eu"}, "to": {"jurisdiction": "us"}}, "reason": "not to the US"}]}
)


def flow(name: str, source: ProviderDoc, destination: ProviderDoc, **spec: Any) -> Flow:
    return memory_flow(name, (source, "b"), (destination, "b"), **spec)


def judged(policy: PolicySpec, *flows: Flow) -> tuple[Finding, ...]:
    docs = {flow.owner.name: flow.owner for flow in flows}
    return check_policies([policy], topology_of(flows, lambda name: open_memory(docs[name])))


def test_a_denied_flow_is_an_error_that_quotes_the_reason() -> None:
    (found,) = judged(STAY, flow("out", EU, US), flow("home", US, EU))
    assert (found.code, found.severity, found.replication) == ("REPL-P001", Severity.ERROR, "out")
    assert found.path == ("spec", "destination", "provider")
    assert "stays in the EU" in found.detail


def test_a_paused_flow_is_judged_as_if_it_ran() -> None:
    (found,) = judged(STAY, flow("out", EU, US, state="paused"))
    assert found.severity is Severity.ERROR


def test_unlabelled_is_not_inside() -> None:
    (found,) = judged(STAY, flow("out", EU, memory_provider("somewhere")))
    assert found.code == "REPL-P001"


def test_a_way_over_an_allowed_place_is_denied_at_its_last_hop() -> None:
    (found,) = judged(NOT_US, flow("first", EU, UK), flow("second", UK, US))
    assert (found.code, found.severity, found.replication) == ("REPL-P002", Severity.ERROR, "second")
    assert "first, second: eu:b -> uk:b -> us:b" in found.detail


def test_a_way_that_begins_with_a_denied_flow_is_said_once() -> None:
    found = judged(STAY, flow("first", EU, UK), flow("second", UK, US))
    assert [(f.code, f.replication) for f in found] == [("REPL-P001", "first")]


def test_a_longer_way_whose_end_is_denied_already_is_said_once() -> None:
    other = memory_provider("eu-2", {"jurisdiction": "eu"}, **JOBS)
    found = judged(NOT_US, flow("first", EU, other), flow("second", other, US))
    assert [(f.code, f.replication) for f in found] == [("REPL-P001", "second")]


def test_prefixes_that_miss_each_other_are_no_way() -> None:
    first = memory_flow("first", (EU, "b"), (UK, "in/eu/"))
    assert judged(NOT_US, first, memory_flow("second", (UK, "in/uk/"), (US, "b"))) == ()
    assert len(judged(NOT_US, first, memory_flow("second", (UK, "in"), (US, "b")))) == 1


@pytest.mark.parametrize(("existing", "severity"), [(None, Severity.WARNING), ("copy", Severity.ERROR)])
def test_a_hop_that_does_not_carry_replicas_on_is_a_warning(existing: str | None, severity: Severity) -> None:
    eu, uk = memory_provider("eu", {"jurisdiction": "eu"}), memory_provider("uk", {"jurisdiction": "uk"})
    (found,) = judged(
        NOT_US, flow("first", eu, uk), flow("second", uk, US, **({"existing": existing} if existing else {}))
    )
    assert (found.code, found.severity) == ("REPL-P002", severity)


def test_a_flow_that_some_data_reaches_first_is_followed_for_the_rest_too() -> None:
    """The narrow flow gets to `on` first, with what no further flow reads."""
    third, fourth = (memory_provider(name, **JOBS) for name in ("third", "fourth"))
    start, on, out = (
        flow("start", EU, third),
        memory_flow("on", (UK, "b"), (UK, "c")),
        memory_flow("out", (UK, "c/y/"), (US, "b")),
    )
    narrow = memory_flow("narrow", (third, "b/x/"), (UK, "b/x/"))
    assert judged(NOT_US, start, narrow, on, out) == ()
    wide = (flow("wide", third, fourth), flow("wider", fourth, UK))
    (found,) = judged(NOT_US, start, narrow, *wide, on, out)
    assert (found.code, found.replication) == ("REPL-P002", "out")
    assert "start, wide, wider, on, out" in found.detail


def test_a_way_that_needs_a_resync_does_not_hide_one_that_runs_by_itself() -> None:
    guarded, *others = (memory_provider("guarded"), *(memory_provider(f"p{n}", **JOBS) for n in range(3)))
    start, last = flow("start", EU, others[0]), flow("last", others[2], US)
    by_resync = (flow("m", EU, guarded), flow("n", guarded, others[2]))
    (found,) = judged(NOT_US, *by_resync, last)
    assert found.severity is Severity.WARNING
    by_itself = (start, flow("o", others[0], others[1]), flow("p", others[1], others[2]))
    both = judged(NOT_US, *by_resync, *by_itself, last)
    assert sorted(one.severity for one in both) == [Severity.ERROR, Severity.WARNING]
    one_start = (flow("again", others[0], guarded), flow("n", guarded, others[2]))
    (error,) = judged(NOT_US, *one_start, *by_itself, last)
    assert error.severity is Severity.ERROR
    assert "start, o, p, last" in error.detail


@pytest.mark.parametrize("hops", [3, 12])
def test_many_ways_over_many_places_are_searched_in_good_time(hops: int) -> None:
    """Each hop doubles the ways and the places."""
    places = [EU, *(memory_provider(f"p{n}", **JOBS) for n in range(hops)), US]
    doubled = [
        memory_flow(f"f{at:02}-{way}", (here, "b"), (there, f"b/{way}/"))
        for at, (here, there) in enumerate(pairwise(places))
        for way in "ab"
    ]
    found = judged(NOT_US, *doubled)
    assert {one.replication for one in found} == {f"f{hops:02}-a", f"f{hops:02}-b"}


def test_a_full_mesh_is_searched_by_its_places_and_not_by_its_flows() -> None:
    """Of 30 places each copies to all others: 870 flows, and as many ways on from each."""
    places = [memory_provider(f"p{n}", {"jurisdiction": "eu" if n == 0 else "none"}, **JOBS) for n in range(30)]
    flows = [flow(f"{a.name}-{b.name}", a, b) for a in places for b in places if a is not b]
    docs = {doc.name: doc for doc in places}
    made, counted = topology_of(flows, lambda name: open_memory(docs[name])), 0
    reading = made.reading

    def counting(place: Place) -> Iterator[Link]:
        nonlocal counted
        for link in reading(place):
            counted += 1
            yield link

    made.reading = counting  # type: ignore[method-assign]
    assert check_policies([NOT_US], made) == ()
    assert counted < 100 * len(flows)


def test_circles_end() -> None:
    assert judged(NOT_US, flow("there", EU, UK), flow("back", UK, EU)) == ()


def change(name: str, action: Action, *fields: FieldChange) -> Change:
    return Change(
        id="c",
        replication=name,
        provider="p",
        type="memory",
        title="t",
        action=action,
        reason=Reason.SETTINGS_DIFFER,
        container=ContainerRef(provider="p", scope="s", key="k"),
        fields=fields,
    )


def effect(name: str, amount: int | None = None, *, loses: bool = False) -> Effect:
    estimate = None if loses else Estimate(bytes=amount, basis="test")
    return Effect(
        rule="MEMORY-TEST",
        severity=Severity.WARNING,
        blocks=False,
        replication=name,
        text="",
        estimate=estimate,
        loses_protection=loses,
        recopies=not loses,
    )


def guards(**limits: Any) -> list[PolicySpec]:
    return [PolicySpec.model_validate({"guards": limits})]


PAUSE = FieldChange(path=("state",), before="active", after="paused")


def test_deleted_replaced_and_paused_are_lost_protection() -> None:
    changes = [
        change("d", Action.DELETE),
        change("r", Action.REPLACE),
        change("p", Action.UPDATE, PAUSE),
        change("new", Action.CREATE, PAUSE),
        change("u", Action.UPDATE),
        change("n", Action.NONE),
    ]
    (found,) = check_guards(guards(maxLost=2), changes, [])
    assert (found.code, found.severity) == ("REPL-P010", Severity.ERROR)
    assert "3 would be deleted, replaced or paused (d, p, r); the guard maxLost allows 2" in found.detail
    assert check_guards(guards(maxLost=3), changes, []) == ()


def test_an_effect_on_a_counted_change_counts_once() -> None:
    assert check_guards(guards(maxLost=1), [change("d", Action.DELETE)], [effect("d", loses=True)]) == ()
    (found,) = check_guards(guards(maxLost=1), [change("d", Action.DELETE)], [effect("e", loses=True)])
    assert found.replication is None
    (found,) = check_guards(guards(maxLost=0), [], [effect("e", loses=True)])
    assert found.replication == "e"


def test_bytes_copied_again_are_added_up() -> None:
    effects = [effect("a", 6 << 40), effect("b", 5 << 40), effect("b", 4 << 40)]
    (found,) = check_guards(guards(maxRecopy="10TiB"), [], effects)
    assert found.code == "REPL-P011"
    assert "11.0 TiB would be copied again (a, b); the guard maxRecopy allows 10.0 TiB" in found.detail
    assert check_guards(guards(maxRecopy="11TiB"), [], effects) == ()


def test_an_unknown_amount_is_more_than_any_limit() -> None:
    (found,) = check_guards(guards(maxRecopy="1000PiB"), [], [effect("a", None), effect("b", 1 << 30)])
    assert "For a the amount is not known, 1.0 GiB for the others" in found.detail


def test_the_strictest_policy_counts_and_no_guard_limits_nothing() -> None:
    changes = [change("d", Action.DELETE)]
    assert check_guards([*guards(maxLost=5), *guards(maxLost=0)], changes, []) != ()
    assert check_guards([PolicySpec()], changes, [effect("a", None)]) == ()
