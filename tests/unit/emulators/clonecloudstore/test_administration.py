"""Topologies and ownerships, and the reconciliator that does nothing."""

from typing import Any

import pytest

from tests.lab.clonecloudstore import Lab, Site

TOPOLOGIES = "/administration/topologies"
OWNERSHIPS = "/administration/ownerships"


def entry(**changes: Any) -> dict[str, Any]:
    return {"id": "site-x", "name": "site-x", "uri": "http://x.example:8080", "status": "UP", **changes}


@pytest.fixture
def alone(lab: Lab) -> Site:
    """A site that knows nobody."""
    for one in lab.a.administration.get(TOPOLOGIES).json():
        assert lab.a.administration.delete(f"{TOPOLOGIES}/{one['id']}").status_code == 204
    return lab.a


def test_sites_that_know_each_other(lab: Lab) -> None:
    for here, there in ((lab.a, lab.b), (lab.b, lab.a)):
        uri = there.urls()["replicator"]
        assert here.administration.get(TOPOLOGIES).json() == [
            {"id": there.name, "name": there.name, "uri": uri, "status": "UP"}
        ]


def test_an_entry_is_added_changed_and_deleted(alone: Site) -> None:
    api = alone.administration
    made = api.post(TOPOLOGIES, json=entry())
    assert (made.status_code, made.json()) == (200, entry())
    changed = entry(status="DOWN", name="other", uri="https://y.example")
    answer = api.put(TOPOLOGIES, json=changed)
    assert (answer.status_code, answer.json()) == (200, changed)
    assert api.put(TOPOLOGIES, json=changed).status_code == 200
    assert api.get(f"{TOPOLOGIES}/site-x").json() == changed
    assert api.get(f"{TOPOLOGIES}/other").status_code == 404
    assert api.delete(f"{TOPOLOGIES}/site-x").status_code == 204
    assert api.delete(f"{TOPOLOGIES}/site-x").status_code == 404


def test_put_makes_nothing_and_post_replaces_nothing(alone: Site) -> None:
    api = alone.administration
    assert api.put(TOPOLOGIES, json=entry()).status_code == 404
    assert api.post(TOPOLOGIES, json=entry()).status_code == 200
    answer = api.post(TOPOLOGIES, json=entry(status="DOWN"))
    assert (answer.status_code, answer.content) == (409, b"")
    assert api.get(f"{TOPOLOGIES}/site-x").json()["status"] == "UP"


def test_a_status_that_is_left_out_is_not_up(alone: Site) -> None:
    api = alone.administration
    made = {name: value for name, value in entry().items() if name != "status"}
    assert api.post(TOPOLOGIES, json=made).json()["status"] == "UNKNOWN"
    assert api.post(TOPOLOGIES, json=entry(id="z", status=None)).json()["status"] == "UNKNOWN"
    assert api.get(f"{TOPOLOGIES}?status=UP").json() == []
    assert len(api.get(f"{TOPOLOGIES}?status=UNKNOWN").json()) == 2


def test_lists_by_status(alone: Site) -> None:
    for status in ("UP", "DOWN", "DELETED", "UNKNOWN"):
        alone.administration.post(TOPOLOGIES, json=entry(id=status, status=status))
    for status in ("UP", "DOWN", "DELETED"):
        found = alone.administration.get(f"{TOPOLOGIES}?status={status}").json()
        assert [one["id"] for one in found] == [status]
    assert len(alone.administration.get(TOPOLOGIES).json()) == 4
    assert alone.administration.get(f"{TOPOLOGIES}?status=NO").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"id": None}, {"id": ""}, {"name": None}, {"uri": None}, {"uri": "http://a b"}, {"status": "NO"}, {"id": 7},
     {"name": "a\nb"}],
)  # fmt: skip
def test_entries_that_cannot_be_read(alone: Site, wrong: dict[str, Any]) -> None:
    assert alone.administration.post(TOPOLOGIES, json=entry(**wrong)).status_code == 400
    assert alone.administration.get(TOPOLOGIES).json() == []


def test_bodies_that_cannot_be_read(alone: Site) -> None:
    json = {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b"null", b"\xff"):
        assert alone.administration.post(TOPOLOGIES, content=body, headers=json).status_code == 400
    assert (
        alone.administration.post(TOPOLOGIES, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    )


def test_rights_are_added_and_never_lowered_by_put(alone: Site) -> None:
    api, at = alone.administration, f"{OWNERSHIPS}/c/b"
    assert api.get(at).status_code == 404
    assert api.put(f"{at}/READ").status_code == 404
    made = api.post(f"{at}/READ")
    assert (made.status_code, made.json()) == (200, "READ")
    assert api.post(f"{at}/OWNER").status_code == 409
    assert api.put(f"{at}/DELETE").json() == "DELETE_READ"
    assert api.put(f"{at}/READ").json() == "DELETE_READ"
    assert api.put(f"{at}/WRITE").json() == "OWNER"
    assert api.put(f"{at}/READ").json() == "OWNER"
    assert api.delete(at).status_code == 204
    assert api.delete(at).status_code == 404
    assert api.post(f"{at}/READ").json() == "READ"


def test_lists_of_rights(alone: Site) -> None:
    api = alone.administration
    for client, bucket, right in (("c", "b1", "READ"), ("c", "b2", "OWNER"), ("d", "b1", "WRITE")):
        api.post(f"{OWNERSHIPS}/{client}/{bucket}/{right}")
    assert api.get(f"{OWNERSHIPS}/c").json() == [
        {"client": "c", "bucket": "b1", "ownership": "READ"}, {"client": "c", "bucket": "b2", "ownership": "OWNER"},
    ]  # fmt: skip
    assert [one["bucket"] for one in api.get(f"{OWNERSHIPS}/c?ownership=WRITE").json()] == ["b2"]
    assert api.get(f"{OWNERSHIPS}/nobody").json() == []
    assert api.get(f"{OWNERSHIPS}/c?ownership=NO").status_code == 404


def test_the_same_path_is_a_client_and_a_bucket(alone: Site) -> None:
    api = alone.administration
    for client, bucket in (("c", "b"), ("d", "b"), ("b", "x")):
        api.post(f"{OWNERSHIPS}/{client}/{bucket}/READ")
    assert api.delete(f"{OWNERSHIPS}/b").status_code == 204
    assert api.get(f"{OWNERSHIPS}/b").json() == [{"client": "b", "bucket": "x", "ownership": "READ"}]
    assert api.delete(f"{OWNERSHIPS}/b").status_code == 404
    assert api.delete(f"{OWNERSHIPS}/c/b").status_code == 404


def test_a_right_that_there_is_not(lab: Lab, alone: Site) -> None:
    assert alone.administration.post(f"{OWNERSHIPS}/c/b/READS").status_code == 404
    lab.switch(documented=True)
    assert alone.administration.post(f"{OWNERSHIPS}/c/b/READS").status_code == 400
    assert alone.administration.post(f"{OWNERSHIPS}/c/b/READ").status_code == 201
    assert alone.administration.put(f"{OWNERSHIPS}/c/b/READ").status_code == 202
    assert alone.administration.post(TOPOLOGIES, json=entry()).status_code == 201
    assert alone.administration.put(TOPOLOGIES, json=entry()).status_code == 202


def test_what_is_remembered_of_rights(lab: Lab, alone: Site) -> None:
    """The accessor believes for ten minutes what it has read; what was not there is asked for each time."""
    alone.bucket("old")
    alone.rows("old")
    assert alone.administration.delete(f"{OWNERSHIPS}/client1/old").status_code == 204
    alone.rows("old")
    lab.clock.advance(601)
    assert alone.public.put("/cloudclonestore/old").status_code == 403
    alone.administration.post(f"{OWNERSHIPS}/client1/old/READ")
    alone.rows("old")


@pytest.mark.parametrize("path", ["central/requests", "local/requests", "purge", "import/b", "sync/b"])
def test_the_reconciliator_takes_everything_and_does_nothing(lab: Lab, a: Site, path: str) -> None:
    before = lab.state
    body = {"id": "1", "clientId": "client1", "bucket": "b", "dryRun": False} if "requests" in path else None
    answer = a.reconciliator.post(f"/reconciliator/{path}", json=body)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["x-clonecloudstore-module"] == "RECONCILIATOR"
    assert lab.state == before


@pytest.mark.parametrize(
    "path",
    ["central/requests/1", "central/requests/1/listing/2", "local/requests/1", "local/requests/1/listing", "purge/1",
     "import/b/1"],
)  # fmt: skip
def test_the_reconciliator_knows_nothing(a: Site, path: str) -> None:
    answer = a.reconciliator.get(f"/reconciliator/{path}")
    assert (answer.status_code, answer.content) == (200, b"")
