"""Turns secret references into secrets, as late as possible, and keeps them out of every output."""

import os
import stat
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import SecretStr

from reconciler.errors import ErrorCode, ProviderError
from reconciler.manifest.command import CommandFailed, run
from reconciler.manifest.redaction import SHORTEST, Redactor
from reconciler.manifest.trust import TrustFile, load_trust
from reconciler.manifest.wording import printable
from reconciler.model.secret import SecretRef

__all__ = ["MAX_BYTES", "TIMEOUT_S", "Secrets"]

MAX_BYTES = 65_536
"""A secret that is larger is refused."""
TIMEOUT_S = 30.0
"""How long an `exec` command may take."""


class Secrets:
    """Resolves references, each once. Thread-safe.

    Raises ProviderError SECRET everywhere, without the value and without what a command wrote.
    """

    def __init__(
        self,
        base: Path,
        *,
        allow_exec: bool = False,
        environ: Mapping[str, str] | None = None,
        trust: TrustFile | Path | None = None,
        aws: Callable[[str], str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Resolve nothing yet.

        Args:
            base: folder of the workspace; `file` references are read only below it.
            allow_exec: whether `exec` references may run.
            environ: environment variables, those of this process if None.
            trust: what may be sent where, or the file that says it; anything may be sent anywhere if None.
                A file that is wrong raises ManifestError.
            aws: returns the text of a secret in AWS Secrets Manager by id or ARN.
            timeout_s: how long a command may take.
        """
        self._base = base
        self._allow_exec = allow_exec
        self._environ = os.environ if environ is None else environ
        self._trust = load_trust(trust) if isinstance(trust, Path) else trust
        self._aws = aws
        self._timeout_s = timeout_s
        self._redactor = Redactor()
        self._lock = threading.Lock()
        self._locks: defaultdict[SecretRef, threading.Lock] = defaultdict(threading.Lock)
        self._values: dict[SecretRef, SecretStr] = {}

    def resolve(self, ref: SecretRef, *, send_to: str | None = None) -> SecretStr:
        """Return the secret; `send_to` is the host, or host:port, that it will be sent to.

        With a trust file, what it does not list for that host is refused before anything is read or run.
        """
        if self._trust is not None and (send_to is None or not self._trust.allows(ref, send_to)):
            where = "an unnamed host" if send_to is None else printable(send_to)
            raise _refused(
                ref, f"the trust file does not allow to send it to {where}", "list the host there, if it is right"
            )
        return self.resolve_here(ref)

    def resolve_here(self, ref: SecretRef) -> SecretStr:
        """Return the secret for a use that sends it nowhere, as a digest of it."""
        with self._lock:
            lock = self._locks[ref]
        with lock:
            if (known := self._values.get(ref)) is None:
                value = self._read(ref)
                self._check(ref, value)
                self._redactor.add(value)
                known = self._values[ref] = SecretStr(value)
        return known

    def redact(self, text: str) -> str:
        """Replace every resolved secret by `***`, also where it is quoted for URLs, JSON, XML or base64."""
        return self._redactor.redact(text)

    def _read(self, ref: SecretRef) -> str:
        if ref.env is not None:
            return self._from_environment(ref, ref.env)
        if ref.file is not None:
            return self._from_file(ref, ref.file)
        if ref.exec is not None:
            return self._from_command(ref, ref.exec)
        return self._from_aws(ref, ref.aws_secrets_manager or "")

    def _check(self, ref: SecretRef, value: str) -> None:
        if not value:
            raise _refused(ref, "it is empty")
        if len(value) < SHORTEST:
            hint = f"use a secret of at least {SHORTEST} characters"
            raise _refused(ref, "it is too short to be kept out of outputs", hint)

    def _from_environment(self, ref: SecretRef, name: str) -> str:
        if name not in self._environ:
            raise _refused(ref, "the environment variable is not set", f"export {printable(name)}=...")
        return self._environ[name]

    def _from_file(self, ref: SecretRef, name: str) -> str:
        base = self._base.resolve()
        try:
            path = (base / name).resolve(strict=True)
            if not path.is_relative_to(base):
                raise _refused(ref, "the file is not below the workspace", "move it there, or use another reference")
            return _text(ref, _bytes(path))
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "it cannot be read"
            raise _refused(ref, f"the file: {reason[:1].lower()}{reason[1:]}") from None

    def _from_command(self, ref: SecretRef, command: tuple[str, ...]) -> str:
        if not self._allow_exec:
            hint = "give --allow-exec where the manifests are trusted"
            raise _refused(ref, "commands are not run by default", hint)
        try:
            output = run(command, cwd=self._base, environ=self._environ, timeout_s=self._timeout_s, most=MAX_BYTES)
        except CommandFailed as failure:
            raise _refused(ref, str(failure), "run it by hand to see what it says") from None
        return _text(ref, output)

    def _from_aws(self, ref: SecretRef, name: str) -> str:
        if self._aws is None:
            raise _refused(ref, "AWS Secrets Manager is not available here")
        try:
            return self._aws(name)
        except ProviderError:
            raise
        except Exception as error:  # noqa: BLE001 any SDK's errors; their text may quote the answer
            raise _refused(ref, f"AWS Secrets Manager: {type(error).__name__}") from None


def _refused(ref: SecretRef, message: str, hint: str | None = None) -> ProviderError:
    operation = f"resolve {printable(str(ref))}"
    return ProviderError(message, code=ErrorCode.SECRET, provider="secrets", operation=operation, hint=hint)


def _bytes(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "not a regular file")
        return file.read(MAX_BYTES + 1)


def _text(ref: SecretRef, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _refused(ref, f"it is longer than {MAX_BYTES // 1024} KiB")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _refused(ref, "it is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
