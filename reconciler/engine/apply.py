"""Carries out a plan: exactly it, container by container, so that a crash at any point loses nothing."""

import secrets as random
import threading
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.clock import Clock
from reconciler.engine.connect import Connections
from reconciler.engine.converge import Meant
from reconciler.engine.events import ApplyEvent, Emit, EventKind, ignore
from reconciler.engine.execute import Interrupted, RunContext, run_container
from reconciler.engine.integrity import require_intact
from reconciler.engine.journal import ContainerHistory, Journal, RunHistory, last_run, open_runs, read_journal
from reconciler.engine.reads import ScopeReader
from reconciler.engine.record import actor, make_receipt
from reconciler.engine.state import StateFolder
from reconciler.engine.unfinished import left_by
from reconciler.engine.workers import workers
from reconciler.errors import ProviderError, Refused, StalePlan
from reconciler.model.finding import Severity
from reconciler.model.plan import ContainerPlan, Plan
from reconciler.model.receipt import ContainerOutcome, ContainerResult, JournalEvent, Receipt
from reconciler.model.relationship import Flow
from reconciler.providers.base import SecretResolver

__all__ = ["ApplyRequest", "apply", "finish", "new_run_id"]

_IN_DOUBT_PAUSE_S = 2.0
"""A call that a killed process had sent may still be under way when the next apply looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRequest:
    """What `apply` needs, the lock being held by the caller."""

    plan: Plan
    flows: dict[str, Flow]
    connections: Connections
    """Opened for writing."""
    secrets: SecretResolver
    state: StateFolder
    clock: Clock
    parallelism: int = 8
    stop: threading.Event = field(default_factory=threading.Event)
    emit: Emit = ignore


def new_run_id(now: datetime) -> str:
    """Make an id that sorts by time: `20261120T235800Z-1f3c2aa9`."""
    return f"{now:%Y%m%dT%H%M%SZ}-{random.token_hex(4)}"


def apply(request: ApplyRequest) -> Receipt:
    """Execute the plan, or finish an earlier run of the same plan. The receipt is on disk when this returns.

    Raises:
        StalePlan: the plan does not fit the world or cannot be checked. Nothing was written.
        Refused: the plan is not one that may be applied. Nothing was written.
        ProviderError: a scope could not be read before the first write. Nothing was written.
    """
    plan, clock = request.plan, request.clock
    require_intact(plan, clock.now())
    _require_applyable(plan)
    before = request.state.receipt()
    runs = open_runs(request.state)
    last = last_run(request.state)
    resumed = _same_plan(plan, runs, last)
    if any(run.in_doubt for run in runs):
        clock.sleep(_IN_DOUBT_PAUSE_S, request.stop)
    reader = ScopeReader(request.connections, clock)
    histories = resumed.containers if resumed else {}
    _require_latest(plan, before)
    _require_fresh(plan, histories, reader)
    run_id = resumed.run_id if resumed else new_run_id(clock.now())
    started_at = clock.now()
    with Journal(request.state.journal_path(run_id), run_id=run_id, plan_id=plan.plan_id, clock=clock) as journal:
        journal.write(JournalEvent.RUN_STARTED, detail="resumed" if resumed else "")
        ended = [last] if last is not None and last.finished else []  # it may have failed in the middle of something
        earlier = [run for run in (*ended, *runs) if run.run_id != run_id]
        _tell_of(request, resumed, earlier)
        context = RunContext(
            connections=request.connections, secrets=request.secrets, journal=journal, reader=reader,
            clock=clock, stop=request.stop, emit=request.emit, expected=_expected(plan), replications=_changed(plan),
        )  # fmt: skip
        results = _run_levels(context, request, histories)
        written = read_journal(journal.path)
        receipt = make_receipt(
            plan, run_id=run_id, who=actor(), started_at=started_at, finished_at=clock.now(), results=results,
            interrupted=request.stop.is_set(), before=before, owed=_owed(request, runs, before, run_id),
            flows=request.flows, reader=reader, secrets=request.secrets,
            histories=written.containers if written else {},
        )  # fmt: skip
        left = {run.run_id: left_by(run, plan, receipt) for run in earlier}
        _reopen(request, [run for run in earlier if run.finished and left[run.run_id]], run_id)
        request.state.write_receipt(receipt)
        journal.write(JournalEvent.RECEIPT_WRITTEN)
    for run in earlier:
        _settle(request, run, left[run.run_id], run_id)
    return receipt


def finish(request: ApplyRequest, receipt: Receipt) -> None:
    """Write the receipt in its last form and close the run: after this nothing is left to resume."""
    request.state.write_receipt(receipt)
    path = request.state.journal_path(receipt.run_id)
    with Journal(path, run_id=receipt.run_id, plan_id=receipt.plan_id, clock=request.clock) as journal:
        journal.write(JournalEvent.RUN_FINISHED, detail=receipt.outcome.value)


def _changed(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Name the replications that the plan changes, by container."""
    names = {change.id: change.replication for change in plan.changes}
    return {str(item.container): tuple(sorted({names[one] for one in item.changes})) for item in plan.containers}


def _expected(plan: Plan) -> dict[str, str]:
    """Sum up what the plan warns of, by container."""
    return {
        container: "; ".join(
            f"{effect.rule}: {effect.text}"
            for effect in plan.effects
            if effect.severity is not Severity.INFO and effect.replication in names
        )
        for container, names in _changed(plan).items()
    }


def _owed(request: ApplyRequest, runs: Sequence[RunHistory], before: Receipt | None, run_id: str) -> set[str]:
    """Sum up what earlier runs and this one should have sent and did not."""
    earlier = set(before.owed if before else ()).union(*(run.owed for run in runs if run.run_id != run_id))
    this = read_journal(request.state.journal_path(run_id))
    return (earlier - this.copied) | this.owed if this else earlier


def _same_plan(plan: Plan, runs: Sequence[RunHistory], last: RunHistory | None) -> RunHistory | None:
    """Find an earlier run of this plan: one that was cut off, or the last one, whose failures may be tried again."""
    ours = [run for run in (*runs, last) if run is not None and run.plan_id == plan.plan_id]
    return ours[-1] if ours else None


def _require_applyable(plan: Plan) -> None:
    if not plan.complete:
        raise Refused(
            f"the plan is not complete: {', '.join(map(str, plan.unread))} could not be read",
            hint="mend the access, or plan without them: --exclude",
        )
    if plan.errors:
        raise Refused("the plan has errors", findings=plan.errors, hint="see the findings above")
    if plan.blocking:
        terms = " ".join(f"--allow {effect.allow}" for effect in plan.blocking)
        raise Refused("effects need an approval", hint=f"if they are meant: plan again with {terms}")


def _require_latest(plan: Plan, last: Receipt | None) -> None:
    """Refuse if there was another run since: it may have made elsewhere what this plan makes, or removed it on purpose.

    Where no receipt is left there is nothing to compare with; what is live decides.
    """
    if last is not None and last.plan_id != plan.plan_id and last.run_id != plan.after_run:
        raise StalePlan(
            f"run {last.run_id} was applied since the plan was made",
            hint="nothing was written; plan again and look at the difference",
        )


def _require_fresh(plan: Plan, histories: dict[str, ContainerHistory], reader: ScopeReader) -> None:
    """Refuse if anything that the plan touches is not as the plan read it, or as this plan's own run left it."""
    moved: list[str] = []
    for item in plan.containers:
        history = histories.get(str(item.container))
        if history is not None and _begun(history, item) and not history.done:
            continue  # judged call by call when it is resumed
        for read in item.reads:
            expected = (
                history.fingerprint
                if history and history.done and read.container == item.container
                else read.fingerprint
            )
            if history and history.done and read.container != item.container:
                continue
            meant = Meant.of(item, history.finished.values() if history else ())
            live = meant.fingerprint(reader.latest(read.container.scope_ref), read.container)
            if live != expected:
                moved.append(str(read.container))
    if moved:
        raise StalePlan(
            f"changed by somebody else since the plan was made: {', '.join(sorted(set(moved)))}",
            hint="nothing was written; plan again and look at the difference",
        )


def _begun(history: ContainerHistory, item: ContainerPlan) -> bool:
    return history.in_doubt is not None or any(call.id in history.finished for call in item.calls)


def _tell_of(request: ApplyRequest, resumed: RunHistory | None, earlier: Sequence[RunHistory]) -> None:
    if resumed:
        request.emit(ApplyEvent(kind=EventKind.NOTE, text=f"going on with run {resumed.run_id} of this plan"))
    for run in earlier:
        for container, step in run.in_doubt:
            text = f"run {run.run_id} was cut off at {container} {step}; this run goes by what is live now"
            request.emit(ApplyEvent(kind=EventKind.NOTE, text=text))


def _reopen(request: ApplyRequest, runs: Sequence[RunHistory], by: str) -> None:
    """Let runs that have failed be unfinished ones, as what they left was not settled: the last receipt is another."""
    for run in runs:
        with Journal(run.path, run_id=run.run_id, plan_id=run.plan_id, clock=request.clock) as journal:
            journal.write(JournalEvent.RUN_STARTED, detail=f"left open by {by}")


def _settle(request: ApplyRequest, run: RunHistory, left: AbstractSet[str], by: str) -> None:
    """Close an earlier run, or as much of it as this one has come through. Its receipt tells of what is owed."""
    if run.finished and not left:
        return
    with Journal(run.path, run_id=run.run_id, plan_id=run.plan_id, clock=request.clock) as journal:
        if not left:
            journal.write(JournalEvent.RUN_FINISHED, detail=f"superseded by {by}")
            return
        if run.owed:
            journal.write(JournalEvent.COPIES_SETTLED, copies=tuple(sorted(run.owed)), detail=by)
        for name in sorted(run.containers.keys() - left):
            journal.write(JournalEvent.CONTAINER_SETTLED, container=name, detail=by)


def _run_levels(
    context: RunContext, request: ApplyRequest, histories: dict[str, ContainerHistory]
) -> tuple[ContainerResult, ...]:
    """Run level after level; a failure keeps back later levels of the same provider, and nothing else."""
    results: dict[str, ContainerResult] = {}
    broken: set[str] = set()
    levels = sorted({item.level for item in request.plan.containers})
    with workers(request.parallelism, "apply") as pool:
        for level in levels:
            items = [item for item in request.plan.containers if item.level == level]
            futures = {
                str(item.container): pool.submit(_run_one, context, item, histories.get(str(item.container)), broken)
                for item in items
            }
            for name, future in futures.items():
                results[name] = future.result()
            broken |= {r.container.provider for r in results.values() if r.outcome is ContainerOutcome.FAILED}
    return tuple(results[str(item.container)] for item in request.plan.containers)


def _run_one(
    context: RunContext, item: ContainerPlan, history: ContainerHistory | None, broken: set[str]
) -> ContainerResult:
    history = history or ContainerHistory()
    if history.done:
        return ContainerResult(
            container=item.container, outcome=ContainerOutcome.DONE, fingerprint=history.fingerprint,
            detail="done by an earlier run of this plan",
        )  # fmt: skip
    if item.level and item.container.provider in broken:
        return _skipped(context, item, "an earlier write on the same provider failed")
    if context.stop.is_set():
        return _skipped(context, item, "interrupted")
    try:
        return run_container(context, item, history)
    except Interrupted:
        return _skipped(context, item, "interrupted; the journal knows how far it went")
    except StalePlan as error:
        return _not_begun(context, item, "STALE", error.message, error.hint)
    except ProviderError as error:
        return _not_begun(context, item, error.code.value, str(error), error.hint)


def _skipped(context: RunContext, item: ContainerPlan, why: str) -> ContainerResult:
    context.emit(ApplyEvent(kind=EventKind.SKIPPED, container=str(item.container), text=why))
    return ContainerResult(container=item.container, outcome=ContainerOutcome.SKIPPED, detail=why)


def _not_begun(context: RunContext, item: ContainerPlan, code: str, why: str, hint: str | None) -> ContainerResult:
    context.emit(ApplyEvent(kind=EventKind.FAILED, container=str(item.container), text=why))
    return ContainerResult(
        container=item.container, outcome=ContainerOutcome.FAILED, code=code, detail=why, hint=hint or ""
    )
