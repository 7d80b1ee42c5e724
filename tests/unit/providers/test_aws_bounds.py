"""How much, and for how long, an AWS client listens to a server that does not come to its end."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Limits
from reconciler.providers.aws import Keys, Requests, Target, open_session, s3_client
from reconciler.providers.aws_bounds import MAX_ANSWER_BYTES
from reconciler.providers.base import Access
from tests.unit.providers.scripted import Act, answer, drip, drip_chunk, drop, endless, serve

TIMEOUT_S = 0.3


def client(url: str, *, timeout_s: float = TIMEOUT_S) -> Any:
    target = Target(
        provider="p", region="eu-west-1", endpoint=url, path_style=True, timeout_s=timeout_s, access=Access.WRITE
    )
    return s3_client(open_session(target, keys=Keys("AK", SecretStr("SK"))), target, retry=False)


def failed(act: Callable[[], object], *, write: bool = False) -> ProviderError:
    with pytest.raises(ProviderError) as caught, Requests("p", Limits()).one("Call", write=write):
        act()
    return caught.value


@pytest.fixture(params=[drip, drip_chunk], ids=["plain", "chunked"])
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    with serve(request.param) as server:
        yield server.url


def test_an_answer_of_a_byte_now_and_then_is_given_up(dripping: str) -> None:
    began = time.monotonic()
    error = failed(lambda: client(dripping).list_buckets())
    lasted = time.monotonic() - began
    assert error.code is ErrorCode.UNAVAILABLE
    assert "timeout" in str(error)
    assert lasted >= 3 * TIMEOUT_S, "bytes came all the time: a large answer may take a while"


def test_a_write_that_is_given_up_may_have_happened(dripping: str) -> None:
    error = failed(lambda: client(dripping).delete_bucket_replication(Bucket="b"), write=True)
    assert (error.code, error.ambiguous) == (ErrorCode.UNAVAILABLE, True)


@pytest.mark.parametrize(
    "call",
    [lambda s3: s3.list_buckets(), lambda s3: s3.get_bucket_replication(Bucket="b")],
    ids=["ListBuckets", "GetBucketReplication"],
)
def test_an_endless_answer_is_given_up(call: Callable[[Any], object]) -> None:
    with serve(endless()) as server:
        error = failed(lambda: call(client(server.url, timeout_s=30)))
    assert error.code is ErrorCode.PROTOCOL
    assert str(MAX_ANSWER_BYTES) in str(error)


def test_an_endless_error_in_place_of_an_object_is_given_up() -> None:
    with serve(endless(500)) as server:
        error = failed(lambda: client(server.url, timeout_s=30).get_object(Bucket="b", Key="k"))
    assert error.code is ErrorCode.PROTOCOL


def test_an_object_may_be_larger_and_take_longer_than_any_answer() -> None:
    size = MAX_ANSWER_BYTES + 1
    with serve(answer(200, b"x" * size)) as server:
        body = client(server.url).get_object(Bucket="b", Key="k")["Body"]
        time.sleep(5 * TIMEOUT_S)
        assert len(body.read()) == size
    with serve(drip) as server:
        body = client(server.url).get_object(Bucket="b", Key="k")["Body"]
        began = time.monotonic()
        while time.monotonic() - began < 5 * TIMEOUT_S:
            assert body.read(1) == b"x"


def broken(connection: socket.socket) -> None:
    """Break off in the middle of a chunk."""
    connection.sendall(b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\nA0\r\nfour")
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("act", [drop, broken], ids=["dropped", "broken off"])
def test_a_connection_that_breaks_says_so(act: Act) -> None:
    with serve(act) as server:
        error = failed(lambda: client(server.url).delete_bucket_replication(Bucket="b"), write=True)
    assert error.ambiguous


def test_the_first_connection_is_made_alone() -> None:
    """Two at once would load authorities into one store of OpenSSL, which does not survive that."""
    together: list[int] = []

    def lonely(connection: socket.socket) -> None:
        together.append(len(server.requests))
        time.sleep(TIMEOUT_S / 3)
        together.append(len(server.requests))
        answer(200, b"<ListAllMyBucketsResult/>")(connection)

    with serve(lonely, answer(200, b"<ListAllMyBucketsResult/>")) as server:
        s3 = client(server.url, timeout_s=30)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: s3.list_buckets(), range(8)))
    assert together == [1, 1]
    assert len(server.requests) == 8


def test_after_a_first_request_that_failed_the_others_are_sent() -> None:
    with serve(drop, answer(200, b"<ListAllMyBucketsResult/>")) as server:
        s3 = client(server.url)
        failed(s3.list_buckets)
        s3.list_buckets()
    assert len(server.requests) == 2


def test_connections_are_used_again() -> None:
    with serve(answer(200, b"<ListAllMyBucketsResult/>")) as server:
        s3 = client(server.url)
        for _ in range(5):
            s3.list_buckets()
        assert server.connections == 1
        assert len(server.requests) == 5
