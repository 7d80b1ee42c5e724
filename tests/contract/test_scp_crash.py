"""SCP under crashes and lost answers: no second replication, and no volume left behind that nobody is told of.

A creation has no idempotency key, so one that is sent twice makes two replications with two volumes that are billed;
and a deletion that is cut off may leave a volume that no replication leads to any more.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
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
from tests.contract.harnesses.scp import PASSWORD, ScpHarness, Way
from tests.contract.harnesses.wire import EmulatedClock
from tests.lab.crash import killed_at_entry, killed_unanswered
from tests.lab.scp import EAST

CREATE, SET, DELETE = "CreateVolumeReplication", "SetVolumeReplication", "DeleteVolumeReplication"
SNAPSHOTS, VOLUME = "DeleteSnapshot", "DeleteVolume"
WIRE = {CREATE: "createVolumeReplication", SET: "setVolumeReplication", DELETE: "deleteVolumeReplication",
        SNAPSHOTS: "deleteSnapshot", VOLUME: "deleteVolume"}  # fmt: skip
GOES = {"scp": {"deleteReplicaVolume": True}}

Spec = dict[str, Any]


class QuickClock(EmulatedClock):
    """Waiting on it takes no time: everything on SCP happens as soon as somebody looks."""

    def sleep(self, seconds: float, stop: threading.Event) -> bool:
        super().sleep(0, stop)
        self._clock.advance(seconds)
        return stop.is_set()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[ScpHarness]:
    harness = ScpHarness(tmp_path_factory.mktemp("scp"), certificate, Way(tls=False, tidy=False))
    harness.clock = QuickClock(harness.wire.clock)
    harness.volumes["shared"] = harness.volume("shared", protocol="CIFS")
    harness.mount(harness.volumes["src_a"]).joinpath("file").write_bytes(b"content")
    yield harness
    harness.close()


@pytest.fixture
def scp(world: ScpHarness) -> Iterator[ScpHarness]:
    """The same world without replications, replicas, faults and switches that another test has set."""
    clear(world)
    world.secrets.put(CIFS_PASSWORD=PASSWORD)
    yield world
    world.mend()


@pytest.fixture
def host(scp: ScpHarness, tmp_path: Path) -> Iterator[Host]:
    """A host that remembers nothing yet."""
    made = Host(scp, tmp_path)
    yield made
    made.close()


def clear(scp: ScpHarness) -> None:
    scp.mend()
    scp.restore()
    for volume in replicas(scp):
        scp.drop_volume(volume)


def replicas(scp: ScpHarness) -> set[str]:
    """The ids of all volumes in the replicas' region."""
    state: Any = scp.emulator.state()
    return {one["id"] for one in state["volumes"].values() if one["region"] == EAST}


@dataclass(frozen=True, slots=True)
class Transition:
    """What becomes of a replication: as it was and as it shall be (None: not there), and the calls that it takes."""

    was: Spec | None
    shall: Spec | None
    operations: Sequence[str]
    stays: int = 0
    """How many volumes it leaves behind."""
    password: str = PASSWORD
    """Of a replica that is made by it."""

    def flows(self, scp: ScpHarness) -> tuple[tuple[Flow, ...], tuple[Flow, ...]]:
        return _flows(scp, self.was), _flows(scp, self.shall)


def _flows(scp: ScpHarness, spec: Spec | None) -> tuple[Flow, ...]:
    if spec is None:
        return ()
    given = dict(spec)
    return (scp.made("one", given.pop("from", "src_a"), given.pop("to", "r_one"), given),)


PAUSED = {"state": "paused"}
CIFS = {"from": "shared", "scp": {"cifsPassword": {"env": "CIFS_PASSWORD"}, "deleteReplicaVolume": True}}
TRANSITIONS = {
    "created": Transition(None, {}, [CREATE]),
    "created paused": Transition(None, PAUSED, [CREATE, SET]),
    "paused": Transition({}, PAUSED, [SET]),
    "resumed": Transition(PAUSED, {}, [SET]),
    "two kinds of change": Transition({}, PAUSED | {"schedule": {"every": "1d"}}, [SET, SET]),
    "replaced": Transition({}, {"to": "r_other"}, [SET, DELETE, CREATE], 1),
    "another password": Transition(CIFS, CIFS, [SET, DELETE, SNAPSHOTS, VOLUME, CREATE], password="an0ther!one"),
    "deleted": Transition({}, None, [SET, DELETE], 1),
    "deleted with its volume": Transition(GOES, None, [SET, DELETE, SNAPSHOTS, VOLUME]),
}  # fmt: skip


# What must hold ---------------------------------------------------------------------------------------------------


def told(plan: Plan) -> str:
    """All that a plan says of the world."""
    return " ".join([*(effect.text for effect in plan.effects), *(finding.detail for finding in plan.findings)])


def made(scp: ScpHarness) -> int:
    """How many replications were made since the recorder was cleared."""
    exchanges = scp.wire.recorder.exchanges
    return sum((one.method, one.status) == ("POST", 202) and one.url.endswith("/replications") for one in exchanges)


def assert_ended(scp: ScpHarness, transition: Transition, said: str) -> None:
    """Exactly what shall be, made once, and each volume that no replication leads to has been named."""
    live = scp.replications().values()
    assert len(live) == (transition.shall is not None)
    assert made(scp) == list(transition.operations).count(CREATE)
    left = replicas(scp) - {one["replication_volume_id"] for one in live}
    assert len(left) >= transition.stays
    assert [volume for volume in left if volume not in said] == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", TRANSITIONS)
def test_killed_at_every_entry_of_the_journal(scp: ScpHarness, host: Host, name: str, after: bool) -> None:
    """Behind one entry and in front of the next the disk holds the same: one is run again with the same plan, the
    other with a new one."""
    entries = 0
    while run_again(scp, host, TRANSITIONS[name], killed_at_entry(entries, after=after), again=bool(entries % 2)):
        entries += 1
    assert entries >= 5 + 3 * len(TRANSITIONS[name].operations)


@pytest.mark.parametrize("again", [False, True], ids=["new plan", "same plan"])
@pytest.mark.parametrize("name", TRANSITIONS)
def test_killed_before_the_answer_to_every_request(scp: ScpHarness, host: Host, name: str, again: bool) -> None:
    """A call may take several requests, as each snapshot is deleted by one."""
    requests = 0
    while run_again(scp, host, TRANSITIONS[name], killed_unanswered(requests), again=again):
        requests += 1
    assert requests >= len(TRANSITIONS[name].operations)


def run_again(
    scp: ScpHarness, host: Host, transition: Transition, deadly: AbstractContextManager[None], *, again: bool
) -> bool:
    """Kill one apply and run it again, with the same plan or a new one. False if it came to its end before that."""
    was, shall = transition.flows(scp)
    clear(scp)
    host.forget()
    scp.secrets.put(CIFS_PASSWORD=PASSWORD)
    if was:
        host.converge(*was)
    scp.secrets.put(CIFS_PASSWORD=transition.password)
    plan = host.plan(*shall, prune=True)
    assert [call.operation for item in plan.containers for call in item.calls] == list(transition.operations)
    scp.wire.recorder.clear()
    killed = _killed(host, plan, deadly)
    receipt = host.state.receipt()
    ended = receipt is not None and receipt.plan_id == plan.plan_id and not open_runs(host.state)
    # One that has come to its end has told everything.
    said = told(plan) if ended else told(_gone_on(scp, host, shall, plan if again else None))
    host.settled(*shall, prune=True)
    assert_ended(scp, transition, said)
    return killed


def _gone_on(scp: ScpHarness, host: Host, shall: Sequence[Flow], plan: Plan | None) -> Plan:
    """Apply to the end; returns the plan that led there.

    A new plan may be refused once, as what was under way when it was made shows only then. And where the old replica's
    volume was to go and did not, it keeps its name: then it is the user's to delete.
    """
    for _ in range(3):
        used = plan or host.plan(*shall, prune=True)
        try:
            receipt = host.apply(used) if used.active_changes else None
        except StalePlan as refusal:
            assert (plan, "nothing was written" in str(refusal.hint)) == (None, True)  # noqa: PT017
            continue
        if receipt is None or receipt.outcome is RunOutcome.DONE:
            return used
        (taken,) = [finding.detail for finding in used.findings if finding.code == "REPL-W507"]
        (volume,) = [one for one in replicas(scp) if one in taken]
        assert ([one.code for one in receipt.results], plan) == (["CONFLICT"], None)
        scp.drop_volume(volume)
    raise AssertionError("it does not come to an end")


def _killed(host: Host, plan: Plan, deadly: AbstractContextManager[None]) -> bool:
    with deadly:
        try:
            host.apply(plan)
        except Killed:
            return True
    return False


# Answers that are lost --------------------------------------------------------------------------------------------

POSITIONS = [(name, number) for name, one in TRANSITIONS.items() for number in range(len(one.operations))]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize(("name", "number"), POSITIONS, ids=[f"{name}-{number}" for name, number in POSITIONS])
def test_a_lost_answer_at_each_call(scp: ScpHarness, host: Host, name: str, number: int, kind: str) -> None:
    """The call is looked for and sent again if it did not arrive; the run comes to its end by itself."""
    transition = TRANSITIONS[name]
    was, shall = transition.flows(scp)
    host.converge(*was)
    scp.secrets.put(CIFS_PASSWORD=transition.password)
    plan = host.plan(*shall, prune=True)
    call = [call for item in plan.containers for call in item.calls][number]
    earlier = transition.operations[:number].count(call.operation)
    lost = {"kind": kind, "emulator": "scp", "operation": WIRE[call.operation], "after": earlier}
    scp.wire.faults.add(Emulated.model_validate(lost))
    scp.wire.recorder.clear()
    receipt = host.apply(plan)
    assert receipt.outcome is RunOutcome.DONE, [(one.code, one.detail) for one in receipt.results]
    host.settled(*shall, prune=True)
    assert_ended(scp, transition, told(plan))
    assert len(replicas(scp)) == (transition.shall is not None) + transition.stays
