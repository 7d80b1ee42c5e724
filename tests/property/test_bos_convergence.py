"""BOS over any desired and any live world: an apply leaves nothing to do, writes the rules that differ and no other.

A write of an enabled rule starts its copy again, so that one too many is no beauty fault: the emulator counts the
starts of every rule.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulators import certificate as certificates
from reconciler.emulators.bos.record import Record
from reconciler.emulators.bos.rule import parse
from reconciler.model.relationship import Flow
from reconciler.testing.host import Host
from reconciler.testing.strategies import Line, Spec, Worlds, worlds
from tests.contract.harnesses.bos import DESTINATIONS, SOURCES, BosHarness, Way
from tests.property.kept import OpensOnce

CLASSES = ("STANDARD", "STANDARD_IA", "COLD")
GLOBS = ("*.tmp", "*~", "old/*", "raw-*", "*draft*", "*_cache/*")
CANARY = ".repl-canary/"
HIDDEN = {"echo_not_include_resource": False, "echo_destination_prefix": False}


def _fits(spec: Spec) -> bool:
    return "historyStorageClass" not in spec or spec.get("existing") == "copy"


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(("active", "paused")),
        "deletes": st.sampled_from(("keep", "replicate")),
        "existing": st.sampled_from(("ignore", "copy")),
        "storageClass": st.sampled_from(CLASSES),
        "historyStorageClass": st.sampled_from((*CLASSES, "REMAIN")),
        "exclude": st.lists(st.sampled_from(GLOBS), max_size=3),
        "below": st.sampled_from(("", "copies/")),
        "parts": st.lists(st.sampled_from(("a", "b/", "c d")), min_size=1, max_size=3),
    },
).filter(_fits)
"""What a rule can hold, flat. `below` is the destination's prefix, which is always managed; `parts` are what of the
source's prefix takes part, beside the canary's folder."""


class Quick(OpensOnce, BosHarness):
    """A cloud whose rules are put in place."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, certificates.issue(directory), Way(tls=False))

    def begin(self, world: Worlds, *, hidden: bool) -> None:
        """Put in place what is live, with nobody's help."""
        cloud = self.emulator.cloud
        self.restore()
        self.switch(**(HIDDEN if hidden else {}))
        self.wire.log.clear()
        self.wire.recorder.clear()
        with cloud.lock:
            for number, line in enumerate(world.live):
                identity = f"theirs_{number}" if line.name is None else self.identity(self.line(line))
                bucket = SOURCES[line.group]
                cloud.replication.put(cloud.buckets[bucket], parse(identity, bucket, _body(line)))

    def line(self, line: Line) -> Flow:
        """The flow of a desired line."""
        spec = deepcopy(line.spec)
        there = {"bucket": DESTINATIONS[line.to], "prefix": spec.pop("below", "")}
        own = {"historyStorageClass": spec.pop("historyStorageClass", None)}
        if "parts" in spec:
            own["resources"] = [f"{line.prefix}{part}*" for part in (*spec.pop("parts"), CANARY)]
        if any(own.values()):
            spec["bos"] = own
        if "exclude" in spec:
            spec["filter"] = {"exclude": spec.pop("exclude")}
        usual = {"state": None, "existing": None}
        return self.made(str(line.name), {"bucket": SOURCES[line.group], "prefix": line.prefix}, there, usual | spec)

    def records(self) -> dict[tuple[str, str], Record]:
        """Every rule of the source buckets, as the emulator holds it, by bucket and id."""
        replication = self.emulator.cloud.replication
        with self.emulator.cloud.lock:
            return {(bucket, one.rule.id): one for bucket in SOURCES for one in replication.records(bucket)}


# The oracle: documents of the service and what it holds, no line of the provider's -------------------------------


def _body(line: Line) -> dict[str, Any]:
    spec = line.spec
    made: dict[str, Any] = {
        "status": "disabled" if spec.get("state") == "paused" else "enabled",
        "resource": list(_covered(line)),
        "notIncludeResource": list(_excluded(line)),
        "destination": {"bucket": DESTINATIONS[line.to], "prefix": spec.get("below", "")},
        "replicateDeletes": "enabled" if spec.get("deletes") == "replicate" else "disabled",
    }
    if "storageClass" in spec:
        made["destination"]["storageClass"] = spec["storageClass"]
    if spec.get("existing") == "copy":
        made["replicateHistory"] = {"storageClass": _history_class(spec) or "REMAIN"}
    return made


def _covered(line: Line) -> tuple[str, ...]:
    parts = {*line.spec["parts"], CANARY} if "parts" in line.spec else {""}
    return tuple(sorted(f"{SOURCES[line.group]}/{line.prefix}{part}*" for part in parts))


def _excluded(line: Line) -> tuple[str, ...]:
    bucket = SOURCES[line.group]
    keys = (glob if glob.startswith("*") else line.prefix + glob for glob in line.spec.get("exclude", ()))
    return tuple(sorted({f"{bucket}/{key}" for key in keys}))


def _history_class(spec: Spec) -> str | None:
    found = spec.get("historyStorageClass", spec.get("storageClass"))
    return None if found == "REMAIN" else found


def _differs(line: Line, held: Record) -> bool:
    """Whether something that a line manages is another thing live."""
    spec, rule = line.spec, held.rule
    told: dict[str, tuple[Any, Any]] = {
        "state": (rule.enabled, spec.get("state") == "active"),
        "deletes": (rule.deletes, spec.get("deletes") == "replicate"),
        "existing": (rule.history, spec.get("existing") == "copy"),
        "storageClass": (rule.storage_class, spec.get("storageClass")),
        "exclude": (tuple(sorted(rule.exclusions)), _excluded(line)),
    }
    always = (tuple(sorted(rule.resources)), rule.destination, rule.prefix)
    wanted = (_covered(line), DESTINATIONS[line.to], spec.get("below", ""))
    history = spec.get("existing") == "copy" and {"historyStorageClass", "storageClass"} & spec.keys()
    return (
        always != wanted
        or any(now != then for key, (now, then) in told.items() if key in spec)
        or bool(history and rule.history_class != _history_class(spec))
    )


def _writes(harness: Quick, wanted: Sequence[Line], gone: Sequence[str]) -> int:
    """How many writes make it so: one for each rule, two where one that is enabled shall not be."""
    held, count = harness.records(), len(gone)
    for line in wanted:
        found = held.get((SOURCES[line.group], harness.identity(harness.line(line))))
        if found is None:
            count += 1
        elif _differs(line, found):
            count += 2 if found.rule.enabled and line.spec.get("state") == "paused" else 1
    return count


def _pruned(harness: Quick, world: Worlds, *, written: bool) -> list[str]:
    """Ids of the rules of ours, as their mark shows, that nobody wants any more, in the buckets that are looked into:
    those of what is wanted, and those of what was wanted when something was last written."""
    kept = {harness.identity(harness.line(line)) for line in world.later}
    seen = {SOURCES[line.group] for line in (*world.later, *(world.wanted if written else ()))}
    return [one for bucket, one in harness.records() if bucket in seen and one not in kept and "theirs" not in one]


@pytest.fixture(scope="module")
def bos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quick]:
    harness = Quick(tmp_path_factory.mktemp("bos"))
    yield harness
    harness.end()


@pytest.mark.timeout(900)
@given(data=st.data())
@settings(max_examples=500)
def test_apply_then_plan_is_empty_and_no_rule_is_written_without_a_difference(bos: Quick, data: Any) -> None:
    hidden = data.draw(st.booleans())
    world = data.draw(worlds(SPECS, moves=True, groups=2, most=3))
    if hidden:  # what somebody changed where nothing shows it cannot be found
        world = replace(world, live=world.foreign)
    bos.begin(world, hidden=hidden)
    with tempfile.TemporaryDirectory() as folder:
        host = Host(bos, Path(folder))
        written = False
        for lines, prune in ((world.wanted, False), (world.later, True)):
            flows, before = [bos.line(line) for line in lines], bos.records()
            expected = _writes(bos, lines, _pruned(bos, world, written=written) if prune else ())
            with host.quiet() as sent:
                host.converge(*flows, prune=prune)
            assert len([one for one in sent if one.write]) == expected
            written = expected > 0
            _as_written(bos, lines, before)
            host.settled(*flows, prune=prune)


def _as_written(bos: Quick, lines: Sequence[Line], before: Mapping[tuple[str, str], Record]) -> None:
    after, ours = bos.records(), {}
    for line in lines:
        place = SOURCES[line.group], bos.identity(bos.line(line))
        ours[place] = line
        assert not _differs(line, after[place])
    for place, record in before.items():
        line = ours.get(place)
        if line is not None and not _differs(line, record):
            assert after[place] == record, "it was started again"
        if place[1].startswith("theirs"):
            assert after[place] == record
