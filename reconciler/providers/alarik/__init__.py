"""Alarik: a bucket's replication targets and rules, written whole and in a safe order."""

from pathlib import Path

from reconciler.model.manifest import Config
from reconciler.model.relationship import S3Endpoint
from reconciler.providers.alarik.config import AlarikConfig
from reconciler.providers.alarik.info import INFO
from reconciler.providers.base import Connection, Provider, ProviderInfo

__all__ = ["TYPE", "AlarikType"]


class AlarikType:
    """What the registry finds. Importing it imports neither httpx nor boto3."""

    info: ProviderInfo = INFO

    def s3_endpoint(self, config: Config, base: Path) -> S3Endpoint | None:
        """Return the server itself, as others replicate to it. It holds no rules there: PUT ?replication gives 501."""
        if not isinstance(config, AlarikConfig):
            raise TypeError("these are not the settings of an Alarik provider")
        keys = config.credentials
        return S3Endpoint(
            url=config.endpoint,
            region=config.region,
            path_style=True,
            ca_file=str((base / config.ca_file).resolve()) if config.ca_file else None,
            access_key_id=keys.access_key_id if keys else None,
            secret_access_key=keys.secret_access_key if keys else None,
        )

    def connect(self, connection: Connection) -> Provider:
        """Open a server. Touches no network yet."""
        from reconciler.providers.alarik.provider import AlarikProvider  # noqa: PLC0415  (httpx comes with it)

        return AlarikProvider(connection)


TYPE = AlarikType()
