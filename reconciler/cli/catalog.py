"""The installed provider types, as the manifest room asks for them and as `repl providers` shows them."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.engine.flows import owner_side
from reconciler.model.capabilities import CapabilityTable, CapabilityWord, ProviderRow
from reconciler.model.manifest import Config, Options
from reconciler.providers.base import Capability, ProviderInfo
from reconciler.providers.registry import Registry
from reconciler.report.providers import MEANINGS

__all__ = ["RegistryCatalog", "capability_table"]


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


def capability_table(registry: Registry) -> CapabilityTable:
    """Return what all types can do, and where data can go from each. Imports every type."""
    infos = registry.infos()
    return CapabilityTable(
        capabilities=tuple(CapabilityWord(name=one.value, meaning=MEANINGS[one.value]) for one in Capability),
        providers=tuple(row for info in infos for row in _rows(info, infos)),
    )


def _rows(info: ProviderInfo, infos: tuple[ProviderInfo, ...]) -> Iterator[ProviderRow]:
    there = tuple(sorted(other.type for other in infos if owner_side(info, other) is not None))
    for dialect, held in (("", info.capabilities), *sorted(info.dialects)):
        yield ProviderRow(
            type=info.type,
            dialect=dialect,
            title=info.title,
            capabilities=tuple(one.value for one in Capability if one in held),
            replicates_to=there,
            docs=info.docs,
        )
