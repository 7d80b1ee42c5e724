"""Replications between sites under crashes and lost answers: every object arrives, and none is ordered for ever.

Nobody tells what has become of an order, and nothing tries a lost one again. So what was cut off is looked for at the
destination, and ordered again only where it is not there.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault as Emulated
from reconciler.engine.journal import open_runs
from reconciler.errors import StalePlan
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.testing.host import Host, Killed
from tests.contract.clonecloudstore_host import COPY
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way
from tests.contract.harnesses.wire import EmulatedClock
from tests.lab.crash import killed_at_entry, killed_unanswered

OBJECTS, ROUNDS = 5, 2
KEPT = {"deletes": "keep", "verify": {"level": "status"}}
CONTENT = {f"o/{number}": f"content {number}".encode() for number in range(OBJECTS)}
PATHS = "^/(administration|replicator/remote/orders)"
_PATIENCE_S = 5.0

Spec = dict[str, Any]


class SettlingClock(EmulatedClock):
    """Waiting on it lets all orders be carried out that can be, and takes no longer than that."""

    sites: CloneCloudStoreHarness

    def sleep(self, seconds: float, stop: threading.Event) -> bool:
        self._clock.advance(max(0.0, seconds))
        quiet(self.sites)
        return stop.is_set()


def quiet(sites: CloneCloudStoreHarness) -> None:
    """Wait until no order waits or is under way, twice: one may be on its way from one site to another."""
    topics = [topic for site in sites.emulator.sites.values() for topic in (site.requests, site.actions)]
    deadline = time.monotonic() + _PATIENCE_S
    for _ in range(2):
        while any(topic.waiting or topic.under_way for topic in topics) and time.monotonic() < deadline:
            time.sleep(0.002)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[CloneCloudStoreHarness]:
    harness = CloneCloudStoreHarness(tmp_path_factory.mktemp("sites"), certificate, Way(tls=False))
    clock = SettlingClock(harness.wire.clock)
    clock.sites = harness
    harness.clock = clock
    for bucket in ("one", "two"):
        harness.bucket(bucket)
    for name, content in CONTENT.items():
        harness.write("one", name, content)
    quiet(harness)
    yield harness
    harness.close()


@pytest.fixture
def sites(world: CloneCloudStoreHarness, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloneCloudStoreHarness]:
    """The same sites. Orders go in batches of two."""
    monkeypatch.setattr("reconciler.providers.clonecloudstore.execute.BATCH", 2)
    yield world
    world.mend()
    quiet(world)


@pytest.fixture
def host(sites: CloneCloudStoreHarness, tmp_path: Path) -> Iterator[Host]:
    made = Host(sites, tmp_path)
    yield made
    made.close()


@dataclass(frozen=True, slots=True)
class Transition:
    """What becomes of the replications of a pair: as they were and as they shall be, by name."""

    was: dict[str, Spec] = field(default_factory=dict)
    shall: dict[str, Spec] = field(default_factory=dict)
    requests: int = 0
    """How many writes it takes."""
    rounds: int = 1
    """How many rounds of orders there are: what is left of the second and third takes long here."""
    copies: bool = False
    differs: bool = False
    """Whether one object at the destination is another one than at the source, and one is not there at all."""
    right: str | None = "OWNER"
    """What the client may do at the destination afterwards."""
    status: str = "UP"


ONE: dict[str, Spec] = {"one": {}}
REPAIR = {"clonecloudstore": {"conflicts": "replace", "prune": True}}
TRANSITIONS = {
    "registered": Transition({}, ONE, 3),
    "registered and copied": Transition({}, {"one": COPY}, 3 + 3, copies=True),
    "registered without deletions": Transition({}, {"one": KEPT}, 5, right="READ_WRITE"),
    "a second one": Transition(ONE, {"one": {}, "two": {}}, 1),
    "copied": Transition(ONE, {"one": COPY}, 3, rounds=ROUNDS, copies=True),
    "copied, replaced and pruned": Transition(ONE, {"one": COPY | REPAIR}, 4, copies=True, differs=True),
    "deletions kept back": Transition({"one": COPY}, {"one": COPY | KEPT}, 2, copies=True, right="READ_WRITE"),
    "paused": Transition({"one": COPY}, {"one": COPY | {"state": "paused"}}, 1, copies=True, status="DOWN"),
    "resumed": Transition({"one": {"state": "paused"}}, {"one": COPY}, 4, copies=True),
    "removed": Transition({"one": COPY, "two": {}}, {"two": {}}, 2, copies=True, right="READ"),
}  # fmt: skip


@contextmanager
def rounds(number: int) -> Iterator[None]:
    """Plan so many rounds of orders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reconciler.providers.clonecloudstore.calls.ROUNDS", number)
        yield


@dataclass
class Scene:
    """Two buckets as they were before, and what is ordered from then on."""

    sites: CloneCloudStoreHarness
    host: Host
    transition: Transition
    before: int = 0
    """The number of the last order before. Sites forget early ones."""
    owed: set[str] = field(default_factory=set)
    """The objects that are to be ordered."""

    def __post_init__(self) -> None:
        sites, host = self.sites, self.host
        sites.strangers()
        host.forget()
        if was := self.flows(self.transition.was):
            with rounds(1):
                host.converge(*was)
        if self.transition.differs:
            sites.write("one", "o/0", b"theirs", site="site-b")
            sites.write("one", "extra", site="site-b")
        quiet(sites)
        self.before = max((one["number"] for one in sites.ordered()), default=0)
        if self.transition.copies:
            self.owed = {name for name, content in CONTENT.items() if sites.content("site-b", "one", name) != content}

    def flows(self, specs: dict[str, Spec]) -> tuple[Flow, ...]:
        return tuple(self.sites.made(name, name, "there", spec) for name, spec in specs.items())

    @cached_property
    def shall(self) -> tuple[Flow, ...]:
        return self.flows(self.transition.shall)

    def plan(self) -> Plan:
        with rounds(self.transition.rounds):
            return self.host.plan(*self.shall, prune=True)

    def orders(self, action: str = "CREATE") -> Counter[str]:
        """How often each object was ordered in this scene."""
        new = [one for one in self.sites.ordered() if one["number"] > self.before]
        return Counter(one["objectName"] for one in new if one["action"] == action and one["objectName"])

    def assert_ended(self) -> None:
        """Everything is as it shall be, and nothing more is ever ordered."""
        self.host.settled(*self.shall, prune=True)
        quiet(self.sites)
        transition, sites = self.transition, self.sites
        for here, there, status in (("site-a", "site-b", transition.status), ("site-b", "site-a", "UNKNOWN")):
            known = [one for one in sites.state(here)["topologies"] if one["id"] == there]
            assert [one["status"] for one in known] == [status]
        held = {name: sites.content("site-b", "one", name) for name in (*CONTENT, "extra")}
        assert held == {name: content if transition.copies else None for name, content in CONTENT.items()} | {
            "extra": None
        }
        assert set(self.orders()) == self.owed
        # Once by the run that was cut off, and once more where that order was still under way.
        assert all(count <= 2 for count in self.orders().values()), self.orders()
        assert all(count <= 2 for count in self.orders("DELETE").values()), self.orders("DELETE")


# Ways to die ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", TRANSITIONS)
def test_killed_at_every_entry_of_the_journal(
    sites: CloneCloudStoreHarness, host: Host, name: str, after: bool
) -> None:
    """Behind one entry and in front of the next the disk holds the same: one is run again with the same plan, the
    other with a new one."""
    entries = 0
    while run_again(
        Scene(sites, host, TRANSITIONS[name]), killed_at_entry(entries, after=after), again=bool(entries % 2)
    ):
        entries += 1
    assert entries >= 7


@pytest.mark.parametrize("again", [False, True], ids=["new plan", "same plan"])
@pytest.mark.parametrize("name", TRANSITIONS)
def test_killed_before_the_answer_to_every_request(
    sites: CloneCloudStoreHarness, host: Host, name: str, again: bool
) -> None:
    """A call may take several requests, as orders go in batches."""
    requests = 0
    while run_again(Scene(sites, host, TRANSITIONS[name]), killed_unanswered(requests), again=again):
        requests += 1
    assert requests == TRANSITIONS[name].requests


def run_again(scene: Scene, deadly: AbstractContextManager[None], *, again: bool) -> bool:
    """Kill one apply and run it again, with the same plan or a new one. False if it came to its end before that."""
    host, plan = scene.host, scene.plan()
    assert not plan.errors, [finding.detail for finding in plan.errors]
    killed = _killed(host, plan, deadly)
    receipt = host.state.receipt()
    ended = receipt is not None and receipt.plan_id == plan.plan_id and not open_runs(host.state)
    last = plan if ended else _gone_on(scene, plan if again else None)
    scene.assert_ended()
    right = scene.sites.right("site-b", "one")
    if right is None and scene.transition.shall.keys() < scene.transition.was.keys():
        # All rights go before the one that stays is given: cut off in between, that is told.
        (told,) = [finding.detail for finding in last.findings if finding.code == "REPL-W004"]
        assert "may only read one at site-b" in told
    else:
        assert right == scene.transition.right
    return killed


def _killed(host: Host, plan: Plan, deadly: AbstractContextManager[None]) -> bool:
    with deadly:
        try:
            host.apply(plan)
        except Killed:
            return True
    return False


def _gone_on(scene: Scene, plan: Plan | None) -> Plan:
    """Apply to the end; returns the plan that led there. A new plan may be refused once, as what was under way when it
    was made shows only then."""
    for _ in range(2):
        used = plan or scene.plan()
        try:
            receipt = scene.host.apply(used) if used.active_changes else None
        except StalePlan as refusal:
            assert (plan, "nothing was written" in str(refusal.hint)) == (None, True)  # noqa: PT017
            continue
        assert receipt is None or receipt.outcome is RunOutcome.DONE, [(r.code, r.detail) for r in receipt.results]
        return used
    raise AssertionError("refused twice")


# Answers and orders that are lost ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_lost_answer_at_each_request(sites: CloneCloudStoreHarness, host: Host, name: str, kind: str) -> None:
    """What was asked for is looked for and sent again if it did not arrive; the run comes to its end by itself."""
    lost = 0
    for method in ("POST", "PUT", "DELETE"):
        for number in itertools.count():
            scene = Scene(sites, host, TRANSITIONS[name])
            plan = scene.plan()
            fault = {"kind": kind, "emulator": "ccs", "path": PATHS, "method": method, "after": number}
            sites.wire.faults.add(Emulated.model_validate(fault))
            receipt = host.apply(plan)
            met = any(one["fired"] for one in sites.wire.faults.describe())  # type: ignore[call-overload,index]
            sites.wire.faults.clear()
            assert receipt.outcome is RunOutcome.DONE, [(one.code, one.detail) for one in receipt.results]
            scene.assert_ended()
            assert sites.right("site-b", "one") == scene.transition.right
            if not met:
                break
            lost += 1
    assert lost == TRANSITIONS[name].requests


def test_however_often_it_is_cut_off_orders_are_bounded(
    sites: CloneCloudStoreHarness, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every order is lost, and every run dies after its first round: each asks once for what is absent, no more."""
    scene = Scene(sites, host, TRANSITIONS["copied"])
    sites.switch(drop_next_orders=1_000_000)
    runs = 4
    for _ in range(runs):
        plan = scene.plan()
        assert plan.active_changes
        assert _killed(host, plan, killed_unanswered(2))
    quiet(sites)
    assert set(scene.orders().values()) == {runs}
    receipt = host.apply(scene.plan())
    assert receipt.outcome is not RunOutcome.DONE
    assert set(scene.orders().values()) == {runs + ROUNDS}
    assert receipt.owed == ("one",)
    sites.switch(drop_next_orders=0)
    assert host.apply(scene.plan()).outcome is RunOutcome.DONE
    assert set(scene.orders().values()) == {runs + ROUNDS + 1}
    host.settled(*scene.shall)
