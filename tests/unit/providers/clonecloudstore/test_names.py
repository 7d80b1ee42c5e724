"""Names are refused before a server would change them, with what it would make of them."""

import hashlib

import pytest

from reconciler.providers.clonecloudstore.names import (
    base32hex,
    bucket_problem,
    key_problem,
    metadata_held,
    sanitised,
)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("plain/name-1.txt", "plain/name-1.txt"),
        ("a b", "a_b"),
        ("a _ b", "a_b"),
        ("a__b", "a_b"),
        ("a--b", "a-b"),
        ("a---b", "a-b"),
        ("a//b", "a/b"),
        ("a///b", "a//b"),
        ("/lead", "lead"),
        ("back\\slash", "back/slash"),
        ("a%20b", "a_b"),
        ("a%2Fb", "a/b"),
        ("a+b", "a_b"),
        ("é", "e"),
        ("e\u0301", "e"),
        ("\u0142\u00f3d\u017a", "lodz"),
        ("straße", "strae"),
        ("日本", ""),
        ("a?b*c", "abc"),
        ("_edge_", "edge"),
        ("a-_-b", "a-_-b"),
        ("a-*-b", "a-b"),
        ("", ""),
    ],
)
def test_what_the_server_makes_of_a_name(name: str, made: str) -> None:
    assert sanitised(name) == made


@pytest.mark.parametrize("name", ["abc", "a-b-c", "0" * 63, "-ab", "ab-"])
def test_bucket_names(name: str) -> None:
    assert bucket_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("ab", "3 to 63"), ("0" * 64, "3 to 63"), ("Abc", "3 to 63"), ("a.b", "3 to 63"), ("a--b", "'a-b'"),
        ("a_b", "3 to 63"), ("a b", "'a_b'"), ("日本語", "nothing"), ("a;b", "refuses"), ("100%", "refuses"),
        ("a\nb", "refuses"),
    ],
)  # fmt: skip
def test_no_bucket_names(name: str, part: str) -> None:
    assert part in bucket_problem(name)


@pytest.mark.parametrize(
    "name", ["a", "A/b_c.d-e", ".repl-canary/20261120T235800Z-1f3c2aa9/logs", "dir/", "...", "x" * 1024]
)
def test_object_names(name: str) -> None:
    assert key_problem(name) == ""


@pytest.mark.parametrize("name", ["", "a/../b", ".", "./a", "x" * 1025, "a b", "<script>", "e\u0301", "/a", "a%20b"])
def test_no_object_names(name: str) -> None:
    assert key_problem(name)


def test_metadata_that_can_be_held() -> None:
    given = {"key": "v", "_k1": "ä", "repl-run": "1", "1k": "x", "tab": "a\tb", "tag": "<script>", "semi": "a;b"}
    assert metadata_held(given) == {"key": "v", "_k1": "ä"}


def test_digests() -> None:
    empty = base32hex(hashlib.sha256(b"").digest())
    assert len(empty) == 52
    assert empty == "seoc8gkovge196nruj49irtp4gjqsgf4cidp6j54imchmu2in1ag"
