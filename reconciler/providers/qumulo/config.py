"""What people write about a Qumulo cluster and about a replication that it owns."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.model.manifest import Config, Options
from reconciler.model.secret import SecretRef
from reconciler.model.value import Document

__all__ = ["BucketStyle", "QumuloConfig", "QumuloOptions", "S3Credentials"]

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"^({_LABEL}(\.{_LABEL})*|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$"


class BucketStyle(StrEnum):
    """Where the bucket stands in the URLs that the cluster uses."""

    PATH = "path"
    VIRTUAL_HOSTED = "virtual-hosted"


class QumuloConfig(Config):
    """How to reach a cluster, and who to be there: either `token`, or `username` and `password`.

    The account needs PRIVILEGE_REPLICATION_OBJECT_READ to plan and PRIVILEGE_REPLICATION_OBJECT_WRITE to apply.
    Source: Qumulo administrator guide, *Using Qumulo Shift-From*.
    """

    host: str = Field(pattern=_HOST, max_length=253)
    """Name or address of the cluster or of one of its nodes, without scheme and port."""
    port: int = Field(default=8000, ge=1, le=65535)
    """Port of the REST service."""
    token: SecretRef | None = None
    """An access token (`access-v1:...`). Made for services, so better than a password."""
    username: str | None = Field(default=None, min_length=1)
    """Account to log in with."""
    password: SecretRef | None = None
    """Its password."""
    ca_file: str | None = Field(default=None, min_length=1)
    """PEM file of the authority that signed the cluster's certificate; the public ones if left out."""
    verify_tls: bool = True
    """Whether the cluster's certificate is checked. Without that, anybody on the way can read the credentials."""

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        with_password = self.username is not None or self.password is not None
        if (self.token is not None) == with_password:
            raise ValueError("say who to be with either `token`, or `username` and `password`")
        if with_password and (self.username is None or self.password is None):
            raise ValueError("`username` and `password` go together")
        return self

    @property
    def address(self) -> str:
        """Host and port, as in a URL and as a trust file may pin them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def system(self) -> str:
        """Name the cluster by its address: `host:port`."""
        return f"{self.host.lower()}:{self.port}"


class S3Credentials(Document):
    """An access key that is handed to the cluster, which keeps it and uses it for every job."""

    access_key_id: Annotated[str, Field(min_length=1)] | SecretRef
    """The key's id. As a reference its value stays unknown to plans, so that a change by hand is not seen."""
    secret_access_key: SecretRef
    """The key's secret. The cluster never gives it back."""


class QumuloOptions(Options):
    """What a replication owned by a cluster can say beyond the portable fields."""

    bucket_style: BucketStyle | None = None
    """`path` or `virtual-hosted`; from the other end's provider if left out."""
    region: str | None = Field(default=None, min_length=1)
    """Region to sign requests for; from the other end's provider if left out."""
    ca_file: str | None = Field(default=None, min_length=1)
    """PEM file of the authority that signed the object store's certificate; from the other end's provider if left out.
    The cluster is given its certificates. Relative paths start at the workspace."""
    credentials: S3Credentials | None = None
    """Key for the cluster to use; the other end's provider's own explicit key if left out."""
