"""Each effect on Alarik is real: provoked on the emulators and seen to happen, and told by `repl` before."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract.alarik_workspace import Workspace, alarik, work

__all__ = ["alarik", "work"]


def ids(entries: list[dict[str, Any]]) -> set[str]:
    return {str(entry["id"]).upper() for entry in entries}


def theirs(work: Workspace, prefix: str = "theirs/") -> tuple[str, str]:
    """A target and a rule that somebody else adds."""
    target, rule = str(uuid4()).upper(), str(uuid4()).upper()
    work.alarik.add(work.source, "targets", work.alarik.target(target, work.destination))
    work.alarik.add(work.source, "rules", work.alarik.rule(rule, target, prefix=prefix))
    return target, rule


def another(work: Workspace) -> None:
    """One more replication from the same bucket: a workspace without any is not applied."""
    work.replicate(
        "another", source={"provider": "here", "bucket": work.source, "prefix": "another/"}, existing="ignore"
    )


def without_target(work: Workspace, target: str) -> None:
    """Take one target off the list by hand, as whoever does not look at the rules."""
    work.alarik.put(work.source, "targets", [one for one in work.targets if one["id"].upper() != target])


# ALARIK-RULE-DISABLED ---------------------------------------------------------------------------------------------


def test_a_target_that_leaves_the_list_disables_its_rules_for_good(work: Workspace) -> None:
    work.put("early")
    work.replicate()
    work.apply()
    assert work.copies == {"early": 1}
    (target,) = work.targets
    without_target(work, target["id"])
    work.put("late")
    assert not work.rule["enabled"]
    refused = work.alarik.try_put(work.source, "rules", work.rules)
    assert (refused.status_code, "unknown replication target" in refused.text) == (400, True)
    real = work.alarik.target(target["id"], work.destination)
    work.alarik.put(work.source, "targets", [real])
    assert not work.rule["enabled"]
    assert work.copies == {"early": 1}


def test_a_disabled_rule_is_told_and_mended_in_a_list_that_the_server_takes(work: Workspace) -> None:
    work.put("early")
    work.replicate()
    work.apply()
    assert work.copies == {"early": 1}
    without_target(work, work.targets[0]["id"].upper())
    work.put("late")
    drifted = work.repl("drift")
    assert drifted.code == 2, drifted.text
    told = work.effects()
    assert "has left the list" in told["ALARIK-RULE-DISABLED"]["text"]
    assert told["ALARIK-RESYNC"]["recopies"]
    work.apply()
    assert work.rule["enabled"]
    assert work.copies == {"early": 2, "late": 1}
    work.settled()


def test_a_dead_rule_of_others_goes_and_is_named(work: Workspace) -> None:
    """The server takes no list that has it: neither ours, nor anybody's."""
    target, dead = theirs(work)
    _, alive = theirs(work, "alive/")
    without_target(work, target)
    assert work.alarik.try_put(work.source, "rules", work.rules).status_code == 400
    work.replicate()
    told = work.effects()["ALARIK-RULE-DISABLED"]
    assert (told["severity"], dead in told["text"], "somebody else" in told["text"]) == ("warning", True, True)
    work.apply()
    assert dead not in ids(work.rules)
    assert {one["id"].upper(): one["enabled"] for one in work.rules}[alive]
    assert len(work.rules) == 2
    work.settled()


def test_a_target_that_rules_of_others_use_stays_in_the_list(work: Workspace) -> None:
    elsewhere = f"{work.destination}-2"
    work.alarik.make_bucket(elsewhere, name="there")
    work.replicate(existing="ignore")
    work.apply()
    (target,) = work.targets
    borrowed = str(uuid4()).upper()
    work.alarik.add(work.source, "rules", work.alarik.rule(borrowed, target["id"], prefix="borrowed/"))
    work.replicate(existing="ignore", destination={"provider": "there", "bucket": elsewhere})
    told = work.effects()["ALARIK-RULE-DISABLED"]
    assert (told["severity"], borrowed in told["text"]) == ("info", True)
    work.apply()
    assert all(rule["enabled"] for rule in work.rules)
    work.put("borrowed/1", "other")
    assert work.copies == {"borrowed/1": 1}
    assert set(work.arrived(elsewhere)) == {"borrowed/1", "other"}


# ALARIK-QUEUE-PURGED ----------------------------------------------------------------------------------------------


def test_a_rule_under_a_new_id_throws_the_queue_away(work: Workspace) -> None:
    work.replicate(existing="ignore")
    work.apply()
    before = work.rule["id"]
    work.hold()
    work.put("a", "b")
    work.replicate(existing="ignore", alarik={"generation": 2})
    told = work.effects()["ALARIK-QUEUE-PURGED"]
    assert (told["blocks"], told["estimate"]["objects"]) == (True, 2)
    refused = work.refused(4)
    assert "--allow ALARIK-QUEUE-PURGED@one" in refused.text
    assert len(work.tasks) == 2
    work.apply("--allow", "ALARIK-QUEUE-PURGED@one")
    assert work.rule["id"] != before
    assert work.tasks == []
    work.release()
    work.put("c")
    assert work.copies == {"c": 1}
    work.settled()


def test_what_is_sent_again_behind_the_queue_is_not_lost(work: Workspace) -> None:
    work.replicate()
    work.apply()
    work.hold()
    work.put("a", "b")
    work.replicate(alarik={"generation": 2})
    told = work.effects()
    assert not told["ALARIK-QUEUE-PURGED"]["blocks"]
    assert "sent again" in told["ALARIK-QUEUE-PURGED"]["text"]
    assert told["ALARIK-RESYNC"]["recopies"]
    old = work.rule["id"]
    work.apply()
    assert not [task for task in work.tasks if task["ruleId"] == old]
    work.release()
    assert work.copies == {"a": 1, "b": 1}


def test_an_empty_queue_blocks_nothing(work: Workspace) -> None:
    work.replicate(existing="ignore")
    work.apply()
    work.put("a")
    assert work.copies == {"a": 1}
    work.replicate(existing="ignore", alarik={"generation": 2})
    assert not work.effects()["ALARIK-QUEUE-PURGED"]["blocks"]
    work.apply()
    work.settled()


def test_a_removed_rule_takes_its_queue_along(work: Workspace) -> None:
    _, foreign = theirs(work)
    work.replicate(existing="ignore")
    another(work)
    work.apply()
    work.hold()
    work.put("a", "theirs/1")
    work.forget()
    told = work.effects("--prune")["ALARIK-QUEUE-PURGED"]
    assert (told["blocks"], "is thrown away with it" in told["text"]) == (False, True)
    work.apply("--prune")
    assert [(task["ruleId"].upper(), task["key"]) for task in work.tasks] == [(foreign, "theirs/1")]
    work.release()
    assert work.copies == {"theirs/1": 1}


# ALARIK-RESYNC ----------------------------------------------------------------------------------------------------


def test_a_resync_makes_a_new_version_of_everything(work: Workspace) -> None:
    work.put("a", "b")
    work.replicate()
    first = work.effects()["ALARIK-RESYNC"]
    assert (first["recopies"], f"everything in {work.source}" in first["text"]) == (False, True)
    work.apply()
    assert work.copies == {"a": 1, "b": 1}
    work.apply()
    assert work.copies == {"a": 1, "b": 1}
    for versions in (2, 3):
        ended = work.repl("resync", "one", "--yes", "--no-verify")
        assert ended.code == 0, ended.text
        assert "ALARIK-RESYNC" in ended.text
        assert work.copies == {"a": versions, "b": versions}
    work.settled()


def test_only_what_is_below_the_prefix_is_sent_again(work: Workspace) -> None:
    work.put("in/a", "out/b")
    work.replicate(source={"provider": "here", "bucket": work.source, "prefix": "in/"})
    work.apply()
    assert work.repl("resync", "one", "--yes", "--no-verify").code == 0
    assert work.copies == {"in/a": 2}


def test_a_resync_can_be_forbidden(work: Workspace) -> None:
    """How much there is the server does not say, so that any limit refuses it."""
    work.put("a")
    work.replicate()
    work.settings(guards={"maxRecopy": "10TiB"})
    work.apply()
    assert work.copies == {"a": 1}
    work.alarik.mark()
    refused = work.repl("resync", "one", "--yes", "--no-verify")
    assert (refused.code, "maxRecopy" in refused.text) == (4, True)
    assert [one for one in work.alarik.requests() if one.write] == []
    work.replicate(alarik={"generation": 2})
    assert "maxRecopy" in work.refused(4).text
    assert work.copies == {"a": 1}


@pytest.mark.parametrize(("spec", "code"), [({"state": "paused"}, "REPL-W416"), ({"existing": "ignore"}, "REPL-W415")])
def test_a_resync_that_the_server_would_refuse_is_not_asked_for(
    work: Workspace, spec: dict[str, str], code: str
) -> None:
    work.put("a")
    work.replicate(**spec)
    work.apply()
    url = f"/api/v1/buckets/{work.source}/replication/rules/{work.rule['id']}/resync"
    assert work.alarik.apis["here"].post(url).status_code == 400
    work.alarik.mark()
    refused = work.repl("resync", "one", "--yes", "--no-verify")
    assert (refused.code, code in refused.text) == (1, True), refused.text
    assert [one for one in work.alarik.requests() if one.write] == []


# ALARIK-DEST-CHANGE -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("existing", "moved"), [("ignore", {"new": 1}), ("copy", {"new": 1, "old": 1, "waiting": 1})])
def test_what_waits_goes_to_the_old_place(work: Workspace, existing: str, moved: dict[str, int]) -> None:
    elsewhere = f"{work.destination}-2"
    work.alarik.make_bucket(elsewhere, name="there")
    work.replicate(existing=existing)
    work.apply()
    work.put("old")
    assert work.copies == {"old": 1}
    work.hold()
    work.put("waiting")
    work.replicate(existing=existing, destination={"provider": "there", "bucket": elsewhere})
    told = work.effects()
    assert "still goes to the old one (1 waits in this bucket now)" in told["ALARIK-DEST-CHANGE"]["text"]
    assert ("ALARIK-RESYNC" in told) == (existing == "copy")
    work.apply()
    work.release()
    work.put("new")
    assert work.copies == {"old": 1, "waiting": 1}
    assert work.arrived(elsewhere) == moved
    work.settled()


# ALARIK-NO-RETRO --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("existing", "severity"), [(None, "warning"), ("ignore", "info")])
def test_what_was_there_before_a_rule_stays_where_it_is(work: Workspace, existing: str | None, severity: str) -> None:
    work.put("before")
    work.replicate(existing=existing)
    told = work.effects()["ALARIK-NO-RETRO"]
    assert (told["severity"], told["blocks"]) == (severity, False)
    work.apply()
    work.put("after")
    assert work.copies == {"after": 1}


def test_a_wider_prefix_is_for_what_comes_only(work: Workspace) -> None:
    work.replicate(source={"provider": "here", "bucket": work.source, "prefix": "in/"}, existing="ignore")
    work.apply()
    work.put("in/a", "out/b")
    assert work.copies == {"in/a": 1}
    work.replicate(existing="ignore")
    assert "ALARIK-NO-RETRO" in work.effects()
    work.apply()
    work.put("out/c")
    assert work.copies == {"in/a": 1, "out/c": 1}


# ALARIK-UNPROTECTED -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("existing", "gap"), [("ignore", "ALARIK-NO-RETRO"), ("copy", "ALARIK-RESYNC")])
def test_a_pause_is_not_made_up_for_by_itself(work: Workspace, existing: str, gap: str) -> None:
    work.replicate(existing=existing)
    work.apply()
    work.hold()
    work.put("queued")
    work.replicate(existing=existing, state="paused")
    told = work.effects()["ALARIK-UNPROTECTED"]
    assert (told["loses_protection"], "paused" in told["text"]) == (True, True)
    work.apply()
    work.put("missed")
    work.release()
    assert work.copies == {"queued": 1}
    work.replicate(existing=existing)
    assert gap in work.effects()
    work.apply()
    assert work.copies == ({"queued": 1} if existing == "ignore" else {"queued": 2, "missed": 1})


def test_a_removed_rule_leaves_copies_and_makes_no_more(work: Workspace) -> None:
    work.replicate()
    another(work)
    work.apply()
    work.put("a")
    assert work.copies == {"a": 1}
    work.forget()
    told = work.effects("--prune")["ALARIK-UNPROTECTED"]
    assert (told["loses_protection"], "removed" in told["text"]) == (True, True)
    work.apply("--prune")
    work.put("b", "another/c")
    assert work.rule["prefix"] == "another/"
    assert work.copies == {"a": 1, "another/c": 1}


@pytest.mark.parametrize("how", ["pause", "removal"])
def test_losing_protection_can_be_forbidden(work: Workspace, how: str) -> None:
    work.replicate()
    work.apply()
    work.settings(guards={"maxLost": 0})
    another(work)
    if how == "pause":
        work.replicate(state="paused")
    else:
        work.forget()
    refused = work.refused(4, *(["--prune"] if how == "removal" else []))
    assert "maxLost" in refused.text
    assert work.rule["enabled"]


def test_a_protected_rule_is_not_removed(work: Workspace) -> None:
    work.replicate(protect=True)
    work.apply()
    work.forget()
    another(work)
    work.refused(4, "--prune")
    work.put("a")
    assert work.copies == {"a": 1}
