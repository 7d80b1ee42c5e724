"""A storage system in this process: its control plane, its data plane, and what tests may do to both.

A world behaves as a server would. It knows nothing of manifests; a rule's document is its wire format.
Everything is under one lock, because the data plane of one world writes into another.
"""

import heapq
import threading
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace
from typing import ClassVar, Literal, TypeVar

from reconciler.clock import Clock, SystemClock
from reconciler.errors import ErrorCode
from reconciler.model.observation import HealthState
from reconciler.testing.memory.records import (
    DEFAULTS,
    Access,
    DataPlane,
    Document,
    Fault,
    Job,
    LoggedRequest,
    MemoryObject,
    Rule,
    WorldError,
)

__all__ = ["MemoryWorld"]

T = TypeVar("T")
LOCK = threading.RLock()


class MemoryWorld:
    """One system. Tests make one with `create`, providers find it by name."""

    _worlds: ClassVar[dict[str, "MemoryWorld"]] = {}

    def __init__(self, name: str, clock: Clock, buckets: tuple[str, ...] = ()) -> None:
        self.name = name
        self.clock = clock
        self.plane = DataPlane()
        self.buckets: dict[str, dict[str, MemoryObject]] = {bucket: {} for bucket in buckets}
        self.rules: dict[str, dict[str, Rule]] = {}
        """By bucket, then by the id that the client chose."""
        self.relationships: dict[str, Rule] = {}
        """By the id that the server made."""
        self.log: list[LoggedRequest] = []
        self.watch: Callable[[LoggedRequest], None] = lambda _request: None
        """Called with each request before it is looked at: the place to interrupt or to interfere."""
        self._faults: list[Fault] = []
        self._due: list[tuple[float, int, Rule, str]] = []
        self._count = 0

    @classmethod
    def create(cls, name: str, *, clock: Clock | None = None, buckets: tuple[str, ...] = ()) -> "MemoryWorld":
        """Make an empty world, in place of another of that name."""
        with LOCK:
            cls._worlds[name] = world = cls(name, clock or SystemClock(), buckets)
        return world

    @classmethod
    def named(cls, name: str) -> "MemoryWorld":
        """Return the world of this name. Raises WorldError UNAVAILABLE, as a host that is not there would."""
        with LOCK:
            if name not in cls._worlds:
                raise WorldError(ErrorCode.UNAVAILABLE, f"no world is called {name!r}")
            return cls._worlds[name]

    # What tests look at and meddle with ------------------------------------------------------------------------

    def requests(self, access: Access, operation: str | None = None) -> list[LoggedRequest]:
        """Return the control plane's requests of one kind, in order."""
        control = [request for request in self.log if request.plane == "control" and request.access == access]
        return [request for request in control if operation in (None, request.operation)]

    def fail(
        self,
        operation: str,
        *,
        target: str | None = None,
        code: ErrorCode = ErrorCode.UNAVAILABLE,
        committed: bool = False,
        ambiguous: bool | None = None,
        times: int = 1,
    ) -> None:
        """Make the next requests fail: `*` is any operation, no target any; `committed` if only the answer is lost.

        `ambiguous` is what the client can know of a write, by default the same as `committed`.
        """
        error = WorldError(code, "injected fault", ambiguous=committed if ambiguous is None else ambiguous)
        self._faults.append(Fault(operation=operation, target=target, error=error, committed=committed, times=times))

    def heal(self) -> None:
        """Let nothing fail any more."""
        self._faults.clear()

    def inject(self, identity: str | None, document: Document, *, continuous: bool = True) -> Rule:
        """Put a rule in by hand, unlogged: into its bucket's rules under an id, or without one as a relationship."""
        with LOCK:
            rule = self._rule(identity or self._next_id(), document, continuous)
            holder = self.rules.setdefault(rule.document["source"]["bucket"], {}) if identity else self.relationships
            holder[rule.id] = rule
            return rule

    # Control plane ---------------------------------------------------------------------------------------------

    def ask(
        self,
        access: Access,
        operation: str,
        target: str,
        act: Callable[[], T],
        plane: Literal["control", "data"] = "control",
    ) -> T:
        """Take one request: log it, apply faults, let the data plane catch up, act, and answer with a copy."""
        logged = LoggedRequest(plane=plane, access=access, operation=operation, target=target, at=self.clock.now())
        self.watch(logged)
        with LOCK:
            self.settle_all()
            fault = self._fault(operation, target)
            if fault is None:
                self.log.append(logged)
                return deepcopy(act())
            self.log.append(replace(logged, fault=fault.error.code.value))
            if fault.committed:
                act()
            raise fault.error

    def _fault(self, operation: str, target: str) -> Fault | None:
        for fault in self._faults:
            if fault.times > 0 and fault.operation in ("*", operation) and fault.target in (None, target):
                fault.times -= 1
                return fault
        return None

    def put_rules(self, bucket: str, rules: dict[str, tuple[Document, str | None]], continuous: bool) -> None:
        """Replace a bucket's rules: id to (document, token). Rules that stay keep their progress."""
        self.bucket(bucket)
        held = self.rules.get(bucket, {})
        self.rules[bucket] = {
            key: self._changed(held.get(key), key, document, token, continuous)
            for key, (document, token) in rules.items()
        }
        self._drop(rule for key, rule in held.items() if key not in rules)

    def delete_rules(self, bucket: str) -> None:
        """Remove a bucket's rules; none is no error."""
        self._drop(self.rules.pop(bucket, {}).values())

    def create_relationship(self, document: Document, token: str | None, continuous: bool) -> str:
        """Make a relationship and return its id. Doing it twice makes two."""
        self.bucket(document["source"]["bucket"])
        rule = self._changed(None, self._next_id(), document, token, continuous)
        self.relationships[rule.id] = rule
        return rule.id

    def update_relationship(self, key: str, document: Document, token: str | None) -> None:
        """Change a relationship in place."""
        held = self._relationship(key)
        self.relationships[key] = self._changed(held, key, document, token, held.continuous)

    def delete_relationship(self, key: str) -> None:
        """Remove a relationship that runs no job."""
        if self._relationship(key).job is not None:
            raise WorldError(ErrorCode.FAILED_PRECONDITION, "a job is running: abort it first")
        self._drop([self.relationships.pop(key)])

    def start(self, rule: Rule) -> None:
        """Send everything again: as a job, or at once where the rule copies by itself."""
        if rule.job is not None:
            raise WorldError(ErrorCode.CONFLICT, "a job is running already")
        if not rule.active:
            raise WorldError(ErrorCode.FAILED_PRECONDITION, "it is paused")
        source = rule.document["source"]["bucket"]
        keys = tuple(key for key, held in self.bucket(source).items() if rule.takes(source, key, held.tags))
        if rule.continuous:
            for key in keys:
                self._schedule(rule, key)
        else:
            rule.job = Job(ends_at=self.clock.monotonic() + self.plane.job_s, keys=keys)

    def rule(self, key: str, bucket: str | None = None) -> Rule:
        """Find a rule of a bucket, or a relationship. Raises WorldError NOT_FOUND."""
        if bucket is None:
            return self._relationship(key)
        if (rule := self.rules.get(bucket, {}).get(key)) is None:
            raise WorldError(ErrorCode.NOT_FOUND, f"bucket {bucket} has no rule {key}")
        return rule

    def health(self, rule: Rule) -> tuple[HealthState, int]:
        """Return what the server says of a rule, and how many objects wait."""
        backlog = sum(1 for _, _, waiting, _ in self._due if waiting is rule)
        if self.plane.silent:
            return HealthState.UNKNOWN, backlog
        if not rule.active:
            return HealthState.PAUSED, backlog
        if rule.job is not None:
            return HealthState.RUNNING, len(rule.job.keys)
        if rule.failed:
            return HealthState.FAILED, backlog
        return (HealthState.OK if rule.last_success_at else HealthState.UNKNOWN), backlog

    def bucket(self, name: str) -> dict[str, MemoryObject]:
        """Return a bucket's objects by key. Raises WorldError NOT_FOUND."""
        if name not in self.buckets:
            raise WorldError(ErrorCode.NOT_FOUND, f"there is no bucket {name}")
        return self.buckets[name]

    def _relationship(self, key: str) -> Rule:
        if key not in self.relationships:
            raise WorldError(ErrorCode.NOT_FOUND, f"there is no relationship {key}")
        return self.relationships[key]

    def _next_id(self) -> str:
        self._count += 1
        return f"r-{self._count}"

    def _rule(self, key: str, document: Document, continuous: bool, token: str | None = None) -> Rule:
        full = deepcopy(DEFAULTS) | deepcopy(document)
        for part in ("filter", "memory"):
            full[part] = deepcopy(DEFAULTS[part]) | full[part]
        full["source"].setdefault("prefix", "")
        full["destination"] = {"world": self.name, "prefix": ""} | full["destination"]
        return Rule(id=key, document=full, continuous=continuous, token=token)

    def _changed(self, held: Rule | None, key: str, document: Document, token: str | None, continuous: bool) -> Rule:
        rule = self._rule(key, document, continuous, token)
        if held is not None:
            held.document, held.token = rule.document, token or held.token
            return held
        if rule.active and not continuous:
            self.start(rule)
        return rule

    def _drop(self, rules: Iterable[Rule]) -> None:
        gone = {id(rule) for rule in rules}
        self._due = [entry for entry in self._due if id(entry[2]) not in gone]
        heapq.heapify(self._due)

    # Data plane ------------------------------------------------------------------------------------------------

    def changed(self, bucket: str, key: str, tags: dict[str, str]) -> None:
        """Note that a client wrote or deleted an object: rules that copy by themselves take it up."""
        rules = (*self.rules.get(bucket, {}).values(), *self.relationships.values())
        chosen = [rule for rule in rules if rule.continuous and rule.active and rule.takes(bucket, key, tags)]
        for rule in chosen:
            self._schedule(rule, key)
        if chosen and (held := self.buckets[bucket].get(key)) is not None:
            held.replication_status = "PENDING"

    def _schedule(self, rule: Rule, key: str) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.clock.monotonic() + self.plane.latency_s, self._count, rule, key))

    @classmethod
    def settle_all(cls) -> None:
        """Let the data planes of all worlds do what is due by now."""
        for world in tuple(cls._worlds.values()):
            world.settle()

    def settle(self) -> None:
        """Copy what is due by now."""
        now = self.clock.monotonic()
        while self._due and self._due[0][0] <= now and not self.plane.stalled:
            _, _, rule, key = heapq.heappop(self._due)
            self._copy(rule, key)
        for rule in (*self.relationships.values(), *(r for held in self.rules.values() for r in held.values())):
            if rule.job is not None and rule.job.ends_at <= now and not self.plane.stalled:
                keys, rule.job, rule.failed = rule.job.keys, None, 0
                for key in dict.fromkeys((*keys, *self._vanished(rule))):
                    self._copy(rule, key)
                if not rule.failed:
                    rule.last_success_at = self.clock.now()

    def _vanished(self, rule: Rule) -> list[str]:
        """Keys of copies whose original is gone, for jobs that carry deletions too."""
        if rule.document["deletes"] != "replicate":
            return []
        target, source = rule.document["destination"], rule.document["source"]
        held = MemoryWorld.named(target["world"]).bucket(target["bucket"])
        copies = [key for key, copy in held.items() if copy.replication_status == "REPLICA"]
        below = [key.removeprefix(target["prefix"]) for key in copies if key.startswith(target["prefix"])]
        return [source["prefix"] + key for key in below if source["prefix"] + key not in self.bucket(source["bucket"])]

    def _copy(self, rule: Rule, key: str) -> None:
        source, target = rule.document["source"], rule.document["destination"]
        held = self.buckets.get(source["bucket"], {}).get(key)
        try:
            copies = MemoryWorld.named(target["world"]).bucket(target["bucket"])
        except WorldError:
            copies = None
        if self.plane.failing or copies is None:
            rule.failed += 1
            if held is not None:
                held.replication_status = "FAILED"
            return
        copied = target["prefix"] + key.removeprefix(source["prefix"])
        if held is None:
            if rule.document["deletes"] == "replicate":
                copies.pop(copied, None)
            return
        data = bytes([held.data[0] ^ 0xFF]) + held.data[1:] if self.plane.corrupts and held.data else held.data
        copies[copied] = MemoryObject(
            data=data,
            modified_at=self.clock.now(),
            metadata={} if self.plane.drops_metadata else dict(held.metadata),
            tags=dict(held.tags),
            storage_class=rule.document["storageClass"],
            replication_status="REPLICA",
        )
        held.replication_status = "COMPLETED" if rule.continuous else held.replication_status
        rule.last_success_at = self.clock.now()
