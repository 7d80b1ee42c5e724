"""The kinds of document, and which model each is checked against."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol

from pydantic import TypeAdapter

from reconciler.model.manifest import Config, Metadata, Options, PolicySpec, ProviderDoc, ReplicationDoc, WorkspaceSpec
from reconciler.model.value import Document

__all__ = ["ENVELOPES", "KINDS", "MODELS", "Catalog", "PolicyDoc", "WorkspaceDoc"]


class Catalog(Protocol):
    """The provider types that documents may name."""

    @property
    def types(self) -> tuple[str, ...]:
        """Names of all installed types."""
        ...

    def models(self, type: str, /) -> tuple[type[Config], type[Options]]:  # noqa: A002 the word of the manifests
        """Return the models of one type's connection and options. Asked only for types that documents name."""
        ...


class PolicyDoc(Document):
    """Rules over all replications: where data may not go, and how much one apply may do."""

    api_version: Literal["repl/v1"]
    kind: Literal["Policy"]
    metadata: Metadata
    spec: PolicySpec


class WorkspaceDoc(Document):
    """Settings for all documents of a workspace. There is one at most."""

    api_version: Literal["repl/v1"]
    kind: Literal["Workspace"]
    metadata: Metadata
    spec: WorkspaceSpec = WorkspaceSpec()


MODELS: Mapping[str, type[Document]] = MappingProxyType(
    {"Provider": ProviderDoc, "Replication": ReplicationDoc, "Policy": PolicyDoc, "Workspace": WorkspaceDoc}
)
"""The model of each kind."""

ENVELOPES: Mapping[str, TypeAdapter[Document]] = MappingProxyType(
    {kind: TypeAdapter[Document](model) for kind, model in MODELS.items()}
)
"""Validators by kind, compiled once."""

KINDS = tuple(ENVELOPES)
