"""Orders: taken in unread, carried out later or lost, and never spoken of again."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.clonecloudstore import BYTES, OCTETS, Lab, Site, digest, eventually, order

ORDERS = "/replicator/remote/orders"


@pytest.fixture(autouse=True)
def silent(lab: Lab, a: Site) -> Iterator[None]:
    """What is written at site-a stays there: only orders move something."""
    lab.switch(paused_senders=["site-a"])
    a.bucket()
    a.put("bucket", "o", b"bytes of o", metadata='{"k":"v"}', expires="2031-01-01T00:00:00Z")
    yield
    lab.settle_actions()


def test_a_bucket_then_its_objects(lab: Lab, a: Site, b: Site) -> None:
    source = a.rows("bucket")[0]
    b.order(order(a, b, "bucket"))
    b.order(order(a, b, "bucket", "o"))
    lab.settle_actions()
    assert (b.status("bucket"), b.status("bucket", "o")) == ("READY", "READY")
    copy = b.rows("bucket")[0]
    assert {**copy, "id": "", "site": ""} == {**source, "id": "", "site": ""}
    assert (copy["site"], copy["id"] != source["id"]) == ("site-b", True)
    assert b.public.get("/cloudclonestore/bucket/o", headers=OCTETS).content == b"bytes of o"
    assert b.public.get("/cloudclonestore/bucket").json()["clientId"] == "client1"
    assert b.state["ownerships"] == [{"client": "client1", "bucket": "bucket", "ownership": "OWNER"}]
    assert lab.outcomes() == ["applied", "applied"]


def test_bytes_are_pulled_over_http_from_the_source(lab: Lab, a: Site, b: Site) -> None:
    b.order(order(a, b, "bucket"), order(a, b, "bucket", "o"))
    lab.settle_actions()
    asked = [
        (row["method"], row["path"])
        for row in lab.log.since()["requests"]  # type: ignore[union-attr]
        if row["part"] == "site-a-replicator"  # type: ignore[index,call-overload]
    ]
    assert asked == [
        ("HEAD", "/replicator/remote/buckets/bucket/o"), ("GET", "/replicator/remote/buckets/bucket/o"),
    ]  # fmt: skip


@pytest.mark.parametrize("compressed", [False, True])
def test_sites_may_compress_between_them(lab: Lab, a: Site, b: Site, compressed: bool) -> None:
    lab.switch(internal_compression=compressed)
    b.order(order(a, b, "bucket"), order(a, b, "bucket", "o"))
    lab.settle_actions()
    assert b.content("bucket", "o") == b"bytes of o"
    pulled = next(one for one in lab.recorder.exchanges if "GET /replicator/remote/buckets/bucket/o" in one.name)
    assert pulled.response_headers.get("Content-Encoding") == ("zstd" if compressed else None)


def test_any_order_is_taken_in(lab: Lab, b: Site) -> None:
    nonsense: list[dict[str, Any]] = [
        {}, {"action": None}, {"bucketName": "No Such!", "action": "CREATE"}, {"unknown": [1]},
        {"bucketName": "bucket", "objectName": "a b", "action": "CREATE", "clientId": "client1"},
    ]  # fmt: skip
    for one in nonsense:
        answer = b.replicator.post(ORDERS, json=one)
        assert (answer.status_code, answer.content) == (201, b"")
    b.order(*nonsense)
    b.replicator.post(f"{ORDERS}/multiple", json=[])
    lab.settle_actions()
    assert lab.outcomes() == ["refused"] * 10
    assert b.state["buckets"] == {}
    lab.recorder.clear()


def test_orders_that_cannot_be_read(lab: Lab, b: Site) -> None:
    json = {"Content-Type": "application/json"}
    for path, body in (
        (ORDERS, b"{"), (ORDERS, b"[]"), (ORDERS, b'{"action":"MOVE"}'), (ORDERS, b'{"size":"x"}'),
        (ORDERS, b'{"bucketName":{}}'), (f"{ORDERS}/multiple", b"{}"), (f"{ORDERS}/multiple", b'[{"size":true}]'),
    ):  # fmt: skip
        assert b.replicator.post(path, content=body, headers=json).status_code == 400
    assert b.replicator.post(ORDERS, content=b"{}", headers=BYTES).status_code == 415
    assert lab.state["orders"]["taken"] == 0


def test_an_object_before_its_bucket_is_lost(lab: Lab, a: Site, b: Site) -> None:
    b.order(order(a, b, "bucket", "o"))
    b.order(order(a, b, "bucket"))
    lab.settle_actions()
    assert lab.outcomes() == ["refused", "applied"]
    assert (b.status("bucket"), b.status("bucket", "o")) == ("READY", None)
    b.order(order(a, b, "bucket", "o"))
    lab.settle_actions()
    assert b.status("bucket", "o") == "READY"


def test_the_right_to_write_is_needed(lab: Lab, a: Site, b: Site) -> None:
    b.order(order(a, b, "bucket"))
    b.order(order(a, b, "bucket", "o", clientId="client2"), order(a, b, "bucket", "o", clientId=None))
    lab.settle_actions()
    assert lab.outcomes() == ["applied", "refused", "refused"]
    assert "WRITE not allowed" in str(lab.state["orders"]["done"])


def test_an_order_is_no_upsert(lab: Lab, a: Site, b: Site) -> None:
    b.order(order(a, b, "bucket"), order(a, b, "bucket", "o"))
    lab.settle_actions()
    b.order(order(a, b, "bucket"), order(a, b, "bucket", "o", size=99, hash="other"))
    b.order(order(a, b, "bucket", "o", action="UPDATE"), order(a, b, "bucket", "o", action="UNKNOWN"))
    lab.settle_actions()
    assert lab.outcomes() == ["applied", "applied", "refused", "refused", "ignored", "ignored"]
    assert b.rows("bucket")[0]["size"] == len(b"bytes of o")


def test_deleting_by_order(lab: Lab, a: Site, b: Site) -> None:
    b.order(order(a, b, "bucket"), order(a, b, "bucket", "o"))
    b.order(order(a, b, "bucket", action="DELETE"))
    lab.settle_actions()
    assert b.status("bucket") == "READY"
    b.order(order(a, b, "bucket", "o", action="DELETE"), order(a, b, "bucket", "o", action="DELETE"))
    b.order(order(a, b, "bucket", action="DELETE", clientId="client2"))
    b.order(order(a, b, "bucket", action="DELETE"))
    lab.settle_actions()
    assert lab.outcomes() == ["applied", "applied", "refused", "applied", "refused", "refused", "applied"]
    assert (b.status("bucket"), b.status("bucket", "o")) == ("DELETED", "DELETED")
    b.order(order(a, b, "bucket", clientId="client9"), order(a, b, "bucket", "o", clientId="client1"))
    lab.settle_actions()
    assert b.public.get("/cloudclonestore/bucket").json()["clientId"] == "client1"
    assert b.status("bucket", "o") == "READY"


@pytest.mark.parametrize("status", ["UPLOAD", "ERR_UPL", "ERR_DEL", "DELETING", "UNKNOWN"])
def test_an_order_heals_nothing(lab: Lab, a: Site, b: Site, status: str) -> None:
    b.order(order(a, b, "bucket"), order(a, b, "bucket", "o"))
    lab.settle_actions()
    lab.emulator.act("set-status", {"site": "site-b", "bucket": "bucket", "object": "o", "status": status})
    b.order(order(a, b, "bucket", "o"), order(a, b, "bucket", "o", action="DELETE"))
    lab.settle_actions()
    assert lab.outcomes()[2:] == ["refused", "refused"]
    assert b.status("bucket", "o") == status


def test_what_is_not_at_the_source_becomes_an_error_for_good(lab: Lab, a: Site, b: Site) -> None:
    b.order(order(a, b, "bucket"), order(a, b, "bucket", "missing"))
    lab.settle_actions()
    assert b.status("bucket", "missing") == "ERR_UPL"
    a.put("bucket", "missing")
    b.order(order(a, b, "bucket", "missing"))
    lab.settle_actions()
    assert b.status("bucket", "missing") == "ERR_UPL"
    assert lab.outcomes() == ["applied", "failed", "refused"]


def test_a_remembered_absence_at_the_source_spoils_the_pull(lab: Lab, a: Site, b: Site) -> None:
    b.order(order(a, b, "bucket"))
    lab.settle_actions()
    assert b.replicator.head("/replicator/local/buckets/bucket/late").status_code == 404
    a.put("bucket", "late")
    b.order(order(a, b, "bucket", "late"))
    lab.settle_actions()
    assert b.status("bucket", "late") == "ERR_UPL"


@pytest.mark.parametrize("source", ["site-x", "site-b"])
def test_a_source_that_is_unknown_or_the_site_itself(lab: Lab, b: Site, source: str) -> None:
    b.order(order(source, b, "bucket"), order(source, b, "bucket", "o"))
    lab.settle_actions()
    assert (b.status("bucket"), b.status("bucket", "o")) == ("READY", "ERR_UPL")


def test_a_source_that_is_down_in_the_topology_is_asked_all_the_same(lab: Lab, a: Site, b: Site) -> None:
    entry = {**b.administration.get("/administration/topologies").json()[0], "status": "DOWN"}
    b.administration.put("/administration/topologies", json=entry)
    b.order(order(a, "whoever", "bucket"), order(a, "whoever", "bucket", "o"))
    lab.settle_actions()
    assert b.status("bucket", "o") == "READY"


def test_without_a_source_any_site_that_has_it_does(lab: Lab, b: Site) -> None:
    b.order(order("", b, "bucket"), order("", b, "bucket", "o"))
    lab.settle_actions()
    assert b.content("bucket", "o") == b"bytes of o"


def test_the_row_says_ready_before_the_bytes_are_there(lab: Lab, a: Site, b: Site) -> None:
    b.order(order(a, b, "bucket"))
    lab.settle_actions()
    lab.clock.freeze()
    lab.switch(pull_s=10)
    b.order(order(a, b, "bucket", "o"))
    eventually(lambda: b.status("bucket", "o") == "READY")
    at = "/replicator/remote/buckets/bucket/o"
    assert b.content("bucket", "o") is None
    assert b.replicator.head(at).status_code == 200
    assert b.replicator.head(f"{at}?fullCheck=true").status_code == 404
    assert b.replicator.get(at).status_code == 404
    assert b.rows("bucket")[0]["hash"] == digest(b"bytes of o")
    lab.clock.advance(10)
    lab.settle_actions()
    assert b.replicator.head(f"{at}?fullCheck=true").status_code == 200
    assert b.replicator.get(at).content == b"bytes of o"


def test_orders_wait_for_their_time_and_their_reader(lab: Lab, a: Site, b: Site) -> None:
    lab.clock.freeze()
    lab.switch(order_lag_s=5)
    b.order(order(a, b, "bucket"))
    lab.clock.advance(4)
    assert b.status("bucket") is None
    lab.clock.advance(1)
    lab.settle_actions()
    assert b.status("bucket") == "READY"
    lab.switch(order_lag_s=0, paused_consumers=["site-b"])
    b.order(order(a, b, "bucket", "o"))
    waiting = b.state["topics"]["request-action"]["waiting"]
    assert [one["objectName"] for one in waiting] == ["o"]
    assert lab.state["quiet"] is False
    lab.emulator.act("restart", {"site": "site-b"})
    lab.switch(paused_consumers=[])
    lab.settle_actions()
    assert b.status("bucket", "o") == "READY"


def test_losing_chosen_orders(lab: Lab, a: Site, b: Site) -> None:
    for name in ("p", "q"):
        a.put("bucket", name)
    taken = lab.state["orders"]["taken"]
    lab.switch(drop_orders=[taken + 2, taken + 4])
    b.order(order(a, b, "bucket"), *(order(a, b, "bucket", name) for name in "opq"))
    lab.settle_actions()
    assert lab.outcomes() == ["applied", "lost", "applied", "lost"]
    assert set(b.state["buckets"]["bucket"]["objects"]) == {"p"}
    lab.switch(drop_orders=[], drop_next_orders=1)
    b.order(order(a, b, "bucket", "o"), order(a, b, "bucket", "q"))
    lab.settle_actions()
    assert lab.outcomes()[4:] == ["lost", "applied"]


def test_failing_and_stalling_pulls(lab: Lab, a: Site, b: Site) -> None:
    for name in ("p", "q", "r"):
        a.put("bucket", name)
    b.order(order(a, b, "bucket"))
    lab.settle_actions()
    for counter, name, status in (
        ("fail_next_pulls", "o", "ERR_UPL"), ("stall_next_pulls", "p", "UPLOAD"), ("fail_next_writes", "q", "ERR_UPL"),
    ):  # fmt: skip
        lab.switch(**{counter: 1})
        b.order(order(a, b, "bucket", name))
        lab.settle_actions()
        assert b.status("bucket", name) == status
        assert lab.emulator.switches()[counter] == 0
    lab.switch(fail_next_deletes=1)
    b.order(order(a, b, "bucket", "r"), order(a, b, "bucket", "r", action="DELETE"))
    lab.settle_actions()
    assert b.status("bucket", "r") == "ERR_DEL"
    assert lab.state["orders"]["counts"] == {"applied": 2, "failed": 2, "stalled": 1, "refused": 1}


def test_an_order_makes_no_order(lab: Lab, a: Site, b: Site) -> None:
    b.order(order(a, b, "bucket"), order(a, b, "bucket", "o"))
    lab.settle_actions()
    lab.switch(paused_senders=[])
    lab.settle()
    assert all(done["site"] == "site-b" for done in lab.state["orders"]["done"])


def test_as_documented(lab: Lab, a: Site, b: Site) -> None:
    lab.switch(documented=True)
    b.order(order(a, b, "bucket"))
    lab.settle_actions()
    taken = b.replicator.post(ORDERS, json=order(a, b, "bucket"))
    assert (taken.status_code, taken.headers["x-clonecloudstore-error"]) == (409, "Bucket bucket already exist")
    assert b.replicator.post(f"{ORDERS}/multiple", json=[order(a, b, "No!")]).status_code == 400
