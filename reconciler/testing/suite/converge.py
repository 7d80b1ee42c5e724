"""Applying: what was asked for is what is read back, the next plan is empty, and not one write is too many."""

from typing import ClassVar

from reconciler.engine.diff import shown_differences
from reconciler.model.change import Action, Reason
from reconciler.model.observation import ABSENT
from reconciler.model.plan import Plan
from reconciler.model.relationship import Flow, Settings
from reconciler.model.value import Json
from reconciler.providers.base import Capability
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases, needs

__all__ = ["ConvergeCases"]

_REPLACING = (Action.REPLACE,)
_IN_PLACE = (Action.UPDATE, Action.ADOPT)


class ConvergeCases(Cases):
    """Cases about applying."""

    topic: ClassVar[str] = "converge"

    def test_created_is_as_desired(self, host: Host) -> None:
        """After a create the observation equals the normal form of what was desired, on what is managed."""
        for flow in (host.harness.flow("one"), *(variant.after for variant in host.harness.variants())):
            host.converge(flow)
            _as_desired(host, flow)
            _delete(host, flow)

    def test_second_plan_is_empty_after_create(self, host: Host) -> None:
        """No perpetual diff, whatever was asked for."""
        for flow in (host.harness.flow("one"), *(variant.after for variant in host.harness.variants())):
            host.converge(flow)
            host.settled(flow)
            _delete(host, flow)

    def test_each_setting_changes_alone(self, host: Host) -> None:
        """Changing one setting shows as that one, is made so, and then is in sync."""
        assert host.harness.variants(), "a provider that holds no setting at all replicates nothing worth planning"
        for variant in host.harness.variants():
            host.converge(variant.before)
            plan = host.plan(variant.after)
            (change,) = plan.active_changes
            assert [field.dotted for field in change.fields] == [variant.field]
            assert change.action in (_IN_PLACE if Capability.UPDATE in host.info.capabilities else _REPLACING)
            host.converge(variant.after)
            _as_desired(host, variant.after)
            host.settled(variant.after)
            _delete(host, variant.after)

    def test_settings_left_out_are_left_alone(self, host: Host) -> None:
        """A key that is not in the manifest is not managed: never diffed, never reset."""
        for variant in host.harness.variants():
            plain = host.harness.flow(variant.after.name)
            if _at(host.reader.normalise(plain).settings, variant.field) is not None:
                continue  # this provider always manages it
            host.converge(variant.after)
            before = host.present(plain)
            host.settled(plain)
            other = next((v for v in host.harness.variants() if v.field != variant.field), variant)
            host.converge(plain, host.harness.flow("beside"))
            host.converge(other.before)
            assert _at(host.present(plain).settings, variant.field) == _at(before.settings, variant.field)
            _delete(host, plain)

    def test_deleted_is_gone(self, host: Host) -> None:
        """Removing one of two leaves the other; removing the last leaves nothing."""
        one, two = host.harness.flow("one"), host.harness.flow("two")
        host.converge(one, two)
        host.converge(one, prune=True)
        assert host.live(two) is None
        _as_desired(host, one)
        host.settled(one, prune=True)
        _delete(host, one)
        assert host.observe(one).fingerprint(host.reader.container(one)) == ABSENT
        host.settled(prune=True)

    def test_nothing_is_pruned_unasked(self, host: Host) -> None:
        """What is no longer written down stays until pruning is asked for."""
        one, two = host.harness.flow("one"), host.harness.flow("two")
        host.converge(one, two)
        host.settled(one)
        assert host.present(two)

    def test_as_many_writes_as_containers_differ(self, host: Host) -> None:
        """However many relationships of a container change, it is written as one would be; others are not touched."""
        flows = [host.harness.flow("one"), host.harness.flow("two"), host.harness.flow("three", group=1)]
        containers = {host.reader.container(flow) for flow in flows}
        plan = self._applied(host, *flows)
        assert {item.container for item in plan.containers} == containers
        assert len(containers) <= plan.summary.calls <= len(containers) * self.calls_a_container
        if Capability.UPDATE in host.info.capabilities:
            changed = [variant.after for variant in host.harness.variants()[:1]]
            host.converge(*(variant.before for variant in host.harness.variants()[:1]))
            plan = self._applied(host, *flows, *changed)
            number = len({host.reader.container(flow) for flow in changed})
            assert number <= plan.summary.calls <= number * self.calls_a_container

    def test_nothing_differs_nothing_is_sent(self, host: Host) -> None:
        """An empty plan has no call; applying it writes nothing."""
        flow = host.harness.flow("one")
        host.converge(flow)
        plan = host.plan(flow)
        assert not plan.containers
        with host.quiet() as sent:
            host.apply(plan)
        assert not [one for one in sent if one.write]

    def test_no_write_beyond_the_plan(self, host: Host) -> None:
        """Create, change and delete send what the plan lists, less what turned out not to be needed."""
        variant = host.harness.variants()[0]
        for flows in ((variant.before,), (variant.after,), ()):
            self._applied(host, *flows)

    def test_foreign_relationships_stay_byte_for_byte(self, host: Host) -> None:
        """Creating, changing and deleting ours beside them, they are what they were."""
        variant = host.harness.variants()[0]
        identity = host.harness.foreign(variant.before)
        before = host.harness.raw(variant.before, identity)
        assert before is not None
        for flows in ((variant.before,), (variant.after,), ()):
            host.converge(*flows, prune=True)
            assert host.harness.raw(variant.before, identity) == before
        assert host.live(variant.after) is None

    def test_change_by_hand_is_shown_and_put_back(self, host: Host) -> None:
        """The plan shows exactly what somebody changed."""
        flow = host.harness.flow("one")
        host.converge(flow)
        field = host.harness.tamper(flow)
        (change,) = host.plan(flow).active_changes
        assert [one.dotted for one in change.fields] == [field]
        host.converge(flow)
        _as_desired(host, flow)
        host.settled(flow)

    def test_removal_by_hand_is_shown_and_put_back(self, host: Host) -> None:
        """What is missing is made again, for that reason."""
        flow = host.harness.flow("one")
        host.converge(flow)
        host.harness.remove(flow)
        (change,) = host.plan(flow).active_changes
        assert (change.action, change.reason) == (Action.CREATE, Reason.MISSING_LIVE)
        host.converge(flow)
        _as_desired(host, flow)
        assert host.count(flow) == 1

    def test_plan_does_not_depend_on_order(self, host: Host) -> None:
        """The same flows in another order make the same plan."""
        flows = [host.harness.flow(name, group=group) for name, group in (("c", 0), ("a", 1), ("b", 0))]
        plans = [host.plan(*order) for order in (flows, flows[::-1])]
        assert plans[0].changes == plans[1].changes
        assert plans[0].containers == plans[1].containers
        assert plans[0].effects == plans[1].effects

    def test_saved_plan_is_the_same_plan(self, host: Host) -> None:
        """Written as JSON, read again and applied it does what it says."""
        flow = host.harness.flow("one")
        plan = host.plan(flow)
        again = Plan.model_validate_json(plan.model_dump_json())
        assert again == plan
        assert again.computed_id() == plan.plan_id
        host.apply(again)
        _as_desired(host, flow)

    def test_effects_are_known_ones(self, host: Host) -> None:
        """Every effect of a plan has its rule, so that `repl explain` can tell of it."""
        variant = host.harness.variants()[0]
        known = {rule.id: rule for rule in host.info.effects}
        assert len(known) == len(host.info.effects)
        assert {rule.provider for rule in known.values()} <= {host.info.type}
        for flows in ((variant.before,), (variant.after,), ()):
            plan = host.plan(*flows, prune=True)
            assert {effect.rule for effect in plan.effects} <= known.keys()
            host.converge(*flows, prune=True)

    def test_resync_sends_again_and_changes_nothing(self, host: Host) -> None:
        """A resync is planned as calls and leaves the configuration as it is."""
        needs(host, Capability.RESYNC)
        flow = host.harness.asking(Capability.RESYNC) or host.harness.flow("one")
        host.converge(flow)
        host.harness.advance(60)
        before = host.present(flow)
        plan = host.plan(flow, resync=frozenset({flow.name}))
        assert [change.action for change in plan.active_changes] == [Action.RESYNC]
        assert plan.summary.calls == self.calls_a_resync
        host.apply(plan)
        assert host.present(flow) == before
        host.settled(flow)

    def _applied(self, host: Host, *flows: Flow) -> Plan:
        """Apply, and hold what was sent against the plan and the receipt."""
        plan = host.plan(*flows, prune=True)
        assert not plan.errors
        if not plan.active_changes:
            return plan
        with host.quiet() as sent:
            receipt = host.apply(plan)
        writes = [one for one in sent if one.write]
        assert len(writes) == sum(result.calls for result in receipt.results) <= plan.summary.calls
        host.settled(*flows, prune=True)
        return plan


def _as_desired(host: Host, flow: Flow) -> None:
    desired = host.reader.normalise(flow)
    live = host.present(flow)
    assert live.identity == desired.identity
    assert not shown_differences(live, desired.settings)
    assert not live.write_only


def _at(settings: Settings, dotted: str) -> Json:
    found: Json = settings
    for part in dotted.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _delete(host: Host, flow: Flow) -> None:
    host.converge(prune=True)
    assert host.live(flow) is None
