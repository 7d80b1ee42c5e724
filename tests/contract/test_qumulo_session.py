"""Who the Qumulo provider is to a cluster, what it may send, and what its errors say."""

import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators import certificate as certificates
from reconciler.emulators.faults import Fault
from reconciler.errors import ErrorCode, ExitCode
from reconciler.model.change import Action
from reconciler.model.manifest import Location
from reconciler.model.step import Call
from reconciler.providers.base import Access
from tests.contract.qumulo_host import Host
from tests.contract.referee import Referee
from tests.lab.provider_error import failed
from tests.lab.qumulo import Lab
from tests.lab.rclone import ObjectServer
from tests.unit.providers.scripted import answer, serve

DOCUMENT = Path(__file__).parents[2] / "specs" / "qumulo" / "openapi.yaml"
LOGIN = "/v1/session/login"


@pytest.fixture
def host(lab: Lab, objects: ObjectServer, bucket: str) -> Iterator[Host]:
    lab.put("/my-dir/file.txt", "content")
    made = Host(lab, objects, bucket)
    yield made
    made.close()
    Referee(DOCUMENT).judge_all(lab.recorder.exchanges)


@pytest.fixture
def person(host: Host) -> Host:
    """The same host, logging in with a password."""
    host.provider = host.connect(username=host.lab.facts["username"], password={"env": "PASSWORD"})
    return host


def paths(host: Host) -> list[str]:
    return [row["path"] for row in host._rows()]


class TestLogin:
    def test_once_for_all_requests_and_threads(self, person: Host) -> None:
        threads = [threading.Thread(target=person.observe) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert paths(person).count(LOGIN) == 1
        assert person.secrets.sent == [("env:PASSWORD", f"127.0.0.1:{person.lab.facts['port']}")]

    def test_again_when_the_session_ended(self, person: Host) -> None:
        person.observe()
        person.lab.emulator.act("expire-sessions", {})
        person.observe()
        assert paths(person).count(LOGIN) == 2

    def test_again_before_a_write(self, person: Host) -> None:
        """A 401 says that nothing was done, so that the write may be sent again: one relationship comes of it."""
        plan = person.plan(Action.CREATE, person.flow())
        person.lab.emulator.act("expire-sessions", {})
        person.run(plan)
        assert paths(person).count(LOGIN) == 2
        assert len(person.observe().containers) == 1

    def test_again_in_the_middle_of_an_upload(self, person: Host) -> None:
        store = person.provider.store(Location(provider="nas-1", path="/my-dir"))
        person.observe()
        person.lab.faults.add(Fault(kind="status", status=401, method="PUT"))
        data = BytesIO(b"left outcontent")
        data.seek(8)
        store.write("up", data, 7)
        assert person.lab.read("/my-dir/up") == b"content"

    def test_only_once(self, person: Host) -> None:
        person.observe()
        person.lab.faults.add(Fault(kind="status", status=401, method="GET", times=None))
        assert failed(person.observe).code is ErrorCode.UNAUTHENTICATED
        assert paths(person).count(LOGIN) == 2

    @pytest.mark.parametrize("body", ["full", "empty"])
    def test_a_wrong_password(self, host: Host, body: str) -> None:
        host.lab.emulator.switch({"unauthorized_body": body})
        host.provider = host.connect(username="admin", password={"env": "WRONG"})
        error = failed(host.observe)
        assert (error.code, error.exit_code, error.status) == (ErrorCode.UNAUTHENTICATED, ExitCode.AUTH, 401)
        assert (error.operation, bool(error.message), bool(error.hint)) == (f"POST {LOGIN}", True, True)
        assert "hunter2" not in f"{error}{error!r}{error.hint}"
        assert paths(host) == [LOGIN]

    def test_an_answer_that_is_none(self, host: Host) -> None:
        with serve(answer(200, b'{"bearer_token": "1:a\\nb"}'), tls=host.lab.certificate.server_context()) as server:
            port = int(server.url.rpartition(":")[2])
            host.provider = host.connect(username="admin", password={"env": "WRONG"}, port=port)
            error = failed(host.observe)
        assert (error.code, "1:a" in str(error)) == (ErrorCode.PROTOCOL, False)


class TestTokens:
    def test_used_as_it_is(self, host: Host) -> None:
        host.observe()
        host.observe()
        assert LOGIN not in paths(host)
        assert host.secrets.sent == [("env:TOKEN", f"127.0.0.1:{host.lab.facts['port']}")]

    def test_one_that_is_not_known(self, host: Host) -> None:
        host.provider = host.connect(token={"env": "WRONG"})
        error = failed(host.observe)
        assert (error.code, error.exit_code, len(paths(host))) == (ErrorCode.UNAUTHENTICATED, ExitCode.AUTH, 1)
        assert "hunter2" not in f"{error}{error!r}"

    @pytest.mark.parametrize("token", ["", " ", "access-v1:a b", "access-v1:a\nb", "access-v1:ä", "access-v1:\x07"])
    def test_what_is_no_token_is_not_sent(self, host: Host, token: str) -> None:
        host.secrets.values["BAD"] = token  # type: ignore[index]
        host.provider = host.connect(token={"env": "BAD"})
        error = failed(host.observe)
        assert (error.code, error.exit_code) == (ErrorCode.SECRET, ExitCode.AUTH)
        assert "env:BAD" in (error.hint or "")
        assert token.strip() == "" or token not in f"{error}{error!r}{error.hint}"
        assert paths(host) == []

    def test_a_line_end_after_it_does_no_harm(self, host: Host) -> None:
        host.secrets.values["LINE"] = f"{host.lab.facts['token']}\n"  # type: ignore[index]
        host.provider = host.connect(token={"env": "LINE"})
        host.observe()


class TestReadOnly:
    def test_no_write_leaves_this_machine(self, host: Host) -> None:
        flow = host.flow()
        host.create(flow)
        plans = [host.plan(action, flow) for action in (Action.CREATE, Action.DELETE)]
        host.lab.put("/my-dir/.repl-canary/x", "x")
        reader = host.connect(Access.READ)
        store = reader.store(Location(provider="nas-1", path="/my-dir"))
        reader.observe(reader.scope(flow))
        seen, sent = len(paths(host)), len(host.secrets.sent)
        creates = [step for step in plans[0].steps if isinstance(step, Call)]
        deletes = [step for step in plans[1].steps if isinstance(step, Call) and step.id == "delete"]
        for call in creates + deletes:
            assert failed(lambda call=call: reader.execute(call, host.secrets)).code is ErrorCode.READ_ONLY  # type: ignore[misc]
        assert failed(lambda: store.write("new", BytesIO(b"x"), 1)).code is ErrorCode.READ_ONLY
        assert (len(paths(host)), len(host.secrets.sent)) == (seen, sent), "not even a secret was resolved"
        for act in (store.delete, store.purge):
            assert failed(lambda act=act: act(".repl-canary/x")).code is ErrorCode.READ_ONLY  # type: ignore[misc]
        assert [row["method"] for row in list(host._rows())[seen:]] == ["GET", "GET"]

    def test_logging_in_is_no_write(self, host: Host) -> None:
        reader = host.connect(Access.READ, username=host.lab.facts["username"], password={"env": "PASSWORD"})
        reader.observe(reader.scope(host.flow()))
        assert paths(host)[0] == LOGIN

    def test_refused_before_logging_in(self, host: Host) -> None:
        plan = host.plan(Action.CREATE, host.flow())
        seen = len(paths(host))
        reader = host.connect(Access.READ, username=host.lab.facts["username"], password={"env": "PASSWORD"})
        (create,) = plan.steps
        assert isinstance(create, Call)
        assert failed(lambda: reader.execute(create, host.secrets)).code is ErrorCode.READ_ONLY
        assert len(paths(host)) == seen


class TestConnections:
    def test_a_certificate_of_nobody_known(self, host: Host) -> None:
        host.provider = host.connect(caFile=None)
        error = failed(host.observe)
        assert (error.code, paths(host)) == (ErrorCode.TLS, [])
        assert "caFile" in (error.hint or "")

    def test_the_wrong_authority(self, host: Host, tmp_path: Path) -> None:
        host.provider = host.connect(caFile=str(certificates.issue(tmp_path).ca))
        assert failed(host.observe).code is ErrorCode.TLS
        assert paths(host) == []

    def test_a_relative_path_starts_at_the_base(self, host: Host) -> None:
        host.provider = host.connect(caFile="ca.pem")
        host.observe()

    def test_not_verifying(self, host: Host) -> None:
        host.provider = host.connect(caFile=None, verifyTls=False)
        host.observe()

    def test_a_cluster_that_restarts(self, host: Host) -> None:
        host.observe()
        host.lab.emulator.act("restart", {})
        host.observe()

    def test_closing_twice_and_going_on(self, host: Host) -> None:
        host.observe()
        host.provider.close()
        host.provider.close()
        host.observe()

    @pytest.mark.parametrize(
        ("status", "body"),
        [(200, b"<html>"), (200, b'{"a": 1}'), (200, b'[{"id": "1"}]'), (200, b""), (302, b""), (204, b"")],
    )
    def test_something_else_at_this_address(self, host: Host, status: int, body: bytes) -> None:
        with serve(answer(status, body), tls=host.lab.certificate.server_context()) as server:
            host.provider = host.connect(port=int(server.url.rpartition(":")[2]))
            error = failed(host.observe)
        assert (error.code, error.ambiguous) == (ErrorCode.PROTOCOL, False)

    def test_a_create_that_nobody_understands_may_have_happened(self, host: Host) -> None:
        plan = host.plan(Action.CREATE, host.flow())
        with serve(answer(200, b"{}"), tls=host.lab.certificate.server_context()) as server:
            host.provider = host.connect(port=int(server.url.rpartition(":")[2]))
            error = failed(lambda: host.run(plan))
        assert (error.code, error.ambiguous, len(server.requests)) == (ErrorCode.PROTOCOL, True, 1)

    def test_a_server_that_repeats_what_it_was_told(self, host: Host) -> None:
        plan = host.plan(Action.CREATE, host.flow())
        token, secret = host.lab.facts["token"], host.objects.secret_key
        said = f'{{"error_class": "decode_error", "description": "bad: {secret} from {token}"}}'.encode()
        with serve(answer(400, said), tls=host.lab.certificate.server_context()) as server:
            host.provider = host.connect(port=int(server.url.rpartition(":")[2]))
            error = failed(lambda: host.run(plan))
        assert error.message == "decode_error: bad: *** from ***"
        assert server.requests[0].headers["authorization"] == f"Bearer {token}"
        assert token not in repr(error.__cause__)

    @pytest.mark.parametrize("following", ["same", "https://elsewhere.example/", "/v1/auth/access-tokens/", "relative"])
    def test_a_next_page_that_leads_astray(self, host: Host, following: str) -> None:
        target = "/v1/files/%2Fd/entries/?limit=1000" if following == "same" else following
        page: Any = f'{{"files": [], "paging": {{"next": "{target}"}}}}'.encode()
        with serve(answer(200, page), tls=host.lab.certificate.server_context()) as server:
            opened = host.connect(port=int(server.url.rpartition(":")[2]))
            store = opened.store(Location(provider="nas-1", path="/d"))
            assert failed(lambda: list(store.list())).code is ErrorCode.PROTOCOL
        assert len(server.requests) == 1
