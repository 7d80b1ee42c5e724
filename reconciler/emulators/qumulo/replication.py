"""The relationships of a cluster and the jobs they run."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from reconciler.emulators.clock import Clock
from reconciler.emulators.message import JsonValue
from reconciler.emulators.qumulo.bucket import Bucket, BucketError, Buckets
from reconciler.emulators.qumulo.job import Job, Past
from reconciler.emulators.qumulo.progress import CurrentJob, LastJob
from reconciler.emulators.qumulo.refusal import Refusal
from reconciler.emulators.qumulo.relationship import Direction, Relationship, Target, Wanted, new_id
from reconciler.emulators.qumulo.switches import Switches
from reconciler.emulators.qumulo.transfer import Side, Track, TransferError, Work, copy_from_object, copy_to_object
from reconciler.emulators.qumulo.tree import Node, Tree

_TRANSFERS: Final = {Direction.TO: copy_to_object, Direction.FROM: copy_from_object}
_HISTORY: Final = 1000


@dataclass(slots=True)
class Entry:
    """A relationship with what it does now, what it did last, and what it remembers of files it copied."""

    relationship: Relationship
    job: Job | None = None
    last: LastJob | None = None
    tracked: dict[str, Track] = field(default_factory=dict)
    #: What a copy made for a stale read saw running.
    seen: CurrentJob | None = None

    @property
    def current(self) -> CurrentJob | None:
        return self.seen if self.job is None else self.job.view


class Replication:
    """All relationships. Methods take the cluster's lock; ``create`` lets go of it while it asks the object store."""

    def __init__(
        self,
        *,
        tree: Tree,
        clock: Clock,
        switches: Switches,
        lock: threading.RLock,
        buckets: Buckets,
        world_authority: Path | None = None,
    ) -> None:
        self._tree = tree
        self._clock = clock
        self._switches = switches
        self._lock = lock
        self._buckets = buckets
        self._authority = world_authority
        self._entries: dict[str, Entry] = {}
        self._past: deque[Past] = deque(maxlen=_HISTORY)

    def frozen(self, tree: Tree) -> Self:
        """A copy for reading that later changes do not reach, over a frozen copy of the tree."""
        other = copy.copy(self)
        other._tree = tree  # noqa: SLF001  (its own class)
        other._entries = {  # noqa: SLF001
            number: Entry(entry.relationship, last=entry.last, seen=entry.current)
            for number, entry in self._entries.items()
        }
        return other

    # Reading

    def wire(self, number: str) -> dict[str, JsonValue]:
        with self._lock:
            return self._entry(number).relationship.wire(self._switches)

    def wire_all(self) -> list[dict[str, JsonValue]]:
        with self._lock:
            return [entry.relationship.wire(self._switches) for entry in self._entries.values()]

    def status(self, number: str) -> dict[str, JsonValue]:
        with self._lock:
            return self._status(self._entry(number))

    def status_all(self) -> list[dict[str, JsonValue]]:
        with self._lock:
            return [self._status(entry) for entry in self._entries.values()]

    def history(self) -> list[dict[str, JsonValue]]:
        """Every job that ended, oldest first, with its counts."""
        with self._lock:
            return [past.describe() for past in self._past]

    def _status(self, entry: Entry) -> dict[str, JsonValue]:
        current = entry.current
        return {
            **entry.relationship.wire(self._switches),
            **self._path(entry.relationship),
            "state": "REPLICATION_NOT_RUNNING" if current is None else "REPLICATION_RUNNING",
            "last_job": None if entry.last is None else entry.last.wire(),
            "current_job": None if current is None else current.wire(self._switches, self._clock.monotonic()),
        }

    def _path(self, relationship: Relationship) -> dict[str, JsonValue]:
        node = self._tree.get(relationship.directory)
        if node is not None:
            return {"local_directory_path": self._tree.path(node)}
        return {} if self._switches["status_missing_path"] == "absent" else {"local_directory_path": ""}

    def _entry(self, number: str) -> Entry:
        if number not in self._entries:
            raise Refusal(404, "No such object relationship.")
        return self._entries[number]

    # Changing

    def create(self, wanted: Wanted) -> dict[str, JsonValue]:
        """Check, create, start the first job. Nothing is created if the directory or the bucket cannot be used."""
        with self._lock:
            self._directory(wanted)
        self._check_bucket(wanted)
        with self._lock:
            # Again: the world may have changed while the object store was asked.
            directory = self._directory(wanted)
            relationship = Relationship(new_id(), wanted.direction, directory.id, wanted.target)
            entry = self._entries[relationship.id] = Entry(relationship)
            self._start(entry)
            return relationship.wire(self._switches)

    def replicate(self, number: str) -> None:
        with self._lock:
            entry = self._entry(number)
            if entry.job is None:
                self._start(entry)
            elif self._switches["replicate_while_running"] == "conflict":
                raise Refusal(409, "A replication job is already running.")

    def abort(self, number: str) -> None:
        with self._lock:
            entry = self._entry(number)
            if entry.job is not None:
                entry.job.abort()
            elif self._switches["abort_idle"] == "conflict":
                raise Refusal(409, "No replication job is running.")

    def delete(self, number: str, matches: Callable[[JsonValue], bool]) -> None:
        """Forget a relationship and what it tracked; files and objects stay.

        ``matches`` says whether the relationship, in the form of answers, is the version that the client expects.
        """
        with self._lock:
            entry = self._entry(number)
            if not matches(entry.relationship.wire(self._switches)):
                raise Refusal(412, "The relationship is of another version.")
            if entry.job is not None:
                raise Refusal(self._switches.whole("delete_running_status"), "A replication job is running.")
            del self._entries[number]

    def stop(self) -> None:
        """End all jobs and wait for them."""
        with self._lock:
            jobs = [entry.job for entry in self._entries.values() if entry.job is not None]
        for job in jobs:
            job.abort()
        for job in jobs:
            job.join(10)

    def read_only(self, node: Node) -> bool:
        """Whether a job that fills a directory keeps clients from changing this node. The lock is held."""
        filling = {
            entry.relationship.directory
            for entry in self._entries.values()
            if entry.job is not None and entry.relationship.direction is Direction.FROM
        }
        return bool(filling) and any(link.id in filling for link in self._tree.line(node))

    def _start(self, entry: Entry) -> None:
        def ended(past: Past) -> None:
            entry.job, entry.last = None, past.job
            self._past.append(past)

        def prepare() -> list[Work]:
            relationship = entry.relationship
            with self._lock:
                directory = self._tree.get(relationship.directory)
            if directory is None:
                raise TransferError("The directory no longer exists.")
            bucket, prefix = self._open(relationship.target), relationship.target.prefix
            side = Side(self._tree, directory, bucket, prefix, self._lock, entry.tracked)
            return _TRANSFERS[relationship.direction](side)

        entry.job = Job(
            entry.relationship,
            prepare=prepare,
            ended=ended,
            clock=self._clock,
            switches=self._switches,
            lock=self._lock,
        )
        entry.job.start()

    def _open(self, target: Target) -> Bucket:
        authorities = self._authority if self._switches["public_authorities"] == "world" else None
        return self._buckets.open(target, authorities, self._switches.whole("bucket_page"))

    def _directory(self, wanted: Wanted) -> Node:
        if wanted.directory_path is not None and not wanted.directory_path.startswith("/"):
            raise Refusal(400, "The path must be absolute.", "fs_file_path_invalid_error")
        directory = self._tree.directory(wanted.directory_path or wanted.directory_id or "")
        for entry in self._entries.values():
            other = self._tree.get(entry.relationship.directory)
            if other is None or not self._tree.overlap(directory, other):
                continue
            both = {wanted.direction, entry.relationship.direction}
            if both == {Direction.TO} and self._switches["overlap_copy_to"] == "allow":
                continue
            status = self._switches.whole("overlap_status")
            raise Refusal(status, "The directory overlaps that of another relationship.")
        return directory

    def _check_bucket(self, wanted: Wanted) -> None:
        status = self._switches.whole("bucket_status")
        try:
            filled = self._open(wanted.target).check()
        except BucketError as error:
            raise Refusal(status, str(error)) from error
        if not filled and wanted.direction is Direction.FROM and self._switches["empty_source"] == "refuse":
            raise Refusal(status, "The folder has no objects.")
