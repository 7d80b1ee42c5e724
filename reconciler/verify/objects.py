"""One object at both ends: its checksums, or its bytes."""

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.clock import Clock
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import Level, ObjectFacts, Verdict
from reconciler.providers.base import Store
from reconciler.verify.chosen import Chosen, Seen
from reconciler.verify.job import Interrupted
from reconciler.verify.merge import Pair

__all__ = ["GONE", "UNSEEN", "Examiner"]

GONE = Seen(verdict=None, detail="at neither end any more")
UNSEEN = Seen(verdict=None, detail="cannot be looked at singly")

_CHUNK = 1024 * 1024
_SHOWN = 12
_OF_THE_SYSTEM = (
    ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED, ErrorCode.UNAUTHENTICATED, ErrorCode.TLS, ErrorCode.SECRET,
)  # fmt: skip
"""Errors that the next object will have too."""


class _Vanished(Exception):
    """An object that was listed is not there any more."""


@dataclass(slots=True, kw_only=True)
class Examiner:
    """Compares objects at one level. Safe to use from several threads; holds one chunk for each."""

    level: Level
    source: Store
    destination: Store
    chosen: Chosen
    clock: Clock
    stop: threading.Event
    """Set by the user."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits for an answer any more."""
    bytes_read: int = 0
    """At both ends so far."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def glance(self, pair: Pair) -> Seen | None:
        """Judge by the listings alone; None if the objects themselves have to be looked at."""
        now = self.clock.now()
        if pair.source is None:
            return Seen(verdict=Verdict.EXTRA, detail=_size_of(pair.destination, "destination"))
        if pair.destination is None:
            return self.chosen.absent(pair.source, now)
        if self.level is Level.PRESENCE:
            return Seen(verdict=Verdict.MATCH, level=Level.PRESENCE)
        if pair.source.size != pair.destination.size:
            return self._other_size(pair.source, pair.destination, now)
        if self.level is Level.SIZE:
            return Seen(verdict=Verdict.MATCH, level=Level.SIZE)
        return self._hashed(pair.source, pair.destination) if self.level is Level.HASH else None

    def examine(self, pair: Pair) -> Seen:
        """Judge one key, reading what the level asks for. Raises Interrupted, and nothing for what a provider does."""
        if (seen := self.glance(pair)) is not None:
            return seen
        here, there = pair.source, pair.destination
        if here is None or there is None:
            raise AssertionError
        try:
            return self._by_hash(here, there) if self.level is Level.HASH else self._by_bytes(here, there)
        except _Vanished as error:
            return Seen(verdict=Verdict.ERROR, detail=str(error))
        except ProviderError as error:
            return Seen(verdict=Verdict.ERROR, detail=str(error), lost_contact=error.code in _OF_THE_SYSTEM)

    def again(self, key: str) -> Seen:
        """Look afresh. GONE if it is at neither end any more, UNSEEN if nothing can be said: both are no verdicts."""
        self._require_going()
        try:
            here, there = self.source.head(key), self.destination.head(key)
        except ProviderError:
            return UNSEEN  # a listing may be allowed where this is not: what it showed stands
        if here is None and there is None:
            return GONE
        return self.examine(Pair(key, here, there))

    def _require_going(self) -> None:
        if self.stop.is_set() or self.ended.is_set():
            raise Interrupted

    def _by_hash(self, here: ObjectFacts, there: ObjectFacts) -> Seen:
        there = self._head(self.destination, "destination", there.key)
        # Two requests for each object add up: the second is of no use where the first shows no checksum.
        here = self._head(self.source, "source", here.key) if there.checksums else here
        if here.size != there.size:
            return self._other_size(here, there, self.clock.now())
        if (seen := self._hashed(here, there)) is not None:
            return seen
        why = "size only: no checksum of the whole object by one algorithm at both ends"
        return Seen(verdict=Verdict.MATCH_WEAKER, detail=why, level=Level.SIZE)

    def _hashed(self, here: ObjectFacts, there: ObjectFacts) -> Seen | None:
        """Compare the checksums that are at hand; None if no algorithm is common to both."""
        common = sorted(here.checksums.keys() & there.checksums.keys())
        for name in common:
            mine, theirs = here.checksums[name], there.checksums[name]
            if mine != theirs:
                detail = f"{name} {mine[:_SHOWN]} at the source, {theirs[:_SHOWN]} at the destination"
                return self.chosen.different(detail, here, there, self.clock.now())
        return Seen(verdict=Verdict.MATCH, level=Level.HASH) if common else None

    def _by_bytes(self, here: ObjectFacts, there: ObjectFacts) -> Seen:
        mine, count = self._digest(self.source, "source", here.key)
        theirs, other = self._digest(self.destination, "destination", there.key)
        if count != other:
            detail = f"{count:,} bytes read at the source, {other:,} at the destination"
        elif mine != theirs:
            detail = f"sha256 {mine[:_SHOWN]} of the source's bytes, {theirs[:_SHOWN]} of the destination's"
        else:
            return Seen(verdict=Verdict.MATCH, level=Level.BYTES, bytes_compared=count)
        return self.chosen.different(detail, here, there, self.clock.now())

    def _digest(self, store: Store, end: str, key: str) -> tuple[str, int]:
        digest, count = hashlib.sha256(), 0
        try:
            with store.read(key) as stream:
                while chunk := stream.read(_CHUNK):
                    self._require_going()
                    digest.update(chunk)
                    count += len(chunk)
                    with self._lock:
                        self.bytes_read += len(chunk)
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                raise _Vanished(f"listed and not to be read at the {end}: {error}") from error
            raise
        return digest.hexdigest(), count

    def _head(self, store: Store, end: str, key: str) -> ObjectFacts:
        self._require_going()
        if (found := store.head(key)) is None:
            raise _Vanished(f"listed and not there at the {end}")
        return found

    def _other_size(self, here: ObjectFacts, there: ObjectFacts, now: datetime) -> Seen:
        detail = f"{here.size:,} bytes at the source, {there.size:,} at the destination"
        return self.chosen.different(detail, here, there, now)


def _size_of(facts: ObjectFacts | None, end: str) -> str:
    return f"{facts.size:,} bytes at the {end}" if facts is not None else ""
