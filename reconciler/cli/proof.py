"""Runs the verification of some flows: finds what is live for each, opens both ends, collects the proofs."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from reconciler.cli.session import Session
from reconciler.engine.match import match
from reconciler.engine.observe import observe
from reconciler.engine.plan import desired_of
from reconciler.model.manifest import State
from reconciler.model.relationship import Flow
from reconciler.model.verification import Level, Verification
from reconciler.providers.base import Provider
from reconciler.verify.run import Job, verify

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
    emit: Callable[[str], None],
) -> tuple[Verification, ...]:
    """Verify the flows, each at its own level unless one is given. One answer for each, ordered by name.

    The other active flows of the workspace are made known too, since they carry canaries on.
    """
    if not flows:
        return ()
    parallelism = session.request.parallelism
    world = observe(flows, (), session.connections, parallelism=parallelism)
    readable = [want for want in desired_of(flows, session.inputs) if want.container.scope_ref in world.observations]
    pairs = match(readable, world, session.state.receipt()).pairs
    jobs = [
        Job(
            flow=flow,
            provider=session.connections.provider(flow.owner.name),
            relationship=pairs[flow.name].relationship if flow.name in pairs else None,
            source=session.connections.provider(flow.source.name),
            destination=session.connections.provider(flow.destination.name),
        )
        for flow in flows
    ]
    return verify(
        jobs, run_id=run_id, clock=session.clock, parallelism=parallelism, level=level, canary=canary,
        others=_others(session, flows), secrets=session.secrets, stop=stop, emit=emit,
    )  # fmt: skip


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
