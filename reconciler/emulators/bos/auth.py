"""bce-auth-v1, checked as BOS checks it: in the Authorization header, or in a presigned URL.

Source: Baidu AI Cloud API reference, "Authentication" (generating the authentication string); python package
bce-python-sdk 0.9.79, ``auth/bce_v1_signer.py``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from reconciler.emulators.bos.identity import Credential, Identities
from reconciler.emulators.bos.refusal import Refusal, denied
from reconciler.emulators.bos.switches import Switches
from reconciler.emulators.message import Request

MAX_SKEW: Final = timedelta(minutes=15)
FOREVER: Final = -1

_CLAIM: Final = re.compile(
    r"(?P<prefix>bce-auth-v1/(?P<key>[^/]+)/(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)/(?P<seconds>-1|\d{1,10}))"
    r"/(?P<headers>[^/]*)/(?P<signature>[0-9a-f]{64})"
)
_USUAL_HEADERS: Final = frozenset({"host", "content-length", "content-type", "content-md5"})
_PARAMETER: Final = "authorization"


@dataclass(frozen=True, slots=True)
class _Claim:
    prefix: str
    access_key: str
    signed_at: datetime
    seconds: int
    signed_headers: frozenset[str]
    signature: str


def verify(request: Request, identities: Identities, switches: Switches) -> Credential:
    """Check who signed a request, when, and whether the signature fits. ``Refusal`` if any of it does not.

    The body is not part of a signature.
    """
    claim = _claim(request)
    credential = identities.find(claim.access_key)
    if credential is None:
        raise Refusal(403, "InvalidAccessKeyId")
    token = request.header("x-bce-security-token") or request.params.get("x-bce-security-token")
    if not identities.token_holds(credential, token):
        raise denied("The security token is missing, not the key's own, or expired.")
    _check_time(claim, datetime.now(UTC) + timedelta(seconds=switches.number("clock_skew_s")), switches)
    expected = sign(credential.secret_key, claim.prefix, canonical(request, claim.signed_headers))
    if not hmac.compare_digest(expected, claim.signature):
        raise Refusal(switches.whole("signature_status"), "SignatureDoesNotMatch")
    return credential


def sign(secret_key: str, prefix: str, canonical_request: str) -> str:
    """64 hexadecimal digits. The hexadecimal text of the first digest is the key of the second."""
    key = hmac.new(secret_key.encode(), prefix.encode(), hashlib.sha256).hexdigest()
    return hmac.new(key.encode(), canonical_request.encode(), hashlib.sha256).hexdigest()


def canonical(request: Request, signed_headers: frozenset[str]) -> str:
    """The canonical request; with no ``signed_headers`` the usual ones are signed, as far as they are there."""
    path = quote(unquote_to_bytes(request.raw_path), safe="/-._~")
    pairs = parse_qsl(request.query.replace("+", "%2B"), keep_blank_values=True, errors="surrogateescape")
    query = sorted(f"{_encode(name)}={_encode(value)}" for name, value in pairs if name.lower() != _PARAMETER)
    names = {name.lower() for name, _ in request.headers}
    signed = names & signed_headers if signed_headers else {name for name in names if _is_usual(name)}
    headers = sorted(
        f"{_encode(name)}:{quote(value.encode('latin-1'), safe='-._~')}"
        for name in signed
        if (value := (request.header(name) or "").strip())
    )
    return "\n".join((request.method, path, "&".join(query), "\n".join(headers)))


def _claim(request: Request) -> _Claim:
    text = request.header("Authorization") or request.params.get(_PARAMETER)
    if text is None:
        raise denied("The request is not signed.")
    found = _CLAIM.fullmatch(text.strip())
    if found is None:
        raise Refusal(400, "InvalidHTTPAuthHeader")
    try:
        signed_at = datetime.strptime(found["stamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(400, "InvalidHTTPAuthHeader") from None
    headers = frozenset(name.lower() for name in found["headers"].split(";") if name)
    if headers and "host" not in headers:
        raise Refusal(400, "InvalidHTTPAuthHeader", "The Host header must be signed.")
    return _Claim(found["prefix"], found["key"], signed_at, int(found["seconds"]), headers, found["signature"])


def _check_time(claim: _Claim, now: datetime, switches: Switches) -> None:
    late = claim.seconds != FOREVER and now > claim.signed_at + timedelta(seconds=claim.seconds)
    if late or claim.signed_at - now > MAX_SKEW:
        stamp = claim.signed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        status = switches.whole("expired_status")
        raise Refusal(status, "RequestExpired", f"Request has expired. Timestamp date is {stamp}.")


def _is_usual(name: str) -> bool:
    return name in _USUAL_HEADERS or name.startswith("x-bce-")


def _encode(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe="-._~")
