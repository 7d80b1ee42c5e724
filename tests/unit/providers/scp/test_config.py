"""What people may write about a region and a replication."""

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.providers.scp import TYPE
from reconciler.providers.scp.config import ScpConfig, ScpOptions
from tests.unit.providers.scp.flows import KEYS

BASE = {"region": "kr-west1", "environment": "e", "credentials": KEYS}


def config(**changes: Any) -> ScpConfig:
    return ScpConfig.model_validate(BASE | changes)


def problem(**changes: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        config(**changes)
    return str(raised.value)


def test_the_endpoint_follows_from_region_and_environment() -> None:
    assert config().url == "https://filestorage.kr-west1.e.samsungsdscloud.com"
    assert config(region="kr-south2", environment="g").address == "filestorage.kr-south2.g.samsungsdscloud.com:443"
    assert config(endpoint="https://scp.example:8443/").url == "https://scp.example:8443"
    assert config(endpoint="http://127.0.0.1:80").address == "127.0.0.1:80"


@pytest.mark.parametrize("version", ["1.0", 1.0])
def test_the_ended_version_is_refused_with_its_last_day(version: Any) -> None:
    assert "2025-12-31" in problem(apiVersion=version)


@pytest.mark.parametrize("version", ["1.1", 1.1])
def test_the_current_version_may_be_written(version: Any) -> None:
    assert config(apiVersion=version).api_version == "1.1"


def test_other_versions_are_not_spoken() -> None:
    assert "only File Storage API 1.1" in problem(apiVersion="2.0")


@pytest.mark.parametrize(
    "endpoint",
    ["ftp://x", "https://", "https://u:p@h", "https://h/path", "https://h?q=1", "http://scp.example", "https://h:x"],
)
def test_endpoints_that_cannot_be_used(endpoint: str) -> None:
    assert "endpoint" in problem(endpoint=endpoint)


def test_regions_and_environments_are_of_the_services_form() -> None:
    assert "region" in problem(region="KR West")
    assert "environment" in problem(environment="x")


def test_secrets_are_references() -> None:
    text = problem(credentials={"accessKey": "AK", "secretKey": "s3cr3t"})
    assert "reference" in text
    with pytest.raises(ValidationError):
        ScpOptions.model_validate({"cifsPassword": "cifspwd0!!"})


@pytest.mark.parametrize("options", [{"retention": 0}, {"retention": 129}, {"type": "mirror"}, {"priority": 1}])
def test_options_out_of_bounds(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ScpOptions.model_validate(options)


def test_a_system_is_one_account_in_one_region() -> None:
    names = {config().system(), config(accountId="a1").system(), config(region="kr-east1").system()}
    assert len(names) == 3
    assert config().system() == config(credentials=KEYS | {"accessKey": "other"}).system()


def test_the_type_has_no_s3_face(tmp_path: Any) -> None:
    assert TYPE.s3_endpoint(config(), tmp_path) is None
