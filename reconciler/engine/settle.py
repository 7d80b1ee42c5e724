"""Finds out whether a call has happened whose answer was never seen."""

from enum import StrEnum

from reconciler.engine.converge import Meant, shortfalls
from reconciler.errors import ErrorCode, ProviderError, StalePlan
from reconciler.model.observation import ABSENT, Observation
from reconciler.model.plan import ContainerPlan
from reconciler.model.step import Call

__all__ = ["Settled", "settle"]


class Settled(StrEnum):
    """What looking has shown."""

    HAPPENED = "happened"
    ALL_DONE = "all_done"
    """The container is as planned: no later creation is needed either."""
    NOT_HAPPENED = "not_happened"


def settle(
    item: ContainerPlan, call: Call, observation: Observation, *, first: bool, meant: Meant | None = None
) -> Settled:
    """Decide from what is live now. `first` says that no earlier call of the container has changed anything.

    Raises:
        StalePlan: somebody else has changed the container meanwhile.
        ProviderError: CONFLICT, if what stands there is neither the old nor the planned state.
    """
    if call.copies:
        # No container shows whether its data was sent again. Twice costs time, never costs the copy.
        return Settled.NOT_HAPPENED
    if call.guarded:
        return Settled.NOT_HAPPENED  # it looks by itself, and more closely than can be done from here
    meant = meant or Meant.of(item)
    now = meant.fingerprint(observation, item.container)
    before = next(read.fingerprint for read in item.reads if read.container == item.container)
    if first and call.idempotent and now == before:
        return Settled.NOT_HAPPENED
    if not shortfalls(item, observation, meant):
        return Settled.ALL_DONE
    if call.leaves_absent and now == ABSENT:
        return Settled.HAPPENED
    if not call.idempotent:
        return _settle_create(item, call, observation, meant)
    if first:
        raise StalePlan(
            f"{item.container} was changed by somebody else while {call.operation} was in doubt",
            hint="plan again",
        )
    return Settled.NOT_HAPPENED


def _settle_create(item: ContainerPlan, call: Call, observation: Observation, meant: Meant) -> Settled:
    standing = [desired.identity for desired in item.desired if meant.find(observation, desired) is not None]
    if standing:
        raise ProviderError(
            f"{', '.join(standing)} is there, but not as planned",
            code=ErrorCode.CONFLICT,
            provider=item.container.provider,
            operation=call.operation,
            hint="plan again: the difference will be shown",
        )
    return Settled.NOT_HAPPENED
