"""S3: a bucket's replication rules, written whole. Importing this imports no SDK; opening a connection does."""

from pathlib import Path

from reconciler.model.manifest import Config
from reconciler.model.relationship import S3Endpoint
from reconciler.providers.base import Connection, Provider, ProviderInfo
from reconciler.providers.s3.config import S3Config
from reconciler.providers.s3.info import INFO

__all__ = ["TYPE", "S3Type"]


class S3Type:
    """What the registry finds."""

    info: ProviderInfo = INFO

    def s3_endpoint(self, config: Config, base: Path) -> S3Endpoint | None:
        """Return the service itself. Keys that need a session token are nobody else's to use."""
        if not isinstance(config, S3Config):
            raise TypeError("these are not the settings of an S3 provider")
        given = config.credentials
        keys = given if given is not None and given.session_token is None else None
        return S3Endpoint(
            url=config.url,
            region=config.region,
            path_style=config.in_path,
            ca_file=str((base / config.ca_file).resolve()) if config.ca_file else None,
            access_key_id=keys.access_key_id if keys else None,
            secret_access_key=keys.secret_access_key if keys else None,
            holds_rules=True,
        )

    def connect(self, connection: Connection) -> Provider:
        """Open a provider of the flavour configured."""
        from reconciler.providers.s3.provider import open_provider  # noqa: PLC0415 this is where boto3 comes in

        return open_provider(connection)


TYPE = S3Type()
