"""Once means once: sent twice, answers lost, processes killed, and still one relationship."""

from typing import ClassVar

import pytest

from reconciler.engine.journal import open_runs
from reconciler.errors import StalePlan
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import Provider
from reconciler.testing.harness import Ability, Fault, FaultKind
from reconciler.testing.host import Host, Killed, Killing
from reconciler.testing.suite.cases import Cases, needs

__all__ = ["IdempotenceCases"]


class IdempotenceCases(Cases):
    """Cases about repetition."""

    topic: ClassVar[str] = "idempotence"

    def test_normalise_is_stable_and_leaves_its_input(self, host: Host) -> None:
        """Twice, and by another connection, it gives the same, and the flow is what it was."""
        for flow in (host.harness.flow("one"), *(variant.after for variant in host.harness.variants())):
            before = (flow, flow.spec.model_dump_json(), repr(flow))
            first = host.reader.normalise(flow)
            assert host.reader.normalise(flow) == first == host.provider.normalise(flow)
            assert host.reader.container(flow) == host.provider.container(flow)
            assert host.reader.container(flow).scope_ref == host.reader.scope(flow)
            assert (flow, flow.spec.model_dump_json(), repr(flow)) == before

    def test_equal_flows_have_equal_identities_and_others_do_not(self, host: Host) -> None:
        """The identity is what desired and observed are paired by."""
        one, again, two = host.harness.flow("one"), host.harness.flow("one"), host.harness.flow("two")
        names = [host.reader.normalise(flow).identity for flow in (one, again, two)]
        assert names[0] == names[1] != names[2]
        for variant in host.harness.variants():
            pair = (host.reader.normalise(variant.before), host.reader.normalise(variant.after))
            assert pair[0].identity == pair[1].identity

    def test_a_plan_applied_twice_does_it_once(self, host: Host) -> None:
        """Here it is known to be done; elsewhere it does not fit what is live. Neither way is anything written."""
        flow = host.harness.flow("one")
        plan = host.plan(flow)
        host.apply(plan)
        with host.quiet() as sent:
            assert host.apply(plan).outcome is RunOutcome.DONE
            host.forget()
            with pytest.raises(StalePlan):
                host.apply(plan)
        assert not [one for one in sent if one.write]
        assert host.count(flow) == 1

    def test_idempotent_calls_sent_twice_do_it_once(self, host: Host) -> None:
        """A call that says so is harmless when repeated: for create, change and delete."""
        variant = host.harness.variants()[0]
        for flows in ((variant.before,), (variant.after,), ()):
            plan = host.plan(*flows, prune=True)
            receipt = host.apply(plan)
            assert receipt.outcome is RunOutcome.DONE
            before = host.observe(variant.after)
            calls = [call for item in plan.containers for call in item.calls]
            if calls and calls[-1].idempotent and '"$ref"' not in calls[-1].model_dump_json():
                host.provider.execute(calls[-1], host.harness.secrets)
                assert host.observe(variant.after) == before

    def test_without_a_receipt_nothing_is_made_twice(self, host: Host) -> None:
        """Another machine, without this one's memory, finds what is there by its identity."""
        flow = host.harness.flow("one")
        host.converge(flow)
        host.forget()
        host.settled(flow)
        assert host.count(flow) == 1

    @pytest.mark.parametrize("kind", [FaultKind.LOST_ANSWER, FaultKind.LOST_REQUEST])
    def test_a_lost_answer_makes_nothing_twice(self, host: Host, kind: FaultKind) -> None:
        """Each call of create, change and delete in turn is lost once; looking settles whether it had happened."""
        needs(host, Ability.FAULTS)
        variant = host.harness.variants()[0]
        for flows in ((variant.before,), (variant.after,), ()):
            plan = host.plan(*flows, prune=True)
            for call in _calls(plan):
                host.harness.fault(Fault(kind=kind), call)
            receipt = host.apply(plan)
            assert receipt.outcome is RunOutcome.DONE, [(r.code, r.detail) for r in receipt.results]
            host.harness.mend()
            assert host.count(variant.after) == len(flows)
            host.settled(*flows, prune=True)

    @pytest.mark.parametrize("sent", [False, True], ids=["before-sending", "before-the-answer"])
    @pytest.mark.parametrize("again", ["same-plan", "new-plan"])
    def test_killed_at_each_call_nothing_is_lost_or_made_twice(self, host: Host, again: str, sent: bool) -> None:
        """The process ends at one call; the next apply finishes by looking."""
        variant = host.harness.variants()[0]
        for flows in ((variant.before,), (variant.after,), ()):
            count = len(_calls(host.plan(*flows, prune=True)))
            for number in range(count):
                self._killed(host, flows, number, again, sent=sent)
                assert host.count(variant.after) == len(flows), f"cut at call {number}"
                host.settled(*flows, prune=True)
                if number + 1 < count:
                    self._back(host, flows, variant.before)

    def test_a_stale_plan_is_refused_and_nothing_changes(self, host: Host) -> None:
        """Somebody changed what the plan had read: not one write."""
        variant = host.harness.variants()[0]
        host.converge(variant.before)
        plan = host.plan(variant.after)
        host.harness.tamper(variant.before)
        identity = host.reader.normalise(variant.before).identity
        before = host.harness.raw(variant.before, identity)
        with host.quiet() as sent, pytest.raises(StalePlan):
            host.apply(plan)
        assert not [one for one in sent if one.write]
        assert host.harness.raw(variant.before, identity) == before

    def test_a_changed_plan_is_refused(self, host: Host) -> None:
        """A plan whose content does not fit its id is not carried out."""
        plan = host.plan(host.harness.flow("one"))
        with host.quiet() as sent, pytest.raises(StalePlan):
            host.apply(plan.model_copy(update={"containers": ()}))
        assert not [one for one in sent if one.write]

    def _killed(self, host: Host, flows: tuple[Flow, ...], number: int, again: str, *, sent: bool) -> None:
        plan = host.plan(*flows, prune=True)

        def deadly(provider: Provider) -> Provider:
            killing: Provider = Killing(provider, number, sent=sent)  # type: ignore[assignment]  # it stands for one
            return killing

        with pytest.raises(Killed):
            host.apply(plan, wrap=deadly)
        second = plan if again == "same-plan" else host.plan(*flows, prune=True)
        if second.active_changes:
            receipt = host.apply(second)
            assert receipt.outcome is RunOutcome.DONE, [(r.code, r.detail) for r in receipt.results]
            assert not open_runs(host.state)

    def _back(self, host: Host, flows: tuple[Flow, ...], before: Flow) -> None:
        """Return to where the transition to `flows` starts."""
        host.converge(prune=True)
        if flows != (before,):
            host.converge(before)


def _calls(plan: Plan) -> list[Call]:
    return [call for item in plan.containers for call in item.calls]
