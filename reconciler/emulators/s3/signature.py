"""AWS Signature Version 4, checked as S3 checks it: in the Authorization header, or in a presigned URL.

Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)" and "Error responses".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from reconciler.emulators.message import Request
from reconciler.emulators.s3.errors import S3Error, invalid_request

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW = timedelta(minutes=15)
UNSIGNED = "UNSIGNED-PAYLOAD"

_LONGEST_PRESIGNED = 7 * 24 * 3600
_HEADER = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<credential>[^,\s]+)\s*,\s*SignedHeaders=(?P<headers>[^,\s]+)\s*,"
    r"\s*Signature=(?P<signature>[0-9a-f]+)"
)
_AUTHENTICATION_PARAMETERS = frozenset(
    {
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-signature",
        "x-amz-content-sha256",
    }
)


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope of a signed request."""

    access_key: str
    date: str
    region: str

    @property
    def text(self) -> str:
        return f"{self.date}/{self.region}/s3/aws4_request"


@dataclass(frozen=True, slots=True)
class Signed:
    """A request whose signature holds. ``payload`` is what was signed for the body; ``seed`` signs its first chunk."""

    scope: Scope
    stamp: str
    payload: str
    seed: str
    key: bytes


@dataclass(frozen=True, slots=True)
class _Claim:
    credential: str
    signed_headers: str
    signature: str
    stamp: str
    payload: str
    presigned: bool


def verify(
    request: Request,
    keys: Mapping[str, str],
    now: datetime,
    admit: Callable[[Scope, bool], None] = lambda _scope, _presigned: None,
) -> Signed:
    """Check who signed a request, when, and whether the signature fits. S3Error if any of it does not.

    ``keys`` maps access key to secret key. ``admit`` is told the scope, and whether it stands in a presigned URL, once
    the key is known, before the signature is computed; it may raise. The body is not looked at; see ``payload.decode``.
    """
    claim = _claim(request)
    scope = _scope(claim.credential)
    if scope.access_key not in keys:
        raise S3Error(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            AWSAccessKeyId=scope.access_key,
        )
    admit(scope, claim.presigned)
    if (request.header("x-amz-security-token") or request.params.get("X-Amz-Security-Token")) is not None:
        raise S3Error(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
    _check_time(request, claim, now)
    _check_headers(request, claim)
    key = signing_key(keys[scope.access_key], scope)
    expected = sign(key, claim.stamp, scope, canonical(request, claim.signed_headers, claim.payload, claim.presigned))
    if not hmac.compare_digest(expected, claim.signature):
        raise S3Error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            AWSAccessKeyId=scope.access_key,
        )
    return Signed(scope, claim.stamp, claim.payload, claim.signature, key)


def signing_key(secret: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def sign(key: bytes, stamp: str, scope: Scope, canonical_request: str) -> str:
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    text = f"{ALGORITHM}\n{stamp}\n{scope.text}\n{digest}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def canonical(request: Request, signed_headers: str, payload: str, presigned: bool) -> str:
    """The canonical request. S3 does not normalise the path; a key may hold ``//`` and ``..``."""
    pairs = parse_qsl(request.query.replace("+", "%2B"), keep_blank_values=True, errors="surrogateescape")
    query = sorted(
        (_encode(name), _encode(value)) for name, value in pairs if not (presigned and name == "X-Amz-Signature")
    )
    headers = "".join(f"{name}:{_trim(request.header(name) or '')}\n" for name in signed_headers.split(";"))
    return "\n".join(
        (
            request.method,
            quote(unquote_to_bytes(request.raw_path), safe="/~"),
            "&".join(f"{name}={value}" for name, value in query),
            headers,
            signed_headers,
            payload,
        )
    )


def without_signature(query: str) -> str:
    """A query string less what a presigned URL added to it."""
    return "&".join(
        part for part in query.split("&") if part.partition("=")[0].lower() not in _AUTHENTICATION_PARAMETERS
    )


def _claim(request: Request) -> _Claim:
    header = request.header("Authorization")
    if header is not None:
        return _header_claim(request, header)
    if "X-Amz-Algorithm" in request.params or "X-Amz-Signature" in request.params:
        return _query_claim(request)
    if "AWSAccessKeyId" in request.params:
        raise _outdated()
    raise S3Error(403, "AccessDenied", "Access Denied")


def _header_claim(request: Request, header: str) -> _Claim:
    if header.startswith("AWS "):
        raise _outdated()
    found = _HEADER.fullmatch(header.strip())
    if found is None:
        raise _malformed_header("The authorization header is malformed.")
    payload = request.header("x-amz-content-sha256")
    if payload is None:
        raise S3Error(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    stamp = request.header("x-amz-date")
    if stamp is None:
        stamp = _stamp_of_date(request.header("Date"))
    return _Claim(found["credential"], found["headers"], found["signature"], stamp, payload, presigned=False)


def _query_claim(request: Request) -> _Claim:
    names = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date")
    values = [request.params.get(name) for name in (*names, "X-Amz-Expires")]
    if None in values:
        raise _malformed_query(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
            "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    algorithm, credential, headers, signature, stamp, expires = (value or "" for value in values)
    if algorithm != ALGORITHM:
        raise _malformed_query(f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    if not expires.isdecimal() or int(expires) > _LONGEST_PRESIGNED:
        raise _malformed_query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{_LONGEST_PRESIGNED} seconds"
        )
    payload = request.params.get("X-Amz-Content-Sha256", request.header("x-amz-content-sha256") or UNSIGNED)
    return _Claim(credential, headers, signature, stamp, payload, presigned=True)


def _scope(credential: str) -> Scope:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[3] != "s3" or parts[4] != "aws4_request" or not re.fullmatch(r"\d{8}", parts[1]):
        raise _malformed_header(
            "The authorization header is malformed; the Credential is mal-formed; expecting "
            '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        )
    return Scope(parts[0], parts[1], parts[2])


def _check_time(request: Request, claim: _Claim, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(claim.stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise S3Error(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header") from error
    if claim.credential.rsplit("/", 4)[1] != claim.stamp[:8]:
        raise _malformed_header("The authorization header is malformed; Invalid credential date.")
    if claim.presigned:
        if now > signed_at + timedelta(seconds=int(request.params["X-Amz-Expires"])):
            raise S3Error(403, "AccessDenied", "Request has expired")
        if signed_at - now > MAX_SKEW:
            raise S3Error(403, "AccessDenied", "Request is not valid yet")
    elif abs(now - signed_at) > MAX_SKEW:
        raise S3Error(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            RequestTime=claim.stamp,
            ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            MaxAllowedSkewMilliseconds=str(int(MAX_SKEW.total_seconds() * 1000)),
        )


def _check_headers(request: Request, claim: _Claim) -> None:
    signed = set(claim.signed_headers.split(";"))
    present = {name.lower() for name, _ in request.headers}
    must = {name for name in present if name == "host" or name.startswith("x-amz-")}
    # Presigning tools sign the payload hash only as a parameter; the header is then a repetition.
    left_out = must - signed - ({"x-amz-content-sha256"} if claim.presigned else set())
    if left_out:
        raise S3Error(
            403,
            "AccessDenied",
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(sorted(left_out)),
        )


def _stamp_of_date(date: str | None) -> str:
    try:
        return parsedate_to_datetime(date or "").astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    except (TypeError, ValueError) as error:
        raise S3Error(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header") from error


def _encode(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe="~")


def _trim(value: str) -> str:
    return re.sub(r" +", " ", value.strip())


def _outdated() -> S3Error:
    return invalid_request(f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}.")


def _malformed_header(message: str) -> S3Error:
    return S3Error(400, "AuthorizationHeaderMalformed", message)


def _malformed_query(message: str) -> S3Error:
    return S3Error(400, "AuthorizationQueryParametersError", message)
