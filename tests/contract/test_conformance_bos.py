"""BOS passes the suite, with the bucket in the path and before the host's name, and whatever the service does where
its documents are silent."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators import certificate as certificates
from reconciler.emulators.bos.switches import CHOICES
from reconciler.emulators.certificate import Certificate
from reconciler.model.relationship import Flow
from reconciler.testing.host import Host
from reconciler.testing.suite import ProviderSuite
from tests.contract.harnesses.bos import CLOUD, BosHarness, Way
from tests.contract.promises import changed, documented

LATER_S = 30
SILENT = [(name, value) for name, values in CHOICES.items() for value in values[1:]]
SILENT += [("delete_seconds", LATER_S), ("page_limit", 1)]


class TestBos(ProviderSuite):
    title = "bos"

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> BosHarness:
        return BosHarness(tmp_path, certificate)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certificate]:
    """The cloud's names lead to this machine, which has a certificate for them."""
    real = socket.getaddrinfo

    def here(host: Any, *more: Any, **named: Any) -> Any:
        told = host.decode() if isinstance(host, bytes) else str(host)
        return real("127.0.0.1" if told.endswith(CLOUD) else host, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", here)
        wild = [name for region in ("bj", "gz") for name in (f"{region}.{CLOUD}", f"*.{region}.{CLOUD}")]
        yield certificates.issue(tmp_path_factory.mktemp("names"), wild)


class TestBosHosts(ProviderSuite):
    """As in the cloud: the bucket before the region's host, keys that STS issued, and an echo that leaves out the
    fields of later years."""

    title = "bos-hosts"

    @pytest.fixture
    def harness(self, tmp_path: Path, names: Certificate) -> BosHarness:
        hidden = {"echo_not_include_resource": False, "echo_destination_prefix": False, "echo_dest_region": False}
        return BosHarness(tmp_path, names, Way(in_host=True, session=True, switches=hidden))


# Where the documents are silent -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[BosHarness]:
    with documented(BosHarness(tmp_path_factory.mktemp("cloud"), certificate, Way(tls=False))) as harness:
        yield harness


@pytest.fixture
def host(cloud: BosHarness, tmp_path: Path) -> Iterator[Host]:
    made = Host(cloud, tmp_path / "state")
    yield made
    cloud.mend()
    cloud.restore()
    made.close()


def full(cloud: BosHarness, **changes: Any) -> Flow:
    """A flow that says everything that a rule can hold."""
    there = {"bucket": "dst-a", "prefix": "copies/"}
    spec = {
        "state": "active", "deletes": "replicate", "existing": "copy", "storageClass": "COLD",
        "filter": {"exclude": ["*.tmp", "old/*"]}, "bos": {"historyStorageClass": "STANDARD"},
    }  # fmt: skip
    return cloud.made("full", {"bucket": "src-a", "prefix": "full/"}, there, spec | changes)


@pytest.mark.parametrize(("name", "value"), SILENT, ids=[f"{name}={value!r}" for name, value in SILENT])
def test_whatever_the_service_does(host: Host, cloud: BosHarness, name: str, value: Any) -> None:
    """No setting of the emulator brings a difference that stays, or loses a change."""
    cloud.switch(**{name: value})
    plain = cloud.flow("plain")
    changed(host, plain, full(cloud))
    changed(host, plain, full(cloud, filter={"exclude": ["*.bak"]}))
    held = cloud.emulator.cloud.replication.record("src-a", cloud.identity(full(cloud)))
    assert held is not None
    assert held.rule.exclusions == ("src-a/*.bak",)
    changed(host, plain, full(cloud, filter={"exclude": []}, state="paused"))
    held = cloud.emulator.cloud.replication.record("src-a", cloud.identity(full(cloud)))
    assert held is not None
    assert (held.rule.exclusions, held.rule.enabled, held.rule.prefix) == ((), False, "copies/")
    changed(host, plain)
    changed(host)
    cloud.advance(2 * LATER_S)
    assert not cloud.rules("src-a")
