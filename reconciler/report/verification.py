"""The proof, or its absence: one line for each replication, and more where something is wrong."""

from collections.abc import Sequence

from reconciler.model.units import format_seconds
from reconciler.model.verification import Check, Outcome, Verdict, Verification
from reconciler.report.clean import prose
from reconciler.report.comparison import comparison_lines
from reconciler.report.line import Span, joined, text_of, wrap
from reconciler.report.style import Style, Tone

__all__ = ["verification_lines", "verification_summary", "verification_text"]

_OUTCOMES = {
    Outcome.PROVED: ("✓", "proved", Tone.OK),
    Outcome.NOT_CHECKED: ("?", "not checked", Tone.WARN),
    Outcome.FAILED: ("✗", "failed", Tone.ERROR),
}
"""In the order shown: what is wrong stands last, nearest to the prompt."""

_VERDICTS = {
    Verdict.MATCH: "equal",
    Verdict.MATCH_WEAKER: "equal at a weaker level than asked for",
    Verdict.MISSING: "missing at the destination",
    Verdict.EXTRA: "extra at the destination",
    Verdict.DIFFERS: "differs",
    Verdict.PENDING: "too new to judge",
    Verdict.ERROR: "error",
}

_INDENT = 2
_HANG = 6


def verification_text(verifications: Sequence[Verification], style: Style) -> str:
    """Write what was proved for each replication, at which level, and what was not looked at."""
    if not verifications:
        return text_of(["Nothing was verified: no replication is written down."])
    return text_of([*verification_lines(verifications, style), "", *verification_summary(verifications, style)])


def verification_lines(verifications: Sequence[Verification], style: Style) -> list[str]:
    """Write one entry for each replication, failures last, else in the order given."""
    order = list(_OUTCOMES)
    lines: list[str] = []
    for verification in sorted(verifications, key=lambda v: order.index(v.outcome)):
        lines += _entry(verification, style)
    return lines


def verification_summary(verifications: Sequence[Verification], style: Style) -> list[str]:
    """Write `Verified: 3 proved, 1 not checked, 1 failed · slowest 2.3 s`."""
    told = []
    for outcome, (_, word, tone) in _OUTCOMES.items():
        if number := sum(verification.outcome is outcome for verification in verifications):
            told.append([Span(f"{number:,} {word}", tone, whole=True)])
    parts = [joined(told, ", ")]
    lags = [v.lag_s for v in verifications if v.lag_s is not None]
    if lags:
        parts.append([Span(f"slowest {format_seconds(max(lags))}")])
    return wrap([Span("Verified: ", Tone.BOLD), *joined(parts, f" {style.glyph('·')} ")], style)


def _entry(verification: Verification, style: Style) -> list[str]:
    symbol, word, tone = _OUTCOMES[verification.outcome]
    symbol = style.glyph(symbol) if symbol != "?" else symbol
    lead = [Span(f"{symbol} {word}  ", tone), Span(verification.replication, Tone.BOLD)]
    facts = [[Span(f"level {verification.level.value}")]]
    if verification.lag_s is not None:
        facts.append([Span(f"lag {format_seconds(verification.lag_s)}")])
    good = [check.name for check in verification.checks if check.verdict is Verdict.MATCH]
    if good:
        facts.append([Span(f"checked: {', '.join(good)}")])
    if verification.not_checked:
        facts.append([Span(f"not checked: {', '.join(map(prose, verification.not_checked))}", Tone.DIM)])
    separator = f" {style.glyph('·')} "
    lines = wrap([*lead, Span("  "), *joined(facts, separator)], style, indent=_INDENT, hang=_HANG)
    if verification.reason:
        tone_of = tone if verification.outcome is not Outcome.PROVED else None
        lines += wrap([Span(prose(verification.reason), tone_of)], style, indent=_HANG, hang=_HANG)
    if verification.compared is not None:
        lines += comparison_lines(verification.compared, style, indent=_HANG)
    for check in verification.checks:
        lines += _check(check, style) if check.verdict is not Verdict.MATCH else []
    return lines


def _check(check: Check, style: Style) -> list[str]:
    tone = Tone.WARN if check.verdict in (Verdict.MATCH_WEAKER, Verdict.PENDING) else Tone.ERROR
    detail = f": {prose(check.detail)}" if check.detail else ""
    spans = [Span(f"{check.verdict.value} ", tone), Span(f"{check.name} {_VERDICTS[check.verdict]}{detail}")]
    return wrap(spans, style, indent=_HANG)
