"""HTTP plumbing shared by the providers that speak plain HTTP.

One client with bounds on time, size, rate and concurrency; a guard that refuses writes on a read-only connection;
retries of reads and of nothing else; and every failure as a ProviderError that says whether a write may have happened
all the same.
"""

import io
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast
from urllib.parse import quote

import httpx
import stamina
from pydantic import TypeAdapter, ValidationError

from reconciler import __version__
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Limits
from reconciler.providers.base import Access
from reconciler.providers.http_failure import (
    Answer,
    Explanation,
    Failure,
    explain_nothing,
    of_answer,
    of_exception,
    request_id,
    retry_after,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Answer", "Ask", "Endpoint", "Explanation", "HttpClient", "Retries"]

T = TypeVar("T")

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_RETRIED = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE})
_LONGEST_TEXT = 500
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How reads are repeated after 429, 5xx, timeouts and resets. Waits grow exponentially, with jitter."""

    attempts: int = 5
    total_s: float = 60.0
    """No attempt starts later than this after the first."""
    wait_initial_s: float = 0.2
    wait_max_s: float = 10.0
    """Longest wait. A Retry-After beyond it is not waited for: the error goes up, carrying it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `path` is percent-encoded, goes out as it is and may carry a query; `operation` is the vendor's
    name for it."""

    method: str
    path: str
    operation: str
    headers: Mapping[str, str | bytes] = field(default_factory=dict, repr=False)
    content: bytes | Iterator[bytes] | None = field(default=None, repr=False)
    base: str = ""
    """scheme://host[:port] in place of the endpoint's, where a service has a host for each bucket."""
    repeatable: bool = False
    """Whether a write may be repeated like a read: it gives all that shall be, and twice is as good as once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a provider is and how it may be driven."""

    provider: str
    """Name of the Provider document, for errors."""
    url: str
    """scheme://host[:port], without a path."""
    access: Access
    limits: Limits = field(default_factory=Limits)
    timeout_s: float = 30.0
    """For connecting, and for each wait for bytes; a whole answer may take four times as long."""
    verify_tls: bool = True
    ca_file: Path | None = None
    """PEM file of the only authorities to trust; without it, the public ones and those of this machine."""
    reads: frozenset[tuple[str, str]] = frozenset()
    """(method, path) of requests that change nothing in spite of their method."""
    read_methods: frozenset[str] = frozenset()
    """Methods that change nothing here on any path, in spite of what they usually do."""
    auth: httpx.Auth | None = field(default=None, repr=False)
    """Signs each request as it goes out, repetitions anew."""
    explain: Callable[[Answer], Explanation] = explain_nothing
    """Reads the vendor's own error body. What it returns is cleaned of secrets and control characters."""
    retries: Retries = field(default_factory=Retries)
    max_bytes: int = 32 * 1024 * 1024
    """Longest answer that is read into memory."""


class HttpClient:
    """Sends requests to one endpoint. Opens no connection before the first. Safe to use from several threads.

    Raises ProviderError and nothing else. Redirects are not followed: credentials go to the configured host only.
    Proxies of the environment (HTTPS_PROXY, NO_PROXY) are honoured. Errors hold no header, no body, and no concealed
    value.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(endpoint.limits.concurrency)
        self._pace = _Pace(endpoint.limits.rate)
        self._opened: httpx.Client | None = None
        self._concealed: frozenset[str] = frozenset()

    def conceal(self, secret: str) -> None:
        """Keep a value out of every error from now on, also where the server repeats it."""
        if secret:
            with self._lock:
                self._concealed |= {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}

    def is_write(self, ask: Ask) -> bool:
        """Say whether a request may change something."""
        return self._changes(ask.method, ask.path)

    def refuse_write(self, ask: Ask) -> None:
        """Raise READ_ONLY for a write on a connection that may only read. Nothing has been sent then."""
        self._refuse(ask.method, ask.path, ask.operation)

    def send(self, ask: Ask) -> Answer:
        """Send a request and return its whole answer, of status 2xx. Reads are repeated, writes are sent once unless
        they are `repeatable`."""
        self.refuse_write(ask)
        once = self.is_write(ask) and not ask.repeatable
        return self._once(ask) if once else self._repeated(lambda: self._once(ask))

    def open(self, ask: Ask) -> BinaryIO:
        """Send a read and return its body as a stream that the caller closes. Once it flows it is not repeated."""
        return self.opened(ask)[1]

    def opened(self, ask: Ask) -> tuple[Answer, BinaryIO]:
        """Open a read as `open` does, and return with the body what stands before it: an answer without content."""
        self.refuse_write(ask)
        return self._repeated(lambda: self._stream(ask))

    def parse(self, ask: Ask, answer: Answer, shape: TypeAdapter[T]) -> T:
        """Read an answer's JSON. Raises PROTOCOL naming the members that are wrong, never their values."""
        try:
            return shape.validate_json(answer.content)
        except ValidationError as error:
            # A message of pydantic's may quote the input; a type never does.
            wrong = [f"{'.'.join(map(str, one['loc'])) or 'body'} ({one['type']})" for one in error.errors()[:5]]
            raise self.protocol_error(ask, f"the answer is not as documented: {', '.join(wrong)}", answer) from None

    def protocol_error(self, ask: Ask, message: str, answer: Answer | None = None) -> ProviderError:
        """Make the error for an answer that makes no sense. After a write it is ambiguous: it may have happened."""
        hint = "is this the service that the provider's page describes, and not a proxy in front of it?"
        failure = Failure(code=ErrorCode.PROTOCOL, message=message, hint=hint, may_have_happened=True)
        return self._error(ask, failure, answer)

    def close(self) -> None:
        """Release all connections. May be called twice; a request afterwards opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _changes(self, method: str, path: str) -> bool:
        safe = method in _SAFE_METHODS | self.endpoint.read_methods
        return not safe and (method, path.partition("?")[0]) not in self.endpoint.reads

    def _refuse(self, method: str, path: str, operation: str) -> None:
        if self.endpoint.access is Access.READ and self._changes(method, path):
            raise ProviderError(
                "a write on a connection that may only read; nothing was sent",
                code=ErrorCode.READ_ONLY,
                provider=self.endpoint.provider,
                operation=operation,
            )

    def _repeated(self, send: Callable[[], T]) -> T:
        retries = self.endpoint.retries
        for attempt in stamina.retry_context(
            on=self._wait_before_retry,
            attempts=retries.attempts,
            timeout=retries.total_s,
            wait_initial=retries.wait_initial_s,
            wait_max=retries.wait_max_s,
            wait_jitter=retries.wait_initial_s,
        ):
            with attempt:
                return send()
        raise AssertionError  # pragma: no cover  (the last attempt returns or raises)

    def _wait_before_retry(self, error: Exception) -> bool | float:
        if not isinstance(error, ProviderError) or error.code not in _RETRIED:
            return False
        if error.retry_after_s is None:
            return True
        return error.retry_after_s if error.retry_after_s <= self.endpoint.retries.wait_max_s else False

    def _once(self, ask: Ask) -> Answer:
        with self._slot(), self._translated(ask):
            response = self._respond(ask)
            answer = self._whole(ask, response)
        if not response.is_success:
            raise self._refused(ask, answer)
        return answer

    def _stream(self, ask: Ask) -> tuple[Answer, BinaryIO]:
        with self._slot(), self._translated(ask):
            response = self._respond(ask)
            if response.is_success:
                body = _Body(response, lambda: self._translated(ask))
                head = Answer(status=response.status_code, headers=dict(response.headers))
                return head, cast("BinaryIO", io.BufferedReader(body, _CHUNK))
            answer = self._whole(ask, response)
        raise self._refused(ask, answer)

    def _respond(self, ask: Ask) -> httpx.Response:
        client, base = self._client(), ask.base or self.endpoint.url
        headers = [(name.encode("ascii"), _header(value)) for name, value in ask.headers.items()]
        request = client.build_request(ask.method, base + ask.path, headers=headers, content=ask.content)
        if request.url.raw_path != ask.path.encode("ascii"):
            request.url = _ExactUrl(request.url, ask.path)
        return client.send(request, stream=True)

    def _whole(self, ask: Ask, response: httpx.Response) -> Answer:
        deadline = time.monotonic() + 4 * self.endpoint.timeout_s
        parts, size = [], 0
        try:
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > self.endpoint.max_bytes:
                    raise self.protocol_error(ask, f"the answer is longer than {self.endpoint.max_bytes} bytes")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer does not end", request=response.request)
        finally:
            response.close()
        return Answer(status=response.status_code, headers=dict(response.headers), content=b"".join(parts))

    @contextmanager
    def _slot(self) -> Iterator[None]:
        with self._slots:
            self._pace.wait()
            yield

    @contextmanager
    def _translated(self, ask: Ask) -> Iterator[None]:
        at = self.endpoint
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeEncodeError) as error:
            failure = of_exception(error, url=ask.base or at.url, timeout_s=at.timeout_s, ca_file=at.ca_file)
            # Errors about headers quote them: such a one is not carried along.
            quotes = isinstance(error, httpx.LocalProtocolError | UnicodeEncodeError)
            raise self._error(ask, failure) from (None if quotes else error)

    def _client(self) -> httpx.Client:
        kept = httpx.Limits(max_keepalive_connections=self.endpoint.limits.concurrency, keepalive_expiry=5.0)
        with self._lock:
            if self._opened is None:
                self._opened = httpx.Client(
                    verify=_tls_context(self.endpoint),
                    timeout=self.endpoint.timeout_s,
                    limits=kept,
                    follow_redirects=False,
                    auth=self.endpoint.auth,
                    headers={"User-Agent": f"repl/{__version__}", "Accept-Encoding": "identity"},
                    event_hooks={"request": [self._guard]},
                )
            return self._opened

    def _guard(self, request: httpx.Request) -> None:
        # Behind refuse_write: whatever way a request was made, this is the last thing before a connection is opened.
        path = request.url.raw_path.decode("ascii")
        self._refuse(request.method, path, f"{request.method} {path}")

    def _refused(self, ask: Ask, answer: Answer) -> ProviderError:
        return self._error(ask, of_answer(answer, self.endpoint.explain), answer)

    def _error(self, ask: Ask, failure: Failure, answer: Answer | None = None) -> ProviderError:
        return ProviderError(
            self._clean(failure.message),
            code=failure.code,
            provider=self.endpoint.provider,
            operation=ask.operation,
            status=answer.status if answer else None,
            request_id=failure.request_id or (request_id(answer) if answer else None),
            retry_after_s=retry_after(answer) if answer else None,
            ambiguous=failure.may_have_happened and self.is_write(ask),
            hint=failure.hint,
        )

    def _clean(self, text: str) -> str:
        """Return one bounded line, without control characters and without any concealed value."""
        for secret in sorted(self._concealed, key=len, reverse=True):
            text = text.replace(secret, "***")
        line = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()
        return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 3] + "..."


class _ExactUrl(httpx.URL):
    """A URL whose path and query are sent as they are: httpx takes segments `.` and `..` out."""

    def __init__(self, url: httpx.URL, target: str) -> None:
        super().__init__(url)
        self._target = target.encode("ascii")

    @property
    def raw_path(self) -> bytes:
        return self._target


class _Pace:
    """Spreads requests evenly over time."""

    def __init__(self, rate: float | None) -> None:
        self._gap_s = 1 / rate if rate else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        if not self._gap_s:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._gap_s
        time.sleep(start - now)


class _Body(io.RawIOBase):
    """A response's body as it comes."""

    def __init__(self, response: httpx.Response, translated: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self._response = response
        self._parts = response.iter_raw(_CHUNK)
        self._rest = b""
        self._translated = translated

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        while not self._rest:
            with self._translated():
                part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = part
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()


def _header(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("ascii")


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    if not endpoint.verify_tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if endpoint.ca_file is None:
        context = httpx.create_ssl_context()
        context.load_default_certs()
        return context
    try:
        return ssl.create_default_context(cafile=str(endpoint.ca_file))
    except OSError as error:  # ssl.SSLError, for a file that is no PEM, is one
        why = "it holds no PEM certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise ProviderError(
            f"the CA file {endpoint.ca_file} cannot be used: {why}",
            code=ErrorCode.TLS,
            provider=endpoint.provider,
            operation="open connection",
            hint="caFile names a PEM file with the certificate of the authority that signed the server's certificate",
        ) from error
