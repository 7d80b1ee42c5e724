"""What rules of one bucket have with each other is found before the network."""

from reconciler.providers.s3.together import RULES_MAX, check_together
from tests.unit.providers.s3.shapes import flow


def test_a_rule_has_one_replication() -> None:
    first, second = flow("a", s3={"id": "repl.default.b"}), flow("b")
    found = list(check_together([first, second]))
    assert [(finding.code, finding.replication, finding.path) for finding in found] == [
        ("REPL-C120", "a", ("spec", "s3", "id")),
        ("REPL-C120", "b", ("spec", "s3", "id")),
    ]


def test_a_priority_has_one_rule() -> None:
    flows = [flow("a", s3={"priority": 7}), flow("b", s3={"priority": 7}), flow("c", s3={"priority": 8}), flow("d")]
    assert [finding.replication for finding in check_together(flows)] == ["a", "b"]
    assert "claimed by b, too" in next(iter(check_together(flows))).detail


def test_a_bucket_is_full_some_time() -> None:
    flows = [flow(f"n{number}") for number in range(RULES_MAX + 1)]
    assert not list(check_together(flows[:RULES_MAX]))
    told = [(finding.code, finding.replication) for finding in check_together(flows)]
    assert told == [("REPL-C122", f"n{RULES_MAX}")]
