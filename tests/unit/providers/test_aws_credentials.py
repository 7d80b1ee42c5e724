"""Whom AWS clients sign for, and that nothing of it is told to anybody."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler import __version__
from reconciler.errors import ErrorCode, ExitCode
from reconciler.providers.s3.provider import S3Provider
from tests.unit.providers.aws_requests import EMPTY, PUT, SCOPE, failed, refusal
from tests.unit.providers.s3.connections import SECRET, Secrets, keys, opened
from tests.unit.providers.scripted import answer, serve


def test_requests_carry_our_name_and_are_signed_for_the_region() -> None:
    with serve(answer(200, EMPTY)) as server, opened(endpoint=server.url, region="eu-west-3") as provider:
        provider.observe(SCOPE)
        headers = server.requests[0].headers
    assert headers["user-agent"].startswith(f"repl/{__version__}")
    assert "/eu-west-3/s3/aws4_request" in headers["authorization"]


def test_secrets_are_asked_for_late_and_for_the_host_they_go_to() -> None:
    secrets = Secrets()
    named = {"accessKeyId": {"env": "KEY"}, "secretAccessKey": {"env": "SECRET"}, "sessionToken": {"env": "SECRET"}}
    with (
        serve(answer(200, EMPTY)) as server,
        opened(endpoint=server.url, secrets=secrets, credentials=named) as provider,
    ):
        assert secrets.given == []
        provider.observe(SCOPE)
        port = server.url.rpartition(":")[2]
        assert secrets.given == [(f"env:{name}", f"127.0.0.1:{port}") for name in ("KEY", "SECRET", "SECRET")]
        assert "Credential=AKIAFROMELSEWHERE/" in server.requests[0].headers["authorization"]
        assert server.requests[0].headers["x-amz-security-token"] == SECRET
        assert SECRET not in repr(provider) + repr(vars(provider))


def test_no_log_at_any_level_has_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    named = keys() | {"sessionToken": {"env": "SECRET"}}
    with (
        caplog.at_level(logging.DEBUG),
        serve(answer(200, EMPTY), answer(200)) as server,
        opened(endpoint=server.url, credentials=named) as provider,
    ):
        provider.observe(SCOPE)
        provider.execute(PUT, Secrets())
    assert caplog.records
    assert SECRET not in caplog.text


def test_a_secret_that_is_missing_is_told_and_asked_for_again() -> None:
    with (
        serve(answer(200, EMPTY)) as server,
        opened(endpoint=server.url, credentials=keys(secret="NOWHERE")) as provider,
    ):
        for _ in range(2):
            assert failed(lambda: provider.observe(SCOPE)).code is ErrorCode.SECRET
        assert server.requests == []


@pytest.mark.parametrize("config", [{}, {"profile": "nobody"}])
def test_without_credentials_the_way_to_give_some_is_told(config: dict[str, Any]) -> None:
    with serve(answer(200, EMPTY)) as server, opened(endpoint=server.url, credentials=None, **config) as provider:
        error = failed(lambda: provider.observe(SCOPE))
        assert server.requests == []
    assert error.code is ErrorCode.UNAUTHENTICATED
    assert error.exit_code is ExitCode.AUTH
    assert "AWS_ACCESS_KEY_ID" in (error.hint or "")


def test_a_profile_is_used(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[mine]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n")
    with (
        serve(answer(200, EMPTY)) as server,
        opened(endpoint=server.url, credentials=None, profile="mine") as provider,
    ):
        provider.observe(SCOPE)
        assert "Credential=AKIAPROFILE/" in server.requests[0].headers["authorization"]


@pytest.mark.parametrize("act", [lambda p: p.execute(PUT, Secrets()), lambda p: next(p.discover())])
def test_a_server_that_says_the_whole_request_again_gives_nothing_away(act: Callable[[S3Provider], object]) -> None:
    token = 'token+/with=="odd"&signs'

    def echo(connection: Any) -> None:
        said = f"x-amz-security-token: {token} {token.replace('+', '%2B')} Authorization: Signature=0123abcdef"
        body = refusal("AccessDenied", said.replace("&", "&amp;") + "y" * 5000)
        answer(403, body, x_amz_request_id=token)(connection)

    secrets = Secrets({"SECRET": SECRET, "TOKEN": token})
    given = keys() | {"sessionToken": {"env": "TOKEN"}}
    with serve(echo) as server, opened(endpoint=server.url, credentials=given, secrets=secrets) as provider:
        error = failed(lambda: act(provider))
    told = f"{error} {error.hint} {error.request_id}"
    assert token not in told
    assert "0123abcdef" not in told
    assert "***" in told
    assert len(told) < 1000
