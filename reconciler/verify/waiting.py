"""Waiting with a limit, and the runs of systems that do not copy by themselves."""

from collections.abc import Callable
from typing import TypeVar

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.observation import HealthState
from reconciler.model.relationship import Relationship
from reconciler.model.step import Call
from reconciler.model.verification import Verdict
from reconciler.verify.job import Interrupted, Job, NotJudged, NotProved, Record, Run
from reconciler.verify.status import describe

__all__ = ["Limit", "Runs", "wait_for"]

T = TypeVar("T")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _GROWTH = 0.05, 5.0, 1.5
_PASSING = (ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED)
_BUSY = (ErrorCode.CONFLICT, ErrorCode.FAILED_PRECONDITION)
_MOST_STARTS = 3
_START_SEEN_S = 5.0
"""How long a job may take from being started to being said to run."""


class Limit:
    """A point in time after which waiting ends."""

    def __init__(self, run: Run, seconds: float) -> None:
        self._clock = run.clock
        self._end = run.clock.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds left; 0 when it is over."""
        return max(0.0, self._end - self._clock.monotonic())


def wait_for(
    run: Run, limit: Limit, look: Callable[[], T | None], meanwhile: Callable[[], None] = lambda: None
) -> T | None:
    """Look again and again, ever more slowly, until there is an answer, or None when the limit is over.

    A server that is busy or unreachable for a moment is asked again. Raises Interrupted, ProviderError, and what
    `meanwhile` raises, which is called between two looks.
    """
    pause = _FIRST_PAUSE_S
    while True:
        last_look, asked_to_wait = limit.left_s <= 0, 0.0
        try:
            if (found := look()) is not None:
                return found
            if not last_look:
                meanwhile()
        except ProviderError as error:
            if error.code not in _PASSING or last_look:
                raise
            asked_to_wait = error.retry_after_s or 0.0
        if last_look:
            return None
        # The last pause ends with the limit, so that the last look is at the limit and not before it.
        if run.clock.sleep(min(max(pause, asked_to_wait), limit.left_s), run.stop):
            raise Interrupted
        pause = min(pause * _GROWTH, _LONGEST_PAUSE_S)


class Runs:
    """Starts the owner's jobs, where it needs that, so that one begins after the canary was written."""

    def __init__(self, job: Job, relationship: Relationship, run: Run, record: Record) -> None:
        self._job = job
        self._relationship = relationship
        self._run = run
        self._record = record
        self._call: Call | None = job.provider.start(relationship)
        self._starts = 0
        self._started_at = 0.0
        self._seen_running = False
        self._over = False

    def start(self, limit: Limit) -> None:
        """Start a job when none is running: one that runs already may have passed by. Raises NotJudged at the limit."""
        if self._call is None:
            return
        call = self._call

        def started() -> bool | None:
            if self._health() is HealthState.RUNNING:
                return None
            try:
                # `skipped` means that a job runs already: one that nobody saw begin.
                return True if not self._job.provider.execute(call, self._run.secrets).skipped else None
            except ProviderError as error:
                if error.code in _BUSY and not error.ambiguous:
                    return None
                if not error.ambiguous:
                    raise
                return True

        if not wait_for(self._run, limit, started):
            raise NotJudged("a job was running already and did not end in time, so that none could be started")
        self._starts += 1
        self._started_at = self._run.clock.monotonic()
        self._seen_running = self._over = False
        self._record.note("job started", Verdict.MATCH, f"{call.operation} on {call.target}")
        self._run.emit(f"{self._job.name}: started a job, since {self._job.flow.owner.name} copies only when told to")

    def follow(self, limit: Limit) -> None:
        """Start another job if the last one has ended without what is waited for. Raises NotProved."""
        if self._call is None or not self._ended():
            return
        if not self._over:
            self._over = True  # it may have ended since the last look: one more look before this counts
            return
        health = self._job.provider.health(self._relationship)
        if health.state is HealthState.FAILED:
            raise NotProved(f"the job has failed; {self._job.flow.owner.name} says {describe(health)}")
        if self._starts < _MOST_STARTS:
            self.start(limit)

    def settle(self, limit: Limit) -> None:
        """Wait until no job runs; give up quietly at the limit."""
        if self._call is not None:
            wait_for(self._run, limit, lambda: True if self._health() is not HealthState.RUNNING else None)

    def _ended(self) -> bool:
        if self._health() is HealthState.RUNNING:
            self._seen_running = True
            return False
        return self._seen_running or self._run.clock.monotonic() - self._started_at >= _START_SEEN_S

    def _health(self) -> HealthState:
        return self._job.provider.health(self._relationship).state
