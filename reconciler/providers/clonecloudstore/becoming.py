"""What a pair of sites becomes by a plan: the state of each in the other's list, and what is live then. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.model.change import Action, ContainerDiff
from reconciler.model.manifest import State
from reconciler.model.observation import ScopeRef
from reconciler.model.relationship import Flow, Relationship
from reconciler.providers.clonecloudstore.convert import Ground, observation
from reconciler.providers.clonecloudstore.identity import Way, way_of
from reconciler.providers.clonecloudstore.wire import DOWN, KNOWN, READY, UP, Topology

__all__ = ["RUNNING", "directions", "lives_again", "status_after"]

RUNNING = frozenset({UP, DOWN})
_CONFIGURED = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE, Action.ADOPT})


def directions(diff: ContainerDiff) -> dict[tuple[str, str], list[Flow]]:
    """Return the flows whose configuration changes, by source and destination."""
    found: dict[tuple[str, str], list[Flow]] = {}
    for change in diff.changes:
        flow = diff.flows.get(change.replication)
        if flow is not None and change.action in _CONFIGURED:
            way = way_of(flow)
            found.setdefault((way.source, way.destination), []).append(flow)
    return found


def status_after(live: Topology | None, out: Sequence[Flow]) -> tuple[str, bool]:
    """Return the state that a site's entry for another one gets, and whether it is the one that it has already.

    `out`: the flows from the one to the other whose configuration changes. One that says nothing of its state goes with
    the pair.
    """
    states = {flow.spec.state for flow in out}
    held = live.status if live else KNOWN
    if State.PAUSED in states:
        return DOWN, False
    if State.ACTIVE in states or (out and held not in RUNNING):
        return UP, False
    return held, True


def lives_again(
    scope: ScopeRef,
    ground: Ground,
    *,
    lists: Mapping[tuple[str, str], Topology],
    rights: Mapping[tuple[str, str, str], str],
    made: Sequence[Way],
    meant: Sequence[str],
) -> Iterator[Relationship]:
    """Yield what is live after a plan, was not before, and none of the identities `meant`.

    `lists` by site and the other one, `rights` by site, client and bucket, as the plan leaves them; `made`: ways whose
    destination gets its bucket.
    """
    before = {one.identity for state in observation(scope, ground).containers for one in state.relationships}
    halves = dict(ground.halves)
    for (site, _), topology in lists.items():
        halves[site] = replace(ground.half(site), topology=topology)
    for (site, client, bucket), right in rights.items():
        held = halves.get(site) or ground.half(site)
        granted = {**held.rights, client: {**held.rights.get(client, {}), bucket: right}}
        halves[site] = replace(held, rights=granted)
    for way in made:
        held = halves.get(way.destination) or ground.half(way.destination)
        rows = {**held.buckets, way.client: {**held.buckets.get(way.client, {}), way.bucket: READY}}
        halves[way.destination] = replace(held, buckets=rows)
    for state in observation(scope, Ground(halves=halves)).containers:
        yield from (one for one in state.relationships if one.identity not in before and one.identity not in meant)
