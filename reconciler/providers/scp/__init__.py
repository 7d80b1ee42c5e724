"""Samsung Cloud Platform (SCP): replication of file storage volumes between regions."""

from pathlib import Path

from reconciler.model.manifest import Config
from reconciler.model.relationship import S3Endpoint
from reconciler.providers.base import Connection, Provider, ProviderType
from reconciler.providers.scp.info import INFO

__all__ = ["TYPE", "ScpType"]


class ScpType:
    """The type as the registry finds it. Importing it imports neither httpx nor stamina."""

    info = INFO

    def s3_endpoint(self, config: Config, base: Path) -> S3Endpoint | None:  # noqa: ARG002  (the contract's names)
        """Return None: a volume is reached over NFS or CIFS."""
        return None

    def connect(self, connection: Connection) -> Provider:
        """Open a region. Reads no file and touches no network yet."""
        from reconciler.providers.scp.provider import ScpProvider  # noqa: PLC0415  (httpx comes with it)

        return ScpProvider(connection)


TYPE: ProviderType = ScpType()
