"""Runs the steps of one container: journal, call, journal, wait, read back, compare."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import stamina

from reconciler.clock import Clock
from reconciler.engine.connect import Connections
from reconciler.engine.converge import Meant, shortfalls
from reconciler.engine.events import ApplyEvent, Emit, EventKind
from reconciler.engine.journal import ContainerHistory, Journal
from reconciler.engine.reads import ScopeReader
from reconciler.engine.references import filled_await, filled_call
from reconciler.engine.settle import Settled, settle
from reconciler.errors import ErrorCode, ProviderError, ReplError, StalePlan
from reconciler.model.plan import ContainerPlan
from reconciler.model.receipt import ContainerOutcome, ContainerResult, JournalEvent
from reconciler.model.step import Await, Call
from reconciler.model.value import Json
from reconciler.providers.base import CallResult, Progress, SecretResolver

__all__ = ["SILENCE_S", "Interrupted", "RunContext", "run_container"]

NOT_CONVERGED = "PROVIDER-DID-NOT-CONVERGE"
_RETRIED = (ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE)
_ATTEMPTS = 4
_SETTLE_PAUSES_S = (1.0, 3.0)
"""Before looking whether an unanswered call has happened: a server may still be at it."""
_READ_BACK_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""S3 says that a replication configuration can take a while to propagate."""
SILENCE_S = 300.0
"""For how long looks at what is awaited may go unanswered: jobs take days, and services are started again meanwhile."""
_FRESH_S = 5.0


class Interrupted(Exception):
    """The user asked to stop. Nothing is in doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What all containers of one run share."""

    connections: Connections
    secrets: SecretResolver
    journal: Journal
    reader: ScopeReader
    clock: Clock
    stop: threading.Event
    emit: Emit
    changing: set[str] = field(default_factory=set)
    """What the containers that were begun share with others: the run itself may have changed how these look."""
    expected: Mapping[str, str] = field(default_factory=dict)
    """What the plan warned of, by container: noted before anything is done, as a run that is cut off has no receipt."""
    replications: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of what the plan changes, by container."""


@dataclass(slots=True)
class _Progress:
    """Where one container stands."""

    item: ContainerPlan
    history: ContainerHistory
    calls: int = 0
    returned: dict[str, dict[str, Json]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.item.container)

    @property
    def owed(self) -> tuple[str, ...]:
        """Replications whose existing data is still to be sent."""
        waiting = (call for call in self.item.calls if call.id not in self.history.finished)
        return tuple(name for call in waiting for name in call.copies)

    @property
    def reached(self) -> int:
        """Where in the steps the run resumed had got to: the last of them that was begun; -1 if none was."""
        begun = {*self.history.finished, self.history.in_doubt}
        return max((number for number, step in enumerate(self.item.steps) if step.id in begun), default=-1)

    @property
    def meant(self) -> Meant:
        """What is ours of what is live, by what the calls have returned so far."""
        return Meant.of(self.item, (*self.history.finished.values(), *self.returned.values()))

    @property
    def untouched(self) -> bool:
        """Whether no call of this container has happened or is in doubt, in this run or the one resumed."""
        return not self.calls and self.history.in_doubt is None and not self._finished_calls

    @property
    def _finished_calls(self) -> bool:
        return any(call.id in self.history.finished for call in self.item.calls)


def run_container(context: RunContext, item: ContainerPlan, history: ContainerHistory) -> ContainerResult:
    """Bring one container to its planned state. Never raises for what a provider did: the result says it.

    Raises:
        Interrupted: the user asked to stop; the journal is complete.
        StalePlan: before anything of this container was written.
    """
    at = _Progress(item=item, history=history)
    try:
        if at.untouched and context.changing.isdisjoint(item.shares):
            _require_unchanged(context, item)
        context.changing.update(item.shares)
        expected = context.expected.get(at.name, "")
        context.journal.write(
            JournalEvent.CONTAINER_STARTED, container=at.name, place=item.container, copies=at.owed, detail=expected,
            strangers=item.strangers, replications=context.replications.get(at.name, ()),
        )  # fmt: skip
        context.emit(ApplyEvent(kind=EventKind.STARTED, container=at.name))
        _run_steps(context, at)
        fingerprint = _read_back(context, at)
    except StalePlan as error:
        if at.untouched:
            raise
        return _failed(context, at, "CONFLICT", error)
    except ReplError as error:
        code = error.code.value if isinstance(error, ProviderError) else type(error).__name__
        return _failed(context, at, code, error)
    context.journal.write(JournalEvent.CONTAINER_DONE, container=at.name, detail=fingerprint)
    context.emit(ApplyEvent(kind=EventKind.DONE, container=at.name))
    return ContainerResult(
        container=item.container, outcome=ContainerOutcome.DONE, calls=at.calls, fingerprint=fingerprint
    )


def _require_unchanged(context: RunContext, item: ContainerPlan) -> None:
    for read in item.reads:
        observation = context.reader.recent(read.container.scope_ref, _FRESH_S)
        if Meant.of(item).fingerprint(observation, read.container) != read.fingerprint:
            raise StalePlan(f"{read.container} has changed since the plan was made", hint="plan again")


def _run_steps(context: RunContext, at: _Progress) -> None:
    all_done = False
    for number, step in enumerate(at.item.steps):
        if context.stop.is_set():
            raise Interrupted
        if isinstance(step, Await):
            # What was waited for once may have been undone by a later step since: gone, then made again.
            if number >= at.reached:
                _wait(context, at, step)
        elif step.id in at.history.finished:
            at.returned[_local(step.id)] = at.history.finished[step.id]
        elif not all_done or step.idempotent or step.copies:
            # What the container does not show, as a copy of existing data or a tidying up, may still be due.
            all_done |= _call(context, at, step) is Settled.ALL_DONE


def _call(context: RunContext, at: _Progress, call: Call) -> Settled:
    """Make one call happen exactly once, however many times it must be sent or looked at."""
    in_doubt = at.history.in_doubt == call.id
    for pause in (*_SETTLE_PAUSES_S, None):
        if in_doubt and (settled := _look(context, at, call, pause)) is not Settled.NOT_HAPPENED:
            at.returned[_local(call.id)] = seen = _seen(context, at)
            context.journal.write(
                JournalEvent.CALL_DONE,
                container=at.name,
                step=call.id,
                returned=seen,
                copies=call.copies,
                detail="seen to have happened",
            )
            context.emit(ApplyEvent(kind=EventKind.CALL_SETTLED, container=at.name, step=call.id, text=call.summary))
            return settled
        try:
            _send(context, at, call, in_doubt=in_doubt)
        except ProviderError as error:
            if not error.ambiguous or pause is None:
                raise
            in_doubt = True
            context.emit(ApplyEvent(kind=EventKind.CALL_RETRY, container=at.name, step=call.id, text=str(error)))
        else:
            return Settled.HAPPENED
    raise AssertionError


def _look(context: RunContext, at: _Progress, call: Call, pause: float | None) -> Settled:
    first = not at.returned
    scope = at.item.container.scope_ref
    found = settle(at.item, call, context.reader.fresh(scope), first=first, meant=at.meant)
    if found is Settled.NOT_HAPPENED and not call.idempotent:
        # It may still be under way: sending it again now could make two.
        context.clock.sleep(pause or _SETTLE_PAUSES_S[-1], context.stop)
        if context.stop.is_set():
            raise Interrupted
        found = settle(at.item, call, context.reader.fresh(scope), first=first, meant=at.meant)
    return found


def _seen(context: RunContext, at: _Progress) -> dict[str, Json]:
    """What a creation would have returned, as far as it shows: the server's id, where one relationship is planned."""
    if len(at.item.desired) != 1:
        return {}
    live = at.meant.find(context.reader.latest(at.item.container.scope_ref), at.item.desired[0])
    return {"id": live.provider_id, "provider_id": live.provider_id} if live and live.provider_id else {}


def _send(context: RunContext, at: _Progress, call: Call, *, in_doubt: bool) -> None:
    context.journal.write(JournalEvent.CALL_PENDING, container=at.name, step=call.id)
    context.emit(ApplyEvent(kind=EventKind.CALL_START, container=at.name, step=call.id, text=call.summary))
    provider = context.connections.provider(at.item.container.provider)
    ready = filled_call(call, at.returned).model_copy(update={"in_doubt": in_doubt})
    try:
        result: CallResult = CallResult()
        for attempt in stamina.retry_context(
            on=_pause_before_retry, attempts=_ATTEMPTS, wait_initial=0.5, wait_max=30.0
        ):
            with attempt:
                result = provider.execute(ready, context.secrets)
    except ProviderError as error:
        if error.ambiguous:
            at.calls += 1
        else:
            context.journal.write(JournalEvent.CALL_FAILED, container=at.name, step=call.id, detail=str(error))
        raise
    at.calls += 0 if result.skipped else 1
    at.returned[_local(call.id)] = result.returned
    context.journal.write(
        JournalEvent.CALL_DONE,
        container=at.name,
        step=call.id,
        returned=result.returned,
        request_id=result.request_id,
        copies=call.copies,
        detail=result.skipped,
    )
    context.emit(ApplyEvent(kind=EventKind.CALL_END, container=at.name, step=call.id, text=result.skipped))


def _pause_before_retry(error: Exception) -> bool | float:
    """Retry what certainly did not happen and may work later; how long the server asks to wait, if it asks."""
    if not isinstance(error, ProviderError) or error.ambiguous or error.code not in _RETRIED:
        return False
    return error.retry_after_s or True


def _wait(context: RunContext, at: _Progress, wait: Await) -> None:
    ready = filled_await(wait, at.returned)
    answered = context.clock.monotonic()
    deadline = answered + wait.deadline_s
    for pause in _growing(0.1, 10.0):
        try:
            progress = context.connections.provider(at.item.container.provider).poll(ready)
            answered = context.clock.monotonic()
        except ProviderError as error:
            if error.code not in _RETRIED or context.clock.monotonic() - answered >= SILENCE_S:
                raise
            progress = Progress(done=False, detail=f"no answer: {error}")
        if progress.failed:
            raise _not_awaited(at, wait, ErrorCode.FAILED_PRECONDITION, progress.failed)
        if progress.done:
            break
        context.emit(
            ApplyEvent(
                kind=EventKind.WAIT, container=at.name, step=wait.id, text=progress.detail, percent=progress.percent
            )
        )
        if context.clock.monotonic() + pause > deadline:
            raise _not_awaited(at, wait, ErrorCode.UNAVAILABLE, f"not within {wait.deadline_s} s: {progress.detail}")
        if context.clock.sleep(pause, context.stop):
            raise Interrupted
    context.journal.write(JournalEvent.AWAIT_DONE, container=at.name, step=wait.id)


def _not_awaited(at: _Progress, wait: Await, code: ErrorCode, why: str) -> ProviderError:
    # What has failed does not end by being waited for once more.
    first = "once that is mended, " if code is ErrorCode.FAILED_PRECONDITION else ""
    return ProviderError(
        why, code=code, provider=at.item.container.provider, operation=wait.summary,
        hint=f"{first}apply again: what was done is not done twice",
    )  # fmt: skip


def _read_back(context: RunContext, at: _Progress) -> str:
    """Compare what is live with what was planned; return the container's fingerprint."""
    context.emit(ApplyEvent(kind=EventKind.READ_BACK, container=at.name))
    for pause in (*_READ_BACK_PAUSES_S, None):
        observation = context.reader.fresh(at.item.container.scope_ref)
        lines = shortfalls(at.item, observation, at.meant)
        if not lines:
            return at.meant.fingerprint(observation, at.item.container)
        if pause is None:
            break
        context.clock.sleep(pause, context.stop)
    raise _NotConverged("; ".join(lines))


class _NotConverged(ReplError):
    """The provider accepted the calls, and what it shows is something else."""


def _failed(context: RunContext, at: _Progress, code: str, error: ReplError) -> ContainerResult:
    code = NOT_CONVERGED if isinstance(error, _NotConverged) else code
    text = str(error)
    context.journal.write(JournalEvent.CONTAINER_FAILED, container=at.name, detail=f"{code}: {text}")
    context.emit(ApplyEvent(kind=EventKind.FAILED, container=at.name, text=f"{code}: {text}"))
    return ContainerResult(
        container=at.item.container,
        outcome=ContainerOutcome.FAILED,
        calls=at.calls,
        code=code,
        detail=text,
        hint=error.hint or "",
    )


def _growing(first: float, largest: float) -> Iterator[float]:
    pause = first
    while True:
        yield pause
        pause = min(pause * 1.5, largest)


def _local(step_id: str) -> str:
    return step_id.partition("/")[2]
