"""CloneCloudStore (CCS): buckets replicated between sites that know each other."""

from pathlib import Path

from reconciler.model.manifest import Config
from reconciler.model.relationship import S3Endpoint
from reconciler.providers.base import Connection, Provider, ProviderType
from reconciler.providers.clonecloudstore.info import INFO

__all__ = ["TYPE", "CloneCloudStoreType"]


class CloneCloudStoreType:
    """The type as the registry finds it. Importing it imports neither httpx nor stamina."""

    info = INFO

    def s3_endpoint(self, config: Config, base: Path) -> S3Endpoint | None:  # noqa: ARG002  (the contract's names)
        """Return None: objects are reached through an API of its own."""
        return None

    def connect(self, connection: Connection) -> Provider:
        """Open a site. Reads no file and touches no network yet."""
        from reconciler.providers.clonecloudstore.provider import CloneCloudStoreProvider  # noqa: PLC0415  (httpx)

        return CloneCloudStoreProvider(connection)


TYPE: ProviderType = CloneCloudStoreType()
