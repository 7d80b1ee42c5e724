"""What goes wrong on the wire: each failure has its code, reads are repeated within bounds, writes never."""

from typing import ClassVar

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.plan import Plan
from reconciler.providers.base import Capability
from reconciler.testing.harness import Ability, Fault, FaultKind, Mangling
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases, first_call, needs

__all__ = ["FaultCases"]

_MOST_ATTEMPTS = 10
_LONG_S = 3600
_READ_CODES = {
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.PERMISSION_DENIED,
    429: ErrorCode.RATE_LIMITED,
    500: ErrorCode.UNAVAILABLE,
    502: ErrorCode.UNAVAILABLE,
    504: ErrorCode.UNAVAILABLE,
}
_WRITE_CODES = {
    # status: (codes that are right, whether the write may have happened; None: either reading is sound)
    400: ({ErrorCode.INVALID_ARGUMENT}, False),
    403: ({ErrorCode.PERMISSION_DENIED}, False),
    429: ({ErrorCode.RATE_LIMITED}, False),
    500: ({ErrorCode.UNAVAILABLE}, True),
    503: ({ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED}, None),
}


class FaultCases(Cases):
    """Cases about failures."""

    topic: ClassVar[str] = "faults"

    @pytest.mark.parametrize("status", _READ_CODES)
    def test_each_status_has_its_code(self, host: Host, status: int) -> None:
        """A read that keeps failing ends as a ProviderError that says who, what and why, after a bounded count."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        host.observe(flow)
        host.harness.fault(Fault(kind=FaultKind.STATUS, status=status, times=None), "observe")
        with host.harness.hurried(), host.quiet() as sent, pytest.raises(ProviderError) as raised:
            host.observe(flow)
        error = raised.value
        assert (error.code, error.status) == (_READ_CODES[status], status)
        assert error.provider == flow.owner.name
        assert error.operation
        assert not error.ambiguous
        retried = _READ_CODES[status] in (ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE)
        assert 1 <= len(sent) <= (_MOST_ATTEMPTS if retried else 2)

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_reads_are_repeated(self, host: Host, status: int) -> None:
        """What passes by itself is not seen by the caller."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        host.converge(flow)
        host.harness.fault(Fault(kind=FaultKind.STATUS, status=status, times=2), "observe")
        with host.harness.hurried():
            assert host.present(flow)

    @pytest.mark.parametrize("kind", [FaultKind.LOST_REQUEST, FaultKind.LOST_ANSWER])
    def test_reads_survive_a_reset(self, host: Host, kind: FaultKind) -> None:
        """A connection that breaks is opened again."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        host.converge(flow)
        host.harness.fault(Fault(kind=kind), "observe")
        with host.harness.hurried():
            assert host.present(flow)

    def test_no_answer_at_all_is_unavailable(self, host: Host) -> None:
        """Every connection breaks: bounded attempts, then an error."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        host.harness.fault(Fault(kind=FaultKind.LOST_REQUEST, times=None), "observe")
        with host.harness.hurried(), host.quiet() as sent, pytest.raises(ProviderError) as raised:
            host.observe(flow)
        assert raised.value.code is ErrorCode.UNAVAILABLE
        assert 2 <= len(sent) <= _MOST_ATTEMPTS

    @pytest.mark.parametrize("status", [429, 503])
    def test_retry_after_is_waited_for(self, host: Host, status: int) -> None:
        """The second attempt comes no earlier than the server asked for."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        host.observe(flow)
        host.harness.fault(Fault(kind=FaultKind.STATUS, status=status, retry_after=1), "observe")
        with host.quiet() as sent:
            host.observe(flow)
        assert len(sent) == 1 + self.requests_a_scope
        assert sent[1].at_s - sent[0].at_s >= 0.99  # logs are written in whole milliseconds

    def test_a_long_retry_after_is_passed_on(self, host: Host) -> None:
        """Nobody waits an hour: the error carries the time."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        host.harness.fault(Fault(kind=FaultKind.STATUS, status=429, retry_after=_LONG_S, times=None), "observe")
        with host.quiet() as sent, pytest.raises(ProviderError) as raised:
            host.observe(flow)
        assert (raised.value.code, raised.value.retry_after_s) == (ErrorCode.RATE_LIMITED, _LONG_S)
        assert len(sent) == 1

    @pytest.mark.parametrize("status", _WRITE_CODES)
    def test_a_refused_write_is_sent_once(self, host: Host, status: int) -> None:
        """The error says whether it may have happened all the same."""
        needs(host, Ability.WIRE)
        call = first_call(host, host.harness.flow("one"))
        host.harness.fault(Fault(kind=FaultKind.STATUS, status=status, retry_after=7), call)
        with host.quiet() as sent, pytest.raises(ProviderError) as raised:
            host.provider.execute(call, host.harness.secrets)
        codes, ambiguous = _WRITE_CODES[status]
        assert raised.value.code in codes
        assert ambiguous in (None, raised.value.ambiguous)
        assert raised.value.retry_after_s == 7
        assert len([one for one in sent if one.write]) == 1

    @pytest.mark.parametrize("kind", [FaultKind.LOST_REQUEST, FaultKind.LOST_ANSWER])
    def test_a_lost_write_is_ambiguous_and_not_repeated(self, host: Host, kind: FaultKind) -> None:
        """Nobody knows whether it happened, so nobody sends it again without looking."""
        needs(host, Ability.FAULTS)
        flow = host.harness.flow("one")
        call = first_call(host, flow)
        before = host.observe(flow).fingerprint(host.reader.container(flow))
        host.harness.fault(Fault(kind=kind), call)
        with host.quiet() as sent, pytest.raises(ProviderError) as raised:
            host.provider.execute(call, host.harness.secrets)
        assert raised.value.ambiguous
        assert raised.value.code is ErrorCode.UNAVAILABLE
        assert len([one for one in sent if one.write]) == 1
        after = host.observe(flow).fingerprint(host.reader.container(flow))
        assert (after != before) == (kind is FaultKind.LOST_ANSWER)

    def test_a_passing_refusal_does_not_stop_an_apply(self, host: Host) -> None:
        """429 with Retry-After on a write: the host waits and sends it again; it is done once."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        plan = host.plan(flow)
        host.harness.fault(Fault(kind=FaultKind.STATUS, status=429, retry_after=0), plan.containers[0].calls[0])
        with host.harness.hurried():
            host.apply(plan)
        host.settled(flow)
        assert host.count(flow) == 1

    def test_unknown_fields_are_no_difference(self, host: Host) -> None:
        """A newer release of the service adds fields: nothing breaks, nothing is planned."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        host.converge(flow)
        host.harness.mangle(Mangling.UNKNOWN_FIELDS)
        assert host.present(flow)
        host.settled(flow)

    def test_missing_optional_fields_are_read(self, host: Host) -> None:
        """What the service may leave out may be left out."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        host.converge(flow)
        host.harness.mangle(Mangling.MISSING_FIELDS)
        assert host.count(flow) == 1

    @pytest.mark.parametrize("mangling", [Mangling.GARBAGE, Mangling.CUT_OFF])
    def test_a_broken_answer_is_an_error_and_never_an_absence(self, host: Host, mangling: Mangling) -> None:
        """Otherwise a proxy's page would look like an empty system, and all would be created again."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        host.converge(flow)
        host.harness.mangle(mangling)
        with host.harness.hurried(), pytest.raises(ProviderError) as raised:
            host.observe(flow)
        assert raised.value.code in (ErrorCode.PROTOCOL, ErrorCode.UNAVAILABLE)  # some SDKs take it for a passing one
        with host.harness.hurried():
            assert not host.plan(flow).complete

    def test_what_cannot_be_read_is_not_planned(self, host: Host) -> None:
        """No writes and no deletions in a scope that could not be read."""
        needs(host, Ability.FAULTS)
        one, two = host.harness.flow("one"), host.harness.flow("two")
        host.converge(one, two)
        host.harness.fault(Fault(kind=FaultKind.STATUS, status=403, times=None), "observe")
        plan = host.plan(one, prune=True)
        assert not plan.complete
        assert not plan.applyable
        assert not plan.containers
        assert _deleted(plan) == []
        host.harness.mend()
        assert _deleted(host.plan(one, prune=True)) == [two.name]

    def test_connections_outlive_a_restart(self, host: Host) -> None:
        """The service comes back, and so does the connection."""
        flow = host.harness.flow("one")
        host.converge(flow)
        host.harness.restart()
        assert host.present(flow)
        host.converge(flow, host.harness.flow("two"))

    def test_listing_fails_loudly(self, host: Host) -> None:
        """A listing that breaks off is an error, not the end of the list."""
        needs(host, Ability.WIRE, Capability.STORE)
        store = host.provider.store(host.harness.location())
        host.harness.fault(Fault(kind=FaultKind.STATUS, status=403, times=None), "list")
        with pytest.raises(ProviderError) as raised:
            list(store.list())
        assert raised.value.code is ErrorCode.PERMISSION_DENIED


def _deleted(plan: Plan) -> list[str]:
    return [change.replication for change in plan.active_changes if change.desired is None]
