"""What is told when SCP refuses, is slow, or answers nonsense: reason, code, request and a way out."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault as Emulated
from reconciler.emulators.message import Reply
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.secret import SecretRef
from reconciler.providers.base import Access, Connection
from reconciler.providers.scp.client import ScpClient
from reconciler.testing.harness import WORKSPACE
from tests.contract.harnesses.scp import LIST, SHOW, ScpHarness, Way
from tests.contract.harnesses.wire import cut_off, page_of_a_proxy
from tests.contract.scp_workspace import Workspace, opened
from tests.lab.command import Ended
from tests.lab.scp import EAST

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


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


def fault(work: Workspace, operation: str, status: int, **more: Any) -> None:
    kind = {"kind": "status", "emulator": "scp", "operation": operation, "status": status, "times": None}
    work.scp.wire.faults.add(Emulated.model_validate(kind | more))


def plain(ended: Ended) -> str:
    return " ".join(ended.text.split())


# Reading ----------------------------------------------------------------------------------------------------------

READS: dict[int, tuple[int, str, str]] = {
    # Status of every answer: exit code, what is told, and what the hint says.
    400: (1, "INVALID_ARGUMENT 400: BadRequest", ""),
    401: (8, "UNAUTHENTICATED 401: Unauthorized", "this machine's clock"),
    403: (8, "PERMISSION_DENIED 403: Forbidden", "filestorage:*VolumeReplication"),
    409: (1, "CONFLICT 409: Conflict", "another change of the same volume"),
    429: (1, "RATE_LIMITED 429: TooManyRequests", ""),
    500: (1, "UNAVAILABLE 500: ContactAdminForAssistance", "its operators find the request by its id"),
}
GATEWAY = {502: "HTTP status 502 of the gateway", 503: "HTTP status 503 of the gateway",
           504: "HTTP status 504 of the gateway"}  # fmt: skip


@pytest.mark.parametrize("status", READS)
def test_a_refused_read_is_told_with_its_request(work: Workspace, status: int) -> None:
    code, told, hint = READS[status]
    work.scp.mark()
    fault(work, LIST, status)
    ended = work.repl("plan")
    assert ended.code == code, ended.text
    assert told in plain(ended)
    assert "[request req-" in plain(ended)
    assert hint in plain(ended)
    assert "ListVolumeReplications" in plain(ended)
    assert [one for one in work.scp.requests() if one.write] == []


@pytest.mark.parametrize("status", GATEWAY)
def test_a_gateway_that_fails_is_told_apart(work: Workspace, status: int) -> None:
    """Its answer is no envelope, and has no request id."""
    fault(work, LIST, status)
    ended = work.repl("plan")
    assert ended.code == 1
    assert f"UNAVAILABLE {status}: {GATEWAY[status]}" in plain(ended)
    assert "try again later" in plain(ended)


def test_a_volume_that_vanishes_is_no_error_of_a_read(work: Workspace) -> None:
    """404 of a list is what the service says of a volume that is not there."""
    fault(work, LIST, 404)
    ended = work.repl("plan")
    assert ended.code == 0, ended.text
    assert "create" in ended.text


def test_reads_are_repeated(work: Workspace) -> None:
    fault(work, LIST, 503, times=2)
    fault(work, LIST, 429, times=1, retry_after=0)
    assert work.repl("plan").code == 0


# Answers that are none --------------------------------------------------------------------------------------------


def garbage(body: bytes, status: int = 200, kind: str = "application/json") -> Callable[[Reply], Reply]:
    return lambda _reply: Reply(status, (("Content-Type", kind),), body)


NONSENSE: dict[str, tuple[Callable[[Reply], Reply], str]] = {
    "a page of a proxy": (page_of_a_proxy, "the answer is not as documented"),
    "cut off": (cut_off, "the answer is not as documented"),
    "nothing": (garbage(b""), "the answer is not as documented"),
    "another shape": (garbage(b'{"replications": [{"replication_id": 7}]}'), "0.source_volume_id (missing)"),
    "a list": (garbage(b"[]"), "the answer is not as documented"),
    "no UTF-8": (garbage(b'{"replications": "\xff\xfe"}'), "the answer is not as documented"),
    "a page with 502": (garbage(HTML, 502, "text/html"), "HTTP status 502 of the gateway"),
    "a page with 403": (garbage(HTML, 403, "text/html"), "PERMISSION_DENIED 403"),
    "an empty envelope": (garbage(b'{"errors": []}', 500), "HTTP status 500 of the gateway"),
    "an odd envelope": (garbage(b'{"errors": [{"code": null, "detail": {"a": 1}}]}', 400), '{"a": 1}'),
}  # fmt: skip


@pytest.mark.parametrize("operation", [LIST, SHOW])
@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_told_and_nothing_is_planned_by_it(work: Workspace, name: str, operation: str) -> None:
    mangler, told = NONSENSE[name]
    work.apply()
    work.replicate(state="paused")
    work.scp.wire.mangle(operation, mangler)
    for command in (("plan",), ("drift",)):
        ended = work.repl(*command)
        assert ended.code in (1, 8), ended.text
        if operation == LIST:
            assert told in plain(ended)
        assert "<html" not in ended.text
    assert ended.code in (1, 8)
    refused = work.refused(ended.code)
    assert "nothing was written" in plain(refused)
    work.scp.mend()
    assert work.replication["replication_policy"] == "use"
    work.apply()
    work.settled()


# Writing ----------------------------------------------------------------------------------------------------------

WRITES: dict[int, tuple[int, str, str]] = {
    400: (1, "INVALID_ARGUMENT 400", "plan again, which looks at these"),
    401: (8, "UNAUTHENTICATED 401", "this machine's clock"),
    403: (8, "PERMISSION_DENIED 403", "filestorage:*VolumeReplication"),
    409: (1, "CONFLICT 409", "the name is taken"),
    429: (1, "RATE_LIMITED 429", ""),
    500: (1, "UNAVAILABLE 500", "by its id"),
    503: (1, "UNAVAILABLE 503", "try again later"),
}


@pytest.mark.parametrize("status", WRITES)
def test_a_refused_creation_leaves_nothing_and_can_be_repeated(work: Workspace, status: int) -> None:
    """After 5xx nobody knows: it is looked for, and sent again only as it is not there."""
    _, told, hint = WRITES[status]
    fault(work, "createVolumeReplication", status)
    ended = work.repl("apply", "--yes", "--no-verify")
    assert ended.code not in (0, 2, 6), ended.text
    assert told in plain(ended), ended.text
    assert hint in plain(ended), ended.text
    assert ("[request req-" in plain(ended)) == (status != 503)
    assert "CreateVolumeReplication" in plain(ended)
    assert work.replications == []
    work.scp.mend()
    work.apply()
    assert len(work.replications) == 1
    work.settled()


@pytest.mark.parametrize("status", WRITES)
def test_of_two_changes_the_first_is_not_denied(work: Workspace, status: int) -> None:
    """One request was carried out: nobody says that nothing was written."""
    work.apply()
    work.replicate(state="paused", schedule={"every": "1d"})
    fault(work, "setVolumeReplication", status, after=1)
    ended = work.repl("apply", "--yes", "--no-verify")
    assert ended.code not in (0, 2, 6), ended.text
    assert "nothing was written" not in plain(ended)
    assert WRITES[status][1] in plain(ended), ended.text
    shown = work.replication
    assert (shown["replication_frequency"], shown["replication_policy"]) == ("daily", "use")
    work.scp.mend()
    assert work.calls() == [("SetVolumeReplication", f"pause it: nothing is copied from then on, at {EAST}")]
    work.apply()
    work.settled()


def test_a_creation_without_a_readable_answer_is_not_repeated(work: Workspace) -> None:
    """A gateway that answers in its own words has passed the request on: two volumes would be billed."""
    recorder = work.scp.wire.recorder
    recorder.clear()
    work.scp.wire.faults.add(
        Emulated(kind="timeout", emulator="scp", operation="createVolumeReplication", seconds=0.05, commit=True)
    )
    work.apply()
    posts = [one for one in recorder.exchanges if one.method == "POST"]
    assert len(posts) == 1
    work.settled()


# Slow answers -----------------------------------------------------------------------------------------------------


def client_of(scp: ScpHarness, access: Access = Access.WRITE, timeout_s: float = 0.2) -> ScpClient:
    connection = Connection(
        doc=scp.docs["west"], secrets=scp.secrets, access=access, base=Path("/"), workspace=WORKSPACE,
        timeout_s=timeout_s,
    )  # fmt: skip
    return ScpClient(connection, scp.docs["west"])


@pytest.mark.parametrize("kind", ["slow", "timeout"])
def test_an_answer_that_does_not_come_in_time(work: Workspace, kind: str) -> None:
    client = client_of(work.scp)
    work.scp.wire.faults.add(Emulated.model_validate({"kind": kind, "emulator": "scp", "seconds": 1, "times": None}))
    with pytest.raises(ProviderError) as read:
        client.replications(work.source_id)
    with pytest.raises(ProviderError) as written:
        client.create({"name": "late_x", "volume_id": work.source_id})
    client.close()
    for error in (read.value, written.value):
        assert (error.code, error.message) == (ErrorCode.UNAVAILABLE, "no answer within 0.2 s")
        assert "reachable from here?" in (error.hint or "")
    assert (read.value.ambiguous, written.value.ambiguous) == (False, True)


def test_a_server_that_drips(work: Workspace) -> None:
    """An answer of endless small pieces ends too."""
    release = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            held, _ = server.accept()
            with held:
                held.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
                while not release.wait(0.05):
                    try:
                        held.sendall(b" ")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        doc = work.scp.docs["west"]
        config = doc.spec.config.model_copy(
            update={"endpoint": f"http://127.0.0.1:{server.getsockname()[1]}", "ca_file": None}
        )
        doc = doc.model_copy(update={"spec": doc.spec.model_copy(update={"config": config})})
        connection = Connection(
            doc=doc, secrets=work.scp.secrets, access=Access.WRITE, base=Path("/"), workspace=WORKSPACE, timeout_s=0.2
        )
        client = ScpClient(connection, doc)
        with pytest.raises(ProviderError) as error:
            client.create({"name": "late_x"})
        release.set()
        client.close()
    assert (error.value.code, error.value.ambiguous) == (ErrorCode.UNAVAILABLE, True)


# Secrets in what is told ------------------------------------------------------------------------------------------


def test_what_a_server_repeats_is_concealed(work: Workspace) -> None:
    """A gateway that quotes the request in its page must not make a password readable."""
    work.scp.secrets.put(CIFS_PASSWORD="an0ther!one")
    quoting = garbage(b'{"errors": [{"code": "BadRequest", "detail": "bad: an0ther!one"}]}', 400)
    work.scp.wire.mangle(LIST, quoting)
    client = client_of(work.scp, timeout_s=10)
    secret = work.scp.secrets.resolve(SecretRef(env="CIFS_PASSWORD")).get_secret_value()
    client.conceal(secret)
    with pytest.raises(ProviderError) as error:
        client.replications(work.source_id)
    client.close()
    seen = f"{error.value}{error.value!r}{error.value.hint}{error.value.__cause__!r}"
    assert secret not in seen
    assert "bad: ***" in seen


def test_a_password_that_the_service_repeats_is_not_printed(scp: ScpHarness, tmp_path: Path) -> None:
    with opened(scp, tmp_path, "CIFS") as work, scp.hurried():
        password = scp.secrets.by_name["CIFS_PASSWORD"]
        body = f'{{"errors": [{{"code": "BadRequest", "detail": "bad: {password}"}}]}}'
        work.replicate(scp={"cifsPassword": {"env": "CIFS_PASSWORD"}})
        work.scp.wire.mangle(SHOW, garbage(body.encode(), 400))
        ended = work.repl("apply", "--yes", "--no-verify")
        assert "bad: ***" in plain(ended), ended.text
        kept = [one.read_text() for one in (work.folder / ".repl").rglob("*") if one.is_file()]
        assert kept
        assert not [one for one in kept if password in one]
