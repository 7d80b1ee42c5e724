"""What a store and a client make of servers that do not keep to the rules."""

import io
from collections.abc import Callable
from types import SimpleNamespace
from unittest import mock

import pytest

from reconciler.errors import ErrorCode
from reconciler.model.manifest import Location
from reconciler.providers.s3_objects import S3Store
from tests.lab.provider_error import failed
from tests.unit.providers.s3.connections import opened
from tests.unit.providers.scripted import Act, answer, drop, serve, short

HERE = Location(provider="p", bucket="b", prefix="p/")


def page(*keys: str, token: str = "") -> bytes:
    items = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
        f"<Size>1</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key in keys
    )
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    more += f"<IsTruncated>{'true' if token else 'false'}</IsTruncated>"
    return (
        f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{items}{more}</ListBucketResult>'.encode()
    )


def over(*script: Act, act: Callable[[S3Store], object]) -> object:
    with serve(*script) as server, opened(endpoint=server.url) as provider:
        return act(provider.store(HERE))


def keys(store: S3Store) -> list[str]:
    return [facts.key for facts in store.list()]


def test_pages_are_followed() -> None:
    found = over(answer(200, page("p/a", token="t")), answer(200, page("p/b")), act=keys)
    assert found == ["a", "b"]


@pytest.mark.parametrize(
    "pages",
    [
        [page("p/b", "p/a")],
        [page("p/a", "p/a")],
        [page("p/b", token="t"), page("p/a")],
        [page("p/\uffee", "p/a")],
        [page("elsewhere")],
        [page("p/a", token="t"), page("p/b", token="t")],
        [page("p/😀", "p/\uffee")],
    ],
    ids=["backwards", "twice", "back over pages", "by letters", "another prefix", "in a circle", "by UTF-16"],
)
def test_a_listing_out_of_order_is_an_error_not_a_wrong_comparison(pages: list[bytes]) -> None:
    script = [answer(200, body) for body in pages]
    assert failed(lambda: over(*script, act=keys)).code is ErrorCode.PROTOCOL


@pytest.mark.parametrize("body", [b"<html/>", b"<ListBucketResult>", b"{}"], ids=["html", "cut short", "json"])
def test_an_answer_that_is_no_listing_is_not_an_empty_one(body: bytes) -> None:
    error = failed(lambda: over(answer(200, body), act=keys))
    assert error.code in (ErrorCode.PROTOCOL, ErrorCode.UNAVAILABLE)


def test_an_answer_that_is_no_list_of_buckets_is_not_an_empty_one() -> None:
    with serve(answer(200, b"<html/>")) as server, opened(endpoint=server.url) as provider:
        assert failed(lambda: list(provider.discover())).code is ErrorCode.PROTOCOL


def test_an_object_that_ends_too_early_is_an_error() -> None:
    error = failed(lambda: over(short, act=lambda store: store.read("k").read()))
    assert (error.code, error.operation) == (ErrorCode.UNAVAILABLE, "GetObject")


def test_a_write_that_keeps_failing_is_ambiguous() -> None:
    no_pauses = SimpleNamespace(sleep=lambda _seconds: None)
    with mock.patch("botocore.endpoint.time", no_pauses):
        error = failed(lambda: over(drop, act=lambda store: store.write("k", io.BytesIO(b"x"), 1)))
    assert (error.code, error.ambiguous) == (ErrorCode.UNAVAILABLE, True)


def test_a_purge_without_versions_deletes_the_object() -> None:
    refused = b"<Error><Code>NotImplemented</Code><Message>no versions</Message></Error>"
    with serve(answer(501, refused), answer(204)) as server, opened(endpoint=server.url) as provider:
        provider.store(HERE).purge("k")
        assert [(one.method, one.target.partition("?")[0]) for one in server.requests][-1] == ("DELETE", "/b/p/k")


def test_a_purge_that_is_denied_deletes_nothing() -> None:
    refused = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    with serve(answer(403, refused)) as server, opened(endpoint=server.url) as provider:
        assert failed(lambda: provider.store(HERE).purge("k")).code is ErrorCode.PERMISSION_DENIED
        assert {one.method for one in server.requests} == {"GET"}


def test_buckets_are_listed_over_many_pages_and_only_those_of_the_region() -> None:
    def listing(*names: str, token: str = "") -> bytes:
        items = "".join(f"<Bucket><Name>{n}</Name><BucketRegion>eu-west-1</BucketRegion></Bucket>" for n in names)
        more = f"<ContinuationToken>{token}</ContinuationToken>" if token else ""
        return f"<ListAllMyBucketsResult><Buckets>{items}</Buckets>{more}</ListAllMyBucketsResult>".encode()

    none = answer(404, b"<Error><Code>ReplicationConfigurationNotFoundError</Code><Message>no</Message></Error>")
    script = [answer(200, listing("b", token="t")), answer(200, listing("a")), none]
    with serve(*script) as server, opened(endpoint=server.url) as provider:
        found = [observation.scope.key for observation in provider.discover()]
        assert "continuation-token=t" in server.requests[1].target
    assert found == ["bucket/a", "bucket/b"]


def test_a_region_is_asked_for_where_the_bucket_does_not_say_it() -> None:
    location = b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</LocationConstraint>'
    for said, region in ((b"eu-west-3", "eu-west-3"), (b"EU", "eu-west-1"), (b"", "us-east-1")):
        other = answer(404, b"<Error><Code>ObjectLockConfigurationNotFoundError</Code><Message>no</Message></Error>")
        script = [answer(200), answer(200, location % said), answer(200, b"<VersioningConfiguration/>"), other]
        with serve(*script) as server, opened(endpoint=server.url) as provider:
            facts = provider.inspect(HERE)
        assert facts.facts == {"region": region, "versioning": None, "objectLock": False}


def test_what_a_server_does_not_have_is_left_out_of_the_facts() -> None:
    missing = answer(501, b"<Error><Code>NotImplemented</Code><Message>no</Message></Error>")
    with (
        serve(answer(200, x_amz_bucket_region="eu-west-1"), missing) as server,
        opened(endpoint=server.url) as provider,
    ):
        facts = provider.inspect(HERE)
    assert (facts.facts, facts.readable) == ({"region": "eu-west-1"}, True)


def test_a_bucket_with_object_lock_says_so() -> None:
    lock = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
    versioning = answer(200, b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
    script = [answer(200, x_amz_bucket_region="eu-west-1"), versioning, answer(200, lock)]
    with serve(*script) as server, opened(endpoint=server.url) as provider:
        assert provider.inspect(HERE).facts["objectLock"] is True


@pytest.mark.parametrize("status", [500, 503])
def test_trouble_is_not_taken_for_a_fact(status: int) -> None:
    trouble = answer(status, b"<Error><Code>InternalError</Code></Error>", Retry_After="3600")
    with serve(trouble) as server, opened(endpoint=server.url) as provider:
        assert failed(lambda: provider.inspect(HERE)).code is ErrorCode.UNAVAILABLE
