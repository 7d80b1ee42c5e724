"""Each effect between sites is real: provoked on the emulators and seen to happen, and told by `repl` before."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.providers.clonecloudstore.effects import EFFECTS
from tests.contract.clonecloudstore_workspace import A, B, Workspace, opened
from tests.contract.effect_marks import CLONECLOUDSTORE
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way
from tests.lab.clonecloudstore import CLIENT, OCTETS

happens, told = CLONECLOUDSTORE.happens, CLONECLOUDSTORE.told


def test_every_effect_is_shown_and_told() -> None:
    """Here or in the module on copying."""
    import_module("tests.contract.test_clonecloudstore_copying")
    declared = {rule.id for rule in EFFECTS}
    assert CLONECLOUDSTORE.shown == CLONECLOUDSTORE.said == declared
    assert {"CCS-ALL-BUCKETS", "CCS-NO-BACKFILL"} <= declared


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[CloneCloudStoreHarness]:
    harness = CloneCloudStoreHarness(tmp_path_factory.mktemp("sites"), certificate, Way(tls=False))
    yield harness
    harness.close()


@pytest.fixture
def work(sites: CloneCloudStoreHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(sites, tmp_path) as made:
        yield made


# CCS-ALL-BUCKETS --------------------------------------------------------------------------------------------------


@happens("CCS-ALL-BUCKETS")
def test_what_every_client_does_in_every_bucket_goes_to_a_site_that_is_up(work: Workspace) -> None:
    work.introduce()
    work.order()
    theirs = f"{work.bucket}-theirs"
    work.make_bucket(name=theirs, client="client2")
    answer = work.sites.client(A, "accessor", "client2").post(
        f"/cloudclonestore/{theirs}/object", content=b"theirs", headers={"Content-Type": "application/octet-stream"}
    )
    assert answer.status_code == 201
    work.put("ours")
    assert work.held() == {"ours": b"content"}
    assert work.sites.content(B, theirs, "object") == b"theirs"
    work.delete("ours")
    assert work.held() == {}


@told("CCS-ALL-BUCKETS")
def test_the_first_replication_of_a_pair_says_what_goes_along(work: Workspace) -> None:
    beside = f"{work.bucket}-beside"
    work.sites.bucket(beside)
    work.replicate()
    effect = work.effects()["CCS-ALL-BUCKETS"]
    assert (effect["severity"], effect["blocks"]) == ("warning", False)
    for part in (f"{B} becomes UP at {A}", work.bucket, "of new buckets", "those of other clients"):
        assert part in effect["text"]
    assert f"POST /administration/topologies {A}" in work.calls()
    work.apply()
    work.make_bucket(name=f"{work.bucket}-surprise", client="client2")
    assert f"{work.bucket}-surprise" in work.sites.state(B)["buckets"]
    assert beside not in work.sites.state(B)["buckets"]
    # A second one changes nothing about that: its bucket is ordered, and no list is written.
    work.another()
    assert "CCS-ALL-BUCKETS" not in work.effects()
    assert [call for call in work.calls() if "topologies" in call] == []


# CCS-PAUSE --------------------------------------------------------------------------------------------------------


@happens("CCS-PAUSE")
def test_what_is_done_while_a_site_is_down_is_never_sent(work: Workspace) -> None:
    work.introduce()
    work.order()
    work.put("a", "b")
    assert set(work.held()) == {"a", "b"}
    work.turn("DOWN")
    work.put("meanwhile")
    work.delete("a")
    work.turn("UP")
    work.put("afterwards")
    assert set(work.held()) == {"a", "b", "afterwards"}


@told("CCS-PAUSE")
def test_a_pause_says_what_is_lost_and_what_stops_too(work: Workspace) -> None:
    work.replicate()
    work.apply()
    beside = f"{work.bucket}-beside"
    work.make_bucket(name=beside)
    work.replicate(state="paused")
    effect = work.effects()["CCS-PAUSE"]
    assert (effect["loses_protection"], beside in effect["text"]) == (True, True)
    assert work.calls() == [f"PUT /administration/topologies {A}"]
    work.apply()
    work.put("meanwhile")
    work.replicate()
    assert "while it was paused" in work.effects()["CCS-NO-BACKFILL"]["text"]
    work.apply()
    assert work.held() == {}


def test_losing_protection_can_be_forbidden(work: Workspace) -> None:
    work.replicate()
    work.apply()
    work.settings(guards={"maxLost": 0})
    work.replicate(state="paused")
    assert "maxLost" in work.refused(4).text
    work.forget()
    work.another()
    assert "maxLost" in work.refused(4, "--prune").text


# CCS-CACHED-LIST --------------------------------------------------------------------------------------------------


@happens("CCS-CACHED-LIST")
def test_a_list_is_believed_for_minutes(work: Workspace) -> None:
    work.sites.switch(topology_cache_s=300)
    work.introduce("DOWN")
    work.order()
    work.put("a")
    assert work.held() == {}
    work.turn("UP")
    work.put("b")
    assert work.held() == {}
    work.sites.advance(301)
    work.put("c")
    assert set(work.held()) == {"c"}


@told("CCS-CACHED-LIST")
def test_copying_waits_for_a_list_that_is_believed(work: Workspace) -> None:
    work.providers(here={"topologyCache": "1s"})
    work.put("before")
    work.replicate(existing="copy")
    effect = work.effects()["CCS-CACHED-LIST"]
    assert (effect["severity"], "up to 1 s" in effect["text"]) == ("info", True)
    (wait,) = [step for item in work.plan()["containers"] for step in item["steps"]
               if step.get("condition") == "list-known"]  # fmt: skip
    assert wait["params"] == {"site": A, "seconds": 1}
    work.apply()
    assert set(work.held()) == {"before"}


# CCS-CACHED-RIGHTS ------------------------------------------------------------------------------------------------


@happens("CCS-CACHED-RIGHTS")
def test_rights_are_believed_for_minutes(work: Workspace) -> None:
    work.introduce()
    work.order()
    work.sites.switch(ownership_cache_s=600)
    work.right("READ")
    work.put("a")
    assert work.held() == {}  # and what the client may do there is remembered
    path = f"/administration/ownerships/{CLIENT}/{work.bucket}/OWNER"
    assert work.ask(B, "administration", "PUT", path).is_success
    work.put("b")
    assert work.held() == {}
    work.sites.advance(601)
    work.put("c")
    assert set(work.held()) == {"c"}


@told("CCS-CACHED-RIGHTS")
def test_copying_waits_for_rights_that_are_believed(work: Workspace) -> None:
    work.replicate(deletes="keep")
    work.apply()
    work.providers(there={"ownershipCache": "1s"})
    work.put("before")
    work.replicate(existing="copy")
    effect = work.effects()["CCS-CACHED-RIGHTS"]
    assert (effect["severity"], "for up to 1 s more" in effect["text"]) == ("info", True)
    (wait,) = [step for item in work.plan()["containers"] for step in item["steps"]
               if step.get("condition") == "rights-known"]  # fmt: skip
    assert wait["params"] == {"sites": [B], "seconds": 1}
    work.apply()
    assert set(work.held()) == {"before"}
    assert work.sites.right(B, work.bucket) == "OWNER"


# CCS-RIGHTS -------------------------------------------------------------------------------------------------------


@happens("CCS-RIGHTS")
def test_without_a_right_orders_are_refused_and_the_client_too(work: Workspace) -> None:
    work.introduce()
    work.order()
    work.put("a")
    assert set(work.held()) == {"a"}
    work.right("READ")
    work.put("b")
    work.delete("a")
    assert set(work.held()) == {"a"}
    refused = work.ask(B, "accessor", "DELETE", f"/cloudclonestore/{work.bucket}/a")
    assert refused.status_code == 403


@told("CCS-RIGHTS")
@pytest.mark.parametrize("back", [False, True], ids=["one way", "both ways"])
def test_losing_a_right_blocks_where_somebody_writes_there(work: Workspace, back: bool) -> None:
    work.replicate()
    work.apply()
    if back:
        work.replicate("back", back=True)
        work.apply()
    work.replicate(deletes="keep")
    effect = work.effects()["CCS-RIGHTS"]
    assert (effect["blocks"], f"{CLIENT} may delete nothing in {work.bucket} at {B}" in effect["text"]) == (back, True)
    methods = ["DELETE", "POST"]
    assert [call.partition(" ")[0] for call in work.calls() if "ownerships" in call] == methods
    if back:
        assert "--allow CCS-RIGHTS@one" in work.refused(4).text
        assert work.sites.right(B, work.bucket) == "OWNER"
    work.apply("--allow", "CCS-RIGHTS@one")
    assert work.sites.right(B, work.bucket) == "READ_WRITE"
    work.settled()


# CCS-DELETES ------------------------------------------------------------------------------------------------------


@happens("CCS-DELETES")
def test_what_is_deleted_is_deleted_over_there_too(work: Workspace) -> None:
    work.introduce()
    work.order()
    work.put("a", "b")
    work.held()
    work.delete("a")
    assert set(work.held()) == {"b"}
    assert work.orders("DELETE") == {"a": 1}


@told("CCS-DELETES")
@pytest.mark.parametrize("deletes", [None, "keep", "replicate"])
def test_deletions_are_told_where_nothing_is_said(work: Workspace, deletes: str | None) -> None:
    work.replicate(deletes=deletes)
    found = work.effects()
    assert ("CCS-DELETES" in found) == (deletes is None)
    work.apply()
    work.put("a")
    assert set(work.held()) == {"a"}
    work.delete("a")
    assert set(work.held()) == ({"a"} if deletes == "keep" else set())


# CCS-UNPROTECTED --------------------------------------------------------------------------------------------------


@happens("CCS-UNPROTECTED")
def test_without_rights_nothing_more_arrives_and_the_sites_go_on_knowing_each_other(work: Workspace) -> None:
    work.introduce()
    work.order()
    work.put("early")
    work.held()
    work.right("READ")
    work.put("late")
    assert set(work.held()) == {"early"}
    found = work.ask(B, "accessor", "GET", f"/cloudclonestore/{work.bucket}/early", headers=OCTETS)
    assert found.content == b"content"
    work.make_bucket(name=f"{work.bucket}-new")
    assert f"{work.bucket}-new" in work.sites.state(B)["buckets"]


@told("CCS-UNPROTECTED")
def test_a_removal_says_what_it_takes_away_and_what_it_leaves(work: Workspace) -> None:
    work.replicate()
    other = work.another()
    work.apply()
    work.put("early")
    assert set(work.held()) == {"early"}
    work.forget()
    effect = work.effects("--prune")["CCS-UNPROTECTED"]
    assert (effect["loses_protection"], f"may only read {work.bucket} at {B}" in effect["text"]) == (True, True)
    work.apply("--prune")
    work.sites.emulator.act("expire-caches", {})
    work.put("late")
    work.put("theirs", bucket=other)
    assert set(work.held()) == {"early"}
    assert work.sites.content(B, other, "theirs") == b"content"
    topology = work.sites.topology(A, B)
    assert topology is not None
    assert topology["status"] == "UP"
    work.settled()


def test_a_protected_replication_is_not_removed(work: Workspace) -> None:
    work.replicate(protect=True)
    work.another()
    work.apply()
    work.forget()
    work.refused(4, "--prune")
    work.put("a")
    assert set(work.held()) == {"a"}
