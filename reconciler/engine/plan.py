"""From what is written and what was read to the plan. Pure but for the clock that dates it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler import __version__
from reconciler.engine.changes import Inputs, changes
from reconciler.engine.check import Checked, placed
from reconciler.engine.diff import settings_listed, unknown_paths
from reconciler.engine.guard import approve, check_emptied, check_expired_approvals, check_protection
from reconciler.engine.match import Desired, Matched, Recorded, match
from reconciler.engine.observe import World
from reconciler.engine.policy import check_guards
from reconciler.engine.removal import removal_of, returning, returning_finding, shared_findings, spared
from reconciler.engine.unfinished import cut_off_findings, failed_findings
from reconciler.model.change import Action, Change, ContainerDiff
from reconciler.model.finding import Finding, Severity
from reconciler.model.observation import ContainerRef, ScopeRef
from reconciler.model.plan import ContainerPlan, Plan, PlanOptions, Read, Summary, Unmanaged
from reconciler.model.receipt import ReceiptEntry
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.step import Effect, Step, StepPlan

__all__ = ["desired_of", "make_plan", "unread_findings"]


def desired_of(flows: Iterable[Flow], inputs: Inputs) -> tuple[Desired, ...]:
    """Put every flow into normal form."""
    made = []
    for flow in flows:
        provider = inputs.connections.provider(flow.owner.name)
        made.append(Desired(flow=flow, container=provider.container(flow), relationship=provider.normalise(flow)))
    return tuple(made)


def make_plan(checked: Checked, world: World, inputs: Inputs, options: PlanOptions, now: datetime) -> Plan:
    """Lay desired over observed and plan every call. What could not be read is left alone and said."""
    flows = {flow.name: flow for flow in checked.flows}
    wanted = desired_of(checked.flows, inputs)
    readable = [want for want in wanted if want.container.scope_ref in world.observations]
    matched = match(readable, world, inputs.receipt, inputs.begun, wanted)
    made = spared(changes(readable, matched, inputs), wanted)
    made, revived = _with_returning(made, wanted, flows, world, inputs)
    containers, effects, found = _containers(made, readable, flows, world, inputs)
    effects = approve(effects, flows, options.allow, now.date())
    findings = [
        *checked.findings,
        *(placed(inputs.workspace, finding) for finding in _world_findings(made, flows, world, inputs)),
        *(placed(inputs.workspace, finding) for finding in found),
        *(placed(inputs.workspace, finding) for finding in shared_findings(matched, wanted, inputs)),
        *revived,
        *(placed(inputs.workspace, f) for f in check_expired_approvals(flows.values(), now.date())),
        *(placed(inputs.workspace, f) for f in check_protection(made, flows, inputs.receipt)),
        *cut_off_findings(inputs.cut_off),
        *failed_findings(inputs.failed, effects),
        *check_emptied(inputs.workspace, inputs.receipt, inputs.selection),
        *(placed(inputs.workspace, f) for f in check_guards(inputs.workspace.policies.values(), made, effects)),
    ]
    unmanaged = _unmanaged(matched, made)
    complete = not world.unread
    summary = _summary(made, containers, effects, unmanaged)
    blocked = bool(summary.blocked) or any(f.severity is Severity.ERROR for f in findings)
    plan = Plan(
        tool_version=__version__,
        workspace=inputs.workspace.name,
        created_at=now,
        expires_at=now + timedelta(seconds=inputs.workspace.settings.plan_expiry),
        files=inputs.workspace.files,
        variables=inputs.workspace.variables,
        options=options,
        complete=complete,
        applyable=complete and not blocked and bool(summary.changes),
        scopes=tuple(sorted(world.observations, key=str)),
        unread=tuple(sorted(world.unread, key=str)),
        after_run=inputs.receipt.run_id if inputs.receipt else None,
        changes=made,
        containers=containers,
        effects=effects,
        findings=tuple(sorted(findings, key=lambda finding: finding.sort_key)),
        unmanaged=unmanaged,
        summary=summary,
    )
    return plan.sealed()


def _with_returning(
    made: tuple[Change, ...],
    wanted: Sequence[Desired],
    flows: dict[str, Flow],
    world: World,
    inputs: Inputs,
) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """Add the removal of what was removed once, is not live, and would be with what is planned. Without pruning that is
    said instead."""
    if inputs.receipt is None or inputs.receipt.replications.keys() <= flows.keys():
        return made, ()
    found = []
    for ref, group in _groups(made).items():
        diff = _diff(group, made, flows, world, inputs)
        revives = inputs.connections.provider(ref.provider).steps(diff).revives
        found += list(returning(ref, revives, wanted, inputs))
    if not inputs.prune:
        return made, tuple(placed(inputs.workspace, returning_finding(one)) for one in found)
    more = (removal_of(one, inputs, number) for number, one in enumerate(found, start=len(made) + 1))
    return (*made, *more), ()


def _groups(made: Sequence[Change]) -> dict[ContainerRef, list[Change]]:
    """Return what changes, by container."""
    groups: dict[ContainerRef, list[Change]] = defaultdict(list)
    for change in made:
        if change.action is not Action.NONE:
            groups[change.container].append(change)
    return groups


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    container: ContainerPlan
    answer: StepPlan


def _containers(
    made: Sequence[Change], readable: Sequence[Desired], flows: dict[str, Flow], world: World, inputs: Inputs
) -> tuple[tuple[ContainerPlan, ...], tuple[Effect, ...], tuple[Finding, ...]]:
    groups = _groups(made)
    wanted: dict[ContainerRef, list[Desired]] = defaultdict(list)
    for want in readable:
        wanted[want.container].append(want)
    chosen = {change.replication for change in made}
    planned = []
    created: Counter[ScopeRef] = Counter()
    for number, (ref, group) in enumerate(groups.items(), start=1):
        diff = replace(_diff(group, made, flows, world, inputs), creations=created[ref.scope_ref])
        answer = inputs.connections.provider(ref.provider).steps(diff)
        created[ref.scope_ref] += all(change.action is Action.CREATE for change in group) and diff.state is None
        desired = [_standing(want, made) for want in wanted[ref] if want.flow.name in chosen]
        planned.append(_Planned(answer=answer, container=_container(number, group, desired, answer, world)))
    return (
        tuple(item.container for item in planned),
        tuple(effect for item in planned for effect in item.answer.effects),
        tuple(finding for item in planned for finding in item.answer.findings),
    )


def _diff(
    group: Sequence[Change], made: Sequence[Change], flows: dict[str, Flow], world: World, inputs: Inputs
) -> ContainerDiff:
    ref = group[0].container
    named = {change.replication: flows[change.replication] for change in group if change.replication in flows}
    resend = frozenset(name for name, flow in named.items() if inputs.resends(flow))
    return ContainerDiff(
        container=ref,
        state=world.observations[ref.scope_ref].container(ref, _strangers(group)),
        changes=tuple(sorted(group, key=lambda change: change.replication)),
        flows=named,
        facts={name: world.ends(flow) for name, flow in named.items()},
        beside=tuple(
            (change, flows[change.replication])
            for change in made
            if change.action is Action.NONE and change.container == ref and change.replication in flows
        ),
        resend=resend,
        owed=resend & inputs.owed,
        observation=world.observations[ref.scope_ref],
    )


def _container(
    number: int, group: Sequence[Change], desired: Sequence[Relationship], answer: StepPlan, world: World
) -> ContainerPlan:
    ref = group[0].container
    refused = any(finding.severity is Severity.ERROR for finding in answer.findings)
    strangers = _strangers(group)
    gone = _gone(group)
    touched = [ref, *(change.observed_in for change in group if change.observed_in not in (None, ref))]
    return ContainerPlan(
        container=ref,
        changes=tuple(change.id for change in group),
        reads=tuple(
            Read(container=one, fingerprint=world.observations[one.scope_ref].fingerprint(one, strangers))
            for one in touched
            if one
        ),
        steps=() if refused else tuple(_numbered(number, step) for step in answer.steps),
        desired=tuple(desired),
        gone=tuple(one.identity for one in gone),
        gone_ids={one.identity: one.provider_id for one in gone if one.provider_id is not None},
        strangers=strangers,
        shares=answer.shares,
        level=1 if all(change.action is Action.DELETE for change in group) else 0,
    )


def _standing(want: Desired, made: Sequence[Change]) -> Relationship:
    """Return what is desired, with the server's id of what stands for it now."""
    observed = (change.observed for change in made if change.replication == want.flow.name and change.desired)
    number = next((one.provider_id for one in observed if one is not None), None)
    return want.relationship.model_copy(update={"provider_id": number})


def _strangers(group: Sequence[Change]) -> tuple[str, ...]:
    return tuple(sorted({number for change in group for number in change.strangers}))


def _gone(group: Sequence[Change]) -> list[Relationship]:
    """Return what a deletion or a replacement under another identity must leave behind nowhere."""
    return [
        change.observed
        for change in group
        if change.observed and (change.desired is None or change.desired.identity != change.observed.identity)
    ]


def _numbered(number: int, step: Step) -> Step:
    return step.model_copy(update={"id": f"s{number}/{step.id}"})


def _world_findings(made: Sequence[Change], flows: dict[str, Flow], world: World, inputs: Inputs) -> list[Finding]:
    found: list[Finding] = []
    entries = inputs.receipt.replications if inputs.receipt else {}
    recorded = Recorded(entries)
    for change in made:
        if (flow := flows.get(change.replication)) is not None:
            found += inputs.connections.provider(flow.owner.name).preflight(flow, *world.ends(flow))
        found += _unknown(change, entries, recorded)
    return [*found, *unread_findings(world)]


def _unknown(change: Change, entries: Mapping[str, ReceiptEntry], recorded: Recorded) -> Iterator[Finding]:
    """Say what is taken to be as written only because nothing shows otherwise. A write would make it certain."""
    if change.action is not Action.NONE or change.observed is None or change.desired is None:
        return
    # Its name may be new, or have been another one's: what was sent is known by what is live.
    place = change.observed_in or change.container
    entry = entries.get(recorded.name(place.scope_ref, change.observed) or change.replication)
    sent = entry.relationship if entry and entry.container == change.observed_in else None
    managed = {field.dotted: field for field in settings_listed(change.desired.settings)}
    for dotted in unknown_paths(change.observed, sent):
        if dotted in managed:
            yield Finding(
                code="REPL-W003",
                severity=Severity.INFO,
                summary="A setting is not shown",
                detail=f"{change.provider} does not show `{dotted}` of {change.observed.identity}, and no receipt says "
                "that it was sent: it is taken for not set.",
                hint="look at it in the provider's console; a change of any other setting writes this one, too",
                replication=change.replication,
                path=("spec", *managed[dotted].path),
            )


def unread_findings(world: World) -> list[Finding]:
    """Say of each scope that could not be read why, as an error."""
    return [
        Finding(
            code="REPL-W001",
            severity=Severity.ERROR,
            summary="Could not be read",
            detail=f"{scope}: {error}",
            hint=error.hint or "nothing in this scope is planned; mend the access, or leave it out with --exclude",
            provider=scope.provider,
        )
        for scope, error in world.unread.items()
    ]


def _unmanaged(matched: Matched, made: Sequence[Change]) -> tuple[Unmanaged, ...]:
    deleted = {(c.container, c.observed.identity) for c in made if c.action is Action.DELETE and c.observed}
    return tuple(
        Unmanaged(container=item.container, identity=item.relationship.identity, ours=item.ours)
        for item in matched.rest
        if (item.container, item.relationship.identity) not in deleted
    )


def _summary(
    made: Sequence[Change],
    containers: Sequence[ContainerPlan],
    effects: Sequence[Effect],
    unmanaged: Sequence[Unmanaged],
) -> Summary:
    counts = {action.value: sum(change.action is action for change in made) for action in Action}
    return Summary(
        **counts,
        calls=sum(len(container.calls) for container in containers),
        blocked=sum(effect.blocks and effect.allowed_by is None for effect in effects),
        unmanaged=len(unmanaged),
    )
