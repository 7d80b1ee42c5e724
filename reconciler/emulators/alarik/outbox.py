"""The queue of deliveries: what is due, what must wait for another delivery of its key, what has failed for good.

Source: Alarik's ReplicationTask, OutboxMailbox and GenericOutboxDispatcher.
"""

from __future__ import annotations

import heapq
import math
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from reconciler.emulators.alarik.configuration import Target, shown_id
from reconciler.emulators.alarik.moment import shown
from reconciler.emulators.alarik.switches import AlarikSwitches
from reconciler.emulators.message import JsonValue

MOST_ATTEMPTS: Final = 8
KEPT: Final = timedelta(days=7)
SWEEP_SECONDS: Final = 3600.0

# A clock that is pushed by ten seconds reads ten seconds more, give or take a rounding.
_SLACK: Final = 0.001

Operation = Literal["put", "delete"]
#: Bucket, key and target: what is delivered one at a time.
Lane = tuple[str, str, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Task:
    """One delivery to be made. The target is as it was when this was queued: later changes do not reach it."""

    id: uuid.UUID
    bucket: str
    rule: uuid.UUID
    target: Target
    key: str
    version: str | None
    operation: Operation
    created: datetime
    due: datetime
    attempts: int = 0
    failed: bool = False
    error: str | None = None

    @property
    def lane(self) -> Lane:
        return self.bucket, self.key, self.target.id

    def shown(self, switches: AlarikSwitches) -> dict[str, JsonValue]:
        row: dict[str, JsonValue | None] = {
            "id": shown_id(self.id, switches),
            "ruleId": shown_id(self.rule, switches),
            "targetId": shown_id(self.target.id, switches),
            "endpoint": self.target.endpoint,
            "key": self.key,
            "versionId": self.version,
            "operation": self.operation,
            "state": "failed" if self.failed else "pending",
            "attempts": self.attempts,
            "nextAttemptAt": shown(self.due, switches),
            "lastError": self.error,
            "createdAt": shown(self.created, switches),
        }
        return {name: value for name, value in row.items() if value is not None}


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many attempts that failed: 60 s after the first, doubled up to an hour."""
    return timedelta(seconds=min(30.0 * 2.0**attempts, 3600.0))


class Outbox:
    """Thread-safe. Rows survive a restart of the server; what is delivered leaves without a trace but a count."""

    def __init__(self, now: Callable[[], datetime], settings: Callable[[], AlarikSwitches]) -> None:
        self._now = now
        self._settings = settings
        self._lock = threading.Lock()
        self._tasks: dict[uuid.UUID, Task] = {}
        self._numbers: dict[uuid.UUID, int] = {}
        self._made = 0
        # By the moment to look at it: (moment, number of the task, whether the moment is exact, id).
        self._heap: list[tuple[float, int, bool, uuid.UUID]] = []
        self._busy: set[Lane] = set()
        self._waiting: dict[Lane, list[uuid.UUID]] = {}
        self._paced: dict[Lane, float] = {}
        self._swept = self._now().timestamp()
        self.delivered: Counter[uuid.UUID] = Counter()
        self.attempts = 0

    def add(self, task: Task) -> None:
        with self._lock:
            self._made += 1
            self._tasks[task.id] = task
            self._numbers[task.id] = self._made
            self._push(task, task.due.timestamp(), exact=False)

    def take(self) -> Task | None:
        """The task that is due for longest, of those whose key is not just being delivered. ``settle`` must follow."""
        now = self._now().timestamp() + _SLACK
        with self._lock:
            self._sweep(now)
            while self._heap and self._heap[0][0] <= now:
                _, _, _, identity = heapq.heappop(self._heap)
                task = self._tasks.get(identity)
                if task is None or task.failed or task.due.timestamp() > now:
                    continue
                if task.lane in self._busy:
                    self._waiting.setdefault(task.lane, []).append(identity)
                elif (paced := self._paced.get(task.lane, 0.0)) > now:
                    self._push(task, paced, exact=True)
                else:
                    self._busy.add(task.lane)
                    self.attempts += 1
                    return task
            return None

    def settle(self, task: Task, error: str | None) -> None:
        """The attempt is over: delivered if there is no error. A task that was purged meanwhile is not brought back."""
        now = self._now()
        with self._lock:
            self._pace(task.lane, now.timestamp())
            if error is None:
                self._tasks.pop(task.id, None)
                self._numbers.pop(task.id, None)
                self.delivered[task.rule] += 1
            elif task.id in self._tasks:
                self._fail(self._tasks[task.id], error, now)
            self._leave(task.lane)

    def enter(self, lane: Lane) -> bool:
        """Take a lane for a delivery past the queue; False if something is under way there. ``leave`` must follow."""
        with self._lock:
            free = lane not in self._busy
            self._busy.add(lane)
            self.attempts += free
            return free

    def leave(self, lane: Lane, rule: uuid.UUID, *, delivered: bool) -> None:
        with self._lock:
            self.delivered[rule] += delivered
            self._leave(lane)

    def next_moment(self) -> float | None:
        """When to look again, as a timestamp; None while nothing waits for the clock."""
        tick = self._settings().tick_s
        with self._lock:
            moments = []
            while self._heap and self._heap[0][3] not in self._tasks:
                heapq.heappop(self._heap)
            if self._heap:
                moment, _, exact, _ = self._heap[0]
                moments.append(moment if exact else math.ceil(moment / tick) * tick)
            if any(task.failed for task in self._tasks.values()):
                moments.append(self._swept + SWEEP_SECONDS)
            return min(moments) - _SLACK if moments else None

    def retry(self, bucket: str, identity: uuid.UUID) -> Task | None:
        """Begin again at once with the same snapshot; None if the bucket has no such task."""
        with self._lock:
            task = self._tasks.get(identity)
            if task is None or task.bucket != bucket:
                return None
            task = replace(task, attempts=0, failed=False, error=None, due=self._now())
            self._tasks[identity] = task
            self._push(task, task.due.timestamp(), exact=False)
            return task

    def purge(self, bucket: str, kept: frozenset[uuid.UUID] = frozenset()) -> int:
        """Drop the tasks of a bucket, but for those of the rules to be kept; how many went."""
        with self._lock:
            gone = [task.id for task in self._tasks.values() if task.bucket == bucket and task.rule not in kept]
            self._drop(gone)
            return len(gone)

    def of(self, bucket: str) -> list[Task]:
        """Newest first."""
        with self._lock:
            found = [(task.created, self._numbers[task.id], task) for task in self._tasks.values()]
        return [task for *_, task in sorted(found, key=lambda row: row[:2], reverse=True) if task.bucket == bucket]

    def counts(self) -> dict[str, JsonValue]:
        with self._lock:
            failed = sum(task.failed for task in self._tasks.values())
            return {
                "pending": len(self._tasks) - failed,
                "failed": failed,
                "under_way": len(self._busy),
                "delivered": sum(self.delivered.values()),
                "attempts": self.attempts,
            }

    def frozen(self) -> Outbox:
        """A copy as it is now, for reading."""
        taken = Outbox(self._now, self._settings)
        with self._lock:
            taken._tasks = dict(self._tasks)
            taken._numbers = dict(self._numbers)
        return taken

    def _leave(self, lane: Lane) -> None:
        self._busy.discard(lane)
        for identity in self._waiting.pop(lane, ()):
            if (waiting := self._tasks.get(identity)) is not None:
                self._push(waiting, waiting.due.timestamp(), exact=False)

    def _fail(self, task: Task, error: str, now: datetime) -> None:
        attempts = task.attempts + 1
        if attempts >= MOST_ATTEMPTS:
            self._tasks[task.id] = replace(task, attempts=attempts, error=error, failed=True)
            return
        task = replace(task, attempts=attempts, error=error, due=now + backoff(attempts))
        self._tasks[task.id] = task
        self._push(task, task.due.timestamp(), exact=False)

    def _pace(self, lane: Lane, now: float) -> None:
        pace = self._settings().pace_s
        self._paced = {key: until for key, until in self._paced.items() if until > now}
        if pace:
            self._paced[lane] = now + pace

    def _sweep(self, now: float) -> None:
        if now < self._swept + SWEEP_SECONDS:
            return
        self._swept = now
        limit = now - KEPT.total_seconds()
        self._drop([task.id for task in self._tasks.values() if task.failed and task.created.timestamp() < limit])

    def _drop(self, identities: list[uuid.UUID]) -> None:
        for identity in identities:
            del self._tasks[identity], self._numbers[identity]

    def _push(self, task: Task, moment: float, *, exact: bool) -> None:
        heapq.heappush(self._heap, (moment, self._numbers[task.id], exact, task.id))
