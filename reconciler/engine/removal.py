"""What a removal would take away from others, and what was removed and comes back with a plan. Pure."""

from collections.abc import Iterator, Sequence

from reconciler.engine.changes import Inputs
from reconciler.engine.match import Desired, Found, Matched, Recorded
from reconciler.model.change import Action, Change, Reason
from reconciler.model.finding import Finding, Severity
from reconciler.model.observation import ContainerRef
from reconciler.model.relationship import Relationship

__all__ = ["removal_of", "returning", "returning_finding", "shared_findings", "spared"]


def _needed_by(desired: Sequence[Desired], relationship: Relationship) -> tuple[str, str] | None:
    """Return what the removal of a relationship takes from a replication that is written down, and that one's name;
    None if nothing. `desired`: all that is written down, whether or not it was chosen or could be read."""
    for want in desired:
        shared = sorted({*want.relationship.rests_on} & {*relationship.rests_on})
        if shared:
            return shared[0], want.flow.name
    return None


def spared(made: Sequence[Change], desired: Sequence[Desired]) -> tuple[Change, ...]:
    """Leave out removals that take away what others need; the ids of those that stay have no gaps."""
    kept = [one for one in made if not _takes(one, desired)]
    return tuple(change.model_copy(update={"id": f"c{number}"}) for number, change in enumerate(kept, start=1))


def shared_findings(matched: Matched, desired: Sequence[Desired], inputs: Inputs) -> Iterator[Finding]:
    """Say of each replication of ours that nobody wants any more why it is not removed, where others need what it
    lives by. Without pruning that is said of those that have moved: they would be ended."""
    written = {want.flow.name for want in desired}
    for found in matched.rest:
        name = found.recorded_as or found.relationship.identity
        shared = _needed_by(desired, found.relationship) if found.ours and (inputs.prune or name in written) else None
        if shared is None or not inputs.selection.takes(name, {}):
            continue
        yield Finding(
            code="REPL-W005",
            severity=Severity.WARNING,
            summary="A removed replication goes on",
            detail=f"{found.relationship.identity} is not written down any more and is still live. To remove it would "
            f"take away {shared[0]}, which {shared[1]} needs.",
            hint="end it by hand, as the provider's page says, or remove what needs the same, too",
            replication=name,
        )


def returning(
    container: ContainerRef, revives: Sequence[Relationship], desired: Sequence[Desired], inputs: Inputs
) -> Iterator[Found]:
    """Yield what a receipt knows to be ours, nobody wants any more, and is brought back by what a container's steps
    write. What others need is not removed for that."""
    recorded = Recorded(inputs.receipt.replications if inputs.receipt else {})
    written = {want.relationship.identity for want in desired if want.container.scope_ref == container.scope_ref}
    for live in revives:
        name = recorded.name(container.scope_ref, live)
        if name is None or live.identity in written or not inputs.selection.takes(name, {}):
            continue
        if _needed_by(desired, live) is None:
            yield Found(container=container, relationship=live, recorded_as=name)


def removal_of(found: Found, inputs: Inputs, number: int) -> Change:
    """Return the removal of what would come back."""
    doc = inputs.workspace.providers[found.container.provider]
    return Change(
        id=f"c{number}",
        replication=found.recorded_as or found.relationship.identity,
        provider=doc.name,
        type=doc.spec.type,
        title=found.relationship.identity,
        action=Action.DELETE,
        reason=Reason.REMOVED_FROM_MANIFEST,
        container=found.container,
        observed=found.relationship,
        observed_in=found.container,
    )


def returning_finding(found: Found) -> Finding:
    """Say that a plan brings back what was removed, where removing it was not asked for."""
    name = found.recorded_as or found.relationship.identity
    return Finding(
        code="REPL-W006",
        severity=Severity.WARNING,
        summary="A removed replication comes back",
        detail=f"{name} is not written down any more and not live now. What this plan writes makes "
        f"{found.relationship.identity} live again.",
        hint="with --prune it is removed by the same plan",
        replication=name,
    )


def _takes(change: Change, desired: Sequence[Desired]) -> bool:
    removed = change.observed if change.action is Action.DELETE else None
    return removed is not None and _needed_by(desired, removed) is not None
