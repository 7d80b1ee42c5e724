"""Objects over the accessor: storing, reading, listing, deleting."""

import json
from typing import Any

import httpx
import pytest
import zstandard

from tests.lab.clonecloudstore import BYTES, JSON, OCTETS, PREFIX, Lab, Site, digest

AT = "/cloudclonestore/bucket"
OTHER = {f"{PREFIX}client-id": "client2"}


@pytest.fixture(autouse=True)
def bucket(a: Site) -> str:
    return a.bucket()


def act(lab: Lab, action: str, name: str, **arguments: Any) -> None:
    lab.emulator.act(action, {"site": "site-a", "bucket": "bucket", "object": name, **arguments})


def rights(a: Site, right: str, client: str = "client2") -> None:
    answer = a.administration.post(f"/administration/ownerships/{client}/bucket/{right}")
    assert answer.status_code == 200


def test_an_object_is_stored_and_comes_back(a: Site) -> None:
    content = bytes(range(256)) * 8
    made = a.put("bucket", "dir/o.bin", content, metadata='{"kind":"x"}', expires="2031-01-02T03:04:05Z")
    assert made == {
        "id": made["id"], "site": "site-a", "bucket": "bucket", "name": "dir/o.bin", "hash": digest(content),
        "status": "READY", "creation": made["creation"], "expires": "2031-01-02T03:04:05Z", "size": len(content),
        "metadata": {"kind": "x"},
    }  # fmt: skip
    assert len(made["hash"]) == 52
    assert a.public.get(f"{AT}/dir/o.bin", headers=JSON).json() == made
    for client, root in ((a.public, "/cloudclonestore"), (a.internal, "/ccs/internal")):
        answer = client.get(f"{root}/bucket/dir/o.bin", headers=OCTETS)
        assert answer.content == content
        told = {name.removeprefix(PREFIX): value for name, value in answer.headers.items() if PREFIX in name}
        assert {name: told[name] for name in ("id", "site", "bucket", "name", "hash", "status", "expires")} == {
            name: made[name] for name in ("id", "site", "bucket", "name", "hash", "status", "expires")
        }
        assert (int(told["size"]), json.loads(told["metadata"])) == (len(content), {"kind": "x"})
        assert told["creation"] == made["creation"]


def test_both_ways_can_be_compressed(lab: Lab, a: Site) -> None:
    content = b"compress me " * 1000
    sent = zstandard.compress(content)
    made = a.public.post(f"{AT}/z", content=sent, headers={**BYTES, "Content-Encoding": "ZSTD"}).json()
    assert (made["size"], made["hash"]) == (len(content), digest(content))
    plain = a.public.get(f"{AT}/z", headers={**OCTETS, "Accept-Encoding": "identity"})
    assert (plain.content, plain.headers.get("content-encoding")) == (content, None)
    answer = a.public.get(f"{AT}/z", headers={**OCTETS, "Accept-Encoding": "gzip, zstd"})
    assert (answer.content, answer.headers["content-encoding"]) == (content, "zstd")
    wire = [one for one in lab.recorder.exchanges if f"GET {AT}/z" in one.name][-1].response_body
    assert len(wire) < len(content) / 10
    assert zstandard.decompress(wire) == content
    broken = a.public.post(f"{AT}/y", content=b"no zstd", headers={**BYTES, "Content-Encoding": "zstd"})
    assert broken.status_code == 500
    cut = a.public.post(f"{AT}/y", content=sent[:-4], headers={**BYTES, "Content-Encoding": "zstd"})
    assert cut.status_code == 500
    assert a.status("bucket", "y") is None


def test_a_hash_that_comes_with_the_bytes_is_believed(lab: Lab, a: Site) -> None:
    assert a.put("bucket", "o", b"bytes", hash="whatever")["hash"] == "whatever"
    lab.switch(compute_hash=False)
    assert a.put("bucket", "p", b"bytes")["hash"] is None
    assert f"{PREFIX}hash" not in a.public.get(f"{AT}/p", headers=OCTETS).headers


def test_nothing_at_all_cannot_be_stored(a: Site) -> None:
    answer = a.public.post(f"{AT}/o", content=b"", headers=BYTES)
    assert (answer.status_code, answer.content) == (500, b"")
    assert a.status("bucket", "o") == "ERR_UPL"
    assert a.public.post(f"{AT}/o", content=b"x", headers=BYTES).status_code == 409
    assert a.public.delete(f"{AT}/o").status_code == 500


def test_a_client_that_cannot_read_leaves_its_failure_in_upload(a: Site) -> None:
    rights(a, "WRITE")
    assert a.public.post(f"{AT}/o", content=b"", headers={**OTHER, **BYTES}).status_code == 500
    assert a.status("bucket", "o") == "UPLOAD"


@pytest.mark.parametrize(
    ("status", "create", "delete"),
    [("READY", 409, 204), ("UPLOAD", 406, 500), ("ERR_UPL", 409, 500), ("DELETING", 409, 500), ("ERR_DEL", 409, 500),
     ("UNKNOWN", 409, 500), ("DELETED", 201, 204)],
)  # fmt: skip
def test_what_each_status_allows(lab: Lab, a: Site, status: str, create: int, delete: int) -> None:
    a.put("bucket", "deleted")
    a.put("bucket", "created")
    for name in ("deleted", "created"):
        act(lab, "set-status", name, status=status)
    made = a.public.post(f"{AT}/created", content=b"again", headers=BYTES)
    assert made.status_code == create
    assert a.public.delete(f"{AT}/deleted").status_code == delete
    row = a.public.get(f"{AT}/deleted", headers=JSON)
    assert row.status_code == 200
    assert row.json()["status"] == ("DELETED" if delete == 204 else status)
    if status != "READY":
        assert a.public.get(f"{AT}/deleted", headers=OCTETS).status_code == 404
        assert a.public.head(f"{AT}/deleted").status_code == 404


def test_an_object_is_never_overwritten(a: Site) -> None:
    a.put("bucket", "o", b"first")
    answer = a.public.post(f"{AT}/o", content=b"second", headers=BYTES)
    assert (answer.status_code, answer.content, answer.headers["connection"]) == (409, b"", "close")
    assert f"{PREFIX}error" not in answer.headers
    assert (answer.headers[f"{PREFIX}bucket"], answer.headers[f"{PREFIX}name"]) == ("bucket", "o")
    assert a.content("bucket", "o") == b"first"
    assert a.public.put(f"{AT}/o", content=b"x").status_code == 405


def test_a_deleted_object_comes_back_with_its_old_metadata(a: Site) -> None:
    first = a.put("bucket", "o", b"first", metadata='{"v":"1"}')
    a.public.delete(f"{AT}/o")
    assert a.content("bucket", "o") is None
    second = a.put("bucket", "o", b"second!", metadata='{"v":"2"}')
    assert (second["id"], second["metadata"], second["size"]) == (first["id"], {"v": "1"}, 7)
    assert second["hash"] == digest(b"second!")


def test_head_knows_objects_and_beginnings_of_names(a: Site) -> None:
    a.put("bucket", "dir/file")
    found = {name: a.public.head(f"{AT}/{name}") for name in ("dir/file", "dir", "di", "dir/", "file")}
    assert {name: (one.status_code, one.headers[f"{PREFIX}type"]) for name, one in found.items()} == {
        "dir/file": (200, "OBJECT"), "dir": (200, "DIRECTORY"), "di": (200, "DIRECTORY"), "dir/": (200, "DIRECTORY"),
        "file": (404, "NONE"),
    }  # fmt: skip


def test_full_check_asks_the_storage(lab: Lab, a: Site) -> None:
    a.put("bucket", "o")
    act(lab, "lose-bytes", "o")
    assert a.internal.head("/ccs/internal/bucket/o").status_code == 200
    assert a.internal.head("/ccs/internal/bucket/o?fullCheck=true").status_code == 404
    assert a.public.get(f"{AT}/o", headers=OCTETS).status_code == 404
    assert a.public.get(f"{AT}/o", headers=JSON).json()["status"] == "READY"


def test_rights_on_a_bucket(a: Site) -> None:
    a.put("bucket", "o")
    blind = {"head": 404, "row": 404, "bytes": 404, "list": 403, "post": 403, "delete": 403}
    assert _tried(a) == blind
    rights(a, "READ")
    assert _tried(a) == {**blind, "head": 200, "row": 200, "bytes": 200, "list": 200}


def _tried(a: Site) -> dict[str, int]:
    sent: dict[str, tuple[str, str, dict[str, str]]] = {
        "head": ("HEAD", "/o", {}), "row": ("GET", "/o", JSON), "bytes": ("GET", "/o", OCTETS), "list": ("PUT", "", {}),
        "post": ("POST", "/new", BYTES), "delete": ("DELETE", "/o", {}),
    }  # fmt: skip
    return {
        name: a.public.request(
            method, AT + path, headers={**OTHER, **headers}, content=b"x" if method == "POST" else None
        ).status_code
        for name, (method, path, headers) in sent.items()
    }


def test_what_is_missing(a: Site) -> None:
    for headers in (JSON, OCTETS):
        assert a.public.get(f"{AT}/o", headers=headers).status_code == 404
    assert a.public.delete(f"{AT}/o").status_code == 404
    assert a.public.post("/cloudclonestore/other/o", content=b"x", headers=BYTES).status_code == 404
    assert a.public.put("/cloudclonestore/other").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"metadata": "[]"}, {"metadata": "{"}, {"metadata": '{"1a":"x"}'}, {"metadata": '{"a":{}}'}, {"expires": "soon"},
     {"metadata": '{"a":"x;y"}'}, {"expires": "2031-01-02T03:04:05+01:00"}],
)  # fmt: skip
def test_headers_that_cannot_be_read(a: Site, headers: dict[str, str]) -> None:
    sent = {**BYTES, **{PREFIX + name: value for name, value in headers.items()}}
    assert a.public.post(f"{AT}/o", content=b"x", headers=sent).status_code == 500
    assert a.status("bucket", "o") is None


def test_types(a: Site) -> None:
    a.put("bucket", "o")
    assert a.public.post(f"{AT}/p", content=b"{}", headers={"Content-Type": "application/json"}).status_code == 415
    assert a.public.get(f"{AT}/o", headers={"Accept": "text/html"}).status_code == 406
    assert a.public.get(f"{AT}/o", headers={"Accept": "*/*"}).json()["name"] == "o"


def listed(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200
    return [json.loads(line)["name"] for line in answer.text.splitlines()]


def test_a_list_is_lines_of_json_in_the_answer_to_a_put(lab: Lab, a: Site) -> None:
    rows = [a.put("bucket", name) for name in ("b", "a", "c/d")]
    a.public.delete(f"{AT}/a")
    answer = a.public.put(AT)
    assert answer.headers["content-type"] == "application/octet-stream"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["name"] for line in lines] == ["b", "a", "c/d"]
    assert [line["status"] for line in lines] == ["READY", "DELETED", "READY"]
    assert lines[0] == rows[0]
    assert listed(a.internal.put("/ccs/internal/bucket")) == ["b", "a", "c/d"]
    assert lab.state["orders"]["taken"] >= 0
    assert [entry["write"] for entry in _log(lab) if entry["method"] == "PUT"] == [False, False]


def _log(lab: Lab) -> list[dict[str, Any]]:
    return list(lab.log.since()["requests"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ["a1", "a2", "b1"]),
        ({"namePrefix": "a"}, ["a1", "a2"]),
        ({"namePrefix": "/a"}, ["a1", "a2"]),
        ({"statuses": '["DELETED"]'}, ["b1"]),
        ({"statuses": '["READY","DELETED"]'}, ["a1", "a2", "b1"]),
        ({"sizeLT": "2"}, ["a1", "a2"]),
        ({"sizeGT": "2"}, ["a2", "b1"]),
        ({"sizeGT": "2", "sizeLT": "2"}, ["a2"]),
        ({"sizeLT": "0"}, ["a1", "a2", "b1"]),
        ({"metadataEq": '{"k":"v"}'}, ["a2"]),
        ({"metadataEq": '{"k":"w"}'}, []),
        ({"expiresBefore": "2030-06-01T00:00:00Z"}, ["a1"]),
        ({"expiresAfter": "2030-06-01T00:00:00Z"}, ["a2"]),
        ({"expiresAfter": "2030-01-01T00:00:00Z"}, ["a1", "a2"]),
        ({"creationAfter": "2099-01-01T00:00:00Z"}, []),
        ({"creationBefore": "2099-01-01T00:00:00Z"}, ["a1", "a2", "b1"]),
    ],
)
def test_filters(a: Site, filters: dict[str, str], names: list[str]) -> None:
    a.put("bucket", "a1", b"1", expires="2030-01-01T00:00:00Z")
    a.put("bucket", "a2", b"22", expires="2031-01-01T00:00:00Z", metadata='{"k":"v","l":"1"}')
    a.put("bucket", "b1", b"333")
    a.public.delete(f"{AT}/b1")
    assert [row["name"] for row in a.rows("bucket", **filters)] == names


@pytest.mark.parametrize(
    "filters",
    [{"statuses": "READY"}, {"statuses": '["NO"]'}, {"sizeLT": "x"}, {"creationAfter": "1"}, {"metadataEq": "["}],
)
def test_filters_that_cannot_be_read(a: Site, filters: dict[str, str]) -> None:
    sent = {PREFIX + name: value for name, value in filters.items()}
    assert a.public.put(AT, headers=sent).status_code == 500
