"""Loaded, edited, and loaded again: the data is as wanted, and every comment is still there."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.manifest.edit import dump_documents, update_text
from reconciler.manifest.sources import Sources
from reconciler.manifest.syntax import parse
from tests.unit.manifest.test_edit import TEXT

SETTINGS = settings(max_examples=150)

TEXTS = st.text(st.characters(codec="utf-8"), max_size=15)
SCALARS = TEXTS | st.integers(-(10**9), 10**9) | st.booleans() | st.integers(-9999, 9999).map(lambda number: number / 8)
KEYS = st.text("abcXYZ_-019 :#'\"é", min_size=1, max_size=8).filter(lambda key: key != "<<")
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
PATHS = st.sampled_from(
    [
        ("spec", "state"),
        ("spec", "deletes"),
        ("spec", "source", "bucket"),
        ("spec", "destination", "bucket"),
        ("spec", "destination", "new"),
        ("spec", "filter", "exclude"),
        ("spec", "filter", "exclude", 1),
        ("spec", "filter", "tags", "x"),
        ("spec", "s3", "priority"),
        ("spec", "verify"),
        ("metadata", "labels", "team"),
        ("metadata", "annotations", "note"),
    ]
)


def data_of(text: str) -> list[object]:
    sources = Sources()
    found = [document.data for document in parse(sources.add("t", text), sources)]
    assert not sources.mistakes
    return found


def with_value(data: object, path: tuple, value: object) -> object:
    data = json.loads(json.dumps(data))
    inner = data
    for part in path[:-1]:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) else inner[part]
    inner[path[-1]] = value
    return data


@SETTINGS
@given(st.dictionaries(PATHS.filter(lambda path: path[-1] != 1), VALUES, min_size=1, max_size=3), st.booleans())
def test_values_come_back_and_comments_stay(values: dict, crlf: bool) -> None:
    text = TEXT.replace("\n", "\r\n") if crlf else TEXT
    after = update_text(text, "Replication", "a", values)
    wanted = data_of(text)[0]
    for path, value in values.items():
        wanted = with_value(wanted, path, value)
    found = data_of(after)
    assert json.dumps(found[0], sort_keys=True) == json.dumps(wanted, sort_keys=True)
    assert found[1] == data_of(text)[1]
    gone = "# left-overs" if ("spec", "filter", "exclude") in values else None
    for comment in re.findall(r"# .*", TEXT):
        assert comment in after or comment == gone
    assert update_text(after, "Replication", "a", values) == after


@SETTINGS
@given(PATHS, PATHS)
def test_what_is_removed_is_gone_and_the_rest_stays(first: tuple, second: tuple) -> None:
    after = update_text(TEXT, "Replication", "a", {first: None})
    assert data_of(after)[1] == data_of(TEXT)[1]
    changed = sum(before != behind for before, behind in zip(TEXT.splitlines(), after.splitlines(), strict=False))
    assert after == TEXT or changed
    again = update_text(after, "Replication", "a", {second: "x"}) if second[-1] != 1 else after
    assert "# about the filter" in again


@SETTINGS
@given(st.lists(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5), min_size=1, max_size=3))
def test_what_is_dumped_loads_as_it_was(documents: list) -> None:
    text = dump_documents(documents)
    assert json.dumps(data_of(text)) == json.dumps(documents)
