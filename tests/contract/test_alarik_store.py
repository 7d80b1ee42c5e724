"""Objects of Alarik through its S3 face, over emulated servers; every exchange is held against the S3 model."""

import hashlib
import io
import random

import pytest

from reconciler.emulators.faults import Fault
from reconciler.errors import ErrorCode, ExitCode
from reconciler.providers.alarik.client import AlarikClient
from reconciler.providers.alarik.store import AlarikStore
from reconciler.providers.base import Access
from tests.contract.alarik_host import bucket, client, connected
from tests.contract.store_calls import KEYS, in_order, listed, put
from tests.lab.alarik import Lab, Server
from tests.lab.alarik_pair import here, lab
from tests.lab.provider_error import failed
from tests.unit.providers.s3.connections import Secrets

__all__ = ["bucket", "client", "here", "lab"]


@pytest.fixture
def store(client: AlarikClient, bucket: str) -> AlarikStore:
    return AlarikStore(client, bucket, "")


class TestKeys:
    def test_all_go_in_and_come_out_as_they_are_in_the_order_of_their_bytes(self, store: AlarikStore) -> None:
        for key in random.Random(7).sample(KEYS, len(KEYS)):
            put(store, key, key.encode())
        assert listed(store) == in_order(KEYS)
        assert listed(store, "a/") == in_order(key for key in KEYS if key.startswith("a/"))
        for key in KEYS:
            with store.read(key) as stream:
                assert stream.read() == key.encode()
            store.purge(key)
        assert listed(store) == []

    @pytest.mark.parametrize("prefix", ["p/", "/", "p", "a//", "ä b+%20&<"])
    def test_they_are_relative_to_the_location(self, client: AlarikClient, bucket: str, prefix: str) -> None:
        whole, store = AlarikStore(client, bucket, ""), AlarikStore(client, bucket, prefix)
        put(whole, "elsewhere")
        for key in ("/lead", "k"):
            put(store, key)
        assert listed(store) == ["/lead", "k"]
        assert set(listed(whole)) == {"elsewhere", f"{prefix}/lead", f"{prefix}k"}

    @pytest.mark.parametrize("page", [1, 3])
    def test_pages_of_any_length_are_one_listing(self, lab: Lab, store: AlarikStore, page: int) -> None:
        for key in KEYS:
            put(store, key)
        lab.faults.add(Fault(kind="short_page", page_size=page, times=None))
        assert listed(store) == in_order(KEYS)


class TestObjects:
    def test_bytes_and_metadata_arrive(self, store: AlarikStore) -> None:
        content = random.Random(3).randbytes(300_000)
        given = store.write("k", io.BytesIO(content), len(content), metadata={"Run": "7"}, tags={"class": "hot +/="})
        assert given.checksums["sha256"] == hashlib.sha256(content).hexdigest()
        facts = store.head("k")
        assert facts is not None
        assert (facts.size, facts.metadata) == (len(content), {"run": "7"})
        assert "md5" not in facts.checksums, "nothing promises that an ETag of Alarik's is one"
        with store.read("k") as stream:
            assert stream.read() == content

    def test_what_is_not_there_is_none_or_an_error(self, store: AlarikStore) -> None:
        assert store.head("none") is None
        assert failed(lambda: store.read("none")).code is ErrorCode.NOT_FOUND
        store.delete("none")
        store.purge("none")

    def test_a_bucket_that_is_not_there_is_an_error(self, client: AlarikClient) -> None:
        store = AlarikStore(client, "no-such-bucket", "")
        for act in (lambda: listed(store), lambda: put(store, "k"), lambda: store.read("k")):
            # To keys that do not own it, a bucket that is not there is one that is not theirs.
            assert failed(act).code in (ErrorCode.NOT_FOUND, ErrorCode.PERMISSION_DENIED)

    @pytest.mark.parametrize("size", [0, 3, 5])
    def test_another_size_than_announced_is_refused(self, store: AlarikStore, size: int) -> None:
        assert failed(lambda: store.write("k", io.BytesIO(b"four"), size)).code is ErrorCode.INVALID_ARGUMENT
        assert listed(store) == []


class TestRemoving:
    def test_a_purge_leaves_no_version_and_no_marker(self, here: Server, store: AlarikStore, bucket: str) -> None:
        for content in (b"1", b"2"):
            put(store, "k", content)
        put(store, "k2")
        store.delete("k")
        assert store.head("k") is None
        put(store, "k", b"3")
        store.purge("k")
        left = here.s3().list_object_versions(Bucket=bucket)
        assert [item["Key"] for item in left.get("Versions", [])] == ["k2"]
        assert left.get("DeleteMarkers", []) == []


class TestWhoAsks:
    def test_a_login_alone_reaches_no_object(self, lab: Lab, here: Server, bucket: str) -> None:
        with connected(here, by="login") as client:
            store = AlarikStore(client, bucket, "")
            lab.log.clear()
            error = failed(lambda: listed(store))
            assert error.code is ErrorCode.FAILED_PRECONDITION
            assert "credentials" in (error.hint or "")
            assert lab.log.since()["requests"] == []

    def test_with_both_the_keys_are_used(self, here: Server, bucket: str) -> None:
        with connected(here, by="both") as client:
            assert listed(AlarikStore(client, bucket, "")) == []

    def test_another_region_than_the_servers(self, here: Server, bucket: str) -> None:
        with connected(here, region="eu-1") as client:
            error = failed(lambda: listed(AlarikStore(client, bucket, "")))
        assert (error.status, error.code) == (400, ErrorCode.FAILED_PRECONDITION)
        assert "expecting 'us-east-1'" in error.message
        assert "region" in (error.hint or "")

    def test_a_wrong_secret(self, here: Server, bucket: str) -> None:
        with connected(here, secrets=Secrets({"SECRET": "wr0ng-secret"})) as client:
            error = failed(lambda: listed(AlarikStore(client, bucket, "")))
        assert (error.code, error.exit_code) == (ErrorCode.UNAUTHENTICATED, ExitCode.AUTH)
        assert "wr0ng-secret" not in f"{error}{error!r}{error.__cause__!r}{error.hint}"


@pytest.mark.parametrize("status", [500, 503])
def test_a_moment_of_trouble_passes(lab: Lab, store: AlarikStore, status: int) -> None:
    for method in ("GET", "PUT", "HEAD", "DELETE"):
        lab.faults.add(Fault(kind="status", status=status, method=method))
    put(store, "k")
    assert store.head("k") is not None
    assert listed(store) == ["k"]
    store.delete("k")
    assert listed(store) == []


def test_a_store_to_read_with_writes_nothing(lab: Lab, here: Server, bucket: str) -> None:
    here.s3().put_object(Bucket=bucket, Key="there", Body=b"x")
    with connected(here, access=Access.READ) as client:
        store = AlarikStore(client, bucket, "")
        lab.log.clear()
        for act in (lambda: put(store, "k"), lambda: store.delete("there")):
            assert failed(act).code is ErrorCode.READ_ONLY
        assert lab.log.since()["requests"] == []
        assert listed(store) == ["there"]
