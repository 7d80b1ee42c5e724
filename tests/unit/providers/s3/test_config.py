"""What can be written about an S3 provider."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.model.secret import SecretRef
from reconciler.providers.s3 import TYPE
from reconciler.providers.s3.config import S3Config, S3Options

KEYS = {"accessKeyId": "AKIA", "secretAccessKey": {"env": "SECRET"}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"flavour": "minio"}, "flavour"),
        ({"flavour": "rgw"}, "needs an `endpoint`"),
        ({"flavour": "generic"}, "needs an `endpoint`"),
        ({"endpoint": "s3.example.org"}, "https://host"),
        ({"endpoint": "ftp://host"}, "https://host"),
        ({"endpoint": "https://"}, "https://host"),
        ({"endpoint": "https://host:99999"}, "https://host"),
        ({"endpoint": "https://[::1"}, "https://host"),
        ({"endpoint": "https://me:secret@host"}, "no user and no password"),
        ({"endpoint": "https://host/bucket"}, "no path"),
        ({"endpoint": "https://host?x=y"}, "no path"),
        ({"endpoint": "http://nas.example.org:9000"}, "plain http"),
        ({"endpoint": "http://10.0.0.1"}, "plain http"),
        ({"region": "eu west"}, "region"),
        ({"region": ""}, "region"),
        ({"role": "repl"}, "role/<name>"),
        ({"account": "12345"}, "account"),
        ({"destinationForm": "bare"}, "takes ARNs only"),
        ({"profile": "x", "credentials": KEYS}, "either"),
        ({"credentials": {"accessKeyId": "AKIA"}}, "secretAccessKey"),
        ({"credentials": {"accessKeyId": "AKIA", "secretAccessKey": "hunter2"}}, "reference"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_makes_no_sense_is_refused_and_no_secret_is_repeated(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        S3Config.model_validate(config)
    assert not any("hunter2" in str(error["msg"]) for error in caught.value.errors())


@pytest.mark.parametrize(
    "endpoint", ["http://localhost:9000", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:9000", "https://nas"]
)
def test_endpoints_on_this_machine_or_with_tls_need_no_word(endpoint: str) -> None:
    assert S3Config(endpoint=endpoint).url == endpoint


def test_plain_http_elsewhere_has_to_be_asked_for() -> None:
    assert S3Config(endpoint="http://10.0.0.1/", insecure=True).url == "http://10.0.0.1"


@pytest.mark.parametrize(
    ("config", "url", "in_path"),
    [
        ({}, "https://s3.us-east-1.amazonaws.com", False),
        ({"region": "cn-north-1"}, "https://s3.cn-north-1.amazonaws.com.cn", False),
        ({"path_style": True}, "https://s3.us-east-1.amazonaws.com", True),
        ({"endpoint": "https://Nas:9000/"}, "https://Nas:9000", True),
        ({"endpoint": "https://nas", "path_style": False}, "https://nas", False),
    ],
)
def test_where_requests_go(config: dict[str, Any], url: str, in_path: bool) -> None:
    made = S3Config(**config)
    assert (made.url, made.in_path) == (url, in_path)


def test_one_system_is_one_partition_or_one_endpoint() -> None:
    assert S3Config(region="eu-west-1").system() == S3Config(region="us-east-1").system() == "aws"
    assert S3Config(region="cn-north-1").system() == "aws-cn"
    assert S3Config(endpoint="https://NAS:1").system() == S3Config(endpoint="https://nas:1", region="x").system()
    assert S3Config(endpoint="https://nas").system() == S3Config(endpoint="https://nas:443/").system() == "nas:443"
    assert S3Config(endpoint="https://s3.eu-west-1.amazonaws.com").system() == "aws"


def test_others_are_told_how_to_reach_it(tmp_path: Path) -> None:
    config = S3Config.model_validate({"endpoint": "https://nas:9000", "caFile": "ca.pem", "credentials": KEYS})
    endpoint = TYPE.s3_endpoint(config, tmp_path)
    assert endpoint is not None
    assert (endpoint.url, endpoint.path_style, endpoint.region) == ("https://nas:9000", True, "us-east-1")
    assert endpoint.ca_file == str(tmp_path / "ca.pem")
    assert endpoint.secret_access_key == SecretRef(env="SECRET")
    assert TYPE.s3_endpoint(S3Config(), tmp_path).access_key_id is None  # type: ignore[union-attr]


def test_settings_of_another_type_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        TYPE.s3_endpoint(S3Options(), tmp_path)  # type: ignore[arg-type]


def test_a_rule_id_has_255_characters() -> None:
    S3Options(id="x" * 255)
    with pytest.raises(ValidationError):
        S3Options(id="x" * 256)


def test_knowing_the_type_imports_no_sdk() -> None:
    code = (
        "import sys, reconciler.providers.s3 as s; s.TYPE.info; print([m for m in sys.modules if m.startswith('boto')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
