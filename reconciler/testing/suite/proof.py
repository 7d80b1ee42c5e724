"""Data: what is written at the source arrives, and if not, nobody says that it did. Traffic is as documented."""

from io import BytesIO
from typing import ClassVar

from reconciler.model.verification import Outcome, Verdict
from reconciler.providers.base import Capability
from reconciler.testing.harness import Ability
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases, needs

__all__ = ["ProofCases"]

_TRIES = 10
"""Each with a canary, which gives the others time to arrive."""


class ProofCases(Cases):
    """Cases about data and traffic."""

    topic: ClassVar[str] = "proof"

    def test_a_canary_proves_the_flow(self, host: Host) -> None:
        """It arrives, byte for byte, its lag is measured, and nothing of it is left."""
        needs(host, Capability.STORE)
        flow = host.harness.flow("one", verify={"level": "canary", "within": "2m"})
        host.converge(flow)
        proof = host.verify(flow)
        assert proof.outcome is Outcome.PROVED, proof
        assert proof.lag_s is not None
        assert proof.lag_s >= 0
        checks = {check.name: check.verdict for check in proof.checks}
        assert checks["canary arrived"] is checks["sha256"] is checks["cleanup"] is Verdict.MATCH
        for provider, end in zip((flow.source, flow.destination), host.provider.ends(flow), strict=True):
            named = None if provider.name == flow.owner.name else provider.name
            there = host.harness.connect(provider=named)
            try:
                assert not [facts.key for facts in there.store(end).list() if ".repl-canary" in facts.key]
            finally:
                there.close()

    def test_all_objects_are_compared(self, host: Host) -> None:
        """After the canary every byte at both ends; what has not arrived yet is late, and nothing is made up."""
        needs(host, Capability.STORE)
        flow = host.harness.flow("one", verify={"level": "bytes", "within": "2m"})
        host.converge(flow)
        keys = ("a-b", "a/b", "z")
        named = None if flow.source.name == flow.owner.name else flow.source.name
        source = host.harness.connect(provider=named)
        try:
            store = source.store(host.provider.ends(flow)[0])
            for key in keys:
                store.write(key, BytesIO(key.encode() * 1000), len(key) * 1000)
        finally:
            source.close()
        for _ in range(_TRIES):
            proof = host.verify(flow)
            found = proof.compared
            assert found is not None, proof
            assert found.source_objects == found.match + found.pending == len(keys), proof
            assert found.missing == found.differs == found.error == found.extra == 0, proof
            if not found.pending:
                assert (proof.outcome, found.match, found.bytes_compared) == (Outcome.PROVED, 3, 7000), proof
                return
        raise AssertionError(f"still pending after {_TRIES} canaries")

    def test_a_broken_data_plane_is_not_proved(self, host: Host) -> None:
        """Everything was accepted, nothing arrives: that is what the canary is for."""
        needs(host, Capability.STORE, Ability.BREAK_DATA)
        flow = host.harness.flow("one", verify={"level": "canary", "within": "3s"})
        host.converge(flow)
        host.harness.break_data(flow)
        assert host.verify(flow).outcome is not Outcome.PROVED

    def test_traffic_is_as_documented(self, host: Host) -> None:
        """Every exchange of create, change and delete agrees with the document of the wire."""
        needs(host, Ability.SPEC)
        variant = host.harness.variants()[0]
        for flows in ((variant.before,), (variant.after,), ()):
            host.converge(*flows, prune=True)
        judgement = host.harness.judged()
        assert judgement is not None
        assert judgement.exchanges > 3
        assert not judgement.objections
