"""The canary itself: a fresh object with content, metadata and tags that nobody else has."""

import hashlib
import secrets
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import BytesIO

from reconciler.model.manifest import Location
from reconciler.model.relationship import Flow
from reconciler.model.verification import ObjectFacts
from reconciler.providers.base import Store

__all__ = ["FOLDER", "Specimen", "excluding_glob", "run_prefix", "specimen_key", "specimen_tags"]

FOLDER = ".repl-canary/"
"""Where canaries lie, below a location."""
_MIN_BYTES, _MAX_BYTES = 4 * 1024, 64 * 1024


def run_prefix(run_id: str) -> str:
    """Return the prefix of all canaries of one run."""
    return f"{FOLDER}{run_id}/"


def specimen_key(run_id: str, flow: Flow) -> str:
    """Return a flow's canary key, relative to its location."""
    return run_prefix(run_id) + flow.name


def specimen_tags(flow: Flow) -> dict[str, str]:
    """Return the tags of a flow's canary: those that its filter asks for."""
    return dict((flow.spec.filter.tags if flow.spec.filter else None) or {})


def excluding_glob(flow: Flow, source: Location, key: str) -> str | None:
    """Return the exclude glob that would keep the canary back, or None.

    Providers differ in what a glob is matched with: the key below the location, the whole key, or its last part.
    """
    chosen = flow.spec.filter
    forms = (key, f"{source.prefix or ''}{key}", key.rpartition("/")[2])
    globs = (chosen.exclude if chosen else None) or ()
    return next((glob for glob in globs if any(fnmatchcase(form, glob) for form in forms)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """One canary."""

    key: str
    content: bytes
    metadata: dict[str, str]
    tags: dict[str, str]

    @classmethod
    def fresh(cls, run_id: str, flow: Flow) -> "Specimen":
        """Make one with random content, and the tags that the flow's filter asks for."""
        size = _MIN_BYTES + secrets.randbelow(_MAX_BYTES - _MIN_BYTES + 1)
        return cls(
            key=specimen_key(run_id, flow),
            content=secrets.token_bytes(size),
            metadata={"repl-run": run_id, "repl-replication": flow.name},
            tags=specimen_tags(flow),
        )

    @property
    def size(self) -> int:
        """Bytes of content."""
        return len(self.content)

    @property
    def sha256(self) -> str:
        """Lower-case hex digest of the content."""
        return hashlib.sha256(self.content).hexdigest()

    def write(self, store: Store) -> ObjectFacts:
        """Write it. Raises ProviderError."""
        return store.write(
            self.key, BytesIO(self.content), self.size, metadata=self.metadata, tags=self.tags or None
        )  # fmt: skip
