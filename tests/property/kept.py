"""Connections that all examples of a property share."""

from typing import Any

from reconciler.model.manifest import Location
from reconciler.model.observation import LocationFacts
from reconciler.providers.base import Access, Provider
from tests.contract.harnesses.emulated import EmulatedHarness


class OpensOnce(EmulatedHarness):
    """A harness that opens each connection once, and looks at a bucket once: what buckets are does not change here."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._kept: dict[tuple[Access, str | None], Kept] = {}

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        if (access, provider) not in self._kept:
            self._kept[access, provider] = Kept(super().connect(access, provider))
        return self._kept[access, provider]  # type: ignore[return-value]

    def end(self) -> None:
        for provider in self._kept.values():
            provider.end()
        self.close()


class Kept:
    """A provider that stays open until the end."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._facts: dict[Location, LocationFacts] = {}

    def inspect(self, location: Location) -> LocationFacts:
        if location not in self._facts:
            self._facts[location] = self._provider.inspect(location)
        return self._facts[location]

    def close(self) -> None:
        """Nothing: it is used again."""

    def end(self) -> None:
        self._provider.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)
