"""Over any desired and any live world: an apply leaves nothing to do, writes what differs, and touches nothing else."""

import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulators import certificate as certificates
from reconciler.model.plan import Plan
from reconciler.model.relationship import Flow
from reconciler.providers.base import Capability
from reconciler.providers.s3.info import INFO as S3_INFO
from reconciler.testing.harness import WORKSPACE
from reconciler.testing.host import Host
from reconciler.testing.memory import MemoryWorld
from reconciler.testing.memory.config import INFO as MEMORY_INFO
from reconciler.testing.strategies import Line, Spec, Worlds, specs, worlds
from tests.contract.harnesses.memory import MemoryHarness
from tests.contract.harnesses.s3 import AwsHarness
from tests.contract.harnesses.s3_rules import ROLE

GRAINS = pytest.mark.parametrize("grain", ["container", "relationship"])
MEMORY = specs(MEMORY_INFO.capabilities - {Capability.SCHEDULE}, storage_classes=("STANDARD", "COLD"))
S3 = specs(
    S3_INFO.capabilities,
    fits=lambda spec: not (spec.get("deletes") == "replicate" and spec.get("filter", {}).get("tags")),
)


# The memory provider, in both grains -----------------------------------------------------------------------------

_DEFAULTS: Spec = {"state": "active", "deletes": "keep", "storageClass": "STANDARD", "tags": {}, "exclude": []}


class MemoryCase:
    """A world in memory with what was live put in by hand, and an oracle that looks at its documents."""

    def __init__(self, grain: str, root: Path) -> None:
        self.grain = grain
        self.harness = MemoryHarness(grain=grain)
        self.host = Host(self.harness, root)
        self.foreign: dict[int, Any] = {}

    def flow(self, line: Line) -> Flow:
        made = self.harness.flow(str(line.name), group=0, **deepcopy(line.spec))
        source = made.spec.source.model_copy(update={"bucket": "abc"[line.group], "prefix": line.prefix})
        there = made.spec.destination.model_copy(update={"bucket": "abc"[line.to], "prefix": line.prefix})
        spec = made.spec.model_copy(update={"source": source, "destination": there})
        if "state" not in line.spec:
            spec = spec.model_copy(update={"state": None})
        return _with(made, spec)

    def put(self, live: Sequence[Line]) -> None:
        for number, line in enumerate(live):
            identity = f"repl.{WORKSPACE}.{line.name}" if line.name else f"theirs-{number}"
            rule = self.harness.here.inject(identity if self.grain == "container" else None, self._document(line))
            if line.name is None:
                self.foreign[number] = (rule, deepcopy(rule.document))

    def _document(self, line: Line) -> dict[str, Any]:
        chosen = line.spec.get("filter", {})
        document: dict[str, Any] = {
            "source": {"bucket": "abc"[line.group], "prefix": line.prefix},
            "destination": {"world": self.harness.there.name, "bucket": "abc"[line.to], "prefix": line.prefix},
            "filter": {key: sorted(set(v)) if key == "exclude" else v for key, v in chosen.items()},
        }
        return document | {key: value for key, value in line.spec.items() if key != "filter"}

    def differing(self, wanted: Sequence[Line], gone: Sequence[Line] = ()) -> int:
        """How many containers are not as wanted, by the world's own documents."""
        found = set()
        for line in wanted:
            held = self._held(line)
            if held is None or _differs(held, self._document(line)):
                found.add(self._container(line))
        found |= {self._container(line) for line in gone if self._held(line) is not None}
        return len(found)

    def _container(self, line: Line) -> object:
        return line.group if self.grain == "container" else line.place

    def _held(self, line: Line) -> dict[str, Any] | None:
        if self.grain == "container":
            rule = self.harness.here.rules.get("abc"[line.group], {}).get(f"repl.{WORKSPACE}.{line.name}")
            return rule.document if rule else None
        document = self._document(line)
        rules = self.harness.here.relationships.values()
        same = (r.document for r in rules if all(r.document[end] == document[end] for end in ("source", "destination")))
        return next(same, None)

    def assert_foreign_untouched(self) -> None:
        here: MemoryWorld = self.harness.here
        held = [rule for rules in here.rules.values() for rule in rules.values()] + list(here.relationships.values())
        for rule, document in self.foreign.values():
            assert any(one is rule for one in held)
            assert rule.document == document


def _differs(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a setting that is wanted is another one live."""
    chosen, there = dict(wanted["filter"]), held["filter"]
    plain = [key for key in wanted if key != "filter"]
    return any(held[key] != wanted[key] for key in plain) or any(there[key] != chosen[key] for key in chosen)


def _with(flow: Flow, spec: Any) -> Flow:
    return replace(flow, spec=spec)


@contextmanager
def memory(grain: str, world: Worlds) -> Iterator[MemoryCase]:
    with tempfile.TemporaryDirectory() as folder:
        case = MemoryCase(grain, Path(folder))
        case.put(world.live)
        yield case
        case.host.close()


@GRAINS
@given(st.data())
@settings(max_examples=60)
def test_apply_then_plan_is_empty_and_writes_are_as_many_as_containers_that_differ(grain: str, data: Any) -> None:
    world = data.draw(worlds(MEMORY, moves=grain == "container"))
    with memory(grain, world) as case:
        gone: list[Line] = []
        for wanted, prune in ((world.wanted, False), (world.later, True)):
            flows = [case.flow(line) for line in wanted]
            if prune:
                names = {line.name for line in wanted}
                gone = [line for line in (*world.wanted, *_forgotten(world, grain)) if line.name not in names]
            expected = case.differing(wanted, gone)
            with case.host.quiet() as sent:
                case.host.converge(*flows, prune=prune)
            assert len([one for one in sent if one.write]) == expected
            case.host.settled(*flows, prune=prune)
            assert case.differing(wanted, gone) == 0
            case.assert_foreign_untouched()


def _forgotten(world: Worlds, grain: str) -> list[Line]:
    """Live lines of ours that no manifest has, where a mark shows it, in buckets that are looked into at all."""
    wanted = {line.name for line in world.wanted}
    seen = {line.group for line in (*world.wanted, *world.later)}
    ours = [line for line in world.live if line.name and line.name not in wanted]
    return [line for line in ours if line.group in seen] if grain == "container" else []


@GRAINS
@given(st.data())
@settings(max_examples=25)
def test_a_plan_does_not_depend_on_the_order_of_what_is_written(grain: str, data: Any) -> None:
    world = data.draw(worlds(MEMORY, moves=grain == "container"))
    order = data.draw(st.permutations(world.wanted))
    with memory(grain, world) as case:
        plans = [case.host.plan(*map(case.flow, lines)) for lines in (world.wanted, order)]
        assert essence(plans[0]) == essence(plans[1])


@GRAINS
@given(st.data())
@settings(max_examples=25)
def test_planning_writes_nothing(grain: str, data: Any) -> None:
    world = data.draw(worlds(MEMORY, moves=grain == "container"))
    with memory(grain, world) as case, case.host.quiet() as sent:
        case.host.plan(*map(case.flow, world.wanted), prune=True)
    assert not [one for one in sent if one.write]


def essence(plan: Plan) -> Any:
    return plan.changes, plan.containers, plan.effects, plan.unmanaged, plan.summary


# S3, byte for byte ------------------------------------------------------------------------------------------------


_HEAD, _TAIL = "<ReplicationConfiguration>", "</ReplicationConfiguration>"


class S3Case:
    """Buckets of the emulator with rules put in by hand, in as many layouts as there are rules."""

    groups = ("src-a", "src-b")

    def __init__(self, harness: AwsHarness, root: Path, world: Worlds) -> None:
        self.harness = harness
        self.host = Host(harness, root)
        self._layout = itertools.cycle(("", "\n  ", "<!-- by hand -->", " \t"))
        self.foreign: list[tuple[str, str]] = []
        for group, bucket in enumerate(self.groups):
            harness.client().delete_bucket_replication(Bucket=bucket)
            rules = [self._rule(n, line) for n, line in enumerate(world.live, start=1) if line.group == group]
            if rules:
                harness.put_configuration(bucket, f"{_HEAD}<Role>{ROLE}</Role>{''.join(rules)}{_TAIL}")
        self.foreign = [
            (bucket, rule)
            for bucket in self.groups
            for rule in harness.rules(bucket)
            if "<ID>theirs-" in rule
        ]  # fmt: skip

    def flow(self, line: Line) -> Flow:
        made = self.harness.flow(str(line.name), **deepcopy(line.spec))
        source = made.spec.source.model_copy(update={"bucket": self.groups[line.group], "prefix": line.prefix})
        there = made.spec.destination.model_copy(update={"bucket": ("dst-a", "dst-b")[line.to]})
        state = made.spec.state if "state" in line.spec else None
        return _with(made, made.spec.model_copy(update={"source": source, "destination": there, "state": state}))

    def _rule(self, number: int, line: Line) -> str:
        blank = next(self._layout)
        identity = f"repl.{WORKSPACE}.{line.name}" if line.name else f"theirs-{number}"
        tags = line.spec.get("filter", {}).get("tags", {})
        told = "".join(f"<Tag><Key>{k}</Key><Value>{v}</Value></Tag>" for k, v in tags.items())
        prefix = f"<Prefix>{line.prefix}</Prefix>"
        chosen = f"<And>{prefix}{told}</And>" if tags else prefix
        stored = f"<StorageClass>{line.spec['storageClass']}</StorageClass>" if "storageClass" in line.spec else ""
        deletes = "Enabled" if line.spec.get("deletes") == "replicate" else "Disabled"
        parts = [
            f"<ID>{identity}</ID>",
            f"<Priority>{number}</Priority>",
            f"<Filter>{chosen}</Filter>",
            f"<Status>{'Disabled' if line.spec.get('state') == 'paused' else 'Enabled'}</Status>",
            f"<Destination><Bucket>arn:aws:s3:::{('dst-a', 'dst-b')[line.to]}</Bucket>{stored}</Destination>",
            f"<DeleteMarkerReplication><Status>{deletes}</Status></DeleteMarkerReplication>",
        ]
        turned = parts[number % len(parts) :] + parts[: number % len(parts)]
        return f"<Rule>{blank.join(turned)}</Rule>"

    def differing(self, wanted: Sequence[Line], live: Mapping[str, Line]) -> int:
        """How many buckets have a rule that is not as wanted."""
        return len({line.group for line in wanted if self._off(line, live.get(str(line.name)))})

    def _off(self, line: Line, held: Line | None) -> bool:
        if held is None or (held.prefix, held.to) != (line.prefix, line.to):
            return True
        now, asked = _flat(held.spec), _flat(line.spec)
        usual = {**_DEFAULTS, "storageClass": None}
        return any(now.get(key, usual[key]) != value for key, value in asked.items())


def _flat(spec: Spec) -> Spec:
    return {key: value for key, value in spec.items() if key != "filter"} | spec.get("filter", {})


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsHarness]:
    folder = tmp_path_factory.mktemp("aws")
    harness = AwsHarness(folder, certificates.issue(folder))
    yield harness
    judged = harness.judged()
    harness.close()
    assert judged is not None
    assert not judged.objections


@given(data=st.data())
@settings(max_examples=20)
def test_s3_writes_each_bucket_that_differs_once_and_leaves_foreign_rules_byte_for_byte(
    aws: AwsHarness, data: Any
) -> None:
    world = data.draw(worlds(S3, moves=True, groups=2))
    with tempfile.TemporaryDirectory() as folder:
        case = S3Case(aws, Path(folder), world)
        flows = [case.flow(line) for line in world.wanted]
        expected = case.differing(world.wanted, {line.name: line for line in world.live if line.name})
        with case.host.quiet() as sent:
            case.host.converge(*flows)
        assert len([one for one in sent if one.write]) == expected
        case.host.settled(*flows)
        for bucket, rule in case.foreign:
            assert aws.rules(bucket).count(rule) == 1
        later = [case.flow(line) for line in world.later]
        case.host.converge(*later, prune=True)
        case.host.settled(*later, prune=True)
        for bucket, rule in case.foreign:
            assert aws.rules(bucket).count(rule) == 1
        case.host.close()
