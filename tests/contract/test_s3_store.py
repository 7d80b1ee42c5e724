"""Objects of three unlike servers: the emulated world, moto (takes every key), and rclone on a directory (does not)."""

import hashlib
import io
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pytest

from reconciler.errors import ErrorCode
from reconciler.model.manifest import Location
from reconciler.providers.base import Access
from reconciler.providers.s3.provider import S3Provider
from reconciler.providers.s3_objects import S3Store
from tests.contract.store_calls import KEYS, in_order, listed, put
from tests.lab.moto_server import fill
from tests.lab.provider_error import failed
from tests.lab.rclone import ObjectServer
from tests.lab.world import RunningWorld
from tests.unit.providers.s3.connections import Secrets, keys, opened

_numbers = itertools.count()

ALL_KEYS = (*KEYS, "//")
UNFIT = {
    ("rclone", "/lead"): "a name on a disk is not empty",
    ("rclone", "//"): "a name on a disk is not empty",
    ("rclone", "a//b"): "a name on a disk is not empty",
    ("rclone", "dir/"): "a folder on a disk is no object",
    ("moto", "new\nline"): "its routes end at a line's end",
    ("emulator", "//"): "it takes a path of slashes for the bucket",
}
"""What a server cannot hold, and why: its limits, not the store's."""
IN_THE_WAY = ("a", "a/b", "😀")
"""On a disk these stand in the way of other keys, for which they would have to be folders."""


@dataclass(frozen=True)
class Server:
    name: str
    provider: S3Provider
    client: Any

    def bucket(self, *, versioned: bool = False) -> str:
        name = f"store-{next(_numbers)}"
        self.client.create_bucket(Bucket=name)
        if versioned:
            self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def store(self, prefix: str = "", *, versioned: bool = False) -> S3Store:
        return self.provider.store(Location(provider="p", bucket=self.bucket(versioned=versioned), prefix=prefix))


def _settings(server: ObjectServer) -> dict[str, Any]:
    return {
        "endpoint": f"https://127.0.0.1:{server.port}", "ca_file": str(server.ca), "flavour": "generic",
        "credentials": keys(server.access_key), "secrets": Secrets({"SECRET": server.secret_key}),
    }  # fmt: skip


@pytest.fixture(scope="module")
def moto(odd_objects: ObjectServer) -> Iterator[Server]:
    with opened(**_settings(odd_objects)) as provider:
        yield Server("moto", provider, odd_objects.client())


@pytest.fixture(scope="module")
def rclone(objects: ObjectServer) -> Iterator[Server]:
    with opened(**_settings(objects)) as provider:
        yield Server("rclone", provider, objects.client())


@pytest.fixture(scope="module")
def emulator(world: RunningWorld) -> Iterator[Server]:
    described = world.emulator("s3")
    secrets = Secrets({"SECRET": described["secret_key"]})
    # Buckets of this region need no constraint, as on the other servers.
    with opened(
        endpoint=described["https"], ca_file=world.ca, credentials=keys(described["access_key"]), secrets=secrets
    ) as provider:
        yield Server("emulator", provider, world.s3(region="us-east-1"))


@pytest.fixture(params=["emulator", "moto", "rclone"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["emulator", "moto"])
def versioned(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


class TestKeys:
    @pytest.mark.parametrize("key", ALL_KEYS, ids=repr)
    def test_every_key_goes_in_and_comes_out_as_it_is(self, server: Server, key: str) -> None:
        if (server.name, key) in UNFIT:
            pytest.skip(f"{server.name} cannot hold {key!r}: {UNFIT[server.name, key]}")
        store = server.store()
        content = key.encode()
        put(store, key, content)
        assert listed(store) == [key]
        assert store.read(key).read() == content
        facts = store.head(key)
        assert facts is not None
        assert (facts.key, facts.size) == (key, len(content))
        store.purge(key)
        assert listed(store) == []

    def test_all_of_them_together_are_listed_by_their_bytes(self, server: Server) -> None:
        store = server.store()
        kept = [key for key in ALL_KEYS if (server.name, key) not in UNFIT]
        if server.name == "rclone":
            kept = [key for key in kept if key not in IN_THE_WAY]
        for key in random.Random(7).sample(kept, len(kept)):
            put(store, key)
        assert listed(store) == in_order(kept)
        assert listed(store, "a/") == in_order([key for key in kept if key.startswith("a/")])
        assert listed(store, "nothing") == []

    @pytest.mark.parametrize("prefix", ["p/", "/", "p", "a//", "ä b+%20&<"])
    def test_keys_are_relative_to_the_location_whatever_it_is_called(self, moto: Server, prefix: str) -> None:
        store = moto.store(prefix)
        moto.client.put_object(Bucket=store._bucket, Key="elsewhere", Body=b"x")
        for key in ("", "/lead", "k"):
            put(store, key)
        assert listed(store) == ["", "/lead", "k"]
        raw = moto.client.list_objects_v2(Bucket=store._bucket)["Contents"]
        assert {item["Key"] for item in raw} == {"elsewhere", prefix, f"{prefix}/lead", f"{prefix}k"}
        for key in ("", "/lead", "k"):
            store.delete(key)
        assert listed(store) == []

    def test_many_pages_are_one_listing(self, moto: Server) -> None:
        store = moto.store()
        wanted = in_order([f"{number:x}/{number}" for number in range(1203)])
        fill(store._bucket, wanted)
        assert listed(store) == wanted


class TestObjects:
    def test_bytes_metadata_and_tags_arrive(self, server: Server) -> None:
        store = server.store()
        content = random.Random(3).randbytes(300_000)
        given = store.write(
            "k", io.BytesIO(content), len(content), metadata={"Run": "7 ä"[:1]}, tags={"class": "hot +/=", "b": ""}
        )
        digest = hashlib.sha256(content).hexdigest()
        assert given.checksums["sha256"] == digest
        facts = store.head("k")
        assert facts is not None
        assert facts.size == len(content)
        assert facts.etag == given.etag == hashlib.md5(content).hexdigest()
        assert facts.metadata.get("run") == "7"
        assert facts.modified_at is not None
        assert facts.modified_at.tzinfo is not None
        with store.read("k") as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == digest
        if server.name != "rclone":  # it keeps neither checksums nor tags
            assert facts.checksums["sha256"] == digest
            tags = server.client.get_object_tagging(Bucket=store._bucket, Key="k")["TagSet"]
            assert {tag["Key"]: tag["Value"] for tag in tags} == {"class": "hot +/=", "b": ""}

    def test_an_empty_object_is_an_object(self, server: Server) -> None:
        store = server.store()
        put(store, "empty", b"")
        assert [(facts.key, facts.size) for facts in store.list()] == [("empty", 0)]
        assert store.read("empty").read() == b""

    def test_what_is_not_there_is_none_or_an_error(self, server: Server) -> None:
        store = server.store()
        assert store.head("none") is None
        assert failed(lambda: store.read("none")).code is ErrorCode.NOT_FOUND
        store.delete("none")
        store.purge("none")

    def test_a_bucket_that_is_not_there_is_an_error(self, server: Server) -> None:
        store = server.provider.store(Location(provider="p", bucket="no-such-bucket-here"))
        for act in (lambda: listed(store), lambda: put(store, "k"), lambda: store.delete("k"), lambda: store.read("k")):
            assert failed(act).code is ErrorCode.NOT_FOUND

    @pytest.mark.parametrize("size", [0, 3, 5])
    def test_another_size_than_announced_is_refused_before_anything_is_sent(self, moto: Server, size: int) -> None:
        store = moto.store()
        assert failed(lambda: store.write("k", io.BytesIO(b"four"), size)).code is ErrorCode.INVALID_ARGUMENT
        assert listed(store) == []

    def test_more_than_one_request_takes_is_refused(self, moto: Server) -> None:
        store = moto.store()
        assert failed(lambda: store.write("k", io.BytesIO(b""), 5 * 1024**3 + 1)).code is ErrorCode.INVALID_ARGUMENT

    @pytest.mark.parametrize("make", ["pipe", "offset"])
    def test_streams_that_cannot_be_read_twice_are_written_too(self, moto: Server, make: str) -> None:
        class Pipe(io.BytesIO):
            def seekable(self) -> bool:
                return False

        data: BinaryIO = Pipe(b"content")
        if make == "offset":
            data = io.BytesIO(b"before content")
            data.seek(len("before "))
        store = moto.store()
        store.write("k", data, len(b"content"))
        assert store.read("k").read() == b"content"

    def test_metadata_that_http_cannot_carry_is_refused(self, moto: Server) -> None:
        store = moto.store()
        assert failed(lambda: put(store, "k", metadata={"a": "ä"})).code is ErrorCode.INVALID_ARGUMENT

    def test_a_multipart_etag_and_a_checksum_of_checksums_prove_nothing(self, moto: Server) -> None:
        store = moto.store()
        upload = moto.client.create_multipart_upload(Bucket=store._bucket, Key="k", ChecksumAlgorithm="SHA256")
        where = {"Bucket": store._bucket, "Key": "k", "UploadId": upload["UploadId"]}
        body = b"x" * (5 * 1024 * 1024)
        part = moto.client.upload_part(**where, PartNumber=1, Body=body, ChecksumAlgorithm="SHA256")
        done = {"ETag": part["ETag"], "PartNumber": 1, "ChecksumSHA256": part["ChecksumSHA256"]}
        moto.client.complete_multipart_upload(**where, MultipartUpload={"Parts": [done]})
        facts = store.head("k")
        assert facts is not None
        assert facts.etag is not None
        assert facts.etag.endswith("-1")
        assert facts.checksums == {}

    def test_an_etag_is_taken_for_an_md5_only_where_aws_says_so(self, emulator: Server, moto: Server) -> None:
        for server, known in ((emulator, {"md5", "sha256"}), (moto, {"sha256"})):
            store = server.store()
            put(store, "k", b"content")
            facts = store.head("k")
            assert facts is not None
            assert set(facts.checksums) == known
        store = emulator.store()
        emulator.client.put_object(
            Bucket=store._bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="k"
        )
        facts = store.head("k")
        assert facts is not None
        assert "md5" not in facts.checksums


class TestVersions:
    def test_a_delete_leaves_a_marker_and_a_purge_leaves_nothing(self, versioned: Server) -> None:
        store = versioned.store("p/", versioned=True)
        for content in (b"1", b"2"):
            put(store, "k", content)
        put(store, "k2")
        store.delete("k")
        assert store.head("k") is None
        assert failed(lambda: store.read("k")).code is ErrorCode.NOT_FOUND
        assert listed(store) == ["k2"]
        put(store, "k", b"3")
        store.purge("k")
        left = versioned.client.list_object_versions(Bucket=store._bucket)
        assert [item["Key"] for item in left.get("Versions", [])] == ["p/k2"]
        assert left.get("DeleteMarkers", []) == []

    def test_a_purge_takes_exactly_this_key_among_many_alike(self, versioned: Server) -> None:
        store = versioned.store(versioned=True)
        others = ["k/1", "k0", "K", "kk"]
        for key in ["k", *others]:
            put(store, key)
        store.purge("k")
        assert listed(store) == in_order(others)
        store.purge("k")
        left = versioned.client.list_object_versions(Bucket=store._bucket)
        assert sorted(item["Key"] for item in left["Versions"]) == sorted(others)

    def test_versions_from_before_versioning_are_purged_too(self, versioned: Server) -> None:
        store = versioned.store()
        put(store, "k", b"1")
        enabled = {"Status": "Enabled"}
        versioned.client.put_bucket_versioning(Bucket=store._bucket, VersioningConfiguration=enabled)
        put(store, "k", b"2")
        store.purge("k")
        assert "Versions" not in versioned.client.list_object_versions(Bucket=store._bucket)

    def test_versions_have_ids(self, versioned: Server) -> None:
        store = versioned.store(versioned=True)
        given = store.write("k", io.BytesIO(b"1"), 1)
        facts = store.head("k")
        assert facts is not None
        assert facts.version_id == given.version_id
        assert facts.version_id is not None


def test_a_store_to_read_with_writes_nothing(world: RunningWorld, emulator: Server) -> None:
    name = emulator.bucket()
    described = world.emulator("s3")
    secrets = Secrets({"SECRET": described["secret_key"]})
    with opened(
        access=Access.READ, endpoint=described["https"], ca_file=world.ca, credentials=keys(described["access_key"]),
        secrets=secrets,
    ) as provider:  # fmt: skip
        store = provider.store(Location(provider="p", bucket=name))
        since = world.last_request()
        for act in (lambda: put(store, "k"), lambda: store.delete("k")):
            assert failed(act).code is ErrorCode.READ_ONLY
        assert listed(store) == []
        assert [one["operation"] for one in world.requests("s3", since)] == ["ListObjectsV2"]


def test_a_moment_of_trouble_does_not_cut_a_listing_short(clean_world: RunningWorld, emulator: Server) -> None:
    store = emulator.store()
    wanted = [f"k{number}" for number in range(5)]
    for key in wanted:
        put(store, key)
    clean_world.fault(kind="short_page", emulator="s3", operation="ListObjectsV2", page_size=2, times=None)
    clean_world.fault(kind="status", emulator="s3", operation="ListObjectsV2", status=503, retry_after=0)
    assert listed(store) == wanted
