"""What replications share between sites: rights of several sources, lists of a pair, and what services believe."""

from typing import Any

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.change import Action
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.model.step import Await
from reconciler.providers.base import Progress, Provider
from reconciler.testing.host import Host, Killed, Killing
from tests.contract.clonecloudstore_host import COPY, applied, effects, filled, host, orders, sites, told, way
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way

__all__ = ["host", "sites", "way"]


def codes(plan: Plan) -> list[str]:
    return [finding.code for finding in plan.findings]


def actions(plan: Plan) -> dict[str, Action]:
    return {change.replication: change.action for change in plan.active_changes}


# Two sources, one destination --------------------------------------------------------------------------------------


def into(sites: CloneCloudStoreHarness, name: str, here: str, **spec: Any) -> Flow:
    """A flow of the bucket `shared` to site-c."""
    return sites.made(name, "shared", "yonder", spec, here=here)


@pytest.mark.parametrize("name", ["moved", "another"])
def test_a_source_that_moves_keeps_the_rights_that_its_new_way_needs(
    host: Host, sites: CloneCloudStoreHarness, name: str
) -> None:
    beside = sites.flow("beside")
    host.converge(into(sites, "moved", "here"), beside)
    flow = into(sites, name, "there")
    plan = host.plan(flow, beside, prune=True)
    assert actions(plan) == {name: Action.CREATE}
    (finding,) = [one for one in plan.findings if one.code == "REPL-W005"]
    assert "site-a->site-c/client1/shared" in finding.detail
    assert "the rights of client1 on shared at site-c" in finding.detail
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert sites.right("site-c", "shared") == "OWNER"
    sites.write("shared", "new", b"from the new source", site="site-b")
    sites.settle()
    assert sites.content("site-c", "shared", "new") == b"from the new source"
    host.settled(flow, beside, prune=True)
    assert "REPL-W005" in codes(host.plan(flow, beside, prune=True))


def test_one_of_two_sources_that_is_removed_leaves_the_rights(host: Host, sites: CloneCloudStoreHarness) -> None:
    flows = into(sites, "from-a", "here"), into(sites, "from-b", "there")
    host.converge(*flows)
    plan = host.plan(flows[1], prune=True)
    assert not plan.active_changes
    assert "REPL-W005" in codes(plan)
    assert "REPL-W005" not in codes(host.plan(flows[1]))
    # Ended by hand, as the page says, nothing is left to tell.
    answer = sites.client("site-a", "administration").delete("/administration/topologies/site-c")
    assert answer.status_code == 204
    assert "REPL-W005" not in codes(host.plan(flows[1], prune=True))


def test_two_sources_that_are_both_removed_lose_the_rights_once(host: Host, sites: CloneCloudStoreHarness) -> None:
    other = sites.flow("other")
    host.converge(into(sites, "from-a", "here"), into(sites, "from-b", "there"), other)
    plan = host.plan(other, prune=True)
    assert actions(plan) == {"from-a": Action.DELETE, "from-b": Action.DELETE}
    sites.mark()
    assert host.apply(plan).outcome is RunOutcome.DONE
    taken = [sent.operation for sent in host.writes()]
    assert sorted(taken) == ["addOwnership", "deleteOwnership"]
    assert sites.right("site-c", "shared") == "READ"
    host.settled(other, prune=True)


# Rights that are believed ------------------------------------------------------------------------------------------


class TestBelievedRights:
    @pytest.fixture
    def way(self) -> Way:
        return Way(tls=False, rights_s=600, switches={"ownership_cache_s": 600.0})

    def believed(self, host: Host, sites: CloneCloudStoreHarness, right: str) -> Flow:
        """Objects that site-b lacks, where its services have just read that the client may do less."""
        flow = filled(sites, 3)
        host.converge(flow)
        sites.emulator.sites["site-b"].database.rights["client1", "stock"] = right
        sites.emulator.act("expire-caches", {})
        sites.write("stock", "read-anew")  # and the order for it is refused
        sites.settle()
        return flow

    @pytest.mark.parametrize("right", ["READ", "DELETE_READ"])
    def test_copying_waits_until_a_right_is_known(self, host: Host, sites: CloneCloudStoreHarness, right: str) -> None:
        self.believed(host, sites, right)
        plan = host.plan(sites.flow("stock", **COPY))
        assert "up to 10m more: copying waits" in effects(plan)["CCS-CACHED-RIGHTS"].text
        kinds = [step.condition if isinstance(step, Await) else step.id for step in plan.containers[0].steps]
        assert kinds.index("rights-known") < kinds.index("s1/order-1-stock")
        assert host.apply(plan).outcome is RunOutcome.DONE
        assert set(orders(sites).values()) == {1, 2}  # what was written too early, and nothing else, is ordered again
        host.settled(sites.flow("stock", **COPY))

    @pytest.mark.parametrize("stopped", [False, True], ids=["killed", "stopped"])
    def test_a_run_that_was_cut_off_before_it_waited_leaves_that_to_the_next(
        self, host: Host, sites: CloneCloudStoreHarness, stopped: bool
    ) -> None:
        self.believed(host, sites, "READ")
        flow = sites.flow("stock", **COPY)
        cut_off(host, flow, at=0, stopped=stopped)
        assert sites.right("site-b", "stock") == "OWNER"
        before = sum(orders(sites).values())
        plan = host.plan(flow)
        assert waits(plan)[0] == "rights-known"
        assert host.apply(plan).outcome is RunOutcome.DONE
        assert sum(orders(sites).values()) - before == 4  # each once: none was refused
        host.settled(flow)

    def test_nothing_waits_where_nothing_is_copied(self, host: Host, sites: CloneCloudStoreHarness) -> None:
        self.believed(host, sites, "READ")
        plan = host.plan(sites.flow("stock", deletes="replicate"))
        assert "what is ordered before may be lost" in effects(plan)["CCS-CACHED-RIGHTS"].text
        assert not [step for step in plan.containers[0].steps if isinstance(step, Await)]

    def test_nothing_waits_for_a_bucket_that_is_new(self, host: Host, sites: CloneCloudStoreHarness) -> None:
        plan = host.plan(filled(sites, 1, **COPY))
        assert "CCS-CACHED-RIGHTS" not in effects(plan)
        assert "rights-known" not in [step.condition for step in plan.containers[0].awaits]


class TestBelievedLists:
    @pytest.fixture
    def way(self) -> Way:
        return Way(tls=False, cache_s=300)

    @pytest.mark.parametrize("stopped", [False, True], ids=["killed", "stopped"])
    def test_a_run_that_was_cut_off_before_it_waited_leaves_that_to_the_next(
        self, host: Host, sites: CloneCloudStoreHarness, stopped: bool
    ) -> None:
        flow = filled(sites, 2, **COPY)
        sites.bucket("stock", site="site-b")
        cut_off(host, flow, at=1, stopped=stopped)
        assert sites.topology("site-a", "site-b")["status"] == "UP"  # type: ignore[index]  # it is there
        plan = host.plan(flow)
        assert waits(plan)[0] == "list-known"
        assert host.apply(plan).outcome is RunOutcome.DONE
        host.settled(flow)
        assert "list-known" not in waits(host.plan(flow, resync=frozenset({"stock"})))


def waits(plan: Plan) -> list[str]:
    return [step.condition for item in plan.containers for step in item.awaits]


class _NoWaiting:
    """Stands before a provider and cannot look at what is awaited."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def poll(self, wait: Await) -> Progress:
        raise ProviderError("gone", code=ErrorCode.UNAVAILABLE, provider="here", operation=wait.condition)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


def cut_off(host: Host, flow: Flow, *, at: int, stopped: bool) -> None:
    """Apply, and end that after a write: killed, or with a receipt that says how far it came."""
    plan = host.plan(flow)
    if stopped:
        assert host.apply(plan, wrap=_NoWaiting).outcome is not RunOutcome.DONE  # type: ignore[arg-type]
        return
    with pytest.raises(Killed):
        host.apply(plan, wrap=lambda one: Killing(one, at, sent=True))  # type: ignore[arg-type,return-value]


# One pair, several states ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [{"deletes": "replicate"}, {"deletes": "keep"}], ids=["unchanged", "changed"])
def test_what_says_nothing_of_its_state_is_copied_when_its_pair_is_resumed(
    host: Host, sites: CloneCloudStoreHarness, silent: dict[str, Any]
) -> None:
    quiet = sites.flow("stock", state=None, existing="copy", deletes="replicate", verify={"level": "status"})
    other = sites.flow("other", state="paused", verify={"level": "status"})
    host.converge(quiet, other)
    sites.write("stock", "meanwhile", b"written during the pause")
    sites.settle()
    assert sites.status("site-b", "stock", "meanwhile") is None
    quiet = sites.flow("stock", state=None, existing="copy", verify={"level": "status"}, **silent)
    resumed = sites.flow("other", state="active", verify={"level": "status"})
    plan = host.plan(quiet, resumed)
    assert {effect.replication for effect in plan.effects if effect.rule == "CCS-CLONE"} == {"stock"}
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert sites.content("site-b", "stock", "meanwhile") == b"written during the pause"
    host.settled(quiet, resumed)


def test_what_begins_in_a_pair_that_is_resumed_is_copied(host: Host, sites: CloneCloudStoreHarness) -> None:
    other = sites.flow("other", state="paused")
    host.converge(other)
    quiet = filled(sites, 2, state=None, **COPY)
    receipt = applied(host, quiet, sites.flow("other", state="active"))
    assert receipt.outcome is RunOutcome.DONE
    assert sites.content("site-b", "stock", "o/1") == b"content 1"


def test_what_begins_in_a_pair_that_is_paused_is_not_copied(host: Host, sites: CloneCloudStoreHarness) -> None:
    quiet = filled(sites, 2, state=None, **COPY)
    host.converge(sites.flow("other", state="active"))
    plan = host.plan(quiet, sites.flow("other", state="paused"))
    assert "CCS-CLONE" not in effects(plan)
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert sites.status("site-b", "stock", "o/0") is None


def test_a_copy_that_is_owed_waits_for_its_pair_and_is_in_nobodys_way(
    host: Host, sites: CloneCloudStoreHarness
) -> None:
    silent: dict[str, Any] = {"state": None, "verify": {"level": "status"}, **COPY}
    quiet, other = filled(sites, 2, **silent), sites.flow("other", state="active")
    sites.switch(fail_next_pulls=1)
    assert applied(host, quiet, other).outcome is not RunOutcome.DONE
    sites.emulator.act("set-status", {"site": "site-b", "bucket": "stock", "object": "o/0", "status": "DELETED"})
    paused = sites.flow("other", state="paused")
    host.converge(quiet, paused)
    host.settled(quiet, paused)
    host.converge(quiet, other)
    assert sites.content("site-b", "stock", "o/0") == b"content 0"
    host.settled(quiet, other)


# A bucket that is being deleted ------------------------------------------------------------------------------------


def status(sites: CloneCloudStoreHarness, word: str) -> None:
    sites.emulator.act("set-status", {"site": "site-b", "bucket": "meant", "status": word})


def test_a_bucket_that_is_being_deleted_is_said(host: Host, sites: CloneCloudStoreHarness) -> None:
    flow = sites.flow("meant")
    sites.bucket("meant", site="site-b")
    status(sites, "DELETING")
    plan = host.plan(flow)
    assert not plan.applyable
    (finding,) = plan.errors
    assert finding.code == "REPL-W613"
    assert "meant at there is DELETING" in finding.detail
    assert finding.hint
    status(sites, "DELETED")
    host.converge(flow)


@pytest.mark.parametrize("before", ["DELETED", "UPLOAD"])
def test_a_bucket_that_is_deleted_after_the_plan_fails_with_what_to_do(
    host: Host, sites: CloneCloudStoreHarness, before: str
) -> None:
    flow = sites.flow("meant")
    sites.bucket("meant", site="site-b")
    status(sites, before)
    plan = host.plan(flow)
    assert not plan.errors
    status(sites, "DELETING")
    receipt = host.apply(plan)
    assert receipt.outcome is not RunOutcome.DONE
    assert "FAILED_PRECONDITION" in told(receipt)
    assert "DELETING" in told(receipt)
    assert "plan again" in told(receipt)
    status(sites, "DELETED")
    host.converge(flow)


# What was removed and would come back ------------------------------------------------------------------------------


def test_what_was_removed_does_not_come_back_with_its_pair(host: Host, sites: CloneCloudStoreHarness) -> None:
    kept, gone = sites.flow("kept"), sites.flow("gone")
    host.converge(kept, gone)
    answer = sites.client("site-a", "administration").delete("/administration/topologies/site-b")
    assert answer.status_code == 204
    said = host.plan(kept)
    (finding,) = [one for one in said.findings if one.code == "REPL-W006"]
    assert "site-a->site-b/client1/gone" in finding.detail
    plan = host.plan(kept, prune=True)
    assert actions(plan) == {"kept": Action.CREATE, "gone": Action.DELETE}
    assert effects(plan)["CCS-UNPROTECTED"].replication == "gone"
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert sites.right("site-b", "gone") == "READ"
    host.settled(kept, prune=True)
