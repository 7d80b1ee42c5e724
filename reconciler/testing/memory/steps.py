"""The fewest calls that make one container as desired, for both grains. Pure."""

from copy import deepcopy
from typing import Any

from reconciler.model.change import Action, Change, ContainerDiff
from reconciler.model.manifest import Existing, State
from reconciler.model.relationship import Relationship
from reconciler.model.step import Await, Call, Effect, EffectRule, Estimate, Ref, Step, StepPlan
from reconciler.testing.memory.config import REPLACE, RESYNC, UNPROTECTED
from reconciler.testing.memory.records import DEFAULTS

__all__ = ["merged", "one_relationship", "whole_container"]

_NEW = (Action.CREATE, Action.REPLACE)
_JOB_LIMIT_S = 3600
_UNKNOWN = Estimate(basis="unknown: the reference provider does not count")


def merged(live: Any, desired: Any) -> Any:
    """Lay desired settings over what is live: what is not managed stays. `filter` parts are replaced as a whole."""
    if not isinstance(live, dict) or not isinstance(desired, dict):
        return deepcopy(desired)
    whole = {"exclude", "tags"}
    return live | {
        key: deepcopy(value) if key in whole else merged(live.get(key), value) for key, value in desired.items()
    }


def whole_container(diff: ContainerDiff) -> StepPlan:
    """Write a bucket's rules once; twice if a rule has to be gone in between; remove them all if none is left."""
    held: dict[str, Any] = dict(diff.state.document) if diff.state and isinstance(diff.state.document, dict) else {}
    bucket = diff.container.key.removeprefix("bucket/")
    wanted, without = dict(held), dict(held)
    for change in diff.changes:
        identity, action = _relationship(change).identity, change.action
        if action is Action.DELETE:
            wanted.pop(identity, None)
            without.pop(identity, None)
        elif change.desired is not None and action is not Action.RESYNC:
            live = held.get(identity, DEFAULTS)
            wanted[identity] = merged(live, change.desired.settings) | _tokens(change.desired)
            if action is Action.REPLACE:
                without.pop(identity, None)
    mine = {_relationship(change).identity for change in diff.changes}
    foreign = tuple(sorted(held.keys() - mine))
    steps: list[Step] = []
    if any(change.action is Action.REPLACE for change in diff.changes):
        steps.append(_rules_call("clear", bucket, without, foreign))
    if any(change.action is not Action.RESYNC for change in diff.changes):
        steps.append(_rules_call("put", bucket, wanted, foreign))
    for change in diff.changes:
        if _sends_all(change, diff):
            body = {"id": _relationship(change).identity, "bucket": bucket}
            steps.append(_start_call(f"resync-{change.replication}", str(diff.container.key), body, change.replication))
    return StepPlan(steps=tuple(steps), effects=_effects(diff))


def one_relationship(diff: ContainerDiff, *, continuous: bool) -> StepPlan:
    """Create, change or remove one relationship; removing waits for its job to end first."""
    held: dict[str, Any] = dict(diff.state.document) if diff.state and isinstance(diff.state.document, dict) else {}
    steps: list[Step] = []
    for change in sorted(diff.changes, key=lambda change: change.action is not Action.DELETE):
        prefix = "" if len(diff.changes) == 1 else f"{change.id}-"
        steps += _change_one(prefix, diff.container.key, change, held, continuous=continuous)
        # Creating a job system's relationship runs the first job: sending everything is done by that.
        if _sends_all(change, diff) and (continuous or change.action not in _NEW):
            live = change.observed.provider_id if change.observed else None
            created: Any = Ref(step=f"{prefix}create", field="id").marked() if change.action in _NEW else live
            steps.append(_start_call(f"{prefix}resync", diff.container.key, {"id": created}, change.replication))
    return StepPlan(steps=tuple(steps), effects=_effects(diff))


def _change_one(prefix: str, target: str, change: Change, held: dict[str, Any], *, continuous: bool) -> list[Step]:
    action, live, desired = change.action, change.observed, change.desired
    steps: list[Step] = []
    body: dict[str, Any] = {"id": live.provider_id if live else None}
    if action in (Action.DELETE, Action.REPLACE) and live is not None:
        steps += _removal(prefix, target, body, continuous=continuous)
    if desired is None or action is Action.RESYNC:
        return steps
    base = held.get(body["id"] or "", live.settings if live else DEFAULTS)
    document = merged(base, desired.settings) | _tokens(desired)
    if action in _NEW:
        summary = "create the relationship" + ("" if continuous else ", which starts a job")
        call = Call(
            id=f"{prefix}create", operation="create-relationship", target=target, summary=summary,
            idempotent=False, body={"document": document},
        )  # fmt: skip
    else:
        call = Call(
            id=f"{prefix}update", operation="update-relationship", target=target, summary="change it in place",
            idempotent=True, body=body | {"document": document},
        )  # fmt: skip
    return [*steps, call]


def _relationship(change: Change) -> Relationship:
    found = change.desired or change.observed
    if found is None:
        raise ValueError(f"change {change.id} has neither a desired nor an observed relationship")
    return found


def _tokens(desired: Relationship) -> dict[str, Any]:
    ref = desired.write_only.get("memory.token")
    return {} if ref is None else {"token": ref.marked()}


def _rules_call(step: str, bucket: str, rules: dict[str, Any], foreign: tuple[str, ...]) -> Call:
    kept = f" ({len(foreign)} foreign kept)" if foreign else ""
    if not rules:
        return Call(
            id=step, operation="delete-rules", target=f"bucket/{bucket}", summary="remove the last rule",
            idempotent=True, body={"bucket": bucket}, leaves_absent=True,
        )  # fmt: skip
    return Call(
        id=step, operation="put-rules", target=f"bucket/{bucket}", summary=f"write {len(rules)} rules{kept}",
        idempotent=True, body={"bucket": bucket, "rules": rules}, preserves=foreign,
    )  # fmt: skip


def _removal(prefix: str, target: str, body: Any, *, continuous: bool) -> list[Step]:
    remove = Call(
        id=f"{prefix}delete", operation="delete-relationship", target=target, summary="delete the relationship",
        idempotent=True, body=body, leaves_absent=True,
    )  # fmt: skip
    if continuous:
        return [remove]
    abort = Call(
        id=f"{prefix}abort", operation="abort-job", target=target, summary="end its job", idempotent=True, body=body
    )
    idle = Await(
        id=f"{prefix}idle", condition="idle", target=target, summary="until no job runs",
        deadline_s=_JOB_LIMIT_S, params=body,
    )  # fmt: skip
    return [abort, idle, remove]


def _start_call(step: str, target: str, body: Any, name: str) -> Call:
    return Call(
        id=step, operation="start", target=target, summary="send everything again", idempotent=False, body=body,
        copies=(name,),
    )  # fmt: skip


def _sends_all(change: Change, diff: ContainerDiff) -> bool:
    action, flow = change.action, diff.flows.get(change.replication)
    if action is Action.RESYNC:
        return True
    if change.replication in diff.resend and action is not Action.DELETE:
        return True
    # What was paused may have been so from the beginning, and nothing took up what was written meanwhile.
    begins = action in _NEW or any(
        field.path[0] == "destination" or (field.path[0] == "state" and field.before == "paused")
        for field in change.fields
    )
    if action is Action.DELETE or flow is None or not begins:
        return False
    return flow.spec.existing is Existing.COPY and flow.spec.state is not State.PAUSED


def _effects(diff: ContainerDiff) -> tuple[Effect, ...]:
    found: list[tuple[EffectRule, Change, str, Estimate | None]] = []
    for change in diff.changes:
        action = change.action
        pauses = any(field.path == ("state",) and field.after == "paused" for field in change.fields)
        if action is Action.REPLACE:
            fields = ", ".join(field.dotted for field in change.fields if field.forces_replace)
            found.append((REPLACE, change, f"replaced because of {fields or 'its settings'}", _UNKNOWN))
        elif action is Action.DELETE:
            found.append((UNPROTECTED, change, "deleted: nothing is copied any more", None))
        elif pauses and action is not Action.CREATE:
            found.append((UNPROTECTED, change, "paused: nothing is copied meanwhile", None))
        if _sends_all(change, diff):
            found.append((RESYNC, change, "everything at the source is sent again", _UNKNOWN))
    return tuple(Effect.of(rule, change.replication, text, estimate) for rule, change, text, estimate in found)
