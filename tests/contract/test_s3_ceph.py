"""The S3 provider against two emulated Ceph zones, with their losses and their crash."""

import itertools
from collections.abc import Iterator

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.step import Call, StepPlan
from reconciler.providers.base import Capability
from reconciler.providers.s3.provider import RgwProvider
from tests.contract.s3_bench import Bench, bench
from tests.lab.world import RunningWorld, eventually

_numbers = itertools.count()


@pytest.fixture(scope="module")
def opened_once(world: RunningWorld) -> Iterator[Bench]:
    with bench(world, "ceph", config={"flavour": "rgw", "role": None}, zones=("z1", "z2")) as made:
        yield made


@pytest.fixture
def ceph(opened_once: Bench, clean_world: RunningWorld) -> Bench:
    clean_world.switch("ceph", replication_lag_s=0.0)
    return opened_once


@pytest.fixture
def bucket(ceph: Bench) -> str:
    """A bucket of that name in both zones."""
    return ceph.bucket(name=f"zoned-{next(_numbers)}", versioned=False, zone="z1")


def rules(answer: StepPlan) -> set[str]:
    return {effect.rule for effect in answer.effects}


def test_ceph_is_known_for_what_it_holds(ceph: Bench) -> None:
    assert isinstance(ceph.provider, RgwProvider)
    assert Capability.DELETES not in ceph.provider.info.capabilities


@pytest.mark.parametrize("form", ["bare", "arn", "doubled_arn"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"prefix": "a/", "state": "paused"},
        {"filter": {"tags": {"k": "v"}}, "deletes": "replicate"},
        {"prefix": "a/", "filter": {"tags": {"k": "v", "l": "w"}}, "s3": {"priority": 7}},
        {"storage_class": "STANDARD"},
    ],
    ids=repr,
)
def test_whatever_ceph_makes_of_it_there_is_nothing_to_do(
    ceph: Bench, bucket: str, fields: dict[str, object], form: str
) -> None:
    ceph.world.switch("ceph", bucket_form=form)
    flow = ceph.flow(bucket, bucket, **fields)  # type: ignore[arg-type]
    assert list(ceph.provider.check(flow)) == []
    facts = ceph.provider.inspect(flow.spec.source)
    assert list(ceph.provider.preflight(flow, facts, facts)) == []
    ceph.apply(flow)
    assert ceph.differences(flow) == ()
    ceph.apply(ceph.flow(bucket, bucket, "second", prefix="b/"))
    assert ceph.differences(flow) == ()


def test_no_configuration_is_an_empty_answer(ceph: Bench, bucket: str) -> None:
    flow = ceph.flow(bucket, bucket)
    assert ceph.world.send("GET", f"/{bucket}?replication", name="ceph", zone="z1").status_code == 200
    assert ceph.state(flow) is None
    ceph.apply(flow)
    assert ceph.state(flow) is not None
    ceph.apply(gone=["repl.default.n"], at=flow)
    assert ceph.state(flow) is None


def test_objects_arrive_in_the_other_zone(ceph: Bench, bucket: str) -> None:
    ceph.apply(ceph.flow(bucket, bucket))
    ceph.put(bucket, "k", zone="z1")
    eventually(lambda: "k" in ceph.keys(bucket, zone="z2"))


def test_rgw_other_bucket(ceph: Bench, bucket: str) -> None:
    other = ceph.bucket(name=f"zoned-{next(_numbers)}", versioned=False, zone="z1")
    answer = ceph.apply(ceph.flow(bucket, other))
    assert "RGW-OTHER-BUCKET" in rules(answer)
    assert next(effect for effect in answer.effects if effect.rule == "RGW-OTHER-BUCKET").blocks
    ceph.put(bucket, "k", zone="z1")
    eventually(lambda: "k" in ceph.keys(bucket, zone="z2"))
    assert ceph.keys(other, zone="z2") == set()


def test_rgw_dest_change(ceph: Bench, bucket: str) -> None:
    """Two calls get by where one ends the server."""
    other = ceph.bucket(name=f"zoned-{next(_numbers)}", versioned=False, zone="z1")
    ceph.apply(ceph.flow(bucket, other))
    flow = ceph.flow(bucket, bucket)
    answer = ceph.apply(flow)
    assert "RGW-DEST-CHANGE" in rules(answer)
    assert [step.id for step in answer.steps] == ["delete", "put"]
    assert ceph.differences(flow) == ()
    put = answer.steps[1]
    assert isinstance(put, Call)
    assert isinstance(put.body, dict)
    in_place = put.model_copy(update={"body": {"xml": str(put.body["xml"]).replace(f":::{bucket}<", f":::{other}<")}})
    with pytest.raises(ProviderError) as caught:
        ceph.provider.execute(in_place, ceph.secrets)
    assert caught.value.ambiguous
    ceph.world.control("POST", "/emulators/ceph/actions/restart", {})
    assert ceph.state(flow) is not None


def test_a_zonegroup_without_a_policy_refuses_and_the_way_out_is_told(ceph: Bench, bucket: str) -> None:
    ceph.world.switch("ceph", sync_policy=False)
    (call,) = ceph.plan(ceph.flow(bucket, bucket)).steps
    assert isinstance(call, Call)
    with pytest.raises(ProviderError) as caught:
        ceph.provider.execute(call, ceph.secrets)
    assert caught.value.code is ErrorCode.FAILED_PRECONDITION
    assert "radosgw-admin sync group" in (caught.value.hint or "")
