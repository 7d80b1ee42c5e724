"""CloneCloudStore over any desired and any live world: an apply leaves nothing to do, writes only what differs, and
orders each object once; what no call leads out of is what the next plan holds, and it is never ordered again.

What is expected is worked out from the rows of the sites, without a line of the provider's.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, note, settings

from reconciler.emulators.clonecloudstore.records import Bucket
from reconciler.model.change import Action
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.testing.host import Host
from tests.lab.clonecloudstore import CLIENT
from tests.property.clonecloudstore_oracle import DELETE, Expected, World, judged, least_writes, world_of
from tests.property.clonecloudstore_shapes import worlds
from tests.property.clonecloudstore_worlds import Quick, Story, Wish

EXAMPLES = 500
OPERATIONS = {
    "POST /administration/topologies": "addTopology",
    "PUT /administration/topologies": "updateTopology",
    "POST /administration/ownerships": "addOwnership",
    "PUT /administration/ownerships": "updateOwnership",
    "DELETE /administration/ownerships": "deleteOwnership",
    "POST /replicator/remote/orders": "createOrder",
    "POST /replicator/remote/orders/multiple": "createOrders",
}
OFTEN: dict[str, int] = {
    "create": 50, "adopt": 50, "update": 30, "delete": 30, "none": 50, "blocked": 50,
    "nothing at all to do": 30, "two ways": 30, "three sites": 100, "DOWN": 20, "bucket ordered": 50,
    "bucket half made": 10, "right lowered": 20, "right raised": 20, "copied": 50, "replaced": 10, "pruned": 10,
    "dead end": 10, "name or address wrong": 20, "lost receipts": 20, "two sources": 30, "goes on": 5,
    "one is silent": 10, "rights believed": 20, "being deleted": 5, "would live again": 5, "resumed by another": 5,
}  # fmt: skip
"""How often each must have been seen at least, so that no assertion below is about nothing."""


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quick]:
    harness = Quick(tmp_path_factory.mktemp("ccs"))
    yield harness
    harness.end()


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("hurry")
def test_apply_then_plan_holds_what_is_blocked_alone_and_nothing_is_written_without_a_difference(
    sites: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All that was ordered is carried out between two looks, so that nothing is to be had by more patience.
    monkeypatch.setattr("reconciler.providers.clonecloudstore.progress.QUIET_LOOKS", 1)
    monkeypatch.setattr("reconciler.providers.clonecloudstore.progress.STUCK_LOOKS", 2)
    seen: Counter[str] = Counter()

    @given(story=worlds())
    @settings(max_examples=EXAMPLES)
    def explore(story: Story) -> None:
        note(str(story))
        sites.begin(story)
        with tempfile.TemporaryDirectory() as folder:
            host = Host(sites, Path(folder))
            _converged(sites, host, story.wanted, seen, prune=False)
            sites.touch(story)
            if story.forgotten:
                host.forget()
                seen["lost receipts"] += 1
            _converged(sites, host, story.later, seen, prune=True)
        seen["three sites"] += any("site-c" in wish.way for wish in story.wanted)

    explore()
    assert not {what: (seen[what], least) for what, least in OFTEN.items() if seen[what] < least}, seen


# What happens -----------------------------------------------------------------------------------------------------


def _converged(sites: Quick, host: Host, wishes: Sequence[Wish], seen: Counter[str], *, prune: bool) -> None:
    world = world_of(sites, host)
    plan, expected = _planned(sites, host, world, wishes, prune=prune)
    blocked = {name for name, one in expected.items() if one.errors}
    if blocked:
        seen["blocked"] += 1
        seen["being deleted"] += any("REPL-W613" in one.errors for one in expected.values())
        assert not plan.applyable
        wishes = [wish for wish in wishes if wish.name not in blocked]
        plan, expected = _planned(sites, host, world, wishes, prune=prune)
        assert not plan.errors, plan.errors
    gone = _pruned(plan, world, {wish.name for wish in wishes})
    _noted(seen, world, plan, wishes, expected)
    sites.clear()
    taken = len(sites.ordered())
    failing = {name for name, one in expected.items() if one.fails}
    if plan.active_changes:
        receipt = host.apply(plan)
        told = [(r.code, r.detail) for r in receipt.results]
        assert (receipt.outcome is RunOutcome.DONE) == (not failing), told
    shared = _shared(wishes)
    written, least = _made(sites), least_writes(world, wishes, expected, gone)
    assert _besides(written, shared) == _besides(least, shared)
    _as_planned(plan, written, shared | {wish.destination for wish in gone})
    sites.quiet()
    _ordered_once(sites, wishes, expected, taken)
    after = world_of(sites, host)
    for wish in wishes:
        _as_wished(world, after, wish, expected[wish.name])
    _others_untouched(world, after, wishes, expected, gone)
    for wish in gone:
        assert world.live(wish) or _would_live(world, after, wish)
        seen["would live again"] += not world.live(wish)
    _left(sites, host, wishes, expected, prune=prune)
    seen["owed"] += len(failing)


def _planned(
    sites: Quick, host: Host, world: World, wishes: Sequence[Wish], *, prune: bool = False
) -> tuple[Plan, dict[str, Expected]]:
    """The plan, and what is expected. The two are held against each other."""
    plan = host.plan(*(sites.wished(wish) for wish in wishes), prune=prune)
    assert plan.complete
    expected = judged(world, wishes)
    changes = {change.replication: change for change in plan.changes if change.action is not Action.DELETE}
    assert {name: one.action for name, one in changes.items()} == {name: one.action for name, one in expected.items()}
    assert {(one.replication, one.code) for one in plan.errors} == {
        (name, code) for name, one in expected.items() for code in one.errors
    }
    return plan, expected


def _pruned(plan: Plan, world: World, kept: set[str]) -> list[Wish]:
    """What a receipt has, nobody wants any more, and is still live: no more and no less is deleted, but for what others
    need the rights of, at either end, and what this plan would bring back."""
    deleted = sorted(change.replication for change in plan.changes if change.action is Action.DELETE)
    if not plan.options.prune:
        assert not deleted
        return []
    known = {name: _wish_of(name) for name in (world.receipt.replications if world.receipt else {})}
    gone = {name: wish for name, wish in known.items() if name not in kept}
    needed = {(site, wish.bucket) for wish in map(_wish_of, kept) for site in (wish.source, wish.destination)}
    free = {name for name, wish in gone.items() if (wish.destination, wish.bucket) not in needed}
    live = {name for name, wish in gone.items() if world.live(wish)}
    assert free & live <= set(deleted) <= free
    assert {one.replication for one in plan.findings if one.code == "REPL-W005"} == live - free
    return [gone[name] for name in deleted]


def _would_live(before: World, after: World, wish: Wish) -> bool:
    """Whether rights are all that it lacks now."""
    held = after.lists.get(wish.way)
    known = held is not None and held.status in ("UP", "DOWN") and wish.way[::-1] in after.lists
    return known and before.bits((wish.destination, wish.bucket)) & 3 == 3


def _shared(wishes: Sequence[Wish]) -> set[str]:
    """Sites to which one bucket comes from several others: each pair may order it, whoever is the first."""
    places = Counter((wish.destination, wish.bucket) for wish in wishes)
    return {site for (site, _), count in places.items() if count > 1}


def _besides(writes: Counter[Any], shared: AbstractSet[str]) -> Counter[Any]:
    return Counter({key: n for key, n in writes.items() if not (key[0].startswith("createOrder") and key[1] in shared)})


def _wish_of(name: str) -> Wish:
    bucket, _, ends = name.partition("-")
    return Wish(f"site-{ends[0]}", f"site-{ends[1]}", bucket, {})


def _made(sites: Quick) -> Counter[Any]:
    """The writes that the provider has sent, by operation and site. All were accepted."""
    rows: Any = sites.wire.log.since(0, "ccs")["requests"]
    ours = [row for row in rows if row["write"] and str(row["agent"]).startswith("repl/")]
    assert all(row["status"] < 300 for row in ours)
    return Counter((row["operation"], row["part"].rpartition("-")[0]) for row in ours)


def _as_planned(plan: Plan, written: Counter[Any], shared: AbstractSet[str]) -> None:
    """Of the calls that a plan shows only orders for objects may be left out, where none is left to order; and at sites
    that several others lead to, what one of them has done already."""
    shown: Counter[Any] = Counter()
    rounds: Counter[Any] = Counter()
    for item in plan.containers:
        for call in item.calls:
            if call.operation in OPERATIONS:
                key = OPERATIONS[call.operation], call.target.split()[0].partition("/")[0]
                (rounds if "/" in call.target.split()[0] else shown)[key] += 1
    assert not written - shown - rounds, "something was written that no plan has shown"
    left = {key for key in shown - written if key[1] not in shared}
    assert not left, "something was shown and not written"


def _ordered_once(sites: Quick, wishes: Sequence[Wish], expected: Mapping[str, Expected], taken: int) -> None:
    """Each object that must be fetched or deleted was ordered once, and no other."""
    done = [one for one in sites.ordered()[taken:] if one["objectName"]]
    made = Counter((one["toSite"], one["bucketName"], one["objectName"], one["action"]) for one in done)
    meant: Counter[Any] = Counter()
    for wish in wishes:
        copy, place = expected[wish.name].copy, (wish.destination, wish.bucket)
        replaced = copy.different if wish.spec.get("conflicts") == "replace" else set()
        pruned = copy.extra if wish.spec.get("prune") else set()
        meant.update((*place, name, "CREATE") for name in copy.absent | replaced)
        meant.update((*place, name, "DELETE") for name in replaced | pruned)
    assert made == meant
    assert all(one["outcome"] == "applied" for one in done), done


def _as_wished(before: World, after: World, wish: Wish, one: Expected) -> None:
    assert after.live(wish)
    assert after.listed(*wish.way)
    assert after.listed(*wish.way[::-1])
    there, spec = (wish.destination, wish.bucket), wish.spec
    if "state" in spec:
        assert after.lists[wish.way].status == {"active": "UP", "paused": "DOWN"}[spec["state"]]
    if "deletes" in spec:
        assert bool(after.bits(there) & DELETE) == (spec["deletes"] == "replicate")
    source, held = (after.objects.get((site, wish.bucket), {}) for site in wish.way)
    if one.clones:
        for name in {key for key, row in source.items() if row.status == "READY"} - one.copy.stuck:
            if name not in one.copy.different or spec.get("conflicts") == "replace":
                assert held[name].status == "READY"
                assert after.bytes[*there, name] == after.bytes[wish.source, wish.bucket, name]
        for name in one.copy.extra:
            assert held[name].status == ("DELETED" if spec.get("prune") else "READY")
    else:
        assert held == before.objects.get(there, {})


def _others_untouched(
    before: World, after: World, wishes: Sequence[Wish], expected: Mapping[str, Expected], gone: Sequence[Wish]
) -> None:
    busy = [wish for wish in wishes if expected[wish.name].busy]
    touched = {way for wish in busy for way in (wish.way, wish.way[::-1])}
    places = {(wish.destination, wish.bucket) for wish in (*busy, *gone)}
    for held, was, known in (
        (after.lists, before.lists, touched),
        ({key: _plain(row) for key, row in after.rows.items()}, {k: _plain(r) for k, r in before.rows.items()}, places),
        (after.objects, before.objects, {(w.destination, w.bucket) for w in busy if expected[w.name].clones}),
    ):
        assert {key for key in {*held, *was} if held.get(key) != was.get(key)} <= known
    ours = {(site, CLIENT, bucket) for site, bucket in places}
    assert {key: held for key, held in after.rights.items() if key not in ours} == {
        key: held for key, held in before.rights.items() if key not in ours
    }


def _plain(row: Bucket) -> tuple[str, str]:
    """What others have begun is finished meanwhile."""
    return row.client, "READY" if row.status == "UPLOAD" else row.status


def _left(sites: Quick, host: Host, wishes: Sequence[Wish], done: Mapping[str, Expected], *, prune: bool) -> None:
    """The next plan is empty, or holds the copies that cannot be, and to apply that writes nothing."""
    failing = {name for name, one in done.items() if one.fails}
    world = world_of(sites, host)
    plan, expected = _planned(sites, host, world, wishes, prune=prune)
    assert not _pruned(plan, world, {wish.name for wish in wishes})
    pairs = {frozenset(wish.way) for wish in wishes if wish.name in failing}
    for wish in wishes:
        if frozenset(wish.way) not in pairs:
            assert expected[wish.name].action is Action.NONE
        if wish.name in failing:
            assert expected[wish.name].clones
    sites.clear()
    if failing:
        assert host.apply(plan).outcome is not RunOutcome.DONE
    assert not _made(sites), "what cannot be is ordered again and again"
    if not failing:
        assert not plan.active_changes
        assert not plan.containers


def _noted(
    seen: Counter[str], world: World, plan: Plan, wishes: Sequence[Wish], expected: Mapping[str, Expected]
) -> None:
    """Count what has come up."""
    seen.update(change.action.value for change in plan.changes)
    seen["nothing at all to do"] += bool(wishes) and not plan.active_changes
    calls: list[Any] = [call for item in plan.containers for call in item.calls]
    seen["right lowered"] += any(call.operation.startswith("DELETE") for call in calls)
    seen["right raised"] += any(call.operation.startswith("PUT /administration/owner") for call in calls)
    seen["bucket ordered"] += any("buckets-" in call.id for call in calls)
    seen["two sources"] += bool(_shared(wishes))
    seen["goes on"] += any(one.code == "REPL-W005" for one in plan.findings)
    seen["rights believed"] += any("rights-known" in step.id for item in plan.containers for step in item.awaits)
    seen["resumed by another"] += any(one.clones and one.action is Action.NONE for one in expected.values())
    ways = {wish.way for wish in wishes}
    seen["one is silent"] += any(len({"state" in one.spec for one in wishes if one.way == way}) > 1 for way in ways)
    seen["two ways"] += any(way[::-1] in ways for way in ways)
    for wish in wishes:
        one, busy = expected[wish.name], expected[wish.name].action is not Action.NONE
        known = [world.lists.get(way) for way in (wish.way, wish.way[::-1])]
        seen["DOWN"] += busy and any(held is not None and held.status == "DOWN" for held in known)
        seen["name or address wrong"] += any(
            held is not None and not world.listed(*way)
            for held, way in zip(known, (wish.way, wish.way[::-1]), strict=True)
        )
        seen["bucket half made"] += world.status((wish.destination, wish.bucket)) == "UPLOAD"
        seen["copied"] += bool(one.copy.absent)
        seen["replaced"] += bool(one.copy.different) and wish.spec.get("conflicts") == "replace"
        seen["pruned"] += bool(one.copy.extra) and bool(wish.spec.get("prune"))
        seen["dead end"] += one.fails
