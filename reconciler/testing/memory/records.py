"""What a world holds: objects, rules, jobs, faults, and the log of what it was asked."""

from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Literal

from reconciler.errors import ErrorCode

__all__ = [
    "DEFAULTS",
    "Access",
    "DataPlane",
    "Document",
    "Fault",
    "Job",
    "LoggedRequest",
    "MemoryObject",
    "Rule",
    "WorldError",
]

Access = Literal["read", "write"]

Document = dict[str, Any]
"""A rule on the wire: {"source": {"bucket", "prefix"}, "destination": {"world", "bucket", "prefix"}, "state", ...}."""

DEFAULTS: Document = {
    "state": "active",
    "deletes": "keep",
    "storageClass": "STANDARD",
    "filter": {"exclude": [], "tags": {}},
    "memory": {"priority": 0},
}
"""What the server fills in where a document says nothing."""


class WorldError(Exception):
    """The server refuses, or its answer is lost."""

    def __init__(self, code: ErrorCode, message: str, *, ambiguous: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.ambiguous = ambiguous


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request that reached the server."""

    plane: Literal["control", "data"]
    access: Literal["read", "write"]
    operation: str
    target: str
    at: datetime
    fault: str = ""
    """Why it was not answered, where a fault was injected."""


@dataclass(slots=True, kw_only=True)
class MemoryObject:
    """One object."""

    data: bytes
    modified_at: datetime
    metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    replication_status: str | None = None


@dataclass(slots=True, kw_only=True)
class Job:
    """One run of a rule that does not copy by itself: it takes what is there at its start, seen at its end."""

    ends_at: float
    keys: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Rule:
    """One relationship as the server holds it."""

    id: str
    document: Document
    continuous: bool
    token: str | None = None
    """The secret that was sent; never returned."""
    job: Job | None = None
    last_success_at: datetime | None = None
    failed: int = 0

    @property
    def active(self) -> bool:
        """Whether it copies."""
        return bool(self.document["state"] == "active")

    def takes(self, bucket: str, key: str, tags: dict[str, str]) -> bool:
        """Say whether an object falls under this rule."""
        source, chosen = self.document["source"], self.document["filter"]
        relative = key.removeprefix(source["prefix"])
        return (
            bucket == source["bucket"]
            and key.startswith(source["prefix"])
            and not any(fnmatchcase(relative, glob) for glob in chosen["exclude"])
            and chosen["tags"].items() <= tags.items()
        )


@dataclass(slots=True, kw_only=True)
class DataPlane:
    """How a world copies, and how that goes wrong."""

    latency_s: float = 0.0
    """From a write to its copy, for continuous rules."""
    job_s: float = 0.0
    """How long one job runs."""
    stalled: bool = False
    """Nothing arrives and nothing is said to be wrong."""
    failing: bool = False
    """Nothing arrives, and objects and health say so."""
    corrupts: bool = False
    """Copies have their first byte changed."""
    drops_metadata: bool = False
    silent: bool = False
    """Health is unknown, whatever happens."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next requests of one kind."""

    operation: str
    target: str | None
    error: WorldError
    committed: bool
    times: int
