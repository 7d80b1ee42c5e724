"""The emulator as part of a world: flavours, data, acts, switches, faults, crashes."""

import json
from typing import Any

import httpx
import pytest

from reconciler.emulators.clonecloudstore import build
from reconciler.emulators.clonecloudstore.seed import BUCKETS, CLIENT, OTHER
from reconciler.emulators.clonecloudstore.switches import Switches
from reconciler.emulators.emulator import Options
from reconciler.emulators.faults import Fault
from tests.lab.clonecloudstore import BYTES, JSON, OCTETS, PREFIX, SERVICES, Lab, Site, digest, order

seeded = pytest.mark.parametrize("lab", [{"seed": True, "friends": False}], indirect=True)
strangers = pytest.mark.parametrize(
    "lab", [{"seed": True, "flavour": "2-strangers", "friends": False}, {"friends": False}], indirect=True
)


def act(lab: Lab, action: str, **arguments: Any) -> None:
    lab.emulator.act(action, {"site": "site-a", **arguments})


@seeded
def test_a_seeded_world_has_content_at_one_site_and_sites_that_know_each_other(lab: Lab, a: Site, b: Site) -> None:
    assert {one["id"] for one in a.public.get("/cloudclonestore").json()} == set(BUCKETS)
    for bucket, found in BUCKETS.items():
        assert {row["name"]: row["status"] for row in a.rows(bucket)} == {
            name: one.status for name, one in found.items()
        }
        for name, one in found.items():
            if one.status == "READY":
                assert a.public.get(f"/cloudclonestore/{bucket}/{name}", headers=OCTETS).content == one.content
    others = a.public.get("/cloudclonestore", headers={f"{PREFIX}client-id": OTHER}).json()
    assert [one["id"] for one in others] == ["others"]
    lab.settle()
    assert b.public.get("/cloudclonestore").json() == []
    assert lab.emulator.describe()["client_id"] == CLIENT
    for here, there in ((a, b), (b, a)):
        known = here.administration.get("/administration/topologies").json()
        assert [(one["id"], one["name"], one["status"]) for one in known] == [(there.name, there.name, "UP")]


@strangers
def test_strangers_and_sites_without_data_know_nobody(lab: Lab, a: Site, b: Site) -> None:
    for site in (a, b):
        assert site.administration.get("/administration/topologies").json() == []
    a.bucket()
    lab.settle()
    assert b.state["buckets"] == {}
    a.knows(b)
    b.knows(a)
    lab.clock.advance(301)
    a.bucket("second")
    lab.settle()
    assert b.status("second") == "READY"


def test_flavours() -> None:
    for flavour in ("4", "2-friends", "x"):
        with pytest.raises(ValueError, match="no flavour"):
            build(Options("ccs", flavour))


@pytest.mark.parametrize("lab", [{"flavour": "3"}], indirect=True)
def test_every_service_has_ports_of_its_own(lab: Lab) -> None:
    told = [site.urls(https=https) for site in lab.sites.values() for https in (False, True)]
    urls = [one[name] for one in told for name in SERVICES]
    assert len(set(urls)) == len(urls) == 30
    for url in (lab.a.urls(https=True)[name] for name in SERVICES):
        assert url.startswith("https://")
    https = lab.client(lab.c.urls(https=True)["accessor"], **{f"{PREFIX}client-id": CLIENT})
    assert https.get("/cloudclonestore").json() == []


def test_a_service_has_its_own_calls_only(a: Site) -> None:
    assert a.replicator.get("/nothing").status_code == 404
    for one, path in (("public", "/ccs/internal"), ("internal", "/cloudclonestore"), ("administration", "/replicator")):
        answer = httpx.get(str(getattr(a, one).base_url).rstrip("/") + path + "/nothing/x", headers=JSON)
        assert (answer.status_code, answer.content) == (404, b"")
    a.lab.recorder.clear()


def test_what_only_the_database_can_do(lab: Lab, a: Site) -> None:
    a.bucket()
    a.put("bucket", "o", b"right")
    act(lab, "replace-bytes", bucket="bucket", object="o", text="wrong")
    assert a.public.get("/cloudclonestore/bucket/o", headers=OCTETS).content == b"wrong"
    assert a.rows("bucket")[0]["hash"] == digest(b"right")
    assert a.state["buckets"]["bucket"]["objects"]["o"]["storedHash"] == digest(b"wrong")
    act(lab, "replace-bytes", bucket="bucket", object="o", base64="AAE=")
    assert a.content("bucket", "o") == b"\x00\x01"
    act(lab, "set-status", bucket="bucket", object="o", status="ERR_UPL")
    act(lab, "forget-row", bucket="bucket", object="o")
    assert a.rows("bucket") == []
    a.put("bucket", "o")
    act(lab, "forget-row", bucket="bucket")
    assert a.public.get("/cloudclonestore/bucket").status_code == 404


@pytest.mark.parametrize(
    ("action", "arguments"),
    [("fly", {}), ("set-status", {"site": "site-x"}),
     ("set-status", {"site": "site-a", "bucket": "b", "status": "READY"}),
     ("set-status", {"site": "site-a", "bucket": "bucket", "status": "NO"}), ("crash", {"site": 7}),
     ("replace-bytes", {"site": "site-a", "bucket": "bucket", "object": "o"}),
     ("replace-bytes", {"site": "site-a", "bucket": "bucket", "object": "o", "base64": "!"}),
     ("forget-row", {"site": "site-a", "bucket": "bucket", "object": "missing"}), ("lose-bytes", {"site": "site-a"})],
)  # fmt: skip
def test_acts_that_cannot_be_done(lab: Lab, a: Site, action: str, arguments: dict[str, Any]) -> None:
    a.bucket()
    a.put("bucket", "o")
    with pytest.raises(ValueError, match=r"."):
        lab.emulator.act(action, arguments)


@pytest.mark.parametrize(
    "wrong",
    [{"unknown": 1}, {"pull_s": -1}, {"local_bucket": "x"}, {"drop_orders": [0]}, {"remote_missing_bucket": 410}],
)
def test_switches_are_set_all_or_none(lab: Lab, wrong: dict[str, Any]) -> None:
    before = lab.emulator.switches()
    with pytest.raises(ValueError, match=next(iter(wrong))):
        lab.switch(documented=True, **wrong)
    assert lab.emulator.switches() == before
    assert set(before) == set(Switches.model_fields)


def test_a_crash_keeps_rows_bytes_and_orders(lab: Lab, a: Site, b: Site) -> None:
    a.bucket()
    a.put("bucket", "o", b"bytes")
    lab.settle()
    lab.switch(paused_consumers=["site-b"])
    b.order(order(a, b, "bucket", "p"))
    a.put("bucket", "p")
    lab.emulator.act("crash", {"site": "site-b"})
    with pytest.raises(httpx.TransportError):
        b.public.get("/cloudclonestore")
    lab.switch(paused_consumers=[])
    assert (b.state["up"], a.state["up"]) == (False, True)
    assert b.status("bucket", "p") is None
    lab.emulator.act("restart", {"site": "site-b"})
    lab.settle_actions()
    assert b.public.get("/cloudclonestore/bucket/o", headers=OCTETS).content == b"bytes"
    assert b.status("bucket", "p") == "READY"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_faults_are_told_as_the_services_tell_errors(lab: Lab, a: Site, status: int) -> None:
    lab.faults.add(Fault(kind="status", status=status, retry_after=1, part="site-a-accessor"))
    answer = a.public.get("/cloudclonestore")
    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (status, b"", "1")
    assert {f"{PREFIX}error", f"{PREFIX}op-id", f"{PREFIX}module"} <= set(answer.headers)
    assert a.public.get("/cloudclonestore").status_code == 200


def test_a_lost_answer_leaves_what_was_done(lab: Lab, a: Site) -> None:
    lab.faults.add(Fault(kind="drop_after", operation="createBucket"))
    with pytest.raises(httpx.TransportError):
        a.public.post("/cloudclonestore/bucket")
    assert a.public.post("/cloudclonestore/bucket").status_code == 409
    lab.faults.add(Fault(kind="drop_before", operation="createObject"))
    with pytest.raises(httpx.TransportError):
        a.public.post("/cloudclonestore/bucket/o", content=b"x", headers=BYTES)
    a.put("bucket", "o")


def test_a_stale_read(lab: Lab, a: Site) -> None:
    a.bucket()
    a.put("bucket", "old")
    lab.faults.add(Fault(kind="stale_read", operation="listObjects"))
    a.put("bucket", "new")
    assert [row["name"] for row in a.rows("bucket")] == ["old"]
    assert [row["name"] for row in a.rows("bucket")] == ["old", "new"]


def test_a_pull_that_meets_a_fault_at_the_source_fails_for_good(lab: Lab, a: Site, b: Site) -> None:
    a.bucket()
    lab.settle()
    lab.faults.add(Fault(kind="drop_before", part="site-a-replicator", operation="remoteReadObject"))
    a.put("bucket", "o")
    lab.settle()
    assert b.status("bucket", "o") == "ERR_UPL"


def test_the_log_names_site_service_and_call(lab: Lab, a: Site) -> None:
    a.bucket()
    a.administration.get("/administration/topologies/site-b")
    rows: Any = lab.log.since()["requests"]
    told = [(row["part"], row["operation"], row["write"]) for row in rows if row["part"].startswith("site-a")]
    assert told[:2] == [
        ("site-a-accessor", "createBucket", True), ("site-a-administration", "getTopology", False),
    ]  # fmt: skip


def test_state_is_json(lab: Lab, a: Site) -> None:
    a.bucket()
    a.put("bucket", "o")
    lab.settle()
    assert json.loads(json.dumps(lab.emulator.state())) == lab.emulator.state()
