"""What the memory provider is, and what manifests may say about it."""

from dataclasses import replace
from enum import StrEnum

from pydantic import Field

from reconciler.model.finding import Severity
from reconciler.model.manifest import Config, Options
from reconciler.model.secret import SecretRef
from reconciler.model.step import EffectRule
from reconciler.providers.base import Capability, ProviderInfo

__all__ = ["INFO", "REPLACE", "RESYNC", "UNPROTECTED", "Grain", "MemoryConfig", "MemoryOptions", "info_for"]


class Grain(StrEnum):
    """What one write replaces: the two kinds of system that exist."""

    CONTAINER = "container"
    """All rules of the source bucket, written whole under ids that the client chooses."""
    RELATIONSHIP = "relationship"
    """One relationship, under an id that the server makes: creating twice makes two."""


class MemoryConfig(Config):
    """Connection to a world in this process."""

    world: str = Field(min_length=1)
    """Name of the `MemoryWorld`; two documents with one name reach the same system."""
    grain: Grain = Grain.CONTAINER
    continuous: bool = True
    """False: each run is a job that has to be started; creating starts the first."""
    replace: tuple[str, ...] = ()
    """Dotted paths of settings that cannot be changed in place, with all below them; `*` for every one."""

    def system(self) -> str:
        """Name the world: two documents with one world reach the same system."""
        return self.world


class MemoryOptions(Options):
    """What the memory provider adds to a Replication, under `memory`."""

    priority: int | None = None
    token: SecretRef | None = None
    """A credential for the other end, which is never returned."""


REPLACE = EffectRule(
    id="MEMORY-REPLACE",
    provider="memory",
    severity=Severity.WARNING,
    blocks=True,
    when="a setting that cannot be changed in place changes",
    happens="the relationship is deleted and created again; nothing is copied in between",
    instead="leave the setting as it is, or create a second replication and remove the first later",
    source="the reference provider's own rule",
    loses_protection=True,
    recopies=True,
)
RESYNC = EffectRule(
    id="MEMORY-RESYNC",
    provider="memory",
    severity=Severity.INFO,
    blocks=False,
    when="`existing: copy` on a new flow, or a resync on request",
    happens="everything at the source is sent again",
    instead="leave `existing` out",
    source="the reference provider's own rule",
    recopies=True,
)
UNPROTECTED = EffectRule(
    id="MEMORY-UNPROTECTED",
    provider="memory",
    severity=Severity.WARNING,
    blocks=False,
    when="a flow is deleted or paused",
    happens="new objects are not copied any more",
    instead="keep the flow active",
    source="the reference provider's own rule",
    loses_protection=True,
)

INFO = ProviderInfo(
    type="memory",
    title="Memory (the reference reading of the contract)",
    config=MemoryConfig,
    options=MemoryOptions,
    capabilities=frozenset(Capability) - {Capability.SCHEDULE, Capability.REPLICA, Capability.WHOLE_SYSTEM},
    speaks=frozenset({"memory"}),
    sends_to=frozenset({"memory"}),
    pulls_from=frozenset(),
    reach="the reference provider leads to itself",
    location_keys=frozenset({"bucket", "prefix"}),
    required_location_keys=frozenset({"bucket"}),
    effects=(REPLACE, RESYNC, UNPROTECTED),
    spec="reconciler/testing/memory/world.py",
    docs="reconciler/testing/memory/provider.py",
)


def info_for(config: MemoryConfig) -> ProviderInfo:
    """Return what is true of a provider with this configuration."""
    missing: set[Capability] = set()
    if not config.continuous:
        missing |= {Capability.CONTINUOUS, Capability.LOOP_GUARD}
    if config.grain is Grain.RELATIONSHIP:
        missing |= {Capability.CLIENT_IDS, Capability.OWNERSHIP_MARK}
    if "*" in config.replace:
        missing |= {Capability.UPDATE}
    return replace(INFO, capabilities=INFO.capabilities - missing)
