"""SCP passes the suite with volumes by id and by name, with an account that is signed, and with names that the service
changes."""

from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.model.relationship import Flow
from reconciler.testing.host import Host
from reconciler.testing.suite import ProviderSuite
from tests.contract.harnesses.scp import ScpHarness, Way


class ScpSuite(ProviderSuite):
    """A list does not show what is replicated how: each replication of a scope takes one request more."""

    lists = 1
    calls_a_container = 4

    def test_one_request_for_a_scope(self, host: Host) -> None:
        flows = [host.harness.flow(name) for name in ("one", "two", "three")]
        host.converge(*flows)
        host.observe(flows[0])
        with host.quiet() as sent:
            host.observe(flows[0])
        assert len(sent) == self.lists + len(flows)


class TestScp(ScpSuite):
    title = "scp"

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> ScpHarness:
        return ScpHarness(tmp_path, certificate)


    def _back(self, host: Host, flows: tuple[Flow, ...], before: Flow) -> None:
        # A run that ends behind the deletion and is not gone on with leaves the volume, and its name is taken.
        assert isinstance(host.harness, ScpHarness)
        host.converge(prune=True)
        for volume in host.harness.held(str(before.spec.destination.volume)):
            host.harness.drop_volume(volume["id"])
        super()._back(host, flows, before)


class TestScpNames(ScpSuite):
    """Volumes by name, which is a read more; names of replicas get a suffix; replicas stay."""

    title = "scp-names"
    lists = 2
    requests_a_scope = 2

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> ScpHarness:
        return ScpHarness(
            tmp_path, certificate, Way(by_name=True, account=True, tidy=False, switches={"name_suffix": True})
        )
