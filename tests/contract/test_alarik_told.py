"""What a user reads when an Alarik server refuses, before and after the plan; and when it is taken for plain S3."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from reconciler.emulators.certificate import Certificate
from reconciler.manifest.edit import dump_documents
from tests.contract.alarik_workspace import Workspace, opened
from tests.contract.harnesses.alarik import AlarikHarness
from tests.lab.command import Ended

_numbers = itertools.count()
TARGET, RULE = str(uuid4()), str(uuid4())

Spec = dict[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[AlarikHarness]:
    harness = AlarikHarness(tmp_path_factory.mktemp("alarik"), certificate)
    yield harness
    harness.close()


@pytest.fixture
def folder(world: AlarikHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(world, tmp_path, f"told-{next(_numbers)}") as made:
        made.replicate()
        yield made


def edit(folder: Workspace, name: str, **changes: Any) -> None:
    """Change members of one provider's settings."""
    path = folder.folder / "providers.yaml"
    documents = list(yaml.safe_load_all(path.read_text()))
    (found,) = [one for one in documents if one["metadata"]["name"] == name]
    found["spec"]["alarik"] |= changes
    path.write_text(dump_documents(documents))


def late(folder: Workspace, change: Callable[[], object]) -> Ended:
    """Apply a plan after the world has changed where no plan looks again."""
    saved = folder.repl("plan", "--out", "p.json")
    assert saved.code == 0, saved.text
    change()
    return folder.repl("apply", "p.json", "--no-verify")


def _wrong_secret(folder: Workspace) -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERE_SECRET", "another-secret")
        return folder.repl("plan")


def _unavailable(folder: Workspace) -> Ended:
    login = {"username": folder.alarik.facts["here"]["username"], "password": {"env": "HERE_PASSWORD"}}
    edit(folder, "here", login=login)
    folder.alarik.switch(sessions_unavailable=True)
    with folder.alarik.hurried():
        return folder.repl("plan")


def _no_bucket(folder: Workspace) -> Ended:
    folder.replicate(source={"provider": "here", "bucket": "nowhere"})
    return folder.repl("plan")


def _plain_user(folder: Workspace) -> Ended:
    folder.alarik.switch(is_admin=False)
    return folder.repl("plan")


def _suspend(folder: Workspace) -> object:
    versioning = {"Status": "Suspended"}
    client = folder.alarik.client()
    return client.put_bucket_versioning(Bucket=folder.source, VersioningConfiguration=versioning)


def _suspended(folder: Workspace) -> Ended:
    _suspend(folder)
    return folder.repl("plan")


def _fill(folder: Workspace, kind: str) -> Ended:
    alarik = folder.alarik
    alarik.put(folder.source, "targets", [alarik.target(str(uuid4()), "dst-b") for _ in range(4)])
    if kind == "rules":
        one = alarik.get(folder.source, "targets")[0]
        alarik.put(folder.source, "targets", [one])
        rules = [alarik.rule(str(uuid4()), one["id"], prefix=f"{n}/") for n in range(4)]
        alarik.put(folder.source, "rules", rules)
    return folder.repl("plan")


def _wrong_region(folder: Workspace) -> Ended:
    edit(folder, "there", region="us-west-7")
    return folder.repl("plan")


USERS: dict[str, tuple[Callable[[Workspace], Ended], int, str, str]] = {
    # How it comes about; the exit code, what is told, and what the hint says.
    "wrong secret": (_wrong_secret, 8, "Unauthorized", "Access keys may expire"),
    "unavailable": (_unavailable, 1, "Could not verify this session right now", "its own users"),
    "no bucket": (_no_bucket, 1, "REPL-W401", "sign in as its owner"),
    "a plain user": (_plain_user, 1, "REPL-W407", "let an administrator own"),
    "a plain user meanwhile": (
        lambda f: late(f, lambda: f.alarik.switch(is_admin=False)),
        8, "Only administrators can configure", "own the bucket",
    ),
    "suspended": (_suspended, 1, "REPL-W403", "put-bucket-versioning"),
    "suspended meanwhile": (
        lambda f: late(f, lambda: _suspend(f)), 3, "versioning to be Enabled", "enable versioning on the source bucket",
    ),
    "four targets of others": (lambda f: _fill(f, "targets"), 1, "REPL-W411", "those made by others count too"),
    "four rules of others": (lambda f: _fill(f, "rules"), 1, "REPL-W410", "those made by others count too"),
    "target in another region": (_wrong_region, 1, "REPL-W406", "set `region: eu-1` of there"),
}  # fmt: skip


@pytest.mark.parametrize("name", USERS)
def test_repl_tells_reason_and_hint(folder: Workspace, name: str) -> None:
    act, code, told, hint = USERS[name]
    ended = act(folder)
    text = " ".join(ended.text.split())
    assert ended.code == code, ended.text
    assert told in text, ended.text
    assert hint in text, ended.text
    assert not [one for one in folder.alarik.held(folder.source)["rules"] if not one.get("prefix")]


# Taken for plain S3 -----------------------------------------------------------------------------------------------


def face(folder: Workspace, name: str) -> None:
    """Describe the server `here` by its S3 face, under a name."""
    facts = folder.alarik.facts["here"]
    keys = {"accessKeyId": facts["access_key"], "secretAccessKey": {"env": "HERE_SECRET"}}
    spec = {
        "flavour": "generic", "endpoint": facts["https"], "region": facts["region"], "credentials": keys,
        "caFile": str(folder.alarik.certificate.ca),
    }  # fmt: skip
    made: Spec = {"apiVersion": "repl/v1", "kind": "Provider", "metadata": {"name": name}, "spec": {"s3": spec}}
    (folder.folder / f"{name}.yaml").write_text(dump_documents([made]))
    folder.replicate(
        source={"provider": name, "bucket": folder.source},
        destination={"provider": name, "bucket": folder.destination},
        existing="ignore",
    )


def _by_s3(folder: Workspace) -> None:
    """Describe it as S3 and nothing else, as somebody does who has not read about Alarik."""
    face(folder, "plain")
    (folder.folder / "providers.yaml").unlink()
    folder.alarik.make_bucket(folder.destination)


def test_rules_over_s3_are_told_to_be_alariks_before_anything_is_sent(folder: Workspace) -> None:
    alarik = folder.alarik
    alarik.put(folder.source, "targets", [alarik.target(TARGET, "dst-a")])
    alarik.put(folder.source, "rules", [alarik.rule(RULE, TARGET)])
    before = json.dumps(alarik.held(folder.source))
    _by_s3(folder)
    ended = folder.repl("apply", "--yes", "--no-verify")
    assert ended.code == 1, ended.text
    assert "REPL-W022" in ended.text
    assert "a Provider of the type `alarik`" in " ".join(ended.text.split())
    assert json.dumps(alarik.held(folder.source)) == before


def test_where_no_rule_shows_whose_server_it_is_the_refusal_tells(folder: Workspace) -> None:
    _by_s3(folder)
    ended = folder.repl("apply", "--yes", "--no-verify")
    text = " ".join(ended.text.split())
    assert ended.code == 1, ended.text
    assert "Configuring bucket replication via the S3 API is not supported" in text
    assert "if it is Alarik, describe it with a Provider of type `alarik`" in text
    assert not folder.alarik.held(folder.source)["rules"]


def test_a_second_name_of_the_same_server_is_refused_offline(folder: Workspace) -> None:
    face(folder, "face")
    folder.alarik.mark()
    ended = folder.repl("plan")
    assert ended.code == 1
    assert "REPL-C006" in ended.text
    assert "write `provider: here`" in ended.text
    assert not folder.alarik.requests()
