"""What people write about an S3 service and about a replication that it owns. Imports no SDK."""

import re
from enum import StrEnum
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from reconciler.model.manifest import Config, Options
from reconciler.model.secret import SecretRef
from reconciler.model.value import Document
from reconciler.providers.address import AMAZON, Url, host_and_port, is_private

__all__ = ["ROLE", "Credentials", "Flavour", "S3Config", "S3Options", "Switch"]

ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{1,12}:role/[\w+=,.@/-]{1,512}")
"""An IAM role's ARN. Real accounts have 12 digits; shortened ones of examples are left to AWS to refuse.
Source: AWS IAM user guide, *IAM identifiers*."""
_ACCOUNT = r"^\d{12}$"
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


class Flavour(StrEnum):
    """Whose S3 it is: what is accepted, what is given back, and what goes wrong differs."""

    AWS = "aws"
    """Amazon S3, and what behaves exactly as it does."""
    RGW = "rgw"
    """Ceph Object Gateway: replicates between the zones of a zonegroup."""
    GENERIC = "generic"
    """Any other server with the calls of bucket replication."""


class Switch(StrEnum):
    """A setting that is on or off."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class Credentials(Document):
    """Static keys. Left out: the usual AWS chain (environment, profile, role of the machine)."""

    access_key_id: Annotated[str, StringConstraints(min_length=1)] | SecretRef
    secret_access_key: SecretRef
    session_token: SecretRef | None = None


class S3Config(Config):
    """How to reach an S3 service, and what its replications have in common.

    The identity needs s3:GetReplicationConfiguration, s3:ListBucket, s3:GetBucketVersioning and s3:GetBucketLocation
    to plan, and s3:PutReplicationConfiguration and iam:PassRole to apply.
    """

    flavour: Flavour = Flavour.AWS
    region: str = Field(default="us-east-1", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """Where the buckets are, and what requests are signed for."""
    endpoint: Url | None = None
    """`https://host[:port]`; needed for `rgw` and `generic`. AWS's own for the region if left out."""
    insecure: bool = False
    """Lets `endpoint` be plain http on another machine: anybody on the way can then read the data."""
    role: str | None = Field(default=None, min_length=1)
    """ARN of the IAM role that copies; one for each bucket's whole configuration."""
    account: str | None = Field(default=None, pattern=_ACCOUNT)
    """The AWS account that owns the buckets, 12 digits. Sent along: a bucket of another owner is refused."""
    profile: str | None = Field(default=None, min_length=1)
    """Profile of the AWS configuration files."""
    credentials: Credentials | None = None
    ca_file: str | None = Field(default=None, min_length=1)
    """PEM file of the authority that signed the endpoint's certificate; relative to the workspace."""
    path_style: bool | None = None
    """Bucket in the path, not in the host name. Left out: yes with an `endpoint`, no without."""
    destination_form: Literal["arn", "bare"] = "arn"
    """How a rule names its destination. Ceph's documents before 2025 (PR 61421) show `bare` names; 16.2.15 takes them,
    gives them back, and copies nothing, while with ARNs it copies (measured)."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.endpoint is None and self.flavour is not Flavour.AWS:
            raise ValueError(f"flavour {self.flavour} needs an `endpoint`")
        if self.endpoint is not None and not self.insecure and not is_private(self.endpoint):
            raise ValueError(
                "`endpoint` is plain http on another machine: use https, or set `insecure: true` if nobody can listen"
            )
        if self.flavour is Flavour.AWS and self.role is not None and not ROLE.fullmatch(self.role):
            raise ValueError("`role` is written arn:aws:iam::<account>:role/<name>")
        if self.flavour is Flavour.AWS and self.destination_form != "arn":
            raise ValueError("`destinationForm: bare` is for Ceph and others: AWS takes ARNs only")
        if self.profile is not None and self.credentials is not None:
            raise ValueError("say who to be with either `profile` or `credentials`")
        return self

    @property
    def url(self) -> str:
        """The endpoint in use: scheme://host[:port]."""
        if self.endpoint is not None:
            return self.endpoint
        suffix = ".cn" if self.partition == "aws-cn" else ""
        return f"https://s3.{self.region}.amazonaws.com{suffix}"

    @property
    def host(self) -> str:
        """The host that credentials are sent to (signed, not in clear)."""
        return urlsplit(self.url).hostname or ""

    @property
    def address(self) -> str:
        """The host with its port, as a trust file may pin it."""
        return host_and_port(self.url)

    @property
    def partition(self) -> str:
        """AWS's partition of the region: `aws`, `aws-cn`, `aws-us-gov`."""
        return next((name for start, name in _PARTITIONS.items() if self.region.startswith(start)), "aws")

    @property
    def in_path(self) -> bool:
        """Whether the bucket is addressed in the path."""
        return self.endpoint is not None if self.path_style is None else self.path_style

    def system(self) -> str:
        """Name the system: bucket names are one's own at an endpoint, and shared in a whole partition of AWS."""
        amazon = self.endpoint is None or self.host.endswith(AMAZON)
        return self.partition if amazon else self.address


class S3Options(Options):
    """What a replication owned by S3 can say beyond the portable fields. Left out: not managed."""

    id: str | None = Field(default=None, min_length=1, max_length=255)
    """Id of a rule that exists already and shall be managed from now on. Left out: repl.<workspace>.<name>."""
    priority: int | None = None
    """Of several rules that match, the one with the highest number counts. Unique in the bucket. Left out on a new
    rule: one more than the highest there."""
    role: str | None = Field(default=None, min_length=1)
    """ARN of the role that copies, in place of the provider's. A bucket has one for all its rules."""
    account: str | None = None
    """Account that owns the destination bucket, 12 digits; empty for none. Left out: the destination provider's,
    where the owner is changed."""
    owner: Literal["source", "destination"] | None = None
    """Who owns the copies: who owns the originals, or who owns the destination bucket."""
    kms_key: str | None = None
    """ARN of the KMS key that copies are encrypted with; empty for none."""
    sse_kms: Switch | None = None
    """Whether objects encrypted with KMS are copied too; needs `kmsKey`."""
    replica_modifications: Switch | None = None
    """Whether changes of a copy's metadata go back (needed for two-way replication)."""
    replication_time: Switch | None = None
    """S3 Replication Time Control: 15 minutes, at a price. Brings `metrics` along."""
    metrics: Switch | None = None
    """CloudWatch metrics about pending and failed objects."""
