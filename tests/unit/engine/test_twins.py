"""Things of an equal name: the ids that a server gives tell which one a plan means."""

import pytest

from reconciler.engine.converge import Meant, shortfalls
from reconciler.engine.match import match
from reconciler.engine.unfinished import CutOff
from reconciler.model.observation import ABSENT, ContainerRef
from reconciler.model.plan import ContainerPlan
from reconciler.model.receipt import Receipt
from reconciler.model.relationship import Relationship
from tests.unit.engine.test_renamed import live, receipt, seen, wanted, world

WANTED = Relationship(identity="data", settings={"destination": {"volume": "data"}})
REF = ContainerRef(provider="p", scope="s", key="data")
OURS, THEIRS, LATE = live("data5", "5", "data"), live("data1", "1", "data"), live("data0", "0", "data")


def plan(**more: object) -> ContainerPlan:
    given: dict[str, object] = {"container": REF, "changes": ("c1",), "reads": (), "desired": (WANTED,)}
    return ContainerPlan.model_validate(given | more)


def found(meant: Meant, desired: Relationship, *there: Relationship) -> str | None:
    known = meant.find(seen("s", *there), desired)
    return known.provider_id if known is not None else None


@pytest.mark.parametrize("turned", [False, True])
def test_what_was_made_is_meant_and_nothing_else(*, turned: bool) -> None:
    there = [THEIRS, OURS, LATE][:: -1 if turned else 1]
    made = [{"id": "x", "provider_id": "5"}]
    assert found(Meant.of(plan(strangers=("1",)), made), WANTED, *there) == "5"
    assert found(Meant.of(plan(strangers=("1",)), made), WANTED, THEIRS, LATE) is None


def test_what_was_there_is_meant_by_its_id() -> None:
    standing = WANTED.model_copy(update={"provider_id": "5"})
    item = plan(desired=(standing,), strangers=("1",))
    assert found(Meant.of(item), standing, THEIRS, OURS) == "5"
    assert found(Meant.of(item), standing, LATE, OURS) == "5"
    assert found(Meant.of(item), standing, THEIRS) is None


def test_where_no_answer_told_the_id_it_is_what_was_not_there_before() -> None:
    assert found(Meant.of(plan(strangers=("1",))), WANTED, THEIRS) is None
    assert found(Meant.of(plan(strangers=("1",))), WANTED, THEIRS, OURS) == "5"


def test_without_ids_the_name_is_all_there_is() -> None:
    plain = Relationship(identity="data", settings={})
    assert Meant.of(plan(strangers=("1",)), [{"provider_id": "5"}]).find(seen("s", plain), WANTED) is not None


def test_what_is_gone_is_gone_though_another_has_its_name() -> None:
    item = plan(desired=(), gone=("data5",), gone_ids={"data5": "5"})
    twin = live("data5", "7")
    assert shortfalls(item, seen("s", twin)) == ()
    assert shortfalls(item, seen("s", twin, OURS)) == ("data5: still there",)
    assert shortfalls(plan(desired=(), gone=("data5",)), seen("s", twin)) == ("data5: still there",)


def test_what_is_changed_in_place_keeps_its_id_under_another_name() -> None:
    item = plan(desired=(WANTED.model_copy(update={"provider_id": "5"}),), gone=("old",), gone_ids={"old": "5"})
    assert shortfalls(item, seen("s", live("data", "5"))) == ()
    assert shortfalls(item, seen("s", live("old", "5")))[-1] == "old: still there"


def test_fingerprints_are_of_what_is_meant() -> None:
    item = plan(strangers=("1",))
    assert Meant.of(item).fingerprint(seen("s", THEIRS), REF) == ABSENT
    assert Meant.of(item).fingerprint(seen("s", THEIRS, OURS), REF) == "f5"
    assert Meant.of(item, [{"provider_id": "5"}]).fingerprint(seen("s", LATE, OURS), REF) == "f5"


def noted(*strangers: str) -> Receipt:
    made = receipt("r", "s", live("data", "5"))
    entry = made.replications["r"].model_copy(update={"strangers": strangers})
    return made.model_copy(update={"replications": {"r": entry}})


def test_the_recorded_one_goes_before_the_very_name() -> None:
    matched = match([wanted("data")], world(seen("s", live("data", "9"), OURS)), noted())
    assert matched.pairs["r"].relationship.provider_id == "5"
    assert matched.strangers(REF.scope_ref, "data", matched.pairs["r"]) == ("9",)


@pytest.mark.parametrize("other", [live("data", "9"), live("data9", "9", "data")], ids=["same name", "may be"])
def test_a_known_stranger_is_not_taken_when_ours_is_gone(other: Relationship) -> None:
    assert "r" not in match([wanted("data")], world(seen("s", other)), noted("9")).pairs
    assert "r" in match([wanted("data")], world(seen("s", other)), noted()).pairs


def test_journals_of_runs_that_were_cut_off_tell_as_well() -> None:
    there = world(seen("s", LATE, THEIRS, OURS))
    cut = CutOff("1", str(REF), "", strangers=frozenset({"0"}), made=frozenset({"5"}))
    assert match([wanted("data")], there, None, [cut]).pairs["r"].relationship.provider_id == "5"
    doubt = CutOff("1", str(REF), "", strangers=frozenset({"0", "1"}))
    assert match([wanted("data")], there, None, [doubt]).pairs["r"].relationship.provider_id == "5"
    elsewhere = CutOff("1", "p:s#other", "", strangers=frozenset({"0", "1"}))
    assert match([wanted("data")], there, None, [elsewhere]).pairs["r"].relationship.provider_id == "0"
