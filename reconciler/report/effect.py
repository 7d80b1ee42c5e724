"""What a provider is known to do beyond what is asked of it: `repl explain`."""

from collections.abc import Iterable

from reconciler.model.finding import Severity
from reconciler.model.step import EffectRule
from reconciler.report.clean import prose
from reconciler.report.line import Span, text_of, wrap
from reconciler.report.style import Style, Tone

__all__ = ["effect_list", "effect_text"]

_LABEL = 9
_TONES = {Severity.ERROR: Tone.ERROR, Severity.WARNING: Tone.WARN, Severity.INFO: Tone.DIM}


def effect_text(rule: EffectRule, style: Style) -> str:
    """Write all that is known of one effect."""
    lines = wrap([Span(rule.id, Tone.BOLD), Span(f"  ({rule.provider})  "), *_weight(rule)], style)
    rows = [("When", rule.when), ("Happens", rule.happens), ("Instead", rule.instead)]
    counts = [
        *(["a replication that loses protection (guards.maxLost)"] if rule.loses_protection else []),
        *(["data that is sent again (guards.maxRecopy)"] if rule.recopies else []),
    ]
    if counts:
        rows.append(("Counts", f"as {' and as '.join(counts)}"))
    if rule.blocks:
        rows.append(("Approve", f"--allow {rule.id}@REPLICATION, or `allow:` in the manifest, with reason and expiry"))
    rows.append(("Source", rule.source))
    lines.append("")
    for label, text in rows:
        spans = [Span(f"{label:<{_LABEL}}", Tone.DIM), Span(prose(text))]
        lines += wrap(spans, style, indent=2, hang=2 + _LABEL)
    return text_of(lines)


def effect_list(rules: Iterable[EffectRule], style: Style) -> str:
    """List effects, ordered by provider and id, with when they come."""
    ordered = sorted(rules, key=lambda rule: (rule.provider, rule.id))
    if not ordered:
        return text_of(["No effects are known."])
    lines: list[str] = []
    for rule in ordered:
        lines += wrap([Span(rule.id, Tone.BOLD), Span(f"  ({rule.provider})  "), *_weight(rule)], style)
        lines += wrap([Span(prose(rule.when))], style, indent=4, hang=4)
    return text_of([*lines, "", "More about one: repl explain ID"])


def _weight(rule: EffectRule) -> list[Span]:
    blocks = [Span(", blocks until allowed", Tone.ERROR)] if rule.blocks else []
    return [Span(rule.severity.value, _TONES[rule.severity]), *blocks]
