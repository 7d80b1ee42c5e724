"""Secrets of Alarik's targets: sent when they are new, else left as they are, and shown by nothing."""

import json
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.alarik_workspace import Workspace, alarik, work

__all__ = ["alarik", "work"]

MASK = "\N{BULLET}" * 8


# Keys -------------------------------------------------------------------------------------------------------------


def test_a_secret_that_has_not_changed_is_not_sent(work: Workspace) -> None:
    """The mask stands for it, and what it stands for still works."""
    work.replicate()
    work.apply()
    before = work.stored
    elsewhere = f"{work.destination}-2"
    work.alarik.make_bucket(elsewhere, name="there")
    there = {"provider": "there", "bucket": elsewhere}
    source = {"provider": "here", "bucket": work.source, "prefix": "two/"}
    work.replicate("two", source=source, destination=there, existing="ignore")
    work.alarik.wire.recorder.clear()
    work.apply()
    (sent,) = puts(work)
    assert [one["secretAccessKey"] == MASK for one in sent] == [True, False]
    assert {name: work.stored[name] for name in before} == before
    work.put("a", "two/b")
    assert work.copies == {"a": 1, "two/b": 1}


def test_a_secret_that_was_rotated_is_sent_once(work: Workspace) -> None:
    work.put("a")
    work.replicate()
    work.apply()
    assert work.copies == {"a": 1}
    work.rotate()
    planned = work.repl("plan")
    assert "secret" in planned.text.lower()
    told = work.effects()
    assert "ALARIK-STALE-CREDENTIALS" in told
    assert "ALARIK-RESYNC" not in told
    before = work.stored
    work.alarik.wire.recorder.clear()
    work.apply()
    (sent,) = puts(work)
    assert MASK not in [one["secretAccessKey"] for one in sent]
    assert work.stored.keys() == before.keys()
    assert work.stored != before
    work.put("b")
    assert work.copies == {"a": 1, "b": 1}
    work.settled()


def test_another_key_moves_the_rule_to_a_target_of_its_own(work: Workspace) -> None:
    work.put("a")
    work.replicate()
    work.apply()
    assert work.copies == {"a": 1}
    (old,) = work.targets
    work.rotate(f"AK-{uuid4().hex[:8]}")
    work.apply()
    (new,) = work.targets
    assert new["id"] != old["id"]
    assert work.rule["targetId"] == new["id"]
    work.put("b")
    assert set(work.copies) == {"a", "b"}
    work.settled()


def puts(work: Workspace) -> list[list[dict[str, Any]]]:
    """The lists of targets that were sent since the recorder was cleared."""
    path = f"/api/v1/buckets/{work.source}/replication/targets"
    exchanges = work.alarik.wire.recorder.exchanges
    return [json.loads(one.request_body)["targets"] for one in exchanges if one.method == "PUT" and path in one.url]


# Secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [True, False], ids=["masked", "in clear"])
def test_no_secret_is_in_any_artefact(work: Workspace, caplog: pytest.LogCaptureFixture, mask: bool) -> None:
    """Not ours, and not those of others, which early releases give to whoever reads."""
    work.alarik.switch(mask=mask)
    theirs = "somebody-elses-secret"
    work.alarik.add(work.source, "targets", work.alarik.target(str(uuid4()), work.destination, secretAccessKey=theirs))
    work.replicate()
    with caplog.at_level("DEBUG"):
        said = [work.repl(*command).text for command in (
            ("validate", "-v"), ("plan", "-v", "--out", "p.json"), ("plan", "--output", "json=plan.json"),
            ("show", "p.json", "-v"), ("apply", "p.json", "-v", "--output", "json=applied.json"),
            ("drift", "-v", "--output", "json"), ("import", "here", "--out", "imported.yaml"), ("verify", "-v"),
            ("resync", "one", "--yes", "--no-verify", "-v"),
        )]  # fmt: skip
        work.rotate()
        said += [work.repl("plan", "-v").text, work.apply("-v").text]
    files = [path for path in work.folder.rglob("*") if path.is_file()]
    assert len(files) > 6
    said += [path.read_text(errors="replace") for path in files]
    said += [record.getMessage() for record in caplog.records]
    for secret in (theirs, *work.told):
        assert not [text for text in said if secret in text]
    assert sha256(theirs.encode()).hexdigest() in work.stored.values()
