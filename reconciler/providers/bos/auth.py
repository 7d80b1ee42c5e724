"""Signing requests to Baidu: bce-auth-v1, over each request as it goes out.

Source: Baidu AI Cloud, *Generating an authentication string*; the vendor's Python SDK, baidubce.auth.bce_v1_signer,
which signs the same headers: those named below and all of `x-bce-`.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote_from_bytes, unquote_to_bytes

import httpx
from pydantic import SecretStr

__all__ = ["BceAuth", "Keys", "authorization"]

_LIFETIME_S = 1800
_SIGNED = frozenset({b"host", b"content-length", b"content-type", b"content-md5"})
_OWN = b"x-bce-"


@dataclass(frozen=True, slots=True)
class Keys:
    """Who signs. The token goes with keys that STS issued."""

    access_key_id: str
    secret_access_key: SecretStr
    session_token: SecretStr | None = None


class BceAuth(httpx.Auth):
    """Dates and signs each request when it is sent: one sent again is signed anew. Keys are asked for with each."""

    def __init__(self, keys: Callable[[], Keys], now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._now = now

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add `x-bce-date`, the token if there is one, and `Authorization`."""
        keys, date = self._keys(), _iso(self._now())
        request.headers["x-bce-date"] = date
        if keys.session_token is not None:
            request.headers["x-bce-security-token"] = keys.session_token.get_secret_value()
        request.headers["Authorization"] = authorization(
            keys, date, request.method, request.url.raw_path, request.headers.raw
        )
        yield request


def authorization(
    keys: Keys,
    date: str,
    method: str,
    target: bytes,
    headers: Iterable[tuple[bytes, bytes]],
) -> str:
    """Return the header's value. `target` is path and query as sent; `date` is ISO 8601 in UTC, to the second.

    No header is named as signed: then it is the usual ones, those of `x-bce-` among them, that are.
    """
    path, _, query = target.partition(b"?")
    scope = f"bce-auth-v1/{keys.access_key_id}/{date}/{_LIFETIME_S}"
    key = _hmac(keys.secret_access_key.get_secret_value(), scope)
    lines = [method, path.decode("ascii"), _canonical_query(query), _canonical_headers(headers)]
    return f"{scope}//{_hmac(key, chr(10).join(lines))}"


def _canonical_query(query: bytes) -> str:
    pairs = (pair.partition(b"=") for pair in query.split(b"&") if pair)
    return "&".join(sorted(f"{_recoded(name)}={_recoded(value)}" for name, _, value in pairs))


def _canonical_headers(headers: Iterable[tuple[bytes, bytes]]) -> str:
    named = ((name.strip().lower(), value.strip()) for name, value in headers)
    signed = ((name, value) for name, value in named if value and (name in _SIGNED or name.startswith(_OWN)))
    return "\n".join(sorted(f"{_encoded(name)}:{_encoded(value)}" for name, value in signed))


def _recoded(part: bytes) -> str:
    return _encoded(unquote_to_bytes(part))


def _encoded(text: bytes) -> str:
    return quote_from_bytes(text, safe="")


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
