"""Which observed relationship belongs to which replication, and what has no replication any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from reconciler.engine.observe import World
from reconciler.engine.unfinished import CutOff
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
    made: bool = False
    """Whether a run without an end has made it; no receipt may tell of that."""

    @property
    def ours(self) -> bool:
        """Whether this workspace made it, by its own mark, by a receipt or by a journal."""
        return self.relationship.owned or self.recorded_as is not None or self.made


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The pairs, and what is left over."""

    pairs: dict[str, Found]
    """By replication name; a replication that is not live has none."""
    rest: tuple[Found, ...]
    """Observed and wanted by no replication, ordered by container and identity."""
    answering: "_Answering" = field(default_factory=dict)

    def strangers(self, scope: ScopeRef, identity: str, meant: Found | None) -> tuple[str, ...]:
        """Return the server ids of all that answers to an identity, but for the one that is meant; sorted."""
        number = meant.relationship.provider_id if meant is not None else None
        ids = {item.relationship.provider_id for item in self.answering.get((scope, identity), ())}
        return tuple(sorted(one for one in ids if one is not None and one != number))


_Answering = dict[tuple[ScopeRef, str], list[Found]]
"""All that was observed, by scope and by each identity that it has or may have been made under."""


def match(
    desired: Sequence[Desired],
    world: World,
    receipt: Receipt | None,
    begun: Sequence[CutOff] = (),
    written: Sequence[Desired] = (),
) -> Matched:
    """Pair what is known to be ours first, then by identity, then by what the last receipt recorded under the
    replication's name, unless that is needed. A replication that has moved is paired with where it was. `begun`:
    what runs without an end have made, and knew to be others'. `written`: all that is written down, where `desired`
    is not all."""
    entries = receipt.replications if receipt else {}
    notes = Recorded(entries)
    found = [item for observation in world.observations.values() for item in _found(observation, notes, begun)]
    answering = _answering(found)
    claims = {want.flow.name: _Claim.of(want, entries, begun) for want in desired}
    pairs: dict[str, Found] = {}
    taken: set[int] = set()
    for choose in (_own, _same, _renamed):
        for want in desired:
            name = want.flow.name
            fitting = answering.get((want.container.scope_ref, want.relationship.identity), ())
            free = [item for item in fitting if id(item) not in taken] if name not in pairs else []
            hit = choose(want, claims[name], free)
            if hit is not None:
                taken.add(id(hit))
                pairs[name] = replace(hit, relationship=_as_wanted(hit, want))
    recorded = {(item.recorded_as, item.container.scope_ref): item for item in found if id(item) not in taken}
    for want in desired:
        hit = recorded.get((want.flow.name, want.container.scope_ref))
        if hit is None or _is_needed(hit, written or desired):
            continue
        # What rests on rows that are not its own may be live where it moves to before anybody has moved it.
        if want.flow.name not in pairs or hit.relationship.rests_on:
            pairs[want.flow.name] = hit
            taken.add(id(hit))
    known = {_server_id(item) for item in pairs.values()}
    # One thing may be seen through two scopes: a volume by its name and by its id.
    left = [item for item in found if id(item) not in taken and _server_id(item) not in known - {None}]
    rest = sorted(_once(left, receipt), key=lambda item: (str(item.container), item.relationship.identity))
    return Matched(pairs=pairs, rest=tuple(rest), answering=answering)


def _is_needed(item: Found, desired: Sequence[Desired]) -> bool:
    """Say whether a replication that is written down lives by what is live: then that is left alone. One that has moved
    may itself live by what it was."""
    return any({*one.relationship.rests_on} & {*item.relationship.rests_on} for one in desired)


def _answering(found: Sequence[Found]) -> _Answering:
    index: _Answering = {}
    for item in found:
        for identity in dict.fromkeys((item.relationship.identity, *item.relationship.also)):
            index.setdefault((item.container.scope_ref, identity), []).append(item)
    return index


@dataclass(frozen=True, slots=True)
class _Claim:
    """What is known of the live relationships that a replication may be."""

    made: frozenset[str]
    """Server ids of what a run without an end has made for it."""
    strangers: frozenset[str]
    """Server ids of what is known to be something else."""

    @classmethod
    def of(cls, want: Desired, entries: Mapping[str, ReceiptEntry], begun: Sequence[CutOff]) -> Self:
        entry = entries.get(want.flow.name)
        here = [one for one in begun if one.container == str(want.container)]
        made = frozenset[str]().union(*(one.made for one in here))
        noted = entry.strangers if entry is not None else ()
        return cls(made, frozenset(noted).union(*(one.strangers for one in here)) - made)


def _own(want: Desired, claim: _Claim, fitting: Sequence[Found]) -> Found | None:
    """Find what receipts or journals know to be its own by the server's id, whatever else answers to the name."""
    noted = [item for item in fitting if item.relationship.provider_id and item.recorded_as == want.flow.name]
    made = [item for item in fitting if item.relationship.provider_id in claim.made and item.recorded_as is None]
    return next(iter((*noted, *made)), None)


def _same(want: Desired, claim: _Claim, fitting: Sequence[Found]) -> Found | None:
    """Find what has its identity."""
    exact = (item for item in fitting if item.relationship.identity == want.relationship.identity)
    return next((item for item in exact if item.relationship.provider_id not in claim.strangers), None)


def _renamed(_want: Desired, claim: _Claim, fitting: Sequence[Found]) -> Found | None:
    """Find what may have been made for it under a name that the server has changed."""
    free = (item for item in fitting if item.recorded_as is None)
    return next((item for item in free if item.relationship.provider_id not in claim.strangers), None)


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


def _found(observation: Observation, recorded: "Recorded", begun: Sequence[CutOff]) -> list[Found]:
    made = {(one.container, provider_id) for one in begun for provider_id in one.made}
    return [
        Found(
            container=state.ref,
            relationship=live,
            recorded_as=recorded.name(state.ref.scope_ref, live),
            made=(str(state.ref), live.provider_id) in made,
        )
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
