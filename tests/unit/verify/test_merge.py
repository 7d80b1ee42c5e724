"""Two listings side by side: every key once, in order, with little memory, and never from a listing out of order."""

import tracemalloc
from collections.abc import Iterator
from typing import NamedTuple, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import ObjectFacts
from reconciler.verify.merge import BadListing, Pair, key_order, pairs

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    [
        "",
        "\n",
        "a",
        "a\n",
        "a/",
        "a//b",
        "a-b",
        "a/b",
        "a0",
        "/lead",
        "é",
        "e\u0301",
        "\uffff",
        "\U00010000",
        "\U0001f600",
    ]
)


class Entry(NamedTuple):
    """As much of an object as is looked at here; quick to make."""

    key: str


BUCKETS = st.dictionaries(KEYS, st.integers(0, 3), max_size=12)


def listed(bucket: dict[str, int]) -> list[ObjectFacts]:
    return [ObjectFacts(key=key, size=bucket[key]) for key in sorted(bucket, key=str.encode)]


@given(BUCKETS, BUCKETS)
@example({"\uffff": 1, "\U00010000": 1}, {"\U00010000": 1})
@example({"": 1}, {"": 2})
def test_it_finds_what_two_dictionaries_show(source: dict[str, int], destination: dict[str, int]) -> None:
    found = list(pairs(listed(source), listed(destination)))
    assert [pair.key for pair in found] == sorted(source.keys() | destination.keys(), key=str.encode)
    for pair in found:
        assert (pair.source.size if pair.source else None) == source.get(pair.key)
        assert (pair.destination.size if pair.destination else None) == destination.get(pair.key)


def test_the_order_is_that_of_utf_8_and_not_of_utf_16() -> None:
    last_of_the_plane, beyond = "\uffff", "\U00010000"
    assert last_of_the_plane.encode("utf-16-be") > beyond.encode("utf-16-be")
    assert key_order(last_of_the_plane) < key_order(beyond)
    utf_16 = [ObjectFacts(key=beyond, size=1), ObjectFacts(key=last_of_the_plane, size=1)]
    with pytest.raises(BadListing, match="not in the order of its keys' bytes"):
        list(pairs(utf_16, listed({last_of_the_plane: 1, beyond: 1})))


@given(st.lists(KEYS, min_size=2, max_size=8), st.booleans())
def test_a_listing_out_of_order_is_never_an_answer(keys: list[str], at_source: bool) -> None:
    broken, whole = [ObjectFacts(key=key, size=1) for key in keys], listed(dict.fromkeys(keys, 1))
    if [facts.key for facts in broken] == [facts.key for facts in whole]:
        return
    with pytest.raises(BadListing) as caught:
        list(pairs(broken, whole) if at_source else pairs(whole, broken))
    assert caught.value.end == ("source" if at_source else "destination")


def test_a_key_twice_is_told_with_its_place() -> None:
    twice = [ObjectFacts(key=key, size=1) for key in ("a", "b\n", "b\n")]
    with pytest.raises(BadListing) as caught:
        list(pairs(twice, ()))
    assert str(caught.value) == (
        "the listing of the source names a key twice: 'b\\n' after 2 objects, the last being 'b\\n'"
    )


def test_an_error_on_the_way_says_where() -> None:
    def broken() -> Iterator[ObjectFacts]:
        yield from listed({"a": 1, "b": 1})
        raise ProviderError("gone away", code=ErrorCode.UNAVAILABLE, provider="there", operation="list")

    found: list[Pair] = []
    with pytest.raises(BadListing, match=r"destination broke off after 2 objects, the last being 'b'.*gone away"):
        found.extend(pairs(listed({"a": 1, "c": 1}), broken()))


def test_both_listings_are_closed_however_it_ends() -> None:
    closed: list[str] = []

    def watched(name: str) -> Iterator[ObjectFacts]:
        try:
            yield from listed({"a": 1, "b": 1})
        finally:
            closed.append(name)

    joined = pairs(watched("source"), watched("destination"))
    next(joined)
    joined.close()
    assert closed == ["source", "destination"]


def test_memory_does_not_grow_with_the_listings() -> None:
    def many(step: int) -> Iterator[ObjectFacts]:
        return (cast("ObjectFacts", Entry(f"folder/{number:012}")) for number in range(0, 200_000, step))

    tracemalloc.start()
    try:
        both = sum(pair.destination is not None for pair in pairs(many(1), many(2)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert both == 100_000
    assert peak < 256 * 1024
