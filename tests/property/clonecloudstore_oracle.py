"""What must come of a wish, by the rows of CloneCloudStore's sites: no line of the provider's."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulators.clonecloudstore.records import RIGHTS, Bucket, Object, Topology
from reconciler.engine.journal import owed_copies
from reconciler.model.change import Action
from reconciler.model.receipt import Receipt
from reconciler.testing.host import Host
from tests.lab.clonecloudstore import CLIENT
from tests.property.clonecloudstore_worlds import STRANGER, Place, Quick, Wish

DEAD = ("ERR_UPL", "ERR_DEL")
READ, WRITE, DELETE, OWNER = 1, 2, 4, 7


@dataclass(frozen=True, slots=True)
class World:
    """The sites and the receipts at one moment."""

    lists: Mapping[tuple[str, str], Topology]
    rows: Mapping[Place, Bucket]
    rights: Mapping[tuple[str, str, str], str]
    """By site, client and bucket."""
    objects: Mapping[Place, Mapping[str, Object]]
    bytes: Mapping[tuple[str, str, str], bytes | None]
    uris: Mapping[str, str]
    receipt: Receipt | None
    owed: frozenset[str]

    def status(self, place: Place) -> str | None:
        """Of our client's bucket."""
        row = self.rows.get(place)
        return row.status if row is not None and row.client == CLIENT else None

    def right(self, place: Place) -> str | None:
        return self.rights.get((place[0], CLIENT, place[1]))

    def bits(self, place: Place) -> int:
        return RIGHTS[self.right(place) or "UNKNOWN"]

    def live(self, wish: Wish) -> bool:
        here, there = (wish.source, wish.bucket), (wish.destination, wish.bucket)
        held = self.lists.get(wish.way)
        known = held is not None and held.status in ("UP", "DOWN") and wish.way[::-1] in self.lists
        ready = self.status(here) == self.status(there) == "READY"
        return known and ready and self.bits(there) & (READ | WRITE) == READ | WRITE

    def listed(self, here: str, other: str) -> bool:
        """Whether a site knows another by its name and address."""
        held = self.lists.get((here, other))
        return held is not None and (held.name, held.uri.rstrip("/")) == (other, self.uris[other])

    def recorded(self, name: str) -> dict[str, Any] | None:
        entry = self.receipt.replications.get(name) if self.receipt else None
        if entry is None:
            return None
        known = "existing" in entry.relationship.unreadable
        return {"existing": entry.relationship.settings.get("existing") if known else None}


def world_of(sites: Quick, host: Host) -> World:
    lists: dict[tuple[str, str], Topology] = {}
    rows: dict[Place, Bucket] = {}
    rights: dict[tuple[str, str, str], str] = {}
    objects: dict[Place, dict[str, Object]] = {}
    data: dict[tuple[str, str, str], bytes | None] = {}
    for name, site in sites.emulator.sites.items():
        with site.database.lock:
            lists |= {(name, other): held for other, held in site.database.topologies.items()}
            rows |= {(name, bucket): row for bucket, row in site.database.buckets.items()}
            rights |= {(name, *key): held for key, held in site.database.rights.items()}
            for (bucket, key), row in site.database.objects.items():
                objects.setdefault((name, bucket), {})[key] = row
                data[name, bucket, key] = site.storage.read((bucket, key))
    return World(lists, rows, rights, objects, data, sites.uris, host.state.receipt(), owed_copies(host.state))


# What is expected -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Copy:
    """What becomes of objects at the destination, by name."""

    absent: set[str] = field(default_factory=set)
    different: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    extra: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Expected:
    """What comes of one replication by itself; lists and orders for buckets are of a pair."""

    action: Action
    errors: frozenset[str] = frozenset()
    clones: bool = False
    copy: Copy = field(default_factory=Copy)
    fails: bool = False
    """Whether something stays that no call leads out of."""
    differs: frozenset[str] = frozenset()

    @property
    def changes(self) -> bool:
        """Whether the configuration does."""
        return self.action not in (Action.NONE, Action.RESYNC)

    @property
    def busy(self) -> bool:
        """Whether anything is to be done for it."""
        return self.action is not Action.NONE or self.clones


def _errors(world: World, wish: Wish) -> frozenset[str]:
    """What each end says, whether or not anything is to be done."""
    found = set()
    source, there = world.rows.get((wish.source, wish.bucket)), world.rows.get((wish.destination, wish.bucket))
    if source is not None and (source.client, source.status) == (STRANGER, "READY"):
        found.add("REPL-W603")
    elif source is None or source.status != "READY":
        found.add("REPL-W604" if source is not None and source.status in DEAD else "REPL-W601")
    elif not world.bits((wish.source, wish.bucket)) & READ:
        found.add("REPL-W606")
    if there is not None and (there.client, there.status) == (STRANGER, "READY"):
        found.add("REPL-W603")
    elif there is not None and there.status in DEAD:
        found.add("REPL-W604")
    elif there is not None and there.client == CLIENT and there.status == "DELETING":
        found.add("REPL-W613")
    return frozenset(found)


def judged(world: World, wishes: Sequence[Wish]) -> dict[str, Expected]:
    """What comes of each wish, by name."""
    found = {wish.name: _judged(world, wish) for wish in wishes}
    changed = [one for one in wishes if found[one.name].changes]
    for wish in wishes:
        _copies(world, wish, found[wish.name], becomes(world, *wish.way, changed))
    for wish in wishes:
        if found[wish.name].clones and wish.spec.get("prune") and becomes(world, *wish.way[::-1], changed) == "UP":
            found[wish.name].errors |= {"REPL-W612"}
    return found


def becomes(world: World, here: str, other: str, changed: Sequence[Wish]) -> str | None:
    """The state of a site in another one's list when all is done."""
    out = [one for one in changed if one.way == (here, other)]
    return _status(world, here, other, out) if out or (here, other) in world.lists else None


def _judged(world: World, wish: Wish) -> Expected:
    recorded = world.recorded(wish.name)
    differs = _differing(world, wish, recorded)
    action = Action.NONE
    if not world.live(wish):
        action = Action.CREATE
    elif differs:
        action = Action.ADOPT if recorded is None else Action.UPDATE
    elif _owed(world, wish) and ("state" in wish.spec or world.lists[wish.way].status != "DOWN"):
        action = Action.RESYNC
    return Expected(action, _errors(world, wish), differs=frozenset(differs))


def _owed(world: World, wish: Wish) -> bool:
    wanted = wish.spec.get("existing") == "copy" and wish.spec.get("state") != "paused"
    return wanted and wish.name in world.owed


def _copies(world: World, wish: Wish, made: Expected, status: str | None) -> None:
    """Say whether existing objects are copied, by what becomes of the pair."""
    held = world.lists.get(wish.way)
    resumed = held is not None and held.status == "DOWN" and status == "UP"
    begins = made.action is Action.CREATE or bool(made.differs & {"state", "existing"}) or resumed
    copies = wish.spec.get("existing") == "copy" and begins
    made.clones = (_owed(world, wish) or copies) and status != "DOWN"
    if made.clones:
        made.copy = _copied(world, wish)
        replaces = wish.spec.get("conflicts") == "replace"
        made.fails = bool(made.copy.stuck or (made.copy.different and not replaces))


def _differing(world: World, wish: Wish, recorded: Mapping[str, Any] | None) -> set[str]:
    """Which settings of a live replication are not as wished."""
    spec, there = wish.spec, (wish.destination, wish.bucket)
    if not world.live(wish):
        return set()
    state = "active" if world.lists[wish.way].status == "UP" else "paused"
    deletes = "replicate" if world.bits(there) & DELETE else "keep"
    sent = recorded["existing"] if recorded is not None else None
    found = {
        "state": spec.get("state", state) != state,
        "deletes": spec.get("deletes", deletes) != deletes,
        "existing": spec.get("existing") == "copy" and sent != "copy",
        "push": not world.listed(*wish.way),
        "pull": not world.listed(*wish.way[::-1]),
    }
    return {key for key, other in found.items() if other}


def _copied(world: World, wish: Wish) -> Copy:
    found, there = Copy(), dict(world.objects.get((wish.destination, wish.bucket), {}))
    ready = world.status((wish.destination, wish.bucket)) in ("READY", "UPLOAD")
    for name, row in world.objects.get((wish.source, wish.bucket), {}).items():
        held = there.pop(name, None) if row.status == "READY" else None
        if row.status != "READY":
            continue
        if held is None or held.status == "DELETED":
            found.absent.add(name)
        elif held.status != "READY":
            found.stuck.add(name)
        elif (held.hash, held.size) != (row.hash, row.size):
            found.different.add(name)
    found.extra = {name for name, row in there.items() if row.status == "READY" and ready}
    return found


def least_writes(
    world: World, wishes: Sequence[Wish], expected: Mapping[str, Expected], gone: Sequence[Wish]
) -> Counter[Any]:
    """The fewest writes that make it so: by operation and site."""
    writes: Counter[Any] = Counter()
    busy = [wish for wish in wishes if expected[wish.name].busy]
    changed = [wish for wish in wishes if expected[wish.name].changes]
    ways = {wish.way for wish in changed}
    for here, other in {*ways, *(way[::-1] for way in ways)}:
        out = [wish for wish in changed if wish.way == (here, other)]
        held, status = world.lists.get((here, other)), _status(world, here, other, out)
        if held is None:
            writes["addTopology", here] += 1
        elif not world.listed(here, other) or held.status != status:
            writes["updateTopology", here] += 1
    missing: Counter[tuple[str, str]] = Counter()
    rights: dict[Place, Counter[Any]] = {}
    for wish in busy:
        place = (wish.destination, wish.bucket)
        missing[wish.way] += world.status(place) in (None, "DELETED")
        rights[place] = rights.get(place, Counter()) | _rights(world, wish, expected[wish.name])
        writes += _orders(wish, expected[wish.name])
    for (_, other), count in missing.items():
        writes["createOrder" if count == 1 else "createOrders", other] += count > 0
    for wish in gone:
        taken = Counter({("deleteOwnership", wish.destination): 1, ("addOwnership", wish.destination): 1})
        rights[wish.destination, wish.bucket] = taken
    return +sum(rights.values(), writes)


def _status(world: World, here: str, other: str, out: Sequence[Wish]) -> str:
    """What a site's entry for another one shall say."""
    said = {wish.spec["state"] for wish in out if "state" in wish.spec}
    held = world.lists[here, other].status if (here, other) in world.lists else "UNKNOWN"
    if said:
        return "DOWN" if "paused" in said else "UP"
    return "UP" if out and held not in ("UP", "DOWN") else held


def _rights(world: World, wish: Wish, one: Expected) -> Counter[Any]:
    """What the client may do at the destination: as much as needed, no more where nothing may be deleted."""
    clears = one.clones and ("replace" in wish.spec.values() or wish.spec.get("prune"))
    if not (one.changes or clears):
        return Counter()
    there, site = (wish.destination, wish.bucket), wish.destination
    held = world.right(there)
    if held is None and world.status(there) in (None, "DELETED"):
        held = "OWNER"  # what the order for the bucket gives
    bits = RIGHTS[held or "UNKNOWN"]
    if wish.spec.get("deletes") == "keep":
        wanted = READ | WRITE
    else:
        enough = READ | WRITE | (DELETE if clears or wish.spec.get("deletes") == "replicate" else 0)
        wanted = bits if bits & enough == enough else OWNER
    if bits == wanted:
        return Counter()
    if held is None:
        return Counter({("addOwnership", site): 1})
    if bits & ~wanted:
        return Counter({("deleteOwnership", site): 1, ("addOwnership", site): 1})
    return Counter({("updateOwnership", site): 1})


def _orders(wish: Wish, one: Expected) -> Counter[Any]:
    if not one.clones:
        return Counter()
    replaced = one.copy.different if wish.spec.get("conflicts") == "replace" else set()
    pruned = one.copy.extra if wish.spec.get("prune") else set()
    number = bool(replaced or pruned) + bool(one.copy.absent or replaced)
    return +Counter({("createOrders", wish.destination): number})
