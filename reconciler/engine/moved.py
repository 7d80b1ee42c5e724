"""What a document would have to say for what is live: each value proved by what the provider makes of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from reconciler.engine.connect import Connections
from reconciler.engine.diff import shown_differences
from reconciler.engine.match import Desired
from reconciler.engine.peers import PeerFinder
from reconciler.manifest.template import literal
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.change import FieldChange
from reconciler.model.finding import Severity
from reconciler.model.manifest import Options, ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.model.value import Document, Json, canonical_json
from reconciler.providers.base import Imported
from reconciler.providers.registry import Registry

__all__ = ["MovedValue", "Mover", "as_literal"]

_Path = tuple[str, ...]
_Edits = dict[_Path, Json]
"""Values by their path below `spec`; None leaves the key out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedValue:
    """A setting of a written replication that is another one live."""

    replication: str
    path: tuple[str, ...]
    """From the document's root: ("spec", "state")."""
    value: Json


class Mover:
    """Finds the values that make documents say what is live."""

    def __init__(
        self, workspace: LoadedWorkspace, registry: Registry, connections: Connections, finder: PeerFinder
    ) -> None:
        self._workspace = workspace
        self._registry = registry
        self._connections = connections
        self._finder = finder

    def moved(self, want: Desired, item: Imported) -> tuple[tuple[MovedValue, ...], tuple[str, ...]]:
        """Return the values to write, and what no key of the document can say."""
        trial = _Trial(self, want, item)
        edits: _Edits = {}
        left = trial.left(edits) or ()
        for field in left:
            for value in _candidates(field, item.spec):
                edits = trial.better(edits, {field.path: value})
        ends = dict(self._ends(want.flow, item))
        for bare in (False, True):
            edits = trial.better(edits, trial.whole(ends, bare=bare))
        values = tuple(
            MovedValue(replication=want.flow.name, path=("spec", *path), value=as_literal(value))
            for path, value in sorted(edits.items())
        )
        return values, tuple(_unsaid(want.flow.name, field) for field in trial.left(edits) or ())

    def flow(self, flow: Flow, spec: ReplicationSpec) -> Flow:
        """Return a flow with another spec, its ends resolved again. Raises KeyError for an unknown provider."""
        source = self._workspace.providers[spec.source.provider]
        destination = self._workspace.providers[spec.destination.provider]
        changed = replace(flow, spec=spec, source=source, destination=destination)
        face = self._registry.load(changed.peer.spec.type).s3_endpoint(changed.peer.spec.config, self._workspace.base)
        return replace(changed, peer_s3=face)

    def options(self, flow: Flow) -> type[Options]:
        """Return the model of the owner's options."""
        return self._registry.load(flow.owner.spec.type).info.options

    def judged(self, flow: Flow, item: Imported) -> tuple[FieldChange, ...] | None:
        """Return what would still differ; None for a flow that the provider refuses."""
        provider = self._connections.provider(flow.owner.name)
        wanted = provider.normalise(flow)
        live = item.relationship.known_as(wanted.identity)
        if live is None or any(one.severity is Severity.ERROR for one in provider.check(flow)):
            return None
        return shown_differences(live, wanted.settings)

    def _ends(self, flow: Flow, item: Imported) -> Iterator[tuple[str, Json]]:
        for side, end in (("source", item.source), ("destination", item.destination)):
            found = self._finder.find(end, flow.owner.name, item)
            if isinstance(end, dict) and found is not None:
                yield side, {**end, "provider": found}


class _Trial:
    """One document, and what becomes of it with some edits."""

    def __init__(self, mover: Mover, want: Desired, item: Imported) -> None:
        self._mover, self._want, self._item = mover, want, item
        self._type = want.flow.owner.spec.type
        self._said = item.spec

    def left(self, edits: Mapping[_Path, Json]) -> tuple[FieldChange, ...] | None:
        """Return what differs with these edits; None if they make no document."""
        if not edits:
            live = self._item.relationship.known_as(self._want.relationship.identity) or self._item.relationship
            return shown_differences(live, self._want.relationship.settings)
        try:
            flow = self._mover.flow(self._want.flow, self._edited(edits))
        except (ValidationError, KeyError):
            return None
        return self._mover.judged(flow, self._item)

    def better(self, edits: _Edits, more: _Edits) -> _Edits:
        """Return the edits with more of them if less differs then, else as they were."""
        before = self.left(edits) or ()
        if not before or not more:
            return edits
        after = self.left(edits | more)
        if after is None or len(after) >= len(before):
            return edits
        for path in more if len(more) > 1 else ():
            fewer = {key: value for key, value in more.items() if key != path}
            found = self.left(edits | fewer)
            if found is not None and len(found) == len(after):
                more = fewer
        return edits | more

    def whole(self, ends: Mapping[str, Json], *, bare: bool) -> _Edits:
        """Return every key in which an import would say something else: for settings that several keys make.

        `bare`: without the options that an import would not say.
        """
        spec = self._want.flow.spec
        own = {**_mapping(self._item.renamed.get(self._type)), **_mapping(self._said.get(self._type))}
        edits: _Edits = {}
        for side, end in ends.items():
            edits |= _other(side, _plain(getattr(spec, side)), _mapping(end), bare=True)
        edits |= _other("filter", _plain(spec.filter), _mapping(self._said.get("filter")), bare=False)
        edits |= _other("verify", _plain(spec.verify), _mapping(self._said.get("verify")), bare=False)
        return edits | _other(self._type, _plain(spec.options), own, bare=bare)

    def _edited(self, edits: Mapping[_Path, Json]) -> ReplicationSpec:
        spec = self._want.flow.spec
        given: dict[str, object] = {
            ReplicationSpec.model_fields[name].alias or name: getattr(spec, name)
            for name in spec.model_fields_set
            if name != "options"
        }
        options: dict[str, Json] = _plain(spec.options)
        for path, value in edits.items():
            if path[0] == self._type:
                _put(options, path[1:], value)
            elif len(path) == 1:
                given[path[0]] = value
            else:
                held = given.get(path[0])
                given[path[0]] = inner = _plain(held) if isinstance(held, Document) else _mapping(held)
                _put(inner, path[1:], value)
        made = ReplicationSpec.model_validate({key: value for key, value in given.items() if value is not None})
        if not options and spec.options is None:
            return made
        return made.model_copy(update={"options": self._mover.options(self._want.flow).model_validate(options)})


def as_literal(value: Json) -> Json:
    """Return a value with its texts written so that none is taken for a template."""
    if isinstance(value, dict):
        return {key: as_literal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_literal(inner) for inner in value]
    return literal(value) if isinstance(value, str) else value


def _candidates(field: FieldChange, said: Mapping[str, Json]) -> Iterator[Json]:
    """Yield what may be written for a setting: as an import would, as the system says it, or nothing for nothing."""
    value: Json = dict(said)
    for part in field.path:
        value = value.get(part) if isinstance(value, dict) else None
    if value is not None:
        yield value
    yield field.before


def _other(group: str, held: Mapping[str, Json], said: Mapping[str, Json], *, bare: bool) -> _Edits:
    """Return what makes one mapping into another; with `bare`, what only the first one has is taken out."""
    pairs = {key: (held.get(key), said.get(key)) for key in (*said, *(held if bare else ()))}
    return {
        (group, key): after
        for key, (before, after) in pairs.items()
        if canonical_json([before]) != canonical_json([after])
    }


def _unsaid(name: str, field: FieldChange) -> str:
    live = "not set" if field.before is None else canonical_json([field.before])[1:-1]
    return f"{name}: {field.dotted} is {live} live, which no value here can say: `repl plan` shows what would be done"


def _plain(document: Document | None) -> dict[str, Json]:
    if document is None:
        return {}
    return document.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)


def _put(mapping: dict[str, Json], path: Sequence[str], value: Json) -> None:
    for part in path[:-1]:
        inner = mapping.get(part)
        mapping[part] = inner = dict(inner) if isinstance(inner, dict) else {}
        mapping = inner
    if value is None:
        mapping.pop(path[-1], None)
    else:
        mapping[path[-1]] = value


def _mapping(value: object) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}
