"""Which effects the changes of one pair of sites will have. Pure."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from reconciler.model.change import Action, Change
from reconciler.model.finding import Severity
from reconciler.model.manifest import Existing, State
from reconciler.model.relationship import Flow
from reconciler.model.step import Effect, Estimate
from reconciler.model.units import format_seconds
from reconciler.providers.clonecloudstore import effects
from reconciler.providers.clonecloudstore.config import Conflicts
from reconciler.providers.clonecloudstore.convert import Ground, live_way, options_of, wanted_deletes
from reconciler.providers.clonecloudstore.identity import Way, config_of
from reconciler.providers.clonecloudstore.survey import named
from reconciler.providers.clonecloudstore.wire import DELETE_BIT, DOWN, READY, UP, WRITE_BIT, bits

__all__ = ["Edit", "predicted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One replication that changes."""

    change: Change
    flow: Flow | None
    """None for what is no longer written down."""
    way: Way
    clones: bool
    """Whether existing objects are copied."""
    becomes: str = UP
    """The destination's state in the source's list, once all is done."""

    @property
    def name(self) -> str:
        """The replication's name."""
        return self.change.replication

    @property
    def touches(self) -> bool:
        """Whether the configuration of the pair is concerned, and not the copies alone."""
        return self.change.action not in (Action.RESYNC, Action.NONE)

    @property
    def begins(self) -> bool:
        """Whether it was not there before."""
        return self.change.action in (Action.CREATE, Action.REPLACE)

    @property
    def resumes(self) -> bool:
        """Whether it was paused before, and is not any more, be it for another one's sake."""
        going_on = self.flow is not None and not self.begins
        return going_on and _was_paused(self.change) and self.becomes == UP

    @property
    def pauses(self) -> bool:
        """Whether it is paused now and was not."""
        paused = self.flow is not None and self.flow.spec.state is State.PAUSED
        return paused and (self.begins or not _was_paused(self.change))


def predicted(
    edits: Sequence[Edit], ground: Ground, turned_up: AbstractSet[tuple[str, str]], raised: AbstractSet[Way]
) -> Iterator[Effect]:
    """Yield the effects in the order of the edits; those of a whole pair stand at the first one concerned."""
    told: set[tuple[str, str]] = set()
    for edit in edits:
        direction = (edit.way.source, edit.way.destination)
        if direction in turned_up and direction not in told and edit.flow is not None:
            told.add(direction)
            yield from _up(edit, edits, ground)
        yield from _rights(edit, ground)
        if edit.flow is not None and edit.way in raised:
            yield from _believed(edit, edit.flow)
        yield from _paused(edit, edits, ground)
        yield from _existing(edit)


def _up(edit: Edit, edits: Sequence[Edit], ground: Ground) -> Iterator[Effect]:
    way, here = edit.way, ground.half(edit.way.source)
    meant = {(other.way.client, other.way.bucket) for other in edits if other.flow is not None}
    others = sorted(
        bucket
        for client, rows in here.buckets.items()
        for bucket, status in rows.items()
        if status == READY and (client, bucket) not in meant
    )
    beside = f"{way.bucket}, and of {named(others)} besides" if others else way.bucket
    text = (
        f"{way.destination} becomes UP at {way.source}: what is created and deleted there from now on goes to "
        f"{way.destination}: of {beside}; of new buckets, and of those of other clients, which are not shown"
    )
    yield Effect.of(effects.ALL_BUCKETS, edit.name, text)
    flow = edit.flow
    if flow is not None and (seconds := config_of(flow.source.spec.config).topology_cache):
        text = f"{way.source} may take up to {format_seconds(seconds)} to send anything to {way.destination}"
        yield Effect.of(effects.CACHED_LIST, edit.name, text)


def _rights(edit: Edit, ground: Ground) -> Iterator[Effect]:
    way, flow = edit.way, edit.flow
    held = ground.half(way.destination).right(way.client, way.bucket)
    place = f"{way.bucket} at {way.destination}"
    if flow is None:
        text = f"{way.client} may only read {place} from then on; copies that are there stay"
        yield Effect.of(effects.UNPROTECTED, edit.name, text)
        yield from _lost(edit, ground, bits(held) & (WRITE_BIT | DELETE_BIT), f"{way.client} may only read {place}")
    elif wanted_deletes(flow) is False and edit.touches:
        loses = (bits(held) if held is not None else DELETE_BIT) & DELETE_BIT
        yield from _lost(edit, ground, loses, f"{way.client} may delete nothing in {place}")
    elif flow.spec.deletes is None and edit.begins:
        text = f"what {way.client} deletes in {way.bucket} at {way.source} is deleted at {way.destination}"
        yield Effect.of(effects.DELETES, edit.name, text)


def _believed(edit: Edit, flow: Flow) -> Iterator[Effect]:
    if seconds := config_of(flow.destination.spec.config).ownership_cache:
        way = edit.way
        then = "copying waits for that" if edit.clones else "what is ordered before may be lost"
        text = f"{way.destination} may refuse {way.client} on {way.bucket} for up to {format_seconds(seconds)} more"
        yield Effect.of(effects.CACHED_RIGHTS, edit.name, f"{text}: {then}")


def _lost(edit: Edit, ground: Ground, loses: int, text: str) -> Iterator[Effect]:
    if not loses:
        return
    way = edit.way
    back = Way(way.destination, way.source, way.client, way.bucket)
    topology = live_way(ground, back)
    used = topology is not None and topology.status == UP
    more = f"; it is replicated back to {way.source}, so somebody writes to it there" if used else ""
    effect = Effect.of(effects.RIGHTS, edit.name, f"{text}{more}; known to all services within ten minutes")
    yield effect.model_copy(update={"blocks": used})


def _paused(edit: Edit, edits: Sequence[Edit], ground: Ground) -> Iterator[Effect]:
    if not edit.pauses:
        return
    way, topology = edit.way, ground.half(edit.way.source).topology
    if topology is None or topology.status != UP:
        return  # nothing was sent before
    meant = {other.way for other in edits}
    beside = sorted(
        bucket
        for client, rows in ground.half(way.source).buckets.items()
        for bucket in rows
        if (other := Way(way.source, way.destination, client, bucket)) not in meant and live_way(ground, other)
    )
    more = f"; {named(beside)} stop{'s' if len(beside) == 1 else ''} too" if beside else ""
    text = f"{way.destination} becomes DOWN at {way.source}: what is written or deleted meanwhile is never sent{more}"
    yield Effect.of(effects.PAUSE, edit.name, text)


def _existing(edit: Edit) -> Iterator[Effect]:
    flow, way = edit.flow, edit.way
    if flow is None:
        return
    if edit.clones:
        yield from _cloned(edit, flow)
    elif (edit.begins and edit.becomes != DOWN) or edit.resumes:
        what = "was written or deleted while it was paused" if edit.resumes else "is there already"
        effect = Effect.of(effects.NO_BACKFILL, edit.name, f"what {what} in {way.bucket} is not sent")
        known = flow.spec.existing is Existing.IGNORE
        yield effect.model_copy(update={"severity": Severity.INFO}) if known else effect


def _cloned(edit: Edit, flow: Flow) -> Iterator[Effect]:
    way, options = edit.way, options_of(flow)
    estimate = Estimate(basis="both lists are compared when it is done")
    text = f"what {way.bucket} at {way.destination} lacks is ordered there"
    yield Effect.of(effects.CLONE, edit.name, text, estimate)
    if options.conflicts is Conflicts.REPLACE:
        text = f"objects of {way.bucket} that differ at {way.destination} are deleted there and copied anew"
        yield Effect.of(effects.OVERWRITE, edit.name, text, estimate)
    if options.prune:
        text = f"objects of {way.bucket} that only {way.destination} has are deleted there"
        yield Effect.of(effects.PRUNE, edit.name, text, estimate)
    if edit.resumes and not options.prune:
        text = f"what was deleted in {way.bucket} while it was paused stays at {way.destination}"
        yield Effect.of(effects.NO_BACKFILL, edit.name, text)


def _was_paused(change: Change) -> bool:
    return change.observed is not None and change.observed.settings.get("state") == State.PAUSED
