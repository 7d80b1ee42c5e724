"""Opens the providers that a workspace names, each once, and closes them all."""

from threading import Lock
from types import TracebackType
from typing import Self

from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.manifest import ProviderDoc
from reconciler.providers.base import Access, Connection, Provider, SecretResolver
from reconciler.providers.registry import Registry

__all__ = ["Connections"]


class Connections:
    """Open providers by name. Opening touches no network. Safe to use from several threads."""

    def __init__(
        self, workspace: LoadedWorkspace, registry: Registry, secrets: SecretResolver, access: Access = Access.READ
    ) -> None:
        self.access = access
        self._workspace = workspace
        self._registry = registry
        self._secrets = secrets
        self._open: dict[str, Provider] = {}
        self._lock = Lock()

    def provider(self, name: str) -> Provider:
        """Return the provider of that name. Raises KeyError if the workspace has none."""
        with self._lock:
            if name not in self._open:
                doc = self._workspace.providers[name]
                self._open[name] = self._registry.load(doc.spec.type).connect(
                    Connection(
                        doc=doc,
                        secrets=self._secrets,
                        access=self.access,
                        base=self._workspace.base,
                        limits=doc.spec.limits,
                        workspace=self._workspace.name,
                        siblings=self._siblings(doc),
                    )
                )
            return self._open[name]

    def _siblings(self, doc: ProviderDoc) -> tuple[ProviderDoc, ...]:
        others = (one for _, one in sorted(self._workspace.providers.items()) if one.name != doc.name)
        return tuple(one for one in others if one.spec.type == doc.spec.type)

    def known(self, name: str) -> bool:
        """Say whether the workspace has a provider of that name."""
        return name in self._workspace.providers

    def close(self) -> None:
        """Close all that were opened."""
        with self._lock:
            for provider in self._open.values():
                provider.close()
            self._open.clear()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all."""
        self.close()
