"""Evidence about data: what was looked at, how closely, and what was found."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from reconciler.model.value import Value

__all__ = ["Check", "Level", "ObjectFacts", "Outcome", "Verdict", "Verification", "VerificationReport"]


class Level(StrEnum):
    """How close a look. Each level says more than the one before."""

    STATUS = "status"
    """What the provider says about its own data plane."""
    CANARY = "canary"
    """A fresh object written at the source was seen at the destination, byte for byte."""
    PRESENCE = "presence"
    SIZE = "size"
    HASH = "hash"
    BYTES = "bytes"


class Verdict(StrEnum):
    """What is true of one key. The value is the sigil shown."""

    MATCH = "="
    MATCH_WEAKER = "~"
    """Equal at a weaker level than asked for."""
    MISSING = "+"
    EXTRA = "-"
    DIFFERS = "*"
    PENDING = ">"
    """Newer at the source than the lag allows to judge."""
    ERROR = "!"


class Outcome(StrEnum):
    """The answer for one replication."""

    PROVED = "proved"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


class ObjectFacts(Value):
    """What a store says about one object."""

    key: str
    size: int
    modified_at: datetime | None = None
    etag: str | None = None
    """As the store gives it. A multipart ETag is not an MD5."""
    checksums: dict[str, str] = {}
    """Algorithm (`sha256`, `crc32`, `md5`) to lower-case hex; only real checksums of the whole object."""
    storage_class: str | None = None
    metadata: dict[str, str] = {}
    """User metadata, keys in lower case."""
    version_id: str | None = None
    replication_status: str | None = None
    """As the store gives it: PENDING, COMPLETED, FAILED, REPLICA; None where it says nothing."""


class Check(Value):
    """One thing that was looked at."""

    name: str
    """`health`, `canary arrived`, `sha256`, `size`, `metadata`, `storage class`, `delete`, `cleanup`."""
    verdict: Verdict
    detail: str = ""


class Verification(Value):
    """The proof, or its absence, for one replication."""

    replication: str
    level: Level
    """The level that was asked for."""
    outcome: Outcome
    checks: tuple[Check, ...] = ()
    lag_s: float | None = None
    """Seconds from the write at the source to the sight at the destination; None if nothing arrived."""
    bytes_written: int = 0
    not_checked: tuple[str, ...] = ()
    """What this verification says nothing about, in words."""
    reason: str = ""
    """Why the outcome is not `proved`."""


class VerificationReport(Value):
    """The answer of `repl verify`."""

    format_version: str = "1.0"
    kind: Literal["repl.verification"] = "repl.verification"
    workspace: str
    verifications: tuple[Verification, ...] = ()
    """Ordered by replication name."""
