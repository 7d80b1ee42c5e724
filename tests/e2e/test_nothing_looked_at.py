"""Where nothing was looked at nobody is told that all is well."""

import shutil
from pathlib import Path

import pytest

from tests.lab.command import LabClient, repl

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PROVIDER = "apiVersion: repl/v1\nkind: Provider\nmetadata: {name: a}\nspec: {s3: {flavour: aws, region: eu-west-1}}\n"


def test_a_folder_without_manifests_is_not_valid(tmp_path: Path) -> None:
    ended = repl("validate", cwd=tmp_path)
    assert ended.code == 64
    assert "no manifests found" in ended.err
    assert "Valid" not in ended.out


def test_without_any_replication_nothing_is_proved_or_as_last_applied(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(PROVIDER)
    proof = repl("verify", cwd=tmp_path)
    assert (proof.code, proof.out) == (6, "Nothing was verified: no replication is written down.\n")
    look = repl("drift", cwd=tmp_path)
    assert look.code == 0
    assert "Nothing was compared" in look.out
    assert "as last applied" not in look.out


def test_providers_with_a_mistake_are_told_when_all_are_checked(tmp_path: Path) -> None:
    assert repl("providers", "--check", cwd=tmp_path).code == 64
    (tmp_path / "a.yaml").write_text(PROVIDER.replace("region", "regin"))
    ended = repl("providers", "--check", cwd=tmp_path)
    assert ended.code == 1
    assert "did you mean region?" in ended.err


def test_two_workspaces_do_not_share_a_receipt(lab: LabClient) -> None:
    assert lab.run("apply", "--yes", "--no-verify", "--select", "logs-to-dr").code == 0
    settings = lab.folder / "workspace.yaml"
    settings.write_text(settings.read_text().replace("name: lab", "name: other"))
    for command in (("plan", "--prune"), ("apply", "--yes", "--prune"), ("drift",), ("verify",)):
        ended = lab.run(*command)
        assert ended.code == 1
        assert "is of the workspace lab; this is other" in ended.err, ended.text


def test_what_is_selected_must_be_there(lab: LabClient) -> None:
    for command in (("plan",), ("apply", "--yes"), ("drift",), ("verify", "--no-canary")):
        ended = lab.run(*command, "--select", "logs-to-dr", "--select", "meda-to-dr")
        assert ended.code == 64, ended.text
        assert "--select meda-to-dr" in ended.err
        assert "did you mean media-to-dr?" in ended.err
    ended = lab.run("plan", "--exclude", "meda-to-dr", "--exclude", "tier=gold")
    assert "--exclude meda-to-dr leaves nothing out: did you mean media-to-dr?" in ended.err
    assert "--exclude tier=gold leaves" not in ended.err


def test_what_is_paused_is_not_proved_where_it_was_asked_for(lab: LabClient) -> None:
    manifests = lab.folder / "replications.yaml"
    document = next(one for one in manifests.read_text().split("---\n") if "name: media-to-dr" in one)
    shutil.copy(manifests, lab.folder / "replications.txt")
    manifests.write_text(manifests.read_text().replace(document, document.replace("state: active", "state: paused")))
    assert lab.run("apply", "--yes", "--no-verify", "--select", "*-to-dr").code == 0
    asked = lab.run("verify", "media-to-dr")
    assert asked.code == 6
    assert "not checked  media-to-dr" in asked.out
    beside = lab.run("verify", "*-to-dr")
    assert beside.code == 0, beside.text
    assert "note: paused, and not looked at: media-to-dr" in beside.err
    manifests.write_text(manifests.read_text().replace(document.replace("state: active", "state: paused"), ""))
    gone = lab.run("verify", "--select", "media-to-dr")
    assert gone.code == 64
    assert "no manifest describes" in gone.err
