"""Small changes within braces: one key of a flow mapping, and every other character as it was."""

from reconciler.manifest.documents import RawDocument, Spot
from reconciler.manifest.sources import Source, Sources
from reconciler.manifest.splice import flow
from reconciler.model.finding import FieldPath
from reconciler.model.value import Json

__all__ = ["put_in", "taken_out"]


def put_in(sources: Sources, document: RawDocument, path: FieldPath, value: Json) -> str | None:
    """Return the file's text with one more key behind the last one in its braces; None where that cannot be done so."""
    source, trace = sources.source_of(document.root.value_at), document.trace(path)
    if not trace.missed or not trace.spot.inside or not _in_braces(source, trace.spot):
        return None
    for part in reversed(trace.missed[1:]):
        value = {str(part): value}
    last = max(trace.spot.inside.values(), key=_key_place)
    end = sources.end_of(last.value_at)
    if end is None:
        return None
    at, quoted = end - source.base, source.text[last.key_at - source.base] == '"'
    pair = flow({str(trace.missed[0]): value}, quoted=quoted)[1:-1]
    return source.text[:at] + ", " + pair + source.text[at:]


def taken_out(sources: Sources, document: RawDocument, path: FieldPath) -> str | None:
    """Return the file's text without one key in braces, and with all comments but the one behind it."""
    source, trace = sources.source_of(document.root.value_at), document.trace(path)
    outer, end = document.trace(path[:-1]).spot, sources.end_of(trace.spot.value_at)
    if trace.missed or end is None or not outer.inside or not _in_braces(source, outer):
        return None
    start, stop = trace.spot.key_at - source.base, end - source.base
    others = sorted(outer.inside.values(), key=_key_place)
    number = others.index(trace.spot)
    if number + 1 < len(others):
        stop = others[number + 1].key_at - source.base
    elif number:
        before = sources.end_of(others[number - 1].value_at)
        if before is not None and "#" not in source.text[before - source.base : start]:
            start = before - source.base
    return source.text[:start] + source.text[stop:]


def _in_braces(source: Source, spot: Spot) -> bool:
    return source.text[spot.value_at - source.base : spot.value_at - source.base + 1] == "{"


def _key_place(spot: Spot) -> int:
    return spot.key_at
