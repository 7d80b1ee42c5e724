"""What replication between sites does, seen to happen: effects, rights, pauses."""

from reconciler.model.finding import Severity
from reconciler.model.verification import Outcome
from reconciler.testing.host import Host
from tests.contract.clonecloudstore_host import COPY, effects, filled, host, orders, sites, way
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness

__all__ = ["host", "sites", "way"]


# What a site that is UP gets ---------------------------------------------------------------------------------------


def test_every_bucket_goes_to_a_site_that_is_up(host: Host, sites: CloneCloudStoreHarness) -> None:
    sites.bucket("beside")
    flow = sites.flow("meant")
    plan = host.plan(flow)
    effect = effects(plan)["CCS-ALL-BUCKETS"]
    assert effect.severity is Severity.WARNING
    assert "beside" in effect.text
    host.apply(plan)
    sites.client("site-a", "accessor", "client2").post("/cloudclonestore/surprise")
    sites.client("site-a", "accessor").post("/cloudclonestore/surprise-2")
    sites.settle()
    assert {"surprise", "surprise-2", "meant"} <= sites.state("site-b")["buckets"].keys()
    assert "beside" not in sites.state("site-b")["buckets"]


def test_nothing_comes_back_unless_that_is_written_down(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(sites.flow("meant"))
    sites.write("meant", "there", site="site-b")
    sites.client("site-b", "accessor").post("/cloudclonestore/new-there")
    sites.settle()
    assert sites.status("site-a", "meant", "there") is None
    assert "new-there" not in sites.state("site-a")["buckets"]


def test_what_comes_back_already_is_told(host: Host, sites: CloneCloudStoreHarness) -> None:
    sites.know("site-b", "site-a", "UP")
    flow = sites.flow("meant")
    plan = host.plan(flow)
    assert [finding.severity for finding in plan.findings if finding.code == "REPL-W607"] == [Severity.WARNING]
    host.apply(plan)
    sites.write("meant", "there", site="site-b")
    sites.settle()
    assert sites.status("site-a", "meant", "there") == "READY"
    assert [one.identity for one in host.plan(flow).unmanaged] == ["site-b->site-a/client1/meant"]


def test_both_directions_write_each_list_once(host: Host, sites: CloneCloudStoreHarness) -> None:
    forth = sites.flow("pair")
    back = sites.made("pair-back", "pair", "here", {}, here="there")
    host.converge(forth, back)
    assert [sites.topology(*pair)["status"] for pair in (("site-a", "site-b"), ("site-b", "site-a"))] == ["UP", "UP"]  # type: ignore[index]
    host.settled(forth, back)
    sites.write("pair", "from-a")
    sites.write("pair", "from-b", site="site-b")
    sites.settle()
    assert sites.content("site-b", "pair", "from-a") == sites.content("site-a", "pair", "from-b") == b"content"
    lists = [one for one in sites.wire.requests("ccs") if one.operation in ("addTopology", "updateTopology")]
    assert len(lists) == 2
    assert orders(sites) == {"from-a": 1, "from-b": 1}  # nothing goes round


def test_many_replications_share_one_write_of_each_list(host: Host, sites: CloneCloudStoreHarness) -> None:
    flows = [sites.flow(f"bucket-{number}") for number in range(4)]
    plan = host.plan(*flows)
    assert [call.operation for call in plan.containers[0].calls] == [
        "POST /administration/topologies",
        "POST /replicator/remote/orders/multiple",
        "POST /administration/topologies",
    ]
    # Before anything can be sent, the destination knows where to fetch it and has a bucket for it.
    assert [call.target for call in plan.containers[0].calls] == ["site-b", "site-b", "site-a"]
    host.apply(plan)
    host.settled(*flows)


def test_a_canary_is_proved_and_gone_at_both_sites(host: Host, sites: CloneCloudStoreHarness) -> None:
    flow = sites.flow("meant", deletes="replicate", verify={"within": "5m"})
    host.converge(flow)
    assert host.verify(flow).outcome is Outcome.PROVED
    rows = [sites.state(site)["buckets"]["meant"]["objects"] for site in ("site-a", "site-b")]
    assert [[row["status"] for row in one.values()] for one in rows] == [["DELETED"], ["DELETED"]]


# Deletions and rights ----------------------------------------------------------------------------------------------


def test_deletions_go_along_when_nothing_is_said(host: Host, sites: CloneCloudStoreHarness) -> None:
    plan = host.plan(filled(sites, existing="copy"))
    assert effects(plan)["CCS-DELETES"].severity is Severity.WARNING
    host.apply(plan)
    sites.delete("stock", "o/1")
    sites.settle()
    assert sites.status("site-b", "stock", "o/1") == "DELETED"


def test_deletions_are_kept_back_by_rights(host: Host, sites: CloneCloudStoreHarness) -> None:
    flow = filled(sites, existing="copy", deletes="keep", verify={"level": "status"})
    plan = host.plan(flow)
    assert "CCS-RIGHTS" in effects(plan)
    host.apply(plan)
    host.settled(flow)
    assert sites.right("site-b", "stock") == "READ_WRITE"
    sites.delete("stock", "o/1")
    sites.write("stock", "new")
    sites.settle()
    assert sites.content("site-b", "stock", "o/1") == b"content 1"
    assert sites.content("site-b", "stock", "new") == b"content"


def test_removing_stops_it_and_leaves_copies_readable(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(filled(sites, **COPY))
    plan = host.plan(prune=True)
    assert "CCS-UNPROTECTED" in effects(plan)
    assert effects(plan)["CCS-UNPROTECTED"].loses_protection
    assert [finding.code for finding in plan.findings if finding.code == "REPL-W611"]
    host.apply(plan)
    sites.emulator.act("expire-caches", {})  # rights are believed for ten minutes
    sites.write("stock", "late")
    sites.delete("stock", "o/1")
    sites.settle()
    assert sites.status("site-b", "stock", "late") is None
    assert sites.content("site-b", "stock", "o/1") == b"content 1"
    assert sites.client("site-b", "accessor").get("/cloudclonestore/stock/o/1").is_success


def test_losing_rights_blocks_where_somebody_writes_there(host: Host, sites: CloneCloudStoreHarness) -> None:
    forth, beside = sites.flow("pair"), sites.made("beside", "other", "here", {}, here="there")
    host.converge(forth, beside)  # what is written to the pair's bucket at site-b goes back, though nobody asked for it
    assert effects(host.plan(beside, prune=True))["CCS-RIGHTS"].blocks


def test_one_way_is_not_removed_at_the_price_of_the_other_way(host: Host, sites: CloneCloudStoreHarness) -> None:
    forth, back = sites.flow("pair"), sites.made("pair-back", "pair", "here", {}, here="there")
    host.converge(forth, back)
    plan = host.plan(back, prune=True)
    assert not plan.active_changes
    (finding,) = [one for one in plan.findings if one.code == "REPL-W005"]
    assert "the rights of client1 on pair at site-b, which pair-back needs" in finding.detail


# Pausing -----------------------------------------------------------------------------------------------------------


def test_what_is_written_while_paused_is_lost_unless_copied(host: Host, sites: CloneCloudStoreHarness) -> None:
    flow = filled(sites, **COPY)
    host.converge(flow)
    plan = host.plan(sites.flow("stock", **COPY, state="paused"))
    assert effects(plan)["CCS-PAUSE"].loses_protection
    host.apply(plan)
    sites.write("stock", "meanwhile")
    sites.delete("stock", "o/1")
    sites.settle()
    assert sites.status("site-b", "stock", "meanwhile") is None
    plan = host.plan(flow)
    assert {"CCS-CLONE", "CCS-NO-BACKFILL", "CCS-ALL-BUCKETS"} <= effects(plan).keys()
    host.apply(plan)
    assert sites.content("site-b", "stock", "meanwhile") == b"content"
    assert sites.status("site-b", "stock", "o/1") == "READY"  # deletions are not caught up


def test_resuming_without_copy_says_what_stays_behind(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(sites.flow("meant", state="paused"))
    plan = host.plan(sites.flow("meant"))
    assert "while it was paused" in effects(plan)["CCS-NO-BACKFILL"].text
    assert plan.summary.calls == 1


def test_pausing_names_what_stops_too(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(sites.flow("meant"), sites.flow("other"))
    assert "other" in effects(host.plan(sites.flow("meant", state="paused")))["CCS-PAUSE"].text


def test_one_pair_cannot_be_active_and_paused(host: Host, sites: CloneCloudStoreHarness) -> None:
    flows = [sites.flow("meant"), sites.flow("other", state="paused")]
    assert [one.code for one in host.reader.check_together(flows)] == ["REPL-C620"]
    assert [one.code for one in host.plan(*flows).errors] == ["REPL-W610"]
