"""Levels `presence` to `bytes`: all objects of both ends are compared. Reads only."""

from collections.abc import Generator
from contextlib import closing
from functools import partial

from reconciler.model.observation import HealthState
from reconciler.model.relationship import Relationship
from reconciler.model.units import format_bytes
from reconciler.model.verification import Comparison, Difference, Verdict
from reconciler.providers.base import Capability
from reconciler.verify.chosen import Chosen, Seen
from reconciler.verify.conclusion import conclude
from reconciler.verify.job import Interrupted, Job, NotJudged, NotProved, Record, Run
from reconciler.verify.merge import BadListing, Pair, pairs
from reconciler.verify.objects import GONE, UNSEEN, Examiner
from reconciler.verify.spool import Differences, Spool
from reconciler.verify.status import describe, require_live
from reconciler.verify.stores import open_ends, require_reachable
from reconciler.verify.tally import Tally
from reconciler.verify.window import Readers, Work, in_order

__all__ = ["compare_all"]

_TELL_EVERY_S = 5.0
_MOST_AGAIN = {False: 10_000, True: 1_000}
"""How many keys are kept in memory to be looked at again; and how many of those that are extra."""
_IN_A_ROW = 20
"""So many objects in a row that could not be looked at mean that no further one will be."""


def compare_all(job: Job, run: Run, record: Record, readers: Readers, differences: Differences | None) -> None:
    """Compare every object that both listings show. What was seen is in `record.compared`, however this ends.

    Raises:
        NotProved: objects are missing, differ or could not be read, or a listing was not whole.
        NotJudged: there was nothing to compare, or nothing that could be judged.
        Interrupted: `stop` was set.
        ProviderError: an end or the owner could not be used.
    """
    relationship = require_live(job)
    require_reachable(job)
    health = job.provider.health(relationship)
    if health.state is HealthState.PAUSED:
        raise NotJudged("paused")
    record.stage = "objects"
    comparing = _Pass(job, relationship, run, record, readers, keep_weaker=differences is not None)
    try:
        comparing.ask_owner()
        comparing.join()
        comparing.look_again()
    except BadListing as error:
        record.note("objects", Verdict.ERROR, str(error))
        raise NotProved(f"nothing is known of the rest: {error}") from error
    finally:
        record.compared = comparing.close(differences)
    conclude(job, relationship, record, record.compared, comparing.told())


class _Pass:
    """One pass over both ends."""

    def __init__(
        self, job: Job, relationship: Relationship, run: Run, record: Record, readers: Readers, *, keep_weaker: bool
    ) -> None:
        self._job, self._relationship, self._run, self._readers = job, relationship, run, readers
        self._keep_weaker = keep_weaker
        self._chosen = Chosen(job, relationship)
        source, destination = open_ends(job)
        self._examiner = Examiner(
            level=record.level, source=source, destination=destination, chosen=self._chosen, clock=run.clock,
            stop=run.stop,
        )  # fmt: skip
        self._spool = Spool()
        self._tally = Tally()
        self._again: list[tuple[int, str]] = []
        """Number in the spool, and key."""
        self._looked_for = {True: 0, False: 0}
        self._unequal = self._once_only = self._failed_in_a_row = 0
        self._whole = False
        self._told_at = run.clock.monotonic()

    def ask_owner(self) -> None:
        """Find out whether a job is copying: what it has not come to yet is not missing."""
        if Capability.CONTINUOUS in self._job.provider.info.capabilities:
            return
        health = self._job.provider.health(self._relationship)
        running = health.state is HealthState.RUNNING
        self._chosen.copying = f"{self._job.flow.owner.name} says {describe(health)}" if running else ""

    def join(self) -> None:
        """Compare what the listings show."""
        self._run.emit(f"{self._job.name}: comparing all objects, level {self._examiner.level.value}")
        with closing(in_order(self._listed(), self._readers, self._attend, self._examiner.ended.set)) as answers:
            for pair, seen in answers:
                self._take(pair.key, seen)
        self._whole = True

    def look_again(self) -> None:
        """Look a second time at what is not equal: a race between listing and copying is no difference."""
        if not self._again:
            return
        self._run.emit(f"{self._job.name}: looking again at {len(self._again):,} keys")
        self.ask_owner()
        with closing(in_order(self._doubted(), self._readers, self._attend, self._examiner.ended.set)) as answers:
            in_vain = 0
            for position, ((number, key), seen) in enumerate(answers, start=1):
                if seen is not UNSEEN:
                    self._settle(number, key, seen)
                in_vain = in_vain + 1 if seen is UNSEEN else 0
                self._once_only += seen is UNSEEN
                if in_vain >= _IN_A_ROW:
                    self._once_only += len(self._again) - position
                    break

    def close(self, differences: Differences | None) -> Comparison:
        """Return what was found, however far it came; its keys go to `differences`, or nowhere."""
        self._examiner.ended.set()
        found = self._tally.comparison(self._spool, complete=self._whole)
        if differences is not None:
            differences.keep(self._job.name, self._spool)
        else:
            self._spool.close()
        return found

    def told(self) -> list[str]:
        """Say in words what was not judged, or seen once only."""
        reasons = sorted(self._tally.not_judged.items())
        words = [f"{count:,} objects that the destination does not have: {why}" for why, count in reasons]
        if self._once_only:
            words.append(
                f"{self._once_only:,} differences a second time: they are too many, or cannot be looked at singly"
            )
        return words

    # Inside ---------------------------------------------------------------------------------------------------

    def _listed(self) -> Generator[tuple[Pair, Seen | Work[Seen]], None, None]:
        chosen, tally, examiner = self._chosen, self._tally, self._examiner
        with closing(pairs(examiner.source.list(), examiner.destination.list())) as found:
            for pair in found:
                if chosen.is_canary(pair.key):
                    self._attend()
                    continue
                tally.source += pair.source is not None
                tally.destination += pair.destination is not None
                if chosen.is_excluded(pair.key):
                    tally.excluded += 1
                    self._attend()
                elif chosen.is_folder(pair):
                    tally.folders += 1
                else:
                    yield pair, examiner.glance(pair) or Work(partial(examiner.examine, pair))

    def _doubted(self) -> Generator[tuple[tuple[int, str], Seen | Work[Seen]], None, None]:
        for number, key in self._again:
            yield (number, key), Work(partial(self._examiner.again, key))

    def _take(self, key: str, seen: Seen) -> None:
        self._tally.add(seen)
        self._failed_in_a_row = self._failed_in_a_row + 1 if seen.lost_contact else 0
        if not self._is_kept(seen) or seen.verdict is None:
            return
        number = self._spool.add(seen.verdict, key, seen.detail)
        if seen.verdict is Verdict.MATCH_WEAKER:
            return
        self._unequal += 1
        extra = seen.verdict is Verdict.EXTRA
        if self._looked_for[extra] < _MOST_AGAIN[extra]:
            self._looked_for[extra] += 1
            self._again.append((number, key))
        elif not extra:
            self._once_only += 1
        if self._failed_in_a_row >= _IN_A_ROW:
            raise NotProved(f"given up at {key!r}, after {_IN_A_ROW} objects in a row: {seen.detail}")

    def _settle(self, number: int, key: str, seen: Seen) -> None:
        if seen is GONE:
            self._tally.gone += 1
        else:
            self._tally.add(seen)
        if self._is_kept(seen) and seen.verdict is not None:
            self._spool.settle(number, Difference(key=key, verdict=seen.verdict, detail=seen.detail))
        else:
            self._spool.settle(number, None)

    def _is_kept(self, seen: Seen) -> bool:
        """Say whether a key goes to disc: what is equal at a weaker level only where a file of it is wanted."""
        weaker = seen.verdict is Verdict.MATCH_WEAKER
        return self._keep_weaker if weaker else seen.verdict not in (None, Verdict.MATCH)

    def _attend(self) -> None:
        if self._run.stop.is_set():
            raise Interrupted
        now = self._run.clock.monotonic()
        if now - self._told_at < _TELL_EVERY_S:
            return
        self._told_at = now
        read = f", {format_bytes(self._examiner.bytes_read)} read" if self._examiner.bytes_read else ""
        tally = self._tally
        listed = f"{tally.source:,} objects at the source and {tally.destination:,} at the destination listed"
        self._run.emit(f"{self._job.name}: {listed}{read}, {self._unequal:,} not equal so far")
