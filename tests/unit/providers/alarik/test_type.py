import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.model.manifest import Config
from reconciler.providers.alarik import TYPE
from reconciler.providers.alarik.config import AlarikConfig, AlarikOptions
from reconciler.providers.alarik.provider import AlarikProvider
from reconciler.providers.base import Capability
from tests.unit.providers.alarik.flows import FOREIGN_RULE, GIVEN, connection, flow, server

ZERO = "00000000-0000-0000-0000-000000000000"


def test_the_type_is_cheap_to_import() -> None:
    code = "import sys, reconciler.providers.alarik; print(sorted({'httpx', 'stamina', 'boto3'} & sys.modules.keys()))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_what_it_says_of_itself() -> None:
    info = TYPE.info
    assert (info.type, info.speaks, info.sends_to, info.pulls_from) == (
        "alarik", frozenset({"s3"}), frozenset({"s3"}), frozenset(),
    )  # fmt: skip
    assert Capability.LOOP_GUARD not in info.capabilities
    assert {
        "ALARIK-RULE-DISABLED", "ALARIK-QUEUE-PURGED", "ALARIK-STALE-CREDENTIALS", "ALARIK-RESYNC",
    } <= {rule.id for rule in info.effects}  # fmt: skip


def test_its_s3_face(tmp_path: Path) -> None:
    face = TYPE.s3_endpoint(server(caFile="ca.pem", region="eu-1").spec.config, tmp_path)
    assert face is not None
    assert (face.url, face.region, face.path_style) == ("https://alarik.example:8080", "eu-1", True)
    assert face.ca_file == str(tmp_path / "ca.pem")
    assert face.access_key_id == "AK"
    assert not face.holds_rules
    login = server(credentials=None, login={"username": "u", "password": {"env": "P"}})
    bare = TYPE.s3_endpoint(login.spec.config, tmp_path)
    assert bare is not None
    assert (bare.access_key_id, bare.secret_access_key, bare.ca_file) == (None, None, None)
    with pytest.raises(TypeError):
        TYPE.s3_endpoint(Config(), tmp_path)


def test_opening_touches_nothing(tmp_path: Path) -> None:
    opened = TYPE.connect(connection(tmp_path))
    assert isinstance(opened, AlarikProvider)
    assert opened.container(flow()).scope_ref == opened.scope(flow())
    assert str(opened.scope(flow())) == "ala:bucket/photos"
    assert not opened.replaces(("alarik", "endpoint"))
    source, destination = opened.ends(flow(prefix="p/"))
    assert (source.prefix, destination.bucket, destination.prefix) == ("p/", "photos-dr", "p/")
    assert list(opened.check(flow())) == []
    assert list(opened.check_together([flow()])) == []
    opened.close()
    opened.close()


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"endpoint": "https://a.example/"}, {"endpoint": "http://127.0.0.1:8080"}, {"endpoint": "http://localhost"},
        {"endpoint": "http://a.example", "insecure": True}, {"region": "my-region", "caFile": "c.pem"},
        {"credentials": None, "login": {"username": "u", "password": {"file": "p"}}},
        {"login": {"username": "u", "password": {"env": "P"}}},
    ],
)  # fmt: skip
def test_good_configurations(changes: dict[str, Any]) -> None:
    AlarikConfig.model_validate({**GIVEN, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"credentials": None}, "say who to be"),
        ({"endpoint": "http://a.example"}, "plain http"),
        ({"endpoint": "a.example"}, "written https"),
        ({"endpoint": "https://"}, "written https"),
        ({"endpoint": "https://[::1"}, "written https"),
        ({"endpoint": "https://a:0"}, "written https"),
        ({"endpoint": "https://u:p@a"}, "no user"),
        ({"endpoint": "https://a/b"}, "no path"),
        ({"region": ""}, "at least 1"),
        ({"region": "a b"}, "pattern"),
        ({"credentials": {"accessKeyId": "A", "secretAccessKey": "hunter2"}}, "a secret is written as a reference"),
        ({"login": {"username": "u", "password": "hunter2"}}, "a secret is written as a reference"),
        ({"regoin": "x"}, "Extra"),
    ],
)
def test_bad_configurations(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        AlarikConfig.model_validate({**GIVEN, **changes})
    assert all("hunter2" not in one["msg"] for one in caught.value.errors())


def test_one_server_is_one_system() -> None:
    one = AlarikConfig.model_validate({**GIVEN, "endpoint": "https://A.example"})
    other = AlarikConfig.model_validate(
        {**GIVEN, "endpoint": "https://a.example:443/", "credentials": None,
         "login": {"username": "u", "password": {"env": "P"}}}
    )  # fmt: skip
    assert one.system() == other.system() == one.address == "a.example:443"
    assert AlarikConfig.model_validate({**GIVEN, "endpoint": "http://[::1]"}).address == "[::1]:80"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"generation": 0}, "greater"),
        ({"id": "mine"}, "UUID"),
        ({"id": ZERO}, "all-zero"),
        ({"id": FOREIGN_RULE, "generation": 2}, "`id` or `generation`"),
        ({"synchronos": True}, "Extra"),
    ],
)
def test_bad_options(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AlarikOptions.model_validate(given)
