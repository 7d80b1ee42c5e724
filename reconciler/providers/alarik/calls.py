"""The calls of a plan, as data: what each write sends, and what it may find there. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from reconciler.model.step import Call
from reconciler.model.value import Json
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.convert import Replication, Rule, Target
from reconciler.providers.alarik.order import PutRules, PutTargets, Write

__all__ = ["put_calls", "resync_call"]


def put_calls(live: Replication, bucket: str, order: Sequence[Write]) -> Iterator[Call]:
    """Yield a call for each write. Entries that stay as they are show only their id: they go as read right before."""
    expect = _expected(live, order)
    last_targets = next((one.targets for one in reversed(order) if isinstance(one, PutTargets)), live.targets)
    last_rules = next((one.rules for one in reversed(order) if isinstance(one, PutRules)), live.rules)
    targets, rules, seen = live.targets, live.rules, {"targets": 0, "rules": 0}
    for number, write in enumerate(order, start=1):
        what = "targets" if isinstance(write, PutTargets) else "rules"
        seen[what] += 1
        if isinstance(write, PutTargets):
            operation, summary = convert.PUT_TARGETS, _targets_summary(targets, write)
            entries = [_entry(one, sent=one.id in write.sent) for one in write.targets]
            targets = write.targets
        else:
            operation, summary = convert.PUT_RULES, _rules_summary(rules, write)
            entries = [{"id": one.id} if one in live.rules else convert.rule_json(one) for one in write.rules]
            rules = write.rules
        kept = () if isinstance(write, PutTargets) else tuple(sorted(one.id for one in rules if one in live.rules))
        yield Call(
            id=what if seen[what] == 1 else f"{what}-{seen[what]}",
            operation=operation,
            target=bucket,
            summary=summary,
            idempotent=True,
            guarded=True,
            body={"bucket": bucket, "expect": expect, what: [*entries]},
            leaves_absent=number == len(order) and not last_targets and not last_rules,
            preserves=kept,
        )


def resync_call(replication: str, bucket: str, rule: Rule) -> Call:
    """Return the call that sends everything below a rule's prefix. Sent twice it sends everything twice."""
    return Call(
        id=f"resync-{replication}",
        operation=convert.RESYNC,
        target=rule.id,
        summary=f"send everything in {convert.place_of(bucket, rule)} once",
        idempotent=False,
        body={"bucket": bucket, "rule": rule.id},
        copies=(replication,),
    )


def _entry(target: Target, *, sent: bool) -> dict[str, Json]:
    """Return a target to be written; one that stays as it is shows only its id."""
    return convert.target_json(target) if sent else {"id": target.id}


def _expected(live: Replication, order: Sequence[Write]) -> dict[str, Json]:
    """Return what both lists may look like while this plan is carried out, so that each write can look first.

    `kept`: there and unchanged. `gone`: unchanged or gone already. `written`: by this plan, in any state.
    """
    sent = {name for one in order if isinstance(one, PutTargets) for name in one.sent}
    targets = [one.targets for one in order if isinstance(one, PutTargets)]
    rules = [one.rules for one in order if isinstance(one, PutRules)]
    stay = {one.id for one in (targets[-1] if targets else live.targets)}
    final = {one.id: one for one in (rules[-1] if rules else live.rules)}
    changed = {name for name, one in final.items() if live.rule(name) != one}
    old_targets = {one.id: convert.target_digest(one) for one in live.targets if one.id not in sent}
    old_rules = {one.id: convert.rule_digest(one) for one in live.rules if one.id not in changed}
    return {
        "targets": _states(old_targets, stay, sent),
        "rules": _states(old_rules, final.keys(), changed),
    }


def _states(old: Mapping[str, str], stay: AbstractSet[str], written: AbstractSet[str]) -> dict[str, Json]:
    return {
        "kept": {name: value for name, value in old.items() if name in stay},
        "gone": {name: value for name, value in old.items() if name not in stay},
        "written": [*sorted(written)],
    }


def _targets_summary(before: Sequence[Target], write: PutTargets) -> str:
    known, after = {one.id for one in before}, {one.id for one in write.targets}
    return _summary("target", len(write.targets), {
        "new": len(write.sent - known),
        "written anew with the secret": len(write.sent & known),
        "kept": len(write.targets) - len(write.sent),
        "removed": len(known - after),
    })  # fmt: skip


def _rules_summary(before: Sequence[Rule], write: PutRules) -> str:
    known = {one.id: one for one in before}
    after = {one.id for one in write.rules}
    return _summary("rule", len(write.rules), {
        "new": len(after - known.keys()),
        "changed": sum(one.id in known and known[one.id] != one for one in write.rules),
        "kept": sum(known.get(one.id) == one for one in write.rules),
        "removed": len(known.keys() - after),
    })  # fmt: skip


def _summary(what: str, number: int, counts: dict[str, int]) -> str:
    parts = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"write {number} {what}{'' if number == 1 else 's'}: {parts or 'none left'}"
