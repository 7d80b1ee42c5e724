"""A replication in normal form, and a replication with both of its providers at hand."""

from dataclasses import dataclass
from typing import Literal, Self

from reconciler.model.manifest import Location, ProviderDoc, ReplicationSpec
from reconciler.model.secret import SecretRef
from reconciler.model.value import Json, Value

__all__ = ["Flow", "Relationship", "S3Endpoint", "Settings", "Side"]

Side = Literal["source", "destination"]

Settings = dict[str, Json]
"""Settings keyed as in a Replication's spec: {"destination": {"bucket": "b"}, "state": "active", "s3": {...}}.
Mappings nest; lists stand only where order matters. A desired setting that is absent is not managed."""


class Relationship(Value):
    """One replication in normal form, as desired or as observed. Equal settings mean that nothing is to do."""

    identity: str
    """The provider's identity rule applied: desired and observed belong together if, in one scope, this is equal."""
    settings: Settings
    owned: bool = False
    """Observed only: the identity itself shows that this workspace made it."""
    provider_id: str | None = None
    """The server's own id, where it differs from the identity. Not of a desired one, but in a plan's containers: there
    it is that of the one that stands for it."""
    unreadable: tuple[str, ...] = ()
    """Observed, and in a receipt: dotted paths of settings that the server may hold and did not show, as
    `filter.exclude`. Observed, they stand in `settings` as if it held nothing there: what is known of them is what was
    last sent."""
    kept: tuple[str, ...] = ()
    """Observed only: dotted paths of settings that no server holds and only receipts keep, such as what shall become of
    the data when the relationship is deleted. Without a receipt they are taken to be as desired."""
    rests_on: tuple[str, ...] = ()
    """What it lives by, others may live by too, and its removal takes away: `the rights of x on y at z`. While a
    replication that is written down rests on one of the same, the removal is not planned."""
    write_only: dict[str, SecretRef] = {}
    """Desired only: dotted setting path to the secret sent there, which the provider never returns."""
    also: dict[str, Settings] = {}
    """Observed only: identities that it may have been made under instead, where a server changes names, each with the
    settings as they read then. They count only for a desired identity that nothing else has."""

    def known_as(self, identity: str) -> Self | None:
        """Return it under an identity that is its own or may be; None if it is another relationship."""
        if identity == self.identity:
            return self
        if identity not in self.also:
            return None
        return self.model_copy(update={"identity": identity, "settings": self.also[identity], "also": {}})


class S3Endpoint(Value):
    """How to reach a system that speaks S3, as another system must be told."""

    url: str
    """https://host[:port], without bucket."""
    region: str
    path_style: bool
    ca_file: str | None = None
    """PEM file of the certificate authority, absolute path; None for the public ones."""
    access_key_id: str | SecretRef | None = None
    secret_access_key: SecretRef | None = None
    holds_rules: bool = False
    """Whether replication is configured through it, by PutBucketReplication; most systems have a way of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A replication, resolved: what the document says, who owns it, and the providers at both ends."""

    name: str
    workspace: str
    spec: ReplicationSpec
    labels: dict[str, str]
    source: ProviderDoc
    destination: ProviderDoc
    owner_side: Side
    """Which end's provider holds the relationship."""
    peer_s3: S3Endpoint | None
    """The S3 face of the end that is not the owner; None if it has none."""

    @property
    def owner(self) -> ProviderDoc:
        """The provider that holds the relationship."""
        return self.source if self.owner_side == "source" else self.destination

    @property
    def peer(self) -> ProviderDoc:
        """The provider at the other end."""
        return self.destination if self.owner_side == "source" else self.source

    @property
    def owned_location(self) -> Location:
        """The location at the owner's end."""
        return self.spec.source if self.owner_side == "source" else self.spec.destination

    @property
    def peer_location(self) -> Location:
        """The location at the other end."""
        return self.spec.destination if self.owner_side == "source" else self.spec.source
