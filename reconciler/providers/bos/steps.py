"""The calls and waits that make one rule as desired, what they bring about, and why they cannot be. Pure.

A rule is written whole, by one PUT. Only an enabled rule that shall be disabled needs more: the service refuses that,
so it is deleted and created disabled. Source: BOS API, PutBucketReplication.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.change import Action, Change, ContainerDiff, Reason
from reconciler.model.finding import Finding, Severity
from reconciler.model.relationship import Relationship
from reconciler.model.step import Await, Call, Step, StepPlan
from reconciler.model.value import Json
from reconciler.providers.bos.check import RULES_MAX
from reconciler.providers.bos.convert import (
    EXCLUDE,
    bucket_of,
    copies_history,
    enabled,
    held_rule,
    part,
    read_rule,
    rule_body,
)
from reconciler.providers.bos.findings import found
from reconciler.providers.bos.predict import Rewrite, predicted, unprotected

__all__ = ["DELETE", "GONE", "PUT", "plan_steps"]

PUT, DELETE, GONE = "PutBucketReplication", "DeleteBucketReplication", "gone"
_GONE_DEADLINE_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class _Duties:
    """What an action comes to."""

    removes: bool = False
    writes: bool = False


_DUTIES = {
    Action.CREATE: _Duties(writes=True),
    Action.UPDATE: _Duties(writes=True),
    Action.ADOPT: _Duties(writes=True),
    Action.RESYNC: _Duties(writes=True),
    Action.REPLACE: _Duties(removes=True, writes=True),
    Action.DELETE: _Duties(removes=True),
    Action.NONE: _Duties(),
}


def plan_steps(diff: ContainerDiff) -> StepPlan:
    """Plan one rule. A container holds one, so that more than one change of it is two names for one rule."""
    change = diff.changes[0]
    duty = _DUTIES[change.action]
    if change.action is Action.ADOPT and not change.fields and change.replication not in diff.resend:
        duty = _Duties()
    if not duty.writes:
        return _removed(diff, change) if duty.removes else StepPlan(steps=())
    rewrite = _rewrite(diff, change)
    findings = tuple(_findings(diff, rewrite))
    if change.reason is Reason.COPY_OWED and not enabled(rewrite.after):
        return StepPlan(steps=(), findings=findings)
    steps: list[Step] = []
    if duty.removes or rewrite.disables:
        steps += _removal(diff, change)
    steps.append(_write(diff, rewrite))
    return StepPlan(steps=tuple(steps), effects=tuple(predicted(diff, rewrite)), findings=findings)


def _removed(diff: ContainerDiff, change: Change) -> StepPlan:
    return StepPlan(steps=tuple(_removal(diff, change)), effects=tuple(unprotected(change, held_rule(diff.state))))


def _rewrite(diff: ContainerDiff, change: Change) -> Rewrite:
    settings = change.desired.settings if change.desired else {}
    before = held_rule(diff.state)
    if before is None and change.observed_in not in (None, diff.container) and diff.observation and change.observed_in:
        # Made again under another id: what is not managed stays as it was.
        before = held_rule(diff.observation.container(change.observed_in))
    return Rewrite(change=change, before=before, after=rule_body(settings, before))


def _removal(diff: ContainerDiff, change: Change) -> Iterator[Step]:
    name = change.observed.identity if change.observed else diff.container.key
    place: dict[str, Json] = {"bucket": bucket_of(diff.container.scope_ref), "id": name}
    yield Call(
        id="delete",
        operation=DELETE,
        target=name,
        summary="delete the rule; copies stay",
        idempotent=True,
        body=place,
        leaves_absent=True,
    )
    yield Await(
        id="gone",
        condition=GONE,
        target=name,
        summary="wait until it is gone",
        deadline_s=_GONE_DEADLINE_S,
        params=place,
    )


def _write(diff: ContainerDiff, rewrite: Rewrite) -> Call:
    name, sends = rewrite.change.replication, copies_history(rewrite.after) and enabled(rewrite.after)
    state = "enabled" if enabled(rewrite.after) else "disabled"
    existing = ", and copy what is there already" if sends else ""
    return Call(
        id="put",
        operation=PUT,
        target=diff.container.key,
        summary=f"write the rule, {state}{existing}",
        idempotent=True,
        body={"bucket": bucket_of(diff.container.scope_ref), "id": diff.container.key, "rule": rewrite.after},
        copies=(name,) if sends and name in diff.resend else (),
    )


# What stands against it --------------------------------------------------------------------------------------------


def _findings(diff: ContainerDiff, rewrite: Rewrite) -> Iterator[Finding]:
    change, flow = rewrite.change, diff.flows.get(rewrite.change.replication)
    if rewrite.disables and flow is not None and flow.spec.protect:
        yield found("REPL-W315", change.replication, ("protect",))
    yield from _resend(diff, rewrite)
    yield from _unseen(change)
    yield from _neighbours(diff, rewrite)


def _resend(diff: ContainerDiff, rewrite: Rewrite) -> Iterator[Finding]:
    """Find what was asked to be sent again and would not be."""
    change = rewrite.change
    if change.replication not in diff.resend or change.action not in (Action.RESYNC, Action.UPDATE, Action.ADOPT):
        return
    asked = change.reason is Reason.RESYNC_REQUESTED
    if not enabled(rewrite.after):
        detail = f"{change.replication} is paused: rule {diff.container.key} is disabled."
        yield found("REPL-W311", change.replication, ("state",), detail, severity=None if asked else Severity.WARNING)
    elif not copies_history(rewrite.after):
        yield found("REPL-W312", change.replication, ("existing",))


def _unseen(change: Change) -> Iterator[Finding]:
    """Find exclusions that a write of the whole rule would remove, where nobody can tell whether there are any."""
    live, wanted = change.observed, change.desired
    managed = wanted is not None and "exclude" in part(wanted.settings, "filter")
    if live is not None and EXCLUDE in live.unreadable and not managed:
        detail = f"The service does not show what rule {live.identity} leaves out; written anew, it leaves out nothing."
        yield found("REPL-W310", change.replication, ("filter", "exclude"), detail)


def _neighbours(diff: ContainerDiff, rewrite: Rewrite) -> Iterator[Finding]:
    """Find live rules of the bucket that leave no room, or say the same."""
    change, gone = rewrite.change, {diff.container, rewrite.change.observed_in}
    others = [
        live
        for state in (diff.observation.containers if diff.observation else ())
        if state.ref not in gone
        for live in state.relationships
    ]
    bucket = bucket_of(diff.container.scope_ref)
    if diff.state is None and len(others) + diff.creations >= RULES_MAX:
        more = f", and this plan makes {diff.creations} before this one" if diff.creations else ""
        detail = f"{bucket} holds {len(others)} other rules{more}; BOS takes {RULES_MAX}."
        yield found("REPL-W313", change.replication, ("source", "bucket"), detail)
    content = _content(read_rule(bucket, rewrite.after))
    for live in others:
        if _content(live.settings) == content:
            yield _twin(change, live)


def _twin(change: Change, live: Relationship) -> Finding:
    detail = f"Rule {live.identity} says the same as {change.replication} would: BOS refuses the second."
    hint = (
        f"to go on with that rule under this name write `bos: {{id: {live.identity}}}`; else remove it first, in an"
        " apply of its own, or let them differ"
    )
    return found("REPL-W314", change.replication, ("bos", "id"), detail, hint=hint)


def _content(settings: Mapping[str, Json]) -> dict[str, Json]:
    own = {key: value for key, value in part(settings, "bos").items() if key != "id"}
    return {**settings, "bos": own}
