"""Copies of a canary that other flows make: they are waited for while the canary is there, and removed too."""

from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property

from reconciler.errors import ErrorCode, ProviderError, ReplError
from reconciler.model.verification import Verdict
from reconciler.verify.cleanup import purge_all
from reconciler.verify.job import Interrupted, Job, Record, Run
from reconciler.verify.reach import Carriers, Spot
from reconciler.verify.specimen import specimen_key
from reconciler.verify.waiting import Limit, wait_for

__all__ = ["Carried"]

_LEAST_S, _LAGS, _MOST_S = 5.0, 3.0, 30.0
"""How long others are waited for: a few times what the canary itself took, within limits."""
_PASSING = (ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED)


class Carried:
    """The copies of one flow's canary. Raises nothing for what a provider does: that becomes a `cleanup` check.

    A copy is waited for before the canary is purged. It is there then and can be removed; of a version that is gone
    before its turn S3 makes no copy any more. Systems that copy in jobs are looked at once, at the end of the run, when
    none of its jobs is under way.
    """

    def __init__(self, job: Job, run: Run, record: Record, carriers: Carriers) -> None:
        self._job, self._run, self._record, self._carriers = job, run, record, carriers
        self._seen: set[Spot] = set()
        self._gone: set[Spot] = set()
        self._removed: set[Spot] = set()
        self._problems: dict[Spot, str] = {}
        self._barred: set[Spot] = set()
        self.begun = False
        """Whether a canary may have been written."""
        self.deleted = False
        """Whether it was deleted as a client would, so that deletions may be carried on as well."""

    @cached_property
    def spots(self) -> tuple[Spot, ...]:
        """Where copies may turn up."""
        return self._carriers.spots(self._job, specimen_key(self._run.id, self._job.flow))

    @cached_property
    def jobs(self) -> frozenset[str]:
        """Names of the flows that copy in jobs and take the canary on: it must not vanish while one of them runs."""
        ways = {job.name: job for spot in self.spots for job in spot.way}
        return frozenset(name for name, job in ways.items() if not self._carriers.continuous(job))

    def await_copies(self) -> None:
        """Wait for the copies that come by themselves, for a short while; not at all if no other flow makes any."""
        awaited = [spot for spot in self.spots if spot.prompt and spot not in self._seen]
        awaited = [spot for spot in awaited if spot.carrier not in self._carriers.late and self._carriers.live(spot)]
        left = self._wait(awaited, there=True)
        self._seen.update(spot for spot in awaited if spot not in left and spot not in self._barred)
        if not self._run.stop.is_set():
            self._carriers.late.update(spot.carrier for spot in left)

    def await_deletions(self) -> None:
        """Wait for the deletion where it is carried on, for a short while: a marker that came later would stay."""
        if self.deleted:
            awaited = [spot for spot in self._seen - self._removed - self._gone if spot.deletes]
            left = self._wait(awaited, there=False)
            self._gone.update(spot for spot in awaited if spot not in left and spot not in self._barred)

    def remove(self) -> None:
        """Purge the copies that were seen, each once."""
        for spot in self._seen - self._removed:
            self._remove(spot)

    def finish(self) -> None:
        """Look once at the places of all others, purge what is there, and note what stays or may still come."""
        for spot in self.spots:
            if spot not in self._removed and self._is_there(spot):
                self._seen.add(spot)
                self._remove(spot)
        for spot in self.spots:
            self._conclude(spot)
        clean = all(check.verdict is Verdict.MATCH for check in self._record.checks if check.name == "cleanup")
        if self.spots and clean:
            self._record.note("cleanup", Verdict.MATCH)

    def _wait(self, awaited: Iterable[Spot], *, there: bool) -> set[Spot]:
        """Wait until copies are there, or are not. Returns those for which that did not come true."""
        left = set(awaited)
        if not left or self._run.stop.is_set():
            return left

        def look() -> bool | None:
            left.difference_update([spot for spot in left if self._is_there(spot) is there or spot in self._barred])
            return None if left else True

        seconds = min(_MOST_S, max(_LEAST_S, _LAGS * (self._record.lag_s or 0.0)))
        with suppress(Interrupted):
            if look() is None:
                names = ", ".join(sorted({spot.carrier for spot in left}))
                what = "copy" if there else "deletion"
                self._run.emit(f"{self._job.name}: waiting for the {what} by way of {names}, to clean up there too")
                wait_for(self._run, Limit(self._run, seconds), look)
        return left

    def _is_there(self, spot: Spot) -> bool | None:
        """Look once; None if that was not possible."""
        try:
            found = spot.store().head(spot.key) is not None
        except Exception as error:  # noqa: BLE001  (a place of another flow must not cost this one its proof)
            self._problems[spot] = _told(error)
            if not isinstance(error, ProviderError) or error.code not in _PASSING:
                self._barred.add(spot)
            return None
        self._problems.pop(spot, None)
        self._barred.discard(spot)
        return found

    def _remove(self, spot: Spot) -> None:
        try:
            purge_all(self._run, self._record, spot.key, [(spot.folder, spot.store())])
        except Exception as error:  # noqa: BLE001  (as above)
            self._record.note("cleanup", Verdict.ERROR, f"{spot.key} is left at {spot.folder}: {_told(error)}")
        self._removed.add(spot)

    def _conclude(self, spot: Spot) -> None:
        what = f"{spot.key} at {spot.folder}"
        if spot in self._problems and spot not in self._removed:
            detail = f"whether {spot.carrier} has left {what} is not known: {self._problems[spot]}"
            self._record.note("cleanup", Verdict.ERROR, detail)
        elif spot not in self._seen and spot.prompt and self._carriers.live(spot):
            detail = f"{what} was not seen: {spot.carrier} carries canaries on, and it may still arrive"
            self._record.note("cleanup", Verdict.PENDING, detail)
        elif self.deleted and spot in self._seen - self._gone and spot.prompt and spot.deletes:
            detail = f"{what} is removed, but its deletion, which {spot.carrier} carries on, may still arrive"
            self._record.note("cleanup", Verdict.PENDING, detail)


def _told(error: Exception) -> str:
    """Put an error in words; the text of one that no provider may raise may hold anything, a secret too."""
    return str(error) if isinstance(error, ReplError) else f"a bug: {type(error).__name__}"
