"""The calls and waits that make one relationship as desired, and what they bring about. Pure.

Apart from `provider.py` because planning is a table of its own: action to steps and effects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.change import Action, Change, ContainerDiff
from reconciler.model.finding import Finding
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.step import Await, Call, Effect, Estimate, Step, StepPlan
from reconciler.model.units import format_seconds
from reconciler.providers.findings import finding
from reconciler.providers.qumulo import effects
from reconciler.providers.qumulo.convert import (
    ABORT,
    COPY_FROM,
    CREATE,
    DELETE,
    REPLICATE,
    create_body,
    desired,
)
from reconciler.providers.qumulo.findings import TEXTS

__all__ = ["FINISHED", "GONE", "NOT_RUNNING", "plan_steps", "replicate"]

NOT_RUNNING = "job-not-running"
GONE = "gone"
FINISHED = "job-finished"

_STOP_DEADLINE_S = 900
_GONE_DEADLINE_S = 300


@dataclass(frozen=True, slots=True)
class _Duties:
    """What an action comes to. There is no update: a change of any kind removes and creates."""

    removes: bool = False
    creates: bool = False
    sends: bool = False


_DUTIES = {
    Action.CREATE: _Duties(creates=True),
    Action.UPDATE: _Duties(removes=True, creates=True),
    Action.REPLACE: _Duties(removes=True, creates=True),
    Action.ADOPT: _Duties(removes=True, creates=True),
    Action.DELETE: _Duties(removes=True),
    Action.RESYNC: _Duties(sends=True),
    Action.NONE: _Duties(),
}


def plan_steps(diff: ContainerDiff, authorities: Mapping[str, str | None]) -> StepPlan:
    """Plan one container. `authorities` has the PEM text for each replication's object store, None for public ones.

    Removals come first, so that what takes a place finds it free.
    """
    work = [(change, _duties(change)) for change in diff.changes]
    if findings := tuple(_unknown(change) for change, duty in work if _needs_id(duty) and not _id(change)):
        return StepPlan(steps=(), findings=findings)
    many = len(diff.changes) > 1
    steps: list[Step] = []
    for change, duty in work:
        steps += _removal(change, f"-{change.replication}" if many else "") if duty.removes else ()
    for change, duty in work:
        mark = f"-{change.replication}" if many else ""
        if duty.creates:
            steps.append(_creation(change, diff.flows[change.replication], authorities[change.replication], mark))
        if duty.sends and change.observed:
            steps.append(replicate(change.observed, f"replicate{mark}"))
    found = tuple(effect for change, duty in work for effect in _effects(change, duty, diff))
    return StepPlan(steps=tuple(steps), effects=found)


def replicate(observed: Relationship, step: str = "replicate") -> Call:
    """Return the call that starts a job. If one runs already, executing it sends nothing and says so."""
    return Call(
        id=step,
        operation=REPLICATE,
        target=observed.provider_id or observed.identity,
        summary="start a job that copies what is new or changed",
        idempotent=True,
        body={"id": observed.provider_id},
    )


def _duties(change: Change) -> _Duties:
    if change.action is Action.ADOPT and not change.fields:
        return _Duties()
    return _DUTIES[change.action]


def _needs_id(duty: _Duties) -> bool:
    return duty.removes or duty.sends


def _id(change: Change) -> str:
    return (change.observed.provider_id or "") if change.observed else ""


def _unknown(change: Change) -> Finding:
    detail = f"{change.title} is to be changed, but it was not read from the cluster."
    return finding(TEXTS, "REPL-W120", (), replication=change.replication, detail=detail)


def _removal(change: Change, mark: str) -> Iterator[Step]:
    target = _id(change)
    yield Call(
        id=f"abort{mark}",
        operation=ABORT,
        target=target,
        summary="stop the running job; nothing is sent if none runs",
        idempotent=True,
        body={"id": target},
    )
    yield Await(
        id=f"stopped{mark}",
        condition=NOT_RUNNING,
        target=target,
        summary="wait until no job runs",
        deadline_s=_STOP_DEADLINE_S,
        params={"id": target},
    )
    yield Call(
        id=f"delete{mark}",
        operation=DELETE,
        target=target,
        summary="delete the relationship; files and objects stay",
        idempotent=True,
        body={"id": target},
    )
    yield Await(
        id=f"gone{mark}",
        condition=GONE,
        target=target,
        summary="wait until it is gone",
        deadline_s=_GONE_DEADLINE_S,
        params={"id": target},
    )


def _creation(change: Change, flow: Flow, authority: str | None, mark: str) -> Call:
    return Call(
        id=f"create{mark}",
        operation=CREATE,
        target=desired(flow, authority).path,
        summary=f"create {change.title}; its first job starts at once",
        idempotent=False,
        body=create_body(flow, authority),
    )


def _effects(change: Change, duty: _Duties, diff: ContainerDiff) -> Iterator[Effect]:
    name, flow = change.replication, diff.flows.get(change.replication)
    if duty.removes and duty.creates:
        text = (
            f"{change.title} is deleted and made again, for Qumulo cannot change a relationship:"
            " its first job goes through everything, and until that has ended the copy falls behind"
        )
        yield Effect.of(effects.REPLACE, name, text, _estimate(change, diff))
    elif duty.creates and flow is not None:
        often = f" every {format_seconds(flow.spec.schedule.every)}" if flow.spec.schedule else ""
        text = f"one job copies all there is, then nothing more: run `repl resync {name}`{often}, for example from cron"
        yield Effect.of(effects.ONE_SHOT, name, text)
    if (duty.creates or duty.sends) and flow is not None and _fills_directory(flow):
        path = desired(flow, None).path
        yield Effect.of(effects.READ_ONLY, name, f"clients cannot write below {path} while the job runs")


def _fills_directory(flow: Flow) -> bool:
    return desired(flow, None).direction == COPY_FROM


def _estimate(change: Change, diff: ContainerDiff) -> Estimate:
    here = change.observed_in in (None, diff.container)
    held = diff.state.document if here and diff.state and isinstance(diff.state.document, dict) else {}
    size, files = held.get("bytes_total"), held.get("files_total")
    if isinstance(size, int) and size:
        return Estimate(objects=files if isinstance(files, int) else None, bytes=size, basis="the job that runs now")
    return Estimate(basis="a cluster counts only while a job runs")
