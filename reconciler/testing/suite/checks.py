"""What can be said without a network, and what facts say."""

import re
from typing import ClassVar

from reconciler.model.finding import Finding, Severity
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow
from reconciler.providers.base import Capability
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases

__all__ = ["CheckCases"]

_ASKED_FOR = (
    Capability.PAUSE, Capability.DELETES, Capability.STORAGE_CLASS, Capability.TAG_FILTER, Capability.EXCLUDE_FILTER,
    Capability.SCHEDULE,
)  # fmt: skip
"""What a manifest can ask for."""


class CheckCases(Cases):
    """Cases about findings."""

    topic: ClassVar[str] = "checks"

    def test_sound_flows_have_no_errors(self, host: Host) -> None:
        """What can be applied is not complained of."""
        for flow in (host.harness.flow("one"), *(variant.after for variant in host.harness.variants())):
            assert not _errors(host, flow), flow.spec
        one, two = host.harness.flow("one"), host.harness.flow("two")
        shared = (one, two) if host.reader.scope(one) == host.reader.scope(two) else (one,)
        assert not [found for found in host.reader.check_together(shared) if found.severity is Severity.ERROR]

    def test_every_missing_capability_is_an_error_before_the_network(self, host: Host) -> None:
        """What the provider cannot hold is found by `check`, with its place, and nothing is sent."""
        missing = [capability for capability in _ASKED_FOR if capability not in host.info.capabilities]
        with host.quiet() as sent:
            for capability in missing:
                flow = host.harness.asking(capability)
                assert flow is None or _errors(host, flow), capability
        assert not sent

    def test_every_capability_can_be_asked_for(self, host: Host) -> None:
        """What the provider says it holds passes its own check."""
        for capability in _ASKED_FOR:
            flow = host.harness.asking(capability)
            if capability in host.info.capabilities and flow is not None:
                assert not _errors(host, flow), capability
                host.converge(flow)
                host.settled(flow)
                host.converge(prune=True)

    def test_findings_can_be_acted_on(self, host: Host) -> None:
        """Each has a code, a summary, a reason, a place in the document, and a way out; twice the same."""
        found = [
            (flow, finding)
            for capability in _ASKED_FOR
            if (flow := host.harness.asking(capability)) is not None
            for finding in host.reader.check(flow)
        ]
        for flow, finding in found:
            assert re.fullmatch(r"REPL-[CW]\d{3}", finding.code)
            assert finding.summary
            assert finding.detail
            assert finding.hint
            assert finding.path[0] == "spec"
            assert finding.replication == flow.name or finding.provider
            assert finding in list(host.reader.check(flow))

    def test_a_missing_end_is_found_before_apply(self, host: Host) -> None:
        """An end that must be there, and is not, is an error of the plan."""
        flow = host.harness.flow("one")
        there, gone = LocationFacts(exists=True), LocationFacts(exists=False)
        made = Capability.REPLICA in host.info.capabilities  # then the destination comes with the relationship
        for facts in ((gone, there),) if made else ((gone, there), (there, gone)):
            found = list(host.reader.preflight(flow, *facts))
            assert [finding for finding in found if finding.severity is Severity.ERROR]

    def test_what_may_not_be_looked_at_is_not_taken_for_missing(self, host: Host) -> None:
        """Unknown is unknown: no error says that it does not exist."""
        flow = host.harness.flow("one")
        hidden = LocationFacts(exists=True, readable=False, problem="no permission")
        found = list(host.reader.preflight(flow, hidden, hidden))
        missing = {f.code for f in host.reader.preflight(flow, *[LocationFacts(exists=False)] * 2)}
        assert not {finding.code for finding in found if finding.severity is Severity.ERROR} & missing

    def test_what_is_known_of_the_type_is_sound(self, host: Host) -> None:
        """The description fits the flows that the provider owns."""
        info, flow = host.info, host.harness.flow("one")
        assert flow.owner.spec.type == info.type
        assert isinstance(flow.owner.spec.config, info.config)
        assert info.required_location_keys <= info.location_keys
        assert info.title
        assert info.docs
        given = {key for key in ("bucket", "prefix", "path", "volume") if getattr(flow.owned_location, key) is not None}
        assert info.required_location_keys <= given <= info.location_keys
        assert (Capability.RESYNC in info.capabilities) or host.reader.start(host.reader.normalise(flow)) is None


def _errors(host: Host, flow: Flow) -> list[Finding]:
    return [finding for finding in host.reader.check(flow) if finding.severity is Severity.ERROR]
