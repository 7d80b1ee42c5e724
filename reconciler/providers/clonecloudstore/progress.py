"""One look at an awaited condition.

Nobody tells of an order: a lost one and one that waits look the same, as an object that is not there. So what arrives
is counted, and a wait ends when nothing has changed for many looks; what is still absent then is ordered again by the
next round, and reported after the last.
"""

import threading
from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from reconciler.clock import Clock
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.step import Await
from reconciler.model.value import Json
from reconciler.providers.base import Progress
from reconciler.providers.clonecloudstore.calls import (
    BUCKETS_READY,
    CLEARED,
    COPIED,
    LIST_KNOWN,
    RIGHTS_KNOWN,
)
from reconciler.providers.clonecloudstore.client import SiteClient
from reconciler.providers.clonecloudstore.presence import held
from reconciler.providers.clonecloudstore.sites import Sites
from reconciler.providers.clonecloudstore.survey import Survey, doomed, named, survey
from reconciler.providers.clonecloudstore.wire import DEAD, READY

__all__ = ["QUIET_LOOKS", "STUCK_LOOKS", "Waits"]

QUIET_LOOKS = 15
"""Looks without a change after which what is absent is taken for lost. The host makes them ever slower, up to one in
ten seconds: about a minute."""
STUCK_LOOKS = 90
"""The same while objects are in UPLOAD, which a large one may be for long: about a quarter of an hour."""
_IN_BETWEEN = frozenset({"UPLOAD", "DELETING"})
_ASKING_S = 10.0
"""For how long objects are asked for their bytes in one look: before each look both lists are read whole, so a look is
to get far."""


@dataclass(slots=True)
class _Seen:
    """What earlier looks of one wait have shown."""

    since_s: float
    mark: tuple[int, ...] = ()
    still: int = 0
    percent: float = 0.0
    unproved: set[str] = field(default_factory=set)
    """Objects that were ordered for this wait, or were not there at an earlier look: a row says READY before the bytes
    are stored."""

    def looked(self, mark: tuple[int, ...]) -> int:
        """Note a look; return for how many nothing has changed."""
        self.still = self.still + 1 if mark == self.mark else 0
        self.mark = mark
        return self.still


class Waits:
    """Looks at conditions. Safe to use from several threads. Never writes."""

    def __init__(self, sites: Sites, clock: Clock) -> None:
        self._sites, self._clock = sites, clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._stuck: dict[tuple[str, str], set[str]] = {}
        """Site and bucket to what was waited for in vain: later rounds have no patience with it."""
        self._ordered: dict[tuple[str, str], set[str]] = {}

    def ordered(self, site: str, bucket: str, names: Collection[str]) -> None:
        """Note what was ordered: the next wait for that bucket asks for the bytes of each, whatever its row says."""
        with self._lock:
            self._ordered.setdefault((site, bucket), set()).update(names)

    def poll(self, wait: Await) -> Progress:
        """Look once. Raises ProviderError."""
        looks: dict[str, Callable[[dict[str, Json], _Seen], Progress]] = {
            BUCKETS_READY: self._buckets,
            LIST_KNOWN: self._believed,
            RIGHTS_KNOWN: self._believed,
            COPIED: self._copied,
            CLEARED: self._cleared,
        }
        if wait.condition not in looks:
            raise ProviderError(
                f"nothing here waits for {wait.condition!r}", code=ErrorCode.UNIMPLEMENTED,
                provider=self._sites.own.name, operation=wait.condition,
                hint="the plan was made by another version: plan again",
            )  # fmt: skip
        key = (wait.id, wait.target)
        with self._lock:
            seen = self._seen.setdefault(key, _Seen(since_s=self._clock.monotonic()))
        progress = looks[wait.condition](wait.params if isinstance(wait.params, dict) else {}, seen)
        if progress.done or progress.failed:
            with self._lock:
                self._seen.pop(key, None)
        return progress

    def _buckets(self, params: dict[str, Json], seen: _Seen) -> Progress:
        listed = params.get("buckets")
        names = [str(one) for one in listed] if isinstance(listed, list) else []
        client = self._at(params, "site")
        rows = client.buckets()
        waiting = {name: rows.get(name, "absent") for name in names if rows.get(name) != READY}
        if not waiting:
            return Progress(done=True)
        told = ", ".join(f"{name} is {status}" for name, status in waiting.items()) + f" at {client.site}"
        if DEAD & set(waiting.values()):
            return Progress(done=False, failed=f"{told}: no call leads out of that")
        still = seen.looked(tuple(sorted(map(len, waiting.values()))))
        if still < (STUCK_LOOKS if _IN_BETWEEN & set(waiting.values()) else 2 * QUIET_LOOKS):
            return Progress(done=False, detail=told)
        return Progress(done=False, failed=f"{told}: {_why(set(waiting.values()))}")

    def _believed(self, params: dict[str, Json], seen: _Seen) -> Progress:
        seconds = params.get("seconds")
        left = (seconds if isinstance(seconds, int) else 0) - (self._clock.monotonic() - seen.since_s)
        return Progress(done=left <= 0, detail=f"{max(left, 0):.0f} s left")

    def _copied(self, params: dict[str, Json], seen: _Seen) -> Progress:
        found, place = self._survey(params), (str(params.get("to")), str(params.get("bucket")))
        with self._lock:
            seen.unproved |= self._ordered.pop(place, set())
        self._prove(self._at(params, "to"), place[1], found, seen)
        empty = seen.unproved & found.ready
        share = 100.0 * (len(found.ready) - len(empty)) / found.total if found.total else 100.0
        seen.percent = max(seen.percent, min(max(share, 0.0), 100.0))
        if not (found.absent or found.under_way or seen.unproved):
            return Progress(done=True, detail=str(found), percent=seen.percent)
        mark = (len(found.ready), len(found.absent), len(found.under_way), len(found.dead), len(seen.unproved))
        patience = STUCK_LOOKS if (found.under_way | empty) - self._stuck.get(place, set()) else QUIET_LOOKS
        if seen.looked(mark) < patience:
            told = f"READY without bytes yet: {named(sorted(empty))}" if empty else str(found)
            return Progress(done=False, detail=told, percent=seen.percent)
        self._stuck[place] = set(found.under_way)
        if empty:
            told = (
                f"{len(empty):,} are READY at {place[0]}, and its storage has no bytes of them: {named(sorted(empty))}"
            )
            return Progress(done=False, failed=told, percent=seen.percent)
        return Progress(done=True, detail=str(found), percent=seen.percent)

    def _cleared(self, params: dict[str, Json], seen: _Seen) -> Progress:
        found = self._survey(params)
        left = len(doomed(found, params))
        mark = (left, len(found.under_way), len(found.dead))
        if not left and not found.under_way:
            return Progress(done=True)
        patience = STUCK_LOOKS if found.under_way else QUIET_LOOKS
        return Progress(done=seen.looked(mark) >= patience, detail=f"{left:,} are still there")

    def _prove(self, destination: SiteClient, bucket: str, found: Survey, seen: _Seen) -> None:
        """Ask for the bytes of what has become READY since the first look."""
        arrived = sorted(seen.unproved & found.ready)
        seen.unproved -= set(held(destination, bucket, arrived, full=True, within_s=_ASKING_S))
        # What is gone at the source, or failed, is not waited for.
        seen.unproved &= found.ready
        seen.unproved |= found.absent.keys() | found.under_way

    def _survey(self, params: dict[str, Json]) -> Survey:
        return survey(self._at(params, "from"), self._at(params, "to"), str(params.get("bucket")))

    def _at(self, params: dict[str, Json], key: str) -> SiteClient:
        return self._sites.at(str(params.get(key)), str(params.get("client")))


def _why(statuses: AbstractSet[str]) -> str:
    """Say what may keep buckets from being READY."""
    if gone := sorted(statuses & {"DELETING", "DELETED"}):
        return f"somebody has deleted what is {' or '.join(gone)}; once it is DELETED plan again, it is ordered anew"
    if "UPLOAD" in statuses:
        return "what makes it has died, or takes long"
    return "the order was lost, or the bucket is another client's"
