"""Reading: absence is a value, one request a scope, and nothing is ever written."""

from dataclasses import replace
from typing import ClassVar

from reconciler.engine.diff import shown_differences
from reconciler.model.manifest import ReplicationSpec
from reconciler.model.observation import ABSENT
from reconciler.model.relationship import Flow
from reconciler.model.value import Json
from reconciler.providers.base import Imported
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases

__all__ = ["ObserveCases"]


class ObserveCases(Cases):
    """Cases about reading."""

    topic: ClassVar[str] = "observe"

    def test_absent_scope_is_an_empty_observation(self, host: Host) -> None:
        """What is not there is no error."""
        flow = host.harness.flow("one")
        observation = host.reader.observe(host.reader.scope(flow))
        assert observation.scope == host.reader.scope(flow)
        assert observation.container(host.reader.container(flow)) is None
        assert observation.fingerprint(host.reader.container(flow)) == ABSENT

    def test_missing_location_is_a_value(self, host: Host) -> None:
        """A place that does not exist is told as such; one that does is too."""
        assert not host.reader.inspect(host.harness.nowhere()).exists
        found = host.reader.inspect(host.harness.flow("one").owned_location)
        assert found.exists
        assert found.readable

    def test_reads_send_no_write(self, host: Host) -> None:
        """Not even over a connection that may write, whether something is there or not."""
        flow = host.harness.flow("one")
        with host.quiet() as before:
            self._read_all(host, flow)
        host.converge(flow)
        with host.quiet() as after:
            self._read_all(host, flow)
        assert before
        assert after
        assert not [sent for sent in (*before, *after) if sent.write]

    def test_one_request_for_a_scope(self, host: Host) -> None:
        """A scope is the grain of reads, however much it holds."""
        flows = [host.harness.flow(name) for name in ("one", "two", "three")]
        host.converge(*flows)
        host.observe(flows[0])
        with host.quiet() as sent:
            host.observe(flows[0])
        assert len(sent) == self.requests_a_scope

    def test_two_reads_are_equal(self, host: Host) -> None:
        """Nothing that changes by itself is part of an observation's fingerprint or settings."""
        flow = host.harness.flow("one")
        host.converge(flow)
        first = host.observe(flow)
        host.harness.advance(60)
        second = host.observe(flow)
        ref = host.reader.container(flow)
        assert first.fingerprint(ref) == second.fingerprint(ref) != ABSENT
        assert [one.relationships for one in first.containers] == [one.relationships for one in second.containers]

    def test_containers_lie_in_their_scope_and_are_told_apart(self, host: Host) -> None:
        """References, identities and order are as the contract says."""
        flows = [host.harness.flow(name) for name in ("one", "two")]
        host.converge(*flows)
        host.harness.foreign(flows[0])
        for flow in flows:
            observation = host.observe(flow)
            refs = [state.ref for state in observation.containers]
            assert len(set(refs)) == len(refs)
            assert {ref.scope_ref for ref in refs} == {observation.scope}
            for state in observation.containers:
                names = [known.identity for known in state.relationships]
                assert names == sorted(names)
                assert len(set(names)) == len(names)
            own = observation.container(host.reader.container(flow))
            assert own is not None
            assert host.present(flow) in own.relationships

    def test_foreign_relationships_are_seen_and_not_claimed(self, host: Host) -> None:
        """What others made is shown, and not as ours."""
        flow = host.harness.flow("one")
        host.converge(flow)
        identity = host.harness.foreign(flow)
        found = {known.identity: known for state in host.observe(flow).containers for known in state.relationships}
        assert not found[identity].owned
        plan = host.plan(flow)
        assert [item.identity for item in plan.unmanaged if not item.ours] == [identity]

    def test_discover_finds_every_scope(self, host: Host) -> None:
        """Discovery returns what observing returns."""
        flows = [host.harness.flow("one"), host.harness.flow("two", group=1)]
        host.converge(*flows)
        seen = {observation.scope: observation for observation in host.reader.discover()}
        for flow in flows:
            observed = host.observe(flow)
            ref = host.reader.container(flow)
            assert seen[observed.scope].fingerprint(ref) == observed.fingerprint(ref) != ABSENT

    def test_what_is_imported_plans_to_nothing(self, host: Host) -> None:
        """A manifest written from what is live describes what is live."""
        flows = [host.harness.flow("one"), *(variant.after for variant in host.harness.variants()[:1])]
        host.converge(*flows)
        for flow in flows:
            observation = host.observe(flow)
            live = host.present(flow)
            (found,) = [item for item in host.reader.imported(observation) if item.relationship == live]
            again = replace(flow, name=found.suggested_name, spec=_spec(host, flow, found))
            desired = host.reader.normalise(again)
            assert desired.identity == live.identity
            assert not shown_differences(live, desired.settings)
            assert not [finding for finding in host.reader.check(again) if finding.severity == "error"]

    def _read_all(self, host: Host, flow: Flow) -> None:
        provider = host.provider
        observation = provider.observe(provider.scope(flow))
        for end in (flow.spec.source, flow.spec.destination):
            if end.provider == flow.owner.name:
                provider.inspect(end)
        for state in observation.containers:
            for known in state.relationships:
                provider.health(known)
        list(provider.discover())
        list(provider.check(flow))
        list(provider.imported(observation))


def _spec(host: Host, flow: Flow, found: Imported) -> ReplicationSpec:
    """Write the spec as `repl import` would, the other end's provider being known."""
    spec: dict[str, Json] = dict(found.spec)
    options = spec.pop(host.info.type, None)
    for side, mapping in (("source", found.source), ("destination", found.destination)):
        assert isinstance(mapping, dict)
        end: dict[str, Json] = {"provider": flow.peer.name, **mapping}
        spec[side] = end
    made = ReplicationSpec.model_validate(spec)
    if options is None:
        return made
    return made.model_copy(update={"options": host.info.options.model_validate(options)})
