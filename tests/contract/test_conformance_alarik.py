"""Alarik passes the suite, with keys and with a login, and whatever its releases and their operators do differently."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.errors import ErrorCode, ProviderError
from reconciler.testing.host import Host
from reconciler.testing.suite import ProviderSuite
from reconciler.testing.suite.faults import FaultCases
from reconciler.testing.suite.idempotence import IdempotenceCases
from reconciler.testing.suite.observe import ObserveCases
from reconciler.testing.suite.progress import ProgressCases
from reconciler.testing.suite.read_only import ReadOnlyCases
from reconciler.testing.suite.secrets import SecretCases
from tests.contract.harnesses.alarik import AlarikHarness, Way
from tests.contract.promises import changed, documented

DIFFERENT: tuple[tuple[str, Any], ...] = (
    ("mask", False),
    ("uuid_case", "lower"),
    ("dates", "fractional"),
    ("decode_text", "older"),
    ("duplicate_ids", "restart"),
    ("worker", "stopped"),
    ("save_gap_s", 0.02),
)


class TestAlarik(ProviderSuite):
    title = "alarik"
    requests_a_scope = 2
    calls_a_container = 3

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> AlarikHarness:
        return AlarikHarness(tmp_path, certificate)


class TestAlarikLogin(ObserveCases, IdempotenceCases, FaultCases, ProgressCases, SecretCases, ReadOnlyCases):
    """With name and password, on an early release that gives secrets back in clear."""

    title = "alarik-login"
    requests_a_scope = 2
    calls_a_container = 3

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> AlarikHarness:
        switches = {"mask": False, "uuid_case": "lower", "dates": "fractional", "decode_text": "older"}
        return AlarikHarness(tmp_path, certificate, Way(login=True, switches=switches))


# What servers differ in -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[AlarikHarness]:
    with documented(AlarikHarness(tmp_path_factory.mktemp("servers"), certificate, Way(login=True))) as harness:
        yield harness


@pytest.fixture
def host(servers: AlarikHarness, tmp_path: Path) -> Iterator[Host]:
    servers.restore()
    made = Host(servers, tmp_path / "state")
    yield made
    servers.mend()
    made.close()


@pytest.mark.parametrize(("name", "value"), DIFFERENT, ids=[f"{name}={value!r}" for name, value in DIFFERENT])
def test_whatever_a_server_does(host: Host, servers: AlarikHarness, name: str, value: Any) -> None:
    """No setting of the emulator brings a difference that stays, loses a change, or a secret, ours or another's."""
    servers.switch(**{name: value})
    plain, theirs = servers.flow("plain"), servers.foreign(servers.flow("plain"))
    kept = servers.raw(plain, theirs)
    settings = {"deletes": "replicate", "existing": "copy", "alarik": {"synchronous": True}}
    changed(host, plain, servers.flow("full", **settings))
    assert secrets_held(servers) == {sha256(servers.facts["there"]["secret_key"])}
    changed(host, plain, servers.flow("full", **settings | {"deletes": "keep", "state": "paused"}))
    moved = servers.made("full", {"bucket": "src-a", "prefix": "other/"}, {"bucket": "dst-b"}, settings)
    changed(host, plain, moved)
    assert secrets_held(servers) == {sha256(servers.facts["there"]["secret_key"])}
    assert servers.raw(plain, theirs) == kept
    changed(host, plain)
    changed(host)
    assert servers.raw(plain, theirs) == kept
    assert [one["id"].upper() for one in servers.get("src-a", "rules")] == [theirs]
    assert len(servers.get("src-a", "targets")) == 1


def secrets_held(servers: AlarikHarness) -> set[str]:
    return {one["secretSha256"] for one in servers.held("src-a")["targets"]}


def sha256(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def test_an_owner_who_is_no_administrator_is_told_before(host: Host, servers: AlarikHarness) -> None:
    """The server would refuse private addresses with 403; nothing is planned."""
    servers.switch(is_admin=False)
    plan = host.plan(servers.flow("one"))
    assert [found.code for found in plan.errors] == ["REPL-W407"]
    assert not plan.applyable
    servers.switch(is_admin=False, internal_host_check=False)
    # What a server checks cannot be asked for: the warning stands, and who is sure makes an administrator of the owner.
    assert [found.code for found in host.plan(servers.flow("one")).errors] == ["REPL-W407"]


def test_a_server_with_another_region_is_told_before(host: Host, servers: AlarikHarness) -> None:
    """The target's region is what its own server says; the hint has the right one."""
    servers.switch("there", region="eu-2")
    (found,) = host.plan(servers.flow("one")).errors
    assert found.code == "REPL-W406"
    assert "eu-2" in str(found.hint)
    servers.restore()
    servers.switch(region="eu-9")
    warned = {found.code for found in host.plan(servers.flow("one")).findings}
    assert "REPL-W408" in warned


def test_a_bucket_without_versions_is_told_before(host: Host, servers: AlarikHarness) -> None:
    servers.make_bucket(bucket := f"b-{uuid4().hex[:8]}", versioned=False)
    flow = servers.made("one", {"bucket": bucket}, {"bucket": "dst-a"}, {})
    (found,) = host.plan(flow).errors
    assert found.code == "REPL-W403"
    servers.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    (found,) = host.plan(flow).errors
    assert "suspended" in found.detail


def test_ids_that_stand_twice_are_never_written_over(host: Host, servers: AlarikHarness) -> None:
    """The server would crash; nothing is sent, whoever asks."""
    twice = servers.target(str(uuid4()), "dst-a")
    servers.put("src-a", "targets", [twice, twice])
    one = servers.flow("one")
    with host.quiet() as sent:
        (found,) = [found for found in host.plan(one).errors if found.code == "REPL-W412"]
    assert "DeleteBucketReplication" in str(found.hint)
    assert not [request for request in sent if request.write]
    servers.client().delete_bucket_replication(Bucket="src-a")
    plan = host.plan(one)
    servers.put("src-a", "targets", [twice, twice])
    with host.quiet() as sent, pytest.raises(ProviderError) as raised:
        host.provider.execute(plan.containers[0].calls[0], servers.secrets)
    assert raised.value.code is ErrorCode.FAILED_PRECONDITION
    assert not [request for request in sent if request.write]
    assert servers.emulators["here"].up


def test_sessions_end_and_are_renewed(host: Host, servers: AlarikHarness) -> None:
    flow = servers.flow("one")
    host.converge(flow)
    for _ in range(2):
        servers.emulators["here"].act("expire-sessions", {})
        assert host.present(flow)
    servers.emulators["here"].act("expire-sessions", {})
    host.converge(prune=True)


def test_sessions_that_cannot_be_read_are_unavailable(host: Host, servers: AlarikHarness) -> None:
    flow = servers.flow("one")
    host.converge(flow)
    servers.switch(sessions_unavailable=True)
    with servers.hurried(), pytest.raises(ProviderError) as raised:
        host.observe(flow)
    assert (raised.value.code, raised.value.status) == (ErrorCode.UNAVAILABLE, 503)
    with servers.hurried():
        assert not host.plan(flow).complete
