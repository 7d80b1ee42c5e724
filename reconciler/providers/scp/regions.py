"""The clients of both ends: one for each document, each bound to its region for as long as it lives.

A replication is created at its source's region and changed at its replica's. One client that is pointed elsewhere in
between would send a call of one thread to the region of another's.
"""

import threading

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import ProviderDoc
from reconciler.providers.base import Connection
from reconciler.providers.scp.client import ScpClient
from reconciler.providers.scp.config import ScpConfig

__all__ = ["Regions"]


class Regions:
    """Opens clients, each once. Safe to use from several threads. Opening touches no network."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.own = ScpClient(connection, connection.doc)
        self._lock = threading.Lock()
        self._open: dict[str, ScpClient] = {connection.doc.name: self.own}

    def reaches(self, region: str) -> bool:
        """Say whether a document names a region, or could be derived for it."""
        return self._doc(region, None) is not None

    def document(self, region: str) -> str | None:
        """Return the name of the workspace's document for a region; None if there is none."""
        found = self._doc(region, None)
        named = {one.name for one in self._connection.siblings}
        return found.name if found is not None and found.name in named else None

    def at(self, region: str, provider: str | None = None) -> ScpClient:
        """Return the client of a region: by the document of that name, else by the one that fits this one best.

        Raises ProviderError FAILED_PRECONDITION if no document reaches it.
        """
        doc = self._doc(region, provider)
        if doc is None:
            raise ProviderError(
                f"no document of type `scp` reaches region {region}, where the replica lies",
                code=ErrorCode.FAILED_PRECONDITION, provider=self.own.name, operation="open a region",
                hint=f"add a provider document with `scp: {{region: {region}, ...}}`",
            )  # fmt: skip
        with self._lock:
            if doc.name not in self._open:
                self._open[doc.name] = ScpClient(self._connection, doc)
            return self._open[doc.name]

    def close(self) -> None:
        """Release all connections. May be called twice."""
        with self._lock:
            for client in self._open.values():
                client.close()

    def _doc(self, region: str, provider: str | None) -> ProviderDoc | None:
        own = self.own.config
        fitting = [doc for doc in self._connection.siblings if _fits(doc, own, region)]
        # The one that was named, then one that names the same account.
        fitting.sort(key=lambda doc: (doc.name != provider, _account(doc) != own.account_id, doc.name))
        if fitting:
            return fitting[0]
        if region == own.region:
            return self._connection.doc
        return None if own.endpoint is not None else self._derived(region)

    def _derived(self, region: str) -> ProviderDoc:
        """Return a document for another region of the public cloud, with this one's key."""
        doc = self._connection.doc
        config = self.own.config.model_copy(update={"region": region})
        metadata = doc.metadata.model_copy(update={"name": f"{doc.name}-{region}"[:63].rstrip("-")})
        spec = doc.spec.model_copy(update={"config": config})
        return doc.model_copy(update={"metadata": metadata, "spec": spec})


def _fits(doc: ProviderDoc, own: ScpConfig, region: str) -> bool:
    config = doc.spec.config
    if not isinstance(config, ScpConfig) or config.region != region or config.environment is not own.environment:
        return False
    return config.account_id is None or own.account_id is None or config.account_id == own.account_id


def _account(doc: ProviderDoc) -> str | None:
    config = doc.spec.config
    return config.account_id if isinstance(config, ScpConfig) else None
