"""Alarik's lists under crashes and lost answers: nothing twice without need, nothing lost, others' entries untouched.

On Alarik a list that is sent twice does no harm, but a resync that is sent twice copies everything twice, and one that
is forgotten leaves what was there before behind for ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault as Emulated
from reconciler.engine.journal import Journal, open_runs
from reconciler.model.change import Action
from reconciler.model.manifest import State
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.testing.harness import FaultKind
from reconciler.testing.host import Host
from tests.contract.harnesses.alarik import AlarikHarness
from tests.lab.crash import survived

TARGETS, RULES, RESYNC = "PUT replication/targets", "PUT replication/rules", "POST replication/rules/:id/resync"
COPY = {"existing": "copy"}
LOST = [FaultKind.LOST_REQUEST, FaultKind.LOST_ANSWER]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[AlarikHarness]:
    harness = AlarikHarness(tmp_path_factory.mktemp("alarik"), certificate)
    harness.write("src-a", "one/before")
    harness.make_bucket("dst-c", name="there")
    yield harness
    harness.close()


@pytest.fixture
def alarik(world: AlarikHarness) -> Iterator[AlarikHarness]:
    """The same world without targets, rules, faults and switches that another test has set."""
    world.restore()
    yield world
    world.mend()


@pytest.fixture
def host(alarik: AlarikHarness, tmp_path: Path) -> Iterator[Host]:
    """A host that remembers nothing yet."""
    made = Host(alarik, tmp_path)
    yield made
    made.close()


def calls(plan: Plan) -> list[Call]:
    return [call for item in plan.containers for call in item.calls]


def operations(plan: Plan) -> list[str]:
    return [call.operation for call in calls(plan)]


class Reached:
    """The writes that the server has carried out since a moment, by their names on the wire."""

    NAMES = {"setReplicationTargets": TARGETS, "setReplicationRules": RULES, "resyncReplicationRule": RESYNC}

    def __init__(self, alarik: AlarikHarness) -> None:
        self._alarik = alarik
        alarik.mark()

    def list(self) -> list[str]:
        return [self.NAMES[one.operation] for one in self._alarik.requests() if one.write and one.reached]

    def count(self, operation: str) -> int:
        return self.list().count(operation)


def theirs(alarik: AlarikHarness) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What somebody else has in the bucket, secrets by their digests."""
    held = alarik.held("src-a")
    rules = [{**one, "delivered": None} for one in held["rules"] if one["prefix"] == "theirs/"]
    used = {one["targetId"] for one in rules}
    return [one for one in held["targets"] if one["id"] in used], rules


def working(alarik: AlarikHarness, flow: Flow) -> None:
    """The flow's rule is there once and in its state, and leads to one enabled target that has its secret."""
    held = alarik.held("src-a")
    (rule,) = [one for one in held["rules"] if one["id"].upper() == alarik.identity(flow)]
    (target,) = [one for one in held["targets"] if one["id"] == rule["targetId"]]
    assert rule["enabled"] is (flow.spec.state is State.ACTIVE)
    assert target["enabled"]
    assert target["secretSha256"] == sha256(str(alarik.facts["there"]["secret_key"]).encode()).hexdigest()
    assert target["targetBucket"] == flow.spec.destination.bucket
    ids = [one["id"] for kind in ("targets", "rules") for one in held[kind]]
    assert len(set(ids)) == len(ids)


def unused(alarik: AlarikHarness) -> list[str]:
    """The targets that no rule leads to."""
    held = alarik.held("src-a")
    used = {one["targetId"] for one in held["rules"]}
    return [one["id"] for one in held["targets"] if one["id"] not in used]


@dataclass(frozen=True, slots=True)
class Transition:
    """What becomes of a rule: as it was and as it shall be (None: not there), and the calls that it takes."""

    was: dict[str, Any] | None
    shall: dict[str, Any] | None
    operations: Sequence[str]

    @property
    def tells(self) -> bool:
        """Whether a secret is sent."""
        return RESYNC in self.operations

    def flows(self, alarik: AlarikHarness) -> tuple[tuple[Flow, ...], tuple[Flow, ...]]:
        return _flows(alarik, self.was), _flows(alarik, self.shall)


def _flows(alarik: AlarikHarness, spec: dict[str, Any] | None) -> tuple[Flow, ...]:
    if spec is None:
        return ()
    given = dict(spec)
    bucket = given.pop("to", "dst-a")
    return (alarik.made("one", {"bucket": "src-a", "prefix": "one/"}, {"bucket": bucket}, given),)


def _other(alarik: AlarikHarness) -> Flow:
    """A replication of other keys in the same bucket, to where nothing has led so far."""
    return alarik.made("two", {"bucket": "src-a", "prefix": "two/"}, {"bucket": "dst-c"}, {})


ELSEWHERE = COPY | {"to": "dst-b"}
TRANSITIONS = {
    "created": Transition(None, COPY, [TARGETS, RULES, RESYNC]),
    "led elsewhere": Transition(COPY, ELSEWHERE, [TARGETS, RULES, TARGETS, RESYNC]),
    "paused": Transition(COPY, COPY | {"state": "paused"}, [RULES]),
    "deleted": Transition(COPY, None, [RULES, TARGETS]),
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", ["created", "led elsewhere", "deleted"])
def test_killed_at_every_boundary_and_run_again(alarik: AlarikHarness, host: Host, name: str, after: bool) -> None:
    """Run again with the same plan and with a new one in turn."""
    transition, number, ended = TRANSITIONS[name], 0, False
    was, shall = transition.flows(alarik)
    while not ended:
        alarik.restore()
        alarik.foreign(alarik.flow("one"))
        host.forget()
        kept = theirs(alarik)
        if was:
            host.converge(*was)
        reached = Reached(alarik)
        plan = host.plan(*shall, prune=True)
        assert operations(plan) == list(transition.operations)
        ended = survived(host.apply, plan, killed_at=number, after=after)
        sent_first, again = reached.count(RESYNC), plan
        if not ended:
            again = plan if (number + after) % 2 else host.plan(*shall, prune=True)
            if again.active_changes:
                assert host.apply(again).outcome is RunOutcome.DONE, number
                assert not open_runs(host.state)
        host.settled(*shall, prune=True)
        sent, left = reached.list(), unused(alarik)
        assert len(left) <= (again is not plan), f"killed at {number}"
        if left:
            # The rules were right when the new plan was made. The next change of the bucket takes the target away.
            host.converge(*shall or was, _other(alarik), prune=True)
            host.converge(*shall, prune=True)
        assert sent.count(RULES) == transition.operations.count(RULES), f"killed at {number}"
        # Nobody can see whether a secret has arrived: a list with one in it may be sent again.
        lists = transition.operations.count(TARGETS) - len(left)
        assert lists <= sent.count(TARGETS) <= lists + (not ended and transition.tells), f"killed at {number}"
        owed = transition.operations.count(RESYNC)
        # Only where the answer to the first one was not on disk may there be another.
        assert owed <= sent.count(RESYNC) <= owed + sent_first * (not ended), f"killed at {number}"
        held = alarik.held("src-a")
        assert (len(held["rules"]), len(held["targets"])) == (1 + len(shall), 1 + len(shall)), f"killed at {number}"
        for flow in shall:
            working(alarik, flow)
        assert theirs(alarik) == kept, f"killed at {number}"
        number += 1
    assert number >= 2 + 2 * len(transition.operations)


def test_a_resync_whose_answer_is_on_disk_is_not_sent_again(
    alarik: AlarikHarness, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last entries of the journal tell that the copy was started; the run was cut off behind them."""
    (one,) = _flows(alarik, COPY)
    counted: list[object] = []
    real = Journal.write

    def count(self: Journal, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **kwargs)
        counted.append(args[0])

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", count)
        host.converge(one)
    for number in range(len(counted) - 3, len(counted)):
        alarik.restore()
        host.forget()
        plan, reached = host.plan(one), Reached(alarik)
        assert not survived(host.apply, plan, killed_at=number, after=True)
        assert reached.count(RESYNC) == 1
        host.converge(one)
        host.settled(one)
        assert reached.count(RESYNC) == 1, counted[number]


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize(
    ("name", "position"),
    [(name, position) for name, one in TRANSITIONS.items() for position in range(len(one.operations))],
)
def test_a_lost_answer_at_each_call(
    alarik: AlarikHarness, host: Host, name: str, position: int, kind: FaultKind
) -> None:
    """A list whose answer is lost is read, and sent again only if it did not arrive; a resync is sent for certain."""
    transition = TRANSITIONS[name]
    was, shall = transition.flows(alarik)
    alarik.foreign(alarik.flow("one"))
    kept = theirs(alarik)
    if was:
        host.converge(*was)
    plan, reached = host.plan(*shall, prune=True), Reached(alarik)
    call = calls(plan)[position]
    earlier = [one.operation for one in calls(plan)[:position]].count(call.operation)
    name_on_wire = next(key for key, value in Reached.NAMES.items() if value == call.operation)
    kinds = {FaultKind.LOST_REQUEST: "drop_before", FaultKind.LOST_ANSWER: "drop_after"}
    lost = {"kind": kinds[kind], "emulator": "here", "operation": name_on_wire, "after": earlier}
    alarik.wire.faults.add(Emulated.model_validate(lost))
    receipt = host.apply(plan)
    if receipt.outcome is not RunOutcome.DONE:
        assert call.operation == RESYNC
        host.converge(*shall, prune=True)
    host.settled(*shall, prune=True)
    assert theirs(alarik) == kept
    assert reached.count(RULES) == transition.operations.count(RULES)
    # Nobody can see whether a secret has arrived: the list with it is sent again.
    unseen = transition.tells and position == 0 and kind is FaultKind.LOST_ANSWER
    assert reached.count(TARGETS) == transition.operations.count(TARGETS) + unseen
    owed = transition.operations.count(RESYNC)
    assert owed <= reached.count(RESYNC) <= owed + (call.operation == RESYNC and kind is FaultKind.LOST_ANSWER)
    for flow in shall:
        working(alarik, flow)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_resync_on_demand_that_is_cut_off_is_owed(alarik: AlarikHarness, host: Host, after: bool) -> None:
    """Nothing shows whether the copy was started: it is started for certain, at most once more than needed."""
    ((one,), number, ended) = _flows(alarik, COPY), 0, False
    while not ended:
        alarik.restore()
        host.forget()
        host.converge(one)
        reached = Reached(alarik)
        plan = host.plan(one, resync=frozenset({"one"}))
        assert [change.action for change in plan.active_changes] == [Action.RESYNC]
        assert operations(plan) == [RESYNC]
        ended = survived(host.apply, plan, killed_at=number, after=after)
        if not ended:
            host.converge(one)
        host.settled(one)
        # Until the journal says that the container was begun, nobody knows that it was asked for.
        asked = ended or number > 1 or (number == 1 and after)
        assert asked <= reached.count(RESYNC) <= (1 if ended else 2), f"killed at {number}"
        assert set(reached.list()) <= {RESYNC}
        number += 1
    assert number >= 6


def test_what_was_there_before_arrives_although_everything_was_cut_off(alarik: AlarikHarness, host: Host) -> None:
    """The rule was written and the process died: without the resync the old object would never be copied."""
    alarik.write("src-a", "one/old")
    (one,) = _flows(alarik, COPY)
    plan, number = host.plan(one), 0
    while not alarik.get("src-a", "rules"):
        assert not survived(host.apply, plan, killed_at=number, after=False)
        number += 1
    host.converge(one)
    alarik.settle()
    assert {"one/before", "one/old"} <= set(alarik.objects("dst-a"))
    host.settled(one)
