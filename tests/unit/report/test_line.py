import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.report.line import Span, columns, count, joined, text_of, wrap
from reconciler.report.style import Style, Tone

ANSI = re.compile(r"\x1b\[[0-9;]*m")
SPANS = st.lists(
    st.builds(Span, st.text(max_size=60), st.none() | st.sampled_from(list(Tone)), st.booleans()), max_size=8
)


@given(SPANS, st.integers(0, 100), st.integers(0, 14), st.booleans())
def test_no_line_is_wider_than_the_screen(spans: list[Span], width: int, indent: int, unicode: bool) -> None:
    style = Style(color=False, width=width, unicode=unicode)
    lines = [
        *wrap(spans, style, indent=indent),
        *columns(spans, Span("file.yaml:12"), style, indent=indent, hang=indent),
    ]
    for line in lines:
        assert cell_len(line) <= max(width, 40)
        assert unicode or line.isascii()


@given(SPANS, st.integers(40, 100))
def test_colour_changes_nothing_but_colour(spans: list[Span], width: int) -> None:
    plain = wrap(spans, Style(color=False, width=width), indent=4)
    painted = wrap(spans, Style(color=True, width=width), indent=4)
    assert [ANSI.sub("", line) for line in painted] == plain
    assert not any("\x1b" in line for line in plain)


@given(SPANS, st.integers(40, 100))
def test_nothing_is_lost_in_wrapping(spans: list[Span], width: int) -> None:
    def letters(text: str) -> str:
        return re.sub(r"[ \u200e]", "", text)

    wide = "".join(wrap(spans, Style(color=False, width=10_000)))
    narrow = "".join(wrap(spans, Style(color=False, width=width)))
    assert letters(narrow) == letters(wide)


def test_a_whole_span_moves_to_the_next_line_rather_than_break() -> None:
    lines = wrap([Span("x" * 30 + " "), Span("--allow A@b", whole=True)], Style(color=False, width=40), hang=2)
    assert lines == ["x" * 30, "  --allow A@b"]


def test_a_separator_never_begins_a_line() -> None:
    spans = joined([[Span("a" * 25)], [Span("b" * 14)], [Span("c")]], " · ")
    assert wrap(spans, Style(color=False, width=40)) == ["a" * 25 + " ·", "  " + "b" * 14 + " · c"]


def test_the_right_column_ends_at_the_edge() -> None:
    (line,) = columns([Span("left")], Span("a.yaml:1"), Style(color=False, width=60))
    assert len(line) == 60
    assert line.startswith("left ")
    assert line.endswith(" a.yaml:1")


@pytest.mark.parametrize(("number", "text"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls"), (1204, "1,204 calls")])
def test_count(number: int, text: str) -> None:
    assert count(number, "call") == text


def test_lines_end_with_line_ends() -> None:
    assert text_of(["a ", "", "b"]) == "a\n\nb\n"
    assert text_of([]) == ""
