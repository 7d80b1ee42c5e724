"""What the provider types can do, as a table: for `repl providers`, its JSON and the page that is made from it."""

from reconciler.model.value import Value

__all__ = ["CapabilityTable", "CapabilityWord", "ProviderRow"]


class CapabilityWord(Value):
    """One thing that a provider may be able to do."""

    name: str
    """`storage_class`."""
    meaning: str
    """One clause: `holds \\`storageClass\\``."""


class ProviderRow(Value):
    """One provider type, or one flavour of it that can do something else."""

    type: str
    """The key in manifests: `s3`."""
    dialect: str = ""
    """The flavour, where the type's capabilities are not its own: `rgw`."""
    title: str
    capabilities: tuple[str, ...]
    """Names of what it can do, in the table's order."""
    replicates_to: tuple[str, ...] = ()
    """Types that data can go to from here, sorted, whichever of the two ends owns the replication."""
    docs: str
    """Where more is written about it."""

    @property
    def name(self) -> str:
        """How the table calls it: `s3`, `s3 rgw`."""
        return f"{self.type} {self.dialect}".rstrip()


class CapabilityTable(Value):
    """All provider types at hand."""

    format_version: str = "1.0"
    capabilities: tuple[CapabilityWord, ...]
    """All there are, in the order to be shown."""
    providers: tuple[ProviderRow, ...]
    """Sorted by type, a type before its dialects."""
