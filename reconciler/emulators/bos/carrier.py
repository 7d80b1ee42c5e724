"""Carries single keys from a rule's bucket to its destination, and keeps the counts."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.emulators.bos.bucket import Bucket
from reconciler.emulators.bos.objects import ARCHIVE, storage_class
from reconciler.emulators.bos.record import Counts, Record
from reconciler.emulators.bos.rule import CLASSES, MULTI_AZ_CLASSES
from reconciler.emulators.bos.task import Task
from reconciler.emulators.message import JsonValue

if TYPE_CHECKING:
    from reconciler.emulators.bos.cloud import Cloud

_FAILURES_KEPT: Final = 1000
_MULTI_AZ: Final = "MAZ_"


class _Failed(Exception):
    """Why a key cannot be carried over now."""


class Carrier:
    """Does the worker's tasks. What fails is tried again as long as its rule stands."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._failures: deque[JsonValue] = deque(maxlen=_FAILURES_KEPT)

    def __call__(self, task: Task) -> None:
        cloud = self._cloud
        with cloud.lock:
            record = cloud.replication.record(task.bucket, task.rule)
            if record is None or not record.active or (task.kind == "existing" and record.run != task.run):
                return
            # Data synchronisation does not work on versioned buckets; BOS does not say so anywhere else.
            if cloud.objects.versioning(task.bucket) == "Enabled":
                return
            try:
                counts = self._carry(task, record)
            except _Failed as reason:
                self._failures.append(
                    {"bucket": task.bucket, "rule": task.rule, "key": task.key, "reason": str(reason)}
                )
                cloud.worker.push(task, cloud.switches.number("retry_seconds"))
                return
            cloud.replication.update(task.bucket, self._counted(task, record, counts))

    def failures(self) -> list[JsonValue]:
        """Every try that failed, the oldest first."""
        with self._cloud.lock:
            return list(self._failures)

    def _counted(self, task: Task, record: Record, counts: Counts) -> Record:
        skipped = counts.skipped_archive != record.counts.skipped_archive
        if counts != record.counts and not skipped:
            record = replace(record, latest=int(self._cloud.clock.now().timestamp()))
        return replace(record, counts=counts, history_done=record.history_done + (task.kind == "existing"))

    def _carry(self, task: Task, record: Record) -> Counts:
        target = self._target(task.bucket, record)
        counts, key = record.counts, record.rule.prefix + task.key
        found = self._cloud.objects.current(task.bucket, task.key)
        if task.kind == "delete":
            if found is not None or self._cloud.objects.current(target.name, key) is None:
                return counts
            self._cloud.objects.delete(target.name, key, replica=True)
            return replace(counts, deleted=counts.deleted + 1)
        if found is None:
            return counts
        if storage_class(found) == ARCHIVE:
            return replace(counts, skipped_archive=counts.skipped_archive + 1)
        chosen = record.rule.history_class if task.kind == "existing" else record.rule.storage_class
        self._cloud.objects.replicate(found, target, key, chosen or _kept_class(storage_class(found), target))
        if task.kind == "existing":
            return replace(counts, existing=counts.existing + 1)
        return replace(counts, new=counts.new + 1)

    def _target(self, bucket: str, record: Record) -> Bucket:
        target = self._cloud.buckets.get(record.rule.destination)
        if target is None:
            raise _Failed("NoSuchBucket")
        if not target.allows(self._cloud.buckets[bucket].owner, "WRITE"):
            raise _Failed("AccessDenied")
        return target


def _kept_class(name: str, target: Bucket) -> str:
    """The source's class, in the form that the destination can hold."""
    holds = MULTI_AZ_CLASSES if target.multi_az else CLASSES
    other = name.removeprefix(_MULTI_AZ) if name.startswith(_MULTI_AZ) else f"{_MULTI_AZ}{name}"
    return name if name in holds else other if other in holds else target.storage_class
