"""Each effect of copying existing objects between sites is real: seen to happen, and told by `repl` before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from tests.contract.clonecloudstore_workspace import A, B, Workspace, opened
from tests.contract.effect_marks import CLONECLOUDSTORE
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way

happens, told = CLONECLOUDSTORE.happens, CLONECLOUDSTORE.told


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[CloneCloudStoreHarness]:
    harness = CloneCloudStoreHarness(tmp_path_factory.mktemp("sites"), certificate, Way(tls=False))
    yield harness
    harness.close()


@pytest.fixture
def work(sites: CloneCloudStoreHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(sites, tmp_path) as made:
        yield made


# CCS-NO-BACKFILL --------------------------------------------------------------------------------------------------


@happens("CCS-NO-BACKFILL")
def test_what_is_there_comes_by_an_order_only(work: Workspace) -> None:
    work.put("before", "lost")
    work.introduce()
    work.order()
    work.put("after")
    assert set(work.held()) == {"after"}
    work.order("before")
    assert set(work.held()) == {"after", "before"}
    work.sites.switch(drop_next_orders=1)
    work.order("lost")
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
    work.order()
    work.order("there")
    work.sites.switch(fail_next_pulls=1)
    work.order("dead")
    assert work.sites.status(B, work.bucket, "dead") == "ERR_UPL"
    for name in ("there", "dead"):
        work.order(name)
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
    work.order("same")
    assert work.held() == {"same": b"theirs"}
    work.order("same", "DELETE")
    assert work.held() == {}
    work.sites.switch(fail_next_pulls=1)
    work.order("same")
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
    work.order()
    work.put("only-there", site=B)
    work.order("only-there", "DELETE")
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
