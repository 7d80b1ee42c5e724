"""What went wrong on HTTP, in our words: codes, hints, and whether a write may have happened all the same. Pure."""

import math
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from reconciler.errors import ErrorCode

__all__ = [
    "Answer",
    "Explanation",
    "Failure",
    "explain_nothing",
    "of_answer",
    "of_exception",
    "request_id",
    "retry_after",
]

_NEVER_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol,
    httpx.LocalProtocolError, httpx.InvalidURL, UnicodeEncodeError,
)  # fmt: skip
_OURS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, UnicodeEncodeError)
_STATUS = {
    400: ErrorCode.INVALID_ARGUMENT, 401: ErrorCode.UNAUTHENTICATED, 403: ErrorCode.PERMISSION_DENIED,
    404: ErrorCode.NOT_FOUND, 405: ErrorCode.UNIMPLEMENTED, 407: ErrorCode.UNAVAILABLE, 408: ErrorCode.UNAVAILABLE,
    409: ErrorCode.CONFLICT, 410: ErrorCode.NOT_FOUND, 412: ErrorCode.FAILED_PRECONDITION, 425: ErrorCode.UNAVAILABLE,
    428: ErrorCode.FAILED_PRECONDITION, 429: ErrorCode.RATE_LIMITED, 501: ErrorCode.UNIMPLEMENTED,
}  # fmt: skip
_BY_CLASS = {4: ErrorCode.INVALID_ARGUMENT, 5: ErrorCode.UNAVAILABLE}
_REQUEST_ID_HEADERS = ("x-request-id", "x-amz-request-id", "x-bce-request-id", "request-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a provider reads from an answer that is an error. Empty parts leave what the status alone says."""

    message: str = ""
    code: ErrorCode | None = None
    hint: str | None = None
    nothing_done: bool = False
    """The server says that it did not begin, whatever the status."""
    request_id: str | None = None
    """The server's id of the request, where the body has it and no header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure. `may_have_happened` holds for a write; a read changes nothing either way."""

    code: ErrorCode
    message: str
    hint: str | None
    may_have_happened: bool
    request_id: str | None = None


def explain_nothing(_answer: Answer) -> Explanation:
    """Leave an answer to its status."""
    return Explanation()


def of_answer(answer: Answer, explain: Callable[[Answer], Explanation]) -> Failure:
    """Judge an answer outside 2xx. A 4xx says that nothing was done; after a 5xx nobody knows, 501 excepted."""
    said = explain(answer)
    by_status = _STATUS.get(answer.status) or _BY_CLASS.get(answer.status // 100, ErrorCode.PROTOCOL)
    return Failure(
        code=said.code or by_status,
        message=said.message or f"HTTP status {answer.status}",
        hint=said.hint,
        may_have_happened=answer.status >= 500 and answer.status != 501 and not said.nothing_done,
        request_id=request_id(answer) or (said.request_id[:100] if said.request_id else None),
    )


def of_exception(error: Exception, *, url: str, timeout_s: float, ca_file: Path | None) -> Failure:
    """Judge what httpx raised. Once a byte of the request may have left, nobody knows whether it was carried out."""
    sent = not isinstance(error, _NEVER_SENT)
    if (cause := _tls_cause(error)) is not None and not sent:
        return Failure(
            code=ErrorCode.TLS,
            message=_tls_message(cause),
            hint=_tls_hint(cause, url, ca_file),
            may_have_happened=False,
        )
    message = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        message = f"no answer within {timeout_s:g} s"
    elif isinstance(error, UnicodeEncodeError) or (isinstance(error, httpx.LocalProtocolError) and "header" in message):
        message = "a header holds what cannot be sent"  # the original quotes the value, which may be a token
    return Failure(
        code=ErrorCode.INVALID_ARGUMENT if isinstance(error, _OURS) else ErrorCode.UNAVAILABLE,
        message=message,
        hint=f"is {url} right, and reachable from here?",
        may_have_happened=sent,
    )


def retry_after(answer: Answer) -> float | None:
    """Return the seconds that an answer asks to wait, 0 or more; None if it does not say, or says nonsense."""
    text = answer.headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def request_id(answer: Answer) -> str | None:
    """Return the server's id of the request, if it gives one."""
    return next((answer.headers[name][:100] for name in _REQUEST_ID_HEADERS if name in answer.headers), None)


def _tls_cause(error: BaseException) -> ssl.SSLError | None:
    seen: BaseException | None = error
    while seen is not None:
        # A connection that ends in the middle of the handshake is a reset like any other.
        if isinstance(seen, ssl.SSLError) and not isinstance(seen, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _tls_message(cause: ssl.SSLError) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {cause.verify_message}"
    return f"no TLS connection: {cause.reason or cause}"


def _tls_hint(cause: ssl.SSLError, url: str, ca_file: Path | None) -> str:
    host = urlsplit(url).hostname
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return f"does {url} speak HTTPS, in a TLS version that this machine accepts?"
    if "mismatch" in cause.verify_message.lower():
        return f"the certificate is for another name than {host}: use a name that it holds"
    if ca_file is not None:
        return f"caFile ({ca_file}) does not hold the authority that signed the certificate of {host}"
    return f"name the PEM file of the authority that signed the certificate of {host} as caFile"
