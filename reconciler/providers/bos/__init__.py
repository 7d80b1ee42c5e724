"""Baidu BOS: data synchronisation rules of a bucket, each written on its own."""

from pathlib import Path

from reconciler.model.manifest import Config
from reconciler.model.relationship import S3Endpoint
from reconciler.providers.base import Connection, Provider, ProviderInfo
from reconciler.providers.bos.config import BosConfig
from reconciler.providers.bos.info import INFO

__all__ = ["TYPE", "BosType"]


class BosType:
    """What the registry finds. Importing it imports neither httpx nor stamina."""

    info: ProviderInfo = INFO

    def s3_endpoint(self, config: Config, base: Path) -> S3Endpoint | None:
        """Return the S3 face of the same buckets. Keys that need a session token are nobody else's to use."""
        if not isinstance(config, BosConfig):
            raise TypeError("these are not the settings of a BOS provider")
        keys = config.credentials if config.credentials.session_token is None else None
        return S3Endpoint(
            url=config.s3_url,
            region=config.region,
            path_style=config.s3_in_path,
            ca_file=str((base / config.ca_file).resolve()) if config.ca_file else None,
            access_key_id=keys.access_key_id if keys else None,
            secret_access_key=keys.secret_access_key if keys else None,
        )

    def connect(self, connection: Connection) -> Provider:
        """Open a region. Touches no network yet."""
        from reconciler.providers.bos.provider import BosProvider  # noqa: PLC0415  (httpx comes with it)

        return BosProvider(connection)


TYPE = BosType()
