"""After an apply between sites: lists and rights that somebody changes by hand, and objects that go missing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from tests.contract.clonecloudstore_workspace import A, B, Workspace, opened
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way
from tests.lab.clonecloudstore import CLIENT


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[CloneCloudStoreHarness]:
    harness = CloneCloudStoreHarness(tmp_path_factory.mktemp("sites"), certificate, Way(tls=False))
    yield harness
    harness.close()


@pytest.fixture
def work(sites: CloneCloudStoreHarness, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose one replication was applied, with one object at both sites."""
    with opened(sites, tmp_path) as made:
        made.put("a")
        made.replicate(existing="copy")
        made.apply()
        assert set(made.held()) == {"a"}
        yield made


def item(work: Workspace) -> dict[str, Any]:
    """What drift says of the one replication."""
    (found,) = work.repl("drift", "--output", "json").json["items"]
    return dict(found)


def entry(site: str, other: str, **changes: Any) -> Callable[[Workspace], None]:
    def act(work: Workspace) -> None:
        held = work.sites.topology(site, other)
        assert held is not None
        work.sites.put_topology(site, held | changes)

    return act


def removed(site: str, other: str) -> Callable[[Workspace], None]:
    def act(work: Workspace) -> None:
        assert work.ask(site, "administration", "DELETE", f"/administration/topologies/{other}").is_success

    return act


def without_rights(work: Workspace) -> None:
    path = f"/administration/ownerships/{CLIENT}/{work.bucket}"
    assert work.ask(B, "administration", "DELETE", path).is_success


ELSEWHERE = "http://127.0.0.1:9"
CHANGES: dict[str, tuple[Callable[[Workspace], None], str]] = {
    "down": (entry(A, B, status="DOWN"), "state"),
    "another address": (entry(A, B, uri=ELSEWHERE), "clonecloudstore.push"),
    "another address to fetch from": (entry(B, A, uri=ELSEWHERE), "clonecloudstore.pull"),
    "another name": (entry(A, B, name="somewhere"), "clonecloudstore.push"),
    "fewer rights": (lambda work: work.right("READ_WRITE"), "deletes"),
}
GONE: dict[str, Callable[[Workspace], None]] = {
    "not known at the source": removed(A, B),
    "not known at the destination": removed(B, A),
    "deleted in the list": entry(A, B, status="DELETED"),
    "without rights": without_rights,
    "with a right to read": lambda work: work.right("READ"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_hand_is_drift_and_is_put_back(work: Workspace, name: str) -> None:
    change, path = CHANGES[name]
    before = held(work)
    assert work.repl("drift").code == 0
    change(work)
    work.sites.mark()
    told = work.repl("drift")
    assert told.code == 2, told.text
    assert work.writes() == []
    assert item(work)["state"] == "drifted"
    assert [".".join(field["path"]) for field in item(work)["fields"]] == [path]
    work.apply()
    assert work.repl("drift").code == 0
    assert held(work) == before
    assert works(work)


@pytest.mark.parametrize("name", GONE)
def test_what_stops_it_is_told_as_gone_and_mended(work: Workspace, name: str) -> None:
    before = held(work)
    GONE[name](work)
    assert work.repl("drift").code == 2
    assert item(work)["state"] == "vanished"
    work.apply()
    assert work.repl("drift").code == 0
    assert held(work) == before
    assert works(work)
    work.settled()


def held(work: Workspace) -> list[Any]:
    """What makes it a replication: both entries, and the client's rights."""
    return [work.sites.topology(A, B), work.sites.topology(B, A), work.sites.right(B, work.bucket)]


def works(work: Workspace) -> bool:
    work.sites.emulator.act("expire-caches", {})
    work.put("new")
    return "new" in work.held()


def test_what_was_written_while_it_was_down_by_hand_is_copied_when_that_is_mended(work: Workspace) -> None:
    work.turn("DOWN")
    work.put("meanwhile")
    assert set(work.held()) == {"a"}
    assert "CCS-CLONE" in work.effects()
    work.apply()
    assert set(work.held()) == {"a", "meanwhile"}
    assert work.orders() == {"a": 1, "meanwhile": 1}


def test_another_sites_bucket_of_the_same_name_is_no_matter_of_ours(work: Workspace) -> None:
    work.sites.know(A, "site-c", "UP")
    work.sites.know("site-c", A, "UNKNOWN")
    work.make_bucket("site-c")
    assert {one["state"] for one in work.repl("drift", "--output", "json").json["items"]} == {"in_sync"}
    work.settled()


# Objects ----------------------------------------------------------------------------------------------------------


def test_an_object_that_was_deleted_over_there_is_found_by_a_comparison(work: Workspace) -> None:
    """No setting has changed, so that drift is silent; what is missing is found by looking, and ordered again."""
    work.delete("a", site=B)
    assert (set(work.held()), set(work.held(A))) == (set(), {"a"})
    assert work.repl("drift").code == 0
    found = work.repl("verify", "--no-canary", "--level", "presence", "--differences", "diff.jsonl")
    assert found.code == 6, found.text
    assert '"a"' in (work.folder / "diff.jsonl").read_text()
    ended = work.repl("resync", "one", "--yes", "--no-verify")
    assert ended.code == 0, ended.text
    assert set(work.held()) == {"a"}
    assert work.repl("verify", "--no-canary", "--level", "hash").code == 0


def test_bytes_that_are_lost_or_others_are_found_by_a_comparison(work: Workspace) -> None:
    """The row says READY all the same."""
    work.put("b", content=b"bbbbbbb")
    work.held()
    work.sites.emulator.act("lose-bytes", {"site": B, "bucket": work.bucket, "object": "a"})
    work.sites.emulator.act("replace-bytes", {"site": B, "bucket": work.bucket, "object": "b", "text": "xxxxxxx"})
    assert work.repl("drift").code == 0
    found = work.repl("verify", "--no-canary", "--level", "bytes", "--differences", "diff.jsonl")
    assert found.code == 6, found.text
    told = (work.folder / "diff.jsonl").read_text()
    assert '"a"' in told
    assert '"b"' in told


@pytest.mark.parametrize("status", ["ERR_UPL", "ERR_DEL"])
def test_objects_that_no_call_leads_out_of_are_dead(work: Workspace, status: str) -> None:
    work.sites.emulator.act("set-status", {"site": B, "bucket": work.bucket, "object": "a", "status": status})
    told = work.repl("drift")
    assert told.code == 2, told.text
    assert "a failed at the destination" in " ".join(told.text.split())


def test_a_bucket_that_was_deleted_over_there_is_told(work: Workspace) -> None:
    work.delete("a", site=B)
    assert work.ask(B, "accessor", "DELETE", f"/cloudclonestore/{work.bucket}").is_success
    work.sites.settle()
    assert work.repl("drift").code == 2
    assert item(work)["state"] == "vanished"
    work.apply()
    assert works(work)
    assert set(work.held()) == {"a", "new"}
