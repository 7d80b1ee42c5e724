"""Canaries over real HTTP: S3 to S3, a Qumulo cluster to S3, and back, each with nothing left behind."""

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from reconciler.clock import SystemClock
from reconciler.model.change import Action, Change, ContainerDiff, Reason
from reconciler.model.manifest import Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.observation import HealthState
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.model.verification import Outcome, Verdict, Verification
from reconciler.providers.base import Access, Connection, Provider, ProviderType, Store
from reconciler.providers.qumulo import TYPE as QUMULO
from reconciler.providers.s3 import TYPE as S3
from reconciler.testing.memory import Secrets
from reconciler.verify.run import Job, verify
from tests.lab.world import RunningWorld

_numbers = itertools.count()
ROLE = "arn:aws:iam::111122223333:role/repl"


@dataclass
class Bench:
    """The world of emulators, with providers opened on it."""

    world: RunningWorld
    base: Path
    stack: ExitStack

    def __post_init__(self) -> None:
        s3, nas = self.world.emulator("s3"), self.world.emulator("nas-1")
        self.secrets = Secrets(S3=s3["secret_key"], NAS=nas["password"])
        keys = {"accessKeyId": s3["access_key"], "secretAccessKey": {"env": "S3"}}
        url = urlsplit(nas["url"])
        self.s3 = self._open("aws", S3, {
            "endpoint": s3["https"], "region": s3["region"], "caFile": self.world.ca, "role": ROLE, "credentials": keys,
        })  # fmt: skip
        self.nas = self._open("nas", QUMULO, {
            "host": url.hostname, "port": url.port, "caFile": self.world.ca, "username": nas["username"],
            "password": {"env": "NAS"},
        })  # fmt: skip

    def _open(
        self, name: str, kind: ProviderType, config: dict[str, Any]
    ) -> tuple[ProviderDoc, Provider, ProviderType]:
        spec = ProviderSpec(type=kind.info.type, config=kind.info.config.model_validate(config))
        doc = ProviderDoc(api_version="repl/v1", kind="Provider", metadata=Metadata(name=name), spec=spec)
        provider = kind.connect(
            Connection(doc=doc, secrets=self.secrets, access=Access.WRITE, base=self.base, workspace="test")
        )
        self.stack.callback(provider.close)
        return doc, provider, kind

    def bucket(self) -> str:
        name = f"canary-{next(_numbers)}"
        region = self.world.emulator("s3")["region"]
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.world.s3().create_bucket(Bucket=name, **where)
        self.world.s3().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def folder(self) -> str:
        name = f"/canary-{next(_numbers)}"
        self.world.control("POST", "/emulators/nas-1/actions/make-directory", {"path": name})
        return name

    def live(self, source: Any, there: dict[str, str], destination: Any, here: dict[str, str], **spec: Any) -> Job:
        """Create one flow and describe it to `verify`."""
        side = "source" if source is self.nas or destination is self.s3 else "destination"
        owner, peer = (source, destination) if side == "source" else (destination, source)
        name = f"flow-{next(_numbers)}"
        flow = Flow(
            name=name, workspace="test", labels={}, source=source[0], destination=destination[0], owner_side=side,  # type: ignore[arg-type]
            peer_s3=peer[2].s3_endpoint(peer[0].spec.config, self.base),
            spec=ReplicationSpec.model_validate({
                "source": {"provider": source[0].name, **there},
                "destination": {"provider": destination[0].name, **here},
                "verify": {"within": "20s"}, **spec,
            }),
        )  # fmt: skip
        provider: Provider = owner[1]
        desired, ref = provider.normalise(flow), provider.container(flow)
        change = Change(
            id="c1", replication=name, provider=owner[0].name, type="t", title="t", action=Action.CREATE,
            reason=Reason.NEW_IN_MANIFEST, container=ref, desired=desired,
        )  # fmt: skip
        state = provider.observe(provider.scope(flow)).container(ref)
        facts = (source[1].inspect(flow.spec.source), destination[1].inspect(flow.spec.destination))
        steps = provider.steps(
            ContainerDiff(container=ref, state=state, changes=(change,), flows={name: flow}, facts={name: facts})
        )
        assert steps.findings == ()
        for step in steps.steps:
            if isinstance(step, Call):
                provider.execute(step, self.secrets)
        found = provider.observe(provider.scope(flow)).containers
        live = next(r for state in found for r in state.relationships if r.identity == desired.identity)
        return Job(flow=flow, provider=provider, relationship=live, source=source[1], destination=destination[1])

    def verify(
        self, *jobs: Job, stop: threading.Event | None = None, others: Sequence[Job] = ()
    ) -> tuple[Verification, ...]:
        return verify(
            jobs, run_id=f"run-{next(_numbers)}", clock=SystemClock(), secrets=self.secrets, others=others,
            stop=stop or threading.Event(), emit=lambda _: None,
        )  # fmt: skip


@pytest.fixture
def bench(clean_world: RunningWorld, tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(clean_world, tmp_path, stack)


def left(*stores: Store) -> list[str]:
    return [facts.key for store in stores for facts in store.list(".repl-canary")]


def ends(job: Job) -> tuple[Store, Store]:
    source, destination = job.provider.ends(job.flow)
    return job.source.store(source), job.destination.store(destination)


def verdicts(answer: Verification) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in answer.checks}


def test_s3_to_s3(bench: Bench) -> None:
    bucket, copy = bench.bucket(), bench.bucket()
    job = bench.live(
        bench.s3, {"bucket": bucket, "prefix": "app/"}, bench.s3, {"bucket": copy},
        deletes="replicate", storageClass="STANDARD_IA",
    )  # fmt: skip
    (answer,) = bench.verify(job)
    assert (answer.outcome, answer.reason) == (Outcome.PROVED, "")
    assert answer.lag_s is not None
    equal = {"canary written", "canary arrived", "size", "sha256", "metadata", "storage class", "delete", "cleanup"}
    assert verdicts(answer) == dict.fromkeys(equal, Verdict.MATCH)
    for name in (bucket, copy):
        assert "Versions" not in (listed := bench.world.s3().list_object_versions(Bucket=name))
        assert "DeleteMarkers" not in listed


def test_s3_to_s3_that_does_not_copy(bench: Bench) -> None:
    bucket, copy = bench.bucket(), bench.bucket()
    job = bench.live(bench.s3, {"bucket": bucket}, bench.s3, {"bucket": copy}, verify={"within": "2s"})
    bench.world.s3().put_bucket_versioning(Bucket=copy, VersioningConfiguration={"Status": "Suspended"})
    (answer,) = bench.verify(job)
    assert answer.outcome is Outcome.FAILED
    assert "did not arrive within 2 s: the source's replication status is " in answer.reason
    assert left(*ends(job)) == []


def test_a_cluster_to_s3_starts_a_job(bench: Bench) -> None:
    job = bench.live(bench.nas, {"path": bench.folder()}, bench.s3, {"bucket": bench.bucket(), "prefix": "v1/"})
    (answer,) = bench.verify(job)
    assert (answer.outcome, answer.reason) == (Outcome.PROVED, "")
    assert {"job started", "canary arrived", "sha256", "health", "cleanup"} <= verdicts(answer).keys()
    assert "user metadata, which one end does not hold" in answer.not_checked
    assert left(*ends(job)) == []
    assert list(ends(job)[0].list()) == []


def test_s3_to_a_cluster_starts_a_job(bench: Bench) -> None:
    bucket = bench.bucket()
    bench.world.s3().put_object(Bucket=bucket, Key="raw/seen", Body=b"1")
    job = bench.live(bench.s3, {"bucket": bucket, "prefix": "raw/"}, bench.nas, {"path": bench.folder()})
    (answer,) = bench.verify(job)
    assert (answer.outcome, answer.reason) == (Outcome.PROVED, "")
    assert "job started" in verdicts(answer)
    assert left(*ends(job)) == []
    assert [facts.key for facts in ends(job)[1].list()] == ["seen"]


def test_a_job_that_runs_already_is_waited_for(bench: Bench) -> None:
    """It listed the directory before the canary was there, so that its end proves nothing."""
    bench.world.switch("nas-1", job_seconds=1.5)
    job = bench.live(bench.nas, {"path": bench.folder()}, bench.s3, {"bucket": bench.bucket()})
    assert job.relationship is not None
    assert job.provider.health(job.relationship).state is HealthState.RUNNING
    (answer,) = bench.verify(job)
    assert answer.outcome is Outcome.PROVED
    assert [check.name for check in answer.checks].count("job started") == 1
    assert left(*ends(job)) == []


def test_stopping_cleans_up_at_both_ends(bench: Bench) -> None:
    bench.world.switch("nas-1", job_seconds=5)
    job = bench.live(bench.nas, {"path": bench.folder()}, bench.s3, {"bucket": bench.bucket()})
    stop = threading.Event()
    timer = threading.Timer(1.0, stop.set)
    timer.start()
    (answer,) = bench.verify(job, stop=stop)
    timer.join()
    assert (answer.outcome, answer.reason) == (Outcome.NOT_CHECKED, "interrupted")
    assert left(*ends(job)) == []


def test_many_at_a_time(bench: Bench) -> None:
    bucket = bench.bucket()
    jobs = [bench.live(bench.s3, {"bucket": bucket}, bench.s3, {"bucket": bench.bucket()}) for _ in range(3)]
    answers = bench.verify(*jobs)
    assert [answer.outcome for answer in answers] == [Outcome.PROVED] * 3
    assert left(*(store for job in jobs for store in ends(job))) == []
    assert Location(provider="aws", bucket=bucket) == jobs[0].flow.spec.source


def versions(bench: Bench, bucket: str) -> list[str]:
    """Keys of all versions and delete markers of canaries."""
    listed = bench.world.s3().list_object_versions(Bucket=bucket)
    keys = [item["Key"] for part in ("Versions", "DeleteMarkers") for item in listed.get(part, [])]
    return [key for key in keys if "canary" in key]


def test_an_s3_rule_carries_on_what_the_cluster_wrote(bench: Bench) -> None:
    bucket, copy = bench.bucket(), bench.bucket()
    job = bench.live(bench.nas, {"path": bench.folder()}, bench.s3, {"bucket": bucket, "prefix": "v1/"})
    onward = bench.live(bench.s3, {"bucket": bucket}, bench.s3, {"bucket": copy}, deletes="replicate")
    mark = bench.world.last_request()
    (answer,) = bench.verify(job, others=[replace(onward, relationship=None)])
    assert (answer.outcome, verdicts(answer)["cleanup"]) == (Outcome.PROVED, Verdict.MATCH)
    written = [entry["path"] for entry in bench.world.requests("s3", mark) if entry["method"] == "DELETE"]
    assert [path for path in written if path.startswith(f"/{copy}/v1/.repl-canary/")]
    assert versions(bench, bucket) == versions(bench, copy) == []


def test_flows_of_all_kinds_from_one_bucket(bench: Bench) -> None:
    """Each takes the other's canary too: rules at once, the cluster whenever its job begins."""
    bucket, copy = bench.bucket(), bench.bucket()
    jobs = [
        bench.live(bench.s3, {"bucket": bucket}, bench.s3, {"bucket": copy}, deletes="replicate"),
        bench.live(bench.s3, {"bucket": bucket, "prefix": "raw/"}, bench.nas, {"path": bench.folder()}),
        bench.live(bench.s3, {"bucket": bucket}, bench.nas, {"path": bench.folder()}),
    ]
    answers = bench.verify(*jobs)
    assert [(answer.outcome, answer.reason, verdicts(answer)["cleanup"]) for answer in answers] == [
        (Outcome.PROVED, "", Verdict.MATCH)
    ] * 3
    assert versions(bench, bucket) == versions(bench, copy) == []
    assert [facts.key for job in jobs[1:] for facts in ends(job)[1].list() if "canary" in facts.key] == []
