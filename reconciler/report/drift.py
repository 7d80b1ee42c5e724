"""What has moved in the world, apart from what has moved in the manifests, apart from what has stopped moving."""

from collections.abc import Iterator, Sequence

from reconciler.model.change import FieldChange
from reconciler.model.drift import DriftItem, DriftReport, DriftState
from reconciler.model.finding import Severity
from reconciler.model.observation import Health
from reconciler.report.change import INDENT, field_lines, flow_heading
from reconciler.report.clean import prose
from reconciler.report.findings import finding_lines
from reconciler.report.line import Span, count, joined, text_of, wrap
from reconciler.report.moment import from_now, moment
from reconciler.report.style import Style, Tone
from reconciler.report.unread import unread_lines

__all__ = ["drift_text"]

_MARKS = {
    DriftState.DRIFTED: ("~", "drifted ", Tone.CHANGE),
    DriftState.VANISHED: ("-", "vanished", Tone.REMOVE),
    DriftState.CUT_OFF: ("~", "cut off ", Tone.ERROR),
    DriftState.ACCEPTED: ("~", "accepted", Tone.DIM),
    DriftState.PENDING: ("~", "pending ", Tone.CHANGE),
    DriftState.NEVER_APPLIED: ("+", "new     ", Tone.ADD),
    DriftState.UNKNOWN: ("?", "unknown ", Tone.ERROR),
}
_DEAD = ("!", "dead    ", Tone.ERROR)

_COUNTS: tuple[tuple[tuple[DriftState, str, Tone | None], ...], ...] = (
    ((DriftState.DRIFTED, "drifted", Tone.CHANGE), (DriftState.VANISHED, "vanished", Tone.REMOVE)),
    ((DriftState.CUT_OFF, "cut off", Tone.ERROR),),
    ((DriftState.PENDING, "pending", None), (DriftState.NEVER_APPLIED, "never applied", None)),
    (
        (DriftState.ACCEPTED, "accepted", None),
        (DriftState.IN_SYNC, "in sync", Tone.OK),
        (DriftState.UNKNOWN, "not read", Tone.ERROR),
    ),
)
"""What stands beside each other in the last line: drift, then what is pending, then the rest."""


def drift_text(report: DriftReport, style: Style, *, verbose: bool = False) -> str:
    """Write drift, dead replications, pending changes and accepted drift, each apart; then the sums.

    Args:
        verbose: values in full, and the health of every replication that has one.
    """
    sections = [
        unread_lines(report.unread, None, "What is below does not speak for them.", style),
        _header(report, style),
        *_sections(report, style, verbose=verbose),
        *(
            finding_lines(finding, style, source=verbose)
            for finding in report.findings
            if verbose or finding.severity is not Severity.INFO
        ),
        _summary(report, style),
    ]
    lines: list[str] = []
    for section in filter(None, sections):
        lines += ["", *section] if lines else section
    return text_of(lines)


def _header(report: DriftReport, style: Style) -> list[str]:
    facts = [
        [Span("repl drift", Tone.BOLD)],
        [Span(f"workspace {report.workspace}")],
        [Span(count(len(report.items), "replication"))],
        [Span(moment(report.created_at))],
    ]
    return wrap(joined(facts, f" {style.glyph('·')} "), style)


def _sections(report: DriftReport, style: Style, *, verbose: bool) -> Iterator[list[str]]:
    drifted = _in(report, DriftState.DRIFTED, DriftState.VANISHED)
    yield _section("Drift (last applied → live)", drifted, style, verbose=verbose)
    half = _in(report, DriftState.CUT_OFF)
    yield _section("Left by an apply that did not come to its end (last applied → live)", half, style, verbose=verbose)
    yield _dead(report, style)
    yield _pending(report, style, verbose=verbose)
    accepted = _in(report, DriftState.ACCEPTED)
    yield _section("Accepted drift (last applied → live)", accepted, style, verbose=verbose)
    yield _section("Unknown: not read", _in(report, DriftState.UNKNOWN), style, verbose=verbose)
    yield _health(report, style) if verbose else []


def _in(report: DriftReport, *states: DriftState) -> list[DriftItem]:
    return [item for item in report.items if item.state in states]


def _section(title: str, items: Sequence[DriftItem], style: Style, *, verbose: bool) -> list[str]:
    return _title(title, style) + _lines(items, style, verbose=verbose) if items else []


def _title(text: str, style: Style) -> list[str]:
    return wrap([Span(text.replace("→", style.glyph("→")), Tone.BOLD)], style)


def _lines(items: Sequence[DriftItem], style: Style, *, verbose: bool) -> list[str]:
    lines: list[str] = []
    for item in items:
        lines += _item(item, _MARKS[item.state], item.fields, style, verbose=verbose)
        lines += wrap([Span(prose(item.detail))], style, indent=INDENT) if item.detail and not item.dead else []
    return lines


def _item(
    item: DriftItem, mark: tuple[str, str, Tone], fields: Sequence[FieldChange], style: Style, *, verbose: bool
) -> list[str]:
    heading = flow_heading(
        mark, style, name=item.replication, kind=item.provider, title=item.title, where=item.where, verbose=verbose
    )
    return heading + field_lines(fields, item.where, style, verbose=verbose)


def _dead(report: DriftReport, style: Style) -> list[str]:
    dead = [item for item in report.items if item.dead]
    lines = _title("Dead: switched on, and nothing gets through", style) if dead else []
    for item in dead:
        lines += _item(item, _DEAD, (), style, verbose=False)
        why = prose(item.detail) or (prose(item.health.detail) if item.health else "") or "no reason given"
        lines += wrap([Span(why, Tone.ERROR)], style, indent=INDENT)
    return lines


def _pending(report: DriftReport, style: Style, *, verbose: bool) -> list[str]:
    states = (DriftState.PENDING, DriftState.NEVER_APPLIED)
    waiting = [item for item in report.items if item.pending or item.state in states]
    lines = _title("Pending, which is no drift (last applied → manifest)", style) if waiting else []
    for item in waiting:
        mark = _MARKS[item.state] if item.state in states else _MARKS[DriftState.PENDING]
        lines += _item(item, mark, item.pending, style, verbose=verbose)
        if item.state is DriftState.PENDING and not item.pending:
            lines += wrap([Span("no manifest describes it any more")], style, indent=INDENT)
    return lines


def _health(report: DriftReport, style: Style) -> list[str]:
    lines: list[str] = []
    for item in report.items:
        if item.health is not None:
            facts = f" {style.glyph('·')} ".join(_facts(item.health, report))
            lines += wrap([Span(item.replication, Tone.BOLD), Span(f"  {facts}")], style, indent=2, hang=4)
    return _title("Health, by the systems' own word", style) + lines if lines else []


def _facts(health: Health, report: DriftReport) -> Iterator[str]:
    yield health.state.value
    if health.last_success_at is not None:
        off = from_now(health.last_success_at, report.created_at)
        yield f"last success {moment(health.last_success_at)} ({off})"
    if health.backlog is not None:
        yield f"{health.backlog:,} waiting"
    if health.failed is not None:
        yield f"{health.failed:,} failed"
    if health.detail:
        yield prose(health.detail)


def _summary(report: DriftReport, style: Style) -> list[str]:
    groups = [[[span] for part in group if (span := _count(report, *part))] for group in _COUNTS]
    if dead := sum(item.dead for item in report.items):
        groups[0].append([Span(f"{dead:,} dead", Tone.ERROR, whole=True)])
    told = joined([joined(group, ", ") for group in groups if group], f" {style.glyph('·')} ")
    if report.drifted:
        return wrap([Span("Drift: ", Tone.BOLD), *told], style)
    if report.half_made:
        left = count(len(report.half_made), "replication")
        about = [Span("No drift known, but ", Tone.BOLD), Span(f"{left} half made by an apply: ", Tone.ERROR)]
        return wrap([*about, *told], style)
    if report.hindered:
        cannot = count(len(report.hindered), "replication")
        told = [Span("No drift, but ", Tone.BOLD), Span(f"{cannot} cannot work: see the errors.", Tone.ERROR)]
        return wrap(told, style)
    read = count(sum(item.state is not DriftState.UNKNOWN for item in report.items), "replication")
    verdict = [Span("No drift. ", Tone.OK), Span(f"{read} read, live is as last applied.")]
    if report.unread or not report.complete:
        verdict = [Span("No drift seen, but not all was read. ", Tone.ERROR), Span(f"{read} read.")]
    elif any(item.state is DriftState.ACCEPTED for item in report.items):
        verdict[1] = Span(f"{read} read, live is as last applied but for what is accepted.")
    if not report.items and report.complete:
        verdict = [Span("Nothing was compared: no replication is written down, and no receipt knows of one.")]
    quiet = all(item.state is DriftState.IN_SYNC for item in report.items)
    return wrap(verdict, style) + ([] if quiet else wrap([Span("Of these: ", Tone.BOLD), *told], style))


def _count(report: DriftReport, state: DriftState, word: str, tone: Tone | None) -> Span | None:
    """Count one state. Pending is also what has drifted and whose manifest has moved on besides."""
    number = sum(item.state is state or (state is DriftState.PENDING and bool(item.pending)) for item in report.items)
    return Span(f"{number:,} {word}", tone, whole=True) if number else None
