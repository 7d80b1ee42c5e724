"""A replication between sites that gets another bucket: the old way ends, the new one begins, others stay."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.model.change import Action
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.providers.base import Provider
from reconciler.testing.host import Host, Killed, Killing
from tests.contract.clonecloudstore_host import COPY, effects, sites_of
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way

WRITES = 7
"""Rights are taken, those that stay are given, the bucket is ordered, its objects in three rounds, and compared."""


@pytest.fixture
def sites(tmp_path: Path, certificate: Certificate) -> Iterator[CloneCloudStoreHarness]:
    with sites_of(tmp_path, certificate, Way(tls=False)) as harness:
        yield harness


@pytest.fixture
def host(sites: CloneCloudStoreHarness, tmp_path: Path) -> Iterator[Host]:
    host = Host(sites, tmp_path / "state")
    yield host
    host.close()


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


def test_the_way_back_stays(host: Host, sites: CloneCloudStoreHarness) -> None:
    filled(sites, "one", "two")
    sites.bucket("one", site="site-b")
    back = sites.described("back", {
        "source": {"provider": "there", "bucket": "one"}, "destination": {"provider": "here", "bucket": "one"},
        "verify": {"level": "status"}, **COPY,
    })  # fmt: skip
    host.converge(of_bucket(sites, "one"), back)
    flow = of_bucket(sites, "two")
    plan = host.plan(flow, back)
    replaced(plan)
    assert effects(plan)["CCS-RIGHTS"].blocks
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert (sites.right("site-a", "one"), sites.right("site-b", "one")) == ("OWNER", "READ")
    assert receipt_ways(host) == {"back": "site-b->site-a/client1/one", "moved": "site-a->site-b/client1/two"}
    host.settled(flow, back, prune=True)


def test_turned_round_it_goes_the_other_way_only(host: Host, sites: CloneCloudStoreHarness) -> None:
    filled(sites, "one")
    sites.bucket("one", site="site-b")
    host.converge(of_bucket(sites, "one"))
    flow = sites.described("moved", {
        "source": {"provider": "there", "bucket": "one"}, "destination": {"provider": "here", "bucket": "one"},
        "verify": {"level": "status"}, **COPY,
    })  # fmt: skip
    plan = host.plan(flow)
    (change,) = plan.active_changes
    assert change.action is Action.REPLACE
    assert [one.dotted for one in change.fields if one.forces_replace] == ["clonecloudstore.from", "clonecloudstore.to"]
    assert "may only read one at site-b" in effects(plan)["CCS-UNPROTECTED"].text
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert (sites.right("site-a", "one"), sites.right("site-b", "one")) == ("OWNER", "READ")
    assert receipt_ways(host) == {"moved": "site-b->site-a/client1/one"}
    host.settled(flow, prune=True)


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
