"""Each effect that is predicted really happens in the emulated world."""

from collections.abc import Iterator

import pytest

from reconciler.errors import ProviderError
from reconciler.model.step import Call, StepPlan
from tests.contract.s3_bench import Bench, bench
from tests.lab.world import RunningWorld, eventually


@pytest.fixture(scope="module")
def opened_once(world: RunningWorld) -> Iterator[Bench]:
    with bench(world, "s3") as made:
        yield made


@pytest.fixture
def aws(opened_once: Bench, clean_world: RunningWorld) -> Bench:
    clean_world.switch("s3", replication_lag_s=0.0)
    return opened_once


@pytest.fixture
def pair(aws: Bench) -> tuple[str, str]:
    return aws.bucket(), aws.bucket()


def rules(answer: StepPlan) -> set[str]:
    return {effect.rule for effect in answer.effects}


def arrives(aws: Bench, source: str, destination: str, key: str) -> None:
    aws.put(source, key)
    eventually(lambda: key in aws.keys(destination))


def test_s3_no_retro(aws: Bench, pair: tuple[str, str]) -> None:
    source, destination = pair
    aws.put(source, "before")
    assert rules(aws.apply(aws.flow(source, destination))) == {"S3-NO-RETRO"}
    arrives(aws, source, destination, "after")
    assert aws.keys(destination) == {"after"}


def test_s3_no_retro_after_a_pause(aws: Bench, pair: tuple[str, str]) -> None:
    source, destination = pair
    aws.apply(aws.flow(source, destination))
    assert rules(aws.apply(aws.flow(source, destination, state="paused"))) == {"S3-UNPROTECTED"}
    aws.put(source, "meanwhile")
    assert rules(aws.apply(aws.flow(source, destination, state="active"))) == {"S3-NO-RETRO"}
    arrives(aws, source, destination, "after")
    assert aws.keys(destination) == {"after"}


def test_s3_unprotected(aws: Bench, pair: tuple[str, str]) -> None:
    source, destination = pair
    flow = aws.flow(source, destination)
    aws.apply(flow)
    arrives(aws, source, destination, "before")
    assert rules(aws.apply(gone=["repl.default.n"], at=flow)) == {"S3-UNPROTECTED"}
    aws.put(source, "after")
    facts = aws.client().head_object(Bucket=source, Key="after")
    assert "ReplicationStatus" not in facts
    assert aws.keys(destination) == {"before"}


def test_s3_dest_change(aws: Bench, pair: tuple[str, str]) -> None:
    source, destination = pair
    aws.apply(aws.flow(source, destination))
    arrives(aws, source, destination, "first")
    other = aws.bucket()
    assert rules(aws.apply(aws.flow(source, other))) == {"S3-DEST-CHANGE"}
    arrives(aws, source, other, "second")
    assert aws.keys(other) == {"second"}
    assert aws.keys(destination) == {"first"}


def test_s3_delete_markers(aws: Bench, pair: tuple[str, str]) -> None:
    source, destination = pair
    aws.apply(aws.flow(source, destination, deletes="keep"))
    for key in ("kept", "gone"):
        arrives(aws, source, destination, key)
    aws.client().delete_object(Bucket=source, Key="kept")
    assert rules(aws.apply(aws.flow(source, destination, deletes="replicate"))) == {"S3-DELETE-MARKERS"}
    aws.client().delete_object(Bucket=source, Key="gone")
    eventually(lambda: aws.keys(destination) == {"kept"})


def test_s3_chain(aws: Bench, pair: tuple[str, str]) -> None:
    first, middle = pair
    last = aws.bucket()
    aws.apply(aws.flow(first, middle))
    aws.apply(aws.flow(middle, last))
    arrives(aws, first, middle, "copied")
    arrives(aws, middle, last, "written there")
    assert aws.keys(last) == {"written there"}
    assert "S3-CHAIN" in {rule.id for rule in aws.provider.info.effects}


def test_s3_versioning(aws: Bench, pair: tuple[str, str]) -> None:
    plain = aws.bucket(versioned=False)
    answer = aws.plan(aws.flow(pair[0], plain))
    assert "S3-VERSIONING" in rules(answer)
    (call,) = answer.steps
    assert isinstance(call, Call)
    with pytest.raises(ProviderError, match="versioning"):
        aws.provider.execute(call, aws.secrets)


def test_s3_role_change(aws: Bench, pair: tuple[str, str]) -> None:
    source, destination = pair
    aws.apply(aws.flow(source, destination, "a", prefix="a/"))
    aws.apply(aws.flow(source, destination, "b", prefix="b/"))
    other = "arn:aws:iam::111122223333:role/may-do-nothing"
    answer = aws.apply(aws.flow(source, destination, "b", prefix="b/", s3={"role": other}))
    assert rules(answer) == {"S3-ROLE-CHANGE"}
    live = aws.live(aws.flow(source, destination, "a", prefix="a/"))
    assert live is not None
    assert isinstance(live.settings["s3"], dict)
    assert live.settings["s3"]["role"] == other
