"""AWS plumbing: a boto3 client with bounds, a guard that refuses writes, and every failure as a ProviderError.

Signing, the credential chain and retries are botocore's own. Environment variables that would move an endpoint
(AWS_ENDPOINT_URL and its kin) are not honoured: where a request goes stands in the manifest, where a reviewer sees it.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
import botocore.exceptions as boto_errors
from botocore.config import Config as BotoConfig
from botocore.parsers import ResponseParserError
from pydantic import SecretStr

from reconciler import __version__
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Limits
from reconciler.providers.aws_bounds import BoundedSession
from reconciler.providers.base import Access

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

__all__ = ["Keys", "Requests", "Target", "aws_errors", "open_session", "retry_after", "s3_client"]

# Below this level botocore writes the headers of every request, session tokens included.
logging.getLogger("botocore").setLevel(logging.INFO)

_READS = ("Get", "Head", "List")
_READ_ATTEMPTS = 5
_LONGEST_WAIT_S = 20.0
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Keys:
    """Static credentials."""

    access_key_id: str
    secret_access_key: SecretStr
    session_token: SecretStr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a client sends its requests, and how hard it may."""

    provider: str
    """Name of the Provider document, for errors."""
    region: str
    endpoint: str | None = None
    """None: the one that AWS has for the region."""
    path_style: bool = False
    ca_file: Path | None = None
    timeout_s: float = 30.0
    """For each wait for bytes; a whole answer may take four times as long."""
    limits: Limits = field(default_factory=Limits)
    access: Access = Access.READ


def open_session(target: Target, *, profile: str | None = None, keys: Keys | None = None) -> boto3.Session:
    """Open a session with given keys, a named profile, or the usual AWS chain. Touches no network.

    Not safe to call from several threads at once: boto3 shares its loaders.
    """
    with aws_errors(target.provider, "credentials"):
        if keys is None:
            return boto3.Session(profile_name=profile, region_name=target.region)
        token = keys.session_token.get_secret_value() if keys.session_token else None
        return boto3.Session(keys.access_key_id, keys.secret_access_key.get_secret_value(), token, target.region)


def s3_client(session: boto3.Session, target: Target, *, retry: bool) -> "S3Client":
    """Make an S3 client. With `retry`, requests are repeated up to 5 times (botocore's standard mode, with jitter).

    429 and 503 with a Retry-After of up to 20 s are waited for as told. Without `retry`, a request is sent once.
    """
    attempts = _READ_ATTEMPTS if retry else 1
    config = BotoConfig(
        user_agent=f"repl/{__version__}",
        connect_timeout=min(target.timeout_s, 10.0),
        read_timeout=target.timeout_s,
        max_pool_connections=target.limits.concurrency,
        retries={"mode": "standard", "total_max_attempts": attempts},
        s3={"addressing_style": "path" if target.path_style else "virtual"},
        # Checksums are given where they are wanted: trailers that botocore adds are refused by many servers.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # missing in the stubs
    )
    with aws_errors(target.provider, "client"):
        client = session.client(
            "s3", endpoint_url=target.endpoint, verify=str(target.ca_file) if target.ca_file else None, config=config
        )
    _bound(client, target)
    events = client.meta.events
    if target.access is Access.READ:
        events.register_first("before-call.s3", _Guard(target.provider).refuse_write)
    if retry:
        events.register_first("needs-retry.s3", _wait_as_told)  # type: ignore[arg-type]  # answers do count
    return client


def _bound(client: Any, target: Target) -> None:
    """Let no answer go on for ever: botocore has no setting for that."""
    endpoint = client._endpoint  # noqa: SLF001 no public way
    endpoint.http_session = BoundedSession(endpoint.http_session, whole_s=4 * target.timeout_s)


class _Guard:
    """Refuses whatever is not a read, before a byte is sent."""

    def __init__(self, provider: str) -> None:
        self._provider = provider

    def refuse_write(self, model: Any, **_: object) -> None:
        if not str(model.name).startswith(_READS):
            raise ProviderError(
                "a write on a connection that may only read; nothing was sent",
                code=ErrorCode.READ_ONLY, provider=self._provider, operation=model.name,
            )  # fmt: skip


class Requests:
    """Gives leave for requests: no more than `concurrency` at a time, no more than `rate` begun a second."""

    def __init__(self, provider: str, limits: Limits) -> None:
        self.provider = provider
        self._slots = threading.BoundedSemaphore(limits.concurrency)
        self._gap_s = 1 / limits.rate if limits.rate else 0.0
        self._lock = threading.Lock()
        self._next = 0.0
        self._concealed: frozenset[str] = frozenset()

    def conceal(self, *secrets: str) -> None:
        """Keep values out of every error from now on, also where the server repeats them."""
        with self._lock:
            self._concealed |= {form for one in secrets if one for form in (one, quote(one, safe=""))}

    @contextmanager
    def one(self, operation: str, *, write: bool = False) -> Iterator[None]:
        """Wait for leave, and turn what boto3 raises meanwhile into ProviderError."""
        # Looked up when it has failed: keys are resolved at the first call that needs them.
        with self._slots, aws_errors(self.provider, operation, write=write, concealed=lambda: self._concealed):
            with self._lock:
                now = time.monotonic()
                start = max(now, self._next)
                self._next = start + self._gap_s
            time.sleep(start - now)
            yield


def _wait_as_told(response: Any, attempts: int, **_: object) -> float | bool | None:
    """Answer botocore's question for the delay before a retry: seconds, False for no retry, None for its own rule."""
    if response is None or response[0].status_code not in (429, 503):
        return None
    told = retry_after(response[0].headers)
    if told is None:
        return None
    return told if attempts < _READ_ATTEMPTS and told <= _LONGEST_WAIT_S else False


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read a Retry-After header, in seconds; None if there is none that makes sense."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


@contextmanager
def aws_errors(
    provider: str, operation: str, *, write: bool = False, concealed: Callable[[], Collection[str]] = tuple
) -> Iterator[None]:
    """Turn whatever boto3 raises into ProviderError. With `write`, an answer that got lost makes it ambiguous.
    `concealed`: gives what is left out of it wherever the server repeats it."""
    try:
        yield
    except boto_errors.ClientError as error:
        raise _of_answer(error, provider, operation, write=write, concealed=concealed()) from error
    except (boto_errors.BotoCoreError, ResponseParserError) as error:
        raise _of_failure(error, provider, operation, write=write) from error
    except (TypeError, AttributeError, KeyError) as error:
        # botocore stumbles over answers that AWS never gives, as a redirect of a call that is about no bucket.
        if "botocore" not in extract_tb(error.__traceback__)[-1].filename:
            raise
        raise ProviderError(
            "the AWS SDK does not understand the answer: is this an S3 service?", code=ErrorCode.PROTOCOL,
            provider=provider, operation=operation, ambiguous=write,
        ) from error  # fmt: skip


_CODES = {
    ErrorCode.NOT_FOUND: "NoSuchBucket NoSuchKey NoSuchVersion NoSuchUpload ReplicationConfigurationNotFoundError "
    "ObjectLockConfigurationNotFoundError NoSuchObjectLockConfiguration",
    ErrorCode.ALREADY_EXISTS: "BucketAlreadyExists BucketAlreadyOwnedByYou",
    ErrorCode.INVALID_ARGUMENT: "MalformedXML InvalidArgument InvalidRequest InvalidBucketName InvalidDigest BadDigest "
    "KeyTooLongError EntityTooLarge EntityTooSmall InvalidTag InvalidStorageClass MetadataTooLarge "
    "MaxMessageLengthExceeded XAmzContentSHA256Mismatch InvalidURI MissingContentLength IncompleteBody",
    ErrorCode.FAILED_PRECONDITION: "InvalidBucketState PreconditionFailed PermanentRedirect TemporaryRedirect Redirect "
    "AuthorizationHeaderMalformed IllegalLocationConstraintException InvalidObjectState",
    ErrorCode.CONFLICT: "OperationAborted ConditionalRequestConflict",
    ErrorCode.UNAUTHENTICATED: "InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken InvalidToken InvalidSecurity "
    "TokenRefreshRequired RequestTimeTooSkewed MissingSecurityHeader CredentialsNotSupported",
    ErrorCode.PERMISSION_DENIED: "AccessDenied AllAccessDisabled AccountProblem NotSignedUp UnauthorizedAccess "
    "InvalidPayer",
    ErrorCode.RATE_LIMITED: "SlowDown Throttling ThrottlingException TooManyRequests TooManyRequestsException "
    "RequestLimitExceeded BandwidthLimitExceeded RequestThrottled",
    ErrorCode.UNAVAILABLE: "InternalError ServiceUnavailable RequestTimeout",
    ErrorCode.UNIMPLEMENTED: "NotImplemented MethodNotAllowed XNotImplemented",
}  # fmt: skip
_BY_CODE = {name: code for code, names in _CODES.items() for name in names.split()}
_BY_STATUS = {
    301: ErrorCode.FAILED_PRECONDITION, 307: ErrorCode.FAILED_PRECONDITION, 400: ErrorCode.INVALID_ARGUMENT,
    401: ErrorCode.UNAUTHENTICATED, 403: ErrorCode.PERMISSION_DENIED, 404: ErrorCode.NOT_FOUND,
    405: ErrorCode.UNIMPLEMENTED, 408: ErrorCode.UNAVAILABLE, 409: ErrorCode.CONFLICT, 411: ErrorCode.INVALID_ARGUMENT,
    412: ErrorCode.FAILED_PRECONDITION, 413: ErrorCode.INVALID_ARGUMENT, 416: ErrorCode.INVALID_ARGUMENT,
    429: ErrorCode.RATE_LIMITED, 500: ErrorCode.UNAVAILABLE, 501: ErrorCode.UNIMPLEMENTED,
    502: ErrorCode.UNAVAILABLE, 503: ErrorCode.UNAVAILABLE, 504: ErrorCode.UNAVAILABLE,
}  # fmt: skip
_LOST = frozenset({408, 500, 502, 504})
"""Statuses after which a write may have happened all the same. A 503 is refused before anything is done."""
_HINTS = {
    "RequestTimeTooSkewed": "the clock of this machine is wrong: synchronise it",
    "ExpiredToken": "the session has expired: sign in again",
    "PermanentRedirect": "the bucket lies in another region: set `region` of the provider to it",
    "AuthorizationHeaderMalformed": "the endpoint expects another region: set `region` of the provider to it",
    "SignatureDoesNotMatch": "the secret key is wrong, or a proxy changes the request",
    "InvalidAccessKeyId": "check `credentials` of the provider, or the profile in use",
}
_VERSIONING_HINT = (
    "enable versioning on the source and on the destination bucket; just after enabling it the service may "
    "still say so for some minutes: apply again then"
)
_CHAIN_HINT = "set `credentials` or `profile` of the provider, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


def _clean(text: str, concealed: Collection[str]) -> str:
    """Return one bounded line without concealed values and signatures: a server may say the whole request again."""
    for secret in sorted(concealed, key=len, reverse=True):
        text = text.replace(secret, "***")
    line = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", re.sub(r"(?<=Signature=)[0-9A-Za-z%+/=]+", "***", text)).strip()
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 3] + "..."


def _of_answer(
    error: boto_errors.ClientError, provider: str, operation: str, *, write: bool, concealed: Collection[str]
) -> ProviderError:
    said: Mapping[str, Any] = error.response.get("Error", {})
    meta: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    name, status = str(said.get("Code", "")), meta.get("HTTPStatusCode")
    text = str(said.get("Message") or "") or "the server gave no message"
    code = _BY_CODE.get(name) or _BY_STATUS.get(status or 0, ErrorCode.PROTOCOL)
    if code is ErrorCode.INVALID_ARGUMENT:
        code = _BY_STATUS.get(status or 400, code)  # names like InvalidRequest come with many a status
    hint = _HINTS.get(name)
    if name == "InvalidRequest" and "versioning" in text.lower():
        # Sources: public issues of Terraform's AWS provider (13179, 23578): both texts, for source and destination.
        code, hint = ErrorCode.FAILED_PRECONDITION, _VERSIONING_HINT
    return ProviderError(
        _clean(f"{name}: {text}" if name and name != str(status) else text, concealed),
        code=code,
        provider=provider,
        operation=operation,
        status=status,
        request_id=_clean(str(meta.get("RequestId") or ""), concealed) or None,
        retry_after_s=retry_after(meta.get("HTTPHeaders", {})),
        ambiguous=write and status in _LOST,
        hint=hint,
    )


_FAILURES: tuple[tuple[tuple[type[Exception], ...], ErrorCode, bool, str | None], ...] = (
    # (exceptions, code, whether a write may have happened, hint); the first that fits counts
    (
        (
            boto_errors.NoCredentialsError, boto_errors.PartialCredentialsError, boto_errors.CredentialRetrievalError,
            boto_errors.ProfileNotFound, boto_errors.NoAuthTokenError, boto_errors.TokenRetrievalError,
            boto_errors.SSOError, boto_errors.LoginError, boto_errors.MetadataRetrievalError,
        ),
        ErrorCode.UNAUTHENTICATED, False, _CHAIN_HINT,
    ),
    ((boto_errors.SSLError,), ErrorCode.TLS, True, "set `caFile` of the provider to the authority of the server"),
    (
        (
            boto_errors.ConnectTimeoutError, boto_errors.EndpointConnectionError, boto_errors.ProxyConnectionError,
        ),
        ErrorCode.UNAVAILABLE, False, "is the endpoint right, and can this machine reach it?",
    ),
    (
        (
            boto_errors.ParamValidationError, boto_errors.ValidationError, boto_errors.InvalidS3AddressingStyleError,
            boto_errors.UnsupportedS3ArnError, boto_errors.UnsupportedS3ConfigurationError,
            boto_errors.EndpointProviderError, boto_errors.UnseekableStreamError, boto_errors.ConfigParseError,
            boto_errors.InvalidConfigError, boto_errors.MissingDependencyException,
        ),
        ErrorCode.INVALID_ARGUMENT, False, None,
    ),
    (
        (
            boto_errors.HTTPClientError, boto_errors.ConnectionError, boto_errors.IncompleteReadError,
        ),
        ErrorCode.UNAVAILABLE, True, None,
    ),
)  # fmt: skip


def _of_failure(error: Exception, provider: str, operation: str, *, write: bool) -> ProviderError:
    found = next((row[1:] for row in _FAILURES if isinstance(error, row[0])), (ErrorCode.PROTOCOL, True, None))
    code, lost, hint = found
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        lost = False  # the handshake failed: nothing was sent
    return ProviderError(
        str(error), code=code, provider=provider, operation=operation, ambiguous=write and lost, hint=hint
    )
