"""BOS rules under crashes and lost answers: nothing twice, nothing lost, and no copy started again for nothing.

On BOS a write that is sent twice does harm: every write of an enabled rule starts its copy from nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault as Emulated
from reconciler.engine.journal import open_runs
from reconciler.model.change import Action
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.testing.harness import Fault, FaultKind
from reconciler.testing.host import Host
from tests.contract.harnesses.bos import BosHarness, Way
from tests.lab.crash import survived

EDITED = {"deletes": "replicate"}
PAUSED = {"state": "paused"}
LOST = [FaultKind.LOST_REQUEST, FaultKind.LOST_ANSWER]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[BosHarness]:
    harness = BosHarness(tmp_path_factory.mktemp("bos"), certificate, Way(tls=False))
    harness.write("src-a", "one/before")
    yield harness
    harness.close()


@pytest.fixture
def bos(world: BosHarness) -> Iterator[BosHarness]:
    """The same world without rules, faults and switches that another test has set."""
    world.restore()
    yield world
    world.mend()


@pytest.fixture
def hosts(bos: BosHarness, tmp_path: Path) -> Iterator[Callable[[], Host]]:
    """Makes hosts that remember nothing yet."""
    made: list[Host] = []

    def make() -> Host:
        made.append(Host(bos, tmp_path / str(len(made))))
        return made[-1]

    yield make
    for host in made:
        host.close()


def calls(plan: Plan) -> list[str]:
    return [call.operation for item in plan.containers for call in item.calls]


TRANSITIONS = {
    # What happens: rule as it is (none: not there), as it shall be, the calls, and why the rule starts to copy.
    "created": (None, {}, ["PutBucketReplication"], ["created"]),
    "edited while it copies": ({}, EDITED, ["PutBucketReplication"], ["restarted"]),
    "paused": ({}, PAUSED, ["DeleteBucketReplication", "PutBucketReplication"], []),
    "resumed": (PAUSED, {}, ["PutBucketReplication"], ["enabled"]),
    "deleted": ({}, None, ["DeleteBucketReplication"], []),
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", TRANSITIONS)
def test_killed_at_every_boundary_and_run_again(
    bos: BosHarness, hosts: Callable[[], Host], name: str, after: bool
) -> None:
    """Run again with the same plan and with a new one in turn."""
    was, shall, operations, reasons = TRANSITIONS[name]
    one = bos.flow("one")
    theirs = bos.foreign(one)
    kept = bos.raw(one, theirs)
    number, ended = 0, False
    while not ended:
        host = hosts()
        if bos.raw(one, bos.identity(one)) is not None:
            bos.remove(one)
        flows: Sequence[Flow] = () if shall is None else (bos.flow("one", **shall),)
        host.converge(*(() if was is None else (bos.flow("one", **was),)), prune=True)
        before = len(bos.starts(one))
        plan = host.plan(*flows, prune=True)
        assert calls(plan) == operations
        ended = survived(host.apply, plan, killed_at=number, after=after)
        if not ended:
            second = plan if (number + after) % 2 else host.plan(*flows, prune=True)
            if second.active_changes:
                assert host.apply(second).outcome is RunOutcome.DONE, number
                assert not open_runs(host.state)
        host.settled(*flows, prune=True)
        assert host.count(one) == 1 + len(flows)
        assert bos.starts(one)[before:] == reasons, f"killed at {number}"
        assert bos.raw(one, theirs) == kept
        number += 1
    assert number >= 5


@pytest.mark.parametrize("kind", LOST)
def test_an_edit_whose_answer_is_lost_restarts_the_copy_once(
    bos: BosHarness, hosts: Callable[[], Host], kind: FaultKind
) -> None:
    host, one = hosts(), bos.flow("one")
    host.converge(one)
    bos.settle()
    copied = bos.told(one)["copied"]["existing"]
    plan = host.plan(bos.flow("one", **EDITED))
    bos.fault(Fault(kind=kind), plan.containers[0].calls[0])
    with host.quiet() as sent:
        assert host.apply(plan).outcome is RunOutcome.DONE
    assert [one.reached for one in sent if one.write] == ([False, True] if kind is FaultKind.LOST_REQUEST else [True])
    bos.settle()
    assert bos.told(one)["restarts"] == 1
    assert bos.told(one)["copied"]["existing"] == copied + 1
    host.settled(bos.flow("one", **EDITED))


def test_a_server_error_after_the_deed_restarts_nothing_twice(bos: BosHarness, hosts: Callable[[], Host]) -> None:
    """The connection is held until the client gives up, and the rule was written all the same."""
    host, one = hosts(), bos.flow("one")
    host.converge(one)
    slow = Emulated(kind="timeout", emulator="bos", operation="PutBucketReplication", seconds=0.05, commit=True)
    bos.wire.faults.add(slow)
    host.converge(bos.flow("one", **EDITED))
    assert bos.told(one)["restarts"] == 1


@pytest.mark.parametrize("kind", LOST)
def test_a_lost_edit_of_what_bos_does_not_show_is_not_lost(
    bos: BosHarness, hosts: Callable[[], Host], kind: FaultKind
) -> None:
    """Nothing shows whether it happened: here the copy may start once more, and the change is made for certain."""
    bos.switch(echo_not_include_resource=False)
    host = hosts()
    host.converge(bos.flow("one", filter={"exclude": ["*.tmp"]}))
    edited = bos.flow("one", filter={"exclude": ["*.bak"]})
    plan = host.plan(edited)
    bos.fault(Fault(kind=kind), plan.containers[0].calls[0])
    assert host.apply(plan).outcome is RunOutcome.DONE
    held = bos.emulator.cloud.replication.record("src-a", bos.identity(edited))
    assert held is not None
    assert held.rule.exclusions == ("src-a/*.bak",)
    assert held.restarts <= 2
    host.settled(edited)


@pytest.mark.parametrize("operation", ["DeleteBucketReplication", "PutBucketReplication"])
@pytest.mark.parametrize("kind", LOST)
def test_a_pause_whose_answers_are_lost(
    bos: BosHarness, hosts: Callable[[], Host], kind: FaultKind, operation: str
) -> None:
    host, paused = hosts(), bos.flow("one", **PAUSED)
    host.converge(bos.flow("one"))
    plan = host.plan(paused)
    (call,) = [call for call in plan.containers[0].calls if call.operation == operation]
    bos.fault(Fault(kind=kind), call)
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert host.count(paused) == 1
    assert bos.told(paused)["status"] == "disabled"
    host.settled(paused)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_resync_that_is_cut_off_is_owed(bos: BosHarness, hosts: Callable[[], Host], after: bool) -> None:
    """Nothing shows whether the copy was started: it is started for certain, at most once more than needed."""
    one, number, ended = bos.flow("one"), 0, False
    while not ended:
        host = hosts()
        if bos.raw(one, bos.identity(one)) is not None:
            bos.remove(one)
        host.converge(one)
        before = len(bos.starts(one))
        plan = host.plan(one, resync=frozenset({"one"}))
        assert [change.action for change in plan.active_changes] == [Action.RESYNC]
        ended = survived(host.apply, plan, killed_at=number, after=after)
        if not ended:
            host.converge(one)
        host.settled(one)
        begun = len(bos.starts(one)) - before
        # Until the journal says that the container was begun, nobody knows that it was asked for.
        asked = ended or number > 1 or (number == 1 and after)
        assert asked <= begun <= (1 if ended else 2), f"killed at {number}"
        number += 1
    assert number >= 6
