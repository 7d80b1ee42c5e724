"""Which effects one write of a bucket's rules will have. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from reconciler.model.change import Change, ContainerDiff
from reconciler.model.finding import Severity
from reconciler.model.manifest import Existing
from reconciler.model.relationship import Settings
from reconciler.model.step import Effect
from reconciler.providers.s3 import effects
from reconciler.providers.s3.convert import Dialect, part
from reconciler.providers.s3.preflight import unversioned

__all__ = ["Edit", "RoleChange", "predicted"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Edit:
    """One rule before and after, as XML and in normal form; None where there is none."""

    change: Change
    number: int | None
    """Where it stands among the document's pieces."""
    new: Element | None
    before: Settings | None
    after: Settings | None

    @property
    def moves(self) -> bool:
        """Whether a rule that is there gets another destination."""
        return self.before is not None and self.after is not None and self.differs("destination")

    def differs(self, key: str) -> bool:
        """Say whether a setting is another one than before."""
        return (self.before or {}).get(key) != (self.after or {}).get(key)


@dataclass(frozen=True, slots=True)
class RoleChange:
    """Another role for rules that are otherwise left alone."""

    before: str
    after: str
    others: tuple[str, ...]


def predicted(
    edits: Sequence[Edit], role: RoleChange | None, diff: ContainerDiff, dialect: Dialect
) -> tuple[Effect, ...]:
    """Return the effects in the order of the edits, those of the whole bucket last."""
    found = [
        effect for edit in edits for effect in (*_copying(edit, diff), *_of_change(edit), *_versioning(edit, diff))
    ]
    if dialect.is_ceph:
        found += [effect for edit in edits for effect in _ceph(edit)]
    if role is not None:
        name = next(edit.change.replication for edit in edits if edit.after is not None)
        text = f"{_listed(role.others)} will run with {role.after} in place of {role.before}"
        found.append(Effect.of(effects.ROLE_CHANGE, name, text))
    return tuple(found)


def _copying(edit: Edit, diff: ContainerDiff) -> Iterator[Effect]:
    """Tell of objects that will not be copied."""
    name, before, after = edit.change.replication, edit.before, edit.after
    active = after is not None and after["state"] == "active"
    if after is None or (before is not None and before["state"] == "active" and not active):
        what = "deleted" if after is None else "paused"
        if before is not None and before["state"] == "active":
            yield Effect.of(
                effects.UNPROTECTED, name, f"{what}: new objects in {_place(before)} are not copied any more"
            )
        return
    if not active:
        return
    new, resumed = before is None, before is not None and before["state"] == "paused"
    if new or resumed or edit.differs("source") or edit.differs("filter"):
        why = "written while it was paused" if resumed else "already there"
        effect = Effect.of(effects.NO_RETRO, name, f"objects {why} in {_place(after)} are not copied")
        flow = diff.flows.get(name)
        known = flow is not None and flow.spec.existing is Existing.IGNORE
        yield effect.model_copy(update={"severity": Severity.INFO}) if known else effect


def _of_change(edit: Edit) -> Iterator[Effect]:
    """Tell what a changed rule does differently."""
    before, after = edit.before, edit.after
    if before is None or after is None:
        return
    name = edit.change.replication
    if edit.moves:
        old, new = part(before, "destination")["bucket"], part(after, "destination")["bucket"]
        yield Effect.of(effects.DEST_CHANGE, name, f"what was copied to {old} is not sent to {new}")
    if edit.differs("deletes"):
        now = "reach the destination" if after.get("deletes") == "replicate" else "no longer reach the destination"
        yield Effect.of(effects.DELETE_MARKERS, name, f"deletes in {_place(after)} {now} from now on")


def _versioning(edit: Edit, diff: ContainerDiff) -> Iterator[Effect]:
    name = edit.change.replication
    flow, facts = diff.flows.get(name), diff.facts.get(name)
    if edit.after is None or flow is None or facts is None:
        return
    sides = unversioned(flow, *facts)
    if sides:
        buckets = [flow.spec.source.bucket if side == "source" else flow.spec.destination.bucket for side in sides]
        text = f"versioning is not enabled on {' and '.join(map(str, buckets))}: the service will refuse"
        yield Effect.of(effects.VERSIONING, name, text)


def _ceph(edit: Edit) -> Iterator[Effect]:
    if edit.after is None:
        return
    name = edit.change.replication
    source, destination = part(edit.after, "source")["bucket"], part(edit.after, "destination")["bucket"]
    if edit.moves:
        text = f"all rules of {source} are deleted and written again, for a destination cannot change in place"
        yield Effect.of(effects.RGW_DEST_CHANGE, name, text)
    if source != destination and (edit.before is None or edit.moves):
        text = f"objects will land in {source} of the other zone, not in {destination}"
        yield Effect.of(effects.RGW_OTHER_BUCKET, name, text)


def _place(settings: Settings) -> str:
    source = part(settings, "source")
    return f"{source['bucket']}/{source['prefix']}" if source["prefix"] else str(source["bucket"])


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
