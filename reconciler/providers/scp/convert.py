"""Between the API's JSON and normal form. The only place that knows the wire's names. Pure.

Normal form: `source.volume` is the volume as the scope was written, by name or by id; `destination.volume` the name
that was asked for; `schedule.every` one of five durations; `deletes` and `existing` are what a replication always does,
for it copies a whole volume. Whether the replica's volume goes with the replication is kept by nobody but a receipt.

Source, unless said otherwise: SCP API reference, File Storage 1.1, and the models of the vendor's Go client.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter

from reconciler.model.manifest import Deletes, Existing, State
from reconciler.model.observation import ContainerRef, ContainerState, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship, Settings
from reconciler.model.units import format_seconds
from reconciler.model.value import Json, digest
from reconciler.providers.scp.config import ReplicationType, ScpConfig, ScpOptions
from reconciler.providers.scp.identity import stems

__all__ = [
    "CREATE",
    "CREATED",
    "CREATING",
    "DEFAULT_FREQUENCY",
    "DELETE",
    "DELETE_SNAPSHOTS",
    "DELETE_VOLUME",
    "ENTRIES",
    "FREQUENCIES",
    "KEPT_BY_RECEIPT",
    "NO_CONTENT",
    "PASSWORD",
    "PAUSED",
    "REGIONS",
    "SET",
    "SHOWN",
    "SNAPSHOTS",
    "USE",
    "VOLUME",
    "VOLUMES",
    "Created",
    "Entry",
    "Shown",
    "Volume",
    "VolumePage",
    "create_body",
    "desired_settings",
    "every",
    "failed",
    "going",
    "identity_of",
    "observation",
    "options_of",
    "part",
    "policy_body",
    "region_of",
    "schedule_body",
    "scope_of",
    "volume_of",
]

CREATE, SET, DELETE = "CreateVolumeReplication", "SetVolumeReplication", "DeleteVolumeReplication"
DELETE_VOLUME, DELETE_SNAPSHOTS = "DeleteVolume", "DeleteSnapshot"
USE, PAUSED, CREATING = "use", "paused", "creating"
FREQUENCIES = {300: "5min", 3_600: "hourly", 86_400: "daily", 604_800: "weekly", 2_592_000: "monthly"}
"""Seconds to the service's words. A month is written as 30 days."""
DEFAULT_FREQUENCY = "hourly"
"""Of a new replication that says nothing, for the service wants it said."""
PASSWORD = "scp.cifsPassword"  # noqa: S105  the setting's path
KEPT_BY_RECEIPT = "scp.deleteReplicaVolume"
_STATES = {USE: str(State.ACTIVE), PAUSED: str(State.PAUSED)}
_FAILURES = ("error", "fail", "broken")
"""How words for a state begin or end that is no good. The API reference lists `creating` alone; the vendor's Terraform
provider names `error`."""


class _Wire(BaseModel):
    # A newer release may add members: what is not needed is not read.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class Volume(_Wire):
    """A volume, as a list or a look at one shows it."""

    id: str
    name: str
    state: Text = ""
    protocol: Text = ""
    type_name: Text = ""
    purpose: Text = ""
    """`original` while it is replicated, `none` when it is free."""


class VolumePage(_Wire):
    """A page of a region's volumes."""

    filestorages: list[Volume]
    count: int = 0
    """How many there are, or how many are in the page: the API reference does not say which."""


class Entry(_Wire):
    """What is needed of a list's item. It has neither status nor policy nor names: those are shown one by one."""

    replication_id: str
    source_volume_id: str
    replication_volume_id: str


class Shown(Entry):
    """One replication."""

    replication_volume_region: str
    replication_volume_name: str
    replication_frequency: Text = ""
    replication_type: Text = ""
    replication_policy: Text = ""
    replication_status: Text = ""
    backup_retention_count: int | None = None


class _Entries(_Wire):
    replications: list[Entry]


class Created(Entry):
    """What a creation returns, with 202: the replica's id is known before there is anything in it."""


class _Regions(_Wire):
    regions: list[str]


class _Snapshot(_Wire):
    id: str


class _Snapshots(_Wire):
    snapshots: list[_Snapshot]


VOLUME: TypeAdapter[Volume] = TypeAdapter(Volume)
VOLUMES: TypeAdapter[VolumePage] = TypeAdapter(VolumePage)
ENTRIES: TypeAdapter[_Entries] = TypeAdapter(_Entries)
SHOWN: TypeAdapter[Shown] = TypeAdapter(Shown)
CREATED: TypeAdapter[Created] = TypeAdapter(Created)
REGIONS: TypeAdapter[_Regions] = TypeAdapter(_Regions)
SNAPSHOTS: TypeAdapter[_Snapshots] = TypeAdapter(_Snapshots)
NO_CONTENT: Mapping[str, Json] = {}


def part(settings: Mapping[str, Json], key: str) -> dict[str, Json]:
    """Return a mapping within settings; empty if it is not there."""
    value = settings.get(key)
    return value if isinstance(value, dict) else {}


def options_of(flow: Flow) -> ScpOptions:
    """Return a flow's options of this type; all left out if there are none."""
    return flow.spec.options if isinstance(flow.spec.options, ScpOptions) else ScpOptions()


def region_of(flow: Flow) -> str:
    """Return the region of the replica; empty where the other end is no region of SCP."""
    config = flow.peer.spec.config
    return config.region if isinstance(config, ScpConfig) else ""


def scope_of(provider: str, volume: str) -> ScopeRef:
    """Return the scope of a source volume, as written: `volume/<name or id>`."""
    return ScopeRef(provider=provider, key=f"volume/{volume}")


def volume_of(scope: ScopeRef) -> str:
    """Return the volume of a scope, as written."""
    return scope.key.removeprefix("volume/")


def identity_of(flow: Flow) -> str:
    """Return what makes a replication of a volume that one: `kr-east1/data_dr`, region and name of the replica."""
    return _identity(region_of(flow), flow.spec.destination.volume or "")


def every(frequency: str) -> str:
    """Return a frequency as people write it: `5m`. A word that nobody knows stays as it is, and so differs."""
    seconds = next((seconds for seconds, word in FREQUENCIES.items() if word == frequency), None)
    return frequency if seconds is None else format_seconds(seconds)


def failed(word: str) -> bool:
    """Say whether a status or state is one of failure, as far as its word tells."""
    low = word.lower()
    return any(low.startswith(mark) or low.endswith(mark) for mark in _FAILURES) or low.endswith("failed")


def going(word: str) -> bool:
    """Say whether a status or state is one of deletion under way. No document lists its word: `deleting`, `deleted`."""
    return word.lower().startswith("delet")


# Desired -----------------------------------------------------------------------------------------------------------


def desired_settings(flow: Flow) -> Settings:
    """Return what a flow manages, in normal form."""
    spec, options = flow.spec, options_of(flow)
    settings: Settings = {
        "source": {"volume": spec.source.volume},
        "destination": {"volume": spec.destination.volume},
    }
    plain = {"state": spec.state, "deletes": spec.deletes, "existing": spec.existing}
    settings |= {key: str(value) for key, value in plain.items() if value is not None}
    if spec.schedule is not None:
        settings["schedule"] = {"every": format_seconds(spec.schedule.every)}
    own: dict[str, Json] = {
        "region": region_of(flow),
        "type": str(options.type) if options.type else None,
        "retention": options.retention,
        # Left out it is false: a line that is taken out again shall not have a volume deleted.
        "deleteReplicaVolume": bool(options.delete_replica_volume),
    }
    settings["scp"] = {key: value for key, value in own.items() if value is not None}
    return settings


def create_body(flow: Flow) -> dict[str, Json]:
    """Return the request that creates a replication, but for the source volume's id. Members without a value are left
    out, as null is not what the service means by that."""
    options = options_of(flow)
    schedule = flow.spec.schedule
    body: dict[str, Json] = {
        "name": flow.spec.destination.volume,
        "region": region_of(flow),
        "replication_frequency": FREQUENCIES.get(schedule.every) if schedule else DEFAULT_FREQUENCY,
        "replication_type": str(options.type or ReplicationType.REPLICATION),
        "backup_retention_count": options.retention,
        "cifs_password": options.cifs_password.marked() if options.cifs_password else None,
    }
    return {key: value for key, value in body.items() if value is not None}


def policy_body(policy: str) -> dict[str, Json]:
    """Return the request that pauses or resumes."""
    return {"replication_update_type": "policy", "replication_policy": policy}


def schedule_body(settings: Settings, held: Settings) -> dict[str, Json]:
    """Return the request that changes frequency and retention: as wanted, else as held."""
    wanted = part(settings, "schedule").get("every") or part(held, "schedule").get("every")
    retention = part(settings, "scp").get("retention") or part(held, "scp").get("retention")
    words = {every(word): word for word in FREQUENCIES.values()}
    body: dict[str, Json] = {
        "replication_update_type": "modify_schedule",
        "replication_frequency": words.get(str(wanted)),
        "backup_retention_count": retention,
    }
    return {key: value for key, value in body.items() if value is not None}


# Observed ----------------------------------------------------------------------------------------------------------


def observation(scope: ScopeRef, shown: Iterable[Shown], protocol: str = "") -> Observation:
    """Return a volume's replications, each a container of its own, ordered by key. `protocol` is the source volume's,
    where it is at hand.

    Nothing is known to keep a volume from being replicated twice to one region under one name. Then the one with the
    lowest id stands for both, and the others get the key and identity `<identity>#<id>`: surplus, unless a receipt
    knows one of them by its id.
    """
    named = sorted(
        ((_identity(one.replication_volume_region, one.replication_volume_name), one) for one in shown),
        key=lambda pair: (pair[0], pair[1].replication_id),
    )
    states = [
        _container(scope, name if number == 0 else f"{name}#{one.replication_id}", one, protocol, surplus=number > 0)
        for name, group in groupby(named, key=lambda pair: pair[0])
        for number, (_, one) in enumerate(group)
    ]
    return Observation(scope=scope, containers=tuple(sorted(states, key=lambda state: state.ref.key)))


def _container(scope: ScopeRef, key: str, one: Shown, protocol: str, *, surplus: bool) -> ContainerState:
    settings = _settings(volume_of(scope), one)
    names = (*((one.replication_volume_name,) if surplus else ()), *stems(one.replication_volume_name))
    also = {_identity(one.replication_volume_region, name): _named(settings, name) for name in names}
    known = Relationship(
        identity=key,
        settings=settings,
        provider_id=provider_id(one.replication_id, one.source_volume_id),
        kept=(KEPT_BY_RECEIPT,),
        also=also,
    )
    return ContainerState(
        ref=ContainerRef(provider=scope.provider, scope=scope.key, key=key),
        fingerprint=digest({"id": one.replication_id, "settings": _lasting(settings)}),
        relationships=(known,),
        document=_document(one) | ({"protocol": protocol} if protocol else {}),
        also=tuple(also),
    )


def provider_id(replication_id: str, source_volume_id: str) -> str:
    """Return the id by which a replication is known, with the volume that it is asked for by."""
    return f"{replication_id}/{source_volume_id}"


def _settings(volume: str, one: Shown) -> Settings:
    own: dict[str, Json] = {
        "region": one.replication_volume_region,
        "type": one.replication_type,
        "retention": one.backup_retention_count,
    }
    return {
        "source": {"volume": volume},
        "destination": {"volume": one.replication_volume_name},
        "state": _state(one),
        "deletes": str(Deletes.REPLICATE),
        "existing": str(Existing.COPY),
        "schedule": {"every": every(one.replication_frequency)},
        "scp": {key: value for key, value in own.items() if value is not None},
    }


def _lasting(settings: Settings) -> Settings:
    """Return settings without what changes by itself: what is being made will be in use."""
    return {**settings, "state": str(State.ACTIVE)} if settings["state"] == CREATING else settings


def _state(one: Shown) -> str:
    """Return the policy in our words. What is being made, in error or on its way out is neither in use nor paused."""
    if one.replication_status == CREATING:
        return CREATING
    if failed(one.replication_status) and one.replication_policy != PAUSED:
        return "error"
    if going(one.replication_status):
        return "deleting"
    return _STATES.get(one.replication_policy, one.replication_policy or "unknown")


def _document(one: Shown) -> dict[str, Json]:
    """Return what planning needs beyond the settings."""
    return {
        "id": one.replication_id,
        "source_volume": one.source_volume_id,
        "replica_volume": one.replication_volume_id,
        "replica_name": one.replication_volume_name,
        "region": one.replication_volume_region,
        "policy": one.replication_policy,
        "status": one.replication_status,
        "type": one.replication_type,
    }


def _named(settings: Settings, name: str) -> Settings:
    return {**settings, "destination": {"volume": name}}


def _identity(region: str, name: str) -> str:
    return f"{region}/{name}"
