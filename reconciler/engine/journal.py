"""The append-only record of one apply, on disk before and after each call."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from reconciler.clock import Clock
from reconciler.engine.state import StateFolder
from reconciler.errors import ReplError
from reconciler.model.observation import ContainerRef
from reconciler.model.receipt import JournalEntry, JournalEvent
from reconciler.model.value import Json

__all__ = ["ContainerHistory", "Journal", "RunHistory", "last_run", "open_runs", "owed_copies", "read_journal"]


class Journal:
    """Writes one run's entries; each is on disk when `write` returns. Safe to use from several threads."""

    def __init__(self, path: Path, *, run_id: str, plan_id: str, clock: Clock) -> None:
        self.path = path
        self.run_id = run_id
        self._plan_id = plan_id
        self._clock = clock
        self._lock = Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._end_torn_line()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def write(
        self,
        event: JournalEvent,
        *,
        container: str | None = None,
        place: ContainerRef | None = None,
        step: str | None = None,
        returned: dict[str, Json] | None = None,
        request_id: str | None = None,
        copies: tuple[str, ...] = (),
        strangers: tuple[str, ...] = (),
        replications: tuple[str, ...] = (),
        detail: str = "",
    ) -> None:
        """Append one entry and wait until it is on disk. Raises OSError, with no part of it left, where that fails."""
        entry = JournalEntry(
            at=self._clock.now(),
            event=event,
            run_id=self.run_id,
            plan_id=self._plan_id,
            container=container,
            place=place,
            step=step,
            returned=returned or {},
            request_id=request_id,
            copies=copies,
            strangers=strangers,
            replications=replications,
            detail=detail,
        )
        line = entry.model_dump_json(exclude_defaults=False).encode() + b"\n"
        with self._lock:
            size = os.fstat(self._file.fileno()).st_size
            try:
                self._append(line)
            except OSError as error:
                os.ftruncate(self._file.fileno(), size)
                error.filename = str(self.path)
                raise

    def _append(self, line: bytes) -> None:
        # A disk that is all but full takes a part of it, which is no error to it.
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _end_torn_line(self) -> None:
        """Close a line that a crash left open, so that the next entry starts on its own."""
        size = self.path.stat().st_size
        if size and self.path.read_bytes()[-1:] != b"\n":
            self._file.write(b"\n")


@dataclass(slots=True)
class ContainerHistory:
    """What a journal says of one container."""

    started: bool = False
    place: ContainerRef | None = None
    """None in journals of older versions."""
    expected: str = ""
    """What its plan warned of."""
    done: bool = False
    noted: bool = False
    """Whether a receipt tells of what was done, if only the one before its proofs."""
    failed: bool = False
    fingerprint: str = ""
    finished: dict[str, dict[str, Json]] = field(default_factory=dict)
    """Steps that are known to have worked, with what they returned."""
    in_doubt: str | None = None
    """The call that was asked for and not answered."""
    strangers: tuple[str, ...] = ()
    """Server ids of what its plan knew to be something else."""
    replications: tuple[str, ...] = ()
    """Names of what was to be changed there."""


@dataclass(slots=True)
class RunHistory:
    """What one journal says."""

    run_id: str
    plan_id: str
    path: Path
    finished: bool = False
    containers: dict[str, ContainerHistory] = field(default_factory=dict)
    """By `str(ContainerRef)`."""
    owed: set[str] = field(default_factory=set)
    """Replications whose existing data this run should have sent and did not."""
    copied: set[str] = field(default_factory=set)
    """Replications whose existing data this run has sent."""

    @property
    def in_doubt(self) -> tuple[tuple[str, str], ...]:
        """(container, step) of every call whose outcome is not known."""
        return tuple((name, item.in_doubt) for name, item in self.containers.items() if item.in_doubt)


def read_journal(path: Path) -> RunHistory | None:
    """Read one journal; None if it holds no whole entry. A line torn by a crash is passed over."""
    history: RunHistory | None = None
    for entry in _entries(path):
        if history is None:
            history = RunHistory(run_id=entry.run_id, plan_id=entry.plan_id, path=path)
        _note(history, entry)
    return history


def last_run(state: StateFolder) -> RunHistory | None:
    """Return the run of the last receipt; None without one, or without its journal."""
    receipt = state.receipt()
    path = state.journal_path(receipt.run_id) if receipt else None
    return read_journal(path) if path is not None and path.exists() else None


def open_runs(state: StateFolder) -> tuple[RunHistory, ...]:
    """Return the runs that were started and not finished, oldest first."""
    if not state.journals.is_dir():
        return ()
    read = (read_journal(path) for path in sorted(state.journals.glob("*.jsonl")))
    return tuple(history for history in read if history is not None and not history.finished)


def owed_copies(state: StateFolder) -> frozenset[str]:
    """Name the replications whose existing data earlier runs should have sent and did not."""
    receipt = state.receipt()
    noted = set(receipt.owed) if receipt else set()
    return frozenset(noted.union(*(run.owed for run in open_runs(state))))


def _entries(path: Path) -> Iterator[JournalEntry]:
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield JournalEntry.model_validate_json(line)
        except ValidationError as error:
            # An entry is acted upon only after it is whole on disk, so a torn one means: nothing happened after it.
            if not line.endswith(b"}"):
                continue
            raise ReplError(
                f"the journal {path} is damaged at line {number}",
                hint="move it away after comparing it with what is live",
            ) from error


def _note(history: RunHistory, entry: JournalEntry) -> None:
    _note_copies(history, entry)
    if entry.container is None:
        _note_run(history, entry)
        return
    item = history.containers.setdefault(entry.container, ContainerHistory())
    step = entry.step or ""
    match entry.event:
        case JournalEvent.CONTAINER_STARTED:
            item.started, item.place = True, entry.place
            item.expected, item.strangers = entry.detail, entry.strangers
            item.replications, item.failed = entry.replications, False
        case JournalEvent.CALL_PENDING:
            item.in_doubt = step
        case JournalEvent.CALL_DONE | JournalEvent.AWAIT_DONE:
            item.finished[step] = entry.returned
            item.in_doubt = None
        case JournalEvent.CALL_FAILED:
            item.in_doubt = None
        case JournalEvent.CONTAINER_DONE:
            item.done, item.fingerprint = True, entry.detail
        case JournalEvent.CONTAINER_FAILED:
            item.failed = True
        case JournalEvent.CONTAINER_SETTLED:
            del history.containers[entry.container]
        case _:
            pass


def _note_run(history: RunHistory, entry: JournalEntry) -> None:
    if entry.event in (JournalEvent.RUN_STARTED, JournalEvent.RUN_FINISHED):
        history.finished = entry.event is JournalEvent.RUN_FINISHED  # what has failed may be gone on with
    elif entry.event is JournalEvent.RECEIPT_WRITTEN:
        for item in history.containers.values():
            item.noted = item.done


def _note_copies(history: RunHistory, entry: JournalEntry) -> None:
    if entry.event is JournalEvent.CONTAINER_STARTED:
        history.owed |= set(entry.copies)
    elif entry.event is JournalEvent.COPIES_SETTLED:
        history.owed -= set(entry.copies)
    elif entry.event is JournalEvent.CALL_DONE:
        history.owed -= set(entry.copies)
        history.copied |= set(entry.copies)
