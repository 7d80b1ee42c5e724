"""From the changes of one bucket to the one call that makes them, with what follows from it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import cast
from xml.etree.ElementTree import Element

from reconciler.model.change import Action, Change, ContainerDiff
from reconciler.model.finding import Finding
from reconciler.model.observation import ContainerState
from reconciler.model.relationship import Settings
from reconciler.model.step import Call, StepPlan
from reconciler.providers.s3.check import PRIORITY_MAX, Problem, conflicts
from reconciler.providers.s3.config import Flavour
from reconciler.providers.s3.convert import (
    ROLE_ELEMENT,
    RULE_ELEMENT,
    Dialect,
    is_legacy,
    part,
    priority_of,
    read_rule,
    rule_id_of,
    text_at,
)
from reconciler.providers.s3.document import Document
from reconciler.providers.s3.predict import Edit, RoleChange, predicted
from reconciler.providers.s3.rewrite import patched, role_element
from reconciler.providers.s3.rules import identities
from reconciler.providers.s3.together import RULES_MAX

__all__ = ["DELETE", "PUT", "plan_steps"]

PUT, DELETE = "PutBucketReplication", "DeleteBucketReplication"
_ALARIK = "arn:alarik:replication:"
"""Source: Alarik, RC.toXML."""
_BYTES_MAX = 2 * 1024 * 1024


def plan_steps(diff: ContainerDiff, bucket: str, dialect: Dialect) -> StepPlan:
    """Plan one write for a bucket, however many of its rules change; on Ceph two if a destination changes."""
    work = _Work.of(diff, bucket, dialect)
    if not work.edits:
        return StepPlan(steps=())
    findings = tuple(work.findings())
    effects = predicted(work.edits, work.role_change(), diff, dialect)
    if findings:
        return StepPlan(steps=(), effects=effects, findings=findings)
    return StepPlan(steps=work.calls(), effects=effects)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Aim:
    """A change, the live rule that it is about (its piece number), and whether a rule shall be there afterwards."""

    change: Change
    number: int | None
    live: Element | None
    stays: bool

    @property
    def asked(self) -> Settings:
        """What is wanted; nothing if the rule shall go."""
        return self.change.desired.settings if self.change.desired is not None and self.stays else {}

    @property
    def role(self) -> str | None:
        role = part(self.asked, "s3").get("role")
        return role if isinstance(role, str) else None

    @property
    def priority(self) -> int | None:
        """The priority that it asks for or has."""
        asked = part(self.asked, "s3").get("priority")
        if isinstance(asked, int):
            return asked
        return priority_of(self.live) if self.live is not None and self.stays else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A bucket's document, and what is to become of its rules."""

    bucket: str
    dialect: Dialect
    document: Document
    state: ContainerState | None
    role: str
    """The role that the bucket's rules will have."""
    roles: dict[str, str]
    """Wanted roles by replication name."""
    edits: tuple[Edit, ...]
    kept: dict[int, str]
    """Piece number to identity, of rules that stay as they are."""

    @classmethod
    def of(cls, diff: ContainerDiff, bucket: str, dialect: Dialect) -> "_Work":
        text = diff.state.document.get("xml") if diff.state and isinstance(diff.state.document, dict) else None
        document = Document.parse(text) if isinstance(text, str) else Document.empty()
        named = identities(document)
        aims = [_aim(change, diff, document, named) for change in diff.changes if change.action is not Action.RESYNC]
        touched = {aim.number for aim in aims}
        kept = {number: identity for number, identity in named.items() if number not in touched}
        live_role = document.text(ROLE_ELEMENT)
        roles = {aim.change.replication: aim.role for aim in aims if aim.role is not None}
        role = next(iter(roles.values()), live_role)
        free = _free_priorities([priority_of(_element(document, number)) for number in kept], aims)
        edits = []
        for aim, priority in zip(aims, free, strict=True):
            before = after = new = None
            if aim.live is not None:
                before = read_rule(aim.live, bucket=bucket, role=live_role, dialect=dialect)
            if aim.stays and aim.change.desired is not None:
                identity = aim.change.desired.identity
                new = patched(aim.live, aim.asked, identity=identity, priority=priority, dialect=dialect)
                after = read_rule(new, bucket=bucket, role=role, dialect=dialect)
            if before is not None or after is not None:
                edits.append(Edit(change=aim.change, number=aim.number, new=new, before=before, after=after))
        return cls(
            bucket=bucket, dialect=dialect, document=document, state=diff.state, role=role, roles=roles,
            edits=tuple(edits), kept=kept,
        )  # fmt: skip

    @property
    def written(self) -> tuple[Edit, ...]:
        """Edits that leave a rule behind."""
        return tuple(edit for edit in self.edits if edit.new is not None)

    @property
    def count(self) -> int:
        """How many rules there will be."""
        return len(self.kept) + len(self.written)

    def role_change(self) -> RoleChange | None:
        """Return the change of role, if there was one before and it concerns rules that stay as they are."""
        before = self.document.text(ROLE_ELEMENT)
        if not self.written or not self.kept or not before or before == self.role:
            return None
        return RoleChange(before=before, after=self.role, others=tuple(sorted(self.kept.values())))

    def new_document(self) -> Document:
        """Return the document as it will be; rules that stay keep their place and their bytes."""
        base = self.document if self.document.elements(RULE_ELEMENT) else Document.empty()
        changed: dict[int, Element | None] = {e.number: e.new for e in self.edits if e.number is not None}
        added = [edit.new for edit in self.written if edit.number is None and edit.new is not None]
        roles = [n for n, piece in enumerate(base.pieces) if piece.named(ROLE_ELEMENT)]
        if roles and base.text(ROLE_ELEMENT) == self.role:
            return base.edited(changed, added)
        element = role_element(self.role)
        if roles:
            return base.edited(changed | {roles[0]: element}, added)
        return base.edited(changed, added, first=element)

    def calls(self) -> tuple[Call, ...]:
        if self.count == 0:
            return (
                self._delete("remove the last rule" if len(self.edits) == 1 else f"remove all {len(self.edits)} rules"),
            )
        put = Call(
            id="put",
            operation=PUT,
            target=self.bucket,
            summary=self._summary(),
            idempotent=True,
            body={"xml": str(self.new_document())},
            preserves=self._foreign(),
        )
        if self.dialect.is_ceph and any(edit.moves for edit in self.edits):
            return self._delete("remove all rules for a moment: Ceph crashes on a new destination"), put
        return (put,)

    def _delete(self, summary: str) -> Call:
        return Call(
            id="delete", operation=DELETE, target=self.bucket, summary=summary, idempotent=True, leaves_absent=True
        )

    def _foreign(self) -> tuple[str, ...]:
        owned = {known.identity for known in self.state.relationships if known.owned} if self.state else set()
        return tuple(sorted(identity for identity in self.kept.values() if identity not in owned))

    def _summary(self) -> str:
        foreign = len(self._foreign())
        counts = {
            "new": sum(edit.before is None for edit in self.written),
            "changed": sum(edit.before is not None for edit in self.written),
            "removed": len(self.edits) - len(self.written),
            "kept": len(self.kept) - foreign,
            "foreign kept": foreign,
        }
        parts = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
        return f"write {self.count} rule{'' if self.count == 1 else 's'}: {parts}"

    # What stands in the way -----------------------------------------------------------------------------------

    def findings(self) -> Iterator[Finding]:
        """Yield the reasons why this cannot be written."""
        if not self.written:
            return
        first = self.written[0].change.replication
        yield from self._elsewhere(first)
        for edit in self.written:
            for problem in conflicts(cast("Settings", edit.after), self.dialect.flavour):
                yield replace(problem, hint=f"{problem.hint} (the live rule has the other setting)").of(
                    edit.change.replication
                )
        if not self.dialect.is_ceph:
            yield from self._roles()
            yield from self._legacy(first)
            yield from self._priorities()
        yield from self._size(first)

    def _elsewhere(self, replication: str) -> Iterator[Finding]:
        destinations = [text_at(_element(self.document, n), "Destination/Bucket") or "" for n in self.kept]
        if any(name.startswith(_ALARIK) for name in destinations):
            yield Problem(
                "REPL-W022", ("source", "provider"), "This is Alarik, which does not take rules over S3",
                f"{self.bucket} shows rules that lead to {_ALARIK}...: Alarik tells of them over S3, answers 501 to "
                "PutBucketReplication, and DeleteBucketReplication would remove every target and rule.",
                "describe the server with a Provider of the type `alarik`, and name that one here",
            ).of(replication)  # fmt: skip

    def _roles(self) -> Iterator[Finding]:
        if len(set(self.roles.values())) > 1:
            listed = "; ".join(f"{name}: {role}" for name, role in sorted(self.roles.items()))
            for name in self.roles:
                yield Problem(
                    "REPL-W018", ("s3", "role"), "A bucket has one role for all its rules",
                    f"Replications of {self.bucket} want different roles. {listed}.",
                    "write the same role everywhere, best once as `role` of the provider",
                ).of(name)  # fmt: skip
        if not self.role and self.dialect.flavour is Flavour.AWS:
            for edit in self.written:
                yield Problem(
                    "REPL-W017", ("s3", "role"), "No role to copy with",
                    f"{self.bucket} has no replication role yet, and none is given.",
                    "add `role: arn:aws:iam::<account>:role/<name>` to the provider, or `s3.role` here",
                ).of(edit.change.replication)  # fmt: skip

    def _legacy(self, replication: str) -> Iterator[Finding]:
        old = [
            identity for n, identity in self.kept.items() if is_legacy(_element(self.document, n), self.dialect)
        ]  # fmt: skip
        if old:
            yield Problem(
                "REPL-W019", ("source", "bucket"), "Rules of the first schema stand in the way",
                f"{self.bucket} has rules of schema V1 ({', '.join(sorted(old))}); S3 takes only rules of one schema "
                "together, and new ones are V2.",
                "adopt each of them with a Replication that has `s3: {id: ...}`; it is rewritten in the same call",
            ).of(replication)  # fmt: skip

    def _priorities(self) -> Iterator[Finding]:
        holders: dict[int, list[str]] = {}
        for number, identity in self.kept.items():
            if (priority := priority_of(_element(self.document, number))) is not None:
                holders.setdefault(priority, []).append(identity)
        for edit in self.written:
            priority = cast("int", part(cast("Settings", edit.after), "s3")["priority"])
            holders.setdefault(priority, []).append(rule_id_of(cast("Element", edit.new)))
        for edit in self.written:
            priority = cast("int", part(cast("Settings", edit.after), "s3")["priority"])
            own = rule_id_of(cast("Element", edit.new))
            others = [identity for identity in holders[priority] if identity != own]
            if others:
                yield Problem(
                    "REPL-W020", ("s3", "priority"), "The priority is taken",
                    f"Priority {priority} in {self.bucket} belongs to {', '.join(others)}.",
                    "choose another number, or leave `priority` out on a new rule",
                ).of(edit.change.replication)  # fmt: skip

    def _size(self, replication: str) -> Iterator[Finding]:
        size = len(str(self.new_document()).encode())
        if self.count > RULES_MAX or size > _BYTES_MAX:
            yield Problem(
                "REPL-W021", ("source", "bucket"), "Too many rules for one bucket",
                f"{self.bucket} would have {self.count} rules in {size:,} bytes; S3 takes {RULES_MAX} in "
                f"{_BYTES_MAX:,}.",
                "cover several prefixes with one rule",
            ).of(replication)  # fmt: skip


def _element(document: Document, number: int) -> Element:
    return cast("Element", document.pieces[number].element)


def _aim(change: Change, diff: ContainerDiff, document: Document, named: dict[int, str]) -> _Aim:
    here = change.observed_in in (None, diff.container)
    known = change.observed if change.observed is not None and here else change.desired
    number = next((n for n, identity in named.items() if known is not None and identity == known.identity), None)
    return _Aim(
        change=change,
        number=number,
        live=None if number is None else _element(document, number),
        stays=change.desired is not None and change.container == diff.container,
    )


def _free_priorities(kept: Sequence[int | None], aims: Sequence[_Aim]) -> list[int]:
    """Give each aim a priority, for the case that it has none: above all that are in use, in the order of names."""
    used = {priority for priority in (*kept, *(aim.priority for aim in aims)) if priority is not None}
    given = []
    for aim in aims:
        above = max(used | {0}) + 1
        free = above if above <= PRIORITY_MAX else next(n for n in count(1) if n not in used)
        given.append(free)
        if aim.stays and aim.priority is None:
            used.add(free)
    return given
