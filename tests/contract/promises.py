"""What a run over an emulated system keeps: exchanges are as documented, and writes as planned."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.testing.harness import Harness
from reconciler.testing.host import Host

H = TypeVar("H", bound=Harness)


@contextmanager
def documented(harness: H) -> Iterator[H]:
    """Lend a harness and close it; whatever was done with it, the system's document must have it."""
    yield harness
    judgement = harness.judged()
    harness.close()
    assert judgement is not None
    assert not judgement.objections


def changed(host: Host, *flows: Flow) -> None:
    """Apply what differs; as many writes as were planned, and then nothing is left to do."""
    plan = host.plan(*flows, prune=True)
    assert plan.active_changes
    assert not plan.errors
    with host.quiet() as sent:
        receipt = host.apply(plan)
    assert receipt.outcome is RunOutcome.DONE, [(r.code, r.detail) for r in receipt.results]
    assert len([one for one in sent if one.write]) == plan.summary.calls
    host.settled(*flows, prune=True)
