"""What a site tells the others by itself: its own creates and deletes, once, and only where a site is UP."""

import pytest

from tests.lab.clonecloudstore import OCTETS, PREFIX, Lab, Site, eventually

TOPOLOGIES = "/administration/topologies"
three = pytest.mark.parametrize("lab", [{"flavour": "3"}], indirect=True)


def set_status(site: Site, other: Site, status: str) -> None:
    entry = site.administration.get(f"{TOPOLOGIES}/{other.name}").json()
    assert site.administration.put(TOPOLOGIES, json={**entry, "status": status}).status_code == 200


@three
def test_everything_goes_everywhere(lab: Lab, a: Site, b: Site) -> None:
    a.bucket()
    a.put("bucket", "o", b"bytes")
    lab.settle()
    for site in (b, lab.c):
        assert site.content("bucket", "o") == b"bytes"
        assert site.public.get("/cloudclonestore/bucket").json()["site"] == site.name
    assert a.public.delete("/cloudclonestore/bucket/o").status_code == 204
    assert a.public.delete("/cloudclonestore/bucket").status_code == 204
    lab.settle()
    for site in (b, lab.c):
        assert (site.status("bucket"), site.status("bucket", "o")) == ("DELETED", "DELETED")
    assert a.public.delete("/cloudclonestore/bucket/o").status_code == 403
    assert all(done["site"] != "site-a" for done in lab.state["orders"]["done"])


def test_orders_name_both_sites_and_go_one_by_one_or_as_a_list(lab: Lab, a: Site, b: Site) -> None:
    a.bucket()
    lab.settle()
    lab.switch(paused_senders=["site-a"])
    for name in "xyz":
        a.put("bucket", name)
    lab.switch(paused_senders=[])
    lab.settle()
    done = lab.state["orders"]["done"]
    assert {(one["fromSite"], one["toSite"], one["clientId"]) for one in done} == {("site-a", "site-b", "client1")}
    assert [one["objectName"] for one in done] == [None, "x", "y", "z"]
    posted = [row["path"] for row in lab.log.since()["requests"] if row["method"] == "POST" and "orders" in row["path"]]  # type: ignore[union-attr,index,call-overload,operator]
    assert posted == ["/replicator/remote/orders", "/replicator/remote/orders/multiple"]


def test_what_was_there_before_is_not_sent(lab: Lab, a: Site, b: Site) -> None:
    set_status(a, b, "DOWN")
    a.bucket()
    a.put("bucket", "old")
    lab.settle()
    assert b.state["buckets"] == {}
    set_status(a, b, "UP")
    lab.clock.advance(301)
    a.put("bucket", "new")
    lab.settle()
    # The order came, and its bucket was never made there.
    assert (b.state["buckets"], lab.outcomes()) == ({}, ["refused"])
    lab.clock.advance(10_000)
    lab.settle()
    assert b.state["buckets"] == {}


@pytest.mark.parametrize("status", ["DOWN", "DELETED", "UNKNOWN"])
def test_only_sites_that_are_up_are_told(lab: Lab, a: Site, b: Site, status: str) -> None:
    set_status(a, b, status)
    a.bucket()
    lab.settle()
    assert (b.state["buckets"], lab.state["orders"]["taken"]) == ({}, 0)


def test_a_site_that_went_down_is_told_for_five_more_minutes(lab: Lab, a: Site, b: Site) -> None:
    lab.clock.freeze()
    a.bucket()
    lab.settle()
    set_status(a, b, "DOWN")
    a.put("bucket", "o1")
    lab.settle()
    lab.clock.advance(300)
    a.put("bucket", "o2")
    lab.settle()
    assert (b.status("bucket", "o1"), b.status("bucket", "o2")) == ("READY", None)


def test_a_site_that_does_not_answer_is_told_nothing_later(lab: Lab, a: Site, b: Site) -> None:
    a.bucket()
    lab.settle()
    lab.emulator.act("crash", {"site": "site-b"})
    a.put("bucket", "lost")
    eventually(lambda: a.state["unsent"])
    lab.emulator.act("restart", {"site": "site-b"})
    a.put("bucket", "kept")
    lab.settle()
    assert (b.status("bucket", "lost"), b.status("bucket", "kept")) == (None, "READY")
    assert [one["objectName"] for one in a.state["unsent"]] == ["lost"]


def test_without_the_way_back_orders_come_and_cannot_be_carried_out(lab: Lab, a: Site, b: Site) -> None:
    b.administration.delete(f"{TOPOLOGIES}/site-a")
    a.bucket()
    a.put("bucket", "o")
    lab.settle()
    assert (b.status("bucket"), b.status("bucket", "o")) == ("READY", "ERR_UPL")


def test_writes_on_both_sides_meet(lab: Lab, a: Site, b: Site) -> None:
    lab.switch(paused_senders=["site-a", "site-b"])
    for site in (a, b):
        site.bucket()
        site.put("bucket", "o", site.name.encode())
    lab.switch(paused_senders=[])
    lab.settle()
    assert (a.content("bucket", "o"), b.content("bucket", "o")) == (b"site-a", b"site-b")
    assert set(lab.outcomes()) == {"refused"}


def test_the_public_api_may_answer_for_other_sites(lab: Lab, a: Site, b: Site) -> None:
    lab.switch(paused_senders=["site-a"])
    a.bucket()
    a.put("bucket", "o", b"bytes")
    at = "/cloudclonestore/bucket"
    calls = (("HEAD", at), ("GET", at), ("HEAD", f"{at}/o"), ("GET", f"{at}/o"))
    assert {b.public.request(method, path, headers=OCTETS).status_code for method, path in calls} == {404}
    lab.switch(remote_read=True)
    lab.emulator.act("expire-caches", {})
    assert {b.public.request(method, path, headers=OCTETS).status_code for method, path in calls} == {200}
    assert b.public.get(f"{at}/o", headers=OCTETS).content == b"bytes"
    assert b.public.head(f"{at}/o").headers[f"{PREFIX}type"] == "OBJECT"
    assert b.internal.head("/ccs/internal/bucket").status_code == 404
    assert b.internal.head("/ccs/internal/bucket/o").status_code == 404
    lab.settle_actions()
    assert b.state["buckets"] == {}
    assert b.public.get("/cloudclonestore/nowhere").status_code == 404
    assert b.public.get("/cloudclonestore/bucket/nothing", headers=OCTETS).status_code == 404


def test_reading_may_repair(lab: Lab, a: Site, b: Site) -> None:
    lab.switch(paused_senders=["site-a"], remote_read=True, fix_on_absent=True)
    a.bucket()
    a.put("bucket", "o", b"bytes")
    assert b.public.head("/cloudclonestore/bucket").status_code == 200
    lab.settle_actions()
    assert b.public.get("/cloudclonestore/bucket/o", headers=OCTETS).content == b"bytes"
    lab.settle_actions()
    assert b.content("bucket", "o") == b"bytes"
    assert {(one["fromSite"], one["toSite"], one["outcome"]) for one in lab.state["orders"]["done"]} == {
        ("site-a", "site-b", "applied")
    }


def test_a_site_that_others_cannot_be_asked_through_answers_for_itself(lab: Lab, a: Site, b: Site) -> None:
    lab.switch(remote_read=True)
    lab.emulator.act("crash", {"site": "site-b"})
    assert a.public.head("/cloudclonestore/bucket").status_code == 404
    assert a.public.get("/cloudclonestore/bucket").status_code == 404
    assert a.public.head("/cloudclonestore/bucket/o").status_code == 404
    a.bucket()
    assert a.public.get("/cloudclonestore/bucket/o", headers=OCTETS).status_code == 404
