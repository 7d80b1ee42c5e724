"""Alarik over any desired and any live world: an apply leaves nothing to do, and every write is safe by itself.

Both lists of a bucket are written whole, and nothing but the order of the writes keeps the server from disabling rules,
somebody else's among them. So every state that the server saves on the way is looked at, not only the last.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from reconciler.emulators.alarik.configuration import MASK, Configuration, Rule, Target
from reconciler.model.receipt import Receipt, RunOutcome
from reconciler.testing.host import Host
from tests.contract.harnesses.alarik import SOURCES
from tests.property.alarik_worlds import MOST, Quick, Story, Wish, stories

CROWDED = {"REPL-W410", "REPL-W411", "REPL-W418"}
RESYNC = "resyncReplicationRule"

Held = Mapping[str, Configuration]


@pytest.fixture(scope="module")
def alarik(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quick]:
    harness = Quick(tmp_path_factory.mktemp("alarik"))
    yield harness
    harness.end()


@pytest.mark.timeout(900)
@given(story=stories())
@settings(max_examples=500)
def test_apply_then_plan_is_empty_and_nothing_is_lost_on_the_way(alarik: Quick, story: Story) -> None:
    alarik.begin(story)
    with tempfile.TemporaryDirectory() as folder:
        host = Host(alarik, Path(folder))
        _applied(alarik, host, story.wanted, prune=False)
        alarik.touch(story)
        alarik.rotate(story.rotated)
        _applied(alarik, host, story.later, prune=True)


def _applied(alarik: Quick, host: Host, wishes: Sequence[Wish], *, prune: bool) -> None:
    flows = [alarik.wished(wish) for wish in wishes]
    before, receipt = _held(alarik), host.state.receipt()
    plan = host.plan(*flows, prune=prune)
    text = plan.model_dump_json()
    assert not [secret for secret in alarik.secret_values if secret in text]
    with host.quiet() as sent:
        if plan.errors:
            assert {found.code for found in plan.errors} <= CROWDED, plan.errors
            assert any(_crowded(alarik, before[bucket], bucket, wishes) for bucket in SOURCES), plan.errors
        else:
            applied = host.apply(plan)
            assert applied.outcome is RunOutcome.DONE, [(r.code, r.detail) for r in applied.results]
    writes = [one.operation for one in sent if one.write]
    saved = list(alarik.saved)
    assert bool(saved) == any(one != RESYNC for one in writes)
    after = _held(alarik)
    for bucket in SOURCES:
        _each_safe(before[bucket], [held for name, held in saved if name == bucket])
    if plan.errors:
        assert not writes
        return
    least = sum(_least(before[bucket], after[bucket]) for bucket in SOURCES)
    assert len([one for one in writes if one != RESYNC]) == least
    assert writes.count(RESYNC) == len(_due(alarik, wishes, before, after, receipt))
    for bucket in {name for name, _ in saved}:
        assert not _idle(after[bucket]), "a target, and so a key, is left over"
    for wish in wishes:
        _as_wished(alarik, wish, before, after, receipt)
    host.settled(*flows, prune=prune)


def _held(alarik: Quick) -> dict[str, Configuration]:
    alarik.saved.clear()
    return {bucket: alarik.holds(bucket) for bucket in SOURCES}


def _ours(identity: UUID) -> bool:
    return identity.version == 5


# What each write may do -------------------------------------------------------------------------------------------


def _each_safe(before: Configuration, saved: Sequence[Configuration]) -> None:
    for after in saved:
        for entries in (after.targets, after.rules):
            assert len({one.id for one in entries}) == len(entries) <= MOST
        assert not [one for one in after.targets if one.secret_key == MASK]
        if after.targets != before.targets:
            assert after.rules == before.rules, "a rule has lost its target"
        known = {one.id for one in before.targets}
        theirs = [one for one in before.rules if not _ours(one.id) and one.target in known]
        assert [one for one in after.rules if not _ours(one.id) and one.target in known] == theirs
        assert [one for one in after.targets if not _ours(one.id)] == [
            one for one in before.targets if not _ours(one.id)
        ]
        assert after != before or _idle(before), "a write without a difference"
        before = after


def _least(before: Configuration, after: Configuration) -> int:
    """How many writes of lists lead from one to the other: grow, rules, shrink, where two may be one."""
    rules = _by_id(before.rules) != _by_id(after.rules)
    old, used = _by_id(before.targets), {one.target for one in after.rules}
    grown = [one for one in after.targets if old.get(one.id) != one or one.id in used & _idle(before)]
    gone = old.keys() - _by_id(after.targets).keys()
    busy = gone & {one.target for one in before.rules}
    if not grown:
        return rules + bool(gone)
    return 1 + rules + bool(busy)


def _idle(held: Configuration) -> set[UUID]:
    """Targets of ours that no rule leads to: nobody knows whether their secret still holds, so that it is sent anew."""
    return {one.id for one in held.targets if _ours(one.id)} - {one.target for one in held.rules}


def _by_id(entries: Sequence[Any]) -> dict[UUID, Any]:
    return {one.id: one for one in entries}


def _crowded(alarik: Quick, held: Configuration, bucket: str, wishes: Sequence[Wish]) -> bool:
    """Whether not all that is wanted, and all that is there, can be in one bucket at a time."""
    here = [wish for wish in wishes if SOURCES[wish.group] == bucket]
    rules = {one.id for one in held.rules} | {UUID(alarik.identity(alarik.wished(wish))) for wish in here}
    places = {wish.to for wish in here}
    return bool(here) and (len(rules) > MOST or len(held.targets) + len(places) > MOST)


# What it comes to -------------------------------------------------------------------------------------------------


def _as_wished(alarik: Quick, wish: Wish, before: Held, after: Held, receipt: Receipt | None) -> None:
    held = after[SOURCES[wish.group]]
    rule = held.rule(UUID(alarik.identity(alarik.wished(wish))))
    assert rule is not None
    asked = alarik.ruled(wish, rule.id, rule.target)
    managed = {"state": "enabled", "deletes": "deletes", "existing": "existing", "synchronous": "synchronous"}
    assert rule.prefix == asked.prefix
    for key, member in managed.items():
        assert key not in wish.spec or getattr(rule, member) == getattr(asked, member), key
    target = held.target(rule.target)
    assert target is not None
    want = alarik.led(wish, target.id)
    for member in ("endpoint", "bucket", "access_key", "region"):
        assert getattr(target, member) == getattr(want, member)
    assert target.enabled or wish.spec.get("state") != "active"
    entry = receipt.replications.get(wish.name) if receipt else None
    if (entry is not None and entry.secrets) or before[SOURCES[wish.group]].target(target.id) is None:
        assert target.secret_key == want.secret_key


def _due(alarik: Quick, wishes: Sequence[Wish], before: Held, after: Held, receipt: Receipt | None) -> list[UUID]:
    """The rules whose existing data must be sent: `existing: copy`, and something that nobody has ever sent there."""
    found = []
    for wish in wishes:
        old, new = before[SOURCES[wish.group]], after[SOURCES[wish.group]]
        rule = new.rule(UUID(alarik.identity(alarik.wished(wish))))
        assert rule is not None
        if wish.spec.get("existing") == "copy" and _works(new, rule) and not _sent(old, new, rule, wish, receipt):
            found.append(rule.id)
    return found


def _sent(old: Configuration, new: Configuration, rule: Rule, wish: Wish, receipt: Receipt | None) -> bool:
    was = old.rule(rule.id)
    if was is None or not _works(old, was):
        return False
    there, then = new.target(rule.target), old.target(was.target)
    moved = _place(there) != _place(then)
    return was.existing and not moved and (rule.prefix or "").startswith(was.prefix or "")


def _place(target: Target | None) -> tuple[str, str] | None:
    return None if target is None else (target.endpoint, target.bucket)


def _works(held: Configuration, rule: Rule) -> bool:
    target = held.target(rule.target)
    return rule.enabled and target is not None and target.enabled
