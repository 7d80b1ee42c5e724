"""The type as the registry sees it, its settings, and the pure half of an open provider."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Config, Location
from reconciler.model.step import Await, Call
from reconciler.providers.base import Access, Capability
from reconciler.providers.bos import TYPE
from reconciler.providers.bos.config import BosConfig, BosOptions
from reconciler.providers.bos.convert import identity_of
from reconciler.providers.bos.provider import BosProvider
from tests.unit.providers.bos.connections import connection
from tests.unit.providers.bos.flows import KEYS, flow, rule, seen


def config(**settings: Any) -> BosConfig:
    return BosConfig.model_validate({"region": "bj", "credentials": KEYS, **settings})


@pytest.fixture
def provider() -> Iterator[BosProvider]:
    opened = TYPE.connect(connection(access=Access.READ))
    assert isinstance(opened, BosProvider)
    yield opened
    opened.close()
    opened.close()


def test_the_type_is_cheap_to_import() -> None:
    code = "import sys, reconciler.providers.bos; print({'httpx', 'stamina', 'boto3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_bos_can_hold() -> None:
    info = TYPE.info
    assert Capability.LOOP_GUARD not in info.capabilities
    assert {Capability.PAUSE, Capability.RESYNC, Capability.OWNERSHIP_MARK} <= info.capabilities
    assert info.speaks == {"bos", "s3"}
    assert info.sends_to == {"bos"}
    assert not info.pulls_from


@pytest.mark.parametrize(
    ("settings", "url", "s3_url", "in_path", "address"),
    [
        ({}, "https://bj.bcebos.com", "https://s3.bj.bcebos.com", False, "bj.bcebos.com:443"),
        ({"endpoint": "https://127.0.0.1:9/"}, "https://127.0.0.1:9", "https://s3.bj.bcebos.com", True, "127.0.0.1:9"),
        ({"endpoint": "http://localhost"}, "http://localhost", "https://s3.bj.bcebos.com", True, "localhost:80"),
        ({"endpoint": "https://[::1]:9", "s3Endpoint": "https://s.example"}, "https://[::1]:9", "https://s.example",
         True, "[::1]:9"),
        ({"endpoint": "https://bos.example:8443"}, "https://bos.example:8443", "https://s3.bj.bcebos.com", False,
         "bos.example:8443"),
    ],
)  # fmt: skip
def test_addresses(settings: dict[str, Any], url: str, s3_url: str, in_path: bool, address: str) -> None:
    made = config(**settings)
    assert (made.url, made.s3_url, made.in_path, made.address) == (url, s3_url, in_path, address)


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint": "bj.bcebos.com"},
        {"endpoint": "ftp://bj.bcebos.com"},
        {"endpoint": "https://user:pw@bj.bcebos.com"},
        {"endpoint": "https://bj.bcebos.com/v1"},
        {"endpoint": "https://bj.bcebos.com:99999"},
        {"endpoint": "http://bj.bcebos.com"},
        {"s3Endpoint": "http://10.0.0.1"},
        {"region": "BJ"},
        {"region": "a.b"},
        {"credentials": {"accessKeyId": "AK"}},
        {"credentials": None},
        {"unknown": 1},
    ],
)
def test_settings_that_do_not_do(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**settings)


@pytest.mark.parametrize("options", [{"id": ""}, {"resources": []}, {"historyStorageClass": ""}, {"unknown": 1}])
def test_options_that_do_not_do(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BosOptions.model_validate(options)


def test_all_regions_are_one_system_and_other_endpoints_are_others() -> None:
    assert config().system() == config(region="gz").system() == "bcebos.com"
    assert config(endpoint="https://bos.example").system() == "https://bos.example"


def test_the_s3_face_for_others() -> None:
    face = TYPE.s3_endpoint(config(caFile="ca.pem"), Path("/w"))
    assert face is not None
    assert (face.url, face.region, face.path_style, face.ca_file, face.access_key_id, face.holds_rules) == (
        "https://s3.bj.bcebos.com", "bj", False, "/w/ca.pem", "AK", False,
    )  # fmt: skip
    assert face.secret_access_key is not None


def test_keys_of_a_session_are_not_handed_on() -> None:
    face = TYPE.s3_endpoint(config(credentials={**KEYS, "sessionToken": {"env": "T"}}), Path("/w"))
    assert face is not None
    assert (face.access_key_id, face.secret_access_key) == (None, None)


def test_settings_of_another_type_are_refused() -> None:
    with pytest.raises(TypeError):
        TYPE.s3_endpoint(Config(), Path("/"))


def test_scope_container_and_identity(provider: BosProvider) -> None:
    subject = flow(options={"id": "r1"})
    assert str(provider.scope(subject)) == "bos-bj:bucket/src"
    assert str(provider.container(subject)) == "bos-bj:bucket/src#r1"
    assert provider.normalise(subject).identity == "r1"
    assert provider.container(flow()).key == identity_of(flow())


@pytest.mark.parametrize(
    ("source", "there", "ends"),
    [(None, None, (None, None)), ("app/", None, ("app/", "app/")), ("app/", "dr/", ("app/", "dr/app/")),
     (None, "dr/", (None, "dr/"))],
)  # fmt: skip
def test_copies_keep_their_key_behind_the_prefix(
    provider: BosProvider, source: str | None, there: str | None, ends: tuple[str | None, str | None]
) -> None:
    one, other = provider.ends(flow(source={"prefix": source}, destination={"prefix": there}))
    assert (one.prefix, other.prefix) == ends
    assert (one.bucket, other.bucket) == ("src", "dst")


def test_only_the_id_cannot_change_in_place(provider: BosProvider) -> None:
    assert provider.replaces(("bos", "id"))
    assert not provider.replaces(("destination", "bucket"))


def test_bos_copies_by_itself(provider: BosProvider) -> None:
    assert provider.start(provider.normalise(flow())) is None


def test_findings_and_manifests_come_through(provider: BosProvider) -> None:
    assert [one.code for one in provider.check(flow(storage_class="X"))] == ["REPL-C311"]
    assert len(list(provider.check_together([flow("a"), flow("b")]))) == 2
    assert [item.suggested_name for item in provider.imported(seen(rule(id="r1")))] == ["r1"]


def test_words_that_nobody_knows_are_refused(provider: BosProvider) -> None:
    wait = Await(id="w", condition="blue", target="r", summary="", deadline_s=1)
    for body in (None, {"bucket": "src", "id": "r"}):
        call = Call(id="c", operation="PutBucketReplication", target="r", summary="", idempotent=True, body=body)
        with pytest.raises(ProviderError) as refused:
            provider.execute(call, connection().secrets)
        assert refused.value.code is ErrorCode.UNIMPLEMENTED
    with pytest.raises(ProviderError) as unknown:
        provider.poll(wait)
    assert unknown.value.code is ErrorCode.UNIMPLEMENTED


def test_a_connection_that_reads_sends_no_write(provider: BosProvider) -> None:
    body = {"bucket": "src", "id": "r", "rule": {"id": "r"}}
    for operation in ("PutBucketReplication", "DeleteBucketReplication"):
        call = Call(id="c", operation=operation, target="r", summary="", idempotent=True, body=body)
        with pytest.raises(ProviderError) as refused:
            provider.execute(call, connection().secrets)
        assert refused.value.code is ErrorCode.READ_ONLY


def test_objects_are_opened_without_a_request(provider: BosProvider) -> None:
    assert provider.store(Location(provider="bos-bj", bucket="src", prefix="a/")) is not None
