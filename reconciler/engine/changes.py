"""One change for each replication: what is to happen to it, and for what reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.engine.connect import Connections
from reconciler.engine.diff import as_known, differences, left_to_receipts, settings_listed
from reconciler.engine.digests import matches
from reconciler.engine.match import Desired, Found, Matched
from reconciler.engine.selection import Selection
from reconciler.engine.unfinished import CutOff
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.change import Action, Change, FieldChange, Reason
from reconciler.model.finding import SourceRange
from reconciler.model.manifest import Existing, Location, State
from reconciler.model.observation import ContainerRef, ScopeRef
from reconciler.model.receipt import Receipt, ReceiptEntry
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.units import format_seconds
from reconciler.model.verification import Level
from reconciler.providers.base import Capability, Provider, SecretResolver

__all__ = ["Inputs", "changes", "flow_title"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What changes are made from, beside what was read."""

    workspace: LoadedWorkspace
    connections: Connections
    secrets: SecretResolver
    receipt: Receipt | None
    selection: Selection
    prune: bool
    """Workspace and command line both say so."""
    resync: frozenset[str] = frozenset()
    """Names of replications whose data shall be sent again."""
    owed: frozenset[str] = frozenset()
    """Names of replications whose existing data an earlier run should have sent and did not."""
    cut_off: tuple[CutOff, ...] = ()
    """What earlier runs that did not come to their end may have brought about."""
    failed: tuple[CutOff, ...] = ()
    """What the last run has changed in part."""

    @property
    def begun(self) -> tuple[CutOff, ...]:
        """All that was begun and not brought to its end, the last receipt's run first."""
        return (*self.failed, *self.cut_off)

    def scopes(self, labels: Mapping[str, Mapping[str, str]]) -> frozenset[ScopeRef]:
        """Return where receipts and journals know of something that takes part, written down still or not.

        `labels`: of what is written down, by name.
        """
        entries = self.receipt.replications if self.receipt else {}
        known: list[tuple[ContainerRef, tuple[str, ...]]] = [
            (entry.container, (name,)) for name, entry in entries.items()
        ]
        known += [(one.place, one.replications) for one in self.begun if one.place and one.half_made]
        return frozenset(
            place.scope_ref
            for place, names in known
            if any(self.selection.takes(name, labels.get(name, {})) for name in names)
        )

    def resends(self, flow: Flow) -> bool:
        """Say whether the existing data of a flow shall be sent, whatever else changes.

        What is owed waits while the flow is paused: nothing could be sent then.
        """
        wanted = flow.spec.existing is Existing.COPY and flow.spec.state is not State.PAUSED
        return flow.name in self.resync or (flow.name in self.owed and wanted)


def changes(desired: Sequence[Desired], matched: Matched, inputs: Inputs) -> tuple[Change, ...]:
    """Return the changes of the selected replications, ordered by name, deletions last. Ids are `c1`, `c2`, ..."""
    made = [
        _change(want, matched, inputs)
        for want in sorted(desired, key=lambda want: want.flow.name)
        if inputs.selection.takes(want.flow.name, want.flow.labels)
    ]
    made += _deletions(matched, inputs)
    return tuple(change.model_copy(update={"id": f"c{number}"}) for number, change in enumerate(made, start=1))


def flow_title(flow: Flow) -> str:
    """Name a flow by its two ends: `logs/app/ -> logs-dr`."""
    return f"{place_name(flow.spec.source)} -> {place_name(flow.spec.destination)}"


def place_name(location: Location) -> str:
    """Name a location without its provider: `bucket/prefix`, `/path`, `volume`."""
    if location.bucket is not None:
        return f"{location.bucket}/{location.prefix}" if location.prefix else location.bucket
    return location.path or location.volume or location.provider


def _change(want: Desired, matched: Matched, inputs: Inputs) -> Change:
    name = want.flow.name
    found = matched.pairs.get(name)
    provider = inputs.connections.provider(want.flow.owner.name)
    action, reason, fields = _judge(want, found, inputs, provider, _locator(inputs.workspace, name))
    return Change(
        id="",
        replication=name,
        provider=want.flow.owner.name,
        type=want.flow.owner.spec.type,
        title=flow_title(want.flow),
        action=action,
        reason=reason,
        container=want.container,
        fields=fields,
        desired=want.relationship,
        observed=found.relationship if found else None,
        observed_in=found.container if found else None,
        strangers=matched.strangers(want.container.scope_ref, want.relationship.identity, found),
        proof="" if action is Action.NONE else _proof(want.flow, provider),
        where=inputs.workspace.locate("Replication", name),
    )


def _proof(flow: Flow, provider: Provider) -> str:
    """Say how the flow will be proved: a canary is a write too, and for some systems it starts a job."""
    if flow.spec.state is State.PAUSED:
        return ""
    if flow.spec.verify.level is Level.STATUS:
        return "the provider's own word"
    within, level = format_seconds(flow.spec.verify.within), flow.spec.verify.level
    then = f"; then all objects are compared by {level.value}" if level.compares else ""
    if flow.spec.verify.mounts is not None:
        return f"canary through the mounts, within {within}{then}"
    job = "" if Capability.CONTINUOUS in provider.info.capabilities else f"; starts a job on {flow.owner.name}"
    return f"canary at both ends, within {within}{job}{then}"


def _judge(
    want: Desired,
    found: Found | None,
    inputs: Inputs,
    provider: Provider,
    locate: Callable[[tuple[str, ...]], SourceRange | None],
) -> tuple[Action, Reason, tuple[FieldChange, ...]]:
    name, settings = want.flow.name, want.relationship.settings
    if found is None:
        entry = inputs.receipt.replications.get(name) if inputs.receipt else None
        return Action.CREATE, _why_new(want, entry), settings_listed(settings, locate=locate)
    sent = _sent(found, inputs.receipt)
    untold = left_to_receipts(found.relationship, sent)
    before = as_known(found.relationship, sent)
    fields = differences(before, settings, replaces=provider.replaces, locate=locate)
    fields = tuple(field for field in fields if field.dotted not in untold)
    rotated = tuple(_rotated(want, found, inputs, provider, locate))
    if any(field.forces_replace for field in fields + rotated):
        return Action.REPLACE, Reason.CANNOT_CHANGE_IN_PLACE, fields + rotated
    if rotated and not fields:
        return Action.UPDATE, Reason.SECRET_ROTATED, rotated
    if fields and not found.ours:
        return Action.ADOPT, Reason.EXISTS_AND_DIFFERS, fields + rotated
    if fields:
        return Action.UPDATE, Reason.SETTINGS_DIFFER, fields + rotated
    if name in inputs.resync:
        return Action.RESYNC, Reason.RESYNC_REQUESTED, ()
    if inputs.resends(want.flow) and not _stays_paused(want.flow, found):
        return Action.RESYNC, Reason.COPY_OWED, ()
    return Action.NONE, Reason.IN_SYNC, ()


def _stays_paused(flow: Flow, found: Found) -> bool:
    """Say whether it is paused, and nothing is written about that: then what is owed waits."""
    return flow.spec.state is None and found.relationship.settings.get("state") == State.PAUSED.value


def _why_new(want: Desired, entry: ReceiptEntry | None) -> Reason:
    if entry is None:
        return Reason.NEW_IN_MANIFEST
    here = entry.container.scope_ref == want.container.scope_ref
    return Reason.MISSING_LIVE if here else Reason.MOVED


def _recorded(found: Found, receipt: Receipt | None) -> ReceiptEntry | None:
    """Return what a receipt has of a live relationship, under whatever name."""
    return receipt.replications.get(found.recorded_as) if receipt and found.recorded_as else None


def _sent(found: Found, receipt: Receipt | None) -> Relationship | None:
    entry = _recorded(found, receipt)
    return entry.relationship if entry else None


def _rotated(
    want: Desired,
    found: Found,
    inputs: Inputs,
    provider: Provider,
    locate: Callable[[tuple[str, ...]], SourceRange | None],
) -> Iterator[FieldChange]:
    """Find write-only values that differ from what the receipt has a digest of. Without a digest nothing is known."""
    entry = _recorded(found, inputs.receipt)
    for dotted, ref in sorted(want.relationship.write_only.items()):
        noted = entry.secrets.get(dotted) if entry else None
        if noted is None or matches(inputs.secrets.resolve_here(ref).get_secret_value(), noted):
            continue
        path = tuple(dotted.split("."))
        yield FieldChange(path=path, sensitive=True, forces_replace=provider.replaces(path), where=locate(path))


def _deletions(matched: Matched, inputs: Inputs) -> list[Change]:
    """Return a deletion for everything of ours that no document describes, where pruning is on."""
    if not inputs.prune:
        return []
    gone = []
    for found in matched.rest:
        name = found.recorded_as or found.relationship.identity
        if found.ours and inputs.selection.takes(name, {}):
            doc = inputs.workspace.providers[found.container.provider]
            gone.append(
                Change(
                    id="",
                    replication=name,
                    provider=doc.name,
                    type=doc.spec.type,
                    title=found.relationship.identity,
                    action=Action.DELETE,
                    reason=Reason.REMOVED_FROM_MANIFEST,
                    container=found.container,
                    observed=_remembered(found, inputs.receipt),
                    observed_in=found.container,
                    strangers=matched.strangers(found.container.scope_ref, found.relationship.identity, found),
                )
            )
    return sorted(gone, key=lambda change: change.replication)


def _remembered(found: Found, receipt: Receipt | None) -> Relationship:
    """Return a live relationship with what was last sent where the server does not show it."""
    settings = as_known(found.relationship, _sent(found, receipt))
    return found.relationship.model_copy(update={"settings": settings})


def _locator(workspace: LoadedWorkspace, name: str) -> Callable[[tuple[str, ...]], SourceRange | None]:
    return lambda path: workspace.locate("Replication", name, ("spec", *path))
