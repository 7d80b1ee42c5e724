"""Comparisons of all objects over real HTTP and real folders: every kind of store, read through connections that refuse
to write, with nothing written."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.clock import SystemClock
from reconciler.emulators.certificate import Certificate
from reconciler.model.manifest import VerifySpec
from reconciler.model.relationship import Flow
from reconciler.model.verification import Level, Outcome, Verification
from reconciler.providers.base import Access, Connection, Provider, ProviderType
from reconciler.testing.host import Host
from reconciler.testing.memory import Secrets
from reconciler.verify.run import Job, verify
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness
from tests.contract.harnesses.scp import ScpHarness
from tests.contract.test_canary import Bench, bench
from tests.lab.world import eventually

__all__ = ["bench"]

LARGE = 9 * 1024 * 1024


class Tomorrow(SystemClock):
    """A day later, so that nothing that a test writes is too new."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


def compared(job: Job, level: str, *, canary: bool = False, secrets: Any = None) -> Verification:
    (answer,) = verify(
        [job], run_id="compare", clock=Tomorrow(), parallelism=4, level=Level(level), canary=canary,
        secrets=secrets or Secrets(), stop=threading.Event(), emit=lambda _line: None,
    )  # fmt: skip
    return answer


def seen(answer: Verification) -> dict[str, str]:
    assert answer.compared is not None, answer.reason
    assert answer.compared.complete, answer.reason
    return {one.key: one.verdict.value for one in answer.compared.differences}


# S3 and Qumulo -----------------------------------------------------------------------------------------------------


def reading(bench: Bench, job: Job) -> Job:
    """The same job over connections that refuse to write."""
    kinds: dict[str, ProviderType] = {"aws": bench.s3[2], "nas": bench.nas[2]}

    def opened(doc: Any) -> Provider:
        provider = kinds[doc.name].connect(
            Connection(doc=doc, secrets=bench.secrets, access=Access.READ, base=bench.base, workspace="test")
        )
        bench.stack.callback(provider.close)
        return provider

    flow = job.flow
    return replace(
        job, provider=opened(flow.owner), source=opened(flow.source), destination=opened(flow.destination)
    )  # fmt: skip


def put(bench: Bench, bucket: str, key: str, body: bytes = b"data", **more: Any) -> None:
    bench.world.s3().put_object(Bucket=bucket, Key=key, Body=body, **more)


def put_in_parts(bench: Bench, bucket: str, key: str) -> None:
    s3 = bench.world.s3()
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    parts = []
    for number, body in enumerate((b"p" * 5 * 1024 * 1024, b"q" * 1024), start=1):
        sent = s3.upload_part(Bucket=bucket, Key=key, PartNumber=number, UploadId=upload, Body=body)
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


@pytest.fixture
def pair(bench: Bench) -> Job:
    """A rule whose objects have arrived, and what was done to some of them behind its back."""
    bucket, copy = bench.bucket(), bench.bucket()
    job = bench.live(bench.s3, {"bucket": bucket, "prefix": "app/"}, bench.s3, {"bucket": copy}, existing="copy")
    keys = ["app/a b", "app/\u00e9", "app/\uffff", "app/\U00010000", "app/dir/", "app//x", "app/flipped", "app/gone"]
    for key in keys:
        put(bench, bucket, key)
    put(bench, bucket, "elsewhere")
    put_in_parts(bench, bucket, "app/parts")
    for key in [*keys, "app/parts"]:
        eventually(lambda key=key: bench.world.s3().head_object(Bucket=copy, Key=key) if there(bench, copy, key) else 0)
    put(bench, copy, "app/flipped", b"dat4")
    put(bench, copy, "app/extra")
    bench.world.s3().delete_object(Bucket=copy, Key="app/gone")
    return job


def there(bench: Bench, bucket: str, key: str) -> bool:
    return any(
        one["Key"] == key for one in bench.world.s3().list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
    )


@pytest.mark.parametrize(
    ("level", "found"),
    [
        ("presence", {"gone": "+", "extra": "-"}),
        ("size", {"gone": "+", "extra": "-"}),
        ("hash", {"flipped": "*", "gone": "+", "extra": "-"}),
        ("bytes", {"flipped": "*", "gone": "+", "extra": "-"}),
    ],
)
def test_s3_to_s3(bench: Bench, pair: Job, level: str, found: dict[str, str]) -> None:
    before = bench.world.last_request()
    answer = compared(reading(bench, pair), level)
    assert (answer.outcome, seen(answer)) == (Outcome.FAILED, found)
    sent = bench.world.requests("s3", before)
    assert sent
    assert {request["method"] for request in sent} <= {"GET", "HEAD"}
    assert answer.compared is not None
    assert answer.compared.source_objects == 9
    # A multipart ETag is no checksum of the object.
    assert answer.compared.weaker == (1 if level == "hash" else 0)


def test_a_canary_and_then_all_objects(bench: Bench, pair: Job) -> None:
    copy = str(pair.flow.spec.destination.bucket)
    put(bench, copy, "app/gone")
    put(bench, copy, "app/flipped")
    answer = compared(pair, "bytes", canary=True, secrets=bench.secrets)
    assert (answer.outcome, answer.reason, seen(answer)) == (Outcome.PROVED, "", {"extra": "-"})
    names = [check.name for check in answer.checks]
    assert names.index("canary arrived") < names.index("objects")
    assert "objects written before" not in answer.not_checked
    assert answer.compared is not None
    assert answer.compared.bytes_compared > 5 * 1024 * 1024


def test_a_qumulo_directory_to_s3(bench: Bench) -> None:
    bucket, folder = bench.bucket(), bench.folder()
    job = bench.live(bench.nas, {"path": folder}, bench.s3, {"bucket": bucket, "prefix": "v1/"})
    source = job.source.store(job.provider.ends(job.flow)[0])
    for key in ("a-b", "a/b", "a0", "deep/er/file"):
        write(source, key, b"content")
    first = compared(reading(bench, job), "size")
    assert set(seen(first)) == {"a-b", "a/b", "a0", "deep/er/file"}
    answer = compared(job, "hash", canary=True, secrets=bench.secrets)
    assert (answer.outcome, answer.reason) == (Outcome.PROVED, "")
    assert answer.compared is not None
    assert (answer.compared.match, answer.compared.weaker, answer.compared.reached) == (0, 4, Level.SIZE)
    put(bench, bucket, "v1/a/b", b"c0ntent")
    before = bench.world.last_request()
    assert seen(compared(reading(bench, job), "bytes")) == {"a/b": "*"}
    sent = [*bench.world.requests("s3", before), *bench.world.requests("nas-1", before)]
    # A login is a POST; it is how this system is read.
    assert {request["method"] for request in sent if "session" not in request["path"]} <= {"GET", "HEAD"}


def write(store: Any, key: str, content: bytes) -> None:
    import io

    store.write(key, io.BytesIO(content), len(content))


def test_a_provider_that_goes_away_in_the_middle_is_a_failure_with_its_place(bench: Bench, pair: Job) -> None:
    copy = str(pair.flow.spec.destination.bucket)
    bench.world.fault(emulator="s3", operation="ListObjectsV2", path=copy, kind="status", status=403, times=99)
    answer = compared(pair, "size")
    assert answer.outcome is Outcome.FAILED
    assert "the listing of the destination broke off at its beginning" in answer.reason


# SCP: through mounted folders --------------------------------------------------------------------------------------


@pytest.fixture
def scp(tmp_path: Path, certificate: Certificate) -> Iterator[ScpHarness]:
    with closing(ScpHarness(tmp_path, certificate)) as harness:
        yield harness


@pytest.fixture
def volumes(scp: ScpHarness, tmp_path: Path) -> Iterator[tuple[Host, Job, Path, Path]]:
    """A replication that has run, and the folders of both volumes."""
    flow = scp.flow("files", schedule={"every": "1h"}, verify={"level": "status"})
    source = scp.mount(scp.source(flow))
    source.mkdir(parents=True, exist_ok=True)
    (source / "deep").mkdir()
    for name in ("a", "a-b", "deep/b\n", "deep/é", "z"):
        (source / name).write_bytes(b"content")
    with closing(Host(scp, tmp_path / "state")) as host, ExitStack() as stack:
        host.converge(flow)
        replica = scp.mount(scp.replications()[scp.number(flow)]["replication_volume_id"])
        scp.eventually((replica / "z").exists)
        yield host, job_of(stack, host, scp, mounted(flow, source, replica)), source, replica


def mounted(flow: Flow, source: Path, replica: Path) -> Flow:
    mounts = {"mounts": {"source": str(source), "destination": str(replica)}, "level": "hash", "within": "2h"}
    return replace(flow, spec=flow.spec.model_copy(update={"verify": VerifySpec.model_validate(mounts)}))


def job_of(stack: ExitStack, host: Host, harness: Any, flow: Flow) -> Job:
    ends = [harness.connect(Access.READ, name) for name in (flow.source.name, flow.destination.name)]
    for end in ends:
        stack.callback(end.close)
    return Job(
        flow=flow, provider=ends[0], relationship=host.present(flow), source=ends[0], destination=ends[1]
    )  # fmt: skip


def test_scp_volumes_through_their_mounts(scp: ScpHarness, volumes: tuple[Host, Job, Path, Path]) -> None:
    _, job, source, replica = volumes
    answer = compared(job, "bytes")
    assert (answer.outcome, answer.reason, seen(answer)) == (Outcome.PROVED, "", {})
    assert answer.compared is not None
    assert (answer.compared.match, answer.compared.bytes_compared) == (5, 35)
    (replica / "deep" / "b\n").write_bytes(b"c0ntent")
    (replica / "a-b").unlink()
    (source / "z").write_bytes(b"more content")
    (replica / "left").write_bytes(b"x")
    scp.mark()
    assert seen(compared(job, "size")) == {"a-b": "+", "left": "-", "z": "*"}
    assert seen(compared(job, "bytes")) == {"a-b": "+", "deep/b\n": "*", "left": "-", "z": "*"}
    weaker = compared(job, "hash")
    assert seen(weaker) == {"a-b": "+", "left": "-", "z": "*"}
    assert any("no checksum in common" in word for word in weaker.not_checked)
    assert not [sent for sent in scp.requests() if sent.write]


def test_volumes_that_are_not_mounted_cannot_be_compared(volumes: tuple[Host, Job, Path, Path]) -> None:
    _, job, source, _ = volumes
    bare = replace(job, flow=replace(job.flow, spec=job.flow.spec.model_copy(update={"verify": VerifySpec()})))
    assert compared(bare, "size").outcome is Outcome.NOT_CHECKED
    away = compared(replace(job, flow=mounted(job.flow, source, source.parent / "not-mounted")), "size")
    assert away.outcome is Outcome.FAILED
    assert "the listing of the destination broke off at its beginning" in away.reason


# CloneCloudStore ---------------------------------------------------------------------------------------------------


def test_sites_of_clonecloudstore(tmp_path: Path, certificate: Certificate) -> None:
    with closing(CloneCloudStoreHarness(tmp_path, certificate)) as sites:
        flow = sites.flow("stock", existing="copy", deletes="replicate", verify={"level": "status"})
        for index in range(5):
            sites.write("stock", f"o/{index}", f"content {index}".encode())
        with closing(Host(sites, tmp_path / "state")) as host, ExitStack() as stack:
            host.converge(flow)
            sites.settle()
            job = job_of(stack, host, sites, flow)
            for level in ("size", "bytes"):
                answer = compared(job, level)
                assert (answer.outcome, answer.reason, seen(answer)) == (Outcome.PROVED, "", {})
            sites.mark()
            answer = compared(job, "hash")
            assert answer.compared is not None
            assert (answer.outcome, answer.compared.weaker) == (Outcome.PROVED, 5)
            sites.emulator.sites["site-b"].storage.write(("stock", "o/3"), b"c0ntent 3")
            assert seen(compared(job, "bytes")) == {"o/3": "*"}
            sites.switch(fail_next_pulls=1_000)
            sites.write("stock", "o/lost")
            sites.settle()
            assert seen(compared(job, "size")) == {"o/lost": "+"}
            assert not [sent for sent in sites.requests() if sent.write]
