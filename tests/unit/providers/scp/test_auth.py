"""Signatures are those of published vectors, over what goes out byte for byte."""

import httpx
import pytest
from pydantic import SecretStr

from reconciler.providers.scp.auth import Keys, ScpAuth, signature

KEYS = Keys("AKTEST0001", SecretStr("SKTEST0001"))
STAMP = "1605290625682"
LIST = "https://filestorage.kr-west1.e.samsungsdscloud.com/v1/replications"
ONE = f"{LIST}?volume_id=bfdbabf2-04d9-4e8b-a205-020f8e6da438"


@pytest.mark.parametrize(
    ("method", "url", "account", "expected"),
    [
        ("POST", LIST, None, "+hanHEOMn9NLIVhxbqYngzTwxJIPc6l0cJ/C/em89Ck="),
        ("POST", LIST, "acct0001", "qHvPjpBWs+yoXRhI2ZHMZqSCy9WRFTGywf/GIt9Xb2U="),
        ("GET", ONE, None, "neOxrSV2FtkZUjbQZtJZv2o2w9BHhlYeudY7X79FLy8="),
        ("GET", ONE, "acct0001", "3YGt0u3r6PhfpHnZBsgVXfrRnrypkQJJT/I716Moeus="),
        ("get", ONE, None, "neOxrSV2FtkZUjbQZtJZv2o2w9BHhlYeudY7X79FLy8="),
    ],
)
def test_vectors(method: str, url: str, account: str | None, expected: str) -> None:
    assert signature(KEYS, method, url, STAMP, account) == expected


def signed(url: str, account: str | None = None) -> httpx.Request:
    auth = ScpAuth(lambda: KEYS, account, now=lambda: int(STAMP) / 1000)
    return next(auth.auth_flow(httpx.Request("GET", url)))


def test_headers_say_who_and_when() -> None:
    headers = signed(ONE).headers
    assert headers["Scp-Accesskey"] == "AKTEST0001"
    assert headers["Scp-Timestamp"] == STAMP
    assert headers["Scp-ClientType"] == "Openapi"
    assert headers["Scp-Signature"] == "neOxrSV2FtkZUjbQZtJZv2o2w9BHhlYeudY7X79FLy8="
    assert "Scp-AccountId" not in headers


def test_an_account_is_sent_and_signed() -> None:
    headers = signed(ONE, "acct0001").headers
    assert headers["Scp-AccountId"] == "acct0001"
    assert headers["Scp-Signature"] == "3YGt0u3r6PhfpHnZBsgVXfrRnrypkQJJT/I716Moeus="


def test_what_is_escaped_is_signed_as_it_goes_out() -> None:
    url = "http://127.0.0.1:8080/v1/volumes?name=a%20b%2Bc"
    assert signed(url).headers["Scp-Signature"] == signature(KEYS, "GET", url, STAMP)


def test_keys_show_no_secret() -> None:
    assert "SKTEST0001" not in repr(KEYS)
