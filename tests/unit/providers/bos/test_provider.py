"""The provider over answers that the documents do not rule out, and what it makes of them."""

import io
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Location
from reconciler.model.observation import HealthState
from reconciler.model.step import Call
from reconciler.providers.bos.provider import BosProvider
from reconciler.providers.bos.steps import DELETE, PUT
from reconciler.providers.bos.store import BosStore
from tests.unit.providers.bos.connections import connection, opened
from tests.unit.providers.bos.flows import rule, seen
from tests.unit.providers.s3.connections import Secrets
from tests.unit.providers.scripted import Act, ScriptedServer, answer, serve

PLACE = {"bucket": "src", "id": "r"}
WRITE = Call(id="put", operation=PUT, target="r", summary="", idempotent=True, body={**PLACE, "rule": rule()})
REMOVE = Call(id="delete", operation=DELETE, target="r", summary="", idempotent=True, body=PLACE)


def said(code: str) -> bytes:
    return json.dumps({"code": code, "message": "In the vendor's words.", "requestId": "r-1"}).encode()


@contextmanager
def provider(*script: Act) -> Iterator[tuple[BosProvider, ScriptedServer]]:
    with serve(*script) as server:
        made = BosProvider(connection(endpoint=server.url))
        yield made, server
        made.close()


def listed(*names: str) -> Act:
    buckets = [{"name": name, "location": "bj"} for name in names]
    return answer(200, json.dumps({"buckets": buckets}).encode())


def rules(*names: str) -> Act:
    return answer(200, json.dumps({"rules": [rule(id=name) for name in names]}).encode())


def test_buckets_that_may_not_be_read_are_named_when_all_others_are_read() -> None:
    """One of another account, and one that has moved to another region."""
    script = listed("aaa", "bbb", "ccc", "ddd"), answer(403, said("AccessDenied")), rules("r"), answer(307), rules()
    with provider(*script) as (bos, _):
        found = bos.discover()
        assert [next(found).scope.key, next(found).scope.key] == ["bucket/bbb", "bucket/ddd"]
        with pytest.raises(ProviderError, match=r"2 buckets could not be read, all others were: aaa, ccc") as caught:
            next(found)
    assert caught.value.code is ErrorCode.PERMISSION_DENIED


def test_what_stops_all_reading_is_not_one_buckets_trouble() -> None:
    script = listed("aaa", "bbb"), answer(403, said("InvalidAccessKeyId"))
    with provider(*script) as (bos, _), pytest.raises(ProviderError) as caught:
        list(bos.discover())
    assert caught.value.code is ErrorCode.UNAUTHENTICATED


def test_a_rule_to_delete_that_is_gone_is_success() -> None:
    with provider(answer(404, said("NoReplicationConfiguration"), x_bce_request_id="r-2")) as (bos, _):
        result = bos.execute(REMOVE, Secrets())
    assert (result.request_id, result.skipped) == ("r-2", "the rule was not there any more")


def test_a_rule_that_has_vanished_is_not_called_healthy() -> None:
    live = seen(rule()).containers[0].relationships[0]
    with provider(answer(404, said("NoReplicationConfiguration"))) as (bos, _):
        assert bos.health(live).state is HealthState.UNKNOWN


@pytest.mark.parametrize("status", [400, 409])
def test_a_refusal_without_a_known_name_says_what_bos_refuses(status: int) -> None:
    with provider(answer(status, said("SomethingNew"))) as (bos, _), pytest.raises(ProviderError) as caught:
        bos.execute(WRITE, Secrets())
    assert "versioning on the source" in (caught.value.hint or "")


def test_a_refusal_with_a_hint_of_its_own_keeps_it() -> None:
    with provider(answer(403, said("AccessDenied"))) as (bos, _), pytest.raises(ProviderError) as caught:
        bos.execute(WRITE, Secrets())
    assert "FULL_CONTROL" in (caught.value.hint or "")


@pytest.mark.parametrize("status", [400, 404, 501])
def test_a_fact_that_the_service_has_no_call_for_is_left_out(status: int) -> None:
    unknown = answer(status, said("InvalidArgument" if status == 400 else "NotImplemented"))
    with provider(answer(200), unknown) as (bos, _):
        found = bos.inspect(Location(provider="bos-bj", bucket="src"))
    assert (found.exists, found.readable, found.facts, found.problem) == (True, True, {}, "")


@pytest.mark.parametrize("name", ["NoSuchBucket", "NoReplicationConfiguration"])
def test_trouble_of_the_service_is_not_taken_for_no_rules(name: str) -> None:
    with (
        serve(answer(500, said(name))) as server,
        opened(endpoint=server.url) as client,
        pytest.raises(ProviderError) as caught,
    ):
        client.rules("bucket")
    assert caught.value.code is not ErrorCode.NOT_FOUND


def test_the_service_can_check_what_it_is_given() -> None:
    content = b"what it is"
    with serve(answer(200, ETag='"e"')) as server, opened(endpoint=server.url) as client:
        BosStore(client, "bucket", "").write("key", io.BytesIO(content), len(content))
        (sent,) = server.requests
    assert sent.headers["content-md5"] == b64encode(md5(content, usedforsecurity=False).digest()).decode()
