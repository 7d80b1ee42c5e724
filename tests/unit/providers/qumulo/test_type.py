import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from reconciler.providers.base import Capability
from reconciler.providers.qumulo import TYPE
from reconciler.providers.qumulo.config import QumuloConfig, QumuloOptions
from reconciler.providers.qumulo.provider import QumuloProvider
from tests.unit.providers.qumulo.flows import cluster, connection

TOKEN = {"token": {"env": "T"}}


def test_the_type_is_cheap_to_import() -> None:
    code = "import sys, reconciler.providers.qumulo; print(sorted({'httpx', 'stamina', 'boto3'} & sys.modules.keys()))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_what_it_says_of_itself(tmp_path: Path) -> None:
    info = TYPE.info
    assert (info.type, info.speaks, info.sends_to, info.pulls_from) == ("qumulo", frozenset(), {"s3"}, {"s3"})
    assert info.capabilities == {Capability.RESYNC, Capability.STORE}
    assert (info.location_keys, info.required_location_keys) == ({"path"}, {"path"})
    assert [rule.id for rule in info.effects] == ["QUMULO-REPLACE", "QUMULO-ONE-SHOT", "QUMULO-READ-ONLY"]
    assert (Path(__file__).parents[4] / info.spec).is_file()
    assert TYPE.s3_endpoint(cluster().spec.config, tmp_path) is None


def test_opening_touches_nothing(tmp_path: Path) -> None:
    opened = TYPE.connect(connection(tmp_path, caFile="no/such.pem"))
    assert isinstance(opened, QumuloProvider)
    opened.close()
    opened.close()


@pytest.mark.parametrize(
    "given",
    [
        {"host": "nas", **TOKEN},
        {"host": "NAS-1.example.com", "port": 443, "username": "admin", "password": {"file": "p"}},
        {"host": "10.0.0.1", **TOKEN},
        {"host": "::1", **TOKEN},
        {"host": "fe80::1", "caFile": "ca.pem", "verifyTls": False, **TOKEN},
    ],
)
def test_good_configurations(given: dict[str, object]) -> None:
    QumuloConfig.model_validate(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"host": "nas"}, "either `token`"),
        ({"host": "nas", **TOKEN, "username": "a", "password": {"env": "P"}}, "either `token`"),
        ({"host": "nas", "username": "a"}, "go together"),
        ({"host": "nas", "password": {"env": "P"}}, "go together"),
        ({"host": "https://nas", **TOKEN}, "pattern"),
        ({"host": "nas:8000", **TOKEN}, "pattern"),
        ({"host": "nas\n", **TOKEN}, "pattern"),
        ({"host": "a" * 254, **TOKEN}, "253"),
        ({"host": "nas", "port": 0, **TOKEN}, "greater"),
        ({"host": "nas", "tokn": 1, **TOKEN}, "Extra"),
    ],
)
def test_bad_configurations(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        QumuloConfig.model_validate(given)


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (QumuloConfig, {"host": "nas", "token": "hunter2"}),
        (QumuloConfig, {"host": "nas", "username": "a", "password": "hunter2"}),
        (QumuloOptions, {"credentials": {"accessKeyId": "A", "secretAccessKey": "hunter2"}}),
    ],
)
def test_a_literal_secret_is_refused_without_repeating_it(model: type[QumuloConfig], given: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    assert all("hunter2" not in one["msg"] for one in caught.value.errors())
    assert "a secret is written as a reference" in str(caught.value.errors()[0]["msg"])


def test_one_cluster_is_one_system() -> None:
    first = QumuloConfig.model_validate({"host": "NAS", **TOKEN})
    second = QumuloConfig.model_validate({"host": "nas", "username": "a", "password": {"env": "P"}})
    assert first.system() == second.system() == "nas:8000"
