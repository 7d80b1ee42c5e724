"""The worker that really copies: writes to a bucket become replicas elsewhere, a moment later on the world's clock.

Source: Amazon S3 user guide, "What does Amazon S3 replicate?", "Getting replication status information" and
"S3 replication failure reasons".
"""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey

from reconciler.emulators.agenda import Agenda
from reconciler.emulators.clock import Clock
from reconciler.emulators.message import JsonValue
from reconciler.emulators.s3.objects import Change
from reconciler.emulators.s3.rules import Rule, by_destination
from reconciler.emulators.s3.store import Store, Version
from reconciler.emulators.s3.switches import Switches

REPLICA = "REPLICA"

# Kept with moto's own attributes of a version, so that it goes wherever the version goes. By destination bucket.
_STATUSES = "replication_statuses"

_FAILURES_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a flavour replicates.

    ``versioned``: both buckets need versioning. ``statuses``: objects tell how their replication went.
    ``all_deletes``: every delete is carried over, also of single versions; otherwise delete markers alone, and
    those if the rule says so. ``resolve``: where a rule's objects go, as store and bucket name.
    """

    versioned: bool
    statuses: bool
    all_deletes: bool
    resolve: Callable[[Store, str, Rule], tuple[Store, str]]


@dataclass(frozen=True, slots=True)
class _Origin:
    """One version that something happened to."""

    kind: Literal["copy", "mark", "remove", "tag"]
    store: Store
    bucket: str
    key: str
    version_id: str


@dataclass(frozen=True, slots=True)
class _Task:
    origin: _Origin
    rule: Rule


class _FailedError(Exception):
    """Why a copy cannot be made, by the service's own name for it."""


class Worker:
    """One thread that works off what ``observe`` was told, when it is due.

    ``settings`` is asked for the switches in force, ``held`` whether the worker must wait for another reason.
    """

    def __init__(
        self,
        clock: Clock,
        behaviour: Behaviour,
        *,
        settings: Callable[[], Switches],
        rules: Callable[[str], tuple[Rule, ...]],
        held: Callable[[], bool] = lambda: False,
    ) -> None:
        self._behaviour = behaviour
        self._settings = settings
        self._rules = rules
        self._held = held
        self._agenda = Agenda("replication", clock, self._do, self._idle)
        self._lock = threading.Lock()
        self._failures: deque[dict[str, JsonValue]] = deque(maxlen=_FAILURES_KEPT)

    def start(self) -> None:
        self._agenda.start()

    def join(self) -> None:
        """Wait for the end, after the clock was stopped."""
        self._agenda.join()

    def wake(self) -> None:
        """Look at the switches again."""
        self._agenda.wake()

    def observe(self, store: Store, bucket: str, change: Change) -> None:
        """Note what a client's request has changed; decides at once which rules it meets."""
        rules = self._rules(bucket)
        if not rules:
            return
        known = {id(version) for version in change.before}
        for version in change.after:
            if id(version) not in known:
                self._observe_new(store, bucket, change.key, version, rules)
        if self._behaviour.all_deletes:
            kept = {version.version_id for version in change.after}
            for version in change.before:
                if version.version_id not in kept:
                    self._enqueue(_Origin("remove", store, bucket, change.key, version.version_id), rules, {})
        if isinstance(change.tagged, FakeKey) and status_of(change.tagged) != REPLICA:
            self._observe_tags(store, bucket, change.key, change.tagged, rules)

    def describe(self) -> dict[str, JsonValue]:
        queued = self._agenda.queued
        with self._lock:
            return {"queued": queued, "failures": list(self._failures)}

    def _observe_new(self, store: Store, bucket: str, key: str, version: Version, rules: tuple[Rule, ...]) -> None:
        if isinstance(version, FakeDeleteMarker):
            marking = rules if self._behaviour.all_deletes else tuple(rule for rule in rules if rule.delete_markers)
            self._enqueue(_Origin("mark", store, bucket, key, version.version_id), marking, {})
            return
        if version.encryption == "aws:kms":
            rules = tuple(rule for rule in rules if rule.kms_objects or not self._behaviour.statuses)
        origin = _Origin("copy", store, bucket, key, version.version_id)
        for rule in self._enqueue(origin, rules, store.tags(version)):
            self._set_status(version, rule, "PENDING")

    def _observe_tags(self, store: Store, bucket: str, key: str, version: FakeKey, rules: tuple[Rule, ...]) -> None:
        # Only what was replicated in the first place: new tags do not bring an old object into a rule.
        if self._behaviour.statuses:
            rules = tuple(rule for rule in rules if rule.destination in _statuses(version))
        self._enqueue(_Origin("tag", store, bucket, key, version.version_id), rules, store.tags(version))

    def _enqueue(self, origin: _Origin, rules: tuple[Rule, ...], tags: Mapping[str, str]) -> list[Rule]:
        chosen = list(by_destination(rules, origin.key, tags).values())
        for rule in chosen:
            self._agenda.push(_Task(origin, rule), self._settings().replication_lag_s)
        return chosen

    def _idle(self) -> bool:
        return self._settings().worker == "stopped" or self._held()

    def _do(self, task: _Task) -> None:
        with task.origin.store.lock:
            source = task.origin.store.bucket(task.origin.bucket)
            if source is None or not self._in_force(task):
                return
            version = _find(task.origin.store.versions(source, task.origin.key), task.origin.version_id)
            # Deleted for good before its turn came: nothing is left to be copied.
            if version is None and task.origin.kind != "remove":
                return
            try:
                self._carry(task, version)
            except _FailedError as error:
                self._note_failure(task, version, str(error))
            else:
                self._set_status(version, task.rule, "COMPLETED")

    def _in_force(self, task: _Task) -> bool:
        return any(
            rule.enabled and rule.id == task.rule.id and rule.destination == task.rule.destination
            for rule in self._rules(task.origin.bucket)
        )

    def _carry(self, task: _Task, version: Version | None) -> None:
        store, name = self._behaviour.resolve(task.origin.store, task.origin.bucket, task.rule)
        if self._settings().role_denied:
            raise _FailedError("AssumeRoleNotPermitted")
        with store.lock:
            destination = store.bucket(name)
            if destination is None:
                raise _FailedError("DstBucketNotFound")
            if self._behaviour.versioned and not destination.is_versioned:
                raise _FailedError("DstBucketUnversioned")
            present = store.versions(destination, task.origin.key)
            if isinstance(version, FakeDeleteMarker):
                _append(store, destination, task.origin.key, present, _marker(version, present))
            elif version is None:
                left = [one for one in present if one.version_id != task.origin.version_id]
                store.replace_versions(destination, task.origin.key, left)
            elif task.origin.kind == "tag":
                replica = _find(present, task.origin.version_id)
                if isinstance(replica, FakeKey):
                    store.set_tags(replica, task.origin.store.tags(version))
            else:
                replica = self._replica(version, destination, task.rule)
                _append(store, destination, task.origin.key, present, replica)
                store.set_tags(replica, task.origin.store.tags(version))

    def _replica(self, version: FakeKey, destination: FakeBucket, rule: Rule) -> FakeKey:
        replica = copy.deepcopy(version)
        replica.bucket_name = destination.name
        replica.account_id = destination.account_id
        if rule.storage_class is not None:
            replica._storage_class = rule.storage_class  # noqa: SLF001  (moto's setter knows fewer classes)
        if version.encryption == "aws:kms" and rule.kms_key is not None:
            replica.kms_key_id = rule.kms_key
        vars(replica)[_STATUSES] = {"": REPLICA} if self._behaviour.statuses else {}
        return replica

    def _set_status(self, version: Version | None, rule: Rule, status: str) -> None:
        if self._behaviour.statuses and isinstance(version, FakeKey):
            vars(version)[_STATUSES] = {**_statuses(version), rule.destination: status}

    def _note_failure(self, task: _Task, version: Version | None, reason: str) -> None:
        self._set_status(version, task.rule, "FAILED")
        with self._lock:
            self._failures.append(
                {
                    "bucket": task.origin.bucket,
                    "key": task.origin.key,
                    "version": task.origin.version_id,
                    "rule": task.rule.id,
                    "destination": task.rule.destination,
                    "reason": reason,
                }
            )


def status_of(version: Version) -> str | None:
    """What ``x-amz-replication-status`` says of a version: of several destinations COMPLETED only when all are."""
    statuses = set(_statuses(version).values())
    return next((status for status in ("FAILED", "PENDING", "COMPLETED", REPLICA) if status in statuses), None)


def _statuses(version: Version) -> dict[str, str]:
    found: dict[str, str] = vars(version).get(_STATUSES, {})
    return found


def _find(versions: list[Version], version_id: str) -> Version | None:
    return next((version for version in versions if version.version_id == version_id), None)


def _marker(marker: FakeDeleteMarker, present: list[Version]) -> FakeDeleteMarker:
    copied = FakeDeleteMarker(key=cast("FakeKey", present[-1]) if present else marker.key)
    copied.name = marker.name
    copied.last_modified = marker.last_modified
    copied._version_id = marker.version_id  # noqa: SLF001  (moto makes up a new one)
    return copied


def _append(store: Store, bucket: FakeBucket, key: str, present: list[Version], version: Version) -> None:
    others = [one for one in present if one.version_id != version.version_id]
    store.replace_versions(bucket, key, [*others, version])
