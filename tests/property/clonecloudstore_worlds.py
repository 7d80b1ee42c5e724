"""Worlds of CloneCloudStore for property tests: two or three sites, what is wanted, what is live, and other hands."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from reconciler.emulators import certificate as certificates
from reconciler.emulators.clonecloudstore.records import Bucket, Object, Topology
from reconciler.model.manifest import ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.providers.base import Access, Provider
from reconciler.providers.clonecloudstore.config import CloneCloudStoreOptions
from reconciler.testing.harness import WORKSPACE
from tests.contract.harnesses.clonecloudstore import SITES, CloneCloudStoreHarness, Way
from tests.contract.harnesses.wire import EmulatedClock
from tests.lab.clonecloudstore import CLIENT, digest

A, B, C = "site-a", "site-b", "site-c"
NAMES = {site: name for name, site in SITES.items()}
BUCKETS = ("one", "two")
OBJECTS = ("o/0", "o/1", "o/2")
STRANGER, ELSEWHERE = "client2", "http://127.0.0.1:9"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

Spec = dict[str, Any]
Place = tuple[str, str]
"""Site and bucket."""


class Wish(NamedTuple):
    """One replication as it is written down."""

    source: str
    destination: str
    bucket: str
    spec: Spec
    """`state`, `deletes`, `existing`, `conflicts`, `prune`; all may be left out."""

    @property
    def name(self) -> str:
        return f"{self.bucket}-{self.source[-1]}{self.destination[-1]}"

    @property
    def way(self) -> tuple[str, str]:
        return self.source, self.destination


class Row(NamedTuple):
    """A bucket at a site."""

    status: str
    client: str
    right: str | None
    """What our client may do there."""
    objects: tuple[tuple[str, str, int], ...]
    """Name, status and version of the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is wanted, what is live, what somebody does in between, and what is wanted then."""

    wanted: tuple[Wish, ...]
    later: tuple[Wish, ...]
    lists: Mapping[tuple[str, str], tuple[str, str, str]]
    """By site and the other one that it knows: how name and address are written, and the status."""
    rows: Mapping[Place, Row]
    by_hand: tuple[tuple[str, int], ...]
    forgotten: bool
    believed_s: int = 0
    """How long services believe what they have read of rights; both sides know."""


_GOOD = st.tuples(st.just("right"), st.just("right"), st.sampled_from(("UNKNOWN", "UP", "DOWN")))
LISTS = st.one_of(
    st.none(),
    _GOOD,
    st.tuples(
        st.sampled_from(("right", "right", "wrong")),
        st.sampled_from(("right", "slash", "wrong")),
        st.sampled_from(("UP", "DOWN", "UNKNOWN", "DELETED")),
    ),
)
RIGHTS = st.sampled_from(("OWNER", "OWNER", None, "READ_WRITE", "READ", "WRITE", "DELETE_READ", "UNKNOWN"))
STATUSES = st.sampled_from(
    ("READY", "READY", "READY", "READY", "READY", "DELETED", "UPLOAD", "ERR_UPL", "ERR_DEL", "DELETING")
)
_READY = tuple(("READY", version) for version in (1, 0, 2, 0))


def _objects(*kinds: tuple[str, int] | None) -> st.SearchStrategy[tuple[tuple[str, str, int], ...]]:
    drawn = st.tuples(*(st.sampled_from(kinds) for _ in OBJECTS))
    return drawn.map(lambda found: tuple((name, *kind) for name, kind in zip(OBJECTS, found, strict=True) if kind))


SOURCE_OBJECTS = _objects(*_READY, *_READY, None, ("DELETED", 0), ("ERR_UPL", 0))
COPIES = _objects(*_READY, None, None, *_READY, ("DELETED", 0), None, ("DELETED", 1), ("UPLOAD", 0), ("ERR_UPL", 0))
ACTS = st.tuples(
    st.sampled_from(("flip", "rename", "unlist", "take", "own", "lose", "change", "spoil", "extra")), st.integers(0, 7)
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    sites = draw(st.sampled_from(((A, B, C), (A, B))))
    ways = list(itertools.permutations(sites, 2))
    drawn = draw(st.lists(st.tuples(st.sampled_from(ways), st.sampled_from(BUCKETS)), min_size=1, max_size=4))
    taken = list(dict.fromkeys((source, destination, bucket) for (source, destination), bucket in drawn))
    both = [_settings(draw, taken, ways) for _ in range(2)]
    wanted = [one for one in both[0] if draw(st.integers(0, 7)) < 7]
    later = [one for one in both[1] if draw(st.integers(0, 5)) < 5]
    kept = {one.name: one for one in wanted}
    if draw(st.booleans()):
        later = [kept.get(one.name, one) for one in later]
    sources = {(source, bucket) for source, _, bucket in taken}
    meant = {(destination, bucket) for _, destination, bucket in taken}
    rows = {
        place: _row(draw, source=place in sources, meant=place in meant) for place in itertools.product(sites, BUCKETS)
    }
    return Story(
        wanted=tuple(wanted),
        later=tuple(_together(later)),
        lists={way: found for way in ways if (found := draw(LISTS)) is not None},
        rows={place: row for place, row in rows.items() if row is not None},
        by_hand=tuple(draw(st.lists(ACTS, max_size=2))),
        forgotten=draw(st.integers(0, 7)) == 7,
        believed_s=draw(st.sampled_from((0, 600))),
    )


def _settings(draw: st.DrawFn, taken: Sequence[tuple[str, str, str]], ways: list[tuple[str, str]]) -> list[Wish]:
    """One wish for each (source, destination, bucket)."""
    states = {way: draw(st.sampled_from(("active", None, "active", "paused", "active"))) for way in ways}
    meant = Counter((destination, bucket) for _, destination, bucket in taken)
    kept = {place: draw(st.sampled_from(("replicate", None, "keep", "replicate", None))) for place in meant}
    made = []
    for source, destination, bucket in taken:
        place = (destination, bucket)
        # Rights are one row for all sources of a bucket; and a site may be silent of a state that others give.
        silent = draw(st.integers(0, 3)) == 3
        spec: Spec = {"state": None if silent else states[source, destination], "deletes": kept[place]}
        # What is copied to a place while it is copied from there, or from elsewhere, is another story each time.
        if (source, bucket) not in meant and meant[place] == 1:
            spec["existing"] = draw(st.sampled_from(("copy", "copy", "ignore", "copy", None)))
        if spec.get("existing") == "copy" and spec["deletes"] != "keep":
            spec["conflicts"] = draw(st.sampled_from(("replace", None, "replace")))
            spec["prune"] = draw(st.booleans())
        made.append(Wish(source, destination, bucket, {key: value for key, value in spec.items() if value is not None}))
    return made


def _together(wishes: list[Wish]) -> list[Wish]:
    """A site is UP or DOWN for another one, for all buckets: the first that says something says which. What one place
    gets from several sources goes by the first of them."""
    states: dict[tuple[str, str], str] = {}
    kept: dict[Place, str | None] = {}
    for wish in wishes:
        if "state" in wish.spec:
            states.setdefault(wish.way, wish.spec["state"])
        kept.setdefault((wish.destination, wish.bucket), wish.spec.get("deletes"))
    return [_agreed(wish, states.get(wish.way), kept[wish.destination, wish.bucket]) for wish in wishes]


def _agreed(wish: Wish, state: str | None, deletes: str | None) -> Wish:
    spec = {key: value for key, value in wish.spec.items() if key != "deletes"}
    if "state" in spec:
        spec["state"] = state
    spec |= {"deletes": deletes} if deletes else {}
    if deletes == "keep":
        spec = {key: value for key, value in spec.items() if key not in ("conflicts", "prune")}
    return wish._replace(spec=spec)


def _row(draw: st.DrawFn, *, source: bool, meant: bool) -> Row | None:
    """`source`, `meant`: whether something is wanted from there, and to there."""
    odd = draw(st.integers(0, 9)) == 9
    if not source and draw(st.integers(0, 3)) == (3 if meant else 0):
        return None
    if source and not odd:
        held = draw(SOURCE_OBJECTS)
        return Row("READY", CLIENT, "OWNER", held)
    status, client = draw(STATUSES), draw(st.sampled_from((CLIENT, CLIENT, CLIENT, CLIENT, CLIENT, CLIENT, STRANGER)))
    status = "READY" if client == STRANGER else status
    held = draw(COPIES) if status == "READY" else ()
    right = "OWNER" if status == "UPLOAD" else draw(RIGHTS)  # whoever makes it is given that first
    return Row(status, client, right, held)


# The sites --------------------------------------------------------------------------------------------------------


class _Settling(EmulatedClock):
    """Waits by pushing the clock and until what was ordered is carried out; what others began is done by then, too."""

    harness: "Quick"

    def sleep(self, seconds: float, stop: threading.Event) -> bool:
        self._clock.advance(max(0.0, seconds))
        self.harness.quiet()
        self.harness.finish()
        return stop.is_set()


class Quick(CloneCloudStoreHarness):
    """Opens each connection once, and lets no time pass but what is waited for."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, certificates.issue(directory), Way(tls=False, rights_s=600))
        self.clock = _Settling(self.wire.clock)
        self.clock.harness = self
        self.wire.clock.freeze()
        self._opened: dict[tuple[Access, str | None], Provider] = {}
        self.uris = {site: str(urls["replicator"]) for site, urls in self.facts["sites"].items()}

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        if (access, provider) not in self._opened:
            self._opened[access, provider] = _Kept(super().connect(access, provider))  # type: ignore[assignment]
        return self._opened[access, provider]

    def end(self) -> None:
        for provider in self._opened.values():
            provider.end()  # type: ignore[attr-defined]
        self.close()

    def quiet(self) -> None:
        """Wait until no order waits or is under way."""
        topics = [topic for site in self.emulator.sites.values() for topic in (site.requests, site.actions)]
        deadline = time.monotonic() + 30
        while any(topic.waiting or topic.under_way for topic in topics):
            assert time.monotonic() < deadline
            time.sleep(0.0005)

    def finish(self) -> None:
        """End the making of buckets that others have begun."""
        for site in self.emulator.sites.values():
            with site.database.lock:
                for name in [name for name, row in site.database.buckets.items() if row.status == "UPLOAD"]:
                    site.database.set_bucket(name, "READY")

    def begin(self, story: Story) -> None:
        """Put in place what is live, with nobody's help."""
        self.quiet()
        self.switch(ownership_cache_s=story.believed_s)
        for site in self.emulator.sites.values():
            with site.database.lock:
                for held in (site.database.buckets, site.database.objects, site.database.topologies):
                    held.clear()
                site.database.rights.clear()
                site.storage._buckets.clear()
                for (here, other), (name, uri, status) in story.lists.items():
                    if here == site.name:
                        self.list(here, other, name, uri, status)
                site.database.topologies["site-x"] = Topology("site-x", "site-x", ELSEWHERE, "DOWN")
            site.forget()
        for place, row in story.rows.items():
            self.fill(place, row)
        self.believe()
        self.clear()

    def believe(self) -> None:
        """Have the services read what our client may do, as any order or request of it has them."""
        for site in self.emulator.sites.values():
            for rights in (site.rights, site.ordering):
                rights.forget()
                for bucket in BUCKETS:
                    rights.allow(CLIENT, bucket, "READ")

    def clear(self) -> None:
        """Forget what was said."""
        self.wire.log.clear()
        self.wire.recorder.clear()

    def list(self, here: str, other: str, name: str, uri: str, status: str) -> None:
        right = self.uris[other]
        written = {"right": right, "slash": f"{right}/", "wrong": ELSEWHERE}[uri]
        made = Topology(other, other if name == "right" else f"old-{other}", written, status)  # type: ignore[arg-type]
        self.emulator.sites[here].database.topologies[other] = made

    def fill(self, place: Place, row: Row) -> None:
        """A bucket with its objects, and what clients may do with it."""
        site, bucket = self.emulator.sites[place[0]], place[1]
        with site.database.lock:
            site.database.buckets[bucket] = Bucket(bucket, row.client, site.name, LONG_AGO, row.status)  # type: ignore[arg-type]
            site.database.rights[STRANGER, bucket] = "READ"
            if row.right is not None:
                site.database.rights[CLIENT, bucket] = row.right
            if row.status in ("READY", "UPLOAD"):
                site.storage.make_bucket(bucket)
            for name, status, version in row.objects:
                self.store(place, name, status, version)

    def store(self, place: Place, name: str, status: str, version: int) -> None:
        """An object's row, and its bytes where it has some."""
        site, data = self.emulator.sites[place[0]], content(place[1], name, version)
        row = Object(
            f"{place}{name}", site.name, place[1], name, status, LONG_AGO,  # type: ignore[arg-type]
            digest(data) if status == "READY" else None, len(data),
        )  # fmt: skip
        site.database.objects[place[1], name] = row
        if status == "READY":
            site.storage.write((place[1], name), data)

    def touch(self, story: Story) -> None:
        """Do by hand what the story says; then caches have run out."""
        ways = sorted({wish.way for wish in (*story.wanted, *story.later)})
        for act, number in story.by_hand if ways else ():
            here, there = ways[number % len(ways)]
            bucket = BUCKETS[number % len(BUCKETS)]
            site = self.emulator.sites[there]
            with site.database.lock:
                if act in ("flip", "rename", "unlist"):
                    self._relist(act, here, there)
                elif (row := site.database.buckets.get(bucket)) and (row.client, row.status) == (CLIENT, "READY"):
                    self._touch(act, (there, bucket))
        self.wire.clock.advance(3_600)
        self.believe()

    def _relist(self, act: str, here: str, there: str) -> None:
        known = self.emulator.sites[here].database.topologies
        if (held := known.get(there)) is None:
            return
        if act == "unlist":
            del known[there]
        elif act == "rename":
            known[there] = replace(held, name="other")
        else:
            known[there] = replace(held, status="DOWN" if held.status == "UP" else "UP")

    def _touch(self, act: str, place: Place) -> None:
        site, bucket = self.emulator.sites[place[0]], place[1]
        rights = site.database.rights
        if act in ("take", "own"):
            rights.pop((CLIENT, bucket), None)
            rights |= {(CLIENT, bucket): "OWNER"} if act == "own" else {}
        elif act == "lose":
            site.database.objects.pop((bucket, OBJECTS[0]), None)
            site.storage.delete((bucket, OBJECTS[0]))
        else:
            name = "extra" if act == "extra" else OBJECTS[1]
            self.store(place, name, "ERR_DEL" if act == "spoil" else "READY", 2)

    def wished(self, wish: Wish) -> Flow:
        """The flow of a wish."""
        given: Spec = {
            "source": {"provider": NAMES[wish.source], "bucket": wish.bucket},
            "destination": {"provider": NAMES[wish.destination], "bucket": wish.bucket},
            "verify": {"level": "status"},
            **{key: wish.spec[key] for key in ("state", "deletes", "existing") if key in wish.spec},
        }
        own = {key: wish.spec[key] for key in ("conflicts", "prune") if key in wish.spec}
        made = ReplicationSpec.model_validate(given)
        if own:
            made = made.model_copy(update={"options": CloneCloudStoreOptions.model_validate(own)})
        return Flow(
            name=wish.name,
            workspace=WORKSPACE,
            spec=made,
            labels={},
            source=self.docs[NAMES[wish.source]],
            destination=self.docs[NAMES[wish.destination]],
            owner_side="source",
            peer_s3=None,
        )


def content(bucket: str, name: str, version: int) -> bytes:
    """Versions 0 and 1 are of one length."""
    return f"{bucket}/{name} {version}".encode() * (2 if version == 2 else 1)


class _Kept:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def close(self) -> None:
        """Nothing: it is used again."""

    def end(self) -> None:
        self._provider.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)
