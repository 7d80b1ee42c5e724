"""The signer, held against the vendor's own, and over what really goes out."""

import contextlib
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from reconciler.errors import ProviderError
from reconciler.model.manifest import Limits
from reconciler.providers.base import Access
from reconciler.providers.bos.auth import BceAuth, Keys, authorization
from reconciler.providers.http import Ask, Endpoint, HttpClient
from tests.unit.providers.scripted import answer, serve

with warnings.catch_warnings():
    # The vendor's package and one that it needs are older than this Python.
    for category in (DeprecationWarning, SyntaxWarning, PendingDeprecationWarning):
        warnings.filterwarnings("ignore", category=category, module="(baidubce|future|past)")
    from baidubce.auth.bce_credentials import BceCredentials
    from baidubce.auth.bce_v1_signer import sign
    from baidubce.utils import normalize_string

SECRET = "a-secret-key-that-nobody-may-see"
KEYS = Keys("AKexample", SecretStr(SECRET))
WHEN = 1_731_628_800

METHODS = st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
QUERIES = st.dictionaries(TEXT.filter(bool), TEXT, max_size=5)
NAMES = st.one_of(
    st.sampled_from(["Host", "content-length", "Content-Type", "CONTENT-MD5", "User-Agent", "Accept", "x-bce-date"]),
    st.from_regex(r"x-bce-(meta-)?[a-z0-9-]{1,8}", fullmatch=True),
)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
HEADERS = st.dictionaries(NAMES, VALUES, max_size=6)


def encoded(path: str, query: Mapping[str, str]) -> str:
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
    return quote(f"/{path}", safe="/") + (f"?{pairs}" if pairs else "")


def vendors(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], keys: Keys = KEYS) -> str:
    """What the vendor's SDK puts into Authorization. `path` is not encoded."""
    credentials = BceCredentials(keys.access_key_id, keys.secret_access_key.get_secret_value())
    signed = sign(
        credentials,
        method.encode(),
        normalize_string(path, False),
        {name.encode(): value.encode() for name, value in headers.items()},
        {name.encode(): value.encode() for name, value in query.items()},
        timestamp=WHEN,
    )
    return str(signed.decode())


@pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning:baidubce.utils")
class TestAgainstTheVendorsOwn:
    @given(method=METHODS, path=TEXT, query=QUERIES, headers=HEADERS)
    def test_every_signature_is_the_same_to_the_byte(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str]
    ) -> None:
        wanted = vendors(method, f"/{path}", query, headers)
        target = encoded(path, query)
        made = authorization(
            KEYS,
            datetime.fromtimestamp(WHEN, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            method,
            target.encode(),
            [(name.encode(), value.encode()) for name, value in headers.items()],
        )
        assert made == wanted

    @given(
        path=TEXT.filter(lambda text: "." not in text), query=QUERIES, body=st.binary(max_size=20),
        meta=VALUES.map(str.strip).filter(bool),
    )  # fmt: skip
    def test_so_is_that_of_a_request_as_httpx_has_it(
        self, path: str, query: dict[str, str], body: bytes, meta: str
    ) -> None:
        url = f"https://bucket.bj.bcebos.com{encoded(path, query)}"
        metadata = [(b"x-bce-meta-a", meta.encode()), (b"Content-Type", b"text/plain")]
        request = httpx.Request("PUT", url, headers=metadata, content=body)
        (signed,) = BceAuth(lambda: KEYS, now=lambda: WHEN + 0.9).auth_flow(request)
        sent = {name.decode(): value.decode() for name, value in signed.headers.raw}
        given = sent.pop("Authorization")
        assert (sent["Host"], sent["Content-Length"]) == ("bucket.bj.bcebos.com", str(len(body)))
        assert given == vendors("PUT", f"/{path}", query, sent)


def client(url: str, keys: Keys = KEYS, now: Any = None, **changes: Any) -> HttpClient:
    auth = BceAuth(lambda: keys, **({"now": now} if now else {}))
    return HttpClient(Endpoint(provider="p", url=url, access=Access.WRITE, limits=Limits(), auth=auth, **changes))


@pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning:baidubce.utils")
class TestOnTheWire:
    @pytest.mark.parametrize(
        "path",
        ["/b/a/./k", "/b/a/../k", "/b//lead", "/b/..", "/b/.", "/../b", "/b/%2E", "/b/a%2Fb", "/b/%E6%97%A5", "/b/a//"],
    )
    @pytest.mark.parametrize("query", ["", "?id=a%2Fb&replication="])
    def test_path_and_query_go_out_as_they_are_and_are_what_was_signed(self, path: str, query: str) -> None:
        with serve(answer(200)) as server:
            connection = client(server.url, now=lambda: WHEN)
            connection.send(Ask(method="DELETE", path=path + query, operation="o"))
            connection.close()
            (sent,) = server.requests
        assert sent.target == path + query
        headers = [(name.encode(), value.encode("latin-1")) for name, value in sent.headers.items()]
        assert sent.headers["authorization"] == authorization(
            KEYS, sent.headers["x-bce-date"], "DELETE", sent.target.encode(), headers
        )

    def test_the_vendor_would_sign_what_arrives_in_the_same_way(self) -> None:
        with serve(answer(200)) as server:
            connection = client(server.url, now=lambda: WHEN)
            value = "grüße, 世界"
            connection.send(
                Ask(
                    method="PUT", path="/b/a/../%E6%97%A5?uploads=", operation="o", content=b"x",
                    headers={"x-bce-meta-note": value.encode()},
                )
            )  # fmt: skip
            connection.close()
            (sent,) = server.requests
        headers = {name: value for name, value in sent.headers.items() if name != "authorization"}
        assert headers["x-bce-meta-note"] == value
        assert sent.headers["authorization"] == vendors("PUT", "/b/a/../日", {"uploads": ""}, headers)

    def test_a_repetition_is_signed_anew(self) -> None:
        moments = iter([WHEN, WHEN + 60, WHEN + 120])
        with serve(answer(503), answer(200)) as server:
            connection = client(server.url, now=lambda: next(moments))
            connection.send(Ask(method="GET", path="/", operation="o"))
            connection.close()
            dates = [one.headers["x-bce-date"] for one in server.requests]
            signatures = {one.headers["authorization"] for one in server.requests}
        assert dates == ["2024-11-15T00:00:00Z", "2024-11-15T00:01:00Z"]
        assert len(signatures) == 2

    def test_a_bucket_with_a_host_of_its_own_is_asked_there_and_its_host_is_signed(self) -> None:
        with serve(answer(200)) as server:
            connection = client("http://127.0.0.1:1", now=lambda: WHEN)
            connection.send(Ask(method="GET", path="/k", operation="o", base=server.url))
            connection.close()
            (sent,) = server.requests
        headers = {name: value for name, value in sent.headers.items() if name != "authorization"}
        assert headers["host"] == server.url.removeprefix("http://")
        assert sent.headers["authorization"] == vendors("GET", "/k", {}, headers)

    @pytest.mark.parametrize(("repeatable", "sent"), [(False, 1), (True, 2)])
    def test_a_write_is_repeated_only_if_it_may_be(self, repeatable: bool, sent: int) -> None:
        with serve(answer(503, Retry_After="0"), answer(200)) as server:
            connection = client(server.url)
            with contextlib.suppress(ProviderError):
                connection.send(Ask(method="PUT", path="/k", operation="o", content=b"x", repeatable=repeatable))
            connection.close()
            assert [one.body for one in server.requests] == [b"x"] * sent

    def test_the_token_goes_along_and_is_signed(self) -> None:
        keys = Keys("AK", SecretStr(SECRET), SecretStr("the-token=="))
        with serve(answer(200)) as server:
            connection = client(server.url, keys, now=lambda: WHEN)
            connection.send(Ask(method="GET", path="/", operation="o"))
            connection.close()
            (sent,) = server.requests
        assert sent.headers["x-bce-security-token"] == "the-token=="
        headers = {name: value for name, value in sent.headers.items() if name != "authorization"}
        assert sent.headers["authorization"] == vendors("GET", "/", {}, headers, keys)


def test_nothing_that_is_printed_holds_the_secret() -> None:
    keys = Keys("AK", SecretStr(SECRET), SecretStr("the-token"))
    auth = BceAuth(lambda: keys)
    shown = f"{keys!r} {auth!r} {Endpoint(provider='p', url='u', access=Access.READ, auth=auth)!r}"
    assert SECRET not in shown
    assert "the-token" not in shown
