"""What one load comes to: the documents, where everything in them stands, and everything that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic.alias_generators import to_camel

from reconciler.manifest.documents import RawDocument
from reconciler.manifest.sources import Sources
from reconciler.model.finding import FieldPath, Finding, Severity, SourceRange
from reconciler.model.manifest import PolicySpec, ProviderDoc, ReplicationDoc, WorkspaceSpec
from reconciler.model.plan import SourceFile

__all__ = ["LoadedWorkspace"]


@dataclass(frozen=True)
class LoadedWorkspace:
    """Documents without mistakes, by name, in the order of their files; the others are in `findings`."""

    name: str
    """Of the Workspace document, else `default`."""
    settings: WorkspaceSpec
    providers: dict[str, ProviderDoc]
    replications: dict[str, ReplicationDoc]
    policies: dict[str, PolicySpec]
    findings: tuple[Finding, ...]
    """Sorted."""
    files: tuple[SourceFile, ...]
    """Every file that was read, variable files included."""
    base: Path
    """Folder that relative paths in documents are resolved against; absolute."""
    variables: str = ""
    """Digest of the values of all variables, wherever they come from; empty if there are none."""
    documents: Mapping[tuple[str, str], RawDocument] = field(default_factory=dict, repr=False, compare=False)
    """All documents as written, by kind and name."""
    sources: Sources = field(default_factory=Sources, repr=False, compare=False)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that forbid to go on."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def empty(self) -> bool:
        """Whether the files hold no document at all."""
        return not self.documents and not self.findings

    def locate(self, kind: str, name: str, path: FieldPath = ()) -> SourceRange | None:
        """Return where a value stands, or what is nearest above it; None for a document that was not read.

        Paths may name keys as in YAML (`storageClass`, `s3`) or as in the models (`storage_class`, `options`).
        Without a path it is the document's name.
        """
        document = self.documents.get((kind, name))
        if document is None:
            return None
        spot = document.root
        for part in path or ("metadata", "name"):
            inside = spot.inside or {}
            found = next((inside[key] for key in self._spellings(kind, document, part) if key in inside), None)
            if found is None:
                break
            spot = found
        return self.sources.range(spot.value_at)

    def _spellings(self, kind: str, document: RawDocument, part: str | int) -> tuple[str | int, ...]:
        if not isinstance(part, str):
            return (part,)
        if (kind, part) in (("Provider", "config"), ("Replication", "options")):
            return (part, *document.types)
        return (part, to_camel(part))
