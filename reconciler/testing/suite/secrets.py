"""Secrets appear nowhere: not in what is printed, kept or logged, whatever goes wrong."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import pytest

from reconciler.errors import ProviderError
from reconciler.providers.base import Capability
from reconciler.testing.harness import Ability, Fault, FaultKind, Mangling
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases, first_call, needs

__all__ = ["SecretCases"]


class SecretCases(Cases):
    """Cases about secrets."""

    topic: ClassVar[str] = "secrets"

    def test_not_in_values(self, host: Host) -> None:
        """Flows, plans, observations, findings and what a provider looks like in a debugger."""
        flow = host.harness.flow("one")
        plan = host.plan(flow)
        receipt = host.apply(plan)
        observation = host.observe(flow)
        found = [*host.reader.check(flow), *plan.findings]
        values = (flow, plan, receipt, observation, host.provider, host.reader, found, host.reader.normalise(flow))
        shown = [
            *map(repr, values),
            *(value.model_dump_json() for value in (plan, receipt, observation, flow.source, flow.destination)),
            *([repr(host.provider.store(flow.owned_location))] if _stores(host) else []),
            repr(vars(host.provider)),
        ]
        _clean(host, shown)

    def test_not_in_the_state_folder(self, host: Host) -> None:
        """Journals and receipts of create, change and delete."""
        variant = host.harness.variants()[0]
        for flows in ((variant.before,), (variant.after,), ()):
            host.converge(*flows, prune=True)
        files = [path for path in host.state.root.rglob("*") if path.is_file()]
        assert files
        _clean(host, [path.read_text(encoding="utf-8") for path in files])

    def test_not_in_errors(self, host: Host) -> None:
        """Refused reads, refused writes, answers that make no sense: messages, hints and all their causes."""
        needs(host, Ability.WIRE)
        flow = host.harness.flow("one")
        call = first_call(host, flow)
        errors = []
        for status in (400, 401, 403, 404, 409, 500):
            host.harness.fault(Fault(kind=FaultKind.STATUS, status=status, times=None), call)
            errors.append(_raised(lambda: host.provider.execute(call, host.harness.secrets)))
            host.harness.mend()
        host.harness.fault(Fault(kind=FaultKind.LOST_ANSWER), call)
        errors.append(_raised(lambda: host.provider.execute(call, host.harness.secrets)))
        host.harness.mend()
        for mangling in (Mangling.GARBAGE, Mangling.CUT_OFF):
            host.harness.mangle(mangling)
            with host.harness.hurried():
                errors.append(_raised(lambda: host.observe(flow)))
            host.harness.mend()
        _clean(host, [text for error in errors for text in _texts(error)])

    def test_not_in_logs(self, host: Host, caplog: pytest.LogCaptureFixture) -> None:
        """Even when everything is logged, libraries included."""
        with caplog.at_level(logging.DEBUG):
            flow = host.harness.flow("one")
            host.converge(flow)
            host.converge(prune=True)
        _clean(host, [record.getMessage() for record in caplog.records])

    def test_calls_hold_references(self, host: Host) -> None:
        """What must be sent as a secret is named in the plan, and resolved when it is sent."""
        flow = host.harness.flow("one")
        desired = host.reader.normalise(flow)
        body = first_call(host, flow).model_dump_json()
        for ref in desired.write_only.values():
            marked = '"$secret"'
            assert marked in body, f"{ref} is write-only, and no call carries it"


def _stores(host: Host) -> bool:
    return Capability.STORE in host.info.capabilities


def _clean(host: Host, texts: Sequence[str]) -> None:
    for secret in host.harness.secret_values:
        assert not [text for text in texts if secret in text], "a secret is shown"


def _raised(act: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        act()
    return caught.value


def _texts(error: BaseException) -> Iterator[str]:
    link: BaseException | None = error
    while link is not None:
        yield from (str(link), repr(link), repr(vars(link)), repr(link.args))
        link = link.__cause__ or link.__context__
