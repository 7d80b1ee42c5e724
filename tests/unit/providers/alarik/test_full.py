"""A bucket with four targets: there is no room to change one, and no rule may deliver elsewhere for a moment."""

from reconciler.providers.alarik import convert
from tests.unit.providers.alarik.flows import FOREIGN_TARGET, Bucket, flow, planned, wire_target


def bucket(others: int) -> Bucket:
    """A bucket with targets of others, and two rules of ours that lead to one target more."""
    held = Bucket(targets_held=[wire_target(id=f"{number}{FOREIGN_TARGET[1:]}") for number in range(others)])
    held.run(planned([flow("a", prefix="a/"), flow("b", prefix="b/")], held))
    held.puts.clear()
    return held


RECORDED = {name: convert.identity(flow(name)) for name in "ab"}


def test_a_target_is_not_taken_over_where_its_rules_go_different_ways() -> None:
    """One of the two would deliver to the other's place until the list of rules is written."""
    held = bucket(2)
    plan = planned([flow("a", prefix="a/", to="d2"), flow("b", prefix="b/", to="d3")], held, RECORDED)
    assert [one.code for one in plan.findings] == ["REPL-W418"]
    assert not plan.steps


def test_a_rule_that_goes_for_good_goes_before_its_target_is_taken_over() -> None:
    held = bucket(3)
    wanted = [flow("a", prefix="a/", to="d2")]
    held.run(planned(wanted, held, RECORDED))
    assert held.puts == ["rules", "targets"]
    assert [one["targetBucket"] for one in held.targets_held][-1] == "d2"
    assert not planned(wanted, held, RECORDED).steps
