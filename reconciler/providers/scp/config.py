"""What people write about a region of SCP and about a replication that it owns."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator

from reconciler.model.manifest import Config, Location, Options
from reconciler.model.secret import SecretRef
from reconciler.model.value import Document
from reconciler.providers.address import PrivateUrl, host_and_port
from reconciler.providers.scp.identity import stems

__all__ = ["API_CURRENT", "RETENTION_MAX", "Credentials", "Environment", "ReplicationType", "ScpConfig", "ScpOptions"]

API_CURRENT = "1.1"
_API_ENDED = {"1.0": "2025-12-31"}
"""Last day on which a version was supported. Source: SCP API reference, CreateVolumeReplication."""
RETENTION_MAX = 128
_CLOUD = "samsungsdscloud.com"


class Environment(StrEnum):
    """Part of the cloud. Source: SCP API reference, File Storage: `s`, `g` and `e`, each with regions of its own."""

    S = "s"
    G = "g"
    E = "e"


class ReplicationType(StrEnum):
    """What a replica is for. Source: SCP API reference, ReplicationCreateRequest."""

    REPLICATION = "replication"
    """A copy in another region, to go on working with after a disaster."""
    BACKUP = "backup"
    """A backup on disk, with as many generations as are kept."""


class Credentials(Document):
    """An access key."""

    access_key: Annotated[str, StringConstraints(min_length=1)] | SecretRef
    secret_key: SecretRef


class ScpConfig(Config):
    """How to reach the volumes of one region, and who to be there.

    Planning needs the actions List- and ShowVolumeReplication and to list volumes; applying those to create, set and
    delete replications, in both regions.
    """

    region: str = Field(pattern=r"^[a-z]{2}-[a-z]+[0-9]{1,3}$")
    """The region that this document stands for: `kr-west1`, `kr-east1`, `kr-south1`."""
    environment: Environment
    """`s`, `g` or `e`, as in the names of the service's hosts."""
    endpoint: PrivateUrl | None = None
    """`https://host[:port]`; https://filestorage.<region>.<environment>.samsungsdscloud.com if left out."""
    account_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """The account; then it is sent and signed with every request."""
    api_version: str = API_CURRENT
    """Version of the File Storage API. Only 1.1 is left."""
    ca_file: str | None = Field(default=None, min_length=1)
    """PEM file of the authority that signed the endpoint's certificate; relative to the workspace."""
    credentials: Credentials
    """Who to be. Each region's document names them; they may be the same."""

    @field_validator("api_version", mode="before")
    @classmethod
    def _current_version(cls, value: Any) -> str:
        text = str(value)  # YAML reads 1.1 as a number
        if text in _API_ENDED:
            raise ValueError(
                f"File Storage API {text} was supported until {_API_ENDED[text]}: write {API_CURRENT}, or leave it out"
            )
        if text != API_CURRENT:
            raise ValueError(f"only File Storage API {API_CURRENT} is spoken here: write that, or leave it out")
        return text

    @property
    def url(self) -> str:
        """The endpoint in use: scheme://host[:port]. Source: SCP API reference, File Storage."""
        return self.endpoint or f"https://filestorage.{self.region}.{self.environment}.{_CLOUD}"

    @property
    def address(self) -> str:
        """Host and port, as a trust file may pin them and secrets are sent to."""
        return host_and_port(self.url)

    def system(self) -> str:
        """Name the system: the volumes of one account in one region."""
        return f"{self.url.lower()} {self.account_id or ''}".rstrip()

    def asked_as(self, location: Location) -> tuple[Location, ...]:
        """Return the volume under the names that it may have been asked for, if the service has lengthened its name."""
        return tuple(location.model_copy(update={"volume": name}) for name in stems(location.volume or ""))


class ScpOptions(Options):
    """What a replication owned by SCP can say beyond the portable fields."""

    type: ReplicationType | None = None
    """`replication` or `backup`; a new one is a `replication` if left out."""
    retention: int | None = Field(default=None, ge=1, le=RETENTION_MAX)
    """How many backups are kept, where `type` is `backup`."""
    cifs_password: SecretRef | None = None
    """Password of the replica of a CIFS volume. The service never shows it, and cannot change it: another one means
    another replica."""
    delete_replica_volume: bool | None = None
    """Whether the replica's volume goes too, with its snapshots, when the replication is deleted or replaced. Left out
    or false: the volume stays, and is billed."""
