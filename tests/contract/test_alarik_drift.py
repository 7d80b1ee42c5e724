"""After an apply on Alarik: lists that somebody changes by hand, what waits and fails, and rules of others that become
manifests."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract.alarik_workspace import Workspace, alarik, work

__all__ = ["alarik", "work"]


def item(work: Workspace) -> dict[str, Any]:
    """What drift says of the one replication."""
    (found,) = work.repl("drift", "--output", "json").json["items"]
    return dict(found)


def by_hand(work: Workspace, **changes: Any) -> None:
    """Change the one rule in the console."""
    work.alarik.put(work.source, "rules", [work.rule | changes])


# Drift ------------------------------------------------------------------------------------------------------------

CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "prefix": ({"prefix": "by hand/"}, ["source.prefix"]),
    "deletes": ({"replicateDeletes": True}, ["deletes"]),
    "existing": ({"replicateExisting": False}, ["existing"]),
    "synchronous": ({"synchronous": True}, ["alarik.synchronous"]),
    "disabled": ({"enabled": False}, ["state"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_hand_is_drift_and_is_put_back(work: Workspace, name: str) -> None:
    changes, paths = CHANGES[name]
    work.replicate(deletes="keep", alarik={"synchronous": False})
    work.apply()
    assert work.repl("drift").code == 0
    before = work.rule
    by_hand(work, **changes)
    told = work.repl("drift")
    assert told.code == 2, told.text
    assert item(work)["state"] == "drifted"
    assert [".".join(field["path"]) for field in item(work)["fields"]] == paths
    work.apply()
    assert work.repl("drift").code == 0
    assert work.rule == before


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"targetBucket": "dst-b"}, "destination.bucket"),
        ({"region": "eu-9"}, "alarik.region"),
        ({"endpoint": "https://elsewhere.example"}, "alarik.endpoint"),
        ({"accessKeyId": "AKOTHER"}, "alarik.accessKeyId"),
        ({"enabled": False}, "alarik.targetEnabled"),
    ],
)
def test_a_target_that_is_changed_by_hand_is_drift_and_is_put_back(
    work: Workspace, changes: dict[str, Any], path: str
) -> None:
    """With its secret: whoever wrote the target anew may have given it another."""
    work.replicate()
    work.apply()
    (before,), secrets = work.targets, work.stored
    work.alarik.put(work.source, "targets", [before | changes | {"secretAccessKey": "another"}])
    assert work.repl("drift").code == 2
    assert [".".join(field["path"]) for field in item(work)["fields"]] == [path]
    work.apply()
    assert (work.targets, work.stored) == ([before], secrets)
    work.settled()


def test_a_rule_that_is_gone_has_vanished_and_is_made_again(work: Workspace) -> None:
    work.replicate()
    work.apply()
    before = work.rule
    work.alarik.put(work.source, "rules", [])
    assert work.repl("drift").code == 2
    assert item(work)["state"] == "vanished"
    work.apply()
    assert (work.rule, len(work.targets)) == (before, 1)


def test_everything_cleared_over_s3_is_made_again(work: Workspace) -> None:
    """DELETE ?replication, which the S3 face has, takes both lists."""
    work.put("a")
    work.replicate()
    work.apply()
    assert work.copies == {"a": 1}
    work.alarik.client().delete_bucket_replication(Bucket=work.source)
    assert (work.targets, work.rules) == ([], [])
    assert item(work)["state"] == "vanished"
    work.apply()
    assert work.copies == {"a": 2}
    work.settled()


def test_what_others_add_and_change_beside_is_no_drift_of_ours(work: Workspace) -> None:
    work.replicate()
    work.apply()
    target, rule = str(uuid4()), str(uuid4())
    work.alarik.add(work.source, "targets", work.alarik.target(target, work.destination))
    work.alarik.add(work.source, "rules", work.alarik.rule(rule, target, prefix="theirs/"))
    assert {one["state"] for one in work.repl("drift", "--output", "json").json["items"]} == {"in_sync"}
    work.settled()


# Two writers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["targets", "rules", "ours"])
def test_a_plan_is_stale_once_somebody_has_changed_a_list(work: Workspace, kind: str) -> None:
    work.replicate(deletes="keep")
    work.apply()
    work.replicate(deletes="replicate")
    assert work.repl("plan", "--out", "p.json").code == 0
    target = work.alarik.target(str(uuid4()).upper(), work.destination)
    if kind == "ours":
        by_hand(work, prefix="by hand/")
    else:
        work.alarik.add(work.source, "targets", target)
    if kind == "rules":
        work.alarik.add(work.source, "rules", work.alarik.rule(str(uuid4()).upper(), target["id"], prefix="theirs/"))
    before = work.alarik.held(work.source)
    work.alarik.mark()
    refused = work.repl("apply", "p.json", "--no-verify")
    assert refused.code == 5, refused.text
    assert not [one for one in work.alarik.requests() if one.write]
    assert work.alarik.held(work.source) == before
    work.apply()
    work.settled()


def test_what_somebody_adds_between_two_writes_of_an_apply_is_not_lost(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has no condition for a write: the list is looked at again before each."""
    rule, target = str(uuid4()).upper(), work.alarik.target(str(uuid4()).upper(), work.destination)
    buckets = work.alarik.emulators["here"].instance.buckets
    save, meddled = buckets.save, False

    def meddling(name: str, configuration: Any) -> None:
        nonlocal meddled
        save(name, configuration)
        if not meddled and name == work.source:
            meddled = True
            work.alarik.add(work.source, "targets", target)
            work.alarik.add(work.source, "rules", work.alarik.rule(rule, target["id"], prefix="theirs/"))

    work.replicate()
    with monkeypatch.context() as patch:
        patch.setattr(buckets, "save", meddling)
        ended = work.repl("apply", "--yes", "--no-verify")
    assert meddled
    assert ended.code in (1, 3, 5), ended.text
    assert "CONFLICT" in ended.text
    assert "plan again" in ended.text
    assert [one["id"] for one in work.rules] == [rule]
    assert target["id"] in work.stored
    work.put("a")
    work.apply()
    assert work.copies == {"a": 1}
    assert {one["id"]: one["enabled"] for one in work.rules}[rule]
    work.settled()


# Health -----------------------------------------------------------------------------------------------------------


def test_health_tells_what_waits_and_what_has_failed(work: Workspace) -> None:
    work.replicate(existing="ignore")
    work.apply()
    empty = item(work)["health"]
    assert empty["state"] == "unknown"
    work.hold()
    work.put("a", "b")
    waiting = item(work)["health"]
    assert (waiting["state"], waiting["backlog"], waiting["failed"]) == ("running", 2, 0)
    work.alarik.switch(fail_next_deliveries=1_000_000, worker="running")
    work.alarik.eventually(lambda: work.alarik.queue()["failed"] == 2, 4 * 3600)
    failed = item(work)["health"]
    assert (failed["state"], failed["backlog"], failed["failed"]) == ("failed", 0, 2)
    assert "Please reduce your request rate" in failed["detail"]
    told = work.repl("drift")
    assert told.code == 2, told.text
    assert "failed" in told.text


def test_health_says_when_it_cannot_see_everything(work: Workspace) -> None:
    """The server shows a hundred rows, newest first."""
    work.replicate(existing="ignore")
    work.apply()
    work.hold()
    work.put(*(f"{number:03}" for number in range(101)))
    health = item(work)["health"]
    assert health["backlog"] == 100
    assert "100" in health["detail"]
    assert "more" in health["detail"]


def test_health_of_a_paused_rule_and_of_one_without_its_target(work: Workspace) -> None:
    work.replicate(existing="ignore")
    work.apply()
    work.replicate(existing="ignore", state="paused")
    work.apply()
    assert item(work)["health"]["state"] == "paused"
    work.replicate(existing="ignore")
    work.apply()
    work.alarik.put(work.source, "targets", [])
    told = work.repl("drift")
    assert told.code == 2
    assert "ALARIK-RULE-DISABLED" in item(work)["health"]["detail"]


# Import -----------------------------------------------------------------------------------------------------------

LIVE: dict[str, dict[str, Any]] = {
    "everything": {},
    "a prefix": {"prefix": "raw/é %/"},
    "an empty prefix": {"prefix": ""},
    "all switches": {"prefix": "in/", "replicateDeletes": True, "replicateExisting": True, "synchronous": True},
    "disabled": {"enabled": False},
}


@pytest.mark.parametrize("name", LIVE)
def test_what_is_imported_plans_to_no_changes(work: Workspace, name: str) -> None:
    target, rule = str(uuid4()), str(uuid4()).upper()
    own = {"accessKeyId": lead(work), "secretAccessKey": "nobody-knows"}
    work.alarik.put(work.source, "targets", [work.alarik.target(target, work.destination, endpoint=there(work), **own)])
    work.alarik.put(work.source, "rules", [work.alarik.rule(rule, target, **LIVE[name])])
    before = work.targets, work.rules, work.stored
    ended = work.repl("import", "here", "--out", "imported.yaml")
    assert ended.code == 0, ended.text
    text = (work.folder / "imported.yaml").read_text()
    assert "nobody-knows" not in text
    assert rule in text
    planned = work.repl("plan", "--detailed-exitcode")
    assert planned.code == 0, text + planned.text
    work.apply()
    assert (work.targets, work.rules, work.stored) == before


def test_an_import_leaves_out_what_leads_nowhere(work: Workspace) -> None:
    target = str(uuid4())
    work.alarik.put(work.source, "targets", [work.alarik.target(target, work.destination, endpoint=there(work))])
    work.alarik.put(work.source, "rules", [work.alarik.rule(str(uuid4()), target)])
    work.alarik.put(work.source, "targets", [])
    assert work.repl("import", "here", "--out", "imported.yaml").code == 0
    imported = work.folder / "imported.yaml"
    assert not imported.exists() or work.source not in imported.read_text()


def test_an_import_of_our_own_rules_finds_them_known(work: Workspace) -> None:
    work.replicate()
    work.apply()
    assert work.repl("import", "here", "--out", "imported.yaml").code == 0
    imported = work.folder / "imported.yaml"
    assert not imported.exists() or work.source not in imported.read_text()


def lead(work: Workspace) -> str:
    """The key that rules lead there with."""
    return next(line.split()[-1] for line in provider(work) if "accessKeyId: AK-" in line)


def there(work: Workspace) -> str:
    return str(work.alarik.docs["there"].spec.config.model_dump()["endpoint"])


def provider(work: Workspace) -> list[str]:
    return (work.folder / "providers.yaml").read_text().splitlines()
