"""The provider type `memory`: a reference provider over a world in this process, for tests of the host."""

from reconciler.testing.memory.config import Grain, MemoryConfig, MemoryOptions
from reconciler.testing.memory.documents import Secrets, memory_flow, memory_provider, open_memory
from reconciler.testing.memory.provider import MemoryProvider, MemoryType
from reconciler.testing.memory.records import DataPlane, LoggedRequest, MemoryObject, Rule, WorldError
from reconciler.testing.memory.world import MemoryWorld

__all__ = [
    "TYPE",
    "DataPlane",
    "Grain",
    "LoggedRequest",
    "MemoryConfig",
    "MemoryObject",
    "MemoryOptions",
    "MemoryProvider",
    "MemoryType",
    "MemoryWorld",
    "Rule",
    "Secrets",
    "WorldError",
    "memory_flow",
    "memory_provider",
    "open_memory",
]

TYPE = MemoryType()
