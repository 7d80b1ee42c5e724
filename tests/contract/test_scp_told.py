"""What a user reads when the key, the account, the version or the way to SCP is wrong, in either region."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault as Emulated
from reconciler.manifest.edit import dump_documents
from tests.contract.harnesses.scp import ScpHarness, Way
from tests.contract.scp_workspace import Workspace, opened
from tests.lab.command import Ended
from tests.lab.scp import EAST


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[ScpHarness]:
    harness = ScpHarness(tmp_path_factory.mktemp("scp"), certificate, Way(tls=True))
    yield harness
    harness.close()


@pytest.fixture
def work(scp: ScpHarness, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with one replication written down. No pauses between attempts."""
    with opened(scp, tmp_path) as made, scp.hurried():
        made.replicate()
        yield made


def plain(ended: Ended) -> str:
    return " ".join(ended.text.split())


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


# Who asks, and of whom --------------------------------------------------------------------------------------------


def edited(work: Workspace, **changes: Any) -> None:
    work.providers(west=changes)


def _wrong_secret(work: Workspace) -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCP_SECRET", "another-secret")
        return work.repl("plan")


def _wrong_key(work: Workspace) -> Ended:
    edited(work, credentials={"accessKey": "nobody", "secretKey": {"env": "SCP_SECRET"}})
    return work.repl("plan")


def _no_secret(work: Workspace) -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SCP_SECRET")
        return work.repl("plan")


def _odd_key(value: str) -> Callable[[Workspace], Ended]:
    def act(work: Workspace) -> Ended:
        edited(work, credentials={"accessKey": {"env": "SCP_KEY"}, "secretKey": {"env": "SCP_SECRET"}})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SCP_KEY", value)
            return work.repl("plan")

    return act


def _switched(**values: Any) -> Callable[[Workspace], Ended]:
    def act(work: Workspace) -> Ended:
        work.scp.switch(**values)
        return work.repl("plan")

    return act


def _reader(work: Workspace) -> Ended:
    """A key that may look and do nothing."""
    reader = work.scp.facts["reader"]
    edited(work, credentials={"accessKey": reader["access_key"], "secretKey": {"env": "READER"}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("READER", reader["secret_key"])
        return work.repl("apply", "--yes", "--no-verify")


def _old_version(work: Workspace) -> Ended:
    edited(work, apiVersion="1.0")
    return work.repl("validate")


def _unknown_version(work: Workspace) -> Ended:
    edited(work, apiVersion="2.0")
    return work.repl("validate")


def _nobody_there(work: Workspace) -> Ended:
    edited(work, endpoint=f"https://127.0.0.1:{closed_port()}")
    return work.repl("plan")


def _other_authority(work: Workspace) -> Ended:
    config = {key: value for key, value in provider_of(work).items() if key != "caFile"}
    work.write_file("providers.yaml", _doc("west", config), _doc("east", provider_of(work, "east")))
    return work.repl("plan")


def _no_tls(work: Workspace) -> Ended:
    edited(work, endpoint=work.scp.facts["regions"]["kr-west1"]["http"].replace("http:", "https:"))
    return work.repl("plan")


def _no_authority(work: Workspace) -> Ended:
    (work.folder / "empty.pem").write_text("nothing")
    edited(work, caFile="empty.pem")
    return work.repl("plan")


def provider_of(work: Workspace, name: str = "west") -> dict[str, Any]:
    documents = yaml.safe_load_all((work.folder / "providers.yaml").read_text())
    (found,) = [one for one in documents if one["metadata"]["name"] == name]
    return dict(found["spec"]["scp"])


def _doc(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "repl/v1", "kind": "Provider", "metadata": {"name": name}, "spec": {"scp": config}}


USERS: dict[str, tuple[Callable[[Workspace], Ended], int, str, str]] = {
    # How it comes about; the exit code, what is told, and what the hint says.
    "a wrong secret": (_wrong_secret, 8, "HmacValidFail", "is the secret key right"),
    "a wrong key": (_wrong_key, 8, "UNAUTHENTICATED 401", ""),
    "no secret": (_no_secret, 8, "SCP_SECRET", ""),
    "a key with a blank in it": (_odd_key("two words"), 8, "accessKey is empty or holds", "`credentials.accessKey`"),
    "a clock that is wrong": (_switched(clock_skew_s=3_600), 8, "UNAUTHENTICATED", "this machine's clock"),
    "an account that must be named": (_switched(account_header="required"), 8, "UNAUTHENTICATED", ""),
    "a service that is not ordered": (_switched(entitled=False), 8, "rejected by gateway", "order it in the console"),
    "an action that is denied": (
        _switched(denied_actions=("filestorage:ListVolumeReplications",)),
        8, "PERMISSION_DENIED 403", "the key's policy",
    ),
    "a key that may only look": (_reader, 8, "PERMISSION_DENIED 403", "the key's policy"),
    "version 1.0": (_old_version, 1, "was supported until 2025-12-31", "write 1.1"),
    "version 2.0": (_unknown_version, 1, "only File Storage API 1.1 is spoken here", ""),
    "nobody there": (_nobody_there, 1, "UNAVAILABLE", "reachable from here?"),
    "another authority": (_other_authority, 1, "TLS: the server's certificate is not trusted", "caFile"),
    "no TLS": (_no_tls, 1, "TLS: no TLS connection", "speak HTTPS"),
    "a file without an authority": (_no_authority, 1, "it holds no PEM certificate", "caFile names a PEM file"),
}  # fmt: skip


@pytest.mark.parametrize("name", USERS)
def test_repl_tells_reason_and_hint(work: Workspace, name: str) -> None:
    act, code, told, hint = USERS[name]
    ended = act(work)
    assert ended.code == code, ended.text
    assert told in plain(ended), ended.text
    assert hint in plain(ended), ended.text
    work.scp.switch(entitled=True, denied_actions=(), clock_skew_s=0.0, account_header="optional")
    assert work.replications == []


def test_a_version_that_ended_has_its_place(work: Workspace) -> None:
    text = _old_version(work).text
    assert "providers.yaml:" in text
    assert 'apiVersion: "1.0"' in text or "apiVersion: '1.0'" in text


# The other region -------------------------------------------------------------------------------------------------


def test_the_other_region_is_not_there(work: Workspace) -> None:
    """What is read at the source alone goes on; what must be changed over there fails and says where."""
    work.apply()
    before = work.replication
    port = closed_port()
    work.providers(east={"endpoint": f"https://127.0.0.1:{port}"})
    work.settled()
    work.replicate(state="paused")
    planned = work.repl("plan")
    assert "REPL-W502" in planned.text
    ended = work.repl("apply", "--yes", "--no-verify")
    assert ended.code not in (0, 6), ended.text
    assert f"127.0.0.1:{port}" in plain(ended)
    assert "UNAVAILABLE" in plain(ended)
    assert work.replication == before
    work.providers()
    work.apply()
    assert work.replication["replication_policy"] == "paused"


def test_the_other_region_goes_away_in_the_middle_of_a_deletion(work: Workspace) -> None:
    """Paused, and not deleted: the next apply goes on."""
    work.another()
    work.apply()
    work.forget()
    work.scp.wire.faults.add(
        Emulated(kind="drop_before", emulator="scp", part=EAST, operation="deleteVolumeReplication", times=None)
    )
    ended = work.repl("apply", "--yes", "--no-verify", "--prune")
    assert ended.code not in (0, 6), ended.text
    assert "nothing was written" not in plain(ended)
    paused = [one["replication_policy"] for one in work.replications]
    assert sorted(paused) == ["paused", "use"]
    work.scp.mend()
    work.apply("--prune")
    assert [one["replication_policy"] for one in work.replications] == ["use"]


def test_manifests_without_the_other_regions_document(work: Workspace) -> None:
    (work.folder / "providers.yaml").write_text(dump_documents([_doc("west", provider_of(work))]))
    ended = work.repl("validate")
    assert ended.code == 1
    assert "one.yaml:" in ended.text
