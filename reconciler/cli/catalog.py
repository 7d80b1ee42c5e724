"""The installed provider types, as the manifest room asks for them."""

from dataclasses import dataclass

from reconciler.model.manifest import Config, Options
from reconciler.providers.registry import Registry

__all__ = ["RegistryCatalog"]


@dataclass(frozen=True, slots=True)
class RegistryCatalog:
    """The registry as the manifest room needs it: the document models of each type."""

    registry: Registry

    @property
    def types(self) -> tuple[str, ...]:
        """Names of all types."""
        return self.registry.types

    def models(self, type: str) -> tuple[type[Config], type[Options]]:  # noqa: A002 the protocol's name
        """Return (config, options) of a type, which is loaded for it."""
        info = self.registry.load(type).info
        return info.config, info.options
