"""What becomes of names in paths."""

from urllib.parse import quote

import pytest

from reconciler.emulators.clonecloudstore import names
from tests.lab.clonecloudstore import BYTES, OCTETS, Lab, Site


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("plain/dir/o.txt", "plain/dir/o.txt"),
        ("a--b", "a-b"),
        ("a---b--c", "a-b-c"),
        ("a b", "a_b"),
        ("a_  __b", "a_b"),
        ("a+b", "a_b"),
        ("a%20b", "a_b"),
        ("/lead", "lead"),
        ("//lead", "lead"),
        ("a//b", "a/b"),
        ("a///b", "a//b"),
        ("a\\b", "a/b"),
        ("\u00e9t\u00e9/\u0141\u00f3d\u017a", "ete/Lodz"),
        ("a@b#c:d", "abcd"),
        (" a ", "a"),
        ("A.B_c-d", "A.B_c-d"),
        ("\u65e5\u672c.txt", ".txt"),
    ],
)
def test_a_name_is_changed_and_nobody_is_told(lab: Lab, a: Site, sent: str, kept: str) -> None:
    assert names.object_name(sent) == kept
    a.bucket()
    made = a.public.post(f"/cloudclonestore/bucket/{quote(sent)}", content=b"x", headers=BYTES)
    assert (made.status_code, made.json()["name"]) == (201, kept)


def test_two_names_are_one_object(a: Site) -> None:
    a.bucket()
    a.put("bucket", "a b", b"first")
    assert a.public.post("/cloudclonestore/bucket/a__b", content=b"second", headers=BYTES).status_code == 409
    assert a.public.get("/cloudclonestore/bucket/a_b", headers=OCTETS).content == b"first"


def test_a_bucket_name_is_changed_too(a: Site) -> None:
    assert a.public.post("/cloudclonestore/my--bucket").json()["id"] == "my-bucket"
    assert a.public.head("/cloudclonestore/my-bucket").status_code == 200


@pytest.mark.parametrize("name", ["Upper", "ab", "a" * 64, "with_underscore", "a.b.c"])
def test_a_bad_bucket_name_is_an_exception_that_nobody_maps(lab: Lab, a: Site, name: str) -> None:
    answer = a.public.post(f"/cloudclonestore/{name}")
    assert (answer.status_code, answer.content) == (500, b"")
    assert "x-clonecloudstore-error" not in answer.headers
    lab.switch(documented=True)
    answer = a.public.post(f"/cloudclonestore/{name}")
    assert (answer.status_code, answer.headers["x-clonecloudstore-error"]) == (400, "Invalid input")


@pytest.mark.parametrize("name", ["@", "a;b", "a%00b", "x%zz", "a" * 1025, "<script>x"])
def test_a_bad_object_name(a: Site, name: str) -> None:
    a.bucket()
    sent = name if "%" in name else quote(name)
    answer = a.public.head(f"/cloudclonestore/bucket/{sent}")
    assert answer.status_code == 500
    with pytest.raises(names.BadName):
        names.object_name("a%2" if "%" in name else name)


def test_what_is_a_uri() -> None:
    for good in ("http://h:1", "https://h/x?y=z", "urn:a:b", "h"):
        assert names.check_uri(good) == good
    for bad in ("http://a b", "http://[", "http://h/%zz", "http://h/<x>", "http://\u00e9"):
        with pytest.raises(names.BadName):
            names.check_uri(bad)
