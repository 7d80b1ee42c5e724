"""`Workspace.spec.defaults`: spec keys for Replications that leave them out, by label."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.manifest.documents import RawDocument, Spot, Spots
from reconciler.model.finding import FieldPath

__all__ = ["FilledDefault", "defaults_of", "fill"]


@dataclass(frozen=True, slots=True)
class FilledDefault:
    """One default as written, with the places of its keys."""

    path: FieldPath
    """Of its spec in the Workspace document."""
    match: dict[str, Any]
    spec: dict[str, Any]
    spots: Spots


def defaults_of(workspace: RawDocument) -> list[FilledDefault]:
    """Return the defaults of a Workspace, in order; those that are not even shaped like one are left out."""
    defaults = (workspace.spec or {}).get("defaults")
    found: list[FilledDefault] = []
    for index, default in enumerate(defaults if isinstance(defaults, list) else ()):
        match, spec = (default.get("match", {}), default.get("spec")) if isinstance(default, dict) else (None, None)
        path: FieldPath = ("spec", "defaults", index, "spec")
        spots = workspace.trace(path).spot.inside
        if isinstance(match, dict) and isinstance(spec, dict) and spots is not None:
            found.append(FilledDefault(path, match, spec, spots))
    return found


def fill(
    document: RawDocument, defaults: Sequence[FilledDefault], all_types: frozenset[str], ends: Collection[str]
) -> bool:
    """Fill a Replication's spec in place; what it says itself wins, then the default that comes first.

    Options of a provider type are filled in only where one end is of that type and no other options are given.

    Args:
        document: the Replication as written.
        defaults: of the Workspace, in order.
        all_types: names of all provider types.
        ends: types of the providers at both ends, as far as known.

    Returns:
        Whether anything was filled in.
    """
    spec, labels = document.spec, _labels(document)
    spot = document.trace(("spec",)).spot
    if spec is None or spot.inside is None:
        return False
    filled, spots, changed = spec, spot.inside, False
    for default in defaults:
        if default.match.items() <= labels.items():
            given = not all_types.isdisjoint(filled)
            leave = {name for name in all_types if name not in ends or given} - filled.keys()
            new, new_spots = _under(filled, spots, default.spec, default.spots, leave)
            changed |= new is not filled
            filled, spots = new, new_spots
    if changed:
        document.data = {**document.data, "spec": filled}
        inside = {**(document.root.inside or {}), "spec": Spot(spot.key_at, spot.value_at, spots)}
        document.root = document.root._replace(inside=inside)
    return changed


def _labels(document: RawDocument) -> dict[str, Any]:
    metadata = document.data.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels if isinstance(labels, dict) else {}


def _under(
    data: dict[str, Any], spots: Spots, more: dict[str, Any], more_spots: Spots, leave: Collection[str] = ()
) -> tuple[dict[str, Any], Spots]:
    """Return `data` with the keys of `more` that it lacks, mapping by mapping; the same objects if it lacks none."""
    result, places = data, spots
    for key, value in more.items():
        if key in leave:
            continue
        if key not in data:
            inner, spot = value, more_spots[key]
        elif isinstance(value, dict) and isinstance(data[key], dict):
            own = spots[key]
            inner, inside = _under(data[key], own.inside or {}, value, more_spots[key].inside or {})
            if inner is data[key]:
                continue
            spot = own._replace(inside=inside)
        else:
            continue
        if result is data:
            result, places = dict(data), dict(spots)
        result[key], places[key] = inner, spot
    return result, places
