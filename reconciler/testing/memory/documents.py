"""Documents and flows over memory worlds, as a manifest would give them, for tests that need no YAML."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.model.secret import SecretRef
from reconciler.providers.base import Access, Connection, Provider, SecretResolver
from reconciler.testing.memory.config import MemoryConfig, MemoryOptions
from reconciler.testing.memory.provider import MemoryType

__all__ = ["Secrets", "memory_flow", "memory_provider", "open_memory"]


class Secrets:
    """Resolves `{env: NAME}` from a given mapping, and notes where each secret was to be sent."""

    def __init__(self, **values: str) -> None:
        self._values = values
        self.asked: list[tuple[str, str | None]] = []

    def resolve(self, ref: SecretRef, *, send_to: str | None = None) -> SecretStr:
        """Return the value of that name. Raises ProviderError SECRET."""
        self.asked.append((str(ref), send_to))
        return self.resolve_here(ref)

    def resolve_here(self, ref: SecretRef) -> SecretStr:
        """Return the value of that name. Raises ProviderError SECRET."""
        if ref.env not in self._values:
            raise ProviderError(f"{ref} is not set", code=ErrorCode.SECRET, provider="secrets", operation="resolve")
        return SecretStr(self._values[ref.env])


def memory_provider(name: str, labels: dict[str, str] | None = None, **config: Any) -> ProviderDoc:
    """Make a Provider document; the world has the provider's name unless told otherwise."""
    spec = ProviderSpec(type="memory", config=MemoryConfig.model_validate({"world": name} | config))
    metadata = Metadata(name=name, labels=labels or {})
    return ProviderDoc(api_version="repl/v1", kind="Provider", metadata=metadata, spec=spec)


def memory_flow(
    name: str,
    source: tuple[ProviderDoc, str],
    destination: tuple[ProviderDoc, str],
    *,
    workspace: str = "test",
    labels: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
    **spec: Any,
) -> Flow:
    """Make a flow; each end is (provider, `bucket/prefix`), the rest are keys of the Replication's spec."""
    made = ReplicationSpec.model_validate(
        {"source": _location(*source), "destination": _location(*destination)} | spec,
    )
    if options is not None:
        made = made.model_copy(update={"options": MemoryOptions.model_validate(options)})
    return Flow(
        name=name,
        workspace=workspace,
        spec=made,
        labels=labels or {},
        source=source[0],
        destination=destination[0],
        owner_side="source",
        peer_s3=None,
    )


def open_memory(
    doc: ProviderDoc, *, access: Access = Access.WRITE, workspace: str = "test", secrets: SecretResolver | None = None
) -> Provider:
    """Open a memory provider."""
    return MemoryType().connect(
        Connection(doc=doc, secrets=secrets or Secrets(), access=access, base=Path(), workspace=workspace)
    )


def _location(provider: ProviderDoc, place: str) -> dict[str, str]:
    bucket, _, prefix = place.partition("/")
    return {"provider": provider.name, "bucket": bucket} | ({"prefix": prefix} if prefix else {})
