"""What stands between a plan and its apply: approvals of effects, protection, pruning, an emptied workspace."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from reconciler.engine.selection import Selection
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.change import Action, Change
from reconciler.model.finding import Finding, Severity
from reconciler.model.receipt import Receipt
from reconciler.model.relationship import Flow
from reconciler.model.step import Effect

__all__ = ["approve", "check_allow_terms", "check_emptied", "check_expired_approvals", "check_protection"]


def approve(
    effects: Iterable[Effect], flows: Mapping[str, Flow], allow: Sequence[str], today: date
) -> tuple[Effect, ...]:
    """Mark the effects that `--allow` or an unexpired `allow:` entry approves."""
    return tuple(
        effect.model_copy(update={"allowed_by": _approval(effect, flows.get(effect.replication), allow, today)})
        for effect in effects
    )


def _approval(effect: Effect, flow: Flow | None, allow: Sequence[str], today: date) -> str | None:
    if not effect.blocks:
        return None
    for term in allow:
        rule, _, name = term.partition("@")
        if rule == effect.rule and name in ("", effect.replication):
            return f"--allow {term}"
    for entry in flow.spec.allow if flow else ():
        if entry.effect == effect.rule and entry.expires >= today:
            return f"{entry.reason} (until {entry.expires.isoformat()})"
    return None


def check_allow_terms(allow: Sequence[str], known: frozenset[str]) -> tuple[str, ...]:
    """Return the terms that name no known effect: a typing mistake must not pass for an approval."""
    return tuple(term for term in allow if term.partition("@")[0] not in known)


def check_expired_approvals(flows: Iterable[Flow], today: date) -> Iterator[Finding]:
    """Yield a warning for each approval in the manifests that does not hold any more."""
    for flow in flows:
        for index, entry in enumerate(flow.spec.allow):
            if entry.expires < today:
                yield Finding(
                    code="REPL-P020",
                    severity=Severity.WARNING,
                    summary="Approval has expired",
                    detail=f"The approval of {entry.effect} for {flow.name} ended on {entry.expires.isoformat()}.",
                    hint="remove the entry, or have it reviewed again with a new date",
                    replication=flow.name,
                    path=("spec", "allow", index, "expires"),
                )


def check_protection(
    changes: Iterable[Change], flows: Mapping[str, Flow], receipt: Receipt | None
) -> Iterator[Finding]:
    """Yield an error for each change that `protect: true` forbids."""
    for change in changes:
        flow = flows.get(change.replication)
        entry = receipt.replications.get(change.replication) if receipt else None
        protected = flow.spec.protect if flow else entry is not None and entry.protected
        if protected and change.action in (Action.DELETE, Action.REPLACE):
            yield Finding(
                code="REPL-P021",
                severity=Severity.ERROR,
                summary="Protected replication",
                detail=f"{change.replication} has `protect: true`: it would be {change.action.value}d.",
                hint="apply `protect: false` first, in a change of its own",
                replication=change.replication,
                path=("spec", "protect"),
            )


def check_emptied(workspace: LoadedWorkspace, receipt: Receipt | None, selection: Selection) -> Iterator[Finding]:
    """Yield an error if nothing is written down, though there was: more likely a wrong path than a wish."""
    if not workspace.replications and receipt is not None and receipt.replications and selection.whole:
        yield Finding(
            code="REPL-P022",
            severity=Severity.ERROR,
            summary="The workspace has no replications any more",
            detail=f"The last receipt knows {len(receipt.replications)}; the manifests describe none.",
            hint="check -f and the current folder; to end all replications remove them one commit before the last",
        )
