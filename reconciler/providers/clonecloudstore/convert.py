"""Between what two sites hold and normal form, in both directions. Pure.

A bucket is replicated from one site to another if: the first has the second in its list of sites as UP or DOWN, the
second knows the first, both have the bucket as READY for the same client, and that client may read and write it at the
second. UP is active, DOWN paused; the right to delete there is what lets deletions through.

Source: CloneCloudStore 0.8.0, LocalReplicatorRequestTopicConsumer (who gets orders), RequestActionService (what an
order needs: WRITE to create, DELETE to delete), Topology.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations

from reconciler.model.manifest import Deletes, Existing, State
from reconciler.model.observation import ContainerState, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship, Settings
from reconciler.model.value import Json, digest
from reconciler.providers.clonecloudstore.config import CloneCloudStoreOptions
from reconciler.providers.clonecloudstore.identity import GROUND, Way, config_of, container_ref, sites_of, way_of
from reconciler.providers.clonecloudstore.wire import (
    DELETE_BIT,
    DOWN,
    READ_WRITE,
    READY,
    UP,
    Topology,
    bits,
)

__all__ = [
    "EXISTING", "TYPE_KEY", "Ground", "Half", "ground_of", "live_way", "normalise", "observation", "options_of", "part",
    "shown_uri", "wanted_deletes", "way_of_settings",
]  # fmt: skip

TYPE_KEY = "clonecloudstore"
EXISTING = "existing"
_STATES = {UP: State.ACTIVE, DOWN: State.PAUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One site of a pair as read: what it knows of the other one, and what its clients have."""

    topology: Topology | None = None
    """The other site in this one's list."""
    buckets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Status by bucket, by client."""
    rights: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Rights by bucket, by client."""

    def status(self, client: str, bucket: str) -> str | None:
        """Return the status of a client's bucket; None if there is no such row."""
        return self.buckets.get(client, {}).get(bucket)

    def right(self, client: str, bucket: str) -> str | None:
        """Return what a client may do with a bucket; None if nothing."""
        return self.rights.get(client, {}).get(bucket)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Both sites of a pair as read, by name."""

    halves: Mapping[str, Half] = field(default_factory=dict)

    def half(self, site: str) -> Half:
        """Return one site; one that nothing is known of is empty."""
        return self.halves.get(site) or Half()

    def document(self) -> dict[str, Json]:
        """Return the form in which an observation keeps it."""
        return {
            site: {
                "topology": half.topology.sent() if half.topology else None,
                "buckets": {client: dict(sorted(rows.items())) for client, rows in sorted(half.buckets.items())},
                "rights": {client: dict(sorted(rows.items())) for client, rows in sorted(half.rights.items())},
            }
            for site, half in sorted(self.halves.items())
        }


def ground_of(observation: Observation | None, state: ContainerState | None) -> Ground:
    """Read back what an observation keeps of both sites; empty where nobody has it at hand."""
    kept = next((one for one in observation.containers if one.ref.key == GROUND), state) if observation else state
    held = kept.document if kept is not None else None
    if not isinstance(held, dict):
        return Ground()
    return Ground(halves={site: _half(value) for site, value in held.items() if isinstance(value, dict)})


def part(settings: Mapping[str, Json], key: str) -> dict[str, Json]:
    """Return a mapping within settings; empty if it is not there."""
    value = settings.get(key)
    return value if isinstance(value, dict) else {}


def shown_uri(topology: Topology) -> str:
    """Return a site's address as it stands in a list, with its name there where that is not its id: then it is looked
    up in vain."""
    uri = topology.uri.rstrip("/")
    return uri if topology.name == topology.id else f"{uri} (as {topology.name!r})"


# Desired -----------------------------------------------------------------------------------------------------------


def options_of(flow: Flow) -> CloneCloudStoreOptions:
    """Return the flow's own options, or those of a flow that says nothing."""
    given = flow.spec.options
    return given if isinstance(given, CloneCloudStoreOptions) else CloneCloudStoreOptions()


def wanted_deletes(flow: Flow) -> bool | None:
    """Say whether deletions shall get through; None where that is not managed."""
    return None if flow.spec.deletes is None else flow.spec.deletes is Deletes.REPLICATE


def normalise(flow: Flow) -> Relationship:
    """Return the flow as it would be read back, as far as it is managed.

    `existing: ignore` asks for nothing, so that it is the same as nothing.
    """
    way, spec = way_of(flow), flow.spec
    settings: Settings = {"source": {"bucket": way.bucket}, "destination": {"bucket": spec.destination.bucket}}
    plain = {"state": spec.state, "deletes": spec.deletes}
    settings |= {key: value.value for key, value in plain.items() if value is not None}
    if spec.existing is Existing.COPY:
        settings[EXISTING] = spec.existing.value
    settings[TYPE_KEY] = {
        "push": config_of(flow.destination.spec.config).uri,
        "pull": config_of(flow.source.spec.config).uri,
        **_ends(way),
    }
    # Clients write at the source, so what comes there from elsewhere is not ended at the price of their rights.
    rests_on = (*_rests_on(way), _rights(way.client, way.bucket, way.source))
    return Relationship(identity=way.identity, settings=settings, rests_on=rests_on)


def _ends(way: Way) -> dict[str, Json]:
    return {"from": way.source, "to": way.destination, "client": way.client}


def _rests_on(way: Way) -> tuple[str, ...]:
    """Rights are a row of the destination, one for all sites from which the bucket comes."""
    return (_rights(way.client, way.bucket, way.destination),)


def _rights(client: str, bucket: str, site: str) -> str:
    return f"the rights of {client} on {bucket} at {site}"


# Observed ----------------------------------------------------------------------------------------------------------


def observation(scope: ScopeRef, ground: Ground) -> Observation:
    """Return a pair of sites as read: the pair itself, and apart from it everything that planning looks at.

    A pair in which nothing is replicated is not there, unless one site alone knows the other: something has begun then.
    """
    pair = container_ref(scope.provider, scope.key)
    sites = container_ref(scope.provider, scope.key, GROUND)
    found = tuple(sorted(_relationships(scope, ground), key=lambda one: one.identity))
    known = [ground.half(site).topology for site in sites_of(scope.key)]
    lists = {site: half.topology.sent() if half.topology else None for site, half in sorted(ground.halves.items())}
    states = [ContainerState(ref=sites, fingerprint=digest(lists), document=ground.document())]
    if found or sum(one is None for one in known) == 1:
        mark = {"lists": lists, "found": {one.identity: one.settings for one in found}}
        states.append(ContainerState(ref=pair, fingerprint=digest(mark), relationships=found))
    return Observation(scope=scope, containers=tuple(sorted(states, key=lambda state: state.ref.key)))


def live_way(ground: Ground, way: Way) -> Topology | None:
    """Return what makes a way a live one, the source's list of sites; None if it is not live."""
    here, there = ground.half(way.source), ground.half(way.destination)
    ready = here.status(way.client, way.bucket) == there.status(way.client, way.bucket) == READY
    wanted = bits(READ_WRITE)
    may = bits(there.right(way.client, way.bucket)) & wanted == wanted
    known = here.topology is not None and here.topology.status in _STATES and there.topology is not None
    return here.topology if ready and may and known else None


def way_of_settings(settings: Settings) -> Way:
    """Return the way of an observed relationship."""
    own = part(settings, TYPE_KEY)
    bucket = part(settings, "source").get("bucket")
    return Way(str(own.get("from")), str(own.get("to")), str(own.get("client")), str(bucket))


def _relationships(scope: ScopeRef, ground: Ground) -> Iterator[Relationship]:
    for source, destination in permutations(sites_of(scope.key)):
        for client, rows in ground.half(source).buckets.items():
            for bucket in rows:
                way = Way(source, destination, client, bucket)
                if (topology := live_way(ground, way)) is not None:
                    settings = _settings(way, ground, topology)
                    yield Relationship(
                        identity=way.identity, settings=settings, unreadable=(EXISTING,), rests_on=_rests_on(way)
                    )


def _settings(way: Way, ground: Ground, topology: Topology) -> Settings:
    there = ground.half(way.destination)
    deletes = bits(there.right(way.client, way.bucket)) & DELETE_BIT
    own: dict[str, Json] = {
        "push": shown_uri(topology),
        "pull": shown_uri(there.topology) if there.topology else None,
        **_ends(way),
    }
    return {
        "source": {"bucket": way.bucket},
        "destination": {"bucket": way.bucket},
        "state": _STATES[topology.status].value,
        "deletes": (Deletes.REPLICATE if deletes else Deletes.KEEP).value,
        TYPE_KEY: own,
    }


def _half(value: Mapping[str, Json]) -> Half:
    held = value.get("topology")
    return Half(
        topology=Topology.model_validate(held) if isinstance(held, dict) else None,
        buckets=_by_client(part(value, "buckets").items()),
        rights=_by_client(part(value, "rights").items()),
    )


def _by_client(items: Iterable[tuple[str, Json]]) -> dict[str, dict[str, str]]:
    return {
        client: {bucket: str(held) for bucket, held in rows.items()} for client, rows in items if isinstance(rows, dict)
    }
