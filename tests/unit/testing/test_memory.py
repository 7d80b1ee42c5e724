"""The reference provider keeps the contract's promises, in both grains."""

from io import BytesIO

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.change import Action, Change, ContainerDiff, FieldChange, Reason
from reconciler.model.manifest import Location
from reconciler.model.observation import HealthState, LocationFacts
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.step import Call, Ref
from reconciler.model.value import Json
from reconciler.providers.base import Access, Capability, Provider
from reconciler.testing.clock import ManualClock
from reconciler.testing.memory import (
    TYPE,
    MemoryWorld,
    Secrets,
    memory_flow,
    memory_provider,
    open_memory,
)

GRAINS = pytest.mark.parametrize("grain", ["container", "relationship"])
THERE = LocationFacts(exists=True)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> MemoryWorld:
    return MemoryWorld.create("m", clock=clock, buckets=("a", "b"))


def resolved(value: Json, returned: dict[str, dict[str, Json]]) -> Json:
    if (ref := Ref.unmarked(value)) is not None:
        return returned[ref.step][ref.field]
    if isinstance(value, dict):
        return {key: resolved(part, returned) for key, part in value.items()}
    return value


def settle(
    provider: Provider,
    flow: Flow,
    action: Action,
    *,
    fields: tuple[FieldChange, ...] = (),
    secrets: Secrets | None = None,
) -> list[str]:
    """Do what a host does for one replication; return the operations sent."""
    desired = None if action is Action.DELETE else provider.normalise(flow)
    observation = provider.observe(provider.scope(flow))
    ref = provider.container(flow)
    state = observation.container(ref)
    identity = provider.normalise(flow).identity
    live = next((r for r in state.relationships if r.identity == identity), None) if state else None
    change = Change(
        id="c1",
        replication=flow.name,
        provider=flow.owner.name,
        type="memory",
        title="t",
        action=action,
        reason=Reason.NEW_IN_MANIFEST,
        container=ref,
        fields=fields,
        desired=desired,
        observed=live,
    )
    plan = provider.steps(
        ContainerDiff(
            container=ref, state=state, changes=(change,), flows={flow.name: flow}, facts={flow.name: (THERE, THERE)}
        )
    )
    returned: dict[str, dict[str, Json]] = {}
    done = []
    for step in plan.steps:
        if isinstance(step, Call):
            sent = step.model_copy(update={"body": resolved(step.body, returned)})
            returned[step.id] = provider.execute(sent, secrets or Secrets()).returned
            done.append(step.operation)
        else:
            assert provider.poll(step.model_copy(update={"params": resolved(step.params, returned)})).done
            done.append(step.condition)
    return done


def live_of(provider: Provider, flow: Flow) -> Relationship:
    states = provider.observe(provider.scope(flow)).containers
    identity = provider.normalise(flow).identity
    return next(r for state in states for r in state.relationships if r.identity == identity)


def within(part: Json, whole: Json) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and within(value, whole[key]) for key, value in part.items())
    return part == whole


@GRAINS
@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"state": "paused"},
        {"state": "active", "deletes": "replicate", "storage_class": "COLD"},
        {"filter": {"exclude": ["*.tmp", "a"], "tags": {"x": "y"}}, "options": {"priority": 3}},
        {"filter": {"exclude": [], "tags": {}}},
    ],
)
def test_what_was_created_is_observed_as_desired(world: MemoryWorld, grain: str, spec: dict) -> None:
    doc = memory_provider("m", grain=grain)
    provider = open_memory(doc)
    flow = memory_flow("f", (doc, "a/in/"), (doc, "b/out/"), **spec)
    settle(provider, flow, Action.CREATE)
    assert within(provider.normalise(flow).settings, live_of(provider, flow).settings)
    assert len(world.requests("write")) == 1


@GRAINS
def test_an_update_keeps_what_is_not_managed_and_what_is_unknown(world: MemoryWorld, grain: str) -> None:
    doc = memory_provider("m", grain=grain)
    provider = open_memory(doc)
    settle(provider, memory_flow("f", (doc, "a"), (doc, "b"), storage_class="COLD"), Action.CREATE)
    held = next(iter(world.relationships.values())) if grain == "relationship" else world.rules["a"]["repl.test.f"]
    held.document["x-unknown"] = {"kept": True}
    flow = memory_flow("f", (doc, "a"), (doc, "b"), deletes="replicate")
    settle(provider, flow, Action.UPDATE)
    assert live_of(provider, flow).settings["storageClass"] == "COLD"
    assert live_of(provider, flow).settings["deletes"] == "replicate"
    assert held.document["x-unknown"] == {"kept": True}


def test_rules_of_others_stay_and_the_call_says_so(world: MemoryWorld) -> None:
    doc = memory_provider("m")
    provider = open_memory(doc)
    world.inject("theirs", {"source": {"bucket": "a"}, "destination": {"bucket": "b"}, "x-odd": 1})
    before = dict(world.rules["a"]["theirs"].document)
    flow = memory_flow("f", (doc, "a"), (doc, "b"))
    settle(provider, flow, Action.CREATE)
    assert [(r.identity, r.owned) for r in provider.observe(provider.scope(flow)).containers[0].relationships] == [
        ("repl.test.f", True),
        ("theirs", False),
    ]
    settle(provider, flow, Action.DELETE)
    assert list(world.rules["a"]) == ["theirs"]
    assert world.rules["a"]["theirs"].document == before


def test_removing_the_last_rule_leaves_nothing(world: MemoryWorld) -> None:
    doc = memory_provider("m")
    provider = open_memory(doc)
    flow = memory_flow("f", (doc, "a"), (doc, "b"))
    settle(provider, flow, Action.CREATE)
    assert settle(provider, flow, Action.DELETE) == ["delete-rules"]
    assert provider.observe(provider.scope(flow)).containers == ()


def test_creating_a_relationship_twice_makes_two(world: MemoryWorld) -> None:
    doc = memory_provider("m", grain="relationship")
    provider = open_memory(doc)
    flow = memory_flow("f", (doc, "a"), (doc, "b"))
    settle(provider, flow, Action.CREATE)
    settle(provider, flow, Action.CREATE)
    (state,) = provider.observe(provider.scope(flow)).containers
    assert {r.provider_id for r in state.relationships} == {"r-1", "r-2"}
    assert len({r.identity for r in state.relationships}) == 1


def test_a_job_system_ends_its_job_before_it_deletes(world: MemoryWorld) -> None:
    doc = memory_provider("m", grain="relationship", continuous=False, replace=("storageClass",))
    provider = open_memory(doc)
    world.plane.job_s = 60
    flow = memory_flow("f", (doc, "a"), (doc, "b"), existing="copy")
    assert settle(provider, flow, Action.CREATE) == ["create-relationship"]
    assert provider.health(live_of(provider, flow)).state is HealthState.RUNNING
    done = settle(provider, flow, Action.REPLACE)
    assert done == ["abort-job", "idle", "delete-relationship", "create-relationship"]
    assert list(world.relationships) == ["r-2"]


def test_a_running_job_cannot_be_started_again_or_deleted(world: MemoryWorld) -> None:
    doc = memory_provider("m", grain="relationship", continuous=False)
    provider = open_memory(doc)
    world.plane.job_s = 60
    flow = memory_flow("f", (doc, "a"), (doc, "b"))
    settle(provider, flow, Action.CREATE)
    start = provider.start(live_of(provider, flow))
    assert start is not None
    with pytest.raises(ProviderError) as raised:
        provider.execute(start, Secrets())
    assert raised.value.code is ErrorCode.CONFLICT


@GRAINS
def test_sending_everything_again_is_a_call_of_its_own(world: MemoryWorld, grain: str) -> None:
    doc = memory_provider("m", grain=grain)
    provider = open_memory(doc)
    provider.store(Location(provider="m", bucket="a")).write("old", BytesIO(b"1"), 1)
    flow = memory_flow("f", (doc, "a"), (doc, "b"), existing="copy")
    assert settle(provider, flow, Action.CREATE)[-1] == "start"
    assert provider.store(Location(provider="m", bucket="b")).head("old") is not None
    assert settle(provider, flow, Action.RESYNC) == ["start"]


@GRAINS
def test_a_token_is_sent_once_and_never_returned(world: MemoryWorld, grain: str) -> None:
    doc = memory_provider("m", grain=grain)
    provider = open_memory(doc)
    secrets = Secrets(TOKEN="hunter2hunter2")
    flow = memory_flow("f", (doc, "a"), (doc, "b"), options={"token": {"env": "TOKEN"}})
    assert set(provider.normalise(flow).write_only) == {"memory.token"}
    settle(provider, flow, Action.CREATE, secrets=secrets)
    assert secrets.asked == [("env:TOKEN", "m")]
    held = next(iter(world.relationships.values())) if grain == "relationship" else world.rules["a"]["repl.test.f"]
    assert held.token == "hunter2hunter2"
    assert "hunter2" not in provider.observe(provider.scope(flow)).model_dump_json()


def test_a_reading_connection_writes_nothing(world: MemoryWorld) -> None:
    doc = memory_provider("m")
    provider = open_memory(doc, access=Access.READ)
    flow = memory_flow("f", (doc, "a"), (doc, "b"))
    with pytest.raises(ProviderError) as raised:
        settle(provider, flow, Action.CREATE)
    assert raised.value.code is ErrorCode.READ_ONLY
    with pytest.raises(ProviderError):
        provider.store(flow.spec.source).write("k", BytesIO(b""), 0)
    assert world.requests("write") == []


def test_a_lost_answer_is_ambiguous_and_the_write_has_happened(world: MemoryWorld) -> None:
    doc = memory_provider("m", grain="relationship")
    provider = open_memory(doc)
    flow = memory_flow("f", (doc, "a"), (doc, "b"))
    world.fail("create-relationship", target=provider.container(flow).key, committed=True)
    with pytest.raises(ProviderError) as raised:
        settle(provider, flow, Action.CREATE)
    assert raised.value.ambiguous
    assert list(world.relationships) == ["r-1"]


def test_a_fault_of_one_container_leaves_others_alone(world: MemoryWorld) -> None:
    doc = memory_provider("m")
    provider = open_memory(doc)
    world.fail("*", target="bucket/a", code=ErrorCode.PERMISSION_DENIED, times=5)
    with pytest.raises(ProviderError):
        provider.observe(provider.scope(memory_flow("f", (doc, "a"), (doc, "b"))))
    assert provider.observe(provider.scope(memory_flow("g", (doc, "b"), (doc, "a")))).containers == ()


def test_copies_arrive_after_the_latency_and_are_not_copied_back(world: MemoryWorld, clock: ManualClock) -> None:
    doc = memory_provider("m")
    provider = open_memory(doc)
    world.plane.latency_s = 5
    settle(provider, memory_flow("there", (doc, "a"), (doc, "b")), Action.CREATE)
    settle(provider, memory_flow("back", (doc, "b"), (doc, "a")), Action.CREATE)
    ends = [provider.store(Location(provider="m", bucket=bucket)) for bucket in "ab"]
    ends[0].write("k", BytesIO(b"data"), 4, metadata={"M": "v"})
    assert ends[1].head("k") is None
    clock.advance(5)
    copy = ends[1].head("k")
    assert copy is not None
    assert (copy.replication_status, copy.metadata) == ("REPLICA", {"m": "v"})
    clock.advance(60)
    head = ends[0].head("k")
    assert head is not None
    assert head.replication_status == "COMPLETED"
    assert Capability.LOOP_GUARD in provider.info.capabilities


def test_capabilities_are_those_of_the_configuration() -> None:
    jobs = open_memory(memory_provider("m", grain="relationship", continuous=False, replace=("*",)))
    missing = TYPE.info.capabilities - jobs.info.capabilities
    assert missing == {
        Capability.CONTINUOUS,
        Capability.LOOP_GUARD,
        Capability.CLIENT_IDS,
        Capability.OWNERSHIP_MARK,
        Capability.UPDATE,
    }


def test_keys_are_listed_by_their_bytes(world: MemoryWorld) -> None:
    store = open_memory(memory_provider("m")).store(Location(provider="m", bucket="a", prefix="p/"))
    keys = ["é", "z", "/lead", "a//b", "dir/", "\n", "%20", "😀", "\uff5e"]
    for key in keys:
        store.write(key, BytesIO(b""), 0)
    assert [facts.key for facts in store.list()] == sorted(keys, key=str.encode)


@GRAINS
def test_everything_found_can_be_written_as_a_manifest(world: MemoryWorld, grain: str) -> None:
    doc = memory_provider("m", grain=grain)
    provider = open_memory(doc)
    flow = memory_flow("f", (doc, "a/in/"), (doc, "b/out/"), filter={"tags": {"k": "v"}}, options={"priority": 2})
    settle(provider, flow, Action.CREATE)
    (found,) = [item for seen in provider.discover() for item in provider.imported(seen)]
    spec = dict(found.spec)
    options = spec.pop("memory")
    again = memory_flow("f", (doc, "a/in/"), (doc, "b/out/"), options=options, **spec)
    assert provider.normalise(again).settings == found.relationship.settings
    assert found.source == {"provider": "m", "bucket": "a", "prefix": "in/"}


def test_an_unknown_world_is_a_host_that_does_not_answer() -> None:
    provider = open_memory(memory_provider("nowhere"))
    with pytest.raises(ProviderError) as raised:
        provider.inspect(Location(provider="nowhere", bucket="a"))
    assert raised.value.code is ErrorCode.UNAVAILABLE
