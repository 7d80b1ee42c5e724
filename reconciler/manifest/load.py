"""Files to a workspace: everything that is wrong in all of them, in one run."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from reconciler.manifest import files
from reconciler.manifest.check import Checker
from reconciler.manifest.codes import Code, Mistake
from reconciler.manifest.defaults import FilledDefault, defaults_of, fill
from reconciler.manifest.documents import RawDocument
from reconciler.manifest.envelope import Catalog, PolicyDoc, WorkspaceDoc
from reconciler.manifest.references import Index
from reconciler.manifest.sources import Sources
from reconciler.manifest.syntax import parse
from reconciler.manifest.variables import collect, fill_in
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.manifest import ProviderDoc, ReplicationDoc, WorkspaceSpec
from reconciler.model.value import Document, digest

__all__ = ["Catalog", "LoadedWorkspace", "load"]

_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


def load(
    paths: Sequence[Path],
    *,
    catalog: Catalog,
    variables: Mapping[str, str] = _NO_VARIABLES,
    variable_files: Sequence[Path] = (),
) -> LoadedWorkspace:
    """Read manifests. What a user can get wrong is in the findings and raises nothing.

    Args:
        paths: files, or folders of which every *.yaml and *.yml is taken; the current folder if there are none.
        catalog: the provider types that documents may name.
        variables: values for `{{ vars.x }}`; they win over those of files and of the Workspace.
        variable_files: YAML files that map names to values; a later file wins.
    """
    with _no_collection():
        loading = _Loading(catalog)
        loading.read(paths or (Path(),))
        loading.resolve(variable_files, variables)
        loading.check()
    return loading.result(files.base_of(paths))


@dataclass(slots=True)
class _Loading:
    """The state of one load, from one step to the next."""

    catalog: Catalog
    sources: Sources = field(default_factory=Sources)
    documents: list[RawDocument] = field(default_factory=list)
    workspace: RawDocument | None = None
    index: Index = field(default_factory=Index)
    checked: list[Document] = field(default_factory=list)
    variables: str = ""

    def read(self, paths: Sequence[Path]) -> None:
        """Parse all files."""
        for path in files.find(paths, self.sources):
            source = files.read(path, self.sources)
            if source is not None:
                self.documents += parse(source, self.sources)

    def resolve(self, variable_files: Sequence[Path], given: Mapping[str, str]) -> None:
        """Find the Workspace and replace templates."""
        found = [document for document in self.documents if document.kind == "Workspace"]
        self.workspace = found[0] if found else None
        for second in found[1:]:
            self.documents.remove(second)
            detail = f"the first is at {self.sources.place(found[0].root.value_at)}"
            at, hint = second.trace(("kind",)).spot.value_at, "merge them into one"
            self.sources.mistakes.append(Mistake(code=Code.SECOND_WORKSPACE, at=at, detail=detail, hint=hint))
        values = collect(self.workspace, variable_files, given, self.sources)
        self.variables = (
            digest({name: [type(one).__name__, str(one)] for name, one in values.items()}) if values else ""
        )
        fill_in(self.documents, values, self.sources)

    def check(self) -> None:
        """Check every document by itself, then what they say about each other."""
        checker = Checker(self.catalog, self.sources)
        known = [document for document in self.documents if checker.envelope(document)]
        self.sources.mistakes += self.index.fill(known, checker, self.sources)
        found: list[FilledDefault] = []
        if self.workspace is not None:
            found = defaults_of(self.workspace)
            for default in found:
                checker.default(self.workspace, default.path, default.spec)
        for document in known:
            if document.kind == "Replication":
                self._fill(document, found)
                self.sources.mistakes += self.index.check(document)
            checked = checker.check(document)
            if checked is not None and self.index.documents.get((document.kind or "", document.name or "")) is document:
                self.checked.append(checked)

    def result(self, base: Path) -> LoadedWorkspace:
        """Return what was loaded."""
        workspace = next((one for one in self.checked if isinstance(one, WorkspaceDoc)), None)
        return LoadedWorkspace(
            name="default" if workspace is None else workspace.metadata.name,
            settings=WorkspaceSpec() if workspace is None else workspace.spec,
            providers={one.name: one for one in self.checked if isinstance(one, ProviderDoc)},
            replications={one.name: one for one in self.checked if isinstance(one, ReplicationDoc)},
            policies={one.metadata.name: one.spec for one in self.checked if isinstance(one, PolicyDoc)},
            findings=self.sources.findings(),
            files=self.sources.files(),
            variables=self.variables,
            base=base,
            documents=self.index.documents,
            sources=self.sources,
        )

    def _fill(self, replication: RawDocument, found: Sequence[FilledDefault]) -> None:
        ends = self.index.end_types(replication)
        if found and self.workspace is not None and fill(replication, found, frozenset(self.catalog.types), ends):
            replication.types = tuple(name for name in replication.spec or () if name in self.catalog.types)
            # What is wrong in a default has been said once, at the default.
            replication.broken |= self.workspace.broken
            replication.truths |= self.workspace.truths


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the cyclic collector from walking the growing tree again and again; nothing here makes cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
