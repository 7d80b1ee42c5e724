"""The objects below one bucket and prefix of an Alarik server, through its S3 face."""

from reconciler.providers.alarik.client import AlarikClient
from reconciler.providers.s3_objects import S3Store

__all__ = ["AlarikStore"]


class AlarikStore(S3Store):
    """Objects as S3 has them. Needs `credentials` of the provider; a login signs no S3 request."""

    def __init__(self, client: AlarikClient, bucket: str, prefix: str) -> None:
        super().__init__(client.s3, bucket, prefix)
