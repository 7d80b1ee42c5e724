"""What a user reads when a site refuses, cannot be reached, or answers nonsense; and what is as it was afterwards."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault as Emulated
from reconciler.emulators.message import Reply
from reconciler.errors import ErrorCode, ProviderError
from reconciler.manifest.edit import dump_documents
from reconciler.providers.base import Access, Connection
from reconciler.providers.clonecloudstore.client import SiteClient
from reconciler.providers.clonecloudstore.wire import Topology
from reconciler.testing.harness import WORKSPACE
from tests.contract.clonecloudstore_workspace import A, B, Workspace, opened
from tests.contract.harnesses.clonecloudstore import (
    BUCKETS,
    LISTS,
    OBJECTS,
    RIGHTS,
    CloneCloudStoreHarness,
    Way,
)
from tests.contract.harnesses.wire import cut_off, page_of_a_proxy
from tests.lab.command import Ended

HTML = b"<html><head><title>404</title></head><body>nginx</body></html>"
COPY = {"existing": "copy"}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[CloneCloudStoreHarness]:
    harness = CloneCloudStoreHarness(tmp_path_factory.mktemp("sites"), certificate, Way(tls=True))
    yield harness
    harness.close()


@pytest.fixture
def work(sites: CloneCloudStoreHarness, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with one replication written down. No pauses between attempts."""
    with opened(sites, tmp_path) as made, sites.hurried():
        made.replicate()
        yield made


def fault(work: Workspace, operation: str, status: int, **more: Any) -> None:
    kind = {"kind": "status", "emulator": "ccs", "operation": operation, "status": status, "times": None}
    work.sites.wire.faults.add(Emulated.model_validate(kind | more))


def plain(ended: Ended) -> str:
    return " ".join(ended.text.split())


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


# Reading ----------------------------------------------------------------------------------------------------------

READS: dict[int, tuple[int, str]] = {
    # Status of every answer: exit code and what is told.
    400: (1, "INVALID_ARGUMENT 400"),
    401: (8, "UNAUTHENTICATED 401"),
    403: (8, "PERMISSION_DENIED 403"),
    404: (1, "NOT_FOUND 404"),
    406: (1, "FAILED_PRECONDITION 406"),
    409: (1, "CONFLICT 409"),
    410: (1, "NOT_FOUND 410"),
    429: (1, "RATE_LIMITED 429"),
    500: (1, "UNAVAILABLE 500"),
    503: (1, "UNAVAILABLE 503"),
}


@pytest.mark.parametrize("operation", [LISTS, BUCKETS, RIGHTS])
@pytest.mark.parametrize("status", READS)
def test_a_refused_read_is_told_with_its_request(work: Workspace, operation: str, status: int) -> None:
    code, told = READS[status]
    fault(work, operation, status)
    ended = work.repl("plan")
    assert ended.code == code, ended.text
    assert told in plain(ended)
    assert "[request " in plain(ended)
    refused = work.refused(code)
    assert "nothing was written" in plain(refused)


def test_reads_are_repeated(work: Workspace) -> None:
    fault(work, LISTS, 503, times=2)
    fault(work, RIGHTS, 429, times=1, retry_after=0)
    assert work.repl("plan").code == 0


# Answers that are none --------------------------------------------------------------------------------------------


def garbage(body: bytes, status: int = 200, **headers: str) -> Callable[[Reply], Reply]:
    said = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _reply: Reply(status, tuple(said.items()), body)


PAGE = {"Content_Type": "text/html"}
NONSENSE: dict[str, tuple[Callable[[Reply], Reply], str]] = {
    "a page of a proxy": (page_of_a_proxy, "the answer is not as documented"),
    "cut off": (cut_off, "the answer is not as documented"),
    "nothing": (garbage(b""), "the answer is not as documented"),
    "a mapping": (garbage(b"{}"), "the answer is not as documented"),
    "rows of something else": (garbage(b'[{"a": 1}]'), "(missing)"),
    "no UTF-8": (garbage(b'["\xff\xfe"]'), "the answer is not as documented"),
    "a page with 404": (garbage(HTML, 404, **PAGE), "HTTP status 404, not by CloneCloudStore"),
    "a page with 502": (garbage(HTML, 502, **PAGE), "UNAVAILABLE 502"),
}


@pytest.mark.parametrize("operation", [LISTS, BUCKETS, RIGHTS])
@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_told_and_nothing_is_planned_by_it(work: Workspace, name: str, operation: str) -> None:
    mangler, told = NONSENSE[name]
    work.apply()
    work.replicate(state="paused")
    # A site without any other is a list like any; cut off it is none.
    work.sites.wire.mangle(operation, mangler)
    for command in ("plan", "drift"):
        ended = work.repl(command)
        assert ended.code == 1, ended.text
        assert told in plain(ended)
        assert "<html" not in ended.text
    assert "nothing was written" in plain(work.refused(1))
    work.sites.mend()
    work.apply()
    work.settled()


def squeezed(content: bytes, cut: int | None = None) -> Callable[[Reply], Reply]:
    return garbage(zstandard.compress(content)[:cut], Content_Encoding="zstd")


LISTED: dict[str, tuple[Callable[[Reply], Reply], str]] = {
    "ZSTD that is cut off": (squeezed(b'{"name": "a", "status": "READY"}\n' * 50, -5), "in the middle of a ZSTD frame"),
    "ZSTD that is none": (garbage(b"{}", Content_Encoding="zstd"), "the answer is no ZSTD"),
    "another encoding": (garbage(b"{}", Content_Encoding="br"), "encoded as br"),
    "a line that is cut off": (garbage(b'{"name": "a", "status": "READY"}\n{"na'), "a line is not as documented"),
    "a page of a proxy": (page_of_a_proxy, "a line is not as documented"),
}


@pytest.mark.parametrize("name", LISTED)
def test_a_list_of_objects_that_is_nonsense_orders_and_deletes_nothing(work: Workspace, name: str) -> None:
    """Neither the source's, by which something would count as extra, nor the destination's."""
    mangler, told = LISTED[name]
    work.put("a")
    work.apply()
    work.put("only-there", site=B)
    work.replicate(existing="copy", clonecloudstore={"prune": True})
    work.sites.wire.mangle(OBJECTS, mangler)
    ended = work.repl("apply", "--yes", "--no-verify", "--allow", "CCS-PRUNE@one")
    assert ended.code not in (0, 6), ended.text
    assert told in plain(ended)
    assert set(work.held()) == {"only-there"}
    work.sites.mend()
    work.apply("--allow", "CCS-PRUNE@one")
    assert set(work.held()) == {"a"}
    work.settled()


# Writing ----------------------------------------------------------------------------------------------------------

WRITES: dict[int, str] = {
    400: "INVALID_ARGUMENT 400", 401: "UNAUTHENTICATED 401", 403: "PERMISSION_DENIED 403",
    409: "CONFLICT 409", 429: "RATE_LIMITED 429", 500: "UNAVAILABLE 500", 503: "UNAVAILABLE 503",
}  # fmt: skip
CALLS = {"addTopology": 0, "createOrder": 1}
"""Writes of a first registration, by how many came before."""


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("status", WRITES)
def test_a_refused_write_is_told_and_can_be_repeated(work: Workspace, operation: str, status: int) -> None:
    """`nothing was written` is said of the first call at most."""
    fault(work, operation, status)
    ended = work.repl("apply", "--yes", "--no-verify")
    assert ended.code not in (0, 2, 6), ended.text
    assert WRITES[status] in plain(ended), ended.text
    assert "[request " in plain(ended)
    if CALLS[operation]:
        assert "nothing was written" not in plain(ended)
    assert work.sites.topology(A, B) is None, "nothing is sent before the destination can take it"
    work.sites.mend()
    work.apply()
    assert [len(work.sites.state(site)["topologies"]) for site in (A, B)] == [1, 1]
    work.settled()


@pytest.mark.parametrize("status", [403, 500])
def test_orders_that_are_refused_leave_what_was_ordered(work: Workspace, status: int) -> None:
    """The second of three batches is refused: what the first has brought is not ordered again."""
    names = [f"o-{number}" for number in range(5)]
    work.put(*names)
    work.apply()
    work.replicate(**COPY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reconciler.providers.clonecloudstore.execute.BATCH", 2)
        fault(work, "createOrders", status, after=1)
        ended = work.repl("apply", "--yes", "--no-verify")
        assert ended.code not in (0, 6), ended.text
        assert len(work.held()) == 2
        work.sites.mend()
        work.apply()
    assert set(work.held()) == set(names)
    assert set(work.orders().values()) == {1}
    work.settled()


# Who asks, and of whom --------------------------------------------------------------------------------------------


def provider_of(work: Workspace, name: str) -> dict[str, Any]:
    documents = yaml.safe_load_all((work.folder / "providers.yaml").read_text())
    (found,) = [one for one in documents if one["metadata"]["name"] == name]
    return dict(found["spec"]["clonecloudstore"])


def rewritten(work: Workspace, **configs: dict[str, Any]) -> None:
    given = {name: configs.get(name, provider_of(work, name)) for name in ("here", "there")}
    documents: list[dict[str, Any]] = [
        {"apiVersion": "repl/v1", "kind": "Provider", "metadata": {"name": name}, "spec": {"clonecloudstore": config}}
        for name, config in given.items()
    ]
    (work.folder / "providers.yaml").write_text(dump_documents(documents))


def _nobody_there(service: str) -> Callable[[Workspace], None]:
    return lambda work: work.providers(there={service: f"https://127.0.0.1:{closed_port()}"})


def _other_authority(work: Workspace) -> None:
    rewritten(work, there={key: value for key, value in provider_of(work, "there").items() if key != "caFile"})


def _no_tls(work: Workspace) -> None:
    bare = work.sites.facts["sites"][B]["administration"].replace("http:", "https:")
    work.providers(there={"administration": bare})


def _wrong_service(work: Workspace) -> None:
    """The replicator where the administration should be."""
    work.providers(there={"administration": provider_of(work, "there")["replicator"]})


WAYS: dict[str, tuple[Callable[[Workspace], None], str, str]] = {
    # How it comes about; what is told, and what the hint says.
    "no administration": (_nobody_there("administration"), "UNAVAILABLE", "reachable from here?"),
    "no accessor": (_nobody_there("accessor"), "UNAVAILABLE", "reachable from here?"),
    "another authority": (_other_authority, "TLS: the server's certificate is not trusted", "caFile"),
    "no TLS": (_no_tls, "TLS: no TLS connection", "speak HTTPS"),
    "another service": (_wrong_service, "there:", ""),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_second_site_that_cannot_be_read_is_told_and_nothing_is_planned(work: Workspace, name: str) -> None:
    act, told, hint = WAYS[name]
    act(work)
    ended = work.repl("plan")
    assert ended.code == 1, ended.text
    assert told in plain(ended), ended.text
    assert hint in plain(ended), ended.text
    assert "REPL-W001" in ended.text
    assert "nothing was written" in plain(work.refused(1))


def test_a_replicator_that_is_away_is_met_when_something_is_ordered(work: Workspace) -> None:
    """It is not read to plan. What came before is there, and is not done again."""
    work.providers(there={"replicator": f"https://127.0.0.1:{closed_port()}", "topologyUri": topology_uri(work)})
    ended = work.repl("apply", "--yes", "--no-verify")
    assert ended.code not in (0, 6), ended.text
    assert "UNAVAILABLE" in plain(ended)
    assert work.sites.topology(A, B) is None
    work.providers()
    work.apply()
    work.put("a")
    assert set(work.held()) == {"a"}


def topology_uri(work: Workspace) -> str:
    return str(work.sites.facts["sites"][B]["replicator"])


def test_the_second_site_goes_away_in_the_middle(work: Workspace) -> None:
    work.put("a")
    work.replicate(**COPY)
    work.sites.wire.faults.add(
        Emulated(kind="drop_before", emulator="ccs", part=f"{B}-replicator", operation="createOrders", times=None)
    )
    ended = work.repl("apply", "--yes", "--no-verify")
    assert ended.code not in (0, 6), ended.text
    assert "nothing was written" not in plain(ended)
    assert work.held() == {}
    work.sites.mend()
    planned = work.repl("plan", "--detailed-exitcode")
    assert planned.code == 2, "the copy is owed"
    work.apply()
    assert set(work.held()) == {"a"}
    work.settled()


# Slow answers -----------------------------------------------------------------------------------------------------


def client_of(sites: CloneCloudStoreHarness) -> SiteClient:
    doc = sites.docs["here"]
    connection = Connection(
        doc=doc, secrets=sites.secrets, access=Access.WRITE, base=Path("/"), workspace=WORKSPACE, timeout_s=0.2
    )
    return SiteClient(connection, doc)


@pytest.mark.parametrize("kind", ["slow", "timeout"])
def test_an_answer_that_does_not_come_in_time(work: Workspace, kind: str) -> None:
    client = client_of(work.sites)
    work.sites.wire.faults.add(Emulated.model_validate({"kind": kind, "emulator": "ccs", "seconds": 1, "times": None}))
    with pytest.raises(ProviderError) as read:
        client.topologies()
    with pytest.raises(ProviderError) as listed:
        list(client.objects(work.bucket))
    with pytest.raises(ProviderError) as written:
        client.set_topology(Topology(id="x"))
    client.close()
    for error in (read.value, listed.value, written.value):
        assert (error.code, error.message) == (ErrorCode.UNAVAILABLE, "no answer within 0.2 s")
    assert [error.value.ambiguous for error in (read, listed, written)] == [False, False, True]
