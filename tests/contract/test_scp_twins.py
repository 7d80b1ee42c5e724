"""Replicas of others that seem to be ours by their name: nobody touches them, and no receipt has them.

Where the service puts six characters behind the name of a new volume, a replica of somebody else's that was made for
the same volume may be called as one of ours would be.
"""

import contextlib
import itertools
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault
from reconciler.model.change import Action
from reconciler.model.plan import Plan
from reconciler.model.receipt import Receipt, RunOutcome
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import CallResult, Provider, SecretResolver
from reconciler.testing.host import Host, Killed, Killing
from tests.contract.harnesses.scp import ScpHarness, Way
from tests.contract.harnesses.wire import EmulatedClock
from tests.contract.scp_workspace import opened
from tests.lab.scp import WEST, request

BEFORE, AFTER = "000000", "ffffff"
"""What is behind the names of others: a list that is sorted by name has one of them before ours and one behind it."""
CONFIGURED = (
    "replication_volume_id", "replication_volume_name", "replication_policy", "replication_frequency",
    "replication_type", "replication_status",
)  # fmt: skip


class QuickClock(EmulatedClock):
    """Waiting on it takes no time."""

    def sleep(self, seconds: float, stop: threading.Event) -> bool:
        super().sleep(0, stop)
        self._clock.advance(seconds)
        return stop.is_set()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[ScpHarness]:
    harness = ScpHarness(tmp_path_factory.mktemp("scp"), certificate, Way(tls=False, tidy=False))
    harness.clock = QuickClock(harness.wire.clock)
    yield harness
    harness.close()


@pytest.fixture
def scp(world: ScpHarness) -> Iterator[ScpHarness]:
    clear(world)
    yield world
    world.mend()


@pytest.fixture
def host(scp: ScpHarness, tmp_path: Path) -> Iterator[Host]:
    made = Host(scp, tmp_path)
    yield made
    made.close()


def clear(scp: ScpHarness) -> None:
    scp.mend()
    scp.restore()
    scp.switch(name_suffix=True)


def ours(scp: ScpHarness, to: str = "r_one", *, kind: str = "replication", every: str = "1h") -> Flow:
    """Ours, whose volume may go with it."""
    spec = {"schedule": {"every": every}, "scp": {"deleteReplicaVolume": True, "type": kind}}
    return scp.made("one", "src_a", to, spec)


def twins(scp: ScpHarness, name: str = "r_one") -> set[str]:
    """Let somebody else make replications of the same volume, under names that ours could have. Their ids."""
    before = set(scp.replications())
    scp.switch(name_suffix=False)
    for behind in (BEFORE, AFTER):
        body = request(scp.volumes["src_a"], name=name + behind, replication_frequency="hourly")
        scp.ask(WEST, "POST", "/v1/replications", json=body)
        scp.wire.clock.advance(60)
    scp.switch(name_suffix=True)
    return set(scp.replications()) - before


def shown(scp: ScpHarness, ids: Collection[str]) -> dict[str, object]:
    """What is configured of these, as far as they are there."""
    return {key: [one[name] for name in CONFIGURED] for key, one in scp.replications().items() if key in ids}


def recorded(host: Host) -> set[str]:
    receipt = host.state.receipt()
    assert receipt is not None
    return {(one.relationship.provider_id or "").partition("/")[0] for one in receipt.replications.values()}


def beside(scp: ScpHarness, host: Host, *, suffixed: bool = True) -> dict[str, object]:
    """Ours, called as asked or with something behind, and then the twins beside it: how they are, by id."""
    scp.switch(name_suffix=suffixed)
    host.converge(ours(scp))
    theirs = twins(scp)
    host.settled(ours(scp), prune=True)
    return shown(scp, theirs)


def assert_alone(scp: ScpHarness, host: Host, theirs: dict[str, object], *, number: int = 1) -> None:
    """The twins are as they were, ours is another one, and the receipt knows the difference."""
    assert shown(scp, theirs) == theirs
    assert recorded(host) == scp.replications().keys() - theirs.keys()
    assert len(recorded(host)) == number


@pytest.mark.parametrize("suffixed", [False, True], ids=["as asked", "changed"])
def test_a_rename_leaves_the_twins_where_they_are(scp: ScpHarness, host: Host, *, suffixed: bool) -> None:
    theirs = beside(scp, host, suffixed=suffixed)
    host.converge(ours(scp, "r_two"), prune=True)
    assert_alone(scp, host, theirs)
    host.settled(ours(scp, "r_two"), prune=True)


@pytest.mark.parametrize("suffixed", [False, True], ids=["as asked", "changed"])
def test_a_deletion_takes_ours_only(scp: ScpHarness, host: Host, *, suffixed: bool) -> None:
    theirs = beside(scp, host, suffixed=suffixed)
    host.converge(prune=True)
    assert_alone(scp, host, theirs, number=0)
    host.settled(prune=True)


def test_after_a_replacement_the_next_pruning_takes_ours_only(scp: ScpHarness, host: Host) -> None:
    theirs = beside(scp, host)
    backup = ours(scp, kind="backup")
    host.converge(backup, prune=True)
    assert_alone(scp, host, theirs)
    host.settled(backup, prune=True)
    host.converge(prune=True)
    assert_alone(scp, host, theirs, number=0)


def test_a_change_in_place_is_one_of_ours(scp: ScpHarness, host: Host) -> None:
    theirs = beside(scp, host)
    before = recorded(host)
    host.converge(ours(scp, every="1d"))
    assert_alone(scp, host, theirs)
    assert recorded(host) == before


def test_who_comes_with_the_very_name_is_not_taken_for_ours(scp: ScpHarness, host: Host) -> None:
    """The name that was asked for is no better sign than the id that was noted."""
    host.converge(ours(scp))
    before = recorded(host)
    scp.switch(name_suffix=False)
    scp.ask(WEST, "POST", "/v1/replications", json=request(scp.volumes["src_a"], name="r_one"))
    scp.wire.clock.advance(60)
    theirs = shown(scp, set(scp.replications()) - before)
    host.settled(ours(scp), prune=True)
    host.converge(prune=True)
    assert_alone(scp, host, theirs, number=0)


def test_who_was_known_to_be_another_is_not_taken_over_when_ours_is_gone(scp: ScpHarness, host: Host) -> None:
    theirs = beside(scp, host)
    host.converge(ours(scp, every="1d"))
    (mine,) = recorded(host)
    scp.emulator.act("drop-replication", {"replication_id": mine})
    again = ours(scp, every="1d")
    assert [change.action for change in host.plan(again).changes] == [Action.CREATE]
    host.converge(again)
    assert_alone(scp, host, theirs)


def test_a_creation_that_is_refused_after_the_deletion_is_made_good_by_another_one(scp: ScpHarness, host: Host) -> None:
    theirs = beside(scp, host)
    backup = ours(scp, kind="backup")
    refusal = {"kind": "status", "emulator": "scp", "operation": "createVolumeReplication", "status": 400}
    scp.wire.faults.add(Fault.model_validate(refusal))
    assert host.apply(host.plan(backup)).outcome is RunOutcome.PARTIAL
    assert scp.replications().keys() == theirs.keys()
    scp.mend()
    assert [change.action for change in host.plan(backup).changes] == [Action.CREATE]
    host.converge(backup)
    assert_alone(scp, host, theirs)


@pytest.mark.parametrize("behind", [BEFORE, AFTER])
def test_an_import_and_a_look_for_drift_tell_the_twin_from_ours(scp: ScpHarness, tmp_path: Path, behind: str) -> None:
    with opened(scp, tmp_path) as work:
        work.replicate()
        work.apply()
        before = (work.folder / "one.yaml").read_text()
        work.create(name=work.replica + behind, replication_frequency="weekly")
        assert work.repl("drift").code == 0
        assert work.repl("import", "west", "--out", "found.yaml").code == 0
        assert (work.folder / "one.yaml").read_text() == before
        assert work.replica + behind in (work.folder / "found.yaml").read_text()
        work.settled()


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_the_answer_to_a_creation_is_lost(scp: ScpHarness, host: Host, kind: str) -> None:
    theirs = beside(scp, host)
    lost = {"kind": kind, "emulator": "scp", "operation": "createVolumeReplication"}
    scp.wire.faults.add(Fault.model_validate(lost))
    backup = ours(scp, kind="backup")
    host.converge(backup)
    assert_alone(scp, host, theirs)
    host.settled(backup, prune=True)


class Rival:
    """Stands before a provider: somebody else makes a replica like ours just before our creation is executed."""

    def __init__(self, provider: Provider, make: Callable[[], object]) -> None:
        self._provider = provider
        self._make = make

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        if call.operation == "CreateVolumeReplication":
            self._make()
        return self._provider.execute(call, secrets)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


def rivalled(scp: ScpHarness, host: Host, plan: Plan) -> tuple[Receipt, dict[str, object]]:
    """Apply against a rival, who makes one. What came of it, and the rival's as they are."""
    before = set(scp.replications())

    def make() -> None:
        if not [one for one in scp.replications() if one not in before]:
            scp.switch(name_suffix=False)
            scp.ask(WEST, "POST", "/v1/replications", json=request(scp.volumes["src_a"], name="r_two" + BEFORE))
            scp.wire.clock.advance(60)
            scp.switch(name_suffix=True)

    receipt = host.apply(plan, wrap=lambda provider: Rival(provider, make))  # type: ignore[arg-type,return-value]
    theirs = [key for key, one in scp.replications().items() if one["replication_volume_name"] == "r_two" + BEFORE]
    return receipt, shown(scp, theirs)


@pytest.mark.parametrize("change", ["created", "renamed"])
def test_what_others_make_between_plan_and_creation_is_not_taken_for_ours(
    scp: ScpHarness, host: Host, change: str
) -> None:
    """Nothing was sent yet, so it cannot be ours: with our options its volume would be deleted one day."""
    if change == "renamed":
        host.converge(ours(scp))
    receipt, theirs = rivalled(scp, host, host.plan(ours(scp, "r_two"), prune=True))
    (result,) = receipt.results
    assert (result.code, len(theirs)) == ("CONFLICT", 1)
    assert next(iter(theirs)) in result.detail
    assert "plan again" in result.hint
    assert not recorded(host) & theirs.keys()
    assert shown(scp, scp.replications()) == theirs


@pytest.mark.parametrize("sent", [False, True], ids=["unsent", "unanswered"])
def test_one_of_another_type_is_not_what_a_lost_creation_made(scp: ScpHarness, host: Host, *, sent: bool) -> None:
    plan = host.plan(ours(scp, "r_two", kind="backup"))
    cut_off_beside_a_rival(scp, host, plan, sent=sent, replication_type="replication")
    assert host.apply(plan).outcome is RunOutcome.DONE
    theirs = {key for key, one in scp.replications().items() if one["replication_type"] == "replication"}
    assert len(theirs) == 1
    assert not recorded(host) & theirs


def test_which_of_two_a_lost_creation_made_is_not_guessed(scp: ScpHarness, host: Host) -> None:
    plan = host.plan(ours(scp, "r_two"))
    cut_off_beside_a_rival(scp, host, plan, sent=True)
    receipt = host.apply(plan)
    (result,) = receipt.results
    assert result.code == "CONFLICT"
    assert all(number in result.detail for number in scp.replications())
    assert len(scp.replications()) == 2
    assert receipt.replications == {}


def cut_off_beside_a_rival(scp: ScpHarness, host: Host, plan: Plan, *, sent: bool, **changes: object) -> None:
    """Cut an apply off at its creation, and let somebody else make one like it."""
    with contextlib.suppress(Killed):
        host.apply(plan, wrap=lambda provider: Killing(provider, 0, sent=sent))  # type: ignore[arg-type,return-value]
    scp.wire.clock.advance(60)
    scp.switch(name_suffix=False)
    scp.ask(WEST, "POST", "/v1/replications", json=request(scp.volumes["src_a"], name="r_two" + BEFORE, **changes))
    scp.wire.clock.advance(60)
    scp.switch(name_suffix=True)


@pytest.mark.parametrize("sent", [False, True], ids=["unsent", "unanswered"])
@pytest.mark.parametrize("change", ["renamed", "replaced", "deleted"])
def test_killed_at_each_write(scp: ScpHarness, host: Host, change: str, *, sent: bool) -> None:
    """Also where the run that knew the twins for others has left no receipt. Behind one write and in front of the next
    the service is the same: one goes on with the same plan, the other with a new one."""
    shall = {
        "renamed": (ours(scp, "r_two"),),
        "replaced": (ours(scp, kind="backup"),),
        "deleted": (),
    }[change]
    for number in itertools.count():
        clear(scp)
        host.forget()
        theirs = beside(scp, host)
        plan = host.plan(*shall, prune=True)
        killed = False
        try:
            host.apply(plan, wrap=lambda provider, at=number: Killing(provider, at, sent=sent))  # type: ignore[misc]
        except Killed:
            killed = True
        if killed:
            scp.wire.clock.advance(60)
            assert not recorded(host) & theirs.keys()
            if number % 2:
                assert host.apply(plan).outcome is RunOutcome.DONE
            else:
                host.converge(*shall, prune=True)
        assert shown(scp, theirs) == theirs
        assert len(scp.replications()) == len(theirs) + len(shall)
        assert not recorded(host) & theirs.keys()
        host.settled(*shall, prune=True)
        if not killed:
            break
    assert number >= 4
