"""The conformance suite over worlds in memory, in both grains."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import stamina

from reconciler.errors import ErrorCode
from reconciler.model.manifest import Location
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import Access, Capability, Connection, Provider
from reconciler.testing.clock import ManualClock
from reconciler.testing.harness import WORKSPACE, Ability, Fault, FaultKind, Judgement, Mangling, Sent, Target, Variant
from reconciler.testing.memory import TYPE, MemoryWorld, Rule, Secrets, memory_flow, memory_provider

_numbers = itertools.count()
_SECRET = "memory-token-that-nobody-may-see"
_CODES = {403: ErrorCode.PERMISSION_DENIED}
_ASKING: dict[Capability, dict[str, Any]] = {
    Capability.PAUSE: {"state": "paused"},
    Capability.DELETES: {"deletes": "replicate"},
    Capability.STORAGE_CLASS: {"storageClass": "COLD"},
    Capability.TAG_FILTER: {"filter": {"tags": {"class": "hot"}}},
    Capability.EXCLUDE_FILTER: {"filter": {"exclude": ["*.tmp"]}},
    Capability.SCHEDULE: {"schedule": {"every": "5m"}},
}
_VARIANTS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("state", {"state": "active"}, {"state": "paused"}),
    ("deletes", {"deletes": "keep"}, {"deletes": "replicate"}),
    ("storageClass", {"storageClass": "STANDARD"}, {"storageClass": "COLD"}),
    ("filter.tags.class", {"filter": {"tags": {"class": "hot"}}}, {"filter": {"tags": {"class": "cold"}}}),
    ("filter.exclude", {"filter": {"exclude": []}}, {"filter": {"exclude": ["*.tmp", "a b"]}}),
    ("memory.priority", {"memory": {"priority": 1}}, {"memory": {"priority": 2}}),
)


class MemoryHarness:
    """Two worlds, `here` under test and `there` as the peer."""

    abilities = frozenset({Ability.FAULTS, Ability.BREAK_DATA})

    def __init__(self, *, with_token: bool = False, **config: Any) -> None:
        number = next(_numbers)
        self.clock = ManualClock()
        self.secrets = Secrets(TOKEN=_SECRET)
        names = (f"suite-here-{number}", f"suite-there-{number}")
        self.here, self.there = (MemoryWorld.create(n, clock=self.clock, buckets=("a", "b", "c")) for n in names)
        self._docs = {
            "here": memory_provider("here", world=names[0], **config),
            "there": memory_provider("there", world=names[1]),
        }
        self._grain = config.get("grain", "container")
        self._continuous = config.get("continuous", True)
        self._token: dict[str, Any] = {"token": {"env": "TOKEN"}} if with_token else {}
        self._places = itertools.count(1)

    @property
    def secret_values(self) -> Sequence[str]:
        return (_SECRET,)

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        doc = self._docs[provider or "here"]
        return TYPE.connect(
            Connection(doc=doc, secrets=self.secrets, access=access, base=Path("/"), workspace=WORKSPACE)
        )

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        return self._flow(name, f"{'ab'[group]}/{name}/", spec)

    def _flow(self, name: str, source: str, spec: dict[str, Any]) -> Flow:
        options = self._token | spec.pop("memory", {})
        given = {"state": "active"} | spec
        here, there = self._docs["here"], self._docs["there"]
        return memory_flow(
            name, (here, source), (there, f"c/{name}/"), workspace=WORKSPACE, options=options or None, **given
        )

    def variants(self) -> Sequence[Variant]:
        return [
            Variant(field=field, before=self.flow("varied", **before), after=self.flow("varied", **after))
            for field, before, after in _VARIANTS
        ]

    def asking(self, capability: Capability) -> Flow | None:
        return self.flow("asking", **_ASKING[capability]) if capability in _ASKING else None

    def placed(self, name: str, text: str) -> Flow:
        return self._flow(name, f"a/{text}/", {})

    def nowhere(self) -> Location:
        return Location(provider="here", bucket="nowhere")

    # What others do

    def foreign(self, flow: Flow) -> str:
        bucket = flow.spec.source.bucket
        document = {
            "source": {"bucket": bucket, "prefix": "theirs/"},
            "destination": {"bucket": "b"},
            "state": "paused",
            "future": {"setting": [1, 2]},
        }
        identity = "legacy-2019" if self._grain == "container" else None
        rule = self.here.inject(identity, document)
        return identity or f"{bucket}/theirs/ -> {rule.document['destination']['world']}:b/"

    def tamper(self, flow: Flow) -> str:
        rule = self._made(flow)
        rule.document = rule.document | {"state": "active" if rule.document["state"] == "paused" else "paused"}
        return "state"

    def remove(self, flow: Flow) -> None:
        rule = self._made(flow)
        if self._grain == "container":
            del self.here.rules[str(flow.spec.source.bucket)][rule.id]
        else:
            del self.here.relationships[rule.id]

    def raw(self, flow: Flow, identity: str) -> bytes | None:
        del flow
        found = next((rule for rule in self._rules() if self._identity(rule) == identity), None)
        return None if found is None else repr((found.id, found.document, found.token)).encode()

    def _made(self, flow: Flow) -> Rule:
        identity = self.connect().normalise(flow).identity
        return next(rule for rule in self._rules() if self._identity(rule) == identity)

    def _rules(self) -> list[Rule]:
        held = [rule for rules in self.here.rules.values() for rule in rules.values()]
        return [*held, *self.here.relationships.values()]

    def _identity(self, rule: Rule) -> str:
        if self._grain == "container":
            return rule.id
        source, target = rule.document["source"], rule.document["destination"]
        return f"{source['bucket']}/{source['prefix']} -> {target['world']}:{target['bucket']}/{target['prefix']}"

    # What the wire does

    def mark(self) -> None:
        self.here.log.clear()

    def requests(self) -> Sequence[Sent]:
        return [
            Sent(operation=one.operation, write=one.access == "write", at_s=one.at.timestamp()) for one in self.here.log
        ]

    def fault(self, fault: Fault, on: Target) -> None:
        reading = "get-rules" if self._grain == "container" else "list-relationships"
        operations = {"observe": reading, "health": "get-status", "list": "list"}
        operation = on.operation if isinstance(on, Call) else operations[on]
        times = fault.times or 1_000_000
        if fault.kind is FaultKind.STATUS:
            self.here.fail(operation, code=_CODES[fault.status or 0], times=times)
        else:
            committed = fault.kind is FaultKind.LOST_ANSWER
            self.here.fail(operation, committed=committed, ambiguous=True, times=times)

    def mangle(self, mangling: Mangling) -> None:
        raise NotImplementedError(mangling)

    def mend(self) -> None:
        self.here._faults.clear()

    @contextlib.contextmanager
    def hurried(self) -> Iterator[None]:
        with stamina.set_testing(True, attempts=100, cap=True):
            yield

    def judged(self) -> Judgement | None:
        return None

    def restart(self) -> None:
        """A world has no connections that could break."""

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def break_data(self, flow: Flow) -> None:
        self.here.plane.failing = True
        self.connect().store(flow.spec.source).write("lost", BytesIO(b"x"), 1)
        if not self._continuous:
            MemoryWorld.settle_all()
            self.here.start(self._made(flow))
        self.clock.advance(60)
        MemoryWorld.settle_all()

    # Objects

    def location(self) -> Location:
        return Location(provider="here", bucket="b", prefix=f"objects{'x' * next(self._places)}/")

    def write_in_parts(self, location: Location, key: str, parts: Sequence[bytes]) -> None:
        raise NotImplementedError(location, key, parts)

    def leftovers(self, location: Location) -> Sequence[str]:
        return [key for key in self.here.buckets[str(location.bucket)] if key.startswith(location.prefix or "")]

    def close(self) -> None:
        """A world in memory ends with the process."""
