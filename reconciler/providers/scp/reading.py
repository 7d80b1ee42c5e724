"""Finding volumes and replications: by name or id, in the region that knows them. Reads only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.observation import LocationFacts
from reconciler.model.value import Json
from reconciler.providers.scp.client import ScpClient
from reconciler.providers.scp.config import ReplicationType
from reconciler.providers.scp.convert import Shown, Volume
from reconciler.providers.scp.identity import answers_to, is_id

__all__ = ["Place", "facts_of", "resolve", "sourced"]

_OFFERED = frozenset({"HDD", "SSD"})
"""Types of volumes that the service takes in a question about regions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a replication is: its ids, and the replica's region with the document that reaches it."""

    id: str
    source_volume: str
    replica_volume: str
    region: str
    provider: str | None

    @classmethod
    def read(cls, value: Json) -> "Place":
        """Read it from a call's body or a wait's parameters."""
        given: Mapping[str, Json] = value if isinstance(value, dict) else {}
        texts = {key: str(given.get(key) or "") for key in ("id", "source_volume", "replica_volume", "region")}
        provider = given.get("provider")
        return cls(**texts, provider=provider if isinstance(provider, str) else None)


def resolve(client: ScpClient, written: str) -> Volume | None:
    """Find a volume by id, by name, or by the name that it was asked for under; None if there is none.

    Raises FAILED_PRECONDITION if several have the name: which one is meant cannot be told.
    """
    if is_id(written):
        return client.volume(written)
    named = [one for one in client.volumes(written) if answers_to(one.name, written)]
    exact = [one for one in named if one.name == written] or named
    if len(exact) > 1:
        raise ProviderError(
            f"{len(exact)} volumes are called {written}: {', '.join(sorted(one.id for one in exact))}",
            code=ErrorCode.FAILED_PRECONDITION, provider=client.name, operation="find a volume",
            hint="write the id of the one that is meant as `volume`",
        )  # fmt: skip
    return exact[0] if exact else None


def sourced(client: ScpClient, volume_id: str) -> Iterator[Shown]:
    """Yield the replications that a volume is the source of, as one request each shows them. Those that vanish
    meanwhile are left out."""
    for entry in client.replications(volume_id):
        # The list has those that the volume is the replica of as well.
        if entry.source_volume_id == volume_id:
            shown = client.replication(entry.replication_id, volume_id)
            if shown is not None:
                yield shown


def facts_of(client: ScpClient, written: str) -> LocationFacts:
    """Look at a volume. Facts: `id`, `name`, `state`, `protocol`, `type_name`, `purpose`, `region`; and, as far as the
    service tells, `replication_regions` and `backup_regions`: where it may be replicated to."""
    try:
        found = resolve(client, written)
    except ProviderError as error:
        if error.code is not ErrorCode.PERMISSION_DENIED:
            raise
        return LocationFacts(exists=True, readable=False, problem=error.message)
    if found is None:
        return LocationFacts(exists=False)
    facts: dict[str, Json] = {**found.model_dump(), "region": client.config.region}
    for kind in ReplicationType if found.type_name in _OFFERED else ():
        offered = _offered(client, found.type_name, kind)
        if offered is not None:
            facts[f"{kind}_regions"] = list[Json](offered)
    return LocationFacts(exists=True, facts=facts)


def _offered(client: ScpClient, type_name: str, kind: str) -> tuple[str, ...] | None:
    try:
        return client.offered(type_name, kind)
    except ProviderError as error:
        if error.code in (ErrorCode.PERMISSION_DENIED, ErrorCode.INVALID_ARGUMENT, ErrorCode.NOT_FOUND):
            return None  # a creation will tell
        raise
