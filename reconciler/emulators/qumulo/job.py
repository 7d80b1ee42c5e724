"""Jobs: what runs while a relationship is REPLICATION_RUNNING."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final

from reconciler.emulators.clock import Alarm, Clock
from reconciler.emulators.message import JsonValue
from reconciler.emulators.qumulo import moment
from reconciler.emulators.qumulo.bucket import BucketError
from reconciler.emulators.qumulo.progress import CurrentJob, LastJob, Progress
from reconciler.emulators.qumulo.relationship import Relationship
from reconciler.emulators.qumulo.switches import Switches
from reconciler.emulators.qumulo.transfer import TransferError, Work

ABORTED: Final = "The replication job was aborted."
_NANO: Final = 1_000_000_000


class _Aborted(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Past:
    """One job that ended, for whoever looks into the emulator."""

    relationship: Relationship
    job: LastJob
    progress: Progress

    def describe(self) -> dict[str, JsonValue]:
        return {
            "relationship": self.relationship.id,
            "direction": self.relationship.direction.value,
            **self.job.wire(),
            **self.progress.counts(),
        }


class Job:
    """One run, in a thread of its own. ``lock`` guards everything that ``ended`` and the readers of ``view`` share.

    Files are spread evenly over ``job_seconds`` of the emulated clock, and the job lasts at least that long, so that
    there is a moment to look at it, to abort it, and to be in its way.
    """

    def __init__(
        self,
        relationship: Relationship,
        *,
        prepare: Callable[[], list[Work]],
        ended: Callable[[Past], None],
        clock: Clock,
        switches: Switches,
        lock: AbstractContextManager[object],
    ) -> None:
        self._relationship = relationship
        self._prepare = prepare
        self._ended = ended
        self._clock = clock
        self._switches = switches
        self._lock = lock
        self._alarm: Alarm = clock.alarm()
        self._abort = threading.Event()
        self._estimate = switches.number("estimate_seconds")
        self._length = switches.number("job_seconds")
        started = moment.nanoseconds(clock.now())
        ends = started + int((self._estimate + self._length) * _NANO)
        self.view = CurrentJob(started=started, begun=clock.monotonic(), ends=ends)
        self._thread = threading.Thread(target=self._run, name=f"job-{relationship.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def abort(self) -> None:
        """Ask the job to end. It does after the file it is at, and after ``abort_seconds``."""
        self._abort.set()
        self._alarm.ring()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        error = "The replication job failed."
        try:
            error = self._outcome()
        finally:
            with self._lock:
                job = LastJob(self.view.started, moment.nanoseconds(self._clock.now()), error)
                self._ended(Past(self._relationship, job, self.view.progress))

    def _outcome(self) -> str:
        try:
            self._work()
        except _Aborted:
            self._clock.wait(self._switches.number("abort_seconds"))
            return ABORTED if self._switches["abort_error"] == "text" else ""
        except (BucketError, TransferError) as error:
            return str(error)
        return ""

    def _work(self) -> None:
        works = self._prepare()
        self._until(self._estimate)
        self._show(Progress(estimated=True, files_total=len(works), bytes_total=sum(work.size for work in works)))
        for number, work in enumerate(works):
            self._until(self._estimate + self._length * number / len(works))
            done = self.view.progress
            self._show(done.copied(work.size) if work.copy() else done.skipped(work.size))
        self._until(self._estimate + self._length)

    def _until(self, seconds: float) -> None:
        """Sleep until so many emulated seconds after the start."""
        due = self.view.begun + seconds
        while not self._abort.is_set() and self._clock.monotonic() < due:
            if not self._alarm.wait(due):
                raise _Aborted
        if self._abort.is_set():
            raise _Aborted

    def _show(self, progress: Progress) -> None:
        with self._lock:
            self.view = replace(self.view, progress=progress)
