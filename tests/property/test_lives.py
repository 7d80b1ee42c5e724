"""Whatever happens to a workspace over its life, nothing of it is forgotten and no one else is blamed.

Manifests change, applies are killed, fail and select; somebody changes live rules by hand. Over worlds in memory.
"""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reconciler.engine.unfinished import cut_off
from reconciler.errors import ErrorCode, ProviderError, Refused, StalePlan
from reconciler.model.drift import DriftState
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.testing.memory.records import MemoryObject, Rule
from tests.lab.crash import survived
from tests.lab.workbench import PRUNING, Workbench

NAMES = st.sampled_from(["n1", "n2", "n3"])
BUCKETS = st.sampled_from("abc")
ALLOW = ("MEMORY-REPLACE",)
WRITES = st.sampled_from(["*", "create-relationship", "delete-relationship", "put-rules", "start"])
BY_HAND = {DriftState.DRIFTED, DriftState.VANISHED}


class Life(RuleBasedStateMachine):
    """One workspace. Each replication has a prefix of its own, with one object in each bucket."""

    grain = "container"

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Workbench(Path(self.folder.name), grain=self.grain, replace=("deletes",))
        self.bench.write("workspace.yaml", PRUNING)
        self.wanted: dict[str, dict[str, Any]] = {}
        self.by_hand: set[str] = set()
        """Names whose rules somebody else has changed since an apply came through."""
        self.ever_by_hand: set[str] = set()
        self.doubted: set[str] = set()
        self.saved: Plan | None = None
        now = self.bench.clock.now()
        for bucket, objects in self.bench.here.buckets.items():
            for name in ("n1", "n2", "n3"):
                objects[f"{name}/old"] = MemoryObject(data=f"{bucket} {name}".encode(), modified_at=now)

    def teardown(self) -> None:
        self.folder.cleanup()

    # What users do -------------------------------------------------------------------------------------------------

    @initialize(bucket=BUCKETS, to=BUCKETS)
    def begin(self, bucket: str, to: str) -> None:
        self.write("n1", bucket, to, "active", "keep")

    @rule(
        name=NAMES,
        bucket=BUCKETS,
        to=BUCKETS,
        state=st.sampled_from(["active", "active", "paused"]),
        deletes=st.sampled_from(["keep", "replicate"]),
    )
    def write(self, name: str, bucket: str, to: str, state: str, deletes: str) -> None:
        self.wanted[name] = {"bucket": bucket, "to": to, "state": state}
        self.bench.write(
            f"r-{name}.yaml",
            f"apiVersion: repl/v1\nkind: Replication\nmetadata: {{name: {name}}}\nspec:\n"
            f"  source: {{provider: here, bucket: {bucket}, prefix: {name}/}}\n"
            f"  destination: {{provider: there, bucket: {to}, prefix: {name}/}}\n"
            f"  state: {state}\n  deletes: {deletes}\n  existing: copy\n",
        )

    @precondition(lambda self: len(self.wanted) > 1)
    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        if self.wanted.pop(name, None) is not None:
            self.bench.forget(name)

    @rule(prune=st.booleans())
    def apply(self, prune: bool) -> None:
        plan = self.plan(prune=prune)
        if plan is None or self.ended(plan) is not RunOutcome.DONE:
            return
        self.by_hand -= self.wanted.keys()
        again = self.bench.plan(prune=prune, allow=ALLOW)
        assert not again.active_changes
        if not again.unmanaged:
            assert not [finding for finding in again.findings if finding.code in ("REPL-W004", "REPL-W007")]
        self.assert_all_has_arrived()

    @rule(name=NAMES)
    def apply_one(self, name: str) -> None:
        if name in self.wanted and (plan := self.plan(select=(name,))) and self.ended(plan) is RunOutcome.DONE:
            self.by_hand.discard(name)

    @rule(at=st.integers(0, 14), after=st.booleans(), prune=st.booleans(), one=st.none() | NAMES)
    def apply_and_die(self, at: int, after: bool, prune: bool, one: str | None) -> None:
        plan = self.plan(prune=prune, select=(one,) if one in self.wanted else ())
        if plan is not None:
            self.saved = plan
            survived(self.ended, plan, killed_at=at, after=after)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def apply_the_saved_plan(self) -> None:
        assert self.saved is not None
        self.ended(self.saved)

    @rule(operation=WRITES, committed=st.booleans(), prune=st.booleans())
    def apply_and_fail(self, operation: str, committed: bool, prune: bool) -> None:
        plan = self.plan(prune=prune)
        if plan is not None:
            code = ErrorCode.UNAVAILABLE if committed else ErrorCode.FAILED_PRECONDITION
            self.bench.here.fail(operation, code=code, committed=committed)
            self.ended(plan)
            self.bench.here.heal()

    @precondition(lambda self: bool(self.live()))
    @rule(which=st.integers(0, 5), how=st.sampled_from(["pause", "delete"]))
    def change_by_hand(self, which: int, how: str) -> None:
        held = self.live()[which % len(self.live())]
        name = held.document["source"]["prefix"].removesuffix("/")
        self.by_hand.add(name)
        self.ever_by_hand.add(name)
        if how == "pause":
            held.document["state"] = "paused"
            return
        here = self.bench.here
        here.relationships.pop(held.id, None)
        here.rules.get(held.document["source"]["bucket"], {}).pop(held.id, None)

    # What must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def nobody_else_is_blamed(self) -> None:
        if self.bench.state.receipt() is None and not cut_off(self.bench.state):
            return  # before the first apply drift can only compare with what is written
        report = self.bench.drift()
        blamed = {item.replication for item in report.items if item.state in BY_HAND}
        left = {name.partition("@")[0] for name in blamed if "@" in name}
        assert {name for name in blamed if "@" not in name} <= self.by_hand
        assert left <= self.ever_by_hand

    @invariant()
    def everything_live_is_known(self) -> None:
        plan = self.bench.plan(allow=ALLOW)
        # Where an answer was lost and the server marks nothing as ours, nobody can know who has made it.
        self.doubted |= {one.container for one in cut_off(self.bench.state) if one.in_doubt}
        unmarked = self.doubted if self.grain == "relationship" else set()
        known = {(u.container, u.identity) for u in plan.unmanaged if u.ours or str(u.container) in unmarked}
        known |= {(one.container, one.observed.identity) for one in plan.changes if one.observed is not None}
        assert len(known) == len(self.live())

    def live(self) -> list[Rule]:
        here = self.bench.here
        return [*(one for held in here.rules.values() for one in held.values()), *here.relationships.values()]

    def plan(self, **how: Any) -> Plan | None:
        plan = self.bench.plan(allow=ALLOW, **how)
        return plan if plan.applyable else None

    def ended(self, plan: Plan) -> RunOutcome | None:
        try:
            return self.bench.apply(plan).outcome
        except (StalePlan, Refused, ProviderError):
            return None
        finally:
            self.bench.clock.advance(60)

    def assert_all_has_arrived(self) -> None:
        for name, spec in self.wanted.items():
            if spec["state"] == "active":
                copies = self.bench.there.buckets[spec["to"]]
                assert copies[f"{name}/old"].data == f"{spec['bucket']} {name}".encode(), name


@pytest.mark.parametrize("grain", ["container", "relationship"])
def test_a_life(grain: str) -> None:
    life = type("Life", (Life,), {"grain": grain})
    run_state_machine_as_test(life, settings=settings(max_examples=60, stateful_step_count=14))
