"""Where a canary goes besides its own destination: each flow whose source covers it carries it on."""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import ReplError
from reconciler.model.manifest import Deletes, Location, ProviderDoc, State
from reconciler.providers.base import Capability, Store
from reconciler.verify.job import Job
from reconciler.verify.specimen import excluding_glob, specimen_tags
from reconciler.verify.stores import destination_store

__all__ = ["Carriers", "Spot"]

_MOST_HOPS = 8
_NO_TAGS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Place:
    """A location, or one key of it. Two Provider documents that reach one system name the same place."""

    system: str
    holder: str
    """Bucket or volume; empty for paths."""
    path: str
    """All keys that start with it, or one whole key."""

    def below(self, key: str) -> "_Place":
        return _Place(self.system, self.holder, self.path + key)

    def covers(self, other: "_Place") -> bool:
        return (self.system, self.holder) == (other.system, other.holder) and other.path.startswith(self.path)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Carrier:
    """A flow with its places."""

    job: Job
    in_run: bool
    """Whether it is verified too, so that its relationship was looked for."""
    ends: tuple[Location, Location]
    source: _Place
    destination: _Place
    capabilities: frozenset[Capability]

    @property
    def continuous(self) -> bool:
        return Capability.CONTINUOUS in self.capabilities

    def takes(self, at: "_At") -> bool:
        """Say whether an object falls under this flow, globs aside, and is forwarded by it."""
        chosen = self.job.flow.spec.filter
        wanted = (chosen.tags if chosen else None) or {}
        brought = at.brought_by and at.brought_by.job.flow.owner.spec.type
        guarded = Capability.LOOP_GUARD in self.capabilities and brought == self.job.flow.owner.spec.type
        return self.source.covers(at.place) and wanted.items() <= at.tags.items() and not guarded

    def kept(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Return the tags of a copy: systems that know no tags lose them."""
        return tags if Capability.TAG_FILTER in self.capabilities else _NO_TAGS


@dataclass(frozen=True, slots=True, kw_only=True)
class _At:
    """The canary or a copy of it on its way."""

    place: _Place
    tags: Mapping[str, str]
    brought_by: _Carrier | None = None
    way: tuple[_Carrier, ...] = ()
    """The other flows that brought it here."""
    prompt: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spot:
    """A place where a copy of a canary may turn up."""

    way: tuple[Job, ...]
    """The flows that lead there from an end of the canary's own flow, in order."""
    location: Location
    key: str
    """Relative to the location."""
    prompt: bool
    """Whether all of them copy by themselves, so that the copy is there soon if it comes at all."""

    @property
    def carrier(self) -> str:
        """Name of the flow that brings it there."""
        return self.way[-1].name

    @property
    def deletes(self) -> bool:
        """Whether deletions come there too."""
        return all(job.flow.spec.deletes is Deletes.REPLICATE for job in self.way)

    @property
    def folder(self) -> str:
        """Provider and location: `aws-us media-dr/raw/`."""
        place = self.location
        if place.bucket is not None:
            return f"{place.provider} {place.bucket}/{place.prefix or ''}"
        return f"{place.provider} {place.volume or ''}{(place.path or '').rstrip('/')}/"

    def store(self) -> Store:
        """Open the objects of the location. Raises what a provider raises that cannot be opened."""
        return destination_store(self.way[-1], self.location)


class Carriers:
    """The active flows of a workspace, by what they carry on. Safe to use from several threads."""

    def __init__(self, jobs: Sequence[Job], others: Sequence[Job]) -> None:
        self.problems: list[str] = []
        """What could not be found out about flows that are not verified, in words."""
        self.late: set[str] = set()
        """Names of flows that were waited for in vain, so that no other canary waits for them."""
        self._by_name: dict[str, _Carrier] = {}
        self._by_holder: dict[tuple[str, str], list[_Carrier]] = defaultdict(list)
        self._live: dict[str, bool] = {}
        names = {job.name for job in jobs}
        for job in (*jobs, *(other for other in others if other.name not in names)):
            if not job.paused:
                self._add(job, in_run=job.name in names)
        for carriers in self._by_holder.values():
            # Where two ways lead to one place, the one that can be waited for counts.
            carriers.sort(key=lambda each: (not each.continuous, each.job.name))

    def spots(self, job: Job, key: str) -> tuple[Spot, ...]:
        """Return where other flows carry a flow's canary, nearest first. `key` is relative to its source. Pure."""
        own = self._by_name.get(job.name)
        return tuple(_spots(own, key, self._by_holder)) if own is not None else ()

    def continuous(self, job: Job) -> bool:
        """Say whether a flow copies by itself."""
        return self._by_name[job.name].continuous

    def live(self, spot: Spot) -> bool:
        """Say whether all flows on the way are known to their systems and not paused there. May read, once for each.

        What cannot be read counts as live.
        """
        return all(self._is_live(job) for job in spot.way)

    def _is_live(self, job: Job) -> bool:
        if job.name not in self._live:
            self._live[job.name] = _live(job, in_run=self._by_name[job.name].in_run)
        return self._live[job.name]

    def _add(self, job: Job, *, in_run: bool) -> None:
        try:
            ends = job.provider.ends(job.flow)
            carrier = _Carrier(
                job=job, in_run=in_run, ends=ends, source=_place(job.flow.source, ends[0]),
                destination=_place(job.flow.destination, ends[1]), capabilities=job.provider.info.capabilities,
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001  (one faulty provider must not cost the others their answer)
            if not in_run:  # else its own answer tells
                told = str(error) if isinstance(error, ReplError) else f"a bug: {type(error).__name__}"
                self.problems.append(f"whether {job.name} carries canaries on is not known: {told}")
            return
        self._by_name[job.name] = carrier
        self._by_holder[carrier.source.system, carrier.source.holder].append(carrier)


def _spots(own: _Carrier, key: str, by_holder: Mapping[tuple[str, str], Sequence[_Carrier]]) -> Iterator[Spot]:
    """Search breadth first from both ends."""
    tags = specimen_tags(own.job.flow)
    source = _At(place=own.source.below(key), tags=tags)
    destination = _At(place=own.destination.below(key), tags=own.kept(tags), brought_by=own)
    ends, known = {source.place, destination.place}, set()
    queue = deque([source, destination])
    while queue:
        at = queue.popleft()
        for carrier in by_holder.get((at.place.system, at.place.holder), ()):
            # A flow more than once leads to ever deeper places: a loop, which is no canary's business.
            if carrier in at.way or (at is source and carrier is own) or not carrier.takes(at):
                continue
            if Capability.REPLICA in carrier.capabilities:
                continue  # what it copied goes when the source's goes, and nobody else can remove it
            relative = at.place.path[len(carrier.source.path) :]
            end = carrier.destination.below(relative)
            if end in known:
                continue
            known.add(end)
            way = (*at.way, carrier)
            held_back = excluding_glob(carrier.job.flow, carrier.ends[0], relative) is not None
            # At the two ends the canary itself would be taken for the copy.
            prompt = at.prompt and carrier.continuous and not held_back and end not in ends
            jobs = tuple(each.job for each in way)
            yield Spot(way=jobs, location=carrier.ends[1], key=relative, prompt=prompt)
            if end not in ends and len(way) < _MOST_HOPS:
                queue.append(
                    _At(place=end, tags=carrier.kept(at.tags), brought_by=carrier, way=way, prompt=prompt)
                )  # fmt: skip


def _place(provider: ProviderDoc, location: Location) -> _Place:
    system = provider.spec.config.system()
    if location.bucket is not None:
        return _Place(system, f"bucket {location.bucket}", location.prefix or "")
    folder = (location.path or "").rstrip("/") + "/"
    return _Place(system, f"volume {location.volume}" if location.volume else "", folder)


def _live(job: Job, *, in_run: bool) -> bool:
    found = job.relationship
    if not in_run:
        try:
            identity = job.provider.normalise(job.flow).identity
            states = job.provider.observe(job.provider.scope(job.flow)).containers
            found = next((one for state in states for one in state.relationships if one.identity == identity), None)
        except Exception:  # noqa: BLE001  (another flow's provider must not cost this one its answer)
            return True
    return found is not None and found.settings.get("state") != State.PAUSED
