"""The engine: which writes become deliveries, when they are made, and the walk over what was there before.

There is no guard against loops: what arrives by replication is replicated onward like any other write.
Source: Alarik's ReplicationService and ReplicationDispatcher.
"""

from __future__ import annotations

import threading
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from moto.s3.models import FakeKey

from reconciler.emulators.alarik.buckets import Buckets
from reconciler.emulators.alarik.configuration import Configuration, Rule, Target
from reconciler.emulators.alarik.courier import Courier, DeliveryError
from reconciler.emulators.alarik.outbox import Operation, Outbox, Task
from reconciler.emulators.alarik.switches import AlarikSwitches
from reconciler.emulators.clock import Alarm, Clock
from reconciler.emulators.message import JsonValue
from reconciler.emulators.s3.store import Store
from reconciler.emulators.switchboard import Board

WORKERS: Final = 4
PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class _Event:
    """What happened to the current version of a key."""

    operation: Operation
    bucket: str
    key: str
    version: str | None


class Replication:
    """Four workers over one outbox. ``up`` says whether the server's process lives; queued work waits while not."""

    def __init__(
        self,
        *,
        clock: Clock,
        board: Board[AlarikSwitches],
        store: Store,
        buckets: Buckets,
        courier: Courier,
        up: Callable[[], bool],
    ) -> None:
        self._clock = clock
        self._board = board
        self._store = store
        self._buckets = buckets
        self._courier = courier
        self._up = up
        self.outbox = Outbox(clock.now, lambda: board.now)
        self._alarms = [clock.alarm() for _ in range(WORKERS)]
        self._threads = [
            threading.Thread(target=self._work, args=(alarm,), name=f"outbox-{number}", daemon=True)
            for number, alarm in enumerate(self._alarms)
        ]
        self._lock = threading.Lock()
        self._life = 0
        self._walks = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for the end, after the clock was stopped."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5)

    def wake(self) -> None:
        for alarm in self._alarms:
            alarm.ring()

    def restarted(self) -> None:
        """The process is a new one: the queue is as it was, a walk under way is lost."""
        with self._lock:
            self._life += 1
        self.wake()

    def describe(self) -> dict[str, JsonValue]:
        with self._lock:
            return {**self.outbox.counts(), "walks": self._walks}

    def wrote(self, bucket: str, key: str, version: str | None) -> None:
        """A client's write has made a current version. One without an id, in an unversioned bucket, is not followed."""
        if version is not None:
            self._follow(_Event("put", bucket, key, version))

    def deleted(self, bucket: str, key: str, version: str | None) -> None:
        """A client has deleted a current object; ``version`` is that of the marker, for display alone."""
        self._follow(_Event("delete", bucket, key, version))

    def resync(self, bucket: str, rule: Rule, target: Target) -> None:
        """Queue every current object below the rule's prefix, in the background, whether the target has it or not."""
        with self._lock:
            self._walks += 1
            life = self._life
        threading.Thread(target=self._walk, args=(bucket, rule, target, life), name="resync", daemon=True).start()

    def _follow(self, event: _Event) -> None:
        record = self._buckets.find(event.bucket)
        if record is None or record.configuration is None:
            return
        resolved = _resolved(record.configuration, event)
        queued = [(rule, target) for rule, target in resolved if not rule.synchronous]
        queued += self._deliver_now([(rule, target) for rule, target in resolved if rule.synchronous], event)
        for rule, target in queued:
            self._queue(rule, target, event)
        if queued:
            self.wake()

    def _deliver_now(self, pairs: list[tuple[Rule, Target]], event: _Event) -> list[tuple[Rule, Target]]:
        """Try all at once while the client waits. Those that did not make it in time are for the queue.

        So is a key that is just under way to the same target: in a loop of synchronous rules no answer would ever come.
        """
        made: set[uuid.UUID] = set()

        def attempt(rule: Rule, target: Target) -> None:
            lane = event.bucket, event.key, target.id
            if not self.outbox.enter(lane):
                return
            delivered = False
            try:
                delivered = self._attempt(target, event) is None
            finally:
                self.outbox.leave(lane, rule.id, delivered=delivered)
                self.wake()
            if delivered:
                made.add(rule.id)

        threads = [threading.Thread(target=attempt, args=pair, daemon=True) for pair in pairs]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + self._board.now.synchronous_timeout_s
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        done = frozenset(made)
        return [(rule, target) for rule, target in pairs if rule.id not in done]

    def _queue(self, rule: Rule, target: Target, event: _Event) -> None:
        now = self._clock.now()
        self.outbox.add(
            Task(
                id=uuid.uuid4(),
                bucket=event.bucket,
                rule=rule.id,
                target=target,
                key=event.key,
                version=event.version,
                operation=event.operation,
                created=now,
                due=now,
            )
        )

    def _work(self, alarm: Alarm) -> None:
        while alarm.wait(self._next()):
            while not self._idle() and (task := self.outbox.take()) is not None:
                error: str | None = "the emulator failed"
                try:
                    error = self._attempt(task.target, _Event(task.operation, task.bucket, task.key, task.version))
                except Exception:  # noqa: BLE001  (the worker's own mistake must be seen, and must not end it)
                    traceback.print_exc()
                finally:
                    self.outbox.settle(task, error)

    def _idle(self) -> bool:
        return self._board.now.worker == "stopped" or not self._up() or self._clock.stopped

    def _next(self) -> float | None:
        moment = None if self._idle() else self.outbox.next_moment()
        return None if moment is None else self._clock.monotonic() + moment - self._clock.now().timestamp()

    def _attempt(self, target: Target, event: _Event) -> str | None:
        """What went wrong, None if nothing did."""
        if self._must_fail():
            return "ServiceUnavailable: Please reduce your request rate."
        try:
            if event.operation == "put":
                self._courier.put(target, event.bucket, event.key, event.version)
            else:
                self._courier.delete(target, event.key)
        except DeliveryError as error:
            return str(error)
        return None

    def _must_fail(self) -> bool:
        with self._lock:
            left = self._board.now.fail_next_deliveries
            if left:
                self._board.set({"fail_next_deliveries": left - 1})
            return left > 0

    def _walk(self, bucket: str, rule: Rule, target: Target, life: int) -> None:
        try:
            after = ""
            while self._life == life and not self._clock.stopped:
                page = self._page(bucket, rule.prefix or "", after)
                for key, version in page:
                    self._queue(rule, target, _Event("put", bucket, key, version))
                self.wake()
                if len(page) < PAGE:
                    return
                after = page[-1][0]
        finally:
            with self._lock:
                self._walks -= 1

    def _page(self, bucket: str, prefix: str, after: str) -> list[tuple[str, str | None]]:
        """Current objects with their versions, keys in order."""
        with self._store.lock:
            found = self._store.bucket(bucket)
            if found is None:
                return []
            versioned = found.versioning_status is not None
            page: list[tuple[str, str | None]] = []
            for key in sorted(key for key in found.keys if key.startswith(prefix) and key > after):
                current = self._store.versions(found, key)[-1]
                if isinstance(current, FakeKey):
                    page.append((key, str(current.version_id) if versioned else None))
                if len(page) == PAGE:
                    break
            return page


def _resolved(configuration: Configuration, event: _Event) -> list[tuple[Rule, Target]]:
    """Every rule that wants this, with its target; two rules with one target make two deliveries."""
    found = []
    for rule in configuration.rules:
        if not rule.matches(event.key) or (event.operation == "delete" and not rule.deletes):
            continue
        target = configuration.target(rule.target)
        if target is not None and target.enabled:
            found.append((rule, target))
    return found
