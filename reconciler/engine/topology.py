"""How flows connect: which places they read and write, and where data goes on from there. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.model.manifest import Deletes, Filter, Location, ProviderDoc, State
from reconciler.model.relationship import Flow
from reconciler.providers.base import Capability, Provider, ProviderInfo

__all__ = ["Link", "Place", "Reached", "Topology", "place_text", "topology_of"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where data lies. Two Provider documents that reach one system name the same place."""

    system: str
    """The system's address or name: one of them may be known to documents of several types."""
    holder: str
    """Bucket or volume; empty for paths."""
    path: str
    """Key prefix, or directory with a slash at its end. The place is all that starts with it."""

    def overlaps(self, other: "Place") -> bool:
        """Say whether some data can lie in both."""
        return (
            self.system == other.system
            and self.holder == other.holder
            and (self.path.startswith(other.path) or other.path.startswith(self.path))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One flow between two places such that equal relative keys name the same data."""

    flow: Flow
    source: Place
    destination: Place
    owner: ProviderInfo
    """What is known of the provider that holds it."""

    @property
    def whole(self) -> bool:
        """Whether it takes along everything of its source's system."""
        return Capability.WHOLE_SYSTEM in self.owner.capabilities

    @property
    def replica(self) -> bool:
        """Whether its destination is made and kept by its owner alone."""
        return Capability.REPLICA in self.owner.capabilities

    @property
    def name(self) -> str:
        """The replication's name."""
        return self.flow.name

    @property
    def guarded(self) -> bool:
        """Whether its owner leaves alone what replication of the owner's type brought."""
        return Capability.LOOP_GUARD in self.owner.capabilities

    @property
    def active(self) -> bool:
        """Whether data moves along it."""
        return self.flow.spec.state is not State.PAUSED

    @property
    def deletes(self) -> bool:
        """Whether deletions move along it."""
        return self.flow.spec.deletes is Deletes.REPLICATE or self.replica

    def forwards(self, earlier: "Link") -> bool:
        """Say whether it takes on, by itself, what an earlier link brought."""
        return not (self.guarded and earlier.owner.type == self.owner.type)

    def carried(self, place: Place) -> Place:
        """Return where data of an overlapping place ends up."""
        further = place.path[len(self.source.path) :] if place.path.startswith(self.source.path) else ""
        return Place(self.destination.system, self.destination.holder, self.destination.path + further)

    def disjoint(self, other: "Link") -> bool:
        """Say whether no object can pass the filters of both: they ask for different values of one tag."""
        mine, theirs = _tags(self.flow.spec.filter), _tags(other.flow.spec.filter)
        return any(theirs.get(key, value) != value for key, value in mine.items())

    def takes_all_of(self, first: "Link", second: "Link") -> bool:
        """Say whether its filter leaves out nothing that passes the filters of both others."""
        mine, theirs = self.flow.spec.filter, (first.flow.spec.filter, second.flow.spec.filter)
        given = {item for other in theirs for item in _tags(other).items()}
        left_out = {pattern for other in theirs if other for pattern in other.exclude or ()}
        return _tags(mine).items() <= given and set((mine and mine.exclude) or ()) <= left_out


class _Index:
    """Links by a place, found by overlap without looking at all of them."""

    def __init__(self, entries: Sequence[tuple[Place, Link]]) -> None:
        self._links: dict[Place, list[Link]] = defaultdict(list)
        for place, link in entries:
            self._links[place].append(link)
        self._paths: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._lengths: dict[tuple[str, str], set[int]] = defaultdict(set)
        for place in sorted(self._links):
            self._paths[place.system, place.holder].append(place.path)
            self._lengths[place.system, place.holder].add(len(place.path))

    def places(self, near: Place) -> Iterator[Place]:
        """Yield the places that overlap, those that contain it first."""
        key = (near.system, near.holder)
        for length in sorted(self._lengths.get(key, ())):
            outer = Place(*key, near.path[:length])
            if length < len(near.path) and outer in self._links:
                yield outer
        paths = self._paths.get(key, [])
        for path in paths[bisect_left(paths, near.path) :]:
            if not path.startswith(near.path):
                return
            yield Place(*key, path)

    def links(self, near: Place) -> Iterator[Link]:
        """Yield the links whose place overlaps."""
        for place in self.places(near):
            yield from self._links[place]


class Topology:
    """All flows together, with lookups by place."""

    def __init__(self, links: Sequence[Link]) -> None:
        self.links = tuple(sorted(links, key=lambda link: link.name))
        self._by_source = _Index([(link.source, link) for link in self.links])
        self._by_destination = _Index([(link.destination, link) for link in self.links])
        self._from_system: dict[str, list[Link]] = defaultdict(list)
        for link in self.links:
            self._from_system[link.source.system].append(link)

    def reading(self, place: Place) -> Iterator[Link]:
        """Yield the links whose source overlaps a place."""
        return self._by_source.links(place)

    def writing(self, place: Place) -> Iterator[Link]:
        """Yield the links whose destination overlaps a place."""
        return self._by_destination.links(place)

    def leaving(self, system: str) -> Sequence[Link]:
        """Return the links that read anything of a system, by name."""
        return self._from_system.get(system, ())

    def sources_at(self, place: Place) -> Iterator[Place]:
        """Yield the source places that overlap a place, each once."""
        return self._by_source.places(place)

    def onward(self, link: Link, region: Place) -> Iterator[tuple[Link, Place]]:
        """Yield (next link, where the data ends up) for data that `link` brought to `region`."""
        for following in self.reading(region):
            if not link.disjoint(following):
                yield following, following.carried(region)


class Reached:
    """To which places a search has followed data. What brought it there matters by its owner's type and its tags."""

    _MOST = 128
    """More places are not told apart: all of a link's destination counts as reached."""

    def __init__(self) -> None:
        self._paths: dict[Hashable, list[str]] = defaultdict(list)

    def add(self, link: Link, end: Place) -> Place | None:
        """Note a place and return from where to search on; None if it lies within what was reached already."""
        tags = frozenset(_tags(link.flow.spec.filter).items())
        paths = self._paths[link.owner.type, tags, end.system, end.holder]
        if any(end.path.startswith(one) for one in paths):
            return None
        place = end if len(paths) < self._MOST else link.destination
        paths.append(place.path)
        return place


def topology_of(flows: Sequence[Flow], provider: Callable[[str], Provider]) -> Topology:
    """Place every flow; `provider` gives the open provider of a name. No network."""
    links = []
    for flow in flows:
        owner = provider(flow.owner.name)
        source, destination = owner.ends(flow)
        links.append(
            Link(
                flow=flow,
                source=_place(flow.source, source),
                destination=_place(flow.destination, destination),
                owner=owner.info,
            )
        )
    made = {link.destination for link in links}
    return Topology([_as_made(link, made) for link in links])


def place_text(location: Location) -> str:
    """Name a location without its provider: `bucket/prefix`, `/path`, `volume`."""
    if location.bucket is not None:
        return f"{location.bucket}/{location.prefix}" if location.prefix else location.bucket
    return location.path or location.volume or ""


def _place(provider: ProviderDoc, location: Location) -> Place:
    system = provider.spec.config.system()
    if location.bucket is not None:
        return Place(system, f"bucket {location.bucket}", location.prefix or "")
    folder = (location.path or "").rstrip("/") + "/"
    return Place(system, f"volume {location.volume}" if location.volume else "", folder)


def _as_made(link: Link, made: Container[Place]) -> Link:
    """Return a link whose source is named as another flow has asked for it, where it is what that flow makes."""
    if link.source in made:
        return link
    asked = link.flow.source.spec.config.asked_as(link.flow.spec.source)
    places = (_place(link.flow.source, location) for location in asked)
    return next((replace(link, source=place) for place in places if place in made), link)


def _tags(chosen: Filter | None) -> dict[str, str]:
    return (chosen.tags if chosen else None) or {}
