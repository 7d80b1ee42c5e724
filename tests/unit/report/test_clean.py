import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.report.clean import cells, clean, head, isolated, middle, prose, tail


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("logs/app/", "logs/app/"),
        ("a\x1b[31mred", r"a\x1b[31mred"),
        ("a\nPlan: 0 to delete", r"a\nPlan: 0 to delete"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u200fabc", r"\u200fabc"),
        ("a\u200bb", r"a\u200bb"),
        ("a\u00a0b", r"a\xa0b"),
        ("a\u3164b", r"a\u3164b"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("日本語/", "日本語/"),
        ("é", "é"),
        ("e\u0301", r"e\u0301"),
        ("\u0301a", r"\u0301a"),
    ],
)
def test_only_what_can_be_seen_is_shown_as_it_is(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_marks_are_not_stacked_without_end() -> None:
    stacked = clean("q" + "\u0330" * 50)
    assert sum(unicodedata.category(char) == "Mn" for char in stacked) <= 3


def test_ascii_only_leaves_nothing_else() -> None:
    assert clean("日é", ascii_only=True) == r"\u65e5\xe9"


@given(st.text())
def test_cleaning_is_idempotent_and_leaves_only_printable_text(text: str) -> None:
    once = clean(text)
    assert once.isprintable()
    assert clean(once) == once
    assert clean(text, ascii_only=True).isascii()


@given(st.text(), st.text())
def test_composed_and_decomposed_forms_look_different(text: str, other: str) -> None:
    one, two = unicodedata.normalize("NFC", text + other), unicodedata.normalize("NFD", text + other)
    if one != two:
        assert clean(one) != clean(two)


@given(st.text(), st.integers(2, 60))
def test_shortened_text_fits(text: str, width: int) -> None:
    safe = clean(text)
    for short in (head(safe, width), tail(safe, width), middle(safe, width, "…")):
        assert cells(short) <= width
        assert cell_len(short) <= width
    if cells(safe) <= width:
        assert middle(safe, width, "…") == safe


def test_both_ends_survive_shortening() -> None:
    short = middle("arn:aws:kms:eu-west-1:111122223333:key/1234", 21, "…")
    assert short.startswith("arn:aws:k")
    assert short.endswith(":key/1234")


def test_right_to_left_letters_are_kept_in_their_place() -> None:
    assert isolated("abc") == "abc"
    assert isolated("\u05d0") == "\u200e\u05d0\u200e"


def test_prose_becomes_one_line() -> None:
    assert prose(" a\n\t b\r\n") == "a b"
