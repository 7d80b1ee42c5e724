"""Evidence about data: what was looked at, how closely, and what was found."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from reconciler.model.value import Value

__all__ = [
    "Check",
    "Comparison",
    "Difference",
    "Level",
    "ObjectFacts",
    "Outcome",
    "Verdict",
    "Verification",
    "VerificationReport",
]


class Level(StrEnum):
    """How close a look. Each level says more than the one before."""

    STATUS = "status"
    """What the provider says about its own data plane."""
    CANARY = "canary"
    """A fresh object written at the source was seen at the destination, byte for byte."""
    PRESENCE = "presence"
    """All objects: each key of the source is at the destination."""
    SIZE = "size"
    """And has as many bytes."""
    HASH = "hash"
    """And the same checksum, where both ends have one of the whole object by one algorithm."""
    BYTES = "bytes"
    """And the same bytes, all of them read at both ends."""

    @property
    def compares(self) -> bool:
        """Whether it is about all objects and not about one."""
        return self not in (Level.STATUS, Level.CANARY)


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
    """`health`, `canary arrived`, `sha256`, `size`, `metadata`, `storage class`, `delete`, `cleanup`, `objects`."""
    verdict: Verdict
    detail: str = ""


class Difference(Value):
    """One key that is no match."""

    key: str
    """Relative to the location."""
    verdict: Verdict
    detail: str = ""


class Comparison(Value):
    """What was found when all objects of both ends were compared: how many keys got which verdict."""

    complete: bool
    """Whether both listings were read to their end; if not, the numbers are of what was seen until then."""
    reached: Level | None = None
    """The weakest level that a match was found at; None without any match."""
    source_objects: int = 0
    """Objects listed at the source, canaries left out."""
    destination_objects: int = 0
    match: int = 0
    weaker: int = 0
    """Equal at a weaker level than asked for."""
    missing: int = 0
    extra: int = 0
    differs: int = 0
    pending: int = 0
    error: int = 0
    not_judged: int = 0
    """Not at the destination, and not known to belong there: tags, options, or age decide."""
    excluded: int = 0
    """Keys that the filter leaves out."""
    folders: int = 0
    """Empty objects that stand for folders, at one end only, where the other end has files."""
    gone: int = 0
    """At neither end any more when they were looked at again."""
    bytes_compared: int = 0
    """Bytes that were read at each end and found equal."""
    differences: tuple[Difference, ...] = ()
    """Up to 100 keys that are neither `=` nor `~`, ordered by the UTF-8 bytes of the key. Missing, different and
    faulty ones come before pending ones, and extras last, where there are more."""
    truncated: bool = False
    """Whether there are more."""


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
    compared: Comparison | None = None
    """What comparing all objects has shown; None if that was not asked for, or not begun."""
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
