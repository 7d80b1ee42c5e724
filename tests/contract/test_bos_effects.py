"""Each effect on BOS is real: provoked on the emulator and seen to happen, and told by `repl` before."""

import pytest

from tests.contract.bos_workspace import Workspace, bos, work

__all__ = ["bos", "work"]


def body(work: Workspace, **changes: object) -> dict[str, object]:
    """A rule as anybody may write it."""
    return {
        "id": "by-hand",
        "status": "enabled",
        "resource": [f"{work.source}/*"],
        "destination": {"bucket": work.destination},
        "replicateHistory": {},
        "replicateDeletes": "disabled",
    } | changes


# BOS-RESTART ------------------------------------------------------------------------------------------------------


def test_a_write_of_an_enabled_rule_copies_everything_again(work: Workspace) -> None:
    work.put("a", "b", "c")
    work.replicate()
    assert "BOS-RESTART" not in work.effects()
    work.apply()
    assert work.rule["copied"]["existing"] == 3
    work.apply()
    assert (work.rule["runs"], work.rule["copied"]["existing"]) == (1, 3)
    work.replicate(deletes="replicate")
    told = work.effects()["BOS-RESTART"]
    assert told["recopies"]
    assert f"everything in {work.source}/*" in told["text"]
    refused = work.repl("apply", "--yes", "--no-verify")
    assert refused.code == 4, refused.text
    assert "--allow BOS-RESTART@one" in refused.text
    assert work.rule["restarts"] == 0
    work.apply("--allow", "BOS-RESTART@one")
    assert (work.rule["restarts"], work.rule["copied"]["existing"]) == (1, 6)
    work.settled()


def test_a_restart_can_be_forbidden(work: Workspace) -> None:
    """How much would be copied again BOS does not say, so that any limit refuses it."""
    work.put("a")
    work.replicate()
    work.apply()
    work.settings(guards={"maxRecopy": "10TiB"})
    work.replicate(storageClass="COLD")
    before = work.rule_writes()
    refused = work.repl("apply", "--yes", "--no-verify", "--allow", "BOS-RESTART")
    assert refused.code == 4, refused.text
    assert "maxRecopy" in refused.text
    assert (work.rule_writes(), work.rule["restarts"]) == (before, 0)


def test_without_a_difference_nothing_is_restarted(work: Workspace) -> None:
    """Though the service would do it at once: a write that changes nothing is no harmless write."""
    work.put("a")
    work.bos.put_rule(work.source, body(work))
    work.bos.settle()
    work.bos.put_rule(work.source, body(work))
    assert (work.rule["restarts"], work.rule["copied"]["existing"]) == (1, 2)
    work.replicate(bos={"id": "by-hand"})
    work.apply()
    work.apply()
    assert work.rule["restarts"] == 1


def test_a_resumed_rule_starts_from_nothing(work: Workspace) -> None:
    work.put("a", "b")
    work.replicate(state="paused")
    work.apply()
    assert work.copies == set()
    work.replicate()
    assert "was disabled and is enabled" in work.effects()["BOS-RESTART"]["text"]
    work.apply()
    assert work.copies == {"a", "b"}


def test_resync_copies_everything_again(work: Workspace) -> None:
    work.put("a", "b")
    work.replicate()
    work.apply()
    ended = work.repl("resync", "one", "--yes", "--no-verify")
    assert ended.code == 0, ended.text
    assert "BOS-RESTART" in ended.text
    assert (work.rule["restarts"], work.rule["copied"]["existing"]) == (1, 4)
    work.settled()


@pytest.mark.parametrize(("spec", "code"), [({"state": "paused"}, "REPL-W311"), ({"existing": "ignore"}, "REPL-W312")])
def test_resync_of_what_sends_nothing_is_refused(work: Workspace, spec: dict[str, str], code: str) -> None:
    work.put("a")
    work.replicate(**spec)
    work.apply()
    before = work.rule_writes()
    ended = work.repl("resync", "one", "--yes", "--no-verify")
    assert ended.code == 1, ended.text
    assert code in ended.text
    assert work.rule_writes() == before


# BOS-NO-DISABLE ---------------------------------------------------------------------------------------------------


def test_an_enabled_rule_cannot_be_disabled(work: Workspace) -> None:
    work.bos.put_rule(work.source, body(work))
    refused = work.bos.try_rule(work.source, body(work, status="disabled"))
    assert refused.status_code == 400
    assert work.rule["status"] == "enabled"


def test_a_pause_is_refused_with_the_way_out(work: Workspace) -> None:
    work.put("a")
    work.replicate()
    work.apply()
    work.replicate(state="paused")
    before = work.rule_writes()
    for command in (("plan",), ("apply", "--yes", "--no-verify")):
        refused = work.repl(*command)
        assert refused.code == 4, refused.text
        assert "--allow BOS-NO-DISABLE@one" in refused.text
        assert "--prune" in refused.text
    assert (work.rule_writes(), work.rule["status"]) == (before, "enabled")


def test_with_approval_a_pause_deletes_and_creates_disabled(work: Workspace) -> None:
    work.put("a")
    work.replicate(storageClass="COLD")
    work.apply()
    before = work.rule_writes()
    work.replicate(storageClass="COLD", state="paused")
    work.apply("--allow", "BOS-NO-DISABLE@one")
    work.put("later")
    assert work.rule_writes() - before == 2
    assert (work.rule["status"], work.rule["runs"]) == ("disabled", 0)
    assert work.copies == {"a"}
    work.settled()


def test_the_other_way_out_deletes_the_rule(work: Workspace) -> None:
    work.replicate()
    work.apply()
    work.forget()
    work.replicate("other", source={"provider": "bj", "bucket": work.source, "prefix": "other/"})
    work.apply("--prune")
    assert len(work.rules) == 1
    work.settled()


def test_a_protected_rule_is_not_deleted_to_be_paused(work: Workspace) -> None:
    work.replicate(protect=True)
    work.apply()
    work.replicate(protect=True, state="paused")
    refused = work.repl("apply", "--yes", "--no-verify", "--allow", "BOS-NO-DISABLE")
    assert refused.code in (1, 4), refused.text
    assert work.rule["status"] == "enabled"


# BOS-VERSIONED-SOURCE ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["refuse", "ignore"])
def test_a_versioned_bucket_is_not_replicated(work: Workspace, service: str) -> None:
    """The service refuses the rule, or takes it and copies nothing: the documents say neither."""
    work.bos.switch(versioned_source=service)
    work.put("a")
    work.bos.emulator.act("versioning", {"bucket": work.source, "status": "Enabled"})
    answer = work.bos.try_rule(work.source, body(work))
    assert answer.status_code == (400 if service == "refuse" else 200)
    assert work.copies == set()
    before = work.rule_writes()
    work.replicate(bos={"id": "by-hand"}, deletes="replicate")
    told = work.repl("plan")
    assert told.code == 1
    assert "REPL-W304" in told.text
    assert "BOS-VERSIONED-SOURCE" in work.effects()
    assert work.repl("apply", "--yes", "--no-verify", "--allow", "BOS-VERSIONED-SOURCE").code == 1
    assert work.rule_writes() == before


def test_versioning_that_comes_later_ends_the_copying_and_drift_says_so(work: Workspace) -> None:
    work.put("a")
    work.replicate()
    work.apply()
    work.bos.emulator.act("versioning", {"bucket": work.source, "status": "Enabled"})
    work.put("later")
    assert work.copies == {"a"}
    told = work.repl("drift")
    assert "REPL-W304" in told.text


# BOS-ARCHIVE ------------------------------------------------------------------------------------------------------


def test_archived_objects_are_passed_over(work: Workspace) -> None:
    work.put("old", storage_class="ARCHIVE")
    work.put("new")
    work.replicate()
    told = work.effects()["BOS-ARCHIVE"]
    assert told["severity"] == "warning"
    assert "1 at least" in told["text"]
    work.apply()
    assert work.copies == {"new"}
    assert work.rule["copied"]["skipped_archive"] == 1
    assert work.rule["progress"]["historyReplicationPercent"] == 100  # as if all were there
    work.settled()


def test_where_none_is_seen_archives_are_a_note(work: Workspace) -> None:
    work.put("new")
    work.replicate()
    assert work.effects()["BOS-ARCHIVE"]["severity"] == "info"
