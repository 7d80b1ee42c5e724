"""The S3 face of an Alarik server, over boto3: for its objects, and for what only S3 tells of a bucket.

Always path style, signed for the server's own region. Source: alarik, S3Controller and AlarikRegion.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from reconciler.providers.alarik.config import AlarikConfig
from reconciler.providers.alarik.session import Session
from reconciler.providers.aws import Keys, Requests, Target, open_session, s3_client
from reconciler.providers.base import Connection

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

__all__ = ["S3Face"]

T = TypeVar("T")


class S3Face:
    """One server. Opened with the first request. Safe to use from several threads."""

    etag_is_md5 = False
    """Nothing promises it."""

    def __init__(self, connection: Connection, config: AlarikConfig, session: Session) -> None:
        self.name = connection.doc.name
        self.requests = Requests(self.name, connection.limits)
        self._config = config
        self._session = session
        self._lock = threading.Lock()
        self._opened: S3Client | None = None
        self._target = Target(
            provider=self.name,
            region=config.region,
            endpoint=config.endpoint,
            path_style=True,
            ca_file=(connection.base / config.ca_file).resolve() if config.ca_file else None,
            timeout_s=connection.timeout_s,
            limits=connection.limits,
            access=connection.access,
        )

    @property
    def client(self) -> "S3Client":
        """The client; it repeats what failed. Raises FAILED_PRECONDITION where no keys are configured."""
        key_id, secret = self._session.keys()
        with self._lock:
            if self._opened is None:
                opened = open_session(self._target, keys=Keys(key_id, secret))
                self._opened = s3_client(opened, self._target, retry=True)
            return self._opened

    def head_bucket(self, bucket: str) -> None:
        """Look whether a bucket is there. Raises NOT_FOUND, and PERMISSION_DENIED for another user's."""
        self._ask("HeadBucket", lambda: self.client.head_bucket(Bucket=bucket))

    def location(self, bucket: str) -> str:
        """Return the region of the server, as it tells it of a bucket: nothing stands for us-east-1."""
        answer = self._ask("GetBucketLocation", lambda: self.client.get_bucket_location(Bucket=bucket))
        named = answer.get("LocationConstraint")
        return {None: "us-east-1", "": "us-east-1"}.get(named, str(named))

    def close(self) -> None:
        """Release connections. May be called twice; a request afterwards opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _ask(self, operation: str, send: Callable[[], T]) -> T:
        with self.requests.one(operation):
            return send()
