"""What the writes of one rule bring about: effects, with names and what is known of the amount. Pure.

Apart from `steps.py` because who reads a plan wants to know what happens, not which calls make it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.change import Action, Change, ContainerDiff
from reconciler.model.finding import Severity
from reconciler.model.observation import LocationFacts
from reconciler.model.step import Effect, Estimate
from reconciler.model.value import Json
from reconciler.providers.bos import effects
from reconciler.providers.bos.convert import copies_history, enabled

__all__ = ["Rewrite", "predicted", "unprotected"]

_AMOUNT = Estimate(basis="BOS does not say how much a rule has copied")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """One rule as it is and as it will be, both as the service writes them."""

    change: Change
    before: Mapping[str, Json] | None
    after: dict[str, Json]

    @property
    def disables(self) -> bool:
        """Whether an enabled rule shall be disabled, which one write cannot do."""
        return self.before is not None and enabled(self.before) and not enabled(self.after)

    @property
    def restarts(self) -> bool:
        """Whether copying, which has begun once, begins again from nothing."""
        return self.before is not None and enabled(self.after)


def predicted(diff: ContainerDiff, rewrite: Rewrite) -> Iterator[Effect]:
    """Yield the effects of one write."""
    if rewrite.disables:
        yield _no_disable(rewrite)
    if rewrite.restarts:
        yield _restart(rewrite, asked=rewrite.change.replication in diff.resend)
    if enabled(rewrite.after):
        source, _ = diff.facts.get(rewrite.change.replication, (None, None))
        yield from _source(rewrite, source)


def unprotected(change: Change, rule: Mapping[str, Json] | None) -> Iterator[Effect]:
    """Yield what the deletion of a rule brings about; nothing if it does not copy anyway."""
    if rule is not None and enabled(rule):
        text = f"{_listed(rule)}: nothing is copied from then on, what is not copied by then included"
        yield Effect.of(effects.UNPROTECTED, change.replication, text)


def _no_disable(rewrite: Rewrite) -> Effect:
    name = rewrite.change.replication
    text = (
        f"BOS refuses to disable rule {rewrite.after['id']}: with --allow BOS-NO-DISABLE@{name} it is deleted and"
        " created disabled; or remove the manifest and apply with --prune, or delete the rule by hand"
    )
    return Effect.of(effects.NO_DISABLE, name, text)


def _restart(rewrite: Rewrite, *, asked: bool) -> Effect:
    """Tell of a restart. It blocks where a rule at work is written: not if it was idle, or if it was `asked` for by
    name."""
    change, history = rewrite.change, copies_history(rewrite.after)
    resumed = rewrite.before is not None and not enabled(rewrite.before)
    why = (
        "is made again under another id"
        if change.action is Action.REPLACE
        else "was disabled and is enabled" if resumed
        else "is written while it is enabled"
    )  # fmt: skip
    covered = _listed(rewrite.after)
    what = (
        f"everything in {covered} is copied again"
        if history
        else f"what is in {covered} and not copied by then stays behind, for `existing: copy` is not set"
    )
    text = f"rule {rewrite.after['id']} {why}: replication starts from nothing, and {what}"
    effect = Effect.of(effects.RESTART, change.replication, text, _AMOUNT if history else None)
    return effect.model_copy(update={"recopies": history, "blocks": not (asked or resumed)})


def _source(rewrite: Rewrite, source: LocationFacts | None) -> Iterator[Effect]:
    """Tell what the source bucket holds that a rule does not copy."""
    name, facts = rewrite.change.replication, source.facts if source else {}
    if facts.get("versioning") == "Enabled":
        text = f"{_listed(rewrite.after)}: the bucket has versioning enabled, and BOS does not replicate such a bucket"
        yield Effect.of(effects.VERSIONED_SOURCE, name, text)
    archived = facts.get("archive_objects")
    if isinstance(archived, int) and archived:
        text = f"archived objects in the source bucket, {archived:,} at least: they are not copied"
        yield Effect.of(effects.ARCHIVE, name, text)
    elif rewrite.before is None or copies_history(rewrite.after):
        text = f"if {_listed(rewrite.after)} holds archived objects, they are not copied; none was seen"
        seen = Effect.of(effects.ARCHIVE, name, text)
        yield seen.model_copy(update={"severity": Severity.INFO})


def _listed(rule: Mapping[str, Json]) -> str:
    resources = rule.get("resource")
    names = [str(one) for one in resources] if isinstance(resources, list) else []
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
