"""One change, or one drifted replication: its heading, its fields, and why."""

from collections.abc import Iterable, Sequence

from reconciler.model.change import Action, Change, FieldChange, Reason
from reconciler.model.finding import SourceRange
from reconciler.report.clean import cells, clean, middle
from reconciler.report.line import Span, columns, joined, wrap
from reconciler.report.style import Style, Tone
from reconciler.report.value import field_value, pair, shown

__all__ = ["INDENT", "change_lines", "field_lines", "flow_heading", "place", "short_title"]

INDENT = 6
"""Where what belongs to a change begins."""

_ACTIONS = {
    Action.CREATE: ("+", Tone.ADD),
    Action.UPDATE: ("~", Tone.CHANGE),
    Action.REPLACE: ("-/+", Tone.REPLACE),
    Action.DELETE: ("-", Tone.REMOVE),
    Action.ADOPT: ("~", Tone.CHANGE),
    Action.RESYNC: (">", Tone.CHANGE),
    Action.NONE: ("=", Tone.DIM),
}

_REASONS = {
    Reason.MISSING_LIVE: "it was applied before and is gone now",
    Reason.MOVED: "it was applied in another place before; what is there is not changed by this",
    Reason.SECRET_ROTATED: "only a secret has changed",
    Reason.EXISTS_AND_DIFFERS: "it exists and differs, and no receipt says that it was applied from here",
    Reason.REMOVED_FROM_MANIFEST: "it is ours and no manifest describes it any more",
    Reason.COPY_OWED: "an earlier run was cut off before it had sent what was there already; no setting changes",
    Reason.RESYNC_REQUESTED: "sending everything again was asked for; no setting changes",
}
"""Where the fields do not say it already."""

_LONGEST_PATH = 28
_LEAST_ROOM = 24
_ENDLESS = 1 << 20
_HANG = 13
_ENDS = ("source", "destination")


def change_lines(change: Change, style: Style, *, verbose: bool) -> list[str]:
    """Write the heading of a change, the reason where it is not plain, and its fields."""
    symbol, tone = _ACTIONS[change.action]
    lines = flow_heading(
        (symbol, change.action.value, tone),
        style,
        name=change.replication,
        kind=change.type,
        title=change.title,
        where=change.where,
        verbose=verbose,
    )
    if change.reason in _REASONS:
        lines += wrap([Span(f"because {_REASONS[change.reason]}", Tone.DIM)], style, indent=INDENT)
    if verbose:
        lines += _particulars(change, style)
    if change.action is Action.CREATE and not verbose:
        return lines + _settings(change, style)
    created = change.action is Action.CREATE
    return lines + field_lines(change.fields, change.where, style, verbose=verbose, from_nothing=created)


def flow_heading(
    mark: tuple[str, str, Tone],
    style: Style,
    *,
    name: str,
    kind: str,
    title: str,
    where: SourceRange | None,
    verbose: bool = False,
) -> list[str]:
    """Write `  ~ update  name (s3)  from → to        file:line`.

    Args:
        mark: symbol, word and tone.
        kind: what stands in brackets; nothing if empty.
        verbose: nothing shortened.
    """
    symbol, word, tone = mark
    lead = [Span(f"{symbol} {word:<7} ", tone), Span(name, Tone.BOLD), Span(f" ({kind})  " if kind else "  ")]
    indent = 4 - len(symbol)
    used = indent + sum(cells(clean(span.text, ascii_only=not style.unicode)) for span in lead)
    if verbose:
        flow, at = short_title(title, _ENDLESS, style), place(where, style) if where else ""
    else:
        flow, at = _fitted(title, where, style.columns - used, style)
    spans = [*lead, Span(flow, whole=True)]
    if not at:
        return wrap(spans, style, indent=indent, hang=_HANG)
    return columns(spans, Span(at, Tone.DIM), style, indent=indent, hang=_HANG)


def _fitted(title: str, where: SourceRange | None, room: int, style: Style) -> tuple[str, str]:
    """Fit title and place into `room` cells: the place gives way first, then the title, then the line is wrapped."""
    full, at = short_title(title, _ENDLESS, style), ""
    for at in _places(where, style) if where else [""]:
        if cells(full) + 2 + cells(at) <= room:
            return full, at
    rest = room - 2 - cells(at)
    return short_title(title, rest if rest >= _LEAST_ROOM else style.columns - _HANG, style), at


def field_lines(
    fields: Sequence[FieldChange],
    where: SourceRange | None,
    style: Style,
    *,
    verbose: bool = False,
    from_nothing: bool = False,
) -> list[str]:
    """Write one line for each field: what it was, what it becomes, and where that is written.

    Args:
        where: of the heading; a field in the same file is given by its line alone.
        verbose: nothing shortened.
        from_nothing: there was nothing before, which need not be said of each field.
    """
    names = [_path(field, style, verbose=verbose) for field in fields]
    width = min(max(map(cells, names), default=0), _LONGEST_PATH)
    lines: list[str] = []
    for field, name in zip(fields, names, strict=True):
        at = _field_place(field, where, style, verbose=verbose)
        padded = name + " " * (width - cells(name))
        if from_nothing and not field.sensitive:
            value = Span(field_value(field, field.after, style), Tone.ADD)
            lines += _laid([Span("+ ", Tone.ADD), Span(f"{padded}  "), value], at, style)
        else:
            lines += _field_line(field, padded, at, style, verbose=verbose)
    return lines


def place(where: SourceRange, style: Style) -> str:
    """Write `file:line`, clean."""
    return clean(f"{where.file}:{where.line}", ascii_only=not style.unicode)


def _places(where: SourceRange, style: Style) -> list[str]:
    """Return the place in full and without its folders, neither longer than half a line."""
    full, ellipsis, most = place(where, style), style.glyph("…"), style.columns // 2
    bare = f"{ellipsis}/{full.rpartition('/')[2]}" if "/" in full else full
    return [middle(text, most, ellipsis) for text in (full, bare)]


def short_title(title: str, width: int, style: Style) -> str:
    """Fit `from -> to` into `width` cells, with both ends to be seen."""
    arrow, ellipsis = style.glyph("→"), style.glyph("…")
    ends = [clean(end, ascii_only=not style.unicode) for end in title.split(" -> ")]
    if len(ends) != 2:
        return middle(" -> ".join(ends), width, ellipsis)
    before, after = pair(ends[0], ends[1], width - len(arrow) - 2, ellipsis)
    return f"{before} {arrow} {after}"


def _path(field: FieldChange, style: Style, *, verbose: bool) -> str:
    text = clean(field.dotted, ascii_only=not style.unicode)
    return text if verbose else middle(text, _LONGEST_PATH, style.glyph("…"))


def _field_place(field: FieldChange, where: SourceRange | None, style: Style, *, verbose: bool) -> str:
    if field.where is None:
        return ""
    if where is not None and field.where.file == where.file:
        return f":{field.where.line}"
    full = place(field.where, style)
    return full if verbose else middle(full, style.columns // 3, style.glyph("…"))


def _field_line(field: FieldChange, name: str, at: str, style: Style, *, verbose: bool) -> list[str]:
    symbol, tone = _field_symbol(field)
    lead = [Span(f"{symbol} ", tone), Span(f"{name}  ")]
    mark = [Span("  (forces replace)", Tone.REPLACE)] if field.forces_replace else []
    if field.sensitive:
        return _laid([*lead, Span("(changed, redacted)"), *mark], at, style)
    before, after = (field_value(field, side, style) for side in (field.before, field.after))
    fixed = INDENT + 2 + cells(name) + 2 + len(style.glyph("→")) + 2 + (18 if mark else 0) + (len(at) + 2 if at else 0)
    room = style.columns - fixed
    fits = cells(before) + cells(after) <= room
    if fits or verbose:
        return _laid([*lead, *_sides(before, after, style), *mark], at, style)
    if room >= _LEAST_ROOM:
        return _laid([*lead, *_sides(*pair(before, after, room, style.glyph("…")), style), *mark], at, style)
    room = style.columns - INDENT - 10
    return [
        *_laid([*lead, *mark], at, style),
        *wrap(_sides(*pair(before, after, room, style.glyph("…")), style), style, indent=INDENT + 4),
    ]


def _field_symbol(field: FieldChange) -> tuple[str, Tone]:
    if field.sensitive or (field.before is not None and field.after is not None):
        return "~", Tone.CHANGE
    return ("+", Tone.ADD) if field.before is None else ("-", Tone.REMOVE)


def _sides(before: str, after: str, style: Style) -> list[Span]:
    return [
        Span(before, Tone.REMOVE, whole=True),
        Span(f" {style.glyph('→')} ", Tone.DIM),
        Span(after, Tone.ADD, whole=True),
    ]


def _laid(spans: Iterable[Span], at: str, style: Style) -> list[str]:
    if not at:
        return wrap(spans, style, indent=INDENT, hang=INDENT + 4)
    return columns(spans, Span(at, Tone.DIM), style, indent=INDENT, hang=INDENT + 4)


def _settings(change: Change, style: Style) -> list[str]:
    """Write what is created, several settings to a line, without the ends that the heading names."""
    parts = [
        [Span(f"{_path(field, style, verbose=False)}: {_setting(field, style)}", whole=True)]
        for field in change.fields
        if not _in_title(field, change.title)
    ]
    if not parts:
        return []
    separator = f" {style.glyph('·')} "
    return wrap([Span("+ ", Tone.ADD), *joined(parts, separator)], style, indent=INDENT)


def _setting(field: FieldChange, style: Style) -> str:
    if field.sensitive:
        return "(redacted)"
    return middle(field_value(field, field.after, style), style.columns // 2, style.glyph("…"))


def _in_title(field: FieldChange, title: str) -> bool:
    value = field.after
    return field.path[0] in _ENDS and isinstance(value, str) and value != "" and value in title


def _particulars(change: Change, style: Style) -> list[str]:
    """Write what only somebody who looks closely wants to know."""
    facts = [f"provider {shown(change.provider, style)}", f"container {shown(str(change.container), style)}"]
    if change.observed_in is not None and change.observed_in != change.container:
        facts.append(f"found in {shown(str(change.observed_in), style)}")
    if change.observed is not None and change.observed.provider_id:
        facts.append(f"live id {shown(change.observed.provider_id, style)}")
    return wrap(joined([[Span(fact, Tone.DIM)] for fact in facts], f" {style.glyph('·')} "), style, indent=INDENT)
