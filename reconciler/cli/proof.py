"""Runs the verification of some flows: finds what is live for each, opens both ends, collects the proofs."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast

from reconciler.cli.patience import watched
from reconciler.cli.session import Session
from reconciler.engine.match import match
from reconciler.engine.observe import observe
from reconciler.engine.plan import desired_of
from reconciler.errors import ProviderError
from reconciler.model.manifest import State
from reconciler.model.receipt import Receipt
from reconciler.model.relationship import Flow
from reconciler.model.verification import Check, Level, Outcome, Verdict, Verification
from reconciler.providers.base import Provider
from reconciler.report.clean import clean
from reconciler.verify.run import Job, verify
from reconciler.verify.spool import Differences

__all__ = ["provable", "prove"]


def provable(flows: Sequence[Flow]) -> tuple[Flow, ...]:
    """Leave out what is paused: nothing is to be seen there."""
    return tuple(flow for flow in flows if flow.spec.state is not State.PAUSED)


def prove(
    session: Session,
    flows: Sequence[Flow],
    *,
    run_id: str,
    stop: threading.Event,
    level: Level | None = None,
    canary: bool = True,
    differences: Differences | None = None,
    emit: Callable[[str], None],
) -> tuple[Verification, ...]:
    """Verify the flows, each at its own level unless one is given. One answer for each, ordered by name.

    The other active flows of the workspace are made known too, since they carry canaries on. What comparisons find
    goes to `differences`.

    Raises:
        ProviderError: nothing at all could be read. Where only some could not, those have failed.
    """
    if not flows:
        return ()
    parallelism = session.request.parallelism
    with watched(emit) as asked:
        world = observe(flows, (), session.connections, parallelism=parallelism, asked=asked)
    wanted = desired_of(flows, session.inputs)
    readable = [want for want in wanted if want.container.scope_ref in world.observations]
    receipt = session.state.receipt()
    pairs = match(readable, world, receipt).pairs
    unread = {want.flow.name: world.unread[want.container.scope_ref] for want in wanted if want not in readable}
    if len(unread) == len(flows):
        raise next(iter(unread.values()))
    jobs = [
        Job(
            flow=flow,
            provider=session.connections.provider(flow.owner.name),
            relationship=pairs[flow.name].relationship if flow.name in pairs else None,
            source=session.connections.provider(flow.source.name),
            destination=session.connections.provider(flow.destination.name),
            since=_since(receipt, flow.name),
        )
        for flow in flows
        if flow.name not in unread
    ]
    proofs = verify(
        jobs, run_id=run_id, clock=session.clock, parallelism=parallelism, level=level, canary=canary,
        others=_others(session, flows), differences=differences, secrets=session.secrets, stop=stop,
        emit=lambda text: emit(clean(text)),
    )  # fmt: skip
    failed = [_unread(flow, level, unread[flow.name]) for flow in flows if flow.name in unread]
    return tuple(sorted((*proofs, *failed), key=lambda proof: proof.replication))


def _since(receipt: Receipt | None, name: str) -> datetime | None:
    """Return when it was first applied as it stands, or last where an older version wrote the receipt."""
    entry = receipt.replications.get(name) if receipt is not None else None
    return (entry.since or entry.applied_at) if entry is not None else None


def _unread(flow: Flow, level: Level | None, error: ProviderError) -> Verification:
    return Verification(
        replication=flow.name,
        level=level or flow.spec.verify.level,
        outcome=Outcome.FAILED,
        checks=(Check(name="health", verdict=Verdict.ERROR, detail=str(error)),),
        reason=f"what is live could not be read: {error}",
    )


class _Later:
    """A provider that is opened when something is asked of it: most flows have nothing to do with a canary."""

    def __init__(self, opened: Callable[[], Provider]) -> None:
        self._opened = opened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened(), name)


def _others(session: Session, flows: Sequence[Flow]) -> list[Job]:
    """Describe the active flows that are not in the run."""
    names = {flow.name for flow in flows}

    def later(name: str) -> Provider:
        return cast("Provider", _Later(partial(session.connections.provider, name)))

    return [
        Job(
            flow=flow, provider=later(flow.owner.name), relationship=None, source=later(flow.source.name),
            destination=later(flow.destination.name),
        )
        for flow in provable(session.checked.flows)
        if flow.name not in names
    ]  # fmt: skip
