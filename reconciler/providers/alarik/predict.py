"""Which effects the writes of one bucket will have. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.model.change import Change, ContainerDiff, Reason
from reconciler.model.finding import Severity
from reconciler.model.manifest import Existing
from reconciler.model.relationship import Flow
from reconciler.model.step import Effect, Estimate
from reconciler.providers.alarik import effects
from reconciler.providers.alarik.convert import Rule, Target, bucket_of_scope, place_of
from reconciler.providers.alarik.health import SHOWN

__all__ = ["Edit", "Surroundings", "predicted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One rule before and after, each with its target; None where there is none."""

    change: Change
    flow: Flow | None
    """None for what is no longer written down."""
    before: Rule | None
    after: Rule | None
    old: Target | None
    """The target before. None although there is a rule: it has left the list, and the rule was disabled."""
    new: Target | None
    rotated: bool = False
    """Whether the secret, or a key given by reference, is another one."""

    @property
    def name(self) -> str:
        """The replication's name."""
        return self.change.replication

    @property
    def worked(self) -> bool:
        """Whether the rule copied before."""
        return self.before is not None and self.before.enabled and self.old is not None and self.old.enabled

    @property
    def works(self) -> bool:
        """Whether the rule will copy."""
        return self.after is not None and self.after.enabled and self.new is not None and self.new.enabled

    @property
    def renamed(self) -> bool:
        """Whether another rule takes the place of the old one."""
        return self.before is not None and self.after is not None and self.before.id != self.after.id

    @property
    def moved(self) -> bool:
        """Whether the rule leads to another place than before."""
        if self.old is None or self.new is None:
            return False
        return (self.old.endpoint, self.old.bucket) != (self.new.endpoint, self.new.bucket)

    @property
    def rekeyed(self) -> bool:
        """Whether copies are signed in another way, or for another address."""
        if self.old is None or self.new is None:
            return False
        known = None not in (self.old.key, self.new.key) and self.old.key != self.new.key
        return self.rotated or known or (self.old.endpoint, self.old.region) != (self.new.endpoint, self.new.region)

    @property
    def widened(self) -> bool:
        """Whether it covers keys that it did not cover."""
        if self.before is None or self.after is None:
            return False
        return not self.after.prefix.startswith(self.before.prefix)

    @property
    def begins(self) -> bool:
        """Whether there are objects at the source, as far as is known, that no rule has ever sent there."""
        return self.works and (not self.worked or self.widened or self.moved)

    @property
    def sends_existing(self) -> bool:
        """Whether what is there must be sent now: `existing: copy`, and something has begun, or a queue was lost."""
        asked = self.flow is not None and self.flow.spec.existing is Existing.COPY
        turned = self.before is not None and not self.before.existing
        return asked and self.works and (self.begins or self.renamed or turned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What becomes of rules and targets that no change is about."""

    dropped: tuple[Rule, ...] = ()
    """Dead rules of others, which the server takes in no list."""
    kept: tuple[tuple[Target, tuple[str, ...]], ...] = ()
    """Targets that a change has left and other rules, by id, still use."""


def predicted(
    edits: Sequence[Edit], around: Surroundings, resent: frozenset[str], diff: ContainerDiff
) -> tuple[Effect, ...]:
    """Return the effects in the order of the edits, those of the whole bucket last. `resent`: what a resync sends."""
    queue, bucket = _queued(diff), bucket_of_scope(diff.container.key)
    found: list[Effect] = []
    for edit in edits:
        found += _disabled(edit)
        found += _purged(edit, queue, resent=edit.name in resent)
        found += _stopped(edit, bucket)
        found += _elsewhere(edit, queue)
        found += _existing(edit, bucket, resent=edit.name in resent)
    if edits:
        found += _surroundings(edits[0].name, around)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Queue:
    """What a bucket's outbox holds: what waits, and what has failed and can still be tried again by hand."""

    waiting: int
    failed: int

    @property
    def rows(self) -> int:
        return self.waiting + self.failed


def _queued(diff: ContainerDiff) -> _Queue | None:
    """Return what the bucket's outbox holds; None if nobody has looked."""
    for source, _ in diff.facts.values():
        if isinstance(waiting := source.facts.get("queued"), int):
            failed = source.facts.get("failed")
            return _Queue(waiting, failed if isinstance(failed, int) else 0)
    return None


def _waiting(queue: _Queue | None) -> str:
    if queue is None:
        return "how much waits is not known"
    if not queue.rows:
        return "nothing waits in this bucket now"
    more = " or more" if queue.rows >= SHOWN else ""
    parts = [f"{queue.waiting:,}{more} wait{_s(queue.waiting)}"] if queue.waiting else []
    parts += [f"{queue.failed:,}{more} {'has' if queue.failed == 1 else 'have'} failed"] if queue.failed else []
    return f"{' and '.join(parts)} in this bucket now"


def _disabled(edit: Edit) -> Iterator[Effect]:
    if edit.before is not None and edit.old is None:
        done = "the target comes back, and the rule is enabled" if edit.works else "the target comes back"
        done = done if edit.after is not None else "the rule goes"
        text = f"the server has disabled the rule, for its target {edit.before.target_id} has left the list: {done}"
        yield Effect.of(effects.RULE_DISABLED, edit.name, text)


def _purged(edit: Edit, queue: _Queue | None, *, resent: bool) -> Iterator[Effect]:
    if edit.before is None or (edit.after is not None and not edit.renamed):
        return
    rows = queue.rows if queue else 0
    estimate = Estimate(objects=rows, basis="the tasks of the whole bucket, 100 at most") if rows else None
    effect = Effect.of(effects.QUEUE_PURGED, edit.name, "", estimate)
    if edit.after is None:
        text = f"what waits for rule {edit.before.id} is thrown away with it; {_waiting(queue)}"
        yield effect.model_copy(update={"text": text, "blocks": False})
        return
    after = "; everything is sent again behind it" if resent else ""
    text = f"what waits for the old rule {edit.before.id} is thrown away; {_waiting(queue)}{after}"
    yield effect.model_copy(update={"text": text, "blocks": not resent and (queue is None or rows > 0)})


def _stopped(edit: Edit, bucket: str) -> Iterator[Effect]:
    if edit.before is not None and edit.worked and not edit.works:
        what = "removed" if edit.after is None else "paused"
        text = f"{what}: what is written to {place_of(bucket, edit.before)} from now on is not copied any more"
        yield Effect.of(effects.UNPROTECTED, edit.name, text)


def _elsewhere(edit: Edit, queue: _Queue | None) -> Iterator[Effect]:
    if edit.after is None or edit.old is None or edit.new is None:
        return
    old, new = (f"{target.bucket} at {target.endpoint}" for target in (edit.old, edit.new))
    if edit.moved:
        late = (
            "what waits is thrown away" if edit.renamed else f"what waits still goes to the old one ({_waiting(queue)})"
        )
        yield Effect.of(effects.DEST_CHANGE, edit.name, f"{old} becomes {new}: {late}")
    if edit.rekeyed and not edit.renamed:
        text = f"what waits keeps the old key, region and endpoint ({_waiting(queue)})"
        yield Effect.of(effects.STALE_CREDENTIALS, edit.name, text)


def _existing(edit: Edit, bucket: str, *, resent: bool) -> Iterator[Effect]:
    if edit.after is None:
        return
    if resent:
        first = edit.moved or (edit.before is None and edit.change.reason is Reason.NEW_IN_MANIFEST)
        again = "" if first else " again"
        text = f"everything in {place_of(bucket, edit.after)} is sent{again}, whether or not the destination has it"
        estimate = Estimate(basis="the server does not say how much there is")
        yield Effect.of(effects.RESYNC, edit.name, text, estimate).model_copy(update={"recopies": not first})
    elif edit.begins and not edit.moved:
        why = "already there" if edit.before is None or edit.widened else "written while it was not copying"
        text = f"objects {why} in {place_of(bucket, edit.after)} are not copied"
        effect = Effect.of(effects.NO_RETRO, edit.name, text)
        known = edit.flow is not None and edit.flow.spec.existing is Existing.IGNORE
        yield effect.model_copy(update={"severity": Severity.INFO}) if known else effect


def _surroundings(name: str, around: Surroundings) -> Iterator[Effect]:
    for rule in around.dropped:
        text = (
            f"rule {rule.id}, which somebody else made, is disabled since its target {rule.target_id} left the list; "
            "the server takes no list with it, so it goes, and what waits for it with it"
        )
        yield Effect.of(effects.RULE_DISABLED, name, text)
    for target, users in around.kept:
        text = f"target {target.id} stays, for it would disable {', '.join(users)}, which still use{_s(len(users))} it"
        yield Effect.of(effects.RULE_DISABLED, name, text).model_copy(update={"severity": Severity.INFO})


def _s(number: int) -> str:
    return "s" if number == 1 else ""
