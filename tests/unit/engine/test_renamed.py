"""What a server calls otherwise, what is seen through two scopes, and what only receipts keep."""

from datetime import UTC, datetime

from reconciler.engine.converge import find
from reconciler.engine.diff import as_known, differences, left_to_receipts, shown_differences
from reconciler.engine.match import Desired, match
from reconciler.engine.observe import World
from reconciler.model.observation import ABSENT, ContainerRef, ContainerState, Observation, ScopeRef
from reconciler.model.receipt import Receipt, ReceiptEntry, RunOutcome
from reconciler.model.relationship import Relationship, Settings
from tests.unit.providers.scp.flows import flow

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def live(name: str, number: str, *also: str) -> Relationship:
    settings: Settings = {"destination": {"volume": name}}
    return Relationship(
        identity=name, settings=settings, provider_id=number, kept=("scp.keep",),
        also={other: {"destination": {"volume": other}} for other in also},
    )  # fmt: skip


def seen(scope: str, *relationships: Relationship) -> Observation:
    states = tuple(
        ContainerState(
            ref=ContainerRef(provider="p", scope=scope, key=one.identity), fingerprint=f"f{one.provider_id}",
            relationships=(one,), also=tuple(one.also),
        )
        for one in relationships
    )  # fmt: skip
    return Observation(scope=ScopeRef(provider="p", key=scope), containers=states)


def wanted(name: str, scope: str = "s", replication: str = "r") -> Desired:
    return Desired(
        flow=flow(name=replication),
        container=ContainerRef(provider="p", scope=scope, key=name),
        relationship=Relationship(identity=name, settings={"destination": {"volume": name}}),
    )


def world(*observations: Observation) -> World:
    return World(observations={one.scope: one for one in observations}, unread={}, facts={})


def receipt(replication: str, scope: str, relationship: Relationship) -> Receipt:
    entry = ReceiptEntry(
        provider="p", type="scp", container=ContainerRef(provider="p", scope=scope, key=relationship.identity),
        relationship=relationship, applied_at=NOON, run_id="1",
    )  # fmt: skip
    return Receipt(
        tool_version="1", workspace="w", run_id="1", plan_id="1", actor="a", started_at=NOON, finished_at=NOON,
        outcome=RunOutcome.DONE, replications={replication: entry},
    )  # fmt: skip


def test_a_changed_name_is_found_under_the_one_asked_for() -> None:
    observation = seen("s", live("data1", "1", "data"))
    known = find(observation, "data")
    assert known is not None
    assert (known.identity, known.settings, known.provider_id) == ("data", {"destination": {"volume": "data"}}, "1")
    assert find(observation, "other") is None
    asked = ContainerRef(provider="p", scope="s", key="data")
    assert observation.fingerprint(asked) == "f1"
    assert observation.fingerprint(asked.model_copy(update={"scope": "t"})) == ABSENT


def test_an_exact_name_goes_first() -> None:
    observation = seen("s", live("data1", "1", "data"), live("data", "2"))
    known = find(observation, "data")
    assert known is not None
    assert known.provider_id == "2"
    pairs = match([wanted("data")], world(observation), None).pairs
    assert pairs["r"].relationship.provider_id == "2"


def test_one_thing_is_paired_once() -> None:
    observation = seen("s", live("data1", "1", "data"))
    matched = match([wanted("data1", replication="a"), wanted("data", replication="b")], world(observation), None)
    assert matched.pairs.keys() == {"a"}


def test_what_a_receipt_has_for_another_is_not_taken() -> None:
    held = live("data1", "1", "data")
    matched = match([wanted("data")], world(seen("s", held)), receipt("other", "s", held))
    assert not matched.pairs
    assert [item.recorded_as for item in matched.rest] == ["other"]


def test_of_two_the_recorded_one_is_meant() -> None:
    observation = seen("s", live("data1", "1", "data"), live("data2", "2", "data"))
    matched = match([wanted("data")], world(observation), receipt("r", "s", live("data", "2")))
    assert matched.pairs["r"].relationship.provider_id == "2"
    assert [item.relationship.provider_id for item in matched.rest] == ["1"]


def test_one_thing_through_two_scopes_is_not_left_over() -> None:
    observations = [seen(scope, live("data", "1")) for scope in ("by-name", "by-id")]
    matched = match([wanted("data", "by-id")], world(*observations), receipt("r", "by-name", live("data", "1")))
    assert matched.pairs["r"].container.scope == "by-id"
    assert matched.pairs["r"].recorded_as == "r"
    assert matched.rest == ()


def test_what_is_recorded_is_paired_in_its_own_scope_though_another_shows_it() -> None:
    for own, other in (("by-id", "by-name"), ("by-name", "by-id")):
        observations = [seen(scope, live("data", "1")) for scope in (own, other)]
        matched = match([wanted("new", own)], world(*observations), receipt("r", own, live("data", "1")))
        assert matched.pairs["r"].container.scope == own
        assert matched.rest == ()


def test_what_is_left_over_through_two_scopes_is_left_over_once() -> None:
    """And where the receipt has it: two deletions of one thing would get into each other's way."""
    observations = [seen(scope, live("data", "1"), live("more", "2")) for scope in ("by-id", "by-name")]
    for scope in ("by-id", "by-name"):
        rest = match([], world(*observations), receipt("r", scope, live("data", "1"))).rest
        assert {(item.container.scope, item.recorded_as) for item in rest} == {(scope, "r"), ("by-id", None)}
        assert len(rest) == 2


def test_what_only_receipts_keep_is_compared_with_receipts_alone() -> None:
    held = live("data", "1")
    desired: Settings = {"destination": {"volume": "data"}, "scp": {"keep": True}}
    noted = Relationship(identity="data", settings={"scp": {"keep": False}})
    assert left_to_receipts(held, None) == {"scp.keep"}
    assert left_to_receipts(held, Relationship(identity="data", settings={})) == {"scp.keep"}
    assert not left_to_receipts(held, noted)
    assert [one.dotted for one in differences(as_known(held, noted), desired)] == ["scp.keep"]
    assert not shown_differences(held, desired)
