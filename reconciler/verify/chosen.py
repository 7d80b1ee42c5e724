"""Which keys a comparison is about, and what a key that is not at the destination means."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.model.manifest import Existing, Location
from reconciler.model.relationship import Relationship
from reconciler.model.units import format_seconds, parse_seconds
from reconciler.model.verification import Level, ObjectFacts, Verdict
from reconciler.providers.base import Capability
from reconciler.verify.job import Job
from reconciler.verify.merge import Pair
from reconciler.verify.specimen import FOLDER, excluding_glob

__all__ = ["SKEW", "Chosen", "Seen"]

SKEW = timedelta(seconds=60)
"""How far the clocks of the two ends and of this machine may be apart."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is true of one key."""

    verdict: Verdict | None
    """None if it is not judged; `detail` says why."""
    detail: str = ""
    level: Level | None = None
    """Of a match: what it is equal at."""
    bytes_compared: int = 0
    lost_contact: bool = False
    """Of an error: whether it is about the system and not about the object."""


class Chosen:
    """Judges what needs no more than the two listings."""

    def __init__(self, job: Job, relationship: Relationship) -> None:
        spec, held = job.flow.spec, job.provider.info.capabilities
        self._flow = job.flow
        self._source = job.provider.ends(job.flow)[0]
        self._filters = bool(spec.filter and spec.filter.exclude)
        self._files = {"source": _has_files(spec.source), "destination": _has_files(spec.destination)}
        self._untold = _untold(job)
        # A replica and what jobs copy hold everything; rules take only what comes after them, unless they are told to.
        everything = spec.existing is Existing.COPY or Capability.REPLICA in held or Capability.CONTINUOUS not in held
        self._since = None if everything else (job.since or _NEVER)
        known = f"it copies what came after {job.since:%Y-%m-%d %H:%M:%S} UTC" if job.since is not None else ""
        self._older = f"older: {known or 'it leaves out what came before it, and no receipt says when that was'}"
        self._within = timedelta(seconds=max(spec.verify.within, _period(relationship)))
        self.copying = ""
        """What the owner says, while a job of its own is under way: nothing is missing then that may yet come."""

    def is_canary(self, key: str) -> bool:
        """Say whether a key is a canary's, of this flow or of one further down."""
        return key.startswith(FOLDER) or f"/{FOLDER}" in key

    def is_excluded(self, key: str) -> bool:
        """Say whether the filter leaves a key out."""
        return self._filters and excluding_glob(self._flow, self._source, key) is not None

    def is_folder(self, pair: Pair) -> bool:
        """Say whether an empty object stands for a folder that the other end has as such."""
        if pair.source is not None and pair.destination is not None:
            return False
        facts = pair.source or pair.destination
        other = "destination" if pair.source is not None else "source"
        return facts is not None and facts.size == 0 and facts.key.endswith("/") and self._files[other]

    def absent(self, facts: ObjectFacts, now: datetime) -> Seen:
        """Judge an object that is not at the destination."""
        if self._untold:
            return Seen(verdict=None, detail=self._untold)
        if self._since is not None and _written(facts) < self._since + SKEW:
            return Seen(verdict=None, detail=self._older)
        return self._judged(Verdict.MISSING, f"{facts.size:,} bytes at the source", facts, now)

    def different(self, detail: str, source: ObjectFacts, destination: ObjectFacts, now: datetime) -> Seen:
        """Judge an object that is not equal. One that is newer at the destination than at the source is not late."""
        if destination.modified_at is not None and destination.modified_at > _written(source) + SKEW:
            return Seen(verdict=Verdict.DIFFERS, detail=detail)
        return self._judged(Verdict.DIFFERS, detail, source, now)

    def _judged(self, verdict: Verdict, detail: str, facts: ObjectFacts, now: datetime) -> Seen:
        if self.copying:
            return Seen(verdict=Verdict.PENDING, detail=f"{detail}; {self.copying}")
        # A file may have any date: what is in the future is not new.
        if facts.modified_at is not None and now - self._within - SKEW < facts.modified_at <= now + SKEW:
            age = format_seconds(max(0, round((now - facts.modified_at).total_seconds())))
            return Seen(verdict=Verdict.PENDING, detail=f"{detail}, written {age} ago")
        return Seen(verdict=verdict, detail=detail)


def _untold(job: Job) -> str:
    """Say what decides about an object and is not seen in a listing."""
    spec = job.flow.spec
    if spec.filter is not None and spec.filter.tags:
        return "the filter chooses by tags, which no listing shows"
    if spec.options is not None and spec.options.chosen():
        return f"options of {job.flow.owner.spec.type} choose what is copied"
    return ""


def _has_files(location: Location) -> bool:
    return location.bucket is None


def _written(facts: ObjectFacts) -> datetime:
    return facts.modified_at or _LONG_AGO


def _period(relationship: Relationship) -> int:
    """Return how far its runs are apart, where it has a schedule; an object has to wait for the next one."""
    schedule = relationship.settings.get("schedule")
    every = schedule.get("every") if isinstance(schedule, dict) else None
    try:
        return parse_seconds(every)
    except ValueError:
        return 0
