"""Findings as a compiler writes them: place, code, what, the source line with a caret, and what to do."""

from collections.abc import Iterable

from reconciler.model.finding import Finding, Severity, SourceRange
from reconciler.report.clean import cells, clean, head, isolated, prose, tail
from reconciler.report.line import Span, count, text_of, wrap
from reconciler.report.style import Style, Tone

__all__ = ["finding_line", "finding_lines", "findings_summary", "findings_text"]

_TONES = {Severity.ERROR: Tone.ERROR, Severity.WARNING: Tone.WARN, Severity.INFO: Tone.DIM}
_BEFORE_CARET = 24
"""Cells kept to the left of a caret where the source line is too long."""


def findings_text(findings: Iterable[Finding], style: Style) -> str:
    """Write all findings in full, errors first, and how many there are. Empty if there are none."""
    ordered = sorted(findings, key=lambda finding: finding.sort_key)
    lines = [line for finding in ordered for line in [*finding_lines(finding, style), ""]]
    return text_of([*lines, findings_summary(ordered)]) if ordered else ""


def findings_summary(findings: Iterable[Finding]) -> str:
    """Write `2 errors, 1 warning`, or `no findings`."""
    severities = [finding.severity for finding in findings]
    words = (
        (Severity.ERROR, "error", "errors"),
        (Severity.WARNING, "warning", "warnings"),
        (Severity.INFO, "note", "notes"),
    )
    parts = [count(n, one, many) for severity, one, many in words if (n := severities.count(severity))]
    return ", ".join(parts) or "no findings"


def finding_line(finding: Finding, style: Style) -> str:
    """Write the finding on one line, without its hint; cut at the right where it is too long."""
    text = "".join(span.text for span in _heading(finding))
    text += f": {prose(finding.detail)}" if finding.detail else ""
    safe = clean(text, ascii_only=not style.unicode)
    if cells(safe) > style.columns:
        ellipsis = style.glyph("…")
        safe = head(safe, style.columns - len(ellipsis)) + ellipsis
    word = f"{finding.severity.value}[{finding.code}]"
    before, found, after = safe.partition(word)
    return before + style.paint(found, _TONES[finding.severity]) + after


def finding_lines(finding: Finding, style: Style, *, source: bool = True) -> list[str]:
    """Write the finding in full.

    Args:
        source: with the source line, where it is known.
    """
    lines = wrap(_heading(finding), style, hang=2)
    if finding.detail:
        lines += wrap([Span(prose(finding.detail))], style, indent=2, hang=2)
    if source and finding.where is not None and finding.where.snippet is not None:
        lines += _source(finding.where, finding.where.snippet, _TONES[finding.severity], style)
    if finding.hint:
        lines += wrap([Span("hint: ", Tone.OK), Span(prose(finding.hint))], style, indent=2, hang=8)
    return lines


def _heading(finding: Finding) -> list[Span]:
    lead = [Span(f"{finding.where}: ", Tone.BOLD)] if finding.where else []
    code = Span(f"{finding.severity.value}[{finding.code}]", _TONES[finding.severity])
    concerned = finding.replication or finding.provider
    about = [Span(f" ({concerned})")] if concerned and finding.where is None else []
    return [*lead, code, *about, Span(f": {prose(finding.summary)}", Tone.BOLD)]


def _source(where: SourceRange, snippet: str, tone: Tone, style: Style) -> list[str]:
    """Write the source line with its number, and a caret under what is meant."""
    number = str(where.line)
    ellipsis = style.glyph("…")
    room = style.columns - len(number) - 7
    start = min(max(where.column - 1, 0), len(snippet))
    end = min(max(where.end_column - 1 if where.end_column else start + 1, start + 1), len(snippet))
    left, meant, right = (
        clean(part[:most], ascii_only=not style.unicode)
        for part, most in (
            (snippet[max(start - room, 0) : start], room),
            (snippet[start:end], room),
            (snippet[end:], room),
        )
    )
    if cells(left) + cells(meant) + cells(right) > room and cells(left) > _BEFORE_CARET:
        left = ellipsis + tail(left, _BEFORE_CARET)
    line = left + meant + right
    if cells(line) > room:
        line = head(line, room - len(ellipsis)) + ellipsis
    carets = max(min(cells(meant), room - cells(left)), 1)
    margin = " " * len(number)
    return [
        f"  {style.paint(f'{number} |', Tone.DIM)} {isolated(line)}",
        f"  {style.paint(f'{margin} |', Tone.DIM)} {' ' * cells(left)}{style.paint('^' * carets, tone)}",
    ]
