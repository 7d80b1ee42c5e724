"""What people write about Baidu BOS and about a replication that it owns."""

import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from reconciler.model.manifest import Config, Options
from reconciler.model.secret import SecretRef
from reconciler.model.value import Document
from reconciler.providers.address import PrivateUrl, host_and_port

__all__ = ["BUCKET", "RULE_ID_LENGTH", "BosConfig", "BosOptions", "Credentials"]

BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Name of a bucket. Source: the vendor's Python SDK, bos_handler."""
RULE_ID_LENGTH = 20
"""Longest id of a rule. Source: BOS API, PutBucketReplication."""
_CLOUD = "bcebos.com"


class Credentials(Document):
    """An access key, with the session token where STS issued it. Each may be a reference; two of them must."""

    access_key_id: Annotated[str, StringConstraints(min_length=1)] | SecretRef
    secret_access_key: SecretRef
    session_token: SecretRef | None = None


class BosConfig(Config):
    """How to reach the buckets of one region, and who to be there.

    The account needs FULL_CONTROL of a source bucket and may write to the destination's. Source: BOS API,
    PutBucketReplication.
    """

    region: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    """Region of the buckets, as in the service's host names: `bj`, `gz`, `su`."""
    endpoint: PrivateUrl | None = None
    """`https://host[:port]` of the BOS API; https://<region>.bcebos.com if left out."""
    s3_endpoint: PrivateUrl | None = None
    """`https://host[:port]` of the S3 face of the same buckets; https://s3.<region>.bcebos.com if left out."""
    ca_file: str | None = Field(default=None, min_length=1)
    """PEM file of the authority that signed the endpoint's certificate; relative to the workspace."""
    credentials: Credentials
    """Who to be. What this machine has for other programs is not used."""

    @property
    def url(self) -> str:
        """The endpoint of the BOS API in use: scheme://host[:port]."""
        return self.endpoint or f"https://{self.region}.{_CLOUD}"

    @property
    def s3_url(self) -> str:
        """The endpoint of the S3 face in use: scheme://host[:port]."""
        return self.s3_endpoint or f"https://s3.{self.region}.{_CLOUD}"

    @property
    def host(self) -> str:
        """The host without its port, in lower case."""
        return urlsplit(self.url).hostname or ""

    @property
    def address(self) -> str:
        """Host and port, as a trust file may pin them and secrets are sent to."""
        return host_and_port(self.url)

    @property
    def in_path(self) -> bool:
        """Whether the bucket stands in the path: where the host is an address or this machine, before which no name
        can stand. Else it stands before the host."""
        return _bare_host(self.host)

    @property
    def s3_in_path(self) -> bool:
        """Whether others address a bucket of the S3 face in the path."""
        return _bare_host(urlsplit(self.s3_url).hostname or "")

    def system(self) -> str:
        """Name the system: bucket names are unique over all regions of the cloud; elsewhere, at an endpoint."""
        return _CLOUD if self.host == _CLOUD or self.host.endswith(f".{_CLOUD}") else self.url.lower()


class BosOptions(Options):
    """What a replication owned by BOS can say beyond the portable fields. Patterns are those of the service, without
    the bucket: of whole keys, from the bucket's root."""

    id: str | None = Field(default=None, min_length=1)
    """Id of a rule that exists already and shall be managed from now on. Left out: made from the replication's name."""
    resources: tuple[str, ...] | None = Field(default=None, min_length=1)
    """What takes part within `source.prefix`, where a rule names several: `logs/*`, or `logs` as the service also
    takes it. Left out: all below `source.prefix`."""
    exclude: tuple[str, ...] | None = None
    """Whole keys left out, beside `filter.exclude`: `prefix*`, `*suffix` or `*infix*`."""
    history_storage_class: str | None = Field(default=None, min_length=1)
    """Class of copies of what was there before; REMAIN for that of the original. Left out: `storageClass`."""

    def chosen(self) -> tuple[str, ...]:
        """Return the patterns, those that are left out with a `!`."""
        return (*sorted(self.resources or ()), *(f"!{one}" for one in sorted(self.exclude or ())))


def _bare_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
