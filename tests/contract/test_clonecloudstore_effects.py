"""Each effect between sites is real: provoked on the emulators and seen to happen, and told by `repl` before."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.providers.clonecloudstore.effects import EFFECTS
from tests.contract.clonecloudstore_workspace import A, B, Workspace, opened
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way
from tests.lab.clonecloudstore import CLIENT, OCTETS, order

Test = TypeVar("Test", bound=Callable[..., None])

SHOWN: set[str] = set()
TOLD: set[str] = set()


def happens(rule: str) -> Callable[[Test], Test]:
    """Mark a test that brings an effect about without `repl`."""
    SHOWN.add(rule)
    return lambda test: test


def told(rule: str) -> Callable[[Test], Test]:
    """Mark a test that sees `repl` tell of it before."""
    TOLD.add(rule)
    return lambda test: test


def test_every_effect_is_shown_and_told() -> None:
    declared = {rule.id for rule in EFFECTS}
    assert SHOWN == TOLD == declared
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


def by_hand(work: Workspace, name: str | None = None, action: str = "CREATE") -> None:
    """Order a bucket, or an object in it, at site-b."""
    body = order(A, B, work.bucket, name, action=action, clientId=CLIENT)
    answer = work.ask(B, "replicator", "POST", "/replicator/remote/orders", json=body)
    assert answer.status_code == 201, answer
    work.sites.settle()


# CCS-ALL-BUCKETS --------------------------------------------------------------------------------------------------


@happens("CCS-ALL-BUCKETS")
def test_what_every_client_does_in_every_bucket_goes_to_a_site_that_is_up(work: Workspace) -> None:
    work.introduce()
    by_hand(work)
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


# CCS-NO-BACKFILL --------------------------------------------------------------------------------------------------


@happens("CCS-NO-BACKFILL")
def test_what_is_there_comes_by_an_order_only(work: Workspace) -> None:
    work.put("before", "lost")
    work.introduce()
    by_hand(work)
    work.put("after")
    assert set(work.held()) == {"after"}
    by_hand(work, "before")
    assert set(work.held()) == {"after", "before"}
    work.sites.switch(drop_next_orders=1)
    by_hand(work, "lost")
    assert set(work.held()) == {"after", "before"}
    assert work.orders()["lost"] == 1


@told("CCS-NO-BACKFILL")
@pytest.mark.parametrize(("existing", "severity"), [(None, "warning"), ("ignore", "info")])
def test_what_stays_behind_is_told(work: Workspace, existing: str | None, severity: str) -> None:
    work.put("before")
    work.replicate(existing=existing)
    effect = work.effects()["CCS-NO-BACKFILL"]
    assert (effect["severity"], effect["blocks"]) == (severity, False)
    assert f"what is there already in {work.bucket} is not sent" in effect["text"]
    work.apply()
    work.put("after")
    assert set(work.held()) == {"after"}


# CCS-CLONE --------------------------------------------------------------------------------------------------------


@happens("CCS-CLONE")
def test_an_order_for_what_is_there_or_failed_leads_to_nothing(work: Workspace) -> None:
    work.put("there", "dead")
    work.introduce()
    by_hand(work)
    by_hand(work, "there")
    work.sites.switch(fail_next_pulls=1)
    by_hand(work, "dead")
    assert work.sites.status(B, work.bucket, "dead") == "ERR_UPL"
    for name in ("there", "dead"):
        by_hand(work, name)
    assert work.sites.status(B, work.bucket, "dead") == "ERR_UPL"
    assert work.held() == {"there": b"content"}


@told("CCS-CLONE")
def test_existing_objects_are_ordered_once_and_what_failed_never(work: Workspace) -> None:
    work.put("a", "b")
    work.replicate(existing="copy")
    effect = work.effects()["CCS-CLONE"]
    assert (effect["severity"], f"what {work.bucket} at {B} lacks" in effect["text"]) == ("info", True)
    orders = [call for call in work.calls() if "orders/multiple" in call]
    assert orders == [f"POST /replicator/remote/orders/multiple {B}/{work.bucket}"] * 3
    work.apply()
    assert set(work.held()) == {"a", "b"}
    ended = work.repl("resync", "one", "--yes", "--no-verify")
    assert (ended.code, "CCS-CLONE" in ended.text) == (0, True)
    assert work.orders() == {"a": 1, "b": 1}
    work.sites.emulator.act("set-status", {"site": B, "bucket": work.bucket, "object": "a", "status": "ERR_UPL"})
    ended = work.repl("resync", "one", "--yes", "--no-verify")
    assert ended.code != 0
    assert "1 ERR_UPL (a)" in ended.text
    assert work.orders() == {"a": 1, "b": 1}


# CCS-PAUSE --------------------------------------------------------------------------------------------------------


@happens("CCS-PAUSE")
def test_what_is_done_while_a_site_is_down_is_never_sent(work: Workspace) -> None:
    work.introduce()
    by_hand(work)
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
    by_hand(work)
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


# CCS-RIGHTS -------------------------------------------------------------------------------------------------------


@happens("CCS-RIGHTS")
def test_without_a_right_orders_are_refused_and_the_client_too(work: Workspace) -> None:
    work.introduce()
    by_hand(work)
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
    by_hand(work)
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


# CCS-OVERWRITE ----------------------------------------------------------------------------------------------------


def differing(work: Workspace) -> None:
    """An object that both sites have, each its own."""
    work.put("same")
    work.replicate()
    work.apply()
    work.put("same", site=B, content=b"theirs")
    assert work.held() == {"same": b"theirs"}


@happens("CCS-OVERWRITE")
def test_an_object_is_not_written_over_but_deleted_and_fetched(work: Workspace) -> None:
    differing(work)
    by_hand(work, "same")
    assert work.held() == {"same": b"theirs"}
    by_hand(work, "same", "DELETE")
    assert work.held() == {}
    work.sites.switch(fail_next_pulls=1)
    by_hand(work, "same")
    assert work.held() == {}  # and nobody has what was there


@told("CCS-OVERWRITE")
def test_what_differs_is_replaced_with_an_approval_only(work: Workspace) -> None:
    differing(work)
    work.replicate(existing="copy", clonecloudstore={"conflicts": "replace"})
    effect = work.effects()["CCS-OVERWRITE"]
    assert (effect["blocks"], effect["recopies"]) == (True, True)
    assert f"objects of {work.bucket} that differ at {B} are deleted there" in effect["text"]
    assert "--allow CCS-OVERWRITE@one" in work.refused(4).text
    assert work.held() == {"same": b"theirs"}
    work.apply("--allow", "CCS-OVERWRITE@one")
    assert work.held() == {"same": b"content"}
    work.settled()


# CCS-PRUNE --------------------------------------------------------------------------------------------------------


@happens("CCS-PRUNE")
def test_an_order_deletes_what_no_other_site_has(work: Workspace) -> None:
    work.introduce()
    by_hand(work)
    work.put("only-there", site=B)
    by_hand(work, "only-there", "DELETE")
    assert work.held() == work.held(A) == {}


@told("CCS-PRUNE")
def test_extras_are_deleted_with_an_approval_only(work: Workspace) -> None:
    work.replicate()
    work.apply()
    work.put("only-there", site=B)
    work.put("both")
    work.replicate(existing="copy", clonecloudstore={"prune": True})
    effect = work.effects()["CCS-PRUNE"]
    assert (effect["blocks"], f"that only {B} has are deleted" in effect["text"]) == (True, True)
    assert "--allow CCS-PRUNE@one" in work.refused(4).text
    assert set(work.held()) == {"both", "only-there"}
    work.apply("--allow", "CCS-PRUNE@one")
    assert set(work.held()) == {"both"}
    work.settled()


# CCS-UNPROTECTED --------------------------------------------------------------------------------------------------


@happens("CCS-UNPROTECTED")
def test_without_rights_nothing_more_arrives_and_the_sites_go_on_knowing_each_other(work: Workspace) -> None:
    work.introduce()
    by_hand(work)
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
