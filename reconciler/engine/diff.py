"""Desired laid over observed: which settings differ, and where."""

from collections.abc import Callable

from deepdiff import DeepDiff

from reconciler.model.change import FieldChange
from reconciler.model.finding import SourceRange
from reconciler.model.relationship import Relationship, Settings
from reconciler.model.value import Json, canonical_json

__all__ = [
    "as_known",
    "differences",
    "left_to_receipts",
    "managed_part",
    "noted",
    "settings_listed",
    "shown_differences",
    "unknown_paths",
]

Locate = Callable[[tuple[str, ...]], SourceRange | None]


def as_known(live: Relationship, recorded: Relationship | None) -> Settings:
    """Return live settings, with what the server does not show taken from what was last sent.

    `recorded` is the receipt's. A setting that the server showed after that write is not taken from there: then its
    absence now is a change.
    """
    settings, unknown = live.settings, unknown_paths(live, recorded)
    for dotted in live.unreadable:
        if recorded is not None and dotted not in unknown:
            path = tuple(dotted.split("."))
            settings = _with(settings, path, _value(recorded.settings, path))
    for dotted in live.kept:
        path = tuple(dotted.split("."))
        if recorded is not None and _holds(recorded.settings, path):
            settings = _with(settings, path, _value(recorded.settings, path))
    return settings


def noted(desired: Relationship, recorded: Relationship, live: Relationship) -> Settings:
    """Return what a receipt is to say of a relationship that was found as desired.

    What the manifest leaves out is forgotten, but for what no server shows: nothing else knows it.
    """
    untold = [
        dotted
        for dotted in (*recorded.unreadable, *live.kept)
        if not _holds(desired.settings, tuple(dotted.split(".")))
        and _holds(recorded.settings, tuple(dotted.split(".")))
    ]
    settings = desired.settings
    for dotted in untold:
        path = tuple(dotted.split("."))
        settings = _with(settings, path, _value(recorded.settings, path))
    return settings


def left_to_receipts(live: Relationship, recorded: Relationship | None) -> frozenset[str]:
    """Return the dotted paths of what only a receipt could tell, and none does: there is nothing to compare."""
    return frozenset(
        dotted for dotted in live.kept if recorded is None or not _holds(recorded.settings, tuple(dotted.split(".")))
    )


def unknown_paths(live: Relationship, recorded: Relationship | None) -> tuple[str, ...]:
    """Return the dotted paths of what neither the server shows nor a receipt says that it was sent."""
    return tuple(
        dotted
        for dotted in live.unreadable
        if recorded is None
        or dotted not in recorded.unreadable
        or not _holds(recorded.settings, tuple(dotted.split(".")))
    )


def shown_differences(live: Relationship, desired: Settings) -> tuple[FieldChange, ...]:
    """Return the managed settings that the server shows to differ: of what it does not show nothing is said."""
    hidden = {*live.unreadable, *live.kept}
    return tuple(field for field in differences(live.settings, desired) if field.dotted not in hidden)


def managed_part(settings: Settings, desired: Settings) -> Settings:
    """Keep of `settings` what `desired` manages: its keys, and one level down its keys again.

    Below that a value is managed whole, so that a tag too many is a difference.
    """
    kept: Settings = {}
    for key, wanted in desired.items():
        if key not in settings:
            continue
        found = settings[key]
        if isinstance(wanted, dict) and isinstance(found, dict):
            kept[key] = {inner: found[inner] for inner in wanted if inner in found}
        else:
            kept[key] = found
    return kept


def differences(
    observed: Settings,
    desired: Settings,
    *,
    replaces: Callable[[tuple[str, ...]], bool] = lambda _path: False,
    locate: Locate = lambda _path: None,
) -> tuple[FieldChange, ...]:
    """Return the managed settings that differ, ordered by path. Empty means that nothing is to do."""
    after = _without_none(desired)
    before = managed_part(_without_none(observed), after)
    if canonical_json(before) == canonical_json(after):
        return ()  # compared as JSON, where True is not 1
    paths: set[tuple[str, ...]] = _differing(before, after) if before else {()}
    return tuple(
        FieldChange(
            path=path,
            before=_value(before, path),
            after=_value(after, path),
            forces_replace=replaces(path),
            where=locate(path),
        )
        for path in sorted(_leaves(paths, before, after))
    )


def _differing(before: Settings, after: Settings) -> set[tuple[str, ...]]:
    tree = DeepDiff(before, after, view="tree", ignore_order=False, threshold_to_diff_deeper=0)
    return {
        _in_manifest(after, tuple(str(part) for part in item.path(output_format="list")))
        for group in tree.values()
        for item in group
    }


def settings_listed(desired: Settings, *, locate: Locate = lambda _path: None) -> tuple[FieldChange, ...]:
    """Return every desired setting as a change from nothing, ordered by path."""
    return differences({}, desired, locate=locate)


def _leaves(paths: set[tuple[str, ...]], before: Json, after: Json) -> set[tuple[str, ...]]:
    """Split a path whose value is a mapping into the paths of its members, so that each line shows one setting."""
    found: set[tuple[str, ...]] = set()
    for path in paths:
        members = {
            key for side in (_value(before, path), _value(after, path)) if isinstance(side, dict) for key in side
        }
        if members and len(path) < 3:
            found |= _leaves({(*path, key) for key in members}, before, after)
        elif canonical_json(_value(before, path)) != canonical_json(_value(after, path)):
            found.add(path)
    return found


def _in_manifest(settings: Settings, path: tuple[str, ...]) -> tuple[str, ...]:
    """Cut a path where a manifest's keys end: after three (`filter.tags.class`), or at a list, which differs whole."""
    for length in range(1, 3):
        if isinstance(_value(settings, path[:length]), list):
            return path[:length]
    return path[:3]


def _value(settings: Json, path: tuple[str, ...]) -> Json:
    for part in path:
        if not isinstance(settings, dict) or part not in settings:
            return None
        settings = settings[part]
    return settings


def _holds(settings: Json, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(settings, dict) or part not in settings:
            return False
        settings = settings[part]
    return True


def _with(settings: Settings, path: tuple[str, ...], value: Json) -> Settings:
    """Return the settings with one of them set. None of what is given is changed."""
    if len(path) == 1:
        return {**settings, path[0]: value}
    inner = settings.get(path[0])
    return {**settings, path[0]: _with(inner if isinstance(inner, dict) else {}, path[1:], value)}


def _without_none(settings: Settings) -> Settings:
    """Leave out what is None, and groups without a setting: they are the same as what is not there."""
    kept: Settings = {
        key: {inner: part for inner, part in value.items() if part is not None} if isinstance(value, dict) else value
        for key, value in settings.items()
    }
    return {key: value for key, value in kept.items() if value is not None and value != {}}
