"""From the changes of one bucket to the calls that make them, with what follows from it. Pure.

A replication gets a target of its workspace's own, shared by all of them that go to the same place with the same key.
Targets of others are never used for it, however alike: nobody knows their secret, and who made them may change them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.model.change import Action, Change, ContainerDiff
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import State
from reconciler.model.step import StepPlan
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.calls import put_calls, resync_call
from reconciler.providers.alarik.convert import MOST, Replication, Rule, Target
from reconciler.providers.alarik.findings import found
from reconciler.providers.alarik.identity import is_chosen, rule_id
from reconciler.providers.alarik.order import Aim, writes
from reconciler.providers.alarik.places import made_by, placed
from reconciler.providers.alarik.predict import Edit, Surroundings, predicted

__all__ = ["plan_steps"]

_GENERATIONS = 16
"""How many generations before and after are looked for."""
_SOURCE = ("spec", "source", "bucket")


def plan_steps(diff: ContainerDiff, bucket: str, workspace: str) -> StepPlan:
    """Plan the fewest writes for a bucket, however many of its rules change, then one resync for each that asks."""
    live = convert.read_document(diff.state.document if diff.state else None)
    if broken := tuple(_broken(diff, live, bucket)):
        return StepPlan(steps=(), findings=broken)
    work = _Work.of(diff, live, bucket, workspace)
    findings = tuple(work.findings())
    resent = frozenset(work.resent())
    effects = predicted(work.edits, work.surroundings(), resent, diff)
    order = writes(live, work.aim)
    if order is None and not any(one.severity is Severity.ERROR for one in findings):
        findings += (found("REPL-W418", work.edits[0].name, _SOURCE, f"{bucket} has {len(live.targets)} targets."),)
    if any(one.severity is Severity.ERROR for one in findings):
        return StepPlan(steps=(), effects=effects, findings=findings)
    resyncs = (resync_call(edit.name, bucket, edit.after) for edit in work.edits if edit.name in resent and edit.after)
    return StepPlan(steps=(*put_calls(live, bucket, order or ()), *resyncs), effects=effects, findings=findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is there, and what is to become of it."""

    diff: ContainerDiff
    live: Replication
    bucket: str
    edits: tuple[Edit, ...]
    aim: Aim
    dropped: tuple[Rule, ...] = field(default=())

    @classmethod
    def of(cls, diff: ContainerDiff, live: Replication, bucket: str, workspace: str) -> "_Work":
        edits = placed([_edit(change, diff, live) for change in diff.changes], live, workspace)
        sent = {one.id: one for edit in edits if (one := _sent(edit, live)) is not None}
        rules, dropped = _rules(edits, live, sent)
        leaving = _leaving(edits, live, rules, sent, workspace) if sent or rules != live.rules else frozenset()
        aim = Aim(
            rules=rules,
            sent=sent,
            leaving=leaving,
            removed=frozenset(
                [edit.before.id for edit in edits if edit.before and edit.after is None] + [one.id for one in dropped]
            ),
            successors={e.before.id: e.after.id for e in edits if e.before and e.after and e.renamed},
        )
        return cls(diff=diff, live=live, bucket=bucket, edits=edits, aim=aim, dropped=dropped)

    @property
    def targets(self) -> int:
        """How many targets there will be."""
        known = {one.id for one in self.live.targets}
        return len((known - self.aim.leaving) | self.aim.sent.keys())

    def others(self, target: str) -> tuple[str, ...]:
        """Return the rules that use a target and that no change is about."""
        own = {edit.before.id for edit in self.edits if edit.before}
        return tuple(rule.id for rule in self.live.rules if rule.target_id == target and rule.id not in own)

    def surroundings(self) -> Surroundings:
        left = {
            e.before.target_id
            for e in self.edits
            if e.before and (not e.after or e.after.target_id != e.before.target_id)
        }
        used = {edit.after.target_id for edit in self.edits if edit.after}
        kept = [(one, self.others(one.id)) for one in self.live.targets if one.id in left - used and is_chosen(one.id)]
        return Surroundings(dropped=self.dropped, kept=tuple(item for item in kept if item[1]))

    def resent(self) -> Iterator[str]:
        """Yield the replications whose existing data a resync sends."""
        for edit in self.edits:
            asked = edit.name in self.diff.resend and edit.works and edit.after is not None and edit.after.existing
            if asked or edit.sends_existing:
                yield edit.name

    # What stands in the way, and what is worth knowing ---------------------------------------------------------

    def findings(self) -> Iterator[Finding]:
        for edit in self.edits:
            yield from self._resync(edit)
            yield from self._earlier(edit)
        yield from self._limits()
        for target in self.aim.sent.values():
            yield from self._shared(target)
            yield from self._foreign(target)

    def _resync(self, edit: Edit) -> Iterator[Finding]:
        if edit.name not in self.diff.resend or edit.after is None:
            return
        name, path = edit.name, ("spec", "existing")
        alone = edit.change.action is Action.RESYNC
        if not edit.works:
            state = "The replication is paused" if not edit.after.enabled else "The rule's target is disabled"
            severity = Severity.ERROR if alone else Severity.WARNING
            yield found("REPL-W416", name, ("spec", "state"), f"{state}: the server refuses.", severity=severity)
        elif not edit.after.existing:
            yield found(
                "REPL-W415", name, path, f"Rule {edit.after.id} has `existing: ignore`: the server refuses to send."
            )

    def _earlier(self, edit: Edit) -> Iterator[Finding]:
        flow = edit.flow
        if flow is None or edit.before is not None or convert.options_of(flow).id is not None:
            return
        now = convert.options_of(flow).generation or 1
        near = (n for n in range(max(1, now - _GENERATIONS), now + _GENERATIONS + 1) if n != now)
        ids = {rule_id(flow.workspace, flow.name, number): number for number in near}
        own = {other.before.id for other in self.edits if other.before}
        for rule in self.live.rules:
            if rule.id in ids and rule.id not in own:
                detail = f"Rule {rule.id} is generation {ids[rule.id]} of {flow.name}, and no receipt tells of it."
                yield found("REPL-W414", edit.name, ("spec", "alarik", "generation"), detail)

    def _limits(self) -> Iterator[Finding]:
        grown = [edit for edit in self.edits if edit.after and (not edit.before or edit.old is not edit.new)]
        places = (
            ("REPL-W410", len(self.aim.rules), "rules", [edit for edit in grown if edit.before is None]),
            ("REPL-W411", self.targets, "targets", grown),
        )
        for code, number, what, causes in places:
            if number > MOST:
                for edit in causes or self.edits[:1]:
                    detail = f"{self.bucket} would have {number} {what}, its limit is {MOST}."
                    yield found(code, edit.name, _SOURCE, detail)

    def _shared(self, target: Target) -> Iterator[Finding]:
        users, now = self.others(target.id), self.live.target(target.id)
        if now is None or not users or now.enabled:
            return
        name = next(edit.name for edit in self.edits if edit.new is not None and edit.new.id == target.id)
        before = f"{now.bucket} at {now.endpoint}, disabled"
        detail = f"Target {target.id} ({before}) is enabled; {', '.join(users)} will copy to {target.bucket} too."
        yield found("REPL-W417", name, ("spec", "destination"), detail)

    def _foreign(self, target: Target) -> Iterator[Finding]:
        if self.live.target(target.id) is not None:
            return
        name = next(edit.name for edit in self.edits if edit.new is not None and edit.new.id == target.id)
        for other in self.live.targets:
            same = (other.endpoint, other.bucket) == (target.endpoint, target.bucket)
            if same and not is_chosen(other.id):
                yield found("REPL-W420", name, ("spec", "destination"), f"Target {other.id} leads to {other.bucket}.")


# What becomes of each rule and target ------------------------------------------------------------------------------


def _broken(diff: ContainerDiff, live: Replication, bucket: str) -> Iterator[Finding]:
    """Yield why nothing can be written at all."""
    first = diff.changes[0].replication
    if twice := convert.duplicates(live):
        yield found("REPL-W412", first, _SOURCE, f"{bucket} has {', '.join(twice)} more than once.")
        return
    for change in diff.changes:
        if change.observed is not None and live.rule(change.observed.identity) is None:
            detail = f"{change.title} is to be changed, but rule {change.observed.identity} was not read."
            yield found("REPL-W419", change.replication, _SOURCE, detail)


def _edit(change: Change, diff: ContainerDiff, live: Replication) -> Edit:
    flow = diff.flows.get(change.replication)
    before = live.rule(change.observed.identity) if change.observed else None
    old = live.target(before.target_id) if before else None
    if change.action is Action.RESYNC:
        return Edit(change=change, flow=flow, before=before, after=before, old=old, new=old)
    if flow is None or change.desired is None:
        return Edit(change=change, flow=None, before=before, after=None, old=old, new=None)
    rotated = any(item.path[:2] == ("alarik", "credentials") for item in change.fields)
    want = convert.desired_target(flow)
    fits = old is not None and old.leads_like(want) and (old.enabled or flow.spec.state is not State.ACTIVE)
    new = old if old is not None and fits and not rotated else want
    dangling = before is not None and old is None
    after = convert.desired_rule(flow, new.id, before, dangling=dangling)
    return Edit(change=change, flow=flow, before=before, after=after, old=old, new=new, rotated=rotated)


def _sent(edit: Edit, live: Replication) -> Target | None:
    """Return the target that must be written for an edit, with its secret; None if what is there will do.

    A target of ours that no rule uses is left from an earlier run, and nobody knows whether its secret still holds.
    """
    new = edit.new
    if edit.after is None or new is None or new is edit.old:
        return None
    there = live.target(new.id)
    in_use = any(rule.target_id == new.id for rule in live.rules)
    good = there is not None and there.leads_like(new) and there.enabled and in_use and not edit.rotated
    return None if good else new


def _rules(
    edits: Sequence[Edit], live: Replication, sent: dict[str, Target]
) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Return the list of rules as it shall be, and the dead rules of others that cannot be in it."""
    changed = {edit.before.id: edit.after for edit in edits if edit.before}
    added = tuple(edit.after for edit in edits if edit.before is None and edit.after)
    after = [changed.get(rule.id, rule) for rule in live.rules]
    if not added and after == list(live.rules):
        return live.rules, ()
    known = {one.id for one in live.targets} | sent.keys()
    dropped = tuple(rule for rule in live.rules if rule.id not in changed and rule.target_id not in known)
    return (*(rule for rule in after if rule is not None and rule not in dropped), *added), dropped


def _leaving(
    edits: Sequence[Edit], live: Replication, rules: Sequence[Rule], sent: dict[str, Target], workspace: str
) -> frozenset[str]:
    """Return the targets of ours that nothing needs any more: those that a change leaves, and those left over."""
    left = {edit.before.target_id for edit in edits if edit.before}
    needed = {rule.target_id for rule in rules} | sent.keys()
    return frozenset(
        one.id
        for one in live.targets
        if one.id not in needed and is_chosen(one.id) and (one.id in left or made_by(workspace, one))
    )
