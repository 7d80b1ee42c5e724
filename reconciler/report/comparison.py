"""What comparing all objects has shown: one line of numbers, and the first keys that are no match."""

from reconciler.model.units import format_bytes
from reconciler.model.value import Json
from reconciler.model.verification import Comparison, Difference, Verdict
from reconciler.report.clean import cells, middle, prose
from reconciler.report.line import Span, count, joined, wrap
from reconciler.report.style import Style, Tone
from reconciler.report.value import shown

__all__ = ["comparison_lines"]

_MOST_KEYS = 10
_WIDEST_KEY = 60
_TONES = {
    Verdict.MATCH: Tone.OK,
    Verdict.MATCH_WEAKER: Tone.WARN,
    Verdict.PENDING: Tone.WARN,
    Verdict.EXTRA: Tone.DIM,
}
"""Of verdicts that are no failure."""


def comparison_lines(found: Comparison, style: Style, *, indent: int) -> list[str]:
    """Write the numbers by verdict, what was not judged, and up to ten keys, failures before others.

    Control characters in keys stand as escapes.
    """
    lines = wrap(joined([_totals(found), *_numbers(found)], f" {style.glyph('·')} "), style, indent=indent)
    ranked = sorted(range(len(found.differences)), key=lambda at: found.differences[at].verdict in _TONES)
    named = [found.differences[at] for at in sorted(ranked[:_MOST_KEYS])]
    keys = [_key(one, style) for one in named]
    widest = max(map(cells, keys), default=0)
    for one, key in zip(named, keys, strict=True):
        gap = " " * (widest - cells(key) + 2)
        spans = [
            Span(f"{one.verdict.value} ", _TONES.get(one.verdict, Tone.ERROR)),
            Span(key, whole=True),
            Span(f"{gap}{prose(one.detail)}", Tone.DIM),
        ]
        lines += wrap(spans, style, indent=indent, hang=indent + 4)
    return lines + _rest(found, len(named), style, indent)


def _totals(found: Comparison) -> list[Span]:
    begun = "" if found.complete else "broken off after "
    listed = f"{count(found.source_objects, 'object')} at the source, {found.destination_objects:,} at the destination"
    return [Span(f"{begun}{listed}", None if found.complete else Tone.ERROR)]


def _numbers(found: Comparison) -> list[list[Span]]:
    equal = f"equal by {found.reached.value}" if found.reached is not None and not found.weaker else "equal"
    numbers = (
        (Verdict.MATCH, found.match, equal),
        (Verdict.MATCH_WEAKER, found.weaker, f"equal by {found.reached.value if found.reached else 'less'} only"),
        (Verdict.MISSING, found.missing, "missing"),
        (Verdict.DIFFERS, found.differs, "different"),
        (Verdict.ERROR, found.error, "not readable"),
        (Verdict.PENDING, found.pending, "too new"),
        (Verdict.EXTRA, found.extra, "extra"),
    )
    shown_numbers = [
        [Span(f"{verdict.value} {number:,} {word}", _TONES.get(verdict, Tone.ERROR), whole=True)]
        for verdict, number, word in numbers
        if number
    ]
    apart = ((found.not_judged, "not judged"), (found.excluded, "left out by the filter"))
    shown_numbers += [[Span(f"{number:,} {word}", Tone.DIM, whole=True)] for number, word in apart if number]
    if found.bytes_compared:
        shown_numbers.append([Span(f"{format_bytes(found.bytes_compared)} read at each end", whole=True)])
    return shown_numbers


def _key(one: Difference, style: Style) -> str:
    key: Json = one.key
    return middle(shown(key, style), min(_WIDEST_KEY, style.columns // 2), style.glyph("…"))


def _rest(found: Comparison, named: int, style: Style, indent: int) -> list[str]:
    unequal = found.missing + found.differs + found.error + found.pending + found.extra
    if unequal <= named:
        return []
    return wrap(
        [Span(f"{style.glyph('…')} {unequal - named:,} more: `--differences FILE` writes them all", Tone.DIM)],
        style, indent=indent,
    )  # fmt: skip
