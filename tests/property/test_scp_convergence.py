"""SCP over any desired and any live world: an apply leaves nothing to do, and writes what differs and nothing else.

The service marks nothing as ours: only receipts tell what may be removed. What is expected is worked out from the
emulator's records and the documents of the service, without a line of the provider's.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, note, settings

from reconciler.emulators.scp.records import Phase, Replication
from reconciler.model.change import Action, Change
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.testing.host import Host
from tests.property.scp_oracle import (
    CREATE,
    DELETE,
    DELETE_SNAPSHOTS,
    DELETE_VOLUME,
    NAME_TAKEN,
    NO_PASSWORD,
    SET,
    Expected,
    World,
    answering,
    answers,
    candidates,
    differs,
    judged,
    pruned,
    rotated,
    world_of,
)  # fmt: skip
from tests.property.scp_worlds import SOURCES, SUFFIX, WORDS, Quick, Story, Wish, stories

NEW = "the new replication"
EXAMPLES = 500
OFTEN = {
    "create": 50, "adopt": 50, "update": 50, "replace": 50, "delete": 50, "none": 50, "blocked": 20,
    "by id": 50, "CIFS": 20, "other direction": 50, "half created": 20, "renamed by the service": 20, "backup": 20,
    "volume deleted": 20, "volume kept": 20, "password rotated": 10, "nothing at all to do": 20, "foreign": 50,
    "two changes": 20, "lost receipts": 20, "moved": 5, "twin": 50, "twin of what changes": 50, "twin of what goes": 10,
    "twin is left alone": 10,
}  # fmt: skip
"""How often each must have been seen at least, so that no assertion below is about nothing."""


Strangers = dict[str, set[str]]
"""By wish the ids of what was something else, when a receipt was last written."""


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quick]:
    harness = Quick(tmp_path_factory.mktemp("scp"))
    yield harness
    harness.end()


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("hurry")
def test_apply_then_plan_is_empty_and_nothing_is_written_without_a_difference(scp: Quick) -> None:
    seen: Counter[str] = Counter()

    @given(story=stories())
    @settings(max_examples=EXAMPLES)
    def explore(story: Story) -> None:
        note(str(story))
        scp.begin(story)
        strangers: Strangers = {}
        with tempfile.TemporaryDirectory() as folder:
            host = Host(scp, Path(folder))
            _converged(scp, host, story.wanted, seen, strangers, prune=False)
            scp.touch(story)
            if story.forgotten:
                host.forget()
                strangers.clear()
                seen["lost receipts"] += 1
            _converged(scp, host, story.later, seen, strangers, prune=True)

    explore()
    assert not {what: (seen[what], least) for what, least in OFTEN.items() if seen[what] < least}, seen


# What happens -----------------------------------------------------------------------------------------------------


def _converged(
    scp: Quick, host: Host, wishes: Sequence[Wish], seen: Counter[str], strangers: Strangers, *, prune: bool
) -> None:
    mode = str(scp.emulator.cloud.settings.backup_delete)
    world = world_of(scp, host, mode)
    scp.switch(schedule_needs_use=scp.emulator.cloud.settings.schedule_needs_use and not _stuck(scp, world, wishes))
    plan, expected = _planned(scp, host, world, wishes, strangers, prune=prune)
    blocked = {name: one.errors for name, one in expected.items() if one.errors}
    assert {(one.replication, one.code) for one in plan.errors} == {
        (name, code) for name, codes in blocked.items() for code in codes
    }
    if blocked:
        seen["blocked"] += 1
        for item in plan.containers:
            ids = {_change(plan, wish).id for wish in wishes if wish.name in blocked}
            assert not (item.steps and ids & set(item.changes)), "what is blocked would be done"
        wishes = [_mended(wish, blocked.get(wish.name, ())) for wish in wishes]
        plan, expected = _planned(scp, host, world, wishes, strangers, prune=prune)
        assert not plan.errors
    _noted(seen, world, plan, wishes, expected)
    seen["twin is left alone"] += sum(not _chosen(plan, one) and bool(strangers.get(one.name)) for one in wishes)
    scp.clear()
    flows = [scp.wished(wish) for wish in wishes]
    if plan.active_changes:
        receipt = host.apply(plan)
        assert receipt.outcome is RunOutcome.DONE, [(r.code, r.detail) for r in receipt.results]
        strangers |= {wish.name: answering(world, wish) - {_chosen(plan, wish)} for wish in wishes}
        _recorded(scp, host, world, plan)
    else:
        assert not plan.containers
    _as_planned(scp, world, plan, expected)
    _as_wished(scp, world, plan, wishes, expected)
    scp.clear()
    host.settled(*flows, prune=prune)
    assert not _writes(scp)


def _planned(
    scp: Quick, host: Host, world: World, wishes: Sequence[Wish], strangers: Strangers, *, prune: bool
) -> tuple[Plan, dict[str, Expected]]:
    """The plan, and what is expected by the names that it uses. The two are held against each other."""
    flows = {wish.name: scp.wished(wish) for wish in wishes}
    plan = host.plan(*flows.values(), prune=prune)
    assert plan.complete
    assert not [secret for secret in scp.secret_values if secret in plan.model_dump_json()]
    expected, kept = {}, set()
    for wish in wishes:
        change = _change(plan, wish)
        fitting = candidates(world, wish, strangers.get(wish.name, ()))
        chosen = _chosen(plan, wish)
        assert (chosen in fitting) if fitting else not chosen, (wish, chosen, fitting)
        assert chosen not in kept
        kept |= {chosen} if chosen else set()
        expected[wish.name] = judged(world, wish, world.replications[chosen] if chosen else None)
        assert change.action is expected[wish.name].action, (change, wish)
    gone = pruned(world, kept) if prune else {}
    deletions = {change.id: change for change in plan.changes if change.action is Action.DELETE}
    ids = {key: (one.observed.provider_id or "").partition("/")[0] for key, one in deletions.items() if one.observed}
    assert sorted(ids.values()) == sorted(gone)
    assert len(plan.changes) == len(wishes) + len(deletions)
    return plan, expected | {deletions[key].id: gone[number] for key, number in ids.items()}


def _change(plan: Plan, wish: Wish) -> Change:
    """What happens to a wish; the deletion of what it has left elsewhere bears its name, too."""
    named = [one for one in plan.changes if one.replication == wish.name and one.action is not Action.DELETE]
    (found,) = named
    return found


def _chosen(plan: Plan, wish: Wish) -> str:
    """The id of the replication that is taken for the one that is wished for; empty if there is none."""
    observed = _change(plan, wish).observed
    return (observed.provider_id or "").partition("/")[0] if observed else ""


def _recorded(scp: Quick, host: Host, world: World, plan: Plan) -> None:
    """No receipt has what was somebody else's before, unless the plan has said that it is taken over."""
    receipt = host.state.receipt()
    assert receipt is not None
    noted = {(one.relationship.provider_id or "").partition("/")[0] for one in receipt.replications.values()}
    theirs = {key for key, one in world.replications.items() if world.entry(one)[1] is None}
    taken = {(one.observed.provider_id or "").partition("/")[0] for one in plan.changes if one.observed}
    assert not noted & theirs - taken
    assert noted & scp.emulator.cloud.replications.keys() >= scp.emulator.cloud.replications.keys() - world.replications


def _stuck(scp: Quick, world: World, wishes: Sequence[Wish]) -> bool:
    """Whether some replication is paused, stays so, and should run otherwise: a service that wants it used refuses."""
    names = {wish.replica: wish for wish in wishes}
    for one in world.replications.values():
        name = world.name(one)
        wish = names.get(name) or names.get(name[:-SUFFIX])
        if wish and one.policy == "paused" and wish.spec.get("state") != "active" and differs(wish, one, None)[1]:
            return True
    return False


def _mended(wish: Wish, codes: Sequence[str]) -> Wish:
    """As the finding says how."""
    said = {NO_PASSWORD: {"password": True}, NAME_TAKEN: {"tidy": True}}
    for code in codes:
        wish = wish._replace(spec=wish.spec | said[code])
    return wish


def _writes(scp: Quick) -> list[tuple[str, str, str, Any]]:
    """Operation, target, region and body of each write that was accepted, in order."""
    found = []
    for one in scp.wire.recorder.exchanges:
        if one.method == "GET":
            continue
        parts = urlsplit(one.url)
        kind, _, number = parts.path.removeprefix("/v1/").partition("/")
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        body = json.loads(one.request_body) if one.request_body else {}
        operation = {
            ("POST", "replications"): CREATE, ("PUT", "replications"): SET, ("DELETE", "replications"): DELETE,
            ("DELETE", "volumes"): DELETE_VOLUME, ("DELETE", "snapshots"): DELETE_SNAPSHOTS,
        }[one.method, kind]  # fmt: skip
        if one.status >= 300:  # of a backup only is not known which way it ends
            assert operation == DELETE_VOLUME
            continue
        target = query["volume_id"] if operation == DELETE_SNAPSHOTS else number
        found.append((operation, target, scp.ports[str(parts.port)], body))
    return found


def _as_planned(scp: Quick, world: World, plan: Plan, expected: Mapping[str, Expected]) -> None:
    """As many writes as differences need, and those that the plan has shown."""
    written = _writes(scp)
    least = sum((one.writes for one in expected.values()), Counter[str]())
    assert Counter(operation for operation, *_ in written) == least
    shown = Counter((call.operation, call.target) for item in plan.containers for call in item.calls)
    made: Counter[tuple[str, str]] = Counter()
    for operation, target, region, body in written:
        text = json.dumps(body)
        if operation == CREATE:
            made[operation, f"{body['region']}/{body['name']}"] += 1
            assert region != body["region"]
        else:
            assert not [secret for secret in scp.secret_values if secret in text]
            made[operation, target if target in world.replications or operation != SET else NEW] += 1
            assert region == _region(scp, world, operation, target)
    snapshots = {key for key in made if key[0] == DELETE_SNAPSHOTS}
    for key in snapshots:
        made[key] = 1
    assert not made - shown, "something was written that no plan has shown"
    backups = {one.id for one in world.replications.values() if one.type == "backup"}
    unsent = shown - made
    assert all(
        operation == DELETE_SNAPSHOTS or (operation == DELETE and number in backups) for operation, number in unsent
    )
    assert not [key for key in unsent if key[0] == DELETE_SNAPSHOTS and world.snapshots[key[1]] and not backups]


def _region(scp: Quick, world: World, operation: str, target: str) -> str:
    """Where a change must be sent to: the replica's region."""
    if operation in (DELETE_VOLUME, DELETE_SNAPSHOTS):
        return world.volumes[target].region
    return (world.replications.get(target) or scp.emulator.cloud.replications[target]).replica_region


def _as_wished(scp: Quick, world: World, plan: Plan, wishes: Sequence[Wish], expected: Mapping[str, Expected]) -> None:
    cloud = scp.emulator.cloud
    after, gone = dict(cloud.replications), frozenset[str]().union(*(one.gone for one in expected.values()))
    made = after.keys() - world.replications.keys()
    creations = [name for name, one in expected.items() if one.action in (Action.CREATE, Action.REPLACE)]
    assert len(made) == len(creations)
    assert world.replications.keys() - after.keys() == gone & world.replications.keys()
    assert world.volumes.keys() - cloud.volumes.keys() == gone & world.volumes.keys()
    assert cloud.volumes.keys() - world.volumes.keys() == {after[key].replica for key in made}
    touched = set()
    for wish in wishes:
        chosen = _chosen(plan, wish)
        one = after[chosen] if wish.name not in creations else _made(scp, after, made, wish)
        touched.add(one.id)
        _holds(scp, world, wish, one, new=wish.name in creations)
    for key, one in after.items():
        if key not in touched:
            before = world.replications[key]
            assert _plain(one) == _plain(before), "somebody else's was touched"


def _made(scp: Quick, after: Mapping[str, Replication], made: set[str], wish: Wish) -> Replication:
    volumes = scp.emulator.cloud.volumes
    (found,) = [after[key] for key in made if answers(volumes[after[key].replica].name, wish.replica)]
    assert (found.source, found.replica_region) == (scp.volumes[SOURCES[wish.source][0]], wish.region)
    return found


def _holds(scp: Quick, world: World, wish: Wish, one: Replication, *, new: bool) -> None:
    spec, before = wish.spec, world.replications.get(one.id)
    usual = ("use", "hourly", None, "replication")
    held = usual if new or before is None else (before.policy, before.frequency, before.retention, before.type)
    said = {"active": "use", "paused": "paused", None: held[0]}[spec.get("state")]
    wanted = said, WORDS.get(spec.get("every", ""), held[1]), spec.get("retention", held[2]), spec.get("type", held[3])
    assert (one.policy, one.frequency, one.retention, one.type) == wanted
    assert one.phase is Phase.SETTLED or before is not None
    if new and SOURCES[wish.source][2] == "CIFS":
        assert scp.emulator.cloud.volumes[one.replica].password == world.password


def _plain(one: Replication) -> tuple[Any, ...]:
    return one.id, one.source, one.replica, one.policy, one.frequency, one.retention, one.type, one.changes


def _noted(
    seen: Counter[str], world: World, plan: Plan, wishes: Sequence[Wish], expected: Mapping[str, Expected]
) -> None:
    """Count what has come up."""
    seen.update(one.action.value for one in expected.values())
    seen["nothing at all to do"] += bool(wishes) and not plan.active_changes
    held = {key: one for key, one in world.replications.items() if world.entry(one)[1] is None}
    seen["foreign"] += len(held) > 0
    removed = [one for one in expected.values() if one.action in (Action.DELETE, Action.REPLACE)]
    kept = [one for one in removed if not one.gone & world.volumes.keys()]
    seen["volume kept"] += len(kept)
    seen["volume deleted"] += len(removed) - len(kept)
    seen["two changes"] += sum(one.action is Action.UPDATE and one.writes[SET] == 2 for one in expected.values())
    seen["moved"] += sum(change.reason.value == "moved" for change in plan.changes)
    for wish in wishes:
        busy = expected[wish.name].action is not Action.NONE
        seen["by id"] += wish.by_id and busy
        seen["CIFS"] += SOURCES[wish.source][2] == "CIFS" and busy
        seen["other direction"] += wish.source == len(SOURCES) - 1 and busy
        seen["backup"] += wish.spec.get("type") == "backup" and busy
        seen["password rotated"] += busy and rotated(world, wish)
        same = [one for one in world.replications.values() if answers(world.name(one), wish.replica)]
        twins = len(answering(world, wish)) - bool(_chosen(plan, wish))
        seen["twin"] += twins > 0
        seen["twin of what changes"] += twins > 0 and busy
        seen["twin of what goes"] += twins > 0 and expected[wish.name].action is Action.REPLACE
        seen["renamed by the service"] += any(world.name(one) != wish.replica for one in same)
        seen["half created"] += busy and any(one.phase is Phase.CREATING for one in same)
