"""The file system over REST."""

import re

import httpx
import pytest

from tests.lab import qumulo
from tests.lab.qumulo import Lab, quote

BINARY = {"Content-Type": "application/octet-stream"}
NANOSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def url(path: str, rest: str = "") -> str:
    return f"/v1/files/{quote(path)}{rest}"


def attributes(lab: Lab, ref: str) -> dict[str, object]:
    return dict(lab.api.get(url(ref, "/info/attributes")).json())


def make(lab: Lab, directory: str, name: str, action: str = "CREATE_FILE", **more: object) -> httpx.Response:
    return lab.api.post(url(directory, "/entries/"), json={"name": name, "action": action, **more})


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_class"]


def test_a_path_and_its_id_name_the_same_thing(lab: Lab) -> None:
    number = lab.mkdir("/my dir/ünï/100%")
    by_path = attributes(lab, "/my dir/ünï/100%")
    assert by_path == attributes(lab, "/my dir/ünï/100%/") == attributes(lab, number)
    assert by_path["id"] == by_path["file_number"] == number
    assert by_path["path"] == "/my dir/ünï/100%/"
    assert by_path["type"] == "FS_FILE_TYPE_DIRECTORY"
    assert attributes(lab, "/")["id"] == "2"


def test_numbers_are_decimal_strings_and_times_have_nine_digits(lab: Lab) -> None:
    lab.put("/a.txt", "hello")
    told = attributes(lab, "/a.txt")
    assert told["size"] == "5"
    assert all(NANOSECONDS.fullmatch(str(told[name])) for name in ("creation_time", "modification_time", "change_time"))


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("/nowhere", (404, "fs_no_such_entry_error")),
        ("/a.txt/below", (404, "fs_not_a_directory_error")),
        ("99999", (404, "fs_no_such_inode_error")),
        ("relative/path", (400, "fs_file_path_invalid_error")),
        ("-1", (400, "fs_file_path_invalid_error")),
        ("²", (400, "fs_file_path_invalid_error")),
    ],
)
def test_a_reference_that_leads_nowhere(lab: Lab, ref: str, expected: tuple[int, str]) -> None:
    lab.put("/a.txt")
    assert error(lab.api.get(url(ref, "/info/attributes"))) == expected


@pytest.mark.parametrize(
    "path", ["/v1/files/2/entries", "/v1/files/2/info/attributes/", "/v1/files/2/nothing", "/v1/file/2"]
)
def test_a_wrong_slash_is_another_path(lab: Lab, path: str) -> None:
    assert lab.api.get(path).status_code == 404


def test_a_method_that_does_not_exist_is_405(lab: Lab) -> None:
    assert lab.api.put("/v1/files/2/entries/").status_code == 405


def test_resolve_gives_paths_or_fails_as_a_whole(lab: Lab) -> None:
    number = lab.mkdir("/a")
    assert lab.api.post("/v1/files/resolve", json=[number, "2"]).json() == [
        {"id": number, "path": "/a/"},
        {"id": "2", "path": "/"},
    ]
    assert lab.api.post("/v1/files/resolve", json=[number, "999"]).status_code == 404
    for nonsense in ([1], {"ids": []}, ["x"], "2"):
        assert lab.api.post("/v1/files/resolve", json=nonsense).status_code == 400


def test_try_resolve_tells_the_living_from_the_dead(lab: Lab) -> None:
    alive, dead = lab.mkdir("/a"), lab.mkdir("/b")
    lab.emulator.act("delete", {"path": "/b"})
    answer = lab.api.post("/v1/files/try-resolve", json={"ids": [alive, dead]}).json()
    assert answer == {"available": [{"id": alive, "path": "/a/"}], "unavailable": [], "deleted": [dead]}


def test_create_write_read_delete(lab: Lab) -> None:
    made = make(lab, "/", "a.bin").json()
    assert (made["size"], made["type"], made["path"]) == ("0", "FS_FILE_TYPE_FILE", "/a.bin")
    content = bytes(range(256)) * 3
    written = lab.api.put(url("/a.bin", "/data"), content=content, headers=BINARY)
    assert written.json()["size"] == "768"
    read = lab.api.get(url("/a.bin", "/data"))
    assert (read.content, read.headers["Content-Type"]) == (content, "application/octet-stream")
    assert read.headers["ETag"] == written.headers["ETag"]
    assert lab.api.get(url("/a.bin", "/data?offset=250&length=10")).content == content[250:260]
    assert lab.api.get(url("/a.bin", "/data?offset=9999")).content == b""
    assert lab.api.get(url("/a.bin", "/data?length=0")).content == b""
    assert lab.api.delete(url("/a.bin")).content == b""
    assert error(lab.api.get(url("/a.bin", "/data"))) == (404, "fs_no_such_entry_error")


def test_a_chunked_body_is_a_body(lab: Lab) -> None:
    make(lab, "/", "a.bin")
    lab.api.put(url("/a.bin", "/data"), content=iter([b"one", b"two"]), headers=BINARY)
    assert lab.read("/a.bin") == b"onetwo"


def test_patch_writes_at_an_offset_and_fills_the_gap(lab: Lab) -> None:
    lab.put("/a.bin", "0123456789")
    lab.api.patch(url("/a.bin", "/data?offset=3"), content=b"xyz", headers=BINARY)
    assert lab.read("/a.bin") == b"012xyz6789"
    lab.api.patch(url("/a.bin", "/data?offset=12"), content=b"!", headers=BINARY)
    assert lab.read("/a.bin") == b"012xyz6789\0\0!"
    lab.api.patch(url("/a.bin", "/data"), content=b"A", headers=BINARY)
    assert lab.read("/a.bin")[:2] == b"A1"


def test_a_write_of_the_wrong_kind_changes_nothing(lab: Lab) -> None:
    lab.put("/a.bin", "old")
    assert (
        lab.api.put(url("/a.bin", "/data"), content=b"new", headers={"Content-Type": "text/plain"}).status_code == 400
    )
    assert lab.api.patch(url("/a.bin", "/data?offset=-1"), content=b"new", headers=BINARY).status_code == 400
    assert lab.api.put(url("/missing", "/data"), content=b"new", headers=BINARY).status_code == 404
    assert error(lab.api.put(url("/", "/data"), content=b"new", headers=BINARY)) == (400, "fs_not_a_file_error")
    assert lab.read("/a.bin") == b"old"


def test_if_match_guards_a_write(lab: Lab) -> None:
    lab.put("/a.bin", "old")
    tag = lab.api.get(url("/a.bin", "/info/attributes")).headers["ETag"]
    lab.put("/a.bin", "somebody else")
    answer = lab.api.put(url("/a.bin", "/data"), content=b"new", headers={**BINARY, "If-Match": tag})
    assert answer.status_code == 412
    assert lab.read("/a.bin") == b"somebody else"
    tag = lab.api.get(url("/a.bin", "/info/attributes")).headers["ETag"]
    assert lab.api.put(url("/a.bin", "/data"), content=b"new", headers={**BINARY, "If-Match": tag}).status_code == 200


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "nul\0", "x" * 256, "é" * 128, ".snapshot"])
def test_names_that_cannot_be(lab: Lab, name: str) -> None:
    assert make(lab, "/", name).status_code == 400


@pytest.mark.parametrize("name", [" ", "a b", "%20", "new\nline", "emoji 🚀", "x" * 255, "-", "~"])
def test_names_that_can_be(lab: Lab, name: str) -> None:
    made = make(lab, "/", name)
    assert made.json()["path"] == f"/{name}"
    assert attributes(lab, f"/{name}")["name"] == name


def test_what_is_there_already_is_409(lab: Lab) -> None:
    make(lab, "/", "a", "CREATE_DIRECTORY")
    assert error(make(lab, "/", "a", "CREATE_DIRECTORY")) == (409, "fs_entry_exists_error")
    assert error(make(lab, "/", "a")) == (409, "fs_entry_exists_error")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "a"},
        {"action": "CREATE_FILE"},
        {"name": "a", "action": "FLY"},
        {"name": 1, "action": "CREATE_FILE"},
    ],
)
def test_an_entry_that_makes_no_sense(lab: Lab, body: dict[str, object]) -> None:
    assert lab.api.post(url("/", "/entries/"), json=body).status_code == 400


def test_a_full_directory_stays(lab: Lab) -> None:
    lab.put("/a/b.txt")
    assert error(lab.api.delete(url("/a"))) == (409, "fs_directory_not_empty_error")
    assert lab.api.delete(url("/a", "/entries/b.txt")).status_code == 200
    assert error(lab.api.delete(url("/a", "/entries/b.txt"))) == (404, "fs_no_such_entry_error")
    assert lab.api.delete(url("/a")).status_code == 200
    assert lab.api.delete(url("/")).status_code == 403


def test_an_id_is_never_used_again(lab: Lab) -> None:
    first = lab.mkdir("/a")
    lab.api.delete(url("/a"))
    assert lab.mkdir("/a") != first


def test_rename_keeps_the_id(lab: Lab) -> None:
    number = lab.put("/a/x", "content")
    lab.mkdir("/b")
    assert make(lab, "/b", "y", "RENAME", old_path="/a/x").json()["id"] == number
    assert lab.read("/b/y") == b"content"
    lab.put("/b/z", "other")
    assert make(lab, "/b", "z", "RENAME", old_path="/b/y").status_code == 409
    assert make(lab, "/b", "z", "RENAME", old_path="/b/y", clobber=True).status_code == 200
    assert lab.read("/b/z") == b"content"
    assert make(lab, "/b", "c", "RENAME", old_path="/b").status_code == 400


def names(lab: Lab, directory: str, limit: int | None = None) -> tuple[list[str], int]:
    found: list[str] = []
    path = url(directory, "/entries/") + ("" if limit is None else f"?limit={limit}")
    pages = 0
    while path:
        page = lab.api.get(path).json()
        found += [entry["name"] for entry in page["files"]]
        path, pages = page["paging"]["next"], pages + 1
    return found, pages


@pytest.mark.parametrize("order", ["hash", "name"])
def test_a_directory_is_read_in_pages(lab: Lab, order: str) -> None:
    lab.emulator.switch({"entries_order": order})
    expected = sorted(["é", "a b", "%", "new\nline", *(f"f{number:02}" for number in range(20))])
    for name in expected:
        lab.put(f"/d/{name}")
    for limit, pages in ((1, 24), (7, 4), (24, 1), (None, 1)):
        found, count = names(lab, "/d", limit)
        assert (sorted(found), count) == (expected, pages)
        assert (found == expected) is (order == "name")


def test_the_cluster_may_choose_a_smaller_page(lab: Lab) -> None:
    for number in range(5):
        lab.put(f"/d/{number}")
    lab.emulator.switch({"page_limit": 2})
    assert names(lab, "/d", 100)[1] == 3


def test_an_entry_deleted_between_pages_is_not_a_problem(lab: Lab) -> None:
    for number in range(6):
        lab.put(f"/d/{number}")
    page = lab.api.get(url("/d", "/entries/?limit=3")).json()
    lab.api.delete(url(page["files"][-1]["path"]))
    rest = lab.api.get(page["paging"]["next"]).json()
    assert len({entry["name"] for entry in page["files"] + rest["files"]}) == 6


def test_a_file_has_no_entries(lab: Lab) -> None:
    lab.put("/a.txt")
    assert error(lab.api.get(url("/a.txt", "/entries/"))) == (400, "fs_not_a_directory_error")


@pytest.mark.parametrize("query", ["?limit=x", "?limit=-1", "?snapshot=1", "?smb-pattern=*"])
def test_a_parameter_that_is_not_understood_is_refused(lab: Lab, query: str) -> None:
    assert lab.api.get(url("/", "/entries/") + query).status_code == 400


def test_a_seeded_cluster_has_something_to_copy(tmp_path, certificate) -> None:  # type: ignore[no-untyped-def]

    with qumulo.start(tmp_path, certificate, seed=True) as lab:
        assert lab.read("/projects/README.txt")
        assert names(lab, "/restore") == ([], 1)
