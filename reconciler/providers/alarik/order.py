"""In which order both lists of a bucket can be written so that no rule ever loses its target. Pure.

The server disables each rule whose target leaves the list, and refuses a rule whose target is not in it; each list is
written whole, and never has more than four entries. Apart from `steps.py` because this is the part that must be right
whatever the changes are.
Source: Alarik 1.0.0-beta-13, InternalBucketController.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from reconciler.providers.alarik.convert import MOST, Replication, Rule, Target

__all__ = ["Aim", "PutRules", "PutTargets", "Write", "writes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutTargets:
    """One write of the list of targets."""

    targets: tuple[Target, ...]
    """In order. Those that are `sent` carry their secret; the others stay as they are."""
    sent: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRules:
    """One write of the list of rules."""

    rules: tuple[Rule, ...]


Write = PutTargets | PutRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What both lists shall be in the end."""

    rules: tuple[Rule, ...]
    sent: dict[str, Target]
    """Targets that are new, or written anew with their secret; by id."""
    leaving: frozenset[str]
    """Ids of targets that go; none of `rules` refers to one."""
    removed: frozenset[str]
    """Ids of rules that go and that no other takes the place of."""
    successors: dict[str, str] = field(default_factory=dict)
    """For each rule that is made again under another id: its id, and the new one."""
    taken_over: frozenset[str] = frozenset()
    """Ids of targets that become another target in place."""


def writes(live: Replication, aim: Aim) -> tuple[Write, ...] | None:
    """Return the fewest writes that lead there, each safe by itself; None if four places are too few on the way."""
    for variant in (aim, *_in_place(live, aim)):
        for way in (_direct, _removing_first):
            if (found := way(live, variant)) is not None:
                return found
    return None


def _direct(live: Replication, aim: Aim) -> tuple[Write, ...] | None:
    """Grow the targets, write the rules, shrink the targets. None if the grown list is too long."""
    if any(rule.id in aim.removed and rule.target_id in aim.taken_over for rule in live.rules):
        return None  # for a moment it would deliver to a place that was never meant for it
    final = _targets(live, aim, keep=frozenset())
    if not aim.sent:
        return (*_rules(live.rules, aim.rules), *_shrunk(live.targets, final))
    # Where no rule changes, what goes is in nobody's use and can go with the same write.
    grown = _targets(live, aim, keep=_used(live.rules))
    if len(grown) > MOST:
        return None
    first = PutTargets(targets=grown, sent=frozenset(aim.sent))
    return (first, *_rules(live.rules, aim.rules), *_shrunk(grown, final))


def _removing_first(live: Replication, aim: Aim) -> tuple[Write, ...] | None:
    """Make room: take out the rules that go for good, then do the rest. None if that gives no room."""
    staying = tuple(rule for rule in live.rules if rule.id not in aim.removed)
    grown = _targets(live, aim, keep=_used(staying))
    if staying == live.rules or not aim.sent or len(grown) > MOST:
        return None
    final = _targets(live, aim, keep=frozenset())
    return (
        PutRules(rules=staying),
        PutTargets(targets=grown, sent=frozenset(aim.sent)),
        *_rules(staying, aim.rules),
        *_shrunk(grown, final),
    )


def _in_place(live: Replication, aim: Aim) -> Iterator[Aim]:
    """Yield aims in which one more new target takes over the id, and so the place, of one that goes.

    That needs no room, and is sound where every rule of the old one moves to the new one.
    """
    known = {target.id for target in live.targets}
    for old in sorted(aim.leaving & known):
        after = {rule.id: rule.target_id for rule in aim.rules}
        users = [rule.id for rule in live.rules if rule.target_id == old and rule.id not in aim.removed]
        goals = {after.get(aim.successors.get(user, user)) for user in users}
        goal = next(iter(goals)) if len(goals) == 1 else None
        if goal is None or goal not in aim.sent or goal in known:
            continue
        sent = {name: one for name, one in aim.sent.items() if name != goal}
        aim = replace(
            aim,
            rules=tuple(replace(one, target_id=old) if one.target_id == goal else one for one in aim.rules),
            sent=sent | {old: replace(aim.sent[goal], id=old)},
            leaving=aim.leaving - {old},
            taken_over=aim.taken_over | {old},
        )
        yield aim


def _targets(live: Replication, aim: Aim, keep: frozenset[str]) -> tuple[Target, ...]:
    """Return the list with what is sent, without what goes but for what is in `keep`; in the server's order."""
    stays = [one for one in live.targets if one.id not in aim.leaving or one.id in keep]
    known = {one.id for one in live.targets}
    return (
        *(aim.sent.get(one.id, one) for one in stays),
        *(new for name, new in aim.sent.items() if name not in known),
    )


def _used(rules: tuple[Rule, ...]) -> frozenset[str]:
    """Return the targets that rules refer to, disabled ones included: they would never come back by themselves."""
    return frozenset(rule.target_id for rule in rules)


def _rules(before: tuple[Rule, ...], after: tuple[Rule, ...]) -> tuple[PutRules, ...]:
    return (PutRules(rules=after),) if before != after else ()


def _shrunk(before: tuple[Target, ...], after: tuple[Target, ...]) -> tuple[PutTargets, ...]:
    """Drop the secrets of what was just sent: for the second write it is known."""
    ids = [one.id for one in after]
    return (PutTargets(targets=after, sent=frozenset()),) if [one.id for one in before] != ids else ()
