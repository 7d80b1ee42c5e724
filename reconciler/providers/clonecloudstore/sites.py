"""The sites that a workspace names, each with its clients: a pair of sites is read and written at both ends."""

import threading
from collections.abc import Iterator

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import ProviderDoc
from reconciler.providers.base import Connection
from reconciler.providers.clonecloudstore.client import SiteClient
from reconciler.providers.clonecloudstore.identity import config_of, sites_of

__all__ = ["Sites"]


class Sites:
    """Opens clients, each once. Safe to use from several threads. Opening touches no network."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._docs = tuple(sorted((connection.doc, *connection.siblings), key=lambda doc: doc.name))
        self._lock = threading.Lock()
        self._open: dict[str, SiteClient] = {}
        self.own = self._opened(connection.doc)

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the other sites, sorted."""
        return tuple(sorted({config_of(doc.spec.config).site for doc in self._docs} - {self.own.site}))

    def owner(self, key: str) -> str:
        """Return the document that a pair's scope is called by, the same whichever of them is asked.

        Both directions lie in one scope, for they share both sites' lists: which would be written twice otherwise.
        """
        pair = sites_of(key)
        return min((doc.name for doc in self._docs if config_of(doc.spec.config).site in pair), default=self.own.name)

    def names(self, provider: str, key: str) -> bool:
        """Say whether a pair's scope is called by this document, and both of its sites are named by some."""
        known = {config_of(doc.spec.config).site for doc in self._docs}
        return provider == self.owner(key) and known.issuperset(sites_of(key))

    def document(self, site: str, client: str) -> str | None:
        """Return the document that names a site and a client; None if there is none."""
        found = self._doc(site, client)
        return found.name if found is not None else None

    def at(self, site: str, client: str | None = None) -> SiteClient:
        """Return the client of a site: in the name of that client, or of any. Raises FAILED_PRECONDITION."""
        doc = self._doc(site, client)
        if doc is None:
            who = f" for client {client}" if client else ""
            raise ProviderError(
                f"no document of type `clonecloudstore` reaches {site}{who}",
                code=ErrorCode.FAILED_PRECONDITION, provider=self.own.name, operation="open a site",
                hint=f"add a provider document with `clonecloudstore: {{site: {site}, ...}}`",
            )  # fmt: skip
        return self._opened(doc)

    def all_at(self, site: str) -> Iterator[SiteClient]:
        """Yield a client of a site for each client id that a document names."""
        ids = {config_of(doc.spec.config).client_id for doc in self._docs if config_of(doc.spec.config).site == site}
        for client in sorted(ids):
            yield self.at(site, client)

    def close(self) -> None:
        """Release all connections. May be called twice."""
        with self._lock:
            for client in self._open.values():
                client.close()

    def _doc(self, site: str, client: str | None) -> ProviderDoc | None:
        for doc in self._docs:
            config = config_of(doc.spec.config)
            if config.site == site and client in (None, config.client_id):
                return doc
        return None

    def _opened(self, doc: ProviderDoc) -> SiteClient:
        with self._lock:
            if doc.name not in self._open:
                self._open[doc.name] = SiteClient(self._connection, doc)
            return self._open[doc.name]
