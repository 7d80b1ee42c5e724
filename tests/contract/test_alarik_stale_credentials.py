"""ALARIK-STALE-CREDENTIALS is real: what waits while a key is rotated fails, is told before and after, and is cured."""

from tests.contract.alarik_workspace import Workspace, alarik, soon, work

__all__ = ["alarik", "work"]

_ATTEMPTS = 8


def rotated_too_early(work: Workspace, existing: str) -> None:
    """The destination's key is rotated and applied while `waiting` waits, which then fails for good."""
    work.replicate(existing=existing)
    work.apply()
    work.hold()
    work.put("waiting")
    work.rotate()
    told = work.effects()["ALARIK-STALE-CREDENTIALS"]
    assert (told["severity"], "1 waits" in told["text"]) == ("warning", True)
    work.apply()
    work.settled()
    work.release()
    work.put("fresh")
    soon(lambda: work.arrived() == {"fresh": 1})
    work.alarik.eventually(lambda: [task for task in work.tasks if task["state"] == "failed"], 600)
    (task,) = work.tasks
    assert (task["key"], task["attempts"]) == ("waiting", _ATTEMPTS)
    assert "SignatureDoesNotMatch" in task["lastError"]


def test_what_waits_keeps_the_old_key_however_often_it_is_tried(work: Workspace) -> None:
    rotated_too_early(work, "ignore")
    task = work.tasks[0]["id"]
    retried = work.alarik.apis["here"].post(f"/api/v1/buckets/{work.source}/replication/tasks/{task}/retry")
    assert retried.status_code == 200
    soon(lambda: work.tasks[0]["attempts"] == 1)
    assert "SignatureDoesNotMatch" in work.tasks[0]["lastError"]
    work.apply()
    assert [one["id"] for one in work.tasks] == [task]
    assert work.arrived() == {"fresh": 1}


def test_drift_names_stale_credentials_and_the_cure_works(work: Workspace) -> None:
    rotated_too_early(work, "copy")
    drifted = work.repl("drift")
    assert drifted.code == 2, drifted.text
    said = " ".join(drifted.text.split())
    assert "ALARIK-STALE-CREDENTIALS" in said
    assert "raise `alarik.generation` and have `existing: copy`" in said
    work.replicate(alarik={"generation": 2})
    assert not work.effects()["ALARIK-QUEUE-PURGED"]["blocks"]
    work.apply()
    assert work.copies == {"waiting": 1, "fresh": 2}
    assert work.tasks == []
    healed = work.repl("drift")
    assert healed.code == 0, healed.text


def test_the_cure_in_two_steps_works_too(work: Workspace) -> None:
    rotated_too_early(work, "ignore")
    work.replicate(existing="ignore", alarik={"generation": 2})
    assert "1 has failed in this bucket" in work.refused(4).text
    work.apply("--allow", "ALARIK-QUEUE-PURGED")
    assert work.copies == {"fresh": 1}
    work.replicate(existing="copy", alarik={"generation": 2})
    assert "ALARIK-RESYNC" in work.effects()
    work.apply()
    assert work.copies == {"waiting": 1, "fresh": 2}
    assert work.repl("drift").code == 0


def test_another_key_is_another_target_and_what_waits_keeps_the_first(work: Workspace) -> None:
    work.replicate(existing="ignore")
    work.apply()
    work.hold()
    work.put("waiting")
    work.rotate(f"AK-other-{work.source}")
    assert "ALARIK-STALE-CREDENTIALS" in work.effects()
    work.apply()
    assert [one["accessKeyId"] for one in work.targets] == [f"AK-other-{work.source}"]
    work.release()
    work.put("fresh")
    soon(lambda: work.arrived() == {"fresh": 1})
    soon(lambda: "InvalidAccessKeyId" in work.tasks[0].get("lastError", ""))
    drifted = work.repl("drift")
    assert (drifted.code, "ALARIK-STALE-CREDENTIALS" in drifted.text) == (2, True)
