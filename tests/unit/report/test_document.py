import json

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.finding import Finding, Severity
from reconciler.model.plan import Plan
from reconciler.model.relationship import Relationship
from reconciler.report.document import to_json
from tests.unit.report.shapes import BROKEN, PLANS


def test_a_plan_survives_the_way_through_a_file() -> None:
    for plan in PLANS.values():
        again = Plan.model_validate_json(to_json(plan))
        assert again == plan
        assert again.computed_id() == plan.plan_id


def test_records_keep_their_order_and_mappings_are_sorted() -> None:
    assert list(json.loads(to_json(PLANS["update"])))[:4] == ["format_version", "kind", "tool_version", "plan_id"]
    one = Relationship(identity="i", settings={"b": {"z": 1, "a": 2}, "a": 3})
    two = Relationship(identity="i", settings={"a": 3, "b": {"a": 2, "z": 1}})
    assert to_json(one) == to_json(two)
    assert list(json.loads(to_json(one))["settings"]["b"]) == ["a", "z"]


def test_the_document_ends_with_a_line_end_and_keeps_letters() -> None:
    text = to_json(BROKEN.model_copy(update={"detail": "Größe 日本"}))
    assert text.endswith("}\n")
    assert "Größe 日本" in text


@given(st.text())
def test_a_document_can_be_printed_and_says_the_same(detail: str) -> None:
    text = to_json(Finding(code="X", severity=Severity.INFO, summary="s", detail=detail))
    assert json.loads(text)["detail"] == detail
    assert not any(char in text for char in "\x1b\x7f\x9b\u202e\u200f\u2028")


def test_even_a_broken_file_name_can_be_written() -> None:
    text = to_json(BROKEN.model_copy(update={"detail": "\udcff"}))
    assert text.encode()
    assert json.loads(text)["detail"] == "\udcff"
