"""Globs below a prefix against patterns of whole keys: equal for every key, or not translated."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.providers.bos.patterns import bucket_wide, covers, form_of, matches, relative

TEXT = st.text(alphabet="ab/.", max_size=5)
PREFIX = st.text(alphabet="ab/.", max_size=4)
GLOB = st.builds(lambda left, text, right: f"{left}{text}{right}", st.sampled_from(("", "*")), TEXT,
                 st.sampled_from(("", "*")))  # fmt: skip


@settings(max_examples=500)
@given(PREFIX, GLOB, TEXT)
def test_a_translation_leaves_out_the_same_keys(prefix: str, glob: str, rest: str) -> None:
    pattern = bucket_wide(prefix, glob)
    if pattern is not None:
        assert matches(pattern, prefix + rest) == fnmatchcase(rest, glob)
        assert relative(prefix, pattern) == glob


@settings(max_examples=500)
@given(PREFIX, GLOB)
def test_what_is_not_translated_would_differ_for_some_key(prefix: str, glob: str) -> None:
    """A suffix or infix stays as it is or becomes nothing: so being refused must have a reason."""
    found = form_of(glob)
    if found is None or bucket_wide(prefix, glob) is not None:
        return
    text = found[1]
    rests = ["", *(text[start:] for start in range(1, len(text) + 1))]
    assert any(matches(glob, prefix + rest) != fnmatchcase(rest, glob) for rest in rests)


@pytest.mark.parametrize(
    ("prefix", "glob", "pattern"),
    [
        ("", "tmp/*", "tmp/*"),
        ("app/", "tmp/*", "app/tmp/*"),
        ("app/", "*.tmp", "*.tmp"),
        ("app/", "*test*", "*test*"),
        ("app/test/", "*test*", None),
        ("app/", "*/x", None),
        ("app/", "*/x*", None),
        ("", "*/x", "*/x"),
        ("a.t", "*.tmp", None),
        ("app/", "a?*", None),
        ("app/", "[ab]*", None),
        ("app/", "exact", None),
        ("app/", "a*b", None),
        ("app/", "**.tmp", None),
        ("app/", "dir/**", None),
        ("app/", "*", None),
        ("app/", "**", None),
        ("app/", "", None),
        ("a*p/", "x*", None),
        ("app/", "a]b*", "app/a]b*"),
    ],
)
def test_translations(prefix: str, glob: str, pattern: str | None) -> None:
    assert bucket_wide(prefix, glob) == pattern


@pytest.mark.parametrize(
    ("prefix", "pattern", "glob"),
    [
        ("app/", "app/tmp/*", "tmp/*"),
        ("app/", "tmp/*", None),
        ("app/", "app/*", None),
        ("app/", "*.tmp", "*.tmp"),
        ("app/", "*app*", None),
        ("app/", "app/a?*", None),
        ("", "no-star", None),
    ],
)
def test_the_way_back(prefix: str, pattern: str, glob: str | None) -> None:
    assert relative(prefix, pattern) == glob


@pytest.mark.parametrize(
    ("pattern", "prefix", "all_of_it"),
    [("a*", "ab/", True), ("ab/c*", "ab/", False), ("*b*", "ab/", True), ("*c*", "ab/", False), ("*/", "ab/", False),
     ("*", "", True), ("**", "", False), ("a", "a", False)],
)  # fmt: skip
def test_what_takes_everything(pattern: str, prefix: str, all_of_it: bool) -> None:
    assert covers(pattern, prefix) is all_of_it


@pytest.mark.parametrize(
    ("pattern", "key", "taken"),
    [("*", "k", True), ("k", "k", False), ("*.jpeg", "a/b.jpeg", True), ("*.jpeg", "a.jpeg.txt", False)],
)
def test_what_takes_a_key(pattern: str, key: str, taken: bool) -> None:
    assert matches(pattern, key) is taken
