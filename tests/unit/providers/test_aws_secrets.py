"""Secrets from AWS Secrets Manager, against moto's server."""

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from reconciler.errors import ErrorCode, ProviderError
from reconciler.providers.aws_secrets import secret_string


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-key-of-the-test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    yield f"http://{host}:{port}"
    running.stop()


def test_by_name_and_by_arn(server: str) -> None:
    assert server
    arn = boto3.client("secretsmanager").create_secret(Name="nas/password", SecretString="the-password")["ARN"]
    assert secret_string("nas/password") == "the-password"
    assert secret_string(arn) == "the-password"


def test_refusals_name_the_code_and_no_value(server: str) -> None:
    assert server
    boto3.client("secretsmanager").create_secret(Name="binary", SecretBinary=b"\x00\x01")
    for name, says in (("missing", "ResourceNotFoundException"), ("binary", "binary")):
        with pytest.raises(ProviderError, match=says) as caught:
            secret_string(name)
        assert caught.value.code is ErrorCode.SECRET
