"""Which observed relationship belongs to which replication, and what has no replication any more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from reconciler.engine.journal import CutOff
from reconciler.engine.observe import World
from reconciler.model.observation import ContainerRef, Observation, ScopeRef
from reconciler.model.receipt import Receipt, ReceiptEntry
from reconciler.model.relationship import Flow, Relationship

__all__ = ["Desired", "Found", "Matched", "Recorded", "match"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """One flow in normal form, with where it belongs."""

    flow: Flow
    container: ContainerRef
    relationship: Relationship


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One observed relationship, with where it was found."""

    container: ContainerRef
    relationship: Relationship
    recorded_as: str | None
    """The replication that a receipt has for it."""

    @property
    def ours(self) -> bool:
        """Whether this workspace made it, by its own mark or by a receipt."""
        return self.relationship.owned or self.recorded_as is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The pairs, and what is left over."""

    pairs: dict[str, Found]
    """By replication name; a replication that is not live has none."""
    rest: tuple[Found, ...]
    """Observed and wanted by no replication, ordered by container and identity."""
    found: tuple[Found, ...] = ()
    """All that was observed."""

    def strangers(self, scope: ScopeRef, identity: str, meant: Found | None) -> tuple[str, ...]:
        """Return the server ids of all that answers to an identity, but for the one that is meant; sorted."""
        number = meant.relationship.provider_id if meant is not None else None
        fitting = (item.relationship for item in self.found if item.container.scope_ref == scope)
        ids = {live.provider_id for live in fitting if live.known_as(identity) is not None}
        return tuple(sorted(one for one in ids if one is not None and one != number))


def match(desired: Sequence[Desired], world: World, receipt: Receipt | None, cut_off: Sequence[CutOff] = ()) -> Matched:
    """Pair what is known to be ours first, then by identity, then by what the last receipt recorded under the
    replication's name. `cut_off`: what runs without a receipt have made, and knew to be others'."""
    entries = receipt.replications if receipt else {}
    notes = Recorded(entries)
    found = [item for observation in world.observations.values() for item in _found(observation, notes)]
    by_identity = {(item.container.scope_ref, item.relationship.identity): item for item in reversed(found)}
    pairs: dict[str, Found] = {}
    claims = {want.flow.name: _Claim.of(want, entries, cut_off) for want in desired}
    taken: set[int] = set()
    for want in desired:
        hit = _own(want, claims[want.flow.name], found, taken)
        if hit is not None:
            taken.add(id(hit))
            pairs[want.flow.name] = replace(hit, relationship=_as_wanted(hit, want))
    for want in desired:
        if want.flow.name in pairs:
            continue
        hit = by_identity.get((want.container.scope_ref, want.relationship.identity))
        if hit is not None and id(hit) not in taken:
            taken.add(id(hit))
            pairs[want.flow.name] = hit
    for want in desired:
        hit = None if want.flow.name in pairs else _renamed(want, claims[want.flow.name], found, taken)
        if hit is not None:
            taken.add(id(hit))
            pairs[want.flow.name] = replace(hit, relationship=_as_wanted(hit, want))
    recorded = {(item.recorded_as, item.container.scope_ref): item for item in found if id(item) not in taken}
    for want in desired:
        hit = recorded.get((want.flow.name, want.container.scope_ref))
        if want.flow.name not in pairs and hit:
            pairs[want.flow.name] = hit
            taken.add(id(hit))
    known = {_server_id(item) for item in pairs.values()}
    # One thing may be seen through two scopes: a volume by its name and by its id.
    left = [item for item in found if id(item) not in taken and _server_id(item) not in known - {None}]
    rest = _once(left, receipt)
    ordered = sorted(rest, key=lambda item: (str(item.container), item.relationship.identity))
    return Matched(pairs=pairs, rest=tuple(ordered), found=tuple(found))


@dataclass(frozen=True, slots=True)
class _Claim:
    """What is known of the live relationships that a replication may be."""

    made: frozenset[str]
    """Server ids of what a run that was cut off has made for it."""
    strangers: frozenset[str]
    """Server ids of what is known to be something else."""

    @classmethod
    def of(cls, want: Desired, entries: Mapping[str, ReceiptEntry], cut_off: Sequence[CutOff]) -> Self:
        entry = entries.get(want.flow.name)
        here = [one for one in cut_off if one.container == str(want.container)]
        made = frozenset[str]().union(*(one.made for one in here))
        noted = entry.strangers if entry is not None else ()
        return cls(made, frozenset(noted).union(*(one.strangers for one in here)) - made)


def _own(want: Desired, claim: _Claim, found: Sequence[Found], taken: set[int]) -> Found | None:
    """Find what receipts or journals know to be its own by the server's id, whatever else answers to the name."""
    fitting = [
        item
        for item in _fitting(want, found, taken)
        if item.relationship.provider_id is not None
        and (item.recorded_as == want.flow.name or (item.recorded_as is None and _made(item, claim)))
    ]
    return min(fitting, key=lambda item: (item.recorded_as is None, not _exact(item, want)), default=None)


def _renamed(want: Desired, claim: _Claim, found: Sequence[Found], taken: set[int]) -> Found | None:
    """Find what may have been made for a replication under a name that the server has changed."""
    fitting = (item for item in _fitting(want, found, taken) if item.recorded_as is None)
    return next((item for item in fitting if item.relationship.provider_id not in claim.strangers), None)


def _fitting(want: Desired, found: Sequence[Found], taken: set[int]) -> Iterator[Found]:
    for item in found:
        here = item.container.scope_ref == want.container.scope_ref and id(item) not in taken
        if here and item.relationship.known_as(want.relationship.identity) is not None:
            yield item


def _made(item: Found, claim: _Claim) -> bool:
    return item.relationship.provider_id in claim.made


def _exact(item: Found, want: Desired) -> bool:
    return item.relationship.identity == want.relationship.identity


def _as_wanted(item: Found, want: Desired) -> Relationship:
    return item.relationship.known_as(want.relationship.identity) or item.relationship


def _once(left: Sequence[Found], receipt: Receipt | None) -> list[Found]:
    """Keep one of what several scopes show: where the receipt has it, else the first."""
    entries = receipt.replications if receipt else {}
    noted = {name: entry.container.scope_ref for name, entry in entries.items()}
    ordered = sorted(left, key=lambda item: noted.get(item.recorded_as or "") != item.container.scope_ref)
    chosen = {_server_id(item): item for item in reversed(ordered)}
    return [item for item in left if _server_id(item) is None or chosen[_server_id(item)] is item]


def _server_id(item: Found) -> tuple[str, str] | None:
    given = item.relationship.provider_id
    return (item.container.provider, given) if given is not None else None


def _found(observation: Observation, recorded: "Recorded") -> list[Found]:
    return [
        Found(container=state.ref, relationship=live, recorded_as=recorded.name(state.ref.scope_ref, live))
        for state in observation.containers
        for live in state.relationships
    ]


class Recorded:
    """What a receipt holds, by the server's id where it gives one, else by identity."""

    def __init__(self, entries: Mapping[str, ReceiptEntry]) -> None:
        self._by_id: dict[tuple[str, str], str] = {}
        self._by_identity: dict[tuple[ScopeRef, str], str] = {}
        for name, entry in entries.items():
            scope, noted = entry.container.scope_ref, entry.relationship
            if noted.provider_id is not None:
                self._by_id[scope.provider, noted.provider_id] = name
            else:
                self._by_identity[scope, noted.identity] = name

    def name(self, scope: ScopeRef, live: Relationship) -> str | None:
        """Return the replication that the receipt has for a live relationship, or None."""
        # Where the server gives ids, an equal identity under another id was made by somebody else.
        if live.provider_id is not None and (name := self._by_id.get((scope.provider, live.provider_id))):
            return name
        return self._by_identity.get((scope, live.identity))
