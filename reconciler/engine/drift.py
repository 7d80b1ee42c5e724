"""What a nightly look finds: live against the last receipt, and apart from it, manifests against the receipt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase

from reconciler import __version__
from reconciler.engine.changes import Inputs, flow_title
from reconciler.engine.check import Checked, placed
from reconciler.engine.diff import as_known, differences, left_to_receipts
from reconciler.engine.match import Desired, Found, match
from reconciler.engine.observe import World
from reconciler.engine.plan import desired_of, unread_findings
from reconciler.engine.unfinished import CutOff, cut_off_findings
from reconciler.errors import ProviderError
from reconciler.model.change import FieldChange
from reconciler.model.drift import DriftItem, DriftReport, DriftState
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import AcceptedDrift, State
from reconciler.model.observation import Health, HealthState, ScopeRef
from reconciler.model.receipt import ReceiptEntry, plain_name
from reconciler.model.relationship import Flow, Settings
from reconciler.model.units import format_seconds

__all__ = ["DEAD_AFTER", "find_drift"]

DEAD_AFTER = 3
"""Schedules without a success after which a replication counts as dead."""

_NO_APPLY = "There has been no apply with this state folder"


def find_drift(checked: Checked, world: World, inputs: Inputs, now: datetime) -> DriftReport:
    """Compare. Reads health of what is live; never writes. Without a receipt the manifests are the baseline."""
    wanted = {want.flow.name: want for want in desired_of(checked.flows, inputs)}
    readable = [want for want in wanted.values() if want.container.scope_ref in world.observations]
    pairs = match(readable, world, inputs.receipt, inputs.begun).pairs
    entries = inputs.receipt.replications if inputs.receipt else {}
    labels = {flow.name: flow.labels for flow in checked.flows}
    names = sorted(
        name for name in wanted.keys() | entries.keys() if inputs.selection.takes(name, labels.get(name, {}))
    )
    subjects = [
        _Subject(name, wanted.get(name), entries.get(name), _live(name, pairs.get(name), entries.get(name), world))
        for name in names
    ]
    heard = [_heard(subject, inputs, now) for subject in subjects]
    items = tuple(_item(subject, word, world, inputs, now) for subject, word in zip(subjects, heard, strict=True))
    unheard = [word.silence for word in heard if word.silence is not None]
    findings = [*checked.findings, *_world_findings(checked.flows, world, inputs), *unheard]
    findings += cut_off_findings(inputs.cut_off)
    if inputs.receipt is None and items:
        findings.append(_no_receipt(begun=bool(inputs.cut_off)))
    return DriftReport(
        tool_version=__version__,
        workspace=inputs.workspace.name,
        created_at=now,
        complete=not world.unread and not unheard,
        unread=tuple(sorted(world.unread, key=str)),
        items=items,
        findings=tuple(sorted(findings, key=lambda finding: finding.sort_key)),
    )


@dataclass(frozen=True, slots=True)
class _Subject:
    """One replication: as written, as recorded, as live; each may be missing."""

    name: str
    want: Desired | None
    entry: ReceiptEntry | None
    found: Found | None


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the provider says of one replication's health."""

    health: Health | None = None
    dead: str = ""
    """Why it counts as dead; empty if it does not."""
    silence: Finding | None = None
    """That it would not tell."""


def _item(subject: _Subject, heard: _Heard, world: World, inputs: Inputs, now: datetime) -> DriftItem:
    """Judge one replication."""
    name, want, entry, found = subject.name, subject.want, subject.entry, subject.found
    settings = want.relationship.settings if want else {}
    baseline = entry.relationship.settings if entry else settings
    moved = _moved(baseline, found, entry)
    pending = differences(baseline, settings) if want and entry else ()
    # Without any receipt nothing tells a new document from a vanished replication: say the worse.
    unknown = inputs.receipt is None and not inputs.cut_off
    missing = DriftState.VANISHED if (entry and not entry.gone) or unknown else DriftState.NEVER_APPLIED
    settings_of = inputs.workspace.settings
    state = (
        DriftState.UNKNOWN
        if _scope(want, entry) not in world.observations
        else _state(subject, moved, settings_of.accept_drift, now.date(), pending=bool(pending), missing=missing)
    )
    by = _half_made_by(name, inputs) if state in (DriftState.DRIFTED, DriftState.VANISHED) else None
    if by:
        state = DriftState.CUT_OFF
    elif state is DriftState.VANISHED and want is None:
        state = DriftState.IN_SYNC
    return DriftItem(
        replication=name,
        provider=want.flow.owner.name if want else entry.provider if entry else "",
        title=flow_title(want.flow) if want else entry.relationship.identity if entry else name,
        state=state,
        fields=moved,
        pending=pending,
        health=heard.health,
        dead=bool(heard.dead),
        detail=heard.dead or (_told(by, gone=found is None) if by else ""),
        where=inputs.workspace.locate("Replication", name) if want else None,
    )


def _half_made_by(name: str, inputs: Inputs) -> CutOff | None:
    """Return the run without an end that was changing a replication; the last of them."""
    runs = (one for one in inputs.begun if one.half_made and plain_name(name) in one.replications)
    return max(runs, key=lambda one: one.run_id, default=None)


def _told(run: CutOff, *, gone: bool) -> str:
    live = "it is not live, " if gone else ""
    return f"{live}run {run.run_id} was changing it and did not come to its end; apply again"


def _scope(want: Desired | None, entry: ReceiptEntry | None) -> ScopeRef | None:
    if want is not None:
        return want.container.scope_ref
    return entry.container.scope_ref if entry else None


def _state(
    subject: _Subject,
    moved: tuple[FieldChange, ...],
    accepted: Sequence[AcceptedDrift],
    today: date,
    *,
    pending: bool,
    missing: DriftState,
) -> DriftState:
    if subject.found is None:
        return missing
    if moved and all(_accepted(subject.name, field, accepted, today) for field in moved):
        return DriftState.ACCEPTED
    if moved:
        return DriftState.DRIFTED
    if pending or subject.want is None:
        return DriftState.PENDING
    return DriftState.IN_SYNC


def _moved(baseline: Settings, found: Found | None, entry: ReceiptEntry | None) -> tuple[FieldChange, ...]:
    if found is None:
        return ()
    sent = entry.relationship if entry and entry.container == found.container else None
    live, untold = as_known(found.relationship, sent), left_to_receipts(found.relationship, sent)
    return tuple(
        field.model_copy(update={"before": field.after, "after": field.before})
        for field in differences(live, baseline)
        if field.dotted not in untold
    )


def _accepted(name: str, field: FieldChange, accepted: Sequence[AcceptedDrift], today: date) -> bool:
    return any(
        entry.replication == name and entry.expires >= today and fnmatchcase(field.dotted, entry.path)
        for entry in accepted
    )


def _live(name: str, pair: Found | None, entry: ReceiptEntry | None, world: World) -> Found | None:
    """Return what is live of a replication: what its receipt tells of, even where it is wanted elsewhere by now."""
    known = pair is not None and pair.recorded_as == name
    return pair if known else _recorded(entry, world) or pair


def _recorded(entry: ReceiptEntry | None, world: World) -> Found | None:
    if entry is None:
        return None
    observation = world.observations.get(entry.container.scope_ref)
    for state in observation.containers if observation else ():
        for live in state.relationships:
            noted = entry.relationship
            same = live.provider_id == noted.provider_id if noted.provider_id else live.identity == noted.identity
            if same:
                return Found(container=state.ref, relationship=live, recorded_as="")
    return None


def _heard(subject: _Subject, inputs: Inputs, now: datetime) -> _Heard:
    """Ask the provider; judge whether the flow is dead."""
    want, found = subject.want, subject.found
    if want is None or found is None:
        return _Heard()
    try:
        health = inputs.connections.provider(want.flow.owner.name).health(found.relationship)
    except ProviderError as error:
        silence = None if want.flow.spec.state is State.PAUSED else _unheard(want.flow, inputs, error)
        return _Heard(Health(state=HealthState.UNKNOWN, detail=str(error)), silence=silence)
    return _Heard(health, dead=_why_dead(want.flow, health, now))


def _why_dead(flow: Flow, health: Health, now: datetime) -> str:
    if flow.spec.state is State.PAUSED or health.state is HealthState.PAUSED:
        return ""
    if health.state is HealthState.FAILED:
        return f"failed: {health.detail}"
    schedule, last = flow.spec.schedule, health.last_success_at
    if schedule is None or last is None or now - last <= timedelta(seconds=DEAD_AFTER * schedule.every):
        return ""
    since = last.isoformat(timespec="seconds")
    return f"no success since {since}, though it shall run every {format_seconds(schedule.every)}"


def _world_findings(flows: Sequence[Flow], world: World, inputs: Inputs) -> list[Finding]:
    """Say what is wrong with the ends of each flow: a suspended versioning stops copying without a word."""
    found: list[Finding] = []
    for flow in flows:
        if inputs.selection.takes(flow.name, flow.labels):
            judged = inputs.connections.provider(flow.owner.name).preflight(flow, *world.ends(flow))
            found += (placed(inputs.workspace, finding) for finding in judged)
    return [*found, *unread_findings(world)]


def _unheard(flow: Flow, inputs: Inputs, error: ProviderError) -> Finding:
    """Say that nobody knows whether a flow is dead. It has no `replication`: the flow itself may well work."""
    return Finding(
        code="REPL-W001",
        severity=Severity.ERROR,
        summary="Could not be read",
        detail=f"health of {flow.name}, so that nobody knows whether it is dead: {error}",
        hint=error.hint,
        provider=flow.owner.name,
        where=inputs.workspace.locate("Replication", flow.name),
    )


def _no_receipt(*, begun: bool) -> Finding:
    ended = "No apply with this state folder has come to its end" if begun else _NO_APPLY
    return Finding(
        code="REPL-W002",
        severity=Severity.WARNING,
        summary="No receipt",
        detail=f"{ended}, so live is compared with the manifests themselves.",
        hint="run drift where `.repl/receipt.json` of the last apply is at hand: then drift is told from pending",
    )
