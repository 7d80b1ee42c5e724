"""SCP passes the suite with volumes by id and by name, with an account that is signed, and with names that the service
changes."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.model.manifest import ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.providers.scp.config import ScpOptions
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

    def _killed(self, host: Host, flows: tuple[Flow, ...], number: int, again: str, *, sent: bool) -> None:
        # A plan that is made while the service is still at it is stale when it is applied, which is as it should be:
        # here what the killed run had sent shows before the next plan is made.
        assert isinstance(host.harness, ScpHarness)
        if again == "new-plan":
            host.harness.switch(change_s=0.0, delete_s=0.0, region_lag_s=0.0, volume_delete_s=0.0)
        super()._killed(host, flows, number, again, sent=sent)


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

    def test_containers_lie_in_their_scope_and_are_told_apart(self, host: Host) -> None:
        """As elsewhere, but that what is found under the name asked for is shown under the one that it got."""
        flows = [host.harness.flow(name) for name in ("one", "two")]
        host.converge(*flows)
        host.harness.foreign(flows[0])
        observation = host.observe(flows[0])
        assert len({state.ref for state in observation.containers}) == 3
        for flow in flows:
            own = observation.container(host.reader.container(flow))
            assert own is not None
            assert own.ref != host.reader.container(flow)
            assert [known.provider_id for known in own.relationships] == [host.present(flow).provider_id]

    def test_what_is_imported_plans_to_nothing(self, host: Host) -> None:
        """The name that a replica got is one that a manifest can have, so that it is written."""
        flow = host.harness.flow("one")
        host.converge(flow)
        (found,) = host.reader.imported(host.observe(flow))
        assert found.relationship.provider_id == host.present(flow).provider_id
        written = ReplicationSpec.model_validate(
            {
                "source": found.source,
                "destination": found.destination,
                **{key: value for key, value in found.spec.items() if key != "scp"},
            }
        )
        again = replace(flow, spec=written.model_copy(update={"options": ScpOptions.model_validate(found.spec["scp"])}))
        host.forget()
        host.settled(again)
        assert not [finding for finding in host.reader.check(again) if finding.severity == "error"]
