"""The plan as people read it: what differs, what will be sent, what that leads to, and what to do next."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime

from reconciler.model.finding import Severity
from reconciler.model.plan import Plan, Unmanaged
from reconciler.model.step import Effect, Step
from reconciler.model.units import format_bytes
from reconciler.report.change import change_lines
from reconciler.report.findings import finding_lines
from reconciler.report.group import Group, grouped
from reconciler.report.line import Span, count, joined, text_of, wrap
from reconciler.report.moment import from_now, moment
from reconciler.report.step import effect_lines, step_lines
from reconciler.report.style import Style, Tone
from reconciler.report.unread import unread_lines

__all__ = ["plan_text"]

_UNREAD = "REPL-W001"
"""The finding that says why a scope could not be read."""

_NAMED = 3
"""How many unmanaged relationships are named before the rest is only counted."""


def plan_text(
    plan: Plan,
    style: Style,
    *,
    now: datetime | None = None,
    saved_as: str | None = None,
    verbose: bool = False,
    next_command: bool = True,
    arguments: Sequence[str] = (),
) -> str:
    """Write a plan: what could not be read first, then each change with its calls and effects, then the sums.

    Args:
        now: to say how long the plan is good for; without it only the date is given.
        saved_as: the file that it was written to, for the next command.
        verbose: nothing shortened; calls with their bodies, secrets as references.
        next_command: whether to say how to go on.
        arguments: what `repl apply` must be given to find the same workspace and to make the same plan.
    """
    sections = [
        [*unread_lines(plan.unread, len(plan.scopes), "This plan is incomplete and cannot be applied.", style)],
        _header(plan, style),
        *_groups(plan, style, verbose=verbose),
        _loose(plan, style),
        _kept(plan, style, verbose=verbose),
        *_findings(plan, style, verbose=verbose),
        [
            *_summary(plan, style),
            *(_next(plan, style, now, saved_as, arguments) if next_command or plan.blocking else []),
        ],
    ]
    lines: list[str] = []
    for section in filter(None, sections):
        lines += ["", *section] if lines else section
    return text_of(lines)


def _header(plan: Plan, style: Style) -> list[str]:
    facts = [
        [Span("repl plan", Tone.BOLD)],
        [Span(f"workspace {plan.workspace}")],
        [Span(count(len(plan.files), "file"))],
        [Span(f"{count(len(plan.scopes), 'scope')} read")],
        [Span(moment(plan.created_at))],
    ]
    lines = wrap(joined(facts, f" {style.glyph('·')} "), style)
    asked = [
        *(f"--select {shlex.quote(part)}" for part in plan.options.select),
        *(f"--exclude {shlex.quote(part)}" for part in plan.options.exclude),
        *(["--prune"] if plan.options.prune else []),
        *(f"--allow {shlex.quote(part)}" for part in plan.options.allow),
    ]
    return lines + (wrap([Span(f"with {' '.join(asked)}", Tone.DIM)], style) if asked else [])


def _numbered(plan: Plan) -> dict[int, list[tuple[int, Step]]]:
    """Number the calls as they stand in the plan; by the container's position. A wait has the last call's number."""
    number = 0
    steps: dict[int, list[tuple[int, Step]]] = {}
    for position, container in enumerate(plan.containers):
        steps[position] = []
        for step in container.steps:
            number += step.kind == "call"
            steps[position].append((number, step))
    return steps


def _groups(plan: Plan, style: Style, *, verbose: bool) -> Iterator[list[str]]:
    numbered = _numbered(plan)
    digits = len(str(sum(len(container.calls) for container in plan.containers)))
    effects = _by_replication(plan)
    for group in grouped(plan.active_changes, plan.containers):
        lines: list[str] = []
        for change in group.changes:
            lines += change_lines(change, style, verbose=verbose)
            lines += [line for effect in effects.pop(change.replication, ()) for line in effect_lines(effect, style)]
        if any(numbered[position] for position in group.containers):
            lines += _shared(group, style)
        for position in group.containers:
            lines += step_lines(numbered[position], digits, style, verbose=verbose)
        for proof in dict.fromkeys(change.proof for change in group.changes if change.proof):
            lines += wrap([Span("proof   ", Tone.DIM), Span(proof)], style, indent=6, hang=14)
        yield lines


def _shared(group: Group, style: Style) -> list[str]:
    """Say whom the calls below are for, where that is not plain."""
    if group.changes and len(group.changes) == 1:
        return []
    names = ", ".join(change.replication for change in group.changes)
    text = f"for {names} together:" if names else "for no change listed here:"
    return wrap([Span(text, Tone.DIM)], style, indent=6)


def _by_replication(plan: Plan) -> dict[str, list[Effect]]:
    """Group effects, unapproved ones first, then by severity."""
    found: dict[str, list[Effect]] = {}
    for effect in sorted(
        plan.effects, key=lambda e: (not e.blocks or e.allowed_by is not None, e.severity.rank, e.rule)
    ):
        found.setdefault(effect.replication, []).append(effect)
    return found


def _loose(plan: Plan, style: Style) -> list[str]:
    """Write effects on replications that do not change themselves."""
    changed = {change.replication for change in plan.active_changes}
    found = [e for name, effects in _by_replication(plan).items() if name not in changed for e in effects]
    if not found:
        return []
    lines = wrap([Span("Also:", Tone.BOLD)], style, indent=2)
    for effect in found:
        lines += effect_lines(effect.model_copy(update={"text": f"{effect.replication}: {effect.text}"}), style)
    return lines


def _kept(plan: Plan, style: Style, *, verbose: bool) -> list[str]:
    """Write what stays as it is: unchanged, foreign, and ours but no longer written down."""
    parts: list[list[Span]] = []
    foreign = [item for item in plan.unmanaged if not item.ours]
    ours = [item for item in plan.unmanaged if item.ours]
    if plan.summary.none and plan.active_changes:
        parts.append([Span(f"= {plan.summary.none:,} unchanged", Tone.DIM)])
    if foreign:
        parts.append(
            [Span(f"? {len(foreign):,} unmanaged kept as found: {_named(foreign, verbose=verbose)}", Tone.DIM)]
        )
    if ours:
        advice = "" if plan.options.prune else " (to delete: --prune, and `prune: true` in the Workspace)"
        text = f" {len(ours):,} of ours in no manifest any more, kept: {_named(ours, verbose=verbose)}{advice}"
        parts.append([Span("?", Tone.WARN), Span(text)])
    if sum(len(span.text) for part in parts for span in part) + 3 * len(parts) <= style.columns:
        parts = [joined(parts, f" {style.glyph('·')} ")]
    return [line for part in parts for line in wrap(part, style, indent=3, hang=5)]


def _named(items: list[Unmanaged], *, verbose: bool) -> str:
    most = len(items) if verbose else _NAMED
    text = ", ".join(f"{item.identity} in {item.container.scope_ref}" for item in items[:most])
    return text + (f" and {len(items) - most} more (-v names all)" if len(items) > most else "")


def _findings(plan: Plan, style: Style, *, verbose: bool) -> Iterator[list[str]]:
    """Write findings, errors first; notes, and source lines of what stops nothing, only where all is asked for."""
    for finding in sorted(plan.findings, key=lambda finding: finding.sort_key):
        if finding.severity is Severity.INFO and not verbose:
            continue
        yield finding_lines(finding, style, source=verbose or finding.severity is Severity.ERROR)


def _summary(plan: Plan, style: Style) -> list[str]:
    if not plan.active_changes:
        return _nothing(plan, style)
    total = plan.summary
    counts = (
        (total.create, "to create", Tone.ADD),
        (total.update, "to update", Tone.CHANGE),
        (total.replace, "to replace (delete + create)", Tone.REPLACE),
        (total.adopt, "to adopt", Tone.CHANGE),
        (total.resync, "to resync", Tone.CHANGE),
    )
    told = [Span(f"{number:,} {words}", tone, whole=True) for number, words, tone in counts if number]
    told.append(Span(f"{total.delete:,} to delete", Tone.REMOVE if total.delete else None, whole=True))
    parts = [joined([[span] for span in told], ", "), [Span(count(total.calls, "call"), whole=True)]]
    parts += [[Span(text, tone, whole=True)] for text, tone in _costs(plan)]
    return wrap([Span("Plan: ", Tone.BOLD), *joined(parts, f" {style.glyph('·')} ")], style, hang=6)


def _costs(plan: Plan) -> Iterator[tuple[str, Tone]]:
    again = [effect for effect in plan.effects if effect.recopies]
    known = [effect.estimate.bytes for effect in again if effect.estimate and effect.estimate.bytes is not None]
    if again and len(known) == len(again):
        yield f"{format_bytes(sum(known))} sent again", Tone.WARN
    elif again:
        least = f"at least {format_bytes(sum(known))}" if known else "an unknown amount"
        yield f"{least} sent again", Tone.WARN
    lost = {effect.replication for effect in plan.effects if effect.loses_protection}
    if lost:
        yield f"{len(lost)} {'loses' if len(lost) == 1 else 'lose'} protection", Tone.WARN
    if plan.summary.blocked:
        yield f"{plan.summary.blocked} blocked", Tone.ERROR


def _nothing(plan: Plan, style: Style) -> list[str]:
    read = count(plan.summary.none, "replication")
    if plan.unread or not plan.complete:
        return wrap([Span("No changes seen, but not all was read. ", Tone.ERROR), Span(f"{read} read.")], style)
    if plan.errors:
        return wrap([Span("No changes planned", Tone.ERROR), Span(": the errors above come first.")], style)
    if not plan.summary.none:
        chosen = " selected" if plan.options.select or plan.options.exclude else " written down"
        return wrap([Span("No changes. ", Tone.OK), Span(f"No replication is{chosen}.")], style)
    return wrap([Span("No changes. ", Tone.OK), Span(f"{read} read, live matches the manifests.")], style)


def _next(plan: Plan, style: Style, now: datetime | None, saved_as: str | None, arguments: Sequence[str]) -> list[str]:
    if not plan.active_changes:
        return []
    expired = now is not None and now >= plan.expires_at
    off = f" ({from_now(plan.expires_at, now)})" if now else ""
    facts = [
        f"Plan {plan.short_id or 'without an id'}",
        *([f"saved as {shlex.quote(saved_as)}"] if saved_as else []),
        f"{'expired' if expired else 'good until'} {moment(plan.expires_at)}{off}",
    ]
    lines = wrap(joined([[Span(fact, Tone.DIM)] for fact in facts], f" {style.glyph('·')} "), style)
    if expired:
        return lines + wrap(
            [Span("Cannot be applied: expired. ", Tone.ERROR), Span("Make a new one: repl plan")], style
        )
    if saved_as and plan.plan_id != plan.computed_id():
        return lines + wrap(
            [Span("Cannot be applied: altered since it was made. ", Tone.ERROR), Span("Make a new one: repl plan")],
            style,
        )
    if obstacles := [*_obstacles(plan)]:
        return lines + wrap([Span("Cannot be applied: ", Tone.ERROR), Span("; ".join(obstacles) + ".")], style)
    command = shlex.join(["repl", "apply", *([saved_as] if saved_as else []), *arguments])
    other = [] if saved_as else [Span("  or save it first: ", Tone.DIM), Span("repl plan --out FILE", whole=True)]
    return lines + wrap([Span("Apply it: "), Span(command, Tone.BOLD, whole=True), *other], style)


def _obstacles(plan: Plan) -> Iterator[str]:
    if plan.unread or not plan.complete:
        yield f"{count(len(plan.unread), 'scope')} could not be read" if plan.unread else "not all could be read"
    if others := sum(finding.code != _UNREAD for finding in plan.errors):
        yield f"{count(others, 'error')} above"
    if plan.blocking:
        yield f"{count(len(plan.blocking), 'effect')} to approve (--allow, or `allow:` in the manifest)"
    if not plan.applyable and not (plan.unread or not plan.complete or plan.errors or plan.blocking):
        yield "the plan says so"
