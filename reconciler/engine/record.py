"""Turns what a run did into a receipt."""

import getpass
import itertools
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from reconciler import __version__
from reconciler.engine.converge import Meant
from reconciler.engine.diff import noted
from reconciler.engine.digests import digest_of
from reconciler.engine.journal import ContainerHistory
from reconciler.engine.reads import ScopeReader
from reconciler.errors import ReplError
from reconciler.model.change import Action, Change
from reconciler.model.observation import ContainerRef
from reconciler.model.plan import Plan
from reconciler.model.receipt import ContainerOutcome, ContainerResult, Receipt, ReceiptEntry, RunOutcome, plain_name
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.verification import Outcome, Verification
from reconciler.providers.base import SecretResolver

__all__ = ["actor", "make_receipt", "with_verifications"]

_WHAT_IS_TAKEN = ("source", "destination", "filter")
"""Settings that decide which objects go where."""
_ACTOR_VARIABLES = ("REPL_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID")


def actor(environ: Mapping[str, str] = os.environ) -> str:
    """Name who applies: what CI says, else `user@host`."""
    for variable in _ACTOR_VARIABLES:
        if environ.get(variable):
            return environ[variable]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return f"{user}@{platform.node()}"


def make_receipt(
    plan: Plan,
    *,
    run_id: str,
    who: str,
    started_at: datetime,
    finished_at: datetime,
    results: Sequence[ContainerResult],
    interrupted: bool,
    before: Receipt | None,
    owed: AbstractSet[str],
    flows: Mapping[str, Flow],
    reader: ScopeReader,
    secrets: SecretResolver,
    histories: Mapping[str, ContainerHistory],
) -> Receipt:
    """Sum up a run: what earlier runs left, less what is gone, with what is done now.

    `histories`: what the run's journal says, by `str(ContainerRef)`.
    """
    meant = {
        item.container: Meant.of(item, histories[name].finished.values() if name in histories else ())
        for item in plan.containers
        for name in (str(item.container),)
    }
    done = {result.container for result in results if result.outcome is ContainerOutcome.DONE}
    entries = dict(before.replications) if before else {}
    written: set[str] = set()
    for change in plan.changes:
        if change.action is Action.NONE:
            written.add(change.replication)
            found = change.observed.provider_id if change.observed else None
            known = _known(change, before) or _entry(change, run_id, finished_at, flows, found)
            flow = flows.get(change.replication)
            known = known.model_copy(update={"protected": bool(flow and flow.spec.protect), "gone": False})
            entries[change.replication] = _found_so(known, change, finished_at)
        elif change.container in done and change.action is Action.DELETE:
            # One that has moved is recorded in its new place by now.
            if change.replication not in written:
                entries.pop(change.replication, None)
        elif change.container in done:
            written.add(change.replication)
            live = _live(change, reader, meant[change.container])
            entry = _entry(change, run_id, finished_at, flows, live.provider_id if live else None)
            entry = _sent(entry, live, _digests(change, secrets))
            entries[change.replication] = entry.model_copy(update={"since": _since(change, before, finished_at)})
        if change.desired is not None and change.replication in entries:
            entries[change.replication] = _with_strangers(entries[change.replication], change)
    entries = _once(entries) | _left_behind(plan, before, entries, done)
    gone = _gone(plan, entries, flows)
    entries |= {name: entries[name].model_copy(update={"gone": True}) for name in gone}
    return Receipt(
        tool_version=__version__,
        workspace=plan.workspace,
        run_id=run_id,
        plan_id=plan.plan_id,
        actor=who,
        started_at=started_at,
        finished_at=finished_at,
        outcome=_outcome(results, interrupted=interrupted),
        results=tuple(results),
        owed=tuple(sorted(owed & (entries.keys() | flows.keys()))),
        replications=dict(sorted(entries.items())),
    )


def with_verifications(receipt: Receipt, verifications: Iterable[Verification], finished_at: datetime) -> Receipt:
    """Add the proofs. A run whose writes worked and whose proof did not is `unverified`."""
    proofs = {proof.replication: proof for proof in verifications}
    unproved = any(proof.outcome is not Outcome.PROVED for proof in proofs.values())
    outcome = RunOutcome.UNVERIFIED if unproved and receipt.outcome is RunOutcome.DONE else receipt.outcome
    entries = {
        name: entry.model_copy(update={"verification": proofs[name]}) if name in proofs else entry
        for name, entry in receipt.replications.items()
    }
    return receipt.model_copy(
        update={
            "verifications": tuple(proofs.values()),
            "replications": entries,
            "outcome": outcome,
            "finished_at": finished_at,
        }
    )


def _outcome(results: Sequence[ContainerResult], *, interrupted: bool) -> RunOutcome:
    failed = sum(result.outcome is ContainerOutcome.FAILED for result in results)
    if interrupted:
        return RunOutcome.INTERRUPTED
    if not failed:
        return RunOutcome.DONE
    done = any(result.outcome is ContainerOutcome.DONE or result.calls for result in results)
    return RunOutcome.PARTIAL if done else RunOutcome.FAILED


def _found_so(entry: ReceiptEntry, change: Change, now: datetime) -> ReceiptEntry:
    """Return what is known of a relationship that was found as it is written down, however it has become so: by hand,
    by a run that was cut off, or because the manifest follows what is live. Else drift would go by what was once."""
    if change.desired is None or change.observed is None:
        return entry
    known = entry.relationship
    found = {
        "identity": change.desired.identity,
        "provider_id": change.observed.provider_id,
        "settings": noted(change.desired, known, change.observed),
    }
    relationship = known.model_copy(update=found)
    same = all(known.settings.get(key) == relationship.settings.get(key) for key in _WHAT_IS_TAKEN)
    since = entry.since if same else now
    return entry.model_copy(update={"container": change.container, "relationship": relationship, "since": since})


def _known(change: Change, before: Receipt | None) -> ReceiptEntry | None:
    """Return what is recorded of a relationship that stays as it is: under its name, as left behind once, or under the
    name that it had."""
    entries = before.replications if before else {}
    own = (entries.get(name) for name in (change.replication, _left_name(change.replication, change.container)))
    here = [entry for entry in own if entry and entry.container.scope_ref == change.container.scope_ref]
    live = change.observed
    same = [entry for entry in (*here, *entries.values()) if live and _is(entry, change.container, live)]
    return next(iter(same or here), None)


def _is(entry: ReceiptEntry, container: ContainerRef, live: Relationship) -> bool:
    noted = entry.relationship
    return (entry.container, noted.identity, noted.provider_id) == (container, live.identity, live.provider_id)


def _since(change: Change, receipt: Receipt | None, now: datetime) -> datetime:
    """Return from when on it takes the objects that it takes now."""
    known = _known(change, receipt)
    if known is None or change.action not in (Action.UPDATE, Action.RESYNC) or change.desired is None:
        return now
    before, after = known.relationship.settings, change.desired.settings
    same = known.container == change.container and all(before.get(key) == after.get(key) for key in _WHAT_IS_TAKEN)
    return (known.since or known.applied_at) if same else now


def _left_name(name: str, container: ContainerRef) -> str:
    return f"{plain_name(name)}@{container.scope_ref}"


def _free_name(name: str, taken: AbstractSet[str]) -> str:
    numbered = (f"{name}#{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain((name,), numbered) if one not in taken)


def _left_behind(
    plan: Plan, before: Receipt | None, entries: Mapping[str, ReceiptEntry], done: AbstractSet[ContainerRef]
) -> dict[str, ReceiptEntry]:
    """Return entries, named `NAME@PLACE`, for what this run would forget though it still stands; further ones that a
    name has left in one place are numbered, `NAME@PLACE#2`.

    A replication that moves to another scope is recorded there, and nothing but a receipt knows that what it leaves is
    ours, and that the place is to be looked at.
    """
    standing = {(item.container, item.identity) for item in plan.unmanaged if item.ours}
    standing |= {
        (change.container, change.observed.identity)
        for change in plan.changes
        if change.action is Action.DELETE and change.observed and change.container not in done
    }
    kept = {_place(entry) for entry in entries.values()}
    left: dict[str, ReceiptEntry] = {}
    for name, entry in (before.replications if before else {}).items():
        unread = entry.container.scope_ref in plan.unread
        if name in entries and _place(entry) not in kept and (_place(entry) in standing or unread):
            left[_free_name(_left_name(name, entry.container), entries.keys() | left.keys())] = entry
    return left


def _gone(plan: Plan, entries: Mapping[str, ReceiptEntry], flows: Mapping[str, Flow]) -> set[str]:
    """Name what no manifest describes and what is not live: nobody need have removed it by hand since."""
    standing = {(item.container, item.identity) for item in plan.unmanaged}
    planned = flows.keys() | {change.replication for change in plan.changes}
    return {
        name
        for name, entry in entries.items()
        if name not in planned and entry.container.scope_ref in plan.scopes and _place(entry) not in standing
    }


def _once(entries: Mapping[str, ReceiptEntry]) -> dict[str, ReceiptEntry]:
    """Drop what was left behind once and is described again."""
    described = {_place(entry) for name, entry in entries.items() if "@" not in name}
    return {name: entry for name, entry in entries.items() if "@" not in name or _place(entry) not in described}


def _place(entry: ReceiptEntry) -> tuple[ContainerRef, str]:
    return entry.container, entry.relationship.identity


def _entry(
    change: Change, run_id: str, at: datetime, flows: Mapping[str, Flow], provider_id: str | None
) -> ReceiptEntry:
    if change.desired is None:
        raise AssertionError
    flow = flows.get(change.replication)
    return ReceiptEntry(
        provider=change.provider,
        type=change.type,
        container=change.container,
        relationship=change.desired.model_copy(update={"provider_id": provider_id}),
        applied_at=at,
        since=at,
        run_id=run_id,
        protected=bool(flow and flow.spec.protect),
    )


def _sent(entry: ReceiptEntry, live: Relationship | None, secrets: dict[str, str]) -> ReceiptEntry:
    """Return the entry with what a write tells beyond the plan: digests of secrets, and what was not shown then."""
    relationship = entry.relationship.model_copy(update={"unreadable": live.unreadable if live else ()})
    return entry.model_copy(update={"secrets": secrets, "relationship": relationship})


def _with_strangers(entry: ReceiptEntry, change: Change) -> ReceiptEntry:
    """Note what the plan knew to be something else, whatever has become of the change: the next plan would not know."""
    noted = tuple(one for one in change.strangers if one != entry.relationship.provider_id)
    return entry.model_copy(update={"strangers": noted}) if noted != entry.strangers else entry


def _live(change: Change, reader: ScopeReader, meant: Meant) -> Relationship | None:
    """What the read-back that the run has just made shows."""
    if change.desired is None:
        return None
    number = change.observed.provider_id if change.observed else None
    desired = change.desired.model_copy(update={"provider_id": number})
    return meant.find(reader.latest(change.container.scope_ref), desired)


def _digests(change: Change, secrets: SecretResolver) -> dict[str, str]:
    found: dict[str, str] = {}
    for dotted, ref in (change.desired.write_only if change.desired else {}).items():
        try:
            found[dotted] = digest_of(secrets.resolve_here(ref).get_secret_value())
        except ReplError:
            continue  # it was there for the call; without a digest a later rotation goes unseen, and nothing worse
    return found
