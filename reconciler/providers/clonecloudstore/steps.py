"""From the changes of one pair of sites to the calls that make them. Pure.

The order matters: the destination must know the source before it is told to fetch anything, for a fetch that fails can
never be repaired; and it must have the bucket before the source sends orders for its objects, for these would be lost.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from reconciler.model.change import Action, Change, ContainerDiff, Reason
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import Existing, State
from reconciler.model.relationship import Flow
from reconciler.model.step import Call, Step, StepPlan
from reconciler.providers.clonecloudstore import calls
from reconciler.providers.clonecloudstore.becoming import RUNNING, directions, lives_again, status_after
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
    OWNER,
    READ,
    READ_WRITE,
    READY,
    UP,
    Topology,
    bits,
)

__all__ = ["plan_steps"]

_MISSING = frozenset({None, "DELETED"})
"""Statuses of a bucket that can be ordered."""
_SOURCE = ("source", "bucket")


def plan_steps(diff: ContainerDiff) -> StepPlan:
    """Plan one pair of sites: each list is written once at most, however many replications need it."""
    ground = ground_of(diff.observation, diff.state)
    changed = (edit for change in diff.changes for edit in _edits(change, diff, ground))
    edits = (*changed, *_resumed(diff, ground))
    work = _Work(
        edits=edits, ground=ground, sites=sites_of(diff.container.scope), out=directions(diff), owed=diff.owed
    )  # fmt: skip
    steps = tuple(work.steps())
    findings = tuple(_findings(diff, edits, ground, work.turned_up))
    if any(one.severity is Severity.ERROR for one in findings):
        return StepPlan(steps=(), findings=findings)
    effects = predicted(edits, ground, work.turned_up, work.raised)
    revives = lives_again(
        diff.container.scope_ref, ground, lists=work.lists, rights=work.rights, made=work.made,
        meant=[edit.way.identity for edit in edits],
    )  # fmt: skip
    return StepPlan(
        steps=steps, effects=tuple(effects), findings=findings, shares=work.sites, revives=tuple(revives)
    )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Work:
    """What is to be done, and what is known by then."""

    edits: tuple[Edit, ...]
    ground: Ground
    sites: tuple[str, str]
    out: Mapping[tuple[str, str], Sequence[Flow]]
    """Flows whose configuration changes, by source and destination."""
    owed: AbstractSet[str] = frozenset()
    """Replications that a run which did not come to its end should have copied: what it wrote may not be known yet."""
    turned_up: set[tuple[str, str]] = field(default_factory=set)
    """(site, other): the other becomes UP in the site's list."""
    raised: set[Way] = field(default_factory=set)
    """Where the client gets more than it had in a bucket that is there: services may believe otherwise for a while."""
    lists: dict[tuple[str, str], Topology] = field(default_factory=dict)
    """What is written into lists, by site and the other one."""
    rights: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """What rights become, by site, client and bucket."""
    made: list[Way] = field(default_factory=list)
    """Ways whose destination gets its bucket."""

    def steps(self) -> Iterator[Step]:
        pulls, pushes = self._lists()
        yield from pulls
        # Cut off in between, the next plan makes a new way that is not there, and need not end an old one.
        yield from self._rights(edit for edit in self.edits if edit.flow is None)
        yield from self._buckets()
        yield from self._rights(edit for edit in self.edits if edit.flow is not None)
        yield from pushes
        yield from self._waits()
        copied = [(edit.name, edit.way, options_of(edit.flow)) for edit in self.edits if edit.flow and edit.clones]
        for name, way, options in copied:
            yield from calls.clone_steps(name, way, options)
        # What one of them lacks ends the run, and keeps no other from being copied.
        for name, way, options in copied:
            yield calls.compare_call(name, way, options)

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
            self.lists[here, there] = wanted[0]
            (pushes if becomes in RUNNING and becomes != was else pulls).append(call)
            if becomes == UP != was:
                self.turned_up.add((here, there))
        return pulls, pushes

    def _topology(self, here: str, there: str) -> tuple[Topology, bool] | None:
        """Return what a site shall know of the other, and whether its state stays what it is; None if it is nobody's
        concern."""
        active = [edit for edit in self.edits if edit.flow is not None and edit.touches]
        if not active:
            return None
        status, keep = status_after(self.ground.half(here).topology, self.out.get((here, there), ()))
        return Topology(id=there, name=there, uri=_uri(active[0], there), status=status), keep

    def _buckets(self) -> Iterator[Step]:
        awaited: dict[tuple[str, str, str], dict[str, str | None]] = defaultdict(dict)
        for edit in self.edits:
            way, held = edit.way, self._held(edit.way)
            if edit.flow is not None and held != READY:
                awaited[way.source, way.destination, way.client][way.bucket] = held
                self.made.append(way)
        for (source, destination, client), buckets in sorted(awaited.items()):
            missing = sorted(name for name, held in buckets.items() if held in _MISSING)
            yield from calls.bucket_steps(source, destination, client, missing, sorted(buckets))

    def _rights(self, edits: Iterable[Edit]) -> Iterator[Step]:
        for edit in edits:
            way = edit.way
            held = self.ground.half(way.destination).right(way.client, way.bucket)
            missing = self._held(way) in _MISSING
            if held is None and edit.flow is not None and self._held(way) != READY:
                held = OWNER  # what the order for the bucket gives
            wanted = _right(edit, held)
            if (becomes := wanted or held) is not None:
                self.rights[way.destination, way.client, way.bucket] = becomes
            if wanted is not None and bits(held) != bits(wanted):
                if bits(wanted) & ~bits(held) and not missing:
                    self.raised.add(way)
                yield from calls.right_calls(way, held, wanted)

    def _waits(self) -> Iterator[Step]:
        """Wait for caches where something is copied that could otherwise fall between the orders and the list, or be
        refused for want of a right that has just been given, be it by a run that was cut off before it waited. Both run
        from before the first wait on."""
        believed: dict[str, int] = {}
        listed: dict[str, int] = {}
        for edit in self.edits:
            way, flow, owed = edit.way, edit.flow, edit.name in self.owed
            if flow is None or not edit.clones:
                continue
            rights, lists = config_of(flow.destination.spec.config), config_of(flow.source.spec.config)
            if (owed or way in self.raised) and rights.ownership_cache:
                believed[way.destination] = max(rights.ownership_cache, believed.get(way.destination, 0))
            if owed or (way.source, way.destination) in self.turned_up:
                listed[way.source] = lists.topology_cache
        waited = max(believed.values(), default=0)
        if believed:
            yield calls.rights_wait(sorted(believed), waited)
        for here, seconds in sorted(listed.items()):
            if seconds > waited:
                yield calls.list_wait(here, seconds - waited)

    def _held(self, way: Way) -> str | None:
        return self.ground.half(way.destination).status(way.client, way.bucket)


def _edits(change: Change, diff: ContainerDiff, ground: Ground) -> Iterator[Edit]:
    """Yield what a change comes to: a replacement is the removal of the old way, and a new one."""
    if change.action is Action.REPLACE:
        yield _removal(change)
    yield _edit(change, diff.flows, diff, ground)


def _removal(change: Change) -> Edit:
    observed = change.observed
    way = way_of_settings(observed.settings) if observed else Way("", "", "", "")
    return Edit(change=change, flow=None, way=way, clones=False)


def _edit(change: Change, flows: Mapping[str, Flow], diff: ContainerDiff, ground: Ground) -> Edit:
    flow = flows.get(change.replication)
    if flow is None or change.desired is None:
        return _removal(change)
    way = way_of(flow)
    topology = ground.half(way.source).topology
    becomes, _ = status_after(topology, directions(diff).get((way.source, way.destination), ()))
    resumed = topology is not None and topology.status == DOWN and becomes == UP
    clones = becomes != DOWN and _clones(change, flow, diff, resumed=resumed)
    return Edit(change=change, flow=flow, way=way, clones=clones, becomes=becomes)


def _resumed(diff: ContainerDiff, ground: Ground) -> Iterator[Edit]:
    """Yield what does not change by itself, and is copied because its pair is resumed for another one's sake."""
    flows = {flow.name: flow for _, flow in diff.beside}
    for change, _ in diff.beside:
        edit = _edit(change, flows, diff, ground)
        if edit.clones:
            yield edit


def _clones(change: Change, flow: Flow, diff: ContainerDiff, *, resumed: bool) -> bool:
    """Say whether existing objects are copied now, the pair not being paused. `resumed`: it was until now."""
    begins = change.action in (Action.CREATE, Action.REPLACE) or bool(
        {("state",), (EXISTING,)} & {field.path for field in change.fields}
    )
    return change.replication in diff.resend or (flow.spec.existing is Existing.COPY and (begins or resumed))


def _right(edit: Edit, held: str | None) -> str | None:
    """Return what the client shall be allowed at the destination; None if that may stay as it is."""
    if edit.flow is None:
        return READ if bits(held) & ~bits(READ) else None
    deletes = wanted_deletes(edit.flow)
    # Whoever orders to delete, be it to copy anew, needs the right to.
    clears = edit.clones and options_of(edit.flow) != CloneCloudStoreOptions()
    if not (edit.touches or clears):
        return None
    if deletes is False:
        return READ_WRITE
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


def _findings(
    diff: ContainerDiff, edits: tuple[Edit, ...], ground: Ground, turned_up: AbstractSet[tuple[str, str]]
) -> Iterator[Finding]:
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
            # What is owed waits; what somebody asks for cannot be done.
            code = "REPL-W614" if edit.change.reason is Reason.COPY_OWED else "REPL-W608"
            yield found(code, edit.name, ("state",), f"{way.destination} is DOWN for {way.source}.")
        back = ground.half(way.destination).topology
        if edit.begins and back is not None and back.status == UP:
            detail = (
                f"{way.source} is UP in the list of {way.destination}: what anybody creates or deletes there goes to "
                f"{way.source}."
            )
            yield found("REPL-W607", edit.name, ("destination", "provider"), detail)
        comes_back = (way.destination, way.source) in turned_up or (back is not None and back.status == UP)
        if edit.clones and options_of(flow).prune and comes_back:
            detail = f"What is written at {way.destination} goes to {way.source}: it would be deleted on its way."
            yield found("REPL-W612", edit.name, ("clonecloudstore", "prune"), detail)
    gone = [edit for edit in edits if edit.flow is None]
    if gone and len(gone) == len(edits) and diff.state and len(gone) == len(diff.state.relationships):
        names = " and ".join(sites_of(diff.container.scope))
        detail = f"Nothing that is known here is replicated between {names} any more."
        yield found("REPL-W611", gone[0].name, (), detail)
