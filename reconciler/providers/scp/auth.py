"""Signing requests to SCP: HMAC-SHA256 over each request's line as it goes out.

Source: SCP API reference, Common; the vendor's Go SDK, signature_generator.go and configuration.go.
"""

import base64
import hmac
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

__all__ = ["Keys", "ScpAuth", "signature"]

_CLIENT_TYPE = "Openapi"


@dataclass(frozen=True, slots=True)
class Keys:
    """Who signs."""

    access_key: str
    secret_key: SecretStr


class ScpAuth(httpx.Auth):
    """Dates and signs each request when it is sent: one sent again is signed anew. Keys are asked for with each.

    With an account id that is sent as well, and signed.
    """

    def __init__(
        self, keys: Callable[[], Keys], account_id: str | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._account_id = account_id
        self._now = now

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the headers that say who asks, when, and the signature."""
        keys, timestamp = self._keys(), str(int(self._now() * 1000))
        request.headers["Scp-Accesskey"] = keys.access_key
        request.headers["Scp-Timestamp"] = timestamp
        request.headers["Scp-ClientType"] = _CLIENT_TYPE
        if self._account_id is not None:
            request.headers["Scp-AccountId"] = self._account_id
        request.headers["Scp-Signature"] = signature(
            keys, request.method, _as_sent(request.url), timestamp, self._account_id
        )
        yield request


def signature(keys: Keys, method: str, url: str, timestamp: str, account_id: str | None = None) -> str:
    """Return the signature. `url` is the whole URL byte for byte as sent; `timestamp` milliseconds since 1970.

    The parts are joined by nothing. The account id is among them only if it is sent. The body is not signed.
    """
    message = f"{method.upper()}{url}{timestamp}{keys.access_key}{account_id or ''}{_CLIENT_TYPE}"
    made = hmac.digest(keys.secret_key.get_secret_value().encode(), message.encode(), "sha256")
    return base64.b64encode(made).decode("ascii")


def _as_sent(url: httpx.URL) -> str:
    """Return scheme, host and what stands in the request line. Escaping anything again would break the signature."""
    return b"".join((url.raw_scheme, b"://", url.netloc, url.raw_path)).decode("ascii")
