"""What people write about an Alarik server and about a replication that it owns. Imports no SDK."""

import re
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from reconciler.model.manifest import Config, Options
from reconciler.model.secret import SecretRef
from reconciler.model.value import Document
from reconciler.providers.address import Url, host_and_port, is_private

__all__ = ["AlarikConfig", "AlarikOptions", "Credentials", "Login"]

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def _rule_id(value: str) -> str:
    if not _UUID.fullmatch(value):
        raise ValueError("the id of a rule is a UUID, as in 6fa459ea-ee8a-3ca4-894e-db77e160355e")
    if UUID(value).int == 0:
        raise ValueError("the all-zero id asks the server for a new rule: leave `id` out for that")
    return value.upper()


class Credentials(Document):
    """An access key of the buckets' owner."""

    access_key_id: Annotated[str, StringConstraints(min_length=1)] | SecretRef
    """Sent as `X-Access-Key`, and used to sign S3 requests."""
    secret_access_key: SecretRef
    """Sent as `X-Secret-Key`, and used to sign S3 requests."""


class Login(Document):
    """The console account of the buckets' owner."""

    username: str = Field(min_length=1)
    password: SecretRef


class AlarikConfig(Config):
    """How to reach an Alarik server, and who to be there: the owner of the buckets, for an administrator has no more
    rights over others' buckets than anybody.

    With `credentials` only, with `login` only, or with both: the console API then uses the login, S3 the access key.
    Without `credentials` objects cannot be read or written, and nobody can replicate to this server.
    Source: Alarik documentation, *Internal API*; Alarik 1.0.0-beta-13, InternalAuthenticator.
    """

    endpoint: Url
    """`https://host[:port]`: S3 and the console API are one server."""
    region: str = Field(default="us-east-1", min_length=1, max_length=64, pattern=r"^[!-~]+$")
    """ALARIK_REGION of that server: what requests are signed for, here and by those that replicate to it."""
    insecure: bool = False
    """Lets `endpoint` be plain http on another machine: anybody on the way can then read the secret key."""
    ca_file: str | None = Field(default=None, min_length=1)
    """PEM file of the authority that signed the endpoint's certificate; relative to the workspace."""
    credentials: Credentials | None = None
    """Access key, for the console API and for S3."""
    login: Login | None = None
    """Account, for the console API only."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.credentials is None and self.login is None:
            raise ValueError("say who to be with `credentials`, with `login`, or with both")
        if not self.insecure and not is_private(self.endpoint):
            raise ValueError(
                "`endpoint` is plain http on another machine: use https, or set `insecure: true` if nobody can listen"
            )
        return self

    @property
    def address(self) -> str:
        """The host with its port, as a trust file may pin it."""
        return host_and_port(self.endpoint)

    def system(self) -> str:
        """Name the server by its address: bucket names are its own."""
        return self.address


class AlarikOptions(Options):
    """What a replication owned by Alarik can say beyond the portable fields."""

    synchronous: bool | None = None
    """Whether a write waits up to 20 s for its copy. No guarantee: a copy that fails is queued, and the write succeeds.
    Left out: not managed; new rules are not synchronous."""
    generation: int | None = Field(default=None, ge=1, le=1_000_000)
    """Part of the rule's id, 1 if left out. Raising it makes a new rule in place of the old one: what waits for the old
    rule, with credentials that may be out of date, is thrown away."""
    id: Annotated[str, AfterValidator(_rule_id)] | None = None
    """Id of a rule that exists already and shall be managed from now on. Left out: made from the workspace's name, the
    replication's name and `generation`."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.id is not None and self.generation is not None:
            raise ValueError("`generation` is part of the id that is made from the name: give `id` or `generation`")
        return self
