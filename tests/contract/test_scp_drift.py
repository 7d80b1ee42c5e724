"""After an apply on SCP: what somebody changes in the console, and passwords that nothing shows."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.providers.base import Access, Connection
from reconciler.providers.scp.client import ScpClient
from reconciler.testing.harness import WORKSPACE
from tests.contract.harnesses.scp import ScpHarness, Way
from tests.contract.scp_workspace import Workspace, opened
from tests.lab.scp import EAST

OTHER = "an0ther!one"
SECRET: dict[str, Any] = {"cifsPassword": {"env": "CIFS_PASSWORD"}, "deleteReplicaVolume": True}
ALLOWED = ("--allow", "SCP-REPLACE@one", "--allow", "SCP-VOLUME-DELETED@one")


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[ScpHarness]:
    harness = ScpHarness(tmp_path_factory.mktemp("scp"), certificate, Way(tls=True))
    yield harness
    harness.close()


@pytest.fixture
def work(scp: ScpHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(scp, tmp_path) as made:
        yield made


@pytest.fixture
def cifs(scp: ScpHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(scp, tmp_path, "CIFS") as made:
        yield made


def item(work: Workspace) -> dict[str, Any]:
    """What drift says of the one replication."""
    (found,) = work.repl("drift", "--output", "json").json["items"]
    return dict(found)


def by_hand(work: Workspace, **changes: Any) -> None:
    """Change the one replication in the console."""
    number = work.replication["replication_id"]
    work.scp.emulator.act("set-replication", {"replication_id": number, **changes})


# Drift ------------------------------------------------------------------------------------------------------------

CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "policy": ({"policy": "paused"}, "state"),
    "frequency": ({"frequency": "monthly"}, "schedule.every"),
    "retention": ({"retention": 7}, "scp.retention"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_hand_is_drift_and_is_put_back(work: Workspace, name: str) -> None:
    changes, path = CHANGES[name]
    work.replicate(scp={"type": "backup", "retention": 3})
    work.apply()
    assert work.repl("drift").code == 0
    before = work.replication
    by_hand(work, **changes)
    work.scp.mark()
    told = work.repl("drift")
    assert told.code == 2, told.text
    assert [one for one in work.scp.requests() if one.write] == []
    assert item(work)["state"] == "drifted"
    assert [".".join(field["path"]) for field in item(work)["fields"]] == [path]
    work.apply()
    assert work.repl("drift").code == 0
    assert work.replication == before


def test_what_is_not_written_down_may_be_changed_by_anybody(work: Workspace) -> None:
    work.replicate(schedule=None, state=None)
    work.apply()
    by_hand(work, policy="paused", frequency="weekly", retention=9)
    assert work.repl("drift").code == 0
    work.settled()


def test_a_replication_that_is_gone_has_vanished_and_is_made_again(work: Workspace) -> None:
    work.replicate()
    work.apply()
    before = work.replication
    work.scp.emulator.act("drop-replication", {"replication_id": before["replication_id"]})
    assert work.repl("drift").code == 2
    assert item(work)["state"] == "vanished"
    # Its volume has the name: that is said before the service refuses.
    planned = work.repl("plan")
    assert "REPL-W507" in planned.text
    assert before["replication_volume_id"] in planned.text
    work.scp.drop_volume(before["replication_volume_id"])
    work.apply()
    assert work.replication["replication_id"] != before["replication_id"]
    assert work.repl("drift").code == 0


def test_a_replica_whose_volume_is_gone_is_dead(work: Workspace) -> None:
    """The service goes on showing the replication: only a look at its volume tells."""
    work.replicate()
    work.apply()
    work.scp.emulator.cloud.drop(work.replication["replication_volume_id"])
    told = work.repl("drift")
    assert told.code == 2, told.text
    assert "the replica's volume is not there" in " ".join(told.text.split())


def test_a_replication_in_error_is_dead(work: Workspace) -> None:
    work.replicate()
    work.apply()
    work.scp.emulator.act("fail-replication", {"replication_id": work.replication["replication_id"]})
    told = work.repl("drift")
    assert told.code == 2, told.text
    assert "its status is error" in " ".join(told.text.split())


def test_what_others_make_beside_is_no_drift_of_ours(work: Workspace) -> None:
    work.replicate()
    work.apply()
    work.create(name=f"{work.replica}9")
    assert {one["state"] for one in work.repl("drift", "--output", "json").json["items"]} == {"in_sync"}
    work.settled()


def test_drift_and_what_is_pending_are_told_apart(work: Workspace) -> None:
    work.replicate()
    work.apply()
    work.replicate(schedule={"every": "1d"})
    told = work.repl("drift")
    assert told.code == 0, told.text
    assert [".".join(field["path"]) for field in item(work)["pending"]] == ["schedule.every"]
    by_hand(work, policy="paused")
    assert [".".join(field["path"]) for field in item(work)["fields"]] == ["state"]


# Passwords --------------------------------------------------------------------------------------------------------


def rotate(work: Workspace, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("CIFS_PASSWORD", OTHER)
    work.scp.secrets.put(CIFS_PASSWORD=OTHER)


def stored(work: Workspace) -> str:
    """Digest of the password that the replica's volume has."""
    state: Any = work.scp.emulator.state()
    return str(state["volumes"][work.volumes()[0]["id"]]["cifs_password_sha256"])


def test_a_password_that_was_rotated_is_a_change_and_sent_once(
    cifs: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    cifs.replicate(scp=SECRET)
    cifs.apply()
    cifs.settled()
    rotate(cifs, monkeypatch)
    planned = cifs.repl("plan", *ALLOWED)
    assert "scp.cifsPassword" in planned.text
    (change,) = cifs.plan(*ALLOWED)["changes"]
    (field,) = change["fields"]
    assert (field["path"], field["sensitive"]) == (["scp", "cifsPassword"], True)
    assert not [key for key in ("before", "after") if field.get(key)]
    cifs.apply(*ALLOWED)
    assert stored(cifs) == hashlib.sha256(OTHER.encode()).hexdigest()
    cifs.scp.mark()
    cifs.apply()
    assert [one for one in cifs.scp.requests() if one.write] == []
    cifs.settled()


def test_a_receipt_has_a_salted_digest_and_no_password(cifs: Workspace) -> None:
    cifs.replicate(scp=SECRET)
    cifs.apply()
    receipt = json.loads((cifs.folder / ".repl" / "receipt.json").read_text())
    (noted,) = receipt["replications"]["one"]["secrets"].values()
    password = cifs.scp.secrets.by_name["CIFS_PASSWORD"]
    assert password not in noted
    for plain in (hashlib.sha256, hashlib.sha1, hashlib.md5):
        assert plain(password.encode()).hexdigest() not in noted


def test_no_secret_is_in_any_artefact(
    cifs: Workspace, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither keys nor passwords nor signatures: in no output, log, plan, receipt, journal or report."""
    cifs.replicate(scp=SECRET)
    cifs.scp.wire.recorder.clear()
    every = {*cifs.scp.secret_values, OTHER}
    with caplog.at_level("DEBUG"):
        said = [cifs.repl(*command).text for command in (
            ("validate", "-v"), ("plan", "-v", "--out", "p.json"), ("plan", "--output", "json=plan.json"),
            ("plan", "--output", "html=plan.html", "--output", "md=plan.md"), ("show", "p.json", "-v"),
            ("apply", "p.json", "--no-verify", "-v", "--output", "json=applied.json"),
            ("drift", "-v", "--output", "json"), ("import", "west", "--out", "imported.yaml"), ("verify", "-v"),
            ("graph",), ("status",),
        )]  # fmt: skip
        rotate(cifs, monkeypatch)
        said += [cifs.repl("plan", "-v").text, cifs.repl("apply", "--yes", "--no-verify", "-v").text]
        said.append(cifs.apply("-v", *ALLOWED).text)
        monkeypatch.setenv("CIFS_PASSWORD", "short")
        said.append(cifs.repl("apply", "--yes", "--no-verify", "-v", *ALLOWED).text)
    files = [path for path in cifs.folder.rglob("*") if path.is_file()]
    assert len(files) > 8
    said += [path.read_text(errors="replace") for path in files]
    said += [record.getMessage() for record in caplog.records] + [caplog.text]
    bodies = b"".join(one.request_body for one in cifs.scp.wire.recorder.exchanges)
    assert OTHER.encode() in bodies, "it was sent, so it could have been shown"
    for secret in every:
        assert not [text for text in said if secret in text]
    assert not [text for text in said if re.search(r"(?i)scp-signature\W+[a-z0-9+/]{40,}", text)]
    assert '"short"' not in "".join(said)


def test_clients_and_documents_show_no_secret(scp: ScpHarness) -> None:
    connection = Connection(
        doc=scp.docs["west"], secrets=scp.secrets, access=Access.READ, base=Path("/"), workspace=WORKSPACE
    )
    client, provider = ScpClient(connection, scp.docs["west"]), scp.connect()
    list(client.volumes())
    for thing in (client, provider, connection, scp.docs["west"], client.__dict__, provider.__dict__):
        assert not [secret for secret in scp.secret_values if secret in f"{thing!r}{thing}"]
    client.close()
    provider.close()


def test_a_refused_password_is_told_without_it(cifs: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the service quotes what it was sent."""
    monkeypatch.setenv("CIFS_PASSWORD", "has blank 1!")
    cifs.replicate(scp=SECRET)
    ended = cifs.repl("apply", "--yes", "--no-verify")
    assert ended.code == 8, ended.text
    assert "is not one that SCP takes" in " ".join(ended.text.split())
    assert "has blank 1!" not in ended.text
    assert cifs.volumes() == []
    assert cifs.scp.ask(EAST, "GET", "/v1/volumes").is_success
