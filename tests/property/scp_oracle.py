"""What must come of a wish, by the records of SCP and the documents of the service: no line of the provider's."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulators.scp.records import Phase, Replication, Volume
from reconciler.model.change import Action
from reconciler.model.receipt import Receipt, ReceiptEntry
from reconciler.testing.host import Host
from tests.property.scp_worlds import OTHER_PASSWORD, SOURCES, SUFFIX, WORDS, Quick, Wish

CREATE, SET, DELETE = "CreateVolumeReplication", "SetVolumeReplication", "DeleteVolumeReplication"
DELETE_VOLUME, DELETE_SNAPSHOTS = "DeleteVolume", "DeleteSnapshot"
NO_PASSWORD, NAME_TAKEN = "REPL-W506", "REPL-W508"


@dataclass(frozen=True, slots=True)
class World:
    """The service and the receipts at one moment."""

    replications: Mapping[str, Replication]
    volumes: Mapping[str, Volume]
    snapshots: Counter[str]
    """How many a volume has."""
    sources: Mapping[str, str]
    """The ids of the volumes that are replicated, by name."""
    receipt: Receipt | None
    password: str
    ends_with_volume: bool
    """Whether a backup can go by a deletion of its volume."""

    def name(self, one: Replication) -> str:
        return self.volumes[one.replica].name

    def entry(self, one: Replication) -> tuple[str | None, ReceiptEntry | None]:
        """What receipts have of a replication, and under which name."""
        for name, entry in (self.receipt.replications if self.receipt else {}).items():
            if entry.relationship.provider_id == f"{one.id}/{one.source}":
                return name, entry
        return None, None


@dataclass(slots=True)
class Expected:
    """What comes of one replication."""

    action: Action
    writes: Counter[str] = field(default_factory=Counter)
    errors: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    """Ids of volumes and replications that go."""


def world_of(scp: Quick, host: Host, story_mode: str) -> World:
    cloud = scp.emulator.cloud
    with cloud.lock:
        return World(
            replications=dict(cloud.replications),
            volumes=dict(cloud.volumes),
            snapshots=Counter(one.volume for one in cloud.snapshots.values()),
            sources=dict(scp.volumes),
            receipt=host.state.receipt(),
            password=scp.secrets.by_name["CIFS_PASSWORD"],
            ends_with_volume=story_mode != "replication",
        )


def answers(name: str, asked: str) -> bool:
    return name == asked or (name[: len(asked)] == asked and len(name) == len(asked) + SUFFIX)


def answering(world: World, wish: Wish) -> set[str]:
    """Ids of the replications that may be taken for the one that is wished for, by their name."""
    there = world.sources[SOURCES[wish.source][0]], wish.region
    return {
        one.id
        for one in world.replications.values()
        if (one.source, one.replica_region) == there and answers(world.name(one), wish.replica)
    }


def candidates(world: World, wish: Wish, strangers: Collection[str]) -> list[str]:
    """Ids of the replications that may be the one that is wished for: any of them, and none else. `strangers`: those
    that were something else when a receipt was last written."""

    def known_as(one: Replication) -> str | None:
        return world.entry(one)[0]

    source = world.sources[SOURCES[wish.source][0]]
    there = [one for one in world.replications.values() if (one.source, one.replica_region) == (source, wish.region)]
    fitting = answering(world, wish)
    mine = [one.id for one in there if one.id in fitting and known_as(one) == wish.name]
    exact = [one.id for one in there if world.name(one) == wish.replica and one.id not in strangers]
    free = [one.id for one in there if one.id in fitting - set(strangers) and known_as(one) is None]
    recorded = [one.id for one in world.replications.values() if (known_as(one), one.source) == (wish.name, source)]
    return mine or exact or free or recorded


def judged(world: World, wish: Wish, one: Replication | None) -> Expected:
    spec, cifs = wish.spec, SOURCES[wish.source][2] == "CIFS"
    errors: tuple[str, ...] = (NO_PASSWORD,) if cifs and not spec.get("password") else ()
    if one is None:
        return Expected(Action.CREATE, _creation(wish), errors)
    name, entry = world.entry(one)
    if answers(world.name(one), wish.replica) and not rotated(world, wish) and spec.get("type") in (None, one.type):
        policy, schedule, noted = differs(wish, one, entry)
        writes = Counter({SET: policy + schedule})
        if not (policy or schedule or noted):
            return Expected(Action.NONE)
        return Expected(Action.UPDATE if name else Action.ADOPT, +writes)
    if not spec.get("tidy") and world.name(one) == wish.replica:
        errors += (NAME_TAKEN,)
    removed, gone = _removal(world, one, tidy=bool(spec.get("tidy")))
    return Expected(Action.REPLACE, removed + _creation(wish), errors, gone)


def differs(wish: Wish, one: Replication, entry: ReceiptEntry | None) -> tuple[bool, bool, bool]:
    """Whether the policy differs, the schedule, and what nothing is written for: what only a receipt keeps, and that a
    replication is not in use before it is made."""
    spec = wish.spec
    making = one.phase is Phase.CREATING
    live = "paused" if one.policy == "paused" and not making else "active"
    schedule = WORDS.get(spec.get("every", ""), one.frequency) != one.frequency
    schedule |= spec.get("retention", one.retention) != one.retention
    noted: Any = entry.relationship.settings.get("scp", {}) if entry else {}
    kept = "deleteReplicaVolume" in noted and noted["deleteReplicaVolume"] != bool(spec.get("tidy"))
    return spec.get("state", live) != live, schedule, kept or (making and spec.get("state") == "active")


def rotated(world: World, wish: Wish) -> bool:
    entry = world.receipt.replications.get(wish.name) if world.receipt else None
    return bool(wish.spec.get("password") and entry and entry.secrets and world.password == OTHER_PASSWORD)


def _creation(wish: Wish) -> Counter[str]:
    return Counter({CREATE: 1}) + Counter({SET: wish.spec.get("state") == "paused"})


def _removal(world: World, one: Replication, *, tidy: bool) -> tuple[Counter[str], frozenset[str]]:
    pauses = one.policy != "paused" or one.phase is Phase.CREATING
    writes = Counter({SET: int(pauses)})
    if one.type == "backup" and tidy and world.ends_with_volume:
        return +writes + Counter({DELETE_VOLUME: 1}), frozenset({one.id, one.replica})
    writes[DELETE] += 1
    if not tidy:
        return +writes, frozenset({one.id})
    writes += Counter({DELETE_SNAPSHOTS: world.snapshots[one.replica], DELETE_VOLUME: 1})
    return +writes, frozenset({one.id, one.replica})


def pruned(world: World, kept: set[str]) -> dict[str, Expected]:
    """What receipts have and nobody wants any more, by id."""
    found = {}
    for one in world.replications.values():
        _, entry = world.entry(one)
        if entry is not None and one.id not in kept:
            noted: Any = entry.relationship.settings.get("scp", {})
            writes, gone = _removal(world, one, tidy=noted.get("deleteReplicaVolume") is True)
            found[one.id] = Expected(Action.DELETE, writes, gone=gone)
    return found
