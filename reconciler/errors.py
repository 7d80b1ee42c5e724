"""The errors that end a step, and the exit codes of the command.

ReplError
├── UsageError            64  the command line
├── ManifestError          1  the documents; carries findings with places
├── Refused                4  a policy, a guard, an effect that needs approval; nothing was written
├── StalePlan              5  the plan does not fit the world or cannot be checked; nothing was written
├── LockHeld               7  another apply holds the lock
├── ProviderError        1/8  a provider refused or did not answer; `code` says which
└── InternalError          1  a bug of ours; asks for a report
"""

from enum import IntEnum, StrEnum

from reconciler.model.finding import Finding

__all__ = [
    "ErrorCode",
    "ExitCode",
    "InternalError",
    "LockHeld",
    "ManifestError",
    "ProviderError",
    "Refused",
    "ReplError",
    "StalePlan",
    "UsageError",
]


class ExitCode(IntEnum):
    """The published contract. A number that is not here is a failure."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    PARTIAL = 3
    REFUSED = 4
    STALE = 5
    UNVERIFIED = 6
    LOCKED = 7
    AUTH = 8
    USAGE = 64
    INTERRUPTED = 130


class ErrorCode(StrEnum):
    """Why a provider's operation did not work. Programs act on the code, never on the text."""

    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    CONFLICT = "CONFLICT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    """No connection, 5xx, timeout: trying again may help."""
    TLS = "TLS"
    """The server's certificate is not trusted, or the handshake failed: trying again does not help."""
    UNIMPLEMENTED = "UNIMPLEMENTED"
    PROTOCOL = "PROTOCOL"
    """The answer is not what the vendor documents."""
    READ_ONLY = "READ_ONLY"
    """A write on a transport that refuses writes: a bug of ours."""
    SECRET = "SECRET"  # noqa: S105 the code's name
    """A secret reference could not be resolved."""


class ReplError(Exception):
    """Root of all errors that a user may see. `message` holds no secret."""

    exit_code: ExitCode = ExitCode.ERROR

    def __init__(self, message: str, *, hint: str | None = None, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.findings = findings


class UsageError(ReplError):
    """The command line asks for something that makes no sense."""

    exit_code = ExitCode.USAGE


class ManifestError(ReplError):
    """The documents have errors; all of them are in `findings`."""


class Refused(ReplError):
    """A policy, a guard or an unapproved effect forbids it. Nothing was written."""

    exit_code = ExitCode.REFUSED


class StalePlan(ReplError):
    """The plan was changed, has expired, or does not fit what is live. Nothing was written."""

    exit_code = ExitCode.STALE


class LockHeld(ReplError):
    """Another apply holds the lock. Nothing was written."""

    exit_code = ExitCode.LOCKED


class ProviderError(ReplError):
    """A provider's operation did not work."""

    def __init__(
        self,
        message: str,
        *,
        code: ErrorCode,
        provider: str,
        operation: str,
        status: int | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
        ambiguous: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.provider = provider
        self.operation = operation
        self.status = status
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.ambiguous = ambiguous
        """True if the write may have happened all the same."""
        if code in (ErrorCode.UNAUTHENTICATED, ErrorCode.PERMISSION_DENIED, ErrorCode.SECRET):
            self.exit_code = ExitCode.AUTH

    def __str__(self) -> str:
        """Write provider, operation, what happened, and the vendor's request id."""
        status = f" {self.status}" if self.status else ""
        request = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.provider}: {self.operation}: {self.code.value}{status}: {self.message}{request}"


class InternalError(ReplError):
    """A bug of ours."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, hint="this is a bug in repl: please report it with the command and the output of `repl --version`"
        )
