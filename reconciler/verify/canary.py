"""Level `canary`: a fresh object written at the source is seen at the destination, byte for byte, and removed again."""

from contextlib import suppress

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Deletes
from reconciler.model.observation import HealthState
from reconciler.model.relationship import Relationship
from reconciler.model.units import format_bytes, format_seconds
from reconciler.model.verification import Check, ObjectFacts, Outcome, Verdict
from reconciler.providers.base import Capability
from reconciler.verify.carried import Carried
from reconciler.verify.cleanup import purge_all, purge_leftovers
from reconciler.verify.comparison import compare_attributes, compare_content
from reconciler.verify.job import Interrupted, Job, NotJudged, NotProved, Record, Run
from reconciler.verify.specimen import Specimen, excluding_glob, specimen_key
from reconciler.verify.status import describe, require_live
from reconciler.verify.stores import open_ends, require_reachable
from reconciler.verify.waiting import Limit, Runs, wait_for

__all__ = ["OLDER", "prove_by_canary"]

OLDER = "objects written before"
"""What a canary says nothing about."""

_REFUSALS = (
    ErrorCode.UNAUTHENTICATED, ErrorCode.PERMISSION_DENIED, ErrorCode.SECRET, ErrorCode.TLS, ErrorCode.READ_ONLY,
    ErrorCode.NOT_FOUND,
)  # fmt: skip
"""Who is refused a look was refused the write before, and nothing came of it."""
_SETTLE_S = 15.0
"""An object seen at the destination may still be being written there: files appear before their content."""
_JOB_END_S = 120.0
_FAILED_FOR_S = 60.0
"""AWS never tries FAILED objects again; others do after a while. Source: Amazon S3 user guide, replication status."""
_AGAIN_AFTER_S = 15.0
"""A rule that was just made may not hold everywhere yet, and what is written before it does is passed over for good.
Sources: Amazon S3 API reference, PutBucketReplication ("can take a while"); measured on Ceph 16.2.15, within 0.5 s."""
_WATCH_EVERY_S = 5.0
_TELL_EVERY_S = 30.0


def prove_by_canary(job: Job, run: Run, record: Record, carried: Carried) -> None:
    """Prove one flow. Whatever happens, both ends are purged before this returns or raises.

    What other flows carried on is purged too, as far as it is seen by then; if `carried` has begun, finish it when no
    job of the run is under way any more.

    Raises:
        NotProved: it did not arrive, or not as it was written.
        NotJudged: a canary would say nothing here.
        Interrupted: `stop` was set.
        ProviderError: an end or the owner could not be used.
    """
    record.not_checked.append(OLDER)
    relationship = require_live(job)
    _require_fit(job, relationship, run)
    trial = _Trial(job, relationship, run, record, carried)
    record.stage = "cleanup"
    purge_leftovers(run, record, trial.ends, older_than_s=2 * trial.within_s)
    try:
        trial.write()
        trial.await_arrival()
        trial.compare()
        trial.await_deletion()
        trial.ask_health()
    finally:
        trial.clean_up()
    record.conclude(Outcome.PROVED)


def _require_fit(job: Job, relationship: Relationship, run: Run) -> None:
    require_reachable(job)
    key = specimen_key(run.id, job.flow)
    glob = excluding_glob(job.flow, job.provider.ends(job.flow)[0], key)
    if glob is not None:
        raise NotJudged(f"the filter's exclude {glob!r} keeps canaries back: {key}")
    if job.provider.health(relationship).state is HealthState.PAUSED:
        raise NotJudged("paused")


class _Trial:
    """One canary from being written to being gone."""

    def __init__(self, job: Job, relationship: Relationship, run: Run, record: Record, carried: Carried) -> None:
        source, destination = job.provider.ends(job.flow)
        self._job, self._relationship, self._run, self._record = job, relationship, run, record
        self._carried = carried
        self._specimen = Specimen.fresh(run.id, job.flow)
        self._source, self._destination = open_ends(job)
        self._replica = Capability.REPLICA in job.provider.info.capabilities
        self._runs = Runs(job, relationship, run, record)
        self._begun = self._refused = False
        self._arrived = False
        self._written_at = 0.0
        self._watched_at = 0.0
        self._told_at = 0.0
        self._again_after_s = _AGAIN_AFTER_S
        self._failed_since: float | None = None
        both = ((source.provider, self._source), (destination.provider, self._destination))
        self.ends = both[:1] if self._replica else both
        """Where canaries are removed: a replica takes no deletion but its source's."""
        self._there = destination.provider
        self.within_s = job.flow.spec.verify.within

    def write(self) -> None:
        """Write the canary at the source."""
        self._record.stage = "canary written"
        self._begun = True
        try:
            self._specimen.write(self._source)
        except ProviderError as error:
            self._refused = not error.ambiguous
            raise
        self._written_at = self._told_at = self._run.clock.monotonic()
        self._record.bytes_written = self._specimen.size
        self._record.note("canary written", Verdict.MATCH, f"{self._specimen.key}, {format_bytes(self._specimen.size)}")
        self._run.emit(f"{self._job.name}: canary written, waiting up to {format_seconds(self.within_s)}")

    def await_arrival(self) -> None:
        """Wait until the destination shows it."""
        self._record.stage = "canary arrived"
        limit = Limit(self._run, self.within_s)
        self._runs.start(limit)

        def meanwhile() -> None:
            self._watch_source()
            self._runs.follow(limit)

        if wait_for(self._run, limit, self._look, meanwhile) is None:
            raise NotProved(self._why_not())
        self._arrived = True
        self._record.lag_s = self._run.clock.monotonic() - self._written_at
        told = format_seconds(self._record.lag_s)
        self._record.note("canary arrived", Verdict.MATCH, f"after {told}; {self._source_status()}")
        self._run.emit(f"{self._job.name}: canary arrived after {told}")

    def compare(self) -> None:
        """Compare what arrived, giving a copy that is still being written the time to be complete."""
        self._record.stage = "sha256"
        seen: list[tuple[ObjectFacts, tuple[Check, ...]]] = []

        def equal() -> bool | None:
            if (facts := self._look()) is None:
                return None
            seen.append((facts, compare_content(self._specimen, self._destination, facts)))
            return True if all(check.verdict is Verdict.MATCH for check in seen[-1][1]) else None

        wait_for(self._run, Limit(self._run, _SETTLE_S), equal)
        if not seen:
            raise NotProved("the canary was seen at the destination and was gone before it could be read")
        facts, checks = seen[-1]
        written = self._source.head(self._specimen.key)
        more, not_checked = compare_attributes(self._job, self._specimen, written, facts)
        self._record.checks += [*checks, *more]
        self._record.not_checked += not_checked
        different = [check.name for check in (*checks, *more) if check.verdict is not Verdict.MATCH]
        if different:
            raise NotProved(f"what arrived differs from what was written: {', '.join(different)}")

    def await_deletion(self) -> None:
        """Delete it as a client would, where deletions are to be replicated, and wait until the copy is gone."""
        if self._job.flow.spec.deletes is not Deletes.REPLICATE:
            self._record.not_checked.append("deletions")
            return
        self._carried.await_copies()
        self._record.stage = "delete"
        limit = Limit(self._run, self.within_s)
        self._carried.deleted = True
        self._source.delete(self._specimen.key)
        deleted_at = self._run.clock.monotonic()
        self._runs.start(limit)
        gone = wait_for(
            self._run, limit, lambda: True if self._look() is None else None, lambda: self._runs.follow(limit)
        )
        if not gone:
            self._record.note("delete", Verdict.EXTRA, "deleted at the source, still at the destination")
            raise NotProved(f"the deletion did not arrive within {format_seconds(self.within_s)}; {self._owner_says()}")
        self._record.note("delete", Verdict.MATCH, f"after {format_seconds(self._run.clock.monotonic() - deleted_at)}")

    def ask_health(self) -> None:
        """Ask the provider too: one object that arrives does not outweigh others that it says have failed."""
        self._record.stage = "health"
        self._runs.settle(Limit(self._run, _JOB_END_S))
        health = self._job.provider.health(self._relationship)
        if health.state is HealthState.OK:
            self._record.note("health", Verdict.MATCH, describe(health))
        if health.state is HealthState.FAILED:
            self._record.note("health", Verdict.ERROR, describe(health))
            raise NotProved(f"the canary arrived, but {self._job.flow.owner.name} says {describe(health)}")

    def clean_up(self) -> None:
        """Purge both ends and what others have carried on, if anything was written."""
        if not self._begun or (self._refused and not self._left_by_refusal()):
            return
        self._carried.begun = True
        try:
            with suppress(Interrupted, ProviderError):
                self._runs.settle(Limit(self._run, _JOB_END_S))
            if self._record.bytes_written:
                self._carried.await_copies()
                self._carried.await_deletions()
        finally:
            clean = purge_all(self._run, self._record, self._specimen.key, self.ends)
            self._carried.remove()
        if clean and self._replica:
            self._record.note("cleanup", Verdict.MATCH, f"at the source; {self._there} follows with its next run")
        elif clean and not self._arrived:
            detail = f"{self._specimen.key} is removed, but a copy under way may yet reach {self._there}"
            self._record.note("cleanup", Verdict.PENDING, detail)
        elif clean and not self._carried.spots:
            self._record.note("cleanup", Verdict.MATCH)

    def _left_by_refusal(self) -> bool:
        """Say whether a write that was refused has left something: files are made first and filled then."""
        try:
            return self._source.head(self._specimen.key) is not None
        except ProviderError as error:
            if error.code not in _REFUSALS:
                detail = f"{self._specimen.key} may be left at {self.ends[0][0]}: {error}"
                self._record.note("cleanup", Verdict.ERROR, detail)
            return False

    def _look(self) -> ObjectFacts | None:
        return self._destination.head(self._specimen.key)

    def _watch_source(self) -> None:
        now = self._run.clock.monotonic()
        if now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            self._run.emit(f"{self._job.name}: still waiting, {format_seconds(now - self._written_at)} so far")
        if now - self._watched_at < _WATCH_EVERY_S:
            return
        self._watched_at = now
        facts = self._source.head(self._specimen.key)
        if facts is None or (facts.replication_status or "").upper() != "FAILED":
            self._failed_since = None
        elif self._failed_since is None:
            self._failed_since = now
        elif now - self._failed_since >= _FAILED_FOR_S:
            raise NotProved(f"the canary did not arrive: {self._source_status()}; {self._owner_says()}")
        if facts is not None and facts.replication_status is None:
            self._write_again(now - self._written_at)

    def _write_again(self, waited_s: float) -> None:
        """Write once more what no rule has taken up, ever less often. The lag still counts from the first time."""
        held = self._job.provider.info.capabilities
        # What runs by a schedule takes up what is there when its time has come.
        if Capability.CONTINUOUS not in held or Capability.SCHEDULE in held or waited_s < self._again_after_s:
            return
        self._again_after_s *= 2
        self._specimen.write(self._source)
        self._record.bytes_written += self._specimen.size
        self._record.note("canary written", Verdict.MATCH, f"again, after {format_seconds(waited_s)}")

    def _why_not(self) -> str:
        within = format_seconds(self.within_s)
        return f"the canary did not arrive within {within}: {self._source_status()}; {self._owner_says()}"

    def _source_status(self) -> str:
        try:
            facts = self._source.head(self._specimen.key)
        except ProviderError as error:
            return f"the source could not be asked ({error})"
        if facts is None:
            return "the source does not have it any more"
        status = facts.replication_status
        return f"the source's replication status is {status}" if status else "the source gives no replication status"

    def _owner_says(self) -> str:
        name = self._job.flow.owner.name
        try:
            return f"{name} says {describe(self._job.provider.health(self._relationship))}"
        except ProviderError as error:
            return f"{name} could not be asked ({error})"
