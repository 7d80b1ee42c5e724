"""Waiting ends, and health is never better than what is known."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from reconciler.engine.references import filled_await, filled_call
from reconciler.errors import ProviderError
from reconciler.model.observation import HealthState
from reconciler.model.step import Await, Call
from reconciler.model.value import Json
from reconciler.providers.base import Capability, Progress
from reconciler.testing.harness import Ability, Fault, FaultKind
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases, needs

__all__ = ["ProgressCases"]

_LOOKS = 200


class ProgressCases(Cases):
    """Cases about what takes time."""

    topic: ClassVar[str] = "progress"

    def test_poll_ends_and_never_goes_back(self, host: Host) -> None:
        """Every wait of every plan comes true or says why not, within a bounded number of looks, without a write."""
        variant = host.harness.variants()[0]
        for flows in ((variant.before,), (variant.after,), ()):
            plan = host.plan(*flows, prune=True)
            for item in plan.containers:
                returned: dict[str, dict[str, Json]] = {}
                for step in item.steps:
                    if isinstance(step, Call):
                        result = host.provider.execute(filled_call(step, returned), host.harness.secrets)
                        returned[step.id.partition("/")[2]] = result.returned
                        continue
                    with host.quiet() as sent:
                        _ended(_looks(host, filled_await(step, returned)))
                    assert not [one for one in sent if one.write]
            host.converge(*flows, prune=True)

    def test_health_is_never_ok_without_ground(self, host: Host) -> None:
        """Fresh, paused, gone: OK needs a success that the system tells of."""
        flow = host.harness.flow("one")
        host.converge(flow)
        live = host.present(flow)
        fresh = host.reader.health(live)
        assert fresh.state is not HealthState.OK or fresh.last_success_at is not None
        host.converge(prune=True)
        try:
            gone = host.reader.health(live)
        except ProviderError:
            return
        assert gone.state is not HealthState.OK

    def test_a_paused_flow_is_not_well(self, host: Host) -> None:
        """Paused is said as paused."""
        needs(host, Capability.PAUSE)
        flow = host.harness.flow("one", state="paused")
        host.converge(flow)
        assert host.reader.health(host.present(flow)).state is HealthState.PAUSED

    def test_a_failing_data_plane_is_not_well(self, host: Host) -> None:
        """Whatever the configuration looks like, what is not copied is not OK."""
        needs(host, Ability.BREAK_DATA)
        flow = host.harness.flow("one")
        host.converge(flow)
        host.harness.break_data(flow)
        health = host.reader.health(host.present(flow))
        assert health.state in (HealthState.FAILED, HealthState.UNKNOWN)

    def test_health_that_cannot_be_read_is_an_error(self, host: Host) -> None:
        """Silence is not taken for a state."""
        flow = host.harness.flow("one")
        host.converge(flow)
        live = host.present(flow)
        with host.quiet() as sent:
            host.reader.health(live)
        needs(host, Ability.FAULTS)
        if sent:
            host.harness.fault(Fault(kind=FaultKind.STATUS, status=403, times=None), "health")
            with pytest.raises(ProviderError):
                host.reader.health(live)

    def test_starting_twice_is_one_run(self, host: Host) -> None:
        """Where each run is started: the call says so, and a run under way is not joined by another."""
        flow = host.harness.flow("one")
        host.converge(flow)
        call = host.reader.start(host.present(flow))
        if Capability.CONTINUOUS in host.info.capabilities:
            assert call is None, "what copies by itself is not started"
            return
        assert call is not None
        host.harness.advance(60)
        first = host.provider.execute(call, host.harness.secrets)
        try:
            second = host.provider.execute(call, host.harness.secrets)
        except ProviderError as error:
            assert not error.ambiguous
            return
        assert second.skipped or not first.skipped


def _looks(host: Host, wait: Await) -> Iterator[Progress]:
    for _ in range(_LOOKS):
        progress = host.reader.poll(wait)
        yield progress
        if progress.done or progress.failed:
            return
        host.harness.advance(5)


def _ended(looks: Iterator[Progress]) -> None:
    percent, last = 0.0, None
    for last in looks:
        if last.percent is not None:
            assert 0 <= last.percent <= 100
            assert last.percent >= percent
            percent = last.percent
    assert last is not None
    assert last.done or last.failed
