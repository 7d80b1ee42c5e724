"""From the changes of one pair of sites to the calls that make them. Pure.

The order matters: the destination must know the source before it is told to fetch anything, for a fetch that fails can
never be repaired; and it must have the bucket before the source sends orders for its objects, for these would be lost.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.model.change import Action, Change, ContainerDiff
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import Existing, State
from reconciler.model.relationship import Flow
from reconciler.model.step import Call, Step, StepPlan
from reconciler.providers.clonecloudstore import calls
from reconciler.providers.clonecloudstore.config import CloneCloudStoreOptions
from reconciler.providers.clonecloudstore.convert import (
    EXISTING,
    Ground,
    ground_of,
    options_of,
    wanted_deletes,
    way_of_settings,
)
from reconciler.providers.clonecloudstore.findings import found
from reconciler.providers.clonecloudstore.identity import Way, config_of, sites_of, way_of
from reconciler.providers.clonecloudstore.predict import Edit, predicted
from reconciler.providers.clonecloudstore.wire import (
    DELETE_BIT,
    DOWN,
    KNOWN,
    OWNER,
    READ,
    READ_WRITE,
    READY,
    UP,
    Topology,
    bits,
)

__all__ = ["plan_steps"]

_RUNNING = frozenset({UP, DOWN})
_MISSING = frozenset({None, "DELETED"})
"""Statuses of a bucket that can be ordered."""
_SOURCE = ("source", "bucket")


def plan_steps(diff: ContainerDiff) -> StepPlan:
    """Plan one pair of sites: each list is written once at most, however many replications need it."""
    ground = ground_of(diff.observation, diff.state)
    edits = tuple(_edit(change, diff, ground) for change in diff.changes)
    findings = tuple(_findings(diff, edits, ground))
    if any(one.severity is Severity.ERROR for one in findings):
        return StepPlan(steps=(), findings=findings)
    work = _Work(edits=edits, ground=ground, sites=sites_of(diff.container.scope))
    steps = tuple(work.steps())
    return StepPlan(steps=steps, effects=tuple(predicted(edits, ground, work.turned_up)), findings=findings)


@dataclass(slots=True, kw_only=True)
class _Work:
    """What is to be done, and what is known by then."""

    edits: tuple[Edit, ...]
    ground: Ground
    sites: tuple[str, str]
    turned_up: set[tuple[str, str]] = field(default_factory=set)
    """(site, other): the other becomes UP in the site's list."""

    def steps(self) -> Iterator[Step]:
        pulls, pushes = self._lists()
        yield from pulls
        yield from self._buckets()
        yield from self._rights()
        yield from pushes
        yield from self._waits(pushes)
        for edit in self.edits:
            if edit.clones and edit.flow is not None:
                yield from calls.clone_steps(edit.name, edit.way, options_of(edit.flow))

    def _lists(self) -> tuple[list[Call], list[Call]]:
        """Return the writes of lists: those that only make a site known, and those that orders follow or stop with."""
        pulls: list[Call] = []
        pushes: list[Call] = []
        for here, there in (self.sites, self.sites[::-1]):
            wanted = self._topology(here, there)
            live = self.ground.half(here).topology
            if wanted is None or _same(live, wanted[0]):
                continue
            call = calls.topology_call(here, live, wanted[0], keep_status=wanted[1])
            was, becomes = live.status if live else None, wanted[0].status
            (pushes if becomes in _RUNNING and becomes != was else pulls).append(call)
            if becomes == UP != was:
                self.turned_up.add((here, there))
        return pulls, pushes

    def _topology(self, here: str, there: str) -> tuple[Topology, bool] | None:
        """Return what a site shall know of the other, and whether its state stays what it is; None if it is nobody's
        concern."""
        active = [edit for edit in self.edits if edit.flow is not None and edit.touches]
        if not active:
            return None
        live = self.ground.half(here).topology
        out = [edit for edit in active if (edit.way.source, edit.way.destination) == (here, there)]
        states = {edit.flow.spec.state for edit in out if edit.flow is not None and edit.flow.spec.state is not None}
        held = live.status if live else KNOWN
        if State.PAUSED in states:
            status, keep = DOWN, False
        elif State.ACTIVE in states or (out and held not in _RUNNING):
            status, keep = UP, False
        else:
            status, keep = held, True
        return Topology(id=there, name=there, uri=_uri(active[0], there), status=status), keep

    def _buckets(self) -> Iterator[Step]:
        awaited: dict[tuple[str, str, str], dict[str, str | None]] = defaultdict(dict)
        for edit in self.edits:
            way, held = edit.way, self._held(edit.way)
            if edit.flow is not None and held != READY:
                awaited[way.source, way.destination, way.client][way.bucket] = held
        for (source, destination, client), buckets in sorted(awaited.items()):
            missing = sorted(name for name, held in buckets.items() if held in _MISSING)
            yield from calls.bucket_steps(source, destination, client, missing, sorted(buckets))

    def _rights(self) -> Iterator[Step]:
        for edit in self.edits:
            way = edit.way
            held = self.ground.half(way.destination).right(way.client, way.bucket)
            if held is None and edit.flow is not None and self._held(way) != READY:
                held = OWNER  # what the order for the bucket gives
            wanted = _right(edit, held)
            if wanted is not None and bits(held) != bits(wanted):
                yield from calls.right_calls(way, held, wanted)

    def _waits(self, pushes: list[Call]) -> Iterator[Step]:
        """Wait for caches where something is copied that could otherwise fall between the orders and the list."""
        for here, there in sorted(self.turned_up):
            for edit in self.edits:
                way, flow = edit.way, edit.flow
                if flow is not None and edit.clones and pushes and (way.source, way.destination) == (here, there):
                    if seconds := config_of(flow.source.spec.config).topology_cache:
                        yield calls.list_wait(here, seconds)
                    break

    def _held(self, way: Way) -> str | None:
        return self.ground.half(way.destination).status(way.client, way.bucket)


def _edit(change: Change, diff: ContainerDiff, ground: Ground) -> Edit:
    flow = diff.flows.get(change.replication)
    if flow is None or change.desired is None:
        observed = change.observed
        way = way_of_settings(observed.settings) if observed else Way("", "", "", "")
        return Edit(change=change, flow=None, way=way, clones=False)
    way = way_of(flow)
    return Edit(change=change, flow=flow, way=way, clones=_clones(change, flow, way, diff, ground))


def _clones(change: Change, flow: Flow, way: Way, diff: ContainerDiff, ground: Ground) -> bool:
    """Say whether existing objects are copied now."""
    topology = ground.half(way.source).topology
    held = State.PAUSED if topology is not None and topology.status == DOWN else State.ACTIVE
    if (flow.spec.state or held) is State.PAUSED:
        return False
    begins = change.action in (Action.CREATE, Action.REPLACE) or bool(
        {("state",), (EXISTING,)} & {field.path for field in change.fields}
    )
    return change.replication in diff.resend or (flow.spec.existing is Existing.COPY and begins)


def _right(edit: Edit, held: str | None) -> str | None:
    """Return what the client shall be allowed at the destination; None if that may stay as it is."""
    if edit.flow is None:
        return READ if bits(held) & ~bits(READ) else None
    if not edit.touches:
        return None
    deletes = wanted_deletes(edit.flow)
    if deletes is False:
        return READ_WRITE
    # Whoever orders to delete, be it to copy anew, needs the right to.
    clears = edit.clones and options_of(edit.flow) != CloneCloudStoreOptions()
    enough = bits(READ_WRITE) | (DELETE_BIT if deletes or clears else 0)
    return None if bits(held) & enough == enough else OWNER


def _uri(edit: Edit, site: str) -> str:
    """Return the address that a site is known by, from whichever end of a flow it is."""
    flow = edit.flow
    if flow is None:
        return ""
    source, destination = config_of(flow.source.spec.config), config_of(flow.destination.spec.config)
    return source.uri if source.site == site else destination.uri


def _same(live: Topology | None, wanted: Topology) -> bool:
    if live is None:
        return False
    return (live.name, live.uri.rstrip("/"), live.status) == (wanted.name, wanted.uri, wanted.status)


def _findings(diff: ContainerDiff, edits: tuple[Edit, ...], ground: Ground) -> Iterator[Finding]:
    states: dict[tuple[str, str], tuple[str, State]] = {}
    for edit in edits:
        flow, way = edit.flow, edit.way
        if flow is None:
            if edit.change.observed is None or not way.source:
                yield found("REPL-W609", edit.name, _SOURCE, f"{edit.change.title} was not read.")
            continue
        if flow.spec.state is not None:
            other, state = states.setdefault((way.source, way.destination), (edit.name, flow.spec.state))
            if state is not flow.spec.state:
                detail = f"{other} is {state}, {edit.name} is {flow.spec.state}."
                yield found("REPL-W610", edit.name, ("state",), detail)
        if edit.change.action is Action.RESYNC and not edit.clones:
            yield found("REPL-W608", edit.name, ("state",), f"{way.destination} is DOWN for {way.source}.")
        back = ground.half(way.destination).topology
        if edit.begins and back is not None and back.status == UP:
            detail = (
                f"{way.source} is UP in the list of {way.destination}: what anybody creates or deletes there goes to "
                f"{way.source}."
            )
            yield found("REPL-W607", edit.name, ("destination", "provider"), detail)
        if edit.clones and options_of(flow).prune and back is not None and back.status == UP:
            detail = f"What is written at {way.destination} goes to {way.source}: it would be deleted on its way."
            yield found("REPL-W612", edit.name, ("clonecloudstore", "prune"), detail)
    gone = [edit for edit in edits if edit.flow is None]
    if gone and len(gone) == len(edits) and diff.state and len(gone) == len(diff.state.relationships):
        names = " and ".join(sites_of(diff.container.scope))
        detail = f"Nothing that is known here is replicated between {names} any more."
        yield found("REPL-W611", gone[0].name, (), detail)
