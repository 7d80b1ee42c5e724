"""Copying of existing objects: lost orders, rows that nothing leads out of, lists that are believed, crashes."""

import pytest
import zstandard

from reconciler.emulators.message import Reply
from reconciler.model.change import Action, Reason
from reconciler.model.finding import Severity
from reconciler.model.receipt import RunOutcome
from reconciler.model.step import Await, Call
from reconciler.model.verification import Outcome
from reconciler.providers.base import Provider
from reconciler.providers.clonecloudstore.calls import ROUNDS
from reconciler.testing.host import Host, Killed, Killing
from tests.contract.clonecloudstore_host import COPY, applied, effects, filled, host, orders, sites, told, way
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way

__all__ = ["host", "sites", "way"]


# Existing objects --------------------------------------------------------------------------------------------------


def test_nothing_is_copied_that_was_there_before(host: Host, sites: CloneCloudStoreHarness) -> None:
    plan = host.plan(filled(sites))
    assert effects(plan)["CCS-NO-BACKFILL"].severity is Severity.WARNING
    host.apply(plan)
    sites.settle()
    assert not sites.state("site-b")["buckets"]["stock"]["objects"]
    known = host.plan(sites.flow("beside", group=1, existing="ignore"))
    assert effects(known)["CCS-NO-BACKFILL"].severity is Severity.INFO


def test_existing_objects_are_copied_once(host: Host, sites: CloneCloudStoreHarness) -> None:
    flow = filled(sites, 7, **COPY)
    receipt = applied(host, flow)
    assert receipt.outcome is RunOutcome.DONE
    assert [sites.content("site-b", "stock", f"o/{index}") for index in range(7)] == [
        f"content {index}".encode() for index in range(7)
    ]
    assert set(orders(sites).values()) == {1}
    host.settled(flow)
    again = applied(host, flow, resync=frozenset({"stock"}))
    assert again.outcome is RunOutcome.DONE
    assert sum(result.calls for result in again.results) == 0
    assert set(orders(sites).values()) == {1}


def test_many_objects_go_in_batches(host: Host, sites: CloneCloudStoreHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.providers.clonecloudstore.execute.BATCH", 4)
    host.converge(filled(sites, 10, **COPY))
    assert set(orders(sites).values()) == {1}
    assert len(orders(sites)) == 10
    sent = [one.operation for one in sites.wire.requests("ccs") if one.operation == "createOrders"]
    assert len(sent) == 3


def test_one_look_proves_hundreds(host: Host, sites: CloneCloudStoreHarness) -> None:
    """Before each look both lists are read whole, and between looks there are seconds."""
    host.converge(filled(sites, 250))
    (steps,) = (item.steps for item in host.plan(sites.flow("stock", **COPY)).containers)
    order, wait = steps[0], steps[1]
    assert isinstance(order, Call)
    assert isinstance(wait, Await)
    assert host.provider.execute(order, sites.secrets).returned == {"ordered": 250}
    sites.settle()
    assert host.provider.poll(wait).done


def test_lost_orders_are_sent_again(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(filled(sites))
    sites.switch(drop_next_orders=3)
    assert applied(host, sites.flow("stock", **COPY)).outcome is RunOutcome.DONE
    assert sorted(orders(sites).values()) == [1, 1, 2, 2, 2]
    host.settled(sites.flow("stock", **COPY))


def test_orders_that_are_always_lost_end(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(filled(sites))
    sites.switch(drop_next_orders=1_000_000)
    flow = sites.flow("stock", **COPY)
    receipt = applied(host, flow)
    assert receipt.outcome is not RunOutcome.DONE
    assert "5 absent (o/0" in told(receipt)
    assert set(orders(sites).values()) == {ROUNDS}
    assert receipt.owed == ("stock",)
    sites.switch(drop_next_orders=0)
    assert applied(host, flow).outcome is RunOutcome.DONE
    host.settled(flow)


def test_dead_ends_are_reported_and_never_ordered_again(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(filled(sites))
    sites.switch(fail_next_pulls=2)
    flow = sites.flow("stock", **COPY)
    receipt = applied(host, flow)
    assert receipt.outcome is not RunOutcome.DONE
    assert "2 ERR_UPL" in told(receipt)
    assert "mended in that site's database" in told(receipt)
    for _ in range(3):
        plan = host.plan(flow)
        assert [change.reason for change in plan.active_changes] in ([Reason.COPY_OWED], [Reason.SETTINGS_DIFFER])
        host.apply(plan)
    assert set(orders(sites).values()) == {1}
    for name in ("o/0", "o/1"):
        sites.emulator.act("set-status", {"site": "site-b", "bucket": "stock", "object": name, "status": "DELETED"})
    assert applied(host, flow).outcome is RunOutcome.DONE
    host.settled(flow)


def test_an_upload_that_never_ends_is_reported(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(filled(sites))
    sites.switch(stall_next_pulls=1)
    receipt = applied(host, sites.flow("stock", **COPY))
    assert "1 in UPLOAD or DELETING" in told(receipt)
    assert set(orders(sites).values()) == {1}


def test_a_row_that_is_ready_too_early_is_not_believed(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(filled(sites, 2))
    sites.switch(pull_s=30.0)
    flow = sites.flow("stock", **COPY)
    assert applied(host, flow).outcome is RunOutcome.DONE
    assert [sites.content("site-b", "stock", f"o/{index}") for index in range(2)] == [b"content 0", b"content 1"]


def test_a_row_without_bytes_is_no_copy(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(filled(sites, 2))
    sites.switch(pull_s=1e9)  # the row says READY, and what shall follow never comes
    receipt = applied(host, sites.flow("stock", **COPY))
    assert "1 are READY at site-b, and its storage has no bytes of them: o/0" in told(receipt)


def test_what_differs_is_a_conflict(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(filled(sites))
    sites.write("stock", "o/new", b"theirs", site="site-b")
    sites.switch(paused_senders=["site-a"])
    sites.write("stock", "o/new", b"ours, longer")
    receipt = applied(host, sites.flow("stock", **COPY))
    assert "1 different (o/new)" in told(receipt)
    assert sites.content("site-b", "stock", "o/new") == b"theirs"
    plan = host.plan(sites.flow("stock", **COPY, clonecloudstore={"conflicts": "replace"}))
    assert effects(plan)["CCS-OVERWRITE"].blocks
    assert effects(plan)["CCS-OVERWRITE"].allowed_by is not None
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert sites.content("site-b", "stock", "o/new") == b"ours, longer"


def test_extras_go_with_prune_only(host: Host, sites: CloneCloudStoreHarness) -> None:
    flow = filled(sites, **COPY)
    host.converge(flow)
    sites.write("stock", "extra", site="site-b")
    applied(host, flow, resync=frozenset({"stock"}))
    assert sites.status("site-b", "stock", "extra") == "READY"
    pruning = sites.flow("stock", **COPY, clonecloudstore={"prune": True})
    plan = host.plan(pruning, resync=frozenset({"stock"}))
    assert effects(plan)["CCS-PRUNE"].blocks
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert sites.status("site-b", "stock", "extra") == "DELETED"
    assert orders(sites, "DELETE") == {"extra": 1}


@pytest.mark.parametrize("kept", [0, 2])
def test_what_a_list_leaves_out_and_the_source_has_is_no_extra(
    host: Host, sites: CloneCloudStoreHarness, kept: int
) -> None:
    """A list has no end that shows: one that was cut between two lines on its way reads like a shorter one."""
    pruning = sites.flow("stock", **COPY, clonecloudstore={"prune": True})
    host.converge(filled(sites, **COPY))
    sites.write("stock", "extra", site="site-b")
    sites.settle()

    def cut(reply: Reply) -> Reply:
        body = reply.body
        if reply.header("Content-Encoding") == "zstd":
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        lines = body.splitlines(keepends=True)
        ours = [one for one in lines if b'"site-a"' in one]
        return Reply(reply.status, (), b"".join(ours[:kept] if ours else lines))

    sites.wire.mangle("listObjects", cut)
    host.apply(host.plan(pruning, resync=frozenset({"stock"})))
    assert orders(sites, "DELETE") == {"extra": 1}
    assert all(sites.content("site-b", "stock", f"o/{index}") for index in range(5))
    sites.mend()


def test_a_bucket_in_error_is_refused(host: Host, sites: CloneCloudStoreHarness) -> None:
    flow = sites.flow("meant")
    sites.bucket("meant", site="site-b")
    sites.emulator.act("set-status", {"site": "site-b", "bucket": "meant", "status": "ERR_UPL"})
    assert [one.code for one in host.plan(flow).errors] == ["REPL-W604"]


def test_another_clients_bucket_is_refused(host: Host, sites: CloneCloudStoreHarness) -> None:
    sites.bucket("taken", site="site-b", client="client2")
    assert [one.code for one in host.plan(sites.flow("taken")).errors] == ["REPL-W603"]


def test_a_bucket_order_that_is_lost_fails_and_is_repeated(host: Host, sites: CloneCloudStoreHarness) -> None:
    flow = sites.flow("meant")
    sites.switch(drop_next_orders=1)
    receipt = applied(host, flow)
    assert receipt.outcome is not RunOutcome.DONE
    assert "meant is absent at site-b" in told(receipt)
    assert applied(host, flow).outcome is RunOutcome.DONE
    host.settled(flow)


# The cached list of sites ------------------------------------------------------------------------------------------


class TestCachedList:
    @pytest.fixture
    def way(self) -> Way:
        return Way(tls=False, cache_s=300)

    def test_copying_waits_until_the_list_is_read_anew(self, host: Host, sites: CloneCloudStoreHarness) -> None:
        flow = filled(sites, **COPY)
        plan = host.plan(flow)
        assert "CCS-CACHED-LIST" in effects(plan)
        kinds = [
            step.condition if isinstance(step, Await) else step.id.split("/")[1] for step in plan.containers[0].steps
        ]
        assert kinds.index("know-site-b-at-site-a") < kinds.index("list-known") < kinds.index("order-1-stock")
        assert host.apply(plan).outcome is RunOutcome.DONE

    def test_nothing_waits_where_nothing_is_copied(self, host: Host, sites: CloneCloudStoreHarness) -> None:
        plan = host.plan(sites.flow("meant"))
        waits = [step.condition for step in plan.containers[0].steps if isinstance(step, Await)]
        assert waits == ["buckets-ready"]


class TestBelievedList:
    @pytest.fixture
    def way(self) -> Way:
        return Way(tls=False, cache_s=300)

    def test_a_canary_outlasts_a_list_that_is_believed(self, host: Host, sites: CloneCloudStoreHarness) -> None:
        flow = sites.flow("meant", deletes="replicate")
        sites.write("meant", "before")  # and site-a has read that it knows nobody
        sites.settle()
        host.converge(flow)
        sites.write("meant", "too-early")
        proof = host.verify(flow)
        assert proof.outcome is Outcome.PROVED, proof
        assert proof.lag_s is not None
        assert proof.lag_s > 60
        assert sites.status("site-b", "meant", "too-early") is None


# Scopes ------------------------------------------------------------------------------------------------------------


def test_nothing_is_removed_for_a_scope_of_another_time(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(sites.flow("meant"))
    here = sites.connect(provider="there")
    try:
        scope = host.reader.scope(sites.flow("meant"))
        assert scope.provider == "here"
        assert here.scope(sites.flow("meant")) == scope
        assert here.observe(scope).containers == host.reader.observe(scope).containers
        assert here.observe(scope.model_copy(update={"provider": "there"})).containers == ()
        assert here.observe(scope.model_copy(update={"key": "pair/site-a/site-x"})).containers == ()
    finally:
        here.close()


# Crashes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [False, True], ids=["before-sending", "before-the-answer"])
@pytest.mark.parametrize("again", ["same-plan", "new-plan"])
def test_killed_at_each_call_every_object_arrives(
    host: Host, sites: CloneCloudStoreHarness, again: str, sent: bool
) -> None:
    flow = filled(sites, 3, **COPY)
    number = 0
    while True:
        plan = host.plan(flow)
        calls = sum(len(item.calls) for item in plan.containers)
        if number >= calls:
            break

        def deadly(provider: Provider, at: int = number) -> Provider:
            killing: Provider = Killing(provider, at, sent=sent)  # type: ignore[assignment]  # it stands for one
            return killing

        with pytest.raises(Killed):
            host.apply(plan, wrap=deadly)
        second = plan if again == "same-plan" else host.plan(flow)
        assert host.apply(second).outcome is RunOutcome.DONE
        assert [sites.status("site-b", "stock", f"o/{index}") for index in range(3)] == ["READY"] * 3
        assert host.count(flow) == 1
        host.settled(flow)
        host.forget()
        sites.strangers()
        number += 1
    assert number == 3 + ROUNDS + 1
    # Each time anew, and twice at most where the first answer was not seen.
    assert max(orders(sites).values()) <= number + 2


def test_a_copy_that_was_cut_off_is_owed(host: Host, sites: CloneCloudStoreHarness) -> None:
    flow = filled(sites, 3, **COPY)

    def deadly(provider: Provider) -> Provider:
        killing: Provider = Killing(provider, 3, sent=False)  # type: ignore[assignment]  # it stands for one
        return killing

    with pytest.raises(Killed):
        host.apply(host.plan(flow), wrap=deadly)
    (change,) = host.plan(flow).active_changes
    assert change.action in (Action.RESYNC, Action.ADOPT)
    host.converge(flow)
    assert sites.content("site-b", "stock", "o/2") == b"content 2"
    host.settled(flow)


# Import ------------------------------------------------------------------------------------------------------------


def test_import_tells_what_leaves_the_site_alone(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(sites.flow("pair"), sites.made("pair-back", "pair", "here", {}, here="there"))
    for name, site, other in (("here", "site-a", "there"), ("there", "site-b", "here")):
        provider = sites.connect(provider=name)
        found = [item for one in provider.discover() for item in provider.imported(one)]
        provider.close()
        assert [(item.source, item.destination) for item in found] == [
            ({"provider": name, "bucket": "pair"}, {"provider": other, "bucket": "pair"})
        ]
        assert found[0].suggested_name.startswith(f"pair-{site}-to-")
        assert found[0].spec == {"state": "active", "deletes": "replicate"}
