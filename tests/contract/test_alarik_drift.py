"""After an apply on Alarik: lists that somebody changes by hand, what waits and fails, keys that are rotated, rules of
others that become manifests, and secrets that nothing shows."""

import itertools
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reconciler.emulators.certificate import Certificate
from tests.contract.alarik_workspace import Workspace, opened
from tests.contract.harnesses.alarik import AlarikHarness, Way

_numbers = itertools.count()
MASK = "\N{BULLET}" * 8


@pytest.fixture(scope="module")
def alarik(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[AlarikHarness]:
    harness = AlarikHarness(tmp_path_factory.mktemp("alarik"), certificate, Way(tls=False))
    yield harness
    harness.close()


@pytest.fixture
def work(alarik: AlarikHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(alarik, tmp_path, f"drift-{next(_numbers)}") as made:
        yield made


def item(work: Workspace) -> dict[str, Any]:
    """What drift says of the one replication."""
    (found,) = work.repl("drift", "--output", "json").json["items"]
    return dict(found)


def by_hand(work: Workspace, **changes: Any) -> None:
    """Change the one rule in the console."""
    work.alarik.put(work.source, "rules", [work.rule | changes])


def stored(work: Workspace) -> dict[str, str]:
    """Digests of the secrets that the server holds, by the target's id."""
    return {one["id"]: one["secretSha256"] for one in work.alarik.held(work.source)["targets"]}


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


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
    (before,), secrets = work.targets, stored(work)
    work.alarik.put(work.source, "targets", [before | changes | {"secretAccessKey": "another"}])
    assert work.repl("drift").code == 2
    assert [".".join(field["path"]) for field in item(work)["fields"]] == [path]
    work.apply()
    assert (work.targets, stored(work)) == ([before], secrets)
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
