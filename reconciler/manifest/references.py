"""What documents say about each other: names used twice, providers that are not there, options of the wrong type."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reconciler.manifest.check import Checker
from reconciler.manifest.codes import Code, Mistake
from reconciler.manifest.documents import RawDocument
from reconciler.manifest.sources import Sources
from reconciler.manifest.wording import did_you_mean, show
from reconciler.model.finding import FieldPath

__all__ = ["Index"]

_ENDS = ("source", "destination")


@dataclass(slots=True)
class Index:
    """Documents by kind and name; the first of a name counts."""

    documents: dict[tuple[str, str], RawDocument] = field(default_factory=dict)
    providers: set[str] = field(default_factory=set)
    """Names of all declared providers; they need not be right otherwise."""
    types: dict[str, str] = field(default_factory=dict)
    """Type of each declared provider that says one."""

    def fill(self, documents: Iterable[RawDocument], checker: Checker, sources: Sources) -> Iterator[Mistake]:
        """Take in documents whose envelope is right; yield what is there twice."""
        for document in documents:
            kind, name = document.kind, document.name
            document.types = tuple(checker.types_in(document.spec))
            if kind is None or name is None:
                continue
            first = self.documents.setdefault((kind, name), document)
            if first is not document:
                place = sources.place(first.trace(("metadata", "name")).spot.value_at)
                yield _mistake(
                    document, Code.DUPLICATE_NAME, ("metadata", "name"), f"{kind} {show(name)} is also at {place}"
                )
            elif kind == "Provider":
                self.providers.add(name)
                self.types.update((name, one) for one in document.types[:1])

    def end_types(self, replication: RawDocument) -> set[str]:
        """Return the types of the providers at both ends, as far as known."""
        return {self.types[name] for name in self._ends(replication).values() if name in self.types}

    def check(self, replication: RawDocument) -> Iterator[Mistake]:
        """Yield what a Replication says about providers that is not so."""
        ends = self._ends(replication)
        for end, name in ends.items():
            path = ("spec", end, "provider")
            if name not in self.providers and replication.trace(path).spot.value_at not in replication.broken:
                hint = did_you_mean(name, sorted(self.providers), "declare it: kind: Provider")
                yield _mistake(replication, Code.UNKNOWN_PROVIDER, path, f"there is no Provider {show(name)}", hint)
        if len(ends) < len(_ENDS) or not self.types.keys() >= set(ends.values()):
            return
        types = self.end_types(replication)
        for name in replication.types:
            if name not in types:
                says = " and ".join(f"{end} is {self.types[provider]}" for end, provider in ends.items())
                hint = f"only options of the provider that owns the replication belong here; {says}"
                yield _mistake(replication, Code.FOREIGN_OPTIONS, ("spec", name), name, hint)

    def _ends(self, replication: RawDocument) -> dict[str, str]:
        spec = replication.spec or {}
        locations = {end: spec.get(end) for end in _ENDS}
        providers = {end: place.get("provider") for end, place in locations.items() if isinstance(place, dict)}
        return {end: name for end, name in providers.items() if isinstance(name, str)}


def _mistake(document: RawDocument, code: Code, path: FieldPath, detail: str, hint: str | None = None) -> Mistake:
    spot = document.trace(path).spot
    at = spot.key_at if code is Code.FOREIGN_OPTIONS else spot.value_at
    return Mistake(code=code, at=at, detail=detail, hint=hint, kind=document.kind, name=document.name, path=path)
