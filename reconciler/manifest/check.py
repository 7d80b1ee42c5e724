"""One document against the model of its kind, options and connection settings included."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconciler.manifest.codes import Code, Mistake
from reconciler.manifest.complaints import Complaints
from reconciler.manifest.documents import RawDocument
from reconciler.manifest.envelope import ENVELOPES, KINDS, MODELS, Catalog
from reconciler.manifest.fields import known_fields, secret_fields
from reconciler.manifest.sources import Sources
from reconciler.manifest.wording import closest, listed, show
from reconciler.model.finding import FieldPath
from reconciler.model.manifest import API_VERSION, Config, Options, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.value import Document

__all__ = ["Checker"]

_SPEC = TypeAdapter[Document](ReplicationSpec)
_LIMITS = tuple(name for name in known_fields(ProviderSpec, ()) if name not in ("type", "config"))
_ABOUT_VALUES = (Code.KIND, Code.API_VERSION)
_PORTABLE = known_fields(ReplicationSpec, ())


@dataclass(frozen=True, slots=True)
class _TypeModels:
    """One provider type's models, with their validators compiled."""

    config: type[Config]
    options: type[Options]
    read_config: TypeAdapter[Document]
    read_options: TypeAdapter[Document]


class Checker:
    """Turns raw documents into checked ones and collects what is wrong with them."""

    def __init__(self, catalog: Catalog, sources: Sources) -> None:
        self._catalog = catalog
        self._types = frozenset(catalog.types)
        self._sources = sources
        self._loaded: dict[str, _TypeModels] = {}

    def types_in(self, spec: dict[str, Any] | None) -> list[str]:
        """Return the provider types that a spec has keys for, in the order written."""
        return [] if spec is None or self._types.isdisjoint(spec) else [key for key in spec if key in self._types]

    def envelope(self, document: RawDocument) -> bool:
        """Say whether it is clear what a document is; report it if not."""
        data = document.data
        if not isinstance(data, dict):
            hint = "a document is a mapping with apiVersion, kind, metadata and spec"
            self._report(document, Code.NOT_A_MAPPING, (), f"found {show(data)}", hint)
            return False
        kind, version = data.get("kind"), data.get("apiVersion")
        if document.kind not in ENVELOPES and version != API_VERSION:
            shown = f"apiVersion: {show(version)}, kind: {show(kind)}"
            hint = f"manifests have apiVersion: {API_VERSION}; to leave other YAML out, name files with -f"
            self._report(document, Code.API_VERSION, ("apiVersion",), shown, hint)
        elif document.kind not in ENVELOPES:
            best = closest(kind, KINDS) if isinstance(kind, str) else None
            hint = f"did you mean {best}?" if best else f"kinds: {listed(KINDS, 'and')}"
            self._report(document, Code.KIND, ("kind",), f"kind: {show(kind)}", hint)
        elif version != API_VERSION:
            hint = f"write apiVersion: {API_VERSION}"
            self._report(document, Code.API_VERSION, ("apiVersion",), f"apiVersion: {show(version)}", hint)
        return document.kind in ENVELOPES

    def check(self, document: RawDocument) -> Document | None:
        """Return the checked document, or None if something is wrong with it."""
        before = len(self._sources.mistakes)
        data = (
            document.data
            if document.data.get("apiVersion") == API_VERSION
            else {**document.data, "apiVersion": API_VERSION}
        )
        spec = document.spec
        fields: tuple[str, ...] = ()
        if spec is not None and document.kind == "Provider":
            data, fields = {**data, "spec": self._provider_spec(document, spec)}, (*_LIMITS, *self._catalog.types)
        elif spec is not None and document.kind == "Replication":
            data, fields = {**data, "spec": self._replication_spec(document, spec)}, (*_PORTABLE, *self._catalog.types)
        kind = document.kind or ""
        complaints = Complaints(document, MODELS[kind], self._sources, spec_fields=fields)
        checked = self._validate(ENVELOPES[kind], data, complaints)
        return checked if len(self._sources.mistakes) == before and not document.broken else None

    def default(self, workspace: RawDocument, path: FieldPath, spec: dict[str, Any]) -> None:
        """Check the spec of a default by itself; it need not be complete."""
        fields = (*_PORTABLE, *self._catalog.types)
        complaints = Complaints(workspace, ReplicationSpec, self._sources, path, fields, path)
        rest = {key: value for key, value in spec.items() if key not in self._types}
        for name in self.types_in(spec):
            self._under_type(workspace, (*path, name), spec[name], options=True)
        self._validate(_SPEC, self._without(rest, ("options",), complaints), complaints, partial=True)

    def _provider_spec(self, document: RawDocument, spec: dict[str, Any]) -> dict[str, Any]:
        named = self.types_in(spec)
        rest = {key: value for key, value in spec.items() if key not in self._types}
        complaints = Complaints(document, ProviderDoc, self._sources, (), (*_LIMITS, *self._catalog.types))
        rest = self._without(rest, ("type", "config"), complaints)
        if not named:
            if rest.keys() <= set(_LIMITS):  # else the finding about the unknown key says it
                hint = f"types: {listed(self._catalog.types, 'and')}" if self._catalog.types else None
                self._report(document, Code.NO_PROVIDER_TYPE, ("spec",), "no key of the spec is a type", hint)
            return {**rest, "type": "", "config": Config()}
        self._refuse_second(document, named)
        config = self._under_type(document, ("spec", named[0]), spec[named[0]], options=False)
        return {**rest, "type": named[0], "config": config or Config()}

    def _replication_spec(self, document: RawDocument, spec: dict[str, Any]) -> dict[str, Any]:
        named = self.types_in(spec)
        if not named and "options" not in spec:
            return spec
        rest = {key: value for key, value in spec.items() if key not in self._types}
        complaints = Complaints(document, MODELS["Replication"], self._sources, (), (*_PORTABLE, *self._catalog.types))
        rest = self._without(rest, ("options",), complaints)
        self._refuse_second(document, named)
        for name in named:
            options = self._under_type(document, ("spec", name), spec[name], options=True)
            rest.setdefault("options", options)
        return rest

    def _refuse_second(self, document: RawDocument, named: list[str]) -> None:
        for name in named[1:]:
            first = self._sources.place(document.trace(("spec", named[0])).spot.key_at)
            hint = "keep one of the two"
            self._report(
                document, Code.TWO_PROVIDER_TYPES, ("spec", name), f"{name}, beside {named[0]} at {first}", hint
            )

    def _without(self, spec: dict[str, Any], reserved: tuple[str, ...], complaints: Complaints) -> dict[str, Any]:
        """Refuse names that the models have for what stands under a type's own key in YAML."""
        for name in reserved:
            if name in spec:
                self._sources.mistakes += complaints.once((*complaints.spec_path, name), complaints.unknown_field)
        return {key: value for key, value in spec.items() if key not in reserved}

    def _under_type(self, document: RawDocument, path: FieldPath, value: Any, *, options: bool) -> Document | None:
        models = self._models(str(path[-1]))
        model, adapter = (models.options, models.read_options) if options else (models.config, models.read_config)
        complaints = Complaints(document, model, self._sources, path)
        return self._validate(adapter, {} if value is None else value, complaints)

    def _validate(
        self, adapter: TypeAdapter[Document], data: Any, complaints: Complaints, *, partial: bool = False
    ) -> Document | None:
        try:
            checked = adapter.validator.validate_python(data, by_alias=True, by_name=False)
        except ValidationError as error:
            found = complaints.mistakes(error)
            self._sources.mistakes += (one for one in found if not (partial and one.code is Code.MISSING_FIELD))
            return None
        if complaints.document.truths:
            for path in _truth_as_number(data, checked):
                place = (*complaints.prefix, *path)
                self._sources.mistakes += complaints.once(place, complaints.truth_as_number)
        return checked if isinstance(checked, Document) else None

    def _models(self, name: str) -> _TypeModels:
        if name not in self._loaded:
            config, options = self._catalog.models(name)
            adapters = TypeAdapter[Document](config), TypeAdapter[Document](options)
            self._loaded[name] = _TypeModels(config, options, *adapters)
            self._sources.masks.keys |= secret_fields(config) | secret_fields(options)
        return self._loaded[name]

    def _report(self, document: RawDocument, code: Code, path: FieldPath, detail: str, hint: str | None) -> None:
        trace = document.trace(path)
        at = trace.spot.value_at if code in _ABOUT_VALUES and not trace.missed else trace.spot.key_at
        self._sources.mistakes.append(
            Mistake(code=code, at=at, detail=detail, hint=hint, kind=document.kind, name=document.name, path=path)
        )


def _truth_as_number(raw: Any, checked: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    """Yield where true or false was taken for 1 or 0, which pydantic does and no writer of YAML means."""
    if raw is True or raw is False:
        if isinstance(checked, int | float) and not isinstance(checked, bool):
            yield path
    elif isinstance(raw, dict):
        for key, value in _by_key(checked).items():
            if key in raw:
                yield from _truth_as_number(raw[key], value, (*path, key))
    elif isinstance(raw, list) and isinstance(checked, tuple | list):
        for index, (before, after) in enumerate(zip(raw, checked, strict=False)):
            yield from _truth_as_number(before, after, (*path, index))


def _by_key(checked: Any) -> dict[str, Any]:
    """Return the values of a model or mapping by their keys in YAML."""
    if isinstance(checked, Document):
        return {field.alias or name: getattr(checked, name) for name, field in type(checked).model_fields.items()}
    return checked if isinstance(checked, dict) else {}
