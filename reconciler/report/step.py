"""What will be sent and waited for, and what it leads to."""

from collections.abc import Sequence

from reconciler.model.finding import Severity
from reconciler.model.step import Await, Call, Effect, Step
from reconciler.model.units import format_seconds
from reconciler.report.change import INDENT
from reconciler.report.clean import cells, clean, middle, prose
from reconciler.report.line import Span, wrap
from reconciler.report.style import Style, Tone
from reconciler.report.value import body_text

__all__ = ["effect_lines", "effect_mark", "step_lines"]

_LEAST_OPERATION = 28
"""Cells below which an operation is no longer told by its ends."""


def step_lines(steps: Sequence[tuple[int, Step]], digits: int, style: Style, *, verbose: bool) -> list[str]:
    """Write steps in order, each call with its number in the plan.

    Args:
        steps: number and step; the number of a wait is not shown.
        digits: digits of the greatest number in the plan, so that all line up.
    """
    lines: list[str] = []
    for number, step in steps:
        if isinstance(step, Await):
            lines += _wait_lines(step, digits, style, verbose=verbose)
        else:
            lines += _call_lines(number, step, digits, style, verbose=verbose)
    return lines


def effect_lines(effect: Effect, style: Style) -> list[str]:
    """Write one effect in full: id, what happens, how much, and what approves it."""
    symbol, tone = effect_mark(effect)
    text = effect.text + (f": {effect.estimate}" if effect.estimate else "")
    spans = [Span(f"{symbol} {effect.rule}", tone), Span(f"  {text}")]
    if effect.blocks and effect.allowed_by is None:
        spans += [Span("  "), Span(f"blocked: needs --allow {effect.allow}", Tone.ERROR, whole=True)]
    elif effect.blocks:
        spans += [Span("  "), Span(f"allowed: {effect.allowed_by}", Tone.OK)]
    return wrap(spans, style, indent=INDENT, hang=INDENT + 2)


def effect_mark(effect: Effect) -> tuple[str, Tone]:
    """Return symbol and tone: `!` for what needs a decision or a reader, `i` for what is worth knowing."""
    if effect.blocks and effect.allowed_by is None:
        return "!", Tone.ERROR
    return ("i", Tone.DIM) if effect.severity is Severity.INFO else ("!", Tone.WARN)


def _call_lines(number: int, call: Call, digits: int, style: Style, *, verbose: bool) -> list[str]:
    hang = INDENT + len("call ") + digits + 2
    rest = clean(f" {call.target}: {prose(call.summary)}", ascii_only=not style.unicode)
    operation = clean(call.operation, ascii_only=not style.unicode)
    room = style.columns - hang - cells(rest)
    if not verbose and room >= _LEAST_OPERATION:
        operation = middle(operation, room, style.glyph("…"))
    lead = [Span(f"call {number:>{digits}}  ", Tone.DIM), Span(operation, Tone.BOLD), Span(rest)]
    lines = wrap(lead, style, indent=INDENT, hang=hang)
    if not verbose:
        return lines
    if call.preserves:
        lines += wrap([Span(f"kept as they are: {', '.join(call.preserves)}", Tone.DIM)], style, indent=hang)
    if not call.idempotent:
        lines += wrap(
            [Span("never sent twice: after a lost answer, what is live is read first", Tone.DIM)], style, indent=hang
        )
    for line in body_text(call.body).splitlines() if call.body is not None else ():
        margin = len(line) - len(line.lstrip(" "))
        lines += wrap([Span(line.strip(" "))], style, indent=hang + min(margin, 12), hang=hang + min(margin, 12) + 2)
    return lines


def _wait_lines(wait: Await, digits: int, style: Style, *, verbose: bool) -> list[str]:
    lead = [
        Span(f"wait {'':>{digits}}  ", Tone.DIM),
        Span(f"{wait.target}: {prose(wait.summary).removeprefix('wait ')}"),
    ]
    spans = [*lead, Span(f" (at most {format_seconds(wait.deadline_s)})", Tone.DIM)]
    if verbose:
        spans.append(Span(f" [{wait.condition}]", Tone.DIM))
    return wrap(spans, style, indent=INDENT, hang=INDENT + len("wait ") + digits + 2)
