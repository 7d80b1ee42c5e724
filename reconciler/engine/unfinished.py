"""Runs that did not come to their end: what they may have left, and what is said of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

from reconciler.engine.converge import ids_made
from reconciler.engine.journal import RunHistory, last_run, open_runs
from reconciler.engine.state import StateFolder
from reconciler.model.finding import Finding, Severity
from reconciler.model.observation import ContainerRef
from reconciler.model.plan import Plan
from reconciler.model.receipt import ContainerOutcome, Receipt, plain_name
from reconciler.model.step import Effect

__all__ = ["CutOff", "cut_off", "cut_off_findings", "failed_findings", "failed_midway", "left_by"]


@dataclass(frozen=True, slots=True)
class CutOff:
    """One container of a run that was begun and not finished."""

    run_id: str
    container: str
    expected: str
    """What its plan warned of, and may have come about; empty if it warned of nothing."""
    place: ContainerRef | None = None
    """The same as plans know it; None from journals of older versions."""
    strangers: frozenset[str] = frozenset()
    """Server ids of what its plan knew to be something else."""
    made: frozenset[str] = frozenset()
    """Server ids of what it has made."""
    replications: tuple[str, ...] = ()
    """Names of what it was to change there."""
    in_doubt: str | None = None
    """The call that was under way: nobody knows whether it has happened."""
    changed: bool = False
    """Whether something may have been sent there."""
    done: bool = False
    """Whether all of it was sent, and read back."""
    noted: bool = False
    """Whether it is done, and a receipt tells of that."""
    failed: bool = False
    """Whether an error had ended it there before anything else did."""

    @classmethod
    def of(cls, run: RunHistory, name: str) -> Self:
        """Sum up what a run's journal says of one container."""
        item = run.containers[name]
        return cls(
            run_id=run.run_id,
            container=name,
            expected=item.expected,
            place=item.place,
            strangers=frozenset(item.strangers),
            made=ids_made(item.finished.values()),
            replications=item.replications,
            in_doubt=item.in_doubt,
            changed=bool(item.finished or item.in_doubt),
            done=item.done,
            noted=item.noted,
            failed=item.failed,
        )

    @property
    def half_made(self) -> bool:
        """Whether live may differ from the last receipt by what this run has done there."""
        return self.changed and not self.noted


def cut_off(state: StateFolder) -> tuple[CutOff, ...]:
    """Return what runs without an end may have brought about, oldest first."""
    return tuple(
        CutOff.of(run, name) for run in open_runs(state) for name, item in run.containers.items() if item.started
    )


def failed_midway(state: StateFolder) -> tuple[CutOff, ...]:
    """Return what the run of the last receipt had begun to change when it failed or was stopped there."""
    run = last_run(state)
    if run is None or not run.finished:
        return ()
    left = (CutOff.of(run, name) for name, item in run.containers.items() if item.started)
    return tuple(one for one in left if one.half_made)


def left_by(run: RunHistory, plan: Plan, receipt: Receipt) -> frozenset[str]:
    """Name the containers that a run has left half made, and that the run of a later plan has not settled.

    `receipt`: of that later run. It has settled a container if all that was being changed there took part, whether or
    not anything was still needed, and none of it stands there unwanted, or unknown to any receipt.
    """
    selective = bool(plan.options.select or plan.options.exclude)
    took_part = {change.replication for change in plan.changes}
    not_through = {str(one.container) for one in receipt.results if one.outcome is not ContainerOutcome.DONE}
    begun = (CutOff.of(run, name) for name, item in run.containers.items() if item.started)
    return frozenset(
        one.container
        for one in begun
        if one.half_made
        and (
            one.container in not_through
            or (selective and not took_part.issuperset(one.replications))
            or _stands_unwanted(one, plan, receipt)
        )
    )


def _stands_unwanted(one: CutOff, plan: Plan, receipt: Receipt) -> bool:
    others = {
        (entry.container, entry.relationship.identity)
        for name, entry in receipt.replications.items()
        if plain_name(name) not in one.replications
    }
    ours = (item for item in plan.unmanaged if item.ours and str(item.container) == one.container)
    return any((item.container, item.identity) not in others for item in ours)


def cut_off_findings(cut: Sequence[CutOff]) -> Iterator[Finding]:
    """Say what runs without an end may have left behind: what is live need not show it, and no receipt tells of it."""
    for run_id, group in groupby(cut, key=lambda one: one.run_id):
        items = list(group)
        # What was warned of is told even where a receipt was written: nobody has seen the run's last word.
        yield from (_cut_off(one) for one in items if one.expected or (one.changed and not one.done))
        if whole := [one.container for one in items if one.done and not one.noted and not one.expected]:
            text = f"Run {run_id} was cut off when it had changed {', '.join(whole)}, and no receipt tells of that."
            yield _warning(text)


def failed_findings(failed: Sequence[CutOff], effects: Sequence[Effect]) -> Iterator[Finding]:
    """Say what the last run may have left behind where it failed, but where this plan says the same once more."""
    planned = {f"{effect.rule}: {effect.text}" for effect in effects}
    for item in (one for one in failed if one.expected):
        if not any(text in item.expected for text in planned):
            ended = "failed" if item.failed else "was stopped"
            yield Finding(
                code="REPL-W007",
                severity=Severity.WARNING,
                summary="An apply failed halfway",
                detail=f"Run {item.run_id} {ended} in {item.container}, and what is live need not show what it left."
                f" Its plan said: {item.expected}.",
                hint="look whether that has come about; to go on with that run apply its saved plan again, any other"
                " apply goes by what is live, and then this is not said any more",
            )


def _cut_off(item: CutOff) -> Finding:
    doubt = f" Whether its call {item.in_doubt} has happened is not known." if item.in_doubt else ""
    said = f" Its plan said: {item.expected}." if item.expected else ""
    named = f", which it was changing for {', '.join(item.replications)}" if item.replications else ""
    if item.done:
        return _warning(f"Run {item.run_id} was cut off when it had changed {item.container}.{said}")
    ended = "failed" if item.failed else "was cut off"
    return _warning(
        f"Run {item.run_id} {ended} in {item.container}{named}, and nobody saw how far it came.{doubt}{said}"
    )


def _warning(detail: str) -> Finding:
    return Finding(
        code="REPL-W004",
        severity=Severity.WARNING,
        summary="An apply was cut off",
        detail=detail,
        hint="look whether that has come about; to go on with that run apply its saved plan again, any other apply "
        "goes by what is live",
    )
