import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.model.change import FieldChange
from reconciler.model.value import Json
from reconciler.report.clean import clean
from reconciler.report.style import Style
from reconciler.report.value import body_text, field_value, pair, shown

PLAIN = Style(color=False, width=80)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not set"),
        (True, "true"),
        ("true", '"true"'),
        (10, "10"),
        ("10", '"10"'),
        ("", '""'),
        ("not set", '"not set"'),
        ("STANDARD_IA", "STANDARD_IA"),
        ("a b", '"a b"'),
        ("C:\\x", "C:\\x"),
        ("a\nb\\", '"a\\nb\\\\"'),
        ('say "x"', '"say \\"x\\""'),
        (["a", "b, c"], '[a, "b, c"]'),
        ({"class": "hot", "k:": 1}, '{class: hot, "k:": 1}'),
        ({"$secret": {"env": "NAS_SECRET"}}, "<secret env:NAS_SECRET>"),
        ({"$ref": {"step": "lookup", "field": "id"}}, "<id from lookup>"),
        ("<secret env:NAS_SECRET>", '"<secret env:NAS_SECRET>"'),
    ],
)
def test_values_read_as_what_they_are(value: Json, text: str) -> None:
    assert shown(value, PLAIN) == text


@given(st.text(), st.text())
def test_different_strings_never_look_the_same(one: str, other: str) -> None:
    if one != other:
        assert shown(one, PLAIN) != shown(other, PLAIN)


def test_a_value_where_a_reference_should_be_is_not_shown() -> None:
    assert "hunter2" not in shown({"$secret": "hunter2"}, PLAIN)
    assert "hunter2" not in shown({"$secret": {"env": "A", "value": "hunter2"}}, PLAIN)
    assert "hunter2" not in body_text({"deep": [{"$secret": {"literal": "hunter2"}}]})


def test_seconds_are_shown_with_units() -> None:
    change = FieldChange(path=("schedule", "every"), before=300, after=5400)
    assert (field_value(change, 300, PLAIN), field_value(change, 5400, PLAIN)) == ("5m", "1h30m")
    assert field_value(FieldChange(path=("s3", "priority"), after=300), 300, PLAIN) == "300"


@given(st.text(max_size=200), st.text(max_size=200), st.integers(24, 100))
def test_a_pair_fits_together(before: str, after: str, width: int) -> None:
    before, after = clean(before), clean(after)
    short = pair(before, after, width, "…")
    assert sum(map(cell_len, short)) <= width


@given(st.text("ab/", min_size=30, max_size=80), st.text("ab/", max_size=40), st.text("cd", min_size=1, max_size=3))
def test_shortening_never_hides_that_two_values_differ(start: str, end: str, inserted: str) -> None:
    before, after = start + end, start + inserted + end
    short = pair(before, after, 40, "…")
    assert short[0] != short[1]


def test_bodies_show_references_and_no_secret() -> None:
    text = body_text({"key": {"$secret": {"env": "K"}}, "list": [{"$ref": {"step": "a", "field": "id"}}]})
    assert '"key": "<secret env:K>"' in text
    assert '"<id from a>"' in text
