"""The end of an apply: what was done to each container, what was proved, and where that is written down."""

from collections import defaultdict

from reconciler.model.observation import ContainerRef
from reconciler.model.receipt import ContainerOutcome, ContainerResult, Receipt, RunOutcome
from reconciler.model.units import format_seconds
from reconciler.report.clean import prose
from reconciler.report.line import Span, count, joined, text_of, wrap
from reconciler.report.moment import moment
from reconciler.report.style import Style, Tone
from reconciler.report.verification import verification_lines, verification_summary

__all__ = ["receipt_text"]

_OUTCOMES = {
    ContainerOutcome.DONE: ("✓", "done", Tone.OK),
    ContainerOutcome.SKIPPED: ("?", "skipped", Tone.WARN),
    ContainerOutcome.FAILED: ("✗", "failed", Tone.ERROR),
}
"""In the order shown: what is wrong stands last."""

_RUNS = {
    RunOutcome.DONE: ("Done", "all that was planned is done", Tone.OK),
    RunOutcome.PARTIAL: (
        "Partly done",
        "see what failed, then plan and apply again; nothing is done twice",
        Tone.ERROR,
    ),
    RunOutcome.FAILED: ("Failed", "nothing of the plan is done; see why, then plan and apply again", Tone.ERROR),
    RunOutcome.UNVERIFIED: (
        "Done, but not proved",
        "the systems accepted it, and no proof that data flows",
        Tone.ERROR,
    ),
    RunOutcome.INTERRUPTED: ("Interrupted", "the journal is complete; plan and apply again to go on", Tone.WARN),
}

_HANG = 6


def receipt_text(
    receipt: Receipt, style: Style, *, receipt_path: str | None = None, journal_path: str | None = None
) -> str:
    """Write what the last run did.

    Args:
        receipt_path: where the receipt lies, as the user would name it.
        journal_path: where the run's journal lies.
    """
    sections = [
        _header(receipt, style),
        _results(receipt, style),
        verification_lines(receipt.verifications, style),
        [*_summary(receipt, style), *_paths(receipt_path, journal_path, style)],
    ]
    lines: list[str] = []
    for section in filter(None, sections):
        lines += ["", *section] if lines else section
    return text_of(lines)


def _header(receipt: Receipt, style: Style) -> list[str]:
    took = max((receipt.finished_at - receipt.started_at).total_seconds(), 0.0)
    facts = [
        [Span("repl apply", Tone.BOLD)],
        [Span(f"workspace {receipt.workspace}")],
        [Span(f"run {receipt.run_id}")],
        [Span(f"{moment(receipt.started_at)}, took {format_seconds(took)}", whole=True)],
    ]
    return wrap(joined(facts, f" {style.glyph('·')} "), style)


def _results(receipt: Receipt, style: Style) -> list[str]:
    failed = {result.container for result in receipt.results if result.outcome is not ContainerOutcome.DONE}
    names: dict[ContainerRef, list[str]] = defaultdict(list)
    for name, entry in receipt.replications.items():
        # Others of the same container were not touched: they may have changes that were not selected.
        if entry.run_id == receipt.run_id or entry.container in failed:
            names[entry.container].append(name)
    order = list(_OUTCOMES)
    lines: list[str] = []
    for result in sorted(receipt.results, key=lambda r: order.index(r.outcome)):
        lines += _result(result, sorted(names[result.container]), style)
    return lines


def _result(result: ContainerResult, names: list[str], style: Style) -> list[str]:
    symbol, word, tone = _OUTCOMES[result.outcome]
    symbol = style.glyph(symbol) if symbol != "?" else symbol
    spans = [Span(f"{symbol} {word:<7} ", tone), Span(str(result.container), Tone.BOLD)]
    spans += [Span(f"  {', '.join(names)}")] if names else []
    spans += [Span(f"  {count(result.calls, 'call')} sent", Tone.DIM, whole=True)]
    lines = wrap(spans, style, indent=2, hang=_HANG)
    if result.code or result.detail:
        detail = prose(result.detail)
        why = detail if result.code in detail else f"{result.code}: {detail}" if detail else result.code
        lines += wrap([Span(why, tone)], style, indent=_HANG)
    if result.hint:
        lines += wrap([Span("hint: ", Tone.OK), Span(prose(result.hint))], style, indent=_HANG)
    return lines


def _summary(receipt: Receipt, style: Style) -> list[str]:
    word, meaning, tone = _RUNS[receipt.outcome]
    told = []
    for outcome, (_, name, paint) in _OUTCOMES.items():
        if number := sum(result.outcome is outcome for result in receipt.results):
            told.append([Span(f"{number:,} {name}", paint, whole=True)])
    sent = sum(result.calls for result in receipt.results)
    parts = [joined(told or [[Span("nothing to do")]], ", "), [Span(f"{count(sent, 'call')} sent", whole=True)]]
    lines = wrap([Span("Applied: ", Tone.BOLD), *joined(parts, f" {style.glyph('·')} ")], style)
    if receipt.verifications:
        lines += verification_summary(receipt.verifications, style)
    elif receipt.outcome is RunOutcome.DONE:
        lines += wrap([Span("Verified: ", Tone.BOLD), Span("nothing was looked at", Tone.WARN)], style)
    return lines + wrap([Span(f"{word}: ", tone), Span(f"{meaning}.")], style)


def _paths(receipt_path: str | None, journal_path: str | None, style: Style) -> list[str]:
    lines: list[str] = []
    for name, path in (("Receipt ", receipt_path), ("Journal ", journal_path)):
        lines += wrap([Span(name, Tone.DIM), Span(path, whole=True)], style) if path else []
    return lines
