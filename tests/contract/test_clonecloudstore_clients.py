"""Two clients of the same sites in one workspace: each has buckets and rights of its own, and one list serves both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.model.change import Action
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.testing.host import Host
from tests.contract.clonecloudstore_host import COPY, host, sites_of
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way
from tests.lab.clonecloudstore import BYTES

__all__ = ["host"]

OTHER = "client2"


@pytest.fixture
def sites(tmp_path: Path, certificate: Certificate) -> Iterator[CloneCloudStoreHarness]:
    with sites_of(tmp_path, certificate, Way(tls=False)) as harness:
        for name in ("here", "there"):
            config = harness.docs[name].spec.config.model_dump(mode="json", by_alias=True, exclude_none=True)
            harness.document(f"{name}-2", config | {"clientId": OTHER})
        yield harness


def theirs(sites: CloneCloudStoreHarness, name: str, bucket: str, **spec: Any) -> Flow:
    """A flow of the other client, whose bucket has had an object for long."""
    if bucket not in sites.state("site-a")["buckets"]:
        sites.bucket(bucket, client=OTHER)
        path = f"/cloudclonestore/{bucket}/early"
        sent = sites.client("site-a", "accessor", OTHER).post(path, content=b"theirs", headers=BYTES)
        assert sent.status_code == 201
        sites.settle()
    return sites.described(name, {
        "source": {"provider": "here-2", "bucket": bucket}, "destination": {"provider": "there-2", "bucket": bucket},
        "verify": {"level": "status"}, **COPY, **spec,
    })  # fmt: skip


def rights(sites: CloneCloudStoreHarness) -> set[tuple[str, str, str]]:
    return {(one["client"], one["bucket"], one["ownership"]) for one in sites.state("site-b")["ownerships"]}


def test_each_client_has_its_own_rights_and_copies(host: Host, sites: CloneCloudStoreHarness) -> None:
    ours = sites.made("ours", "our-bucket", "there", {"verify": {"level": "status"}, **COPY})
    sites.write("our-bucket", "early", b"ours")
    other = theirs(sites, "theirs", "their-bucket")
    sites.settle()
    host.converge(ours, other)
    assert rights(sites) == {("client1", "our-bucket", "OWNER"), (OTHER, "their-bucket", "OWNER")}
    assert sites.content("site-b", "our-bucket", "early") == b"ours"
    assert sites.content("site-b", "their-bucket", "early") == b"theirs"
    host.settled(ours, other)
    kept = theirs(sites, "theirs", "their-bucket", deletes="keep")
    host.converge(ours, kept)
    assert rights(sites) == {("client1", "our-bucket", "OWNER"), (OTHER, "their-bucket", "READ_WRITE")}
    host.converge(kept, prune=True)
    assert rights(sites) == {("client1", "our-bucket", "READ"), (OTHER, "their-bucket", "READ_WRITE")}
    host.settled(kept, prune=True)


def test_a_replication_that_gets_another_client_ends_the_old_one(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(sites.made("moved", "our-bucket", "there", {"verify": {"level": "status"}, **COPY}))
    flow = theirs(sites, "moved", "their-bucket")
    plan = host.plan(flow)
    (change,) = plan.active_changes
    assert change.action is Action.REPLACE
    assert "clonecloudstore.client" in [one.dotted for one in change.fields if one.forces_replace]
    assert host.apply(plan).outcome is RunOutcome.DONE
    assert rights(sites) == {("client1", "our-bucket", "READ"), (OTHER, "their-bucket", "OWNER")}
    assert sites.content("site-b", "their-bucket", "early") == b"theirs"
    host.settled(flow, prune=True)
