"""Which provider types are installed: found through entry points, loaded only when a manifest names them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from reconciler.errors import InternalError, UsageError
from reconciler.model.step import EffectRule
from reconciler.providers.base import ProviderInfo, ProviderType

__all__ = ["GROUP", "Registry"]

GROUP = "repl.providers"


@dataclass(frozen=True)
class Registry:
    """Provider types by name. Making one reads package metadata only; `load` imports one type."""

    points: Mapping[str, EntryPoint]

    @classmethod
    def installed(cls, points: Iterable[EntryPoint] | None = None) -> "Registry":
        """Find the installed types. Raises UsageError if two distributions offer the same type."""
        found: dict[str, EntryPoint] = {}
        for point in entry_points(group=GROUP) if points is None else points:
            other = found.setdefault(point.name, point)
            if other.value != point.value:
                raise UsageError(
                    f"two packages offer the provider type {point.name!r}: {_origin(other)} and {_origin(point)}",
                    hint="uninstall one of them",
                )
        return cls(points=dict(sorted(found.items())))

    @cached_property
    def types(self) -> tuple[str, ...]:
        """Names of all types, sorted. Imports nothing."""
        return tuple(self.points)

    def load(self, name: str) -> ProviderType:
        """Import one type. Raises KeyError if there is none, InternalError if it does not load."""
        try:
            loaded: ProviderType = self.points[name].load()
        except (ImportError, AttributeError) as error:
            raise InternalError(
                f"the provider type {name!r} ({_origin(self.points[name])}) does not load: {error}"
            ) from error
        return loaded

    def infos(self) -> tuple[ProviderInfo, ...]:
        """Import every type and return what is known of each, sorted by type."""
        return tuple(self.load(name).info for name in self.types)

    def effect(self, rule: str) -> EffectRule | None:
        """Find an effect rule by id among all types."""
        return next((effect for info in self.infos() for effect in info.effects if effect.id == rule), None)


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
