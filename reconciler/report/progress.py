"""What apply tells while it runs: one line for each event, for standard error."""

from reconciler.model.units import format_seconds
from reconciler.report.clean import cells, clean, head, isolated, middle, prose
from reconciler.report.style import Style, Tone

__all__ = ["event_line"]

_WORDS = {
    "started": ("started", None),
    "call_start": ("call", Tone.BOLD),
    "call_end": ("answered", None),
    "call_settled": ("settled", Tone.OK),
    "call_retry": ("unclear", Tone.WARN),
    "wait": ("waiting", Tone.DIM),
    "read_back": ("reading", Tone.DIM),
    "done": ("done", Tone.OK),
    "failed": ("failed", Tone.ERROR),
    "skipped": ("skipped", Tone.WARN),
    "note": ("note", None),
}

_LONGEST_WORD = 12

_TEXTS = {
    "call_settled": "it had been done before",
    "call_retry": "no clear answer, looking first",
    "read_back": "comparing live with planned",
}
"""Said where the event itself says nothing, or before what it says."""


def event_line(
    kind: str,
    style: Style,
    *,
    container: str = "",
    step: str = "",
    text: str = "",
    percent: float | None = None,
    elapsed_s: float | None = None,
) -> str:
    """Write one event on one line, without a line end; what does not fit is cut at the right.

    Args:
        kind: `started`, `call_start`, `call_end`, `call_settled`, `call_retry`, `wait`, `read_back`, `done`, `failed`,
            `skipped`, `note`; another one is shown as it is.
        container: which container it concerns.
        step: the step's id in the plan.
        percent: how far a wait has come, 0 to 100.
        elapsed_s: seconds since the run began.
    """
    ascii_only, ellipsis = not style.unicode, style.glyph("…")
    word, tone = _WORDS.get(kind, (middle(clean(prose(kind), ascii_only=ascii_only), _LONGEST_WORD, ellipsis), None))
    since = f"{format_seconds(round(elapsed_s, 1)):>7}  " if elapsed_s is not None else ""
    lead = f"{word:<9} "
    space = style.columns - cells(since) - cells(lead)
    where = clean(" ".join(filter(None, (container, step))), ascii_only=ascii_only)
    where = middle(where, min(space, style.columns // 2), ellipsis)
    shown = [f"{min(max(percent, 0.0), 100.0):.0f} %"] if percent is not None else []
    shown += [part for part in (_TEXTS.get(kind, ""), prose(text)) if part]
    rest = ("  " if where and shown else "") + clean(": ".join(shown), ascii_only=ascii_only)
    if cells(rest) > space - cells(where):
        rest = head(rest, max(space - cells(where) - len(ellipsis), 0)) + ellipsis if space > cells(where) + 3 else ""
    line = style.paint(since, Tone.DIM) + style.paint(lead, tone)
    return (line + isolated(where) + isolated(rest)).rstrip()
