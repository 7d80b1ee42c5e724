"""How far a job is, and how the last one ended, with the forms in which a cluster says so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.emulators.message import JsonValue
from reconciler.emulators.qumulo import moment
from reconciler.emulators.qumulo.switches import Switches


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of one job. Totals are known when ``estimated``."""

    estimated: bool = False
    bytes_total: int = 0
    files_total: int = 0
    bytes_transferred: int = 0
    files_transferred: int = 0
    bytes_unchanged: int = 0
    files_unchanged: int = 0

    def copied(self, size: int) -> Progress:
        """One more file that was moved."""
        return replace(
            self, bytes_transferred=self.bytes_transferred + size, files_transferred=self.files_transferred + 1
        )

    def skipped(self, size: int) -> Progress:
        """One more file that was already there."""
        return replace(self, bytes_unchanged=self.bytes_unchanged + size, files_unchanged=self.files_unchanged + 1)

    @property
    def bytes_remaining(self) -> int:
        return max(0, self.bytes_total - self.bytes_transferred - self.bytes_unchanged)

    @property
    def files_remaining(self) -> int:
        return max(0, self.files_total - self.files_transferred - self.files_unchanged)

    @property
    def share(self) -> float:
        """What is done, from 0 to 1, by bytes; a job without bytes is done when its files are."""
        if self.bytes_total:
            return 1 - self.bytes_remaining / self.bytes_total
        return 1 - self.files_remaining / self.files_total if self.files_total else 1.0

    def counts(self) -> dict[str, int]:
        return {
            "bytes_transferred": self.bytes_transferred,
            "bytes_unchanged": self.bytes_unchanged,
            "bytes_remaining": self.bytes_remaining,
            "bytes_total": self.bytes_total,
            "files_transferred": self.files_transferred,
            "files_unchanged": self.files_unchanged,
            "files_remaining": self.files_remaining,
            "files_total": self.files_total,
        }

    def wire(self, switches: Switches, seconds: float) -> dict[str, JsonValue]:
        """Counts as decimal strings. ``seconds`` since the start, for the throughput."""
        rate = str(int(self.bytes_transferred / seconds)) if seconds > 0 else "0"
        scale = switches.number("percent_scale")
        return {
            **{name: str(value) for name, value in self.counts().items()},
            "percent_complete": self.share * scale if self.estimated else switches["percent_estimating"],
            "throughput_current": rate,
            "throughput_overall": rate,
        }


@dataclass(frozen=True, slots=True)
class LastJob:
    """A job that ended: ``error`` is empty if it succeeded."""

    started: int
    ended: int
    error: str

    def wire(self) -> dict[str, JsonValue]:
        return {"start_time": moment.text(self.started), "end_time": moment.text(self.ended), "error": self.error}


@dataclass(frozen=True, slots=True)
class CurrentJob:
    """A job that runs. Times in nanoseconds; ``begun`` is the clock's monotonic time of the start."""

    started: int
    begun: float
    ends: int
    progress: Progress = Progress()

    def wire(self, switches: Switches, now: float) -> dict[str, JsonValue]:
        ends = moment.text(self.ends) if self.progress.estimated else switches["estimate"]
        return {
            "start_time": moment.text(self.started),
            "estimated_end_time": ends,
            "job_progress": self.progress.wire(switches, now - self.begun),
        }
