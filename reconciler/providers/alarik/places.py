"""Which id the target of a place gets. Pure.

An id follows from the place that it was made for, and a full bucket's target may have become that of another place
under the id it had. So an id that follows from a place need not be free for it: to write it anew would send whatever
uses it now elsewhere. Then the next id of that place is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.providers.alarik.convert import MOST, Replication, Target
from reconciler.providers.alarik.identity import target_id
from reconciler.providers.alarik.predict import Edit

__all__ = ["made_by", "placed"]


def placed(edits: Sequence[Edit], live: Replication, workspace: str) -> tuple[Edit, ...]:
    """Return the edits, each that asks for a target with the id that this one gets; the same for the same place.

    Ids come in as the first choice of their places.
    """
    wanted = [edit.new if edit.after and edit.new is not edit.old else None for edit in edits]
    arriving = {edit.before.id: want.id for edit, want in zip(edits, wanted, strict=True) if edit.before and want}
    chosen = {want.id: _chosen(want, live, workspace, arriving) for want in wanted if want}
    pairs = zip(edits, wanted, strict=True)
    return tuple(_renamed(edit, replace(want, id=chosen[want.id])) if want else edit for edit, want in pairs)


def made_by(workspace: str, target: Target) -> bool:
    """Say whether a target's id shows that this workspace made it: it follows from where the target leads."""
    return any(target.id in _choices(workspace, target, key, MOST + 1) for key in (target.key, None))


def _chosen(want: Target, live: Replication, workspace: str, arriving: Mapping[str, str]) -> str:
    """Return the id of a target that leads there already, else the first that nothing else uses.

    `arriving`: for each rule that goes to a new target, the first choice of that target's place.
    """
    choices = _choices(workspace, want, want.key, max(MOST, len(live.targets)) + 1)
    there = {one.id: one for one in live.targets}
    busy = {rule.target_id for rule in live.rules if arriving.get(rule.id) != want.id}
    leading = (one for one in choices if one in there and there[one].leads_like(want))
    free = (one for one in choices if one not in there or one not in busy)
    return next(leading, None) or next(free)


def _choices(workspace: str, place: Target, key: str | None, number: int) -> list[str]:
    """Return the ids that the target of a place can have, the first choice first."""
    where = {"endpoint": place.endpoint, "bucket": place.bucket, "region": place.region}
    return [target_id(workspace, **where, access_key_id=key, number=one) for one in range(number)]


def _renamed(edit: Edit, new: Target) -> Edit:
    return replace(edit, new=new, after=replace(edit.after, target_id=new.id) if edit.after else None)
