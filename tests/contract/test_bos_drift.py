"""After an apply: rules that somebody changes by hand, what the service says of its copies, and rules of others that
become manifests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.bos_workspace import Workspace, bos, work

__all__ = ["bos", "work"]

HIDDEN = {"echo_not_include_resource": False, "echo_destination_prefix": False}


def item(work: Workspace) -> dict[str, Any]:
    """What drift says of the one replication."""
    (found,) = work.repl("drift", "--output", "json").json["items"]
    return dict(found)


def by_hand(work: Workspace, **changes: Any) -> None:
    (held,) = work.bos.rules(work.source).values()
    work.bos.put_rule(work.source, held | changes)


# Drift ------------------------------------------------------------------------------------------------------------


def test_a_change_by_hand_is_drift_and_is_put_back(work: Workspace) -> None:
    work.replicate(deletes="keep")
    work.apply()
    assert work.repl("drift").code == 0
    by_hand(work, replicateDeletes="enabled")
    told = work.repl("drift")
    assert told.code == 2, told.text
    assert item(work)["state"] == "drifted"
    assert [field["path"] for field in item(work)["fields"]] == [["deletes"]]
    work.apply("--allow", "BOS-RESTART")
    assert work.repl("drift").code == 0


def test_accepted_drift_is_no_drift_until_it_expires(work: Workspace) -> None:
    work.replicate(deletes="keep")
    work.apply()
    by_hand(work, replicateDeletes="enabled")
    entry = {"replication": "one", "path": "deletes", "reason": "agreed with the team", "owner": "us"}
    for days, code in ((2, 0), (-2, 2)):
        expires = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
        work.settings(acceptDrift=[entry | {"expires": expires}])
        told = work.repl("drift")
        assert told.code == code, told.text
    assert work.bos.rules(work.source)


def test_a_rule_that_is_gone_has_vanished(work: Workspace) -> None:
    work.replicate()
    work.apply()
    (identity,) = work.rules
    work.bos.delete_rule(work.source, identity)
    assert work.repl("drift").code == 2
    assert item(work)["state"] == "vanished"


@pytest.mark.parametrize("shown", [True, False], ids=["shown", "hidden"])
def test_what_the_service_never_shows_is_no_drift(work: Workspace, shown: bool) -> None:
    work.bos.switch(**({} if shown else HIDDEN))
    there = {"provider": "gz", "bucket": work.destination, "prefix": "copies/"}
    work.replicate(destination=there, filter={"exclude": ["*.tmp", "old/*"]})
    work.apply()
    assert work.repl("drift").code == 0
    work.settled()
    work.put("a", "b.tmp", "old/c")
    assert work.copies == {"copies/a"}


# Health -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switches", "keys", "state", "said"),
    [
        ({}, ("a",), "ok", "is copied"),
        ({"percent_form": "float", "latest_time_form": "string"}, ("a",), "ok", "is copied"),
        ({"percent_when_done": 0}, ("a",), "unknown", "does not say"),
        ({"percent_when_done": 0, "latest_time_never": "absent"}, (), "unknown", "no copy is told of"),
        ({}, (), "unknown", "no copy is told of"),
    ],
)
def test_health_is_what_progress_says_and_0_says_nothing(
    work: Workspace, switches: dict[str, Any], keys: tuple[str, ...], state: str, said: str
) -> None:
    work.bos.switch(**switches)
    work.put(*keys)
    work.replicate()
    work.apply()
    assert len(work.copies) == len(keys)
    health = item(work)["health"]
    assert health["state"] == state
    assert said in health["detail"]


def test_health_while_it_copies_and_while_it_is_paused(work: Workspace) -> None:
    work.put(*"abcd")
    work.bos.switch(history_seconds=1000.0)
    work.replicate()
    work.apply()
    work.bos.eventually(lambda: work.bos.objects(work.destination))
    health = item(work)["health"]
    assert health["state"] == "running"
    assert "%" in health["detail"]
    work.replicate(state="paused")
    work.apply("--allow", "BOS-NO-DISABLE")
    assert item(work)["health"]["state"] == "paused"


def test_verify_by_status_believes_no_zero(work: Workspace) -> None:
    work.put("a")
    work.replicate(verify={"level": "status"})
    work.apply()
    assert work.copies
    assert work.repl("verify").code == 0
    work.bos.switch(percent_when_done=0)
    assert work.repl("verify").code == 6


def test_a_canary_proves_an_apply(work: Workspace) -> None:
    work.replicate(destination={"provider": "gz", "bucket": work.destination, "prefix": "copies/"})
    ended = work.repl("apply", "--yes")
    assert ended.code == 0, ended.text
    assert "proved" in ended.text.lower()
    assert work.copies == set()


# Import -----------------------------------------------------------------------------------------------------------

LIVE: dict[str, dict[str, Any]] = {
    "everything": {"resource": ["{src}/*"]},
    "a prefix": {"resource": ["{src}/raw/*"], "destination": {"bucket": "{dst}", "prefix": "raw-copies/"}},
    "several": {"resource": ["{src}/a*", "{src}/b/c*"], "replicateDeletes": "enabled"},
    "one key or a prefix": {"resource": ["{src}/abc", "{src}/cd*"]},
    "disabled": {"resource": ["{src}/*"], "status": "disabled"},
    "history as it was": {"resource": ["{src}/*"], "replicateHistory": {}},
    "history in another class": {
        "resource": ["{src}/*"], "destination": {"bucket": "{dst}", "storageClass": "STANDARD_IA"},
        "replicateHistory": {"storageClass": "COLD"},
    },
    "history alone has a class": {"resource": ["{src}/*"], "replicateHistory": {"storageClass": "COLD"}},
    "exclusions": {
        "resource": ["{src}/in/*"],
        "notIncludeResource": ["{src}/in/tmp/*", "{src}/*.jpeg", "{src}/*test*", "{src}/x*"],
    },
    "what no glob below the prefix says": {
        "resource": ["{src}/in/deep/*"], "notIncludeResource": ["{src}/*p/x*", "{src}/*/y"],
    },
}  # fmt: skip


def live(work: Workspace, name: str) -> dict[str, Any]:
    text = {"status": "enabled", "destination": {"bucket": "{dst}"}, "replicateDeletes": "disabled"} | LIVE[name]
    return {"id": "Console_Rule-1"} | filled(text, work)


def filled(value: Any, work: Workspace) -> Any:
    if isinstance(value, dict):
        return {key: filled(one, work) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, work) for one in value]
    return value.replace("{src}", work.source).replace("{dst}", work.destination)


@pytest.mark.parametrize("name", LIVE)
def test_what_is_imported_plans_to_no_changes(work: Workspace, name: str) -> None:
    work.bos.put_rule(work.source, live(work, name))
    before = work.bos.rules(work.source), work.rule_writes()
    ended = work.repl("import", "bj", "--out", "imported.yaml")
    assert ended.code == 0, ended.text
    text = (work.folder / "imported.yaml").read_text()
    assert f"bucket: {work.source}" in text
    planned = work.repl("plan", "--detailed-exitcode")
    assert planned.code == 0, text + planned.text
    work.apply()
    assert (work.bos.rules(work.source), work.rule_writes()) == before
    work.settled()


def test_an_import_of_our_own_rules_finds_them_known(work: Workspace) -> None:
    work.replicate()
    work.apply()
    ended = work.repl("import", "bj", "--out", "imported.yaml")
    assert ended.code == 0, ended.text
    imported = work.folder / "imported.yaml"
    assert not imported.exists() or work.source not in imported.read_text()
