"""The trust file: which secret may be sent to which hosts, written by whoever runs `repl`, not by pull requests."""

from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from reconciler.errors import ManifestError
from reconciler.manifest import files
from reconciler.manifest.complaints import Complaints
from reconciler.manifest.sources import Sources
from reconciler.manifest.syntax import parse
from reconciler.model.secret import SecretRef
from reconciler.model.value import Document

__all__ = ["TrustEntry", "TrustFile", "load_trust"]


class TrustEntry(Document):
    """One secret and where it may go."""

    secret: SecretRef
    hosts: tuple[str, ...] = Field(min_length=1)
    """Host names as in URLs; `*.example.com` for all below it, `host:port` for one port only."""


class TrustFile(Document):
    """All that is trusted; what is not listed is refused."""

    trust: tuple[TrustEntry, ...]

    def allows(self, ref: SecretRef, host: str) -> bool:
        """Say whether a secret may be sent to `host` or `host:port`."""
        return any(
            entry.secret == ref and any(_matches(pattern, host) for pattern in entry.hosts) for entry in self.trust
        )


_ADAPTER = TypeAdapter(TrustFile)


def load_trust(path: Path) -> TrustFile:
    """Read a trust file. Raises ManifestError with every finding."""
    sources = Sources()
    source = files.read(path, sources)
    documents = [] if source is None else list(parse(source, sources))
    if not sources.mistakes and len(documents) == 1:
        try:
            return _ADAPTER.validate_python(documents[0].data, by_alias=True, by_name=False)
        except ValidationError as error:
            sources.mistakes += Complaints(documents[0], TrustFile, sources).mistakes(error)
    message = f"{files.display(path)} is not a trust file"
    hint = "trust: [{secret: {env: NAME}, hosts: [s3.example.com]}]"
    raise ManifestError(message, hint=hint, findings=sources.findings())


def _matches(pattern: str, host: str) -> bool:
    name, port = _split(pattern)
    other, other_port = _split(host)
    if port and port != other_port:
        return False
    return other.endswith(name[1:]) and other != name[1:] if name.startswith("*.") else other == name


def _split(host: str) -> tuple[str, str]:
    """Return (name, port); the port is empty if there is none. IPv6 addresses stand in brackets."""
    name, colon, port = host.casefold().rstrip(".").rpartition(":")
    return (
        (name.rstrip("."), port)
        if colon and port.isdecimal() and (":" not in name or name.endswith("]"))
        else (host.casefold().rstrip("."), "")
    )
