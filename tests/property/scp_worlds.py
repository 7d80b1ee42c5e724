"""Worlds of SCP for property tests: what is wanted, what is live, and what somebody does in between."""

import itertools
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from reconciler.emulators import certificate as certificates
from reconciler.emulators.scp.records import Phase, Replication, Snapshot, Volume
from reconciler.model.manifest import Location, ReplicationSpec
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow
from reconciler.model.value import Json
from reconciler.providers.base import Access, Provider
from reconciler.providers.scp.config import ScpOptions
from reconciler.testing.harness import WORKSPACE
from tests.contract.harnesses.scp import PASSWORD, ScpHarness, Way
from tests.contract.harnesses.wire import EmulatedClock
from tests.lab.scp import EAST, WEST

SOURCES = (("src_a", WEST, "NFS"), ("src_b", WEST, "NFS"), ("src_c", WEST, "CIFS"), ("src_d", EAST, "NFS"))
OTHER = {WEST: EAST, EAST: WEST}
NAMES = {WEST: "west", EAST: "east"}
OTHER_PASSWORD = "an0ther-one!"
WORDS = {"5m": "5min", "1h": "hourly", "1d": "daily", "7d": "weekly", "30d": "monthly"}
SUFFIX = 6

Spec = dict[str, Any]


class Wish(NamedTuple):
    """One replication as it is written down."""

    name: str
    source: int
    by_id: bool
    variant: int
    """Which of some names the replica has."""
    spec: Spec
    """`every`, `state`, `type`, `retention`, `tidy` (deleteReplicaVolume), `password`; all may be left out."""

    @property
    def replica(self) -> str:
        """No two replications ever want one name, for the service gives it once, or puts something behind it."""
        return f"{self.name.replace('-', '')}_{'abcd'[self.source]}{self.variant}"

    @property
    def region(self) -> str:
        return OTHER[SOURCES[self.source][1]]


class Live(NamedTuple):
    """One replication that is there at the start."""

    wish: Wish
    """As it is, in the words of a manifest; what that leaves out is as a new one has it."""
    phase: Phase
    behind: str
    """What the service has put behind the replica's name."""
    snapshots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is wanted, what is live, what somebody does in between, and what is wanted then."""

    wanted: tuple[Wish, ...]
    later: tuple[Wish, ...]
    live: tuple[Live, ...]
    by_hand: tuple[tuple[str, int], ...]
    """What is done, and to which of the replications."""
    rotated: bool
    forgotten: bool
    """Whether the receipts are lost in between."""
    switches: Spec


def specs(*, tidy: bool) -> st.SearchStrategy[Spec]:
    """`tidy`: backups end with their volumes only, so that every wish must let them go."""
    said = {"tidy": st.just(True)} if tidy else {}
    return st.fixed_dictionaries(
        said,
        optional={
            "every": st.sampled_from(tuple(WORDS)),
            "state": st.sampled_from(("active", "paused")),
            "type": st.sampled_from(("replication", "replication", "backup")),
            "retention": st.sampled_from((1, 3, 128)),
            "password": st.booleans(),
            "same": st.just(True),
            **({} if tidy else {"tidy": st.booleans()}),
        },
    )


SWITCHES = st.fixed_dictionaries(
    {"backup_delete": st.sampled_from(("either", "volume", "replication", "either")), "name_suffix": st.booleans()},
    optional={
        "write_status": st.sampled_from((200, 202)),
        "echo": st.just("asked"),
        "policy_while_creating": st.sampled_from(("use", "paused")),
        "settled_status": st.just("in_use"),
        "busy_status": st.none(),
        "paused_status": st.just("paused"),
        "deleting_status": st.just("use"),
        "replica_purpose": st.sampled_from(("REPLICATION", "none")),
        "count": st.just("page"),
        "name_filter": st.just("exact"),
        "either_id": st.just(False),
        "unknown_volume": st.just("empty"),
        "blocking_snapshots": st.sampled_from(("system", "none")),
        "system_snapshots": st.just("deletable"),
        "schedule_needs_use": st.just(True),
    },
)
PHASES = st.sampled_from((Phase.SETTLED, Phase.SETTLED, Phase.SETTLED, Phase.CREATING))
ACTS = st.tuples(
    st.sampled_from(("both", "tamper", "pause", "resume", "drop", "snapshot", "foreign", "twin", "twin")),
    st.integers(0, 7),
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    switches = draw(SWITCHES)
    spec = specs(tidy=switches["backup_delete"] == "volume")

    def wish(name: str, variant: int = 0) -> Wish:
        return Wish(name, draw(st.integers(0, len(SOURCES) - 1)), draw(st.booleans()), variant, draw(spec))

    wanted = [wish(f"r-{number}") for number in range(draw(st.sampled_from((2, 1, 3, 0))))]
    later = [_changed(draw, one, spec) for one in wanted if draw(st.integers(0, 4)) < 4]
    later += [wish(f"s-{number}") for number in range(draw(st.integers(0, 1)))]
    behind = st.text("0123456789abcdef", min_size=SUFFIX, max_size=SUFFIX)
    named = st.one_of(behind, behind, st.just("")) if switches["name_suffix"] else st.just("")
    snapshots = st.integers(0, 2)
    live = [
        Live(_drifted(draw, one, spec), draw(PHASES), draw(named), draw(snapshots))
        for one in wanted
        if draw(st.integers(0, 3)) < 3
    ]
    theirs = st.sampled_from((Phase.SETTLED, Phase.CREATING, Phase.ERROR))
    foreign = [Live(wish(f"theirs-{n}"), draw(theirs), draw(named), 1) for n in range(draw(st.integers(0, 2)))]
    # What somebody else keeps under a name that may be ours. Where nothing is put behind names, a name is given once.
    mocked = [one for one in wanted if switches["name_suffix"] and draw(st.integers(0, 2)) == 0]
    twins = [Live(one._replace(spec=draw(spec)), draw(PHASES), draw(behind), 1) for one in mocked]
    return Story(
        wanted=tuple(wanted),
        later=tuple(later),
        live=(*live, *foreign, *twins),
        by_hand=tuple(draw(st.lists(ACTS, max_size=2))),
        rotated=draw(st.booleans()),
        forgotten=draw(st.integers(0, 7)) == 7,
        switches=switches,
    )


def _changed(draw: st.DrawFn, wish: Wish, spec: st.SearchStrategy[Spec]) -> Wish:
    kind = draw(
        st.sampled_from(("settings", "both", "name", "not", "place", "settings", "type", "written", "all", "both"))
    )
    if kind in ("settings", "all"):
        wish = wish._replace(spec=draw(spec))
    if kind == "both":
        state = "active" if wish.spec.get("state") == "paused" else "paused"
        wish = wish._replace(
            spec=wish.spec | {"state": state, "every": "1d" if wish.spec.get("every") == "5m" else "5m"}
        )
    if kind == "type":
        wish = wish._replace(spec=wish.spec | {"type": draw(st.sampled_from(("backup", "replication")))})
    if kind in ("name", "all"):
        wish = wish._replace(variant=2)
    if kind in ("place", "all"):
        wish = wish._replace(source=draw(st.integers(0, len(SOURCES) - 1)))
    if kind in ("written", "all"):
        wish = wish._replace(by_id=not wish.by_id)
    return wish


def _drifted(draw: st.DrawFn, wish: Wish, spec: st.SearchStrategy[Spec]) -> Wish:
    """What somebody may have made before; under another name it is not taken for the same."""
    kind = draw(st.sampled_from(("settings", "type", "not", "name", "settings")))
    if kind == "settings":
        kept = {key: wish.spec[key] for key in ("type",) if key in wish.spec}
        return wish._replace(spec=draw(spec) | kept)
    if kind == "type":
        return wish._replace(spec=wish.spec | {"type": draw(st.sampled_from(("replication", "backup")))})
    return wish._replace(variant=1) if kind == "name" else wish


# The service ------------------------------------------------------------------------------------------------------


class _Jumping(EmulatedClock):
    """Waits by pushing the clock only: what is due then is done before the next answer."""

    def sleep(self, seconds: float, stop: threading.Event) -> bool:
        self._clock.advance(max(0.0, seconds))
        return stop.is_set()


class Quick(ScpHarness):
    """Opens each connection once, looks at a source once, and lets no time pass but what is waited for."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, certificates.issue(directory), Way(tls=False))
        self.clock = _Jumping(self.wire.clock)
        self.wire.clock.freeze()
        self.ports = {url["http"].rpartition(":")[2]: region for region, url in self.facts["regions"].items()}
        self._opened: dict[tuple[Access, str | None], Provider] = {}

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        if (access, provider) not in self._opened:
            self._opened[access, provider] = _Kept(super().connect(access, provider))  # type: ignore[assignment]
        return self._opened[access, provider]

    def end(self) -> None:
        for provider in self._opened.values():
            provider.end()  # type: ignore[attr-defined]
        self.close()

    def begin(self, story: Story) -> None:
        """Put in place what is live, with nobody's help."""
        cloud = self.emulator.cloud
        self.emulator.switch({**self._usual, "worker": "stopped", **story.switches})
        self.secrets.put(CIFS_PASSWORD=PASSWORD)
        self._ids = (str(UUID(int=number << 80, version=4)) for number in itertools.count(1))
        with cloud.lock:
            cloud.replications.clear()
            for volume in list(cloud.volumes):
                cloud.drop(volume)
            now = cloud.clock.now()
            self.volumes = {
                name: cloud.add(Volume(str(UUID(int=number, version=4)), name, region, protocol, "HDD", now)).id
                for number, (name, region, protocol) in enumerate(SOURCES, start=1)
            }
            for one in story.live:
                self.put(one)
        self.clear()

    def clear(self) -> None:
        """Forget what was said."""
        self.wire.log.clear()
        self.wire.recorder.clear()

    def put(self, one: Live) -> str:
        """Make a replication as somebody else would have; its id."""
        cloud, (source, region, protocol) = self.emulator.cloud, SOURCES[one.wish.source]
        spec, name, now = one.wish.spec, one.wish.replica + one.behind, self.emulator.cloud.clock.now()
        making = one.phase is Phase.CREATING
        replica = Volume(
            next(self._ids), name, OTHER[region], protocol, "HDD", now, "creating" if making else "available"
        )
        made = Replication(
            id=next(self._ids),
            type=spec.get("type", "replication"),
            source=self.volumes[source],
            source_region=region,
            replica=cloud.add(replica).id,
            replica_region=replica.region,
            frequency=WORDS[spec.get("every", "1h")],
            retention=spec.get("retention"),
            created=now,
            policy="paused" if spec.get("state") == "paused" and not making else "use",
            phase=one.phase,
            due=cloud.later(cloud.settings.create_s) if making else None,
        )
        cloud.replications[made.id] = made
        for number in range(one.snapshots):
            self.snapshot(made, number)
        return made.id

    def snapshot(self, one: Replication, number: int = 0) -> None:
        """A snapshot of the replica: one that the replication has made, or one of a user's."""
        made = Snapshot(
            next(self._ids), one.replica, f"snapshot{number}", one.created, 0, None if number % 2 else one.id
        )
        self.emulator.cloud.snapshots[made.id] = made

    def touch(self, story: Story) -> None:
        """Do by hand what the story says."""
        cloud = self.emulator.cloud
        for act, number in story.by_hand:
            with cloud.lock:
                known = sorted(cloud.replications)
                one = cloud.replications[known[number % len(known)]] if known else None
                if act == "foreign":
                    there = Live(Wish("late", number % 4, False, 0, {}), Phase.SETTLED, "abcd01", 1)
                    self.put(there)
                elif act == "twin":
                    self._mock(story, number)
                elif one is not None and one.phase is Phase.SETTLED:
                    self._touch(act, one)
        if story.rotated:
            self.secrets.put(CIFS_PASSWORD=OTHER_PASSWORD)

    def _mock(self, story: Story, number: int) -> None:
        """Make what may seem to be ours by its name, as asked for or as the service calls it."""
        wish = story.wanted[number % len(story.wanted)] if story.wanted else None
        names = {one.name for one in self.emulator.cloud.volumes.values()}
        behind = "" if number > 5 else f"abcd0{number}"
        if wish is not None and story.switches["name_suffix"] and wish.replica + behind not in names:
            self.put(Live(wish, Phase.SETTLED, behind, 1))

    def _touch(self, act: str, one: Replication) -> None:
        cloud = self.emulator.cloud
        if act == "drop":
            del cloud.replications[one.id]
            cloud.drop(one.replica)
        elif act == "snapshot":
            self.snapshot(one, 2)
        else:
            changes: dict[str, dict[str, Any]] = {
                "tamper": {"frequency": "monthly", "retention": 7}, "pause": {"policy": "paused"},
                "resume": {"policy": "use"}, "both": {"frequency": "weekly", "policy": "paused"},
            }  # fmt: skip
            cloud.replications[one.id] = replace(one, **changes[act])

    def wished(self, wish: Wish) -> Flow:
        """The flow of a wish."""
        spec, (source, region, _) = wish.spec, SOURCES[wish.source]
        there = {"provider": NAMES[wish.region], "volume": wish.replica}
        given: dict[str, Json] = {
            "source": {"provider": NAMES[region], "volume": self.volumes[source] if wish.by_id else source},
            "destination": there,  # type: ignore[dict-item]
            "verify": {"level": "status"},
        }
        given |= {"state": spec["state"]} if "state" in spec else {}
        given |= {"schedule": {"every": spec["every"]}} if "every" in spec else {}
        given |= {"deletes": "replicate", "existing": "copy"} if "same" in spec else {}
        own: Spec = {key: spec[key] for key in ("type", "retention") if key in spec}
        own |= {"deleteReplicaVolume": spec["tidy"]} if "tidy" in spec else {}
        own |= {"cifsPassword": {"env": "CIFS_PASSWORD"}} if spec.get("password") else {}
        made = ReplicationSpec.model_validate(given)
        return Flow(
            name=wish.name,
            workspace=WORKSPACE,
            spec=made.model_copy(update={"options": ScpOptions.model_validate(own)}),
            labels={},
            source=self.docs[NAMES[region]],
            destination=self.docs[NAMES[wish.region]],
            owner_side="source",
            peer_s3=None,
        )


class _Kept:
    """What source volumes are does not change here; replicas come and go."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._facts: dict[Location, LocationFacts] = {}

    def inspect(self, location: Location) -> LocationFacts:
        if location not in self._facts:
            found = self._provider.inspect(location)
            if not str(found.facts.get("name")).startswith("src_"):
                return found
            self._facts[location] = found
        return self._facts[location]

    def close(self) -> None:
        """Nothing: it is used again."""

    def end(self) -> None:
        self._provider.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)
