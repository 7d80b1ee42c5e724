"""What people write about a site of CloneCloudStore and about a replication between two. Imports no SDK."""

from enum import StrEnum
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field

from reconciler.model.manifest import Config, Options
from reconciler.model.units import Seconds
from reconciler.providers.address import bare_url, host_and_port

__all__ = ["CloneCloudStoreConfig", "CloneCloudStoreOptions", "Conflicts"]

_Url = Annotated[str, AfterValidator(partial(bare_url, identity="CloneCloudStore asks for none"))]


class CloneCloudStoreConfig(Config):
    """How to reach a site: the services of a site have addresses of their own. There are no credentials: whoever
    reaches a service may do everything there, in the name of any client.

    Source: CloneCloudStore 0.8.0, Architecture (services of a site), ApiConstants (headers).
    """

    site: str = Field(pattern=r"^[^/>\x00-\x20\x7f]{1,128}$")
    """`ccs.accessor.site` of that site: what other sites call it."""
    client_id: str = Field(pattern=r"^[0-9a-z-]{3,63}$")
    """Whose buckets are looked at and replicated: the header `x-clonecloudstore-client-id`. A bucket of a client whose
    id is no bucket name could never be stored."""
    accessor: _Url
    """Public API of the accessor, `https://host[:port]`."""
    internal: _Url | None = None
    """Internal API of the accessor, where it can be reached; objects are then listed there."""
    replicator: _Url
    """The replicator: orders go there, and objects are read back from there."""
    administration: _Url
    """The administration: sites that are known there, and rights of clients."""
    topology_uri: _Url | None = None
    """The replicator's address as other sites reach it, if that is another one than here."""
    topology_cache: Seconds = 300
    """How long services of this site believe the list of sites that they have read (`topology-cache`)."""
    ownership_cache: Seconds = 600
    """How long services of this site believe the rights of a client that they have read (`ownership-cache`)."""
    ca_file: str | None = Field(default=None, min_length=1)
    """PEM file of the authority that signed the services' certificates; relative to the workspace."""

    @property
    def uri(self) -> str:
        """What other sites have to know of this one."""
        return self.topology_uri or self.replicator

    def system(self) -> str:
        """Name the site with its administration: sites of two installations may have one name."""
        return f"{self.site} {host_and_port(self.administration)}"


class Conflicts(StrEnum):
    """What becomes of an object that the destination has in another version. Objects cannot be written over."""

    KEEP = "keep"
    REPLACE = "replace"


class CloneCloudStoreOptions(Options):
    """What a replication between sites can say beyond the portable fields: how existing objects are copied."""

    conflicts: Conflicts = Conflicts.KEEP
    """`replace`: what differs at the destination is deleted there and copied anew. Needs an approval."""
    prune: bool = False
    """Whether objects that only the destination has are deleted there when existing objects are copied. Needs an
    approval."""
