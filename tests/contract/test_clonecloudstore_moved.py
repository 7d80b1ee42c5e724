"""A replication between sites that gets another bucket: the old way ends, the new one begins, others stay."""

from itertools import pairwise
from typing import Any

import pytest

from reconciler.model.change import Action
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.providers.base import Provider
from reconciler.testing.host import Host, Killed, Killing
from tests.contract.clonecloudstore_host import COPY, effects, host, sites, way
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness

__all__ = ["host", "sites", "way"]

WRITES = 7
"""Rights are taken, those that stay are given, the bucket is ordered, its objects in three rounds, and compared."""


def filled(sites: CloneCloudStoreHarness, *buckets: str) -> None:
    """Make buckets with one object each, before anybody replicates them."""
    for bucket in buckets:
        sites.bucket(bucket)
        sites.write(bucket, "early", bucket.encode())
    sites.settle()


def of_bucket(sites: CloneCloudStoreHarness, bucket: str) -> Flow:
    return sites.made("moved", bucket, "there", {"verify": {"level": "status"}, **COPY})


def replaced(plan: Plan) -> None:
    (change,) = plan.active_changes
    assert (change.replication, change.action) == ("moved", Action.REPLACE)
    assert [one.dotted for one in change.fields if one.forces_replace] == ["destination.bucket", "source.bucket"]


def receipt_ways(host: Host) -> dict[str, str]:
    receipt = host.state.receipt()
    assert receipt is not None
    return {name: entry.relationship.identity for name, entry in receipt.replications.items()}


def test_another_bucket_replaces_the_old_way_and_is_copied(host: Host, sites: CloneCloudStoreHarness) -> None:
    filled(sites, "one", "two")
    one = of_bucket(sites, "one")
    identity = sites.foreign(one)
    host.converge(one)
    theirs = sites.raw(one, identity)
    for old, new in (("one", "two"), ("two", "one")):
        flow = of_bucket(sites, new)
        plan = host.plan(flow)
        replaced(plan)
        assert f"may only read {old} at site-b" in effects(plan)["CCS-UNPROTECTED"].text
        assert host.apply(plan).outcome is RunOutcome.DONE
        assert (sites.right("site-b", old), sites.right("site-b", new)) == ("READ", "OWNER")
        assert sites.content("site-b", new, "early") == new.encode()
        assert receipt_ways(host) == {"moved": f"site-a->site-b/client1/{new}"}
        assert sites.raw(one, identity) == theirs
        host.settled(flow)
        host.settled(flow, prune=True)


def test_rights_that_another_source_needs_stay(host: Host, sites: CloneCloudStoreHarness) -> None:
    filled(sites, "one", "two")
    other = sites.made("other", "one", "yonder", {}, here="there")
    host.converge(sites.made("moved", "one", "yonder", {}), other)
    flow = sites.made("moved", "two", "yonder", {})
    plan = host.plan(flow, other, prune=True)
    assert {change.replication: change.action for change in plan.active_changes} == {"moved": Action.CREATE}
    (finding,) = [one for one in plan.findings if one.code == "REPL-W005"]
    assert "site-a->site-c/client1/one" in finding.detail
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert (sites.right("site-c", "one"), sites.right("site-c", "two")) == ("OWNER", "OWNER")
    host.settled(flow, other, prune=True)
    host.converge(flow, prune=True)
    assert sites.right("site-c", "one") == "READ"
    host.settled(flow, prune=True)


def turned(sites: CloneCloudStoreHarness, name: str = "moved", bucket: str = "one") -> Flow:
    """A flow from site-b to site-a."""
    return sites.made(name, bucket, "here", {"verify": {"level": "status"}, **COPY}, here="there")


def goes_on(plan: Plan) -> str:
    (finding,) = [one for one in plan.findings if one.code == "REPL-W005"]
    return finding.detail


def test_the_way_back_and_the_rights_of_those_who_write_there_stay(host: Host, sites: CloneCloudStoreHarness) -> None:
    filled(sites, "one", "two")
    back = turned(sites, "back")
    host.converge(of_bucket(sites, "one"), back)
    flow = of_bucket(sites, "two")
    plan = host.plan(flow, back)
    assert {change.replication: change.action for change in plan.active_changes} == {"moved": Action.CREATE}
    assert "the rights of client1 on one at site-b, which back needs" in goes_on(plan)
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert (sites.right("site-a", "one"), sites.right("site-b", "one")) == ("OWNER", "OWNER")
    host.settled(flow, back, prune=True)
    assert "site-a->site-b/client1/one" in goes_on(host.plan(flow, back, prune=True))
    host.converge(flow, prune=True)
    assert (sites.right("site-a", "one"), sites.right("site-b", "one")) == ("READ", "READ")
    host.settled(flow, prune=True)


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("name", ["moved", "another"])
@pytest.mark.parametrize("live", [False, True], ids=["new", "live already"])
def test_turned_round_clients_may_write_at_what_is_the_source_now(
    host: Host, sites: CloneCloudStoreHarness, live: bool, name: str, pruned: bool
) -> None:
    filled(sites, "one", "two")
    beside = turned(sites, "beside", "two")
    host.converge(of_bucket(sites, "one"), *([beside] if live else []))
    flow = turned(sites, name)
    plan = host.plan(flow, *([beside] if live else []), prune=pruned)
    if pruned or name == "moved":
        assert "the rights of client1 on one at site-b" in goes_on(plan)
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert (sites.right("site-a", "one"), sites.right("site-b", "one")) == ("OWNER", "OWNER")
    sites.write("one", "later", b"later", site="site-b")
    sites.settle()
    assert sites.content("site-a", "one", "later") == b"later"
    host.settled(flow, *([beside] if live else []), prune=True)


def test_where_the_new_way_is_live_already_the_old_one_ends(host: Host, sites: CloneCloudStoreHarness) -> None:
    """Rights on both buckets are enough for that: nobody needs to have replicated it."""
    filled(sites, "one", "two")
    sites.bucket("two", site="site-b")
    host.converge(of_bucket(sites, "one"))
    flow = of_bucket(sites, "two")
    plan = host.plan(flow)
    replaced(plan)
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert (sites.right("site-b", "one"), sites.right("site-b", "two")) == ("READ", "OWNER")
    assert sites.content("site-b", "two", "early") == b"two"
    assert receipt_ways(host) == {"moved": "site-a->site-b/client1/two"}
    host.settled(flow, prune=True)


@pytest.mark.parametrize("existing", ["copy", None])
def test_moved_while_paused_it_begins_anew(host: Host, sites: CloneCloudStoreHarness, existing: str | None) -> None:
    filled(sites, "one", "two", "three")
    made: dict[str, Any] = {"existing": existing, "verify": {"level": "status"}}
    host.converge(sites.made("moved", "one", "there", made | {"state": "paused"}))
    flow = sites.made("moved", "two", "there", made | {"state": "paused"})
    plan = host.plan(flow)
    assert "CCS-PAUSE" not in effects(plan)
    assert host.apply(plan).outcome is RunOutcome.DONE
    flow = sites.made("moved", "three", "there", made)
    plan = host.plan(flow)
    told = effects(plan).get("CCS-NO-BACKFILL")
    assert (told.text if told else None) == (None if existing else "what is there already in three is not sent")
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert [sites.right("site-b", one) for one in ("one", "two", "three")] == ["READ", "READ", "OWNER"]
    assert sites.content("site-b", "three", "early") == (b"three" if existing else None)
    host.settled(flow, prune=True)


def test_onto_a_bucket_that_another_source_fills_the_old_way_ends(host: Host, sites: CloneCloudStoreHarness) -> None:
    filled(sites, "one", "two")
    other = sites.made("other", "two", "yonder", {}, here="there")
    host.converge(sites.made("moved", "one", "yonder", {}), other)
    flow = sites.made("moved", "two", "yonder", {})
    host.converge(flow, other)
    assert (sites.right("site-c", "one"), sites.right("site-c", "two")) == ("READ", "OWNER")
    host.settled(flow, other, prune=True)


@pytest.mark.parametrize(
    ("was", "shall", "ended"),
    [
        (["one", "two"], ["two", "one"], []),
        (["one", "two"], ["two", "three"], ["one"]),
        (["one", "two"], ["three", "one"], ["two"]),
        (["one"], ["two", "one"], []),
        (["one", "two", "three"], ["two", "three", "one"], []),
    ],
)
@pytest.mark.parametrize("prune", [False, True])
def test_names_that_change_buckets_in_one_plan(
    host: Host, sites: CloneCloudStoreHarness, was: list[str], shall: list[str], ended: list[str], *, prune: bool
) -> None:
    """What nobody names any more ends, all else goes on, and the next plan is empty, as is one that prunes."""
    filled(sites, *dict.fromkeys([*was, *shall]))

    def named(buckets: list[str]) -> list[Flow]:
        return [sites.made(f"r{index}", one, "there", COPY) for index, one in enumerate(buckets)]

    host.converge(*named(was))
    flows = named(shall)
    host.converge(*flows, prune=prune)
    assert {one: sites.right("site-b", one) for one in {*was, *shall}} == {
        one: "READ" if one in ended else "OWNER" for one in {*was, *shall}
    }
    assert all(sites.content("site-b", one, "early") == one.encode() for one in shall)
    host.settled(*flows)
    host.settled(*flows, prune=True)


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
def test_killed_at_every_write_it_ends_as_meant(host: Host, sites: CloneCloudStoreHarness, sent: bool) -> None:
    """Nothing is pruned for that: without what the plan says, nobody would end the old way."""
    buckets = [f"bucket{number}" for number in range(9)]
    filled(sites, *buckets)
    host.converge(of_bucket(sites, buckets[0]))
    for number, (old, new) in enumerate(pairwise(buckets)):
        flow = of_bucket(sites, new)
        plan = host.plan(flow)
        replaced(plan)

        def killing(provider: Provider, at: int = number) -> Provider:
            return Killing(provider, at, sent=sent)  # type: ignore[return-value]  # it stands for one

        try:
            host.apply(plan, wrap=killing)
        except Killed:
            host.converge(flow)
        else:
            break
        assert sites.right("site-b", old) in (None, "READ")
        assert sites.content("site-b", new, "early") == new.encode()
        assert receipt_ways(host) == {"moved": f"site-a->site-b/client1/{new}"}
        host.settled(flow)
    assert number == WRITES


def test_all_that_one_name_has_left_behind_stays_known(host: Host, sites: CloneCloudStoreHarness) -> None:
    """Both ways have gone on for the sake of what took their place; what needs them no more is ended by pruning."""
    filled(sites, "one", "two")
    for bucket in ("one", "two"):
        host.converge(of_bucket(sites, bucket))
        host.converge(turned(sites, bucket=bucket))
    left = {f"site-a->site-b/client1/{bucket}" for bucket in ("one", "two")}
    assert left < set(receipt_ways(host).values())
    flow = turned(sites, bucket="two")
    host.settled(flow)
    plan = host.plan(flow, prune=True)
    assert [change.title for change in plan.active_changes if change.action is Action.DELETE]
    assert "site-a->site-b/client1/two" in goes_on(plan)
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert (sites.right("site-b", "one"), sites.right("site-b", "two")) == ("READ", "OWNER")
    assert set(receipt_ways(host).values()) == {"site-a->site-b/client1/two", "site-b->site-a/client1/two"}
    host.settled(flow, prune=True)


@pytest.mark.parametrize("names", [["new", "moved"], ["other", "moved"]], ids=["a new name", "swapped"])
def test_what_was_sent_is_known_under_another_name(host: Host, sites: CloneCloudStoreHarness, names: list[str]) -> None:
    """No site shows whether anything was copied; the receipt does, whatever it was called."""
    filled(sites, "one", "two")

    def named(*found: str) -> list[Flow]:
        return [
            sites.made(name, bucket, "there", COPY | {"existing": existing})
            for name, bucket, existing in zip(found, ("one", "two"), ("copy", "ignore"), strict=True)
        ]

    host.converge(*named("moved", "other"))
    plan = host.plan(*named(*names))
    assert not plan.active_changes
    assert "REPL-W003" not in {finding.code for finding in plan.findings}
