"""Objects of BOS, over the emulated cloud; every exchange is held against specs/bos/openapi.yaml."""

import hashlib
import io
import itertools
import random

import pytest

from reconciler.emulators.faults import Fault
from reconciler.errors import ErrorCode
from reconciler.providers.base import Access
from reconciler.providers.bos.client import BosClient
from reconciler.providers.bos.store import PART, BosStore
from tests.contract.bos_host import asked, client, connected, lab
from tests.contract.store_calls import KEYS, in_order, listed, put
from tests.lab.bos import Lab
from tests.lab.provider_error import failed
from tests.unit.providers.bos.connections import opened
from tests.unit.providers.scripted import answer, serve

__all__ = ["client", "lab"]

BUCKET = "src-bucket"
OWN_KEYS = (*KEYS, "v1/x", "..hidden")
"""With those that begin like what means something else here."""


@pytest.fixture
def store(client: BosClient) -> BosStore:
    return BosStore(client, BUCKET, "")


def uploads(lab: Lab) -> list[str]:
    """Keys of uploads that were not ended."""
    return [one["key"] for one in lab.ask("GET", f"/{BUCKET}", {"uploads": ""}).json()["uploads"]]


class TestKeys:
    @pytest.mark.parametrize("key", OWN_KEYS, ids=repr)
    def test_every_key_goes_in_and_comes_out_as_it_is(self, store: BosStore, key: str) -> None:
        content = key.encode()
        put(store, key, content)
        assert listed(store) == [key]
        with store.read(key) as stream:
            assert stream.read() == content
        facts = store.head(key)
        assert facts is not None
        assert (facts.key, facts.size) == (key, len(content))
        store.purge(key)
        assert listed(store) == []

    @pytest.mark.parametrize("key", ["a/./b", "a/../b", "..", ".", "../other"])
    def test_segments_of_dots_reach_the_service_as_they_are_and_it_refuses_them(
        self, lab: Lab, store: BosStore, key: str
    ) -> None:
        put(store, "b", b"not this one")
        put(store, "other", b"nor this one")
        error = failed(lambda: put(store, key, b"dots"))
        assert (error.code, error.ambiguous) == (ErrorCode.INVALID_ARGUMENT, False)
        assert lab.recorder.exchanges[-1].url.endswith(f"/{BUCKET}/{key}")
        assert store.head(key) is None
        assert failed(lambda: store.read(key)).code is ErrorCode.INVALID_ARGUMENT
        store.delete(key)
        store.purge(key)
        assert listed(store) == ["b", "other"]

    @pytest.mark.parametrize("key", ["", "/", "//", "v1", "V1", "v1/", "V1/"])
    def test_a_path_that_means_the_bucket_is_never_sent(self, lab: Lab, store: BosStore, key: str) -> None:
        assert store.head(key) is None
        assert failed(lambda: store.read(key)).code is ErrorCode.NOT_FOUND
        assert failed(lambda: put(store, key)).code is ErrorCode.INVALID_ARGUMENT
        store.delete(key)
        store.purge(key)
        assert asked(lab) == []
        assert listed(store) == []

    def test_all_of_them_together_are_listed_by_their_bytes(self, store: BosStore) -> None:
        for key in random.Random(7).sample(OWN_KEYS, len(OWN_KEYS)):
            put(store, key)
        assert listed(store) == in_order(OWN_KEYS)
        assert listed(store, "a/") == in_order(key for key in OWN_KEYS if key.startswith("a/"))
        assert listed(store, "nothing") == []

    @pytest.mark.parametrize("prefix", ["p/", "/", "p", "a//", "ä b+%20&<"])
    def test_keys_are_relative_to_the_location_whatever_it_is_called(self, client: BosClient, prefix: str) -> None:
        whole, store = BosStore(client, BUCKET, ""), BosStore(client, BUCKET, prefix)
        put(whole, "elsewhere")
        for key in ("/lead", "k"):
            put(store, key)
        assert listed(store) == ["/lead", "k"]
        assert set(listed(whole)) == {"elsewhere", f"{prefix}/lead", f"{prefix}k"}
        for key in ("/lead", "k"):
            store.delete(key)
        assert listed(store) == []

    @pytest.mark.parametrize("page", [1, 2, 7])
    def test_pages_of_any_length_are_one_listing(self, lab: Lab, store: BosStore, page: int) -> None:
        for key in OWN_KEYS:
            put(store, key)
        lab.emulator.switch({"page_limit": page})
        assert listed(store) == in_order(OWN_KEYS)

    def test_whatever_order_the_service_has(self) -> None:
        keys = ["b", "B", "\uffee", "a", "😀", "é", "a/b", "a-b"]
        entries = [f'{{"key": "{key}", "size": {number}}}' for number, key in enumerate(keys)]
        first = f'{{"isTruncated": true, "nextMarker": "x", "contents": [{", ".join(entries[:4])}]}}'
        second = f'{{"isTruncated": false, "contents": [{", ".join(entries[4:])}]}}'
        with serve(answer(200, first.encode()), answer(200, second.encode())) as server:
            with opened(endpoint=server.url) as client:
                found = list(BosStore(client, "bucket", "").list())
            assert "marker=x" in server.requests[1].target
        assert [facts.key for facts in found] == in_order(keys)
        assert [facts.size for facts in found] == [keys.index(key) for key in in_order(keys)]

    @pytest.mark.parametrize(
        "page",
        [
            b'{"isTruncated": true, "contents": []}',
            b'{"isTruncated": true, "nextMarker": "", "contents": []}',
            b'{"isTruncated": true, "nextMarker": "p", "contents": [{"key": "pa", "size": 1}]}',
            b'{"isTruncated": false, "contents": [{"key": "other", "size": 1}]}',
            b'{"contents": []}',
            b"<html>",
        ],
    )
    def test_a_listing_that_leads_nowhere_is_an_error(self, page: bytes) -> None:
        with serve(answer(200, page)) as server, opened(endpoint=server.url) as client:
            store = BosStore(client, "bucket", "p")
            assert failed(lambda: listed(store)).code is ErrorCode.PROTOCOL


class TestObjects:
    def test_bytes_metadata_and_digest_arrive(self, store: BosStore) -> None:
        content = random.Random(3).randbytes(300_000)
        given = store.write("k", io.BytesIO(content), len(content), metadata={"Run": "7", "note": "grüße, 世界"})
        assert given.checksums["sha256"] == hashlib.sha256(content).hexdigest()
        facts = store.head("k")
        assert facts is not None
        assert facts.size == len(content)
        assert facts.etag == given.etag is not None
        assert facts.metadata == given.metadata == {"run": "7", "note": "grüße, 世界"}
        assert facts.storage_class == "STANDARD"
        assert facts.modified_at is not None
        assert facts.modified_at.tzinfo is not None
        with store.read("k") as stream:
            assert (stream.read(10), stream.read()) == (content[:10], content[10:])

    def test_what_others_wrote_is_read(self, lab: Lab, store: BosStore) -> None:
        headers = {"Content-Type": "text/plain", "x-bce-storage-class": "STANDARD_IA", "x-bce-meta-note": "world"}
        assert lab.ask("PUT", f"/{BUCKET}/a/ü", body=b"content", headers=headers).status_code == 200
        facts = store.head("a/ü")
        assert facts is not None
        assert (facts.metadata, facts.storage_class) == ({"note": "world"}, "STANDARD_IA")
        assert [(one.key, one.storage_class) for one in store.list()] == [("a/ü", "STANDARD_IA")]

    @pytest.mark.parametrize("size", [0, 1, PART - 1, PART])
    def test_up_to_a_part_it_is_one_request(self, lab: Lab, store: BosStore, size: int) -> None:
        put(store, "k", bytes(size))
        assert asked(lab) == ["PutObject"]
        facts = store.head("k")
        assert facts is not None
        assert facts.size == size

    @pytest.mark.parametrize("more", [1, PART + 7])
    def test_more_goes_in_parts_and_is_one_object(self, lab: Lab, store: BosStore, more: int) -> None:
        content = random.Random(more).randbytes(PART + more)
        given = store.write("k", io.BytesIO(content), len(content), metadata={"note": "ä"})
        parts = -(-len(content) // PART)
        assert asked(lab) == ["InitiateMultipartUpload", *["UploadPart"] * parts, "CompleteMultipartUpload"]
        assert given.checksums == {"sha256": hashlib.sha256(content).hexdigest()}
        facts = store.head("k")
        assert facts is not None
        assert (facts.size, facts.metadata) == (len(content), {"note": "ä"})
        digests = {"md5": hashlib.md5(content).hexdigest()}
        assert all(facts.checksums[name] == digests[name] for name in facts.checksums)
        with store.read("k") as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == given.checksums["sha256"]
        assert uploads(lab) == []

    @pytest.mark.parametrize("given", [0, 3, PART, PART + 5, PART + 9])
    def test_another_size_than_announced_leaves_nothing(self, lab: Lab, store: BosStore, given: int) -> None:
        announced = {0: 1, 3: 2, PART: PART + 1, PART + 5: PART + 6, PART + 9: PART + 8}[given]
        error = failed(lambda: store.write("k", io.BytesIO(bytes(given)), announced))
        assert (error.code, error.ambiguous) == (ErrorCode.INVALID_ARGUMENT, False)
        assert str(announced) in error.message
        assert listed(store) == []
        assert uploads(lab) == []

    def test_a_stream_that_gives_little_at_a_time(self, store: BosStore) -> None:
        class Trickle(io.RawIOBase):
            def __init__(self) -> None:
                self.pieces = itertools.chain([b"ab", b"c", b"def"], itertools.repeat(b""))

            def read(self, size: int = -1) -> bytes:
                return next(self.pieces)

        store.write("k", Trickle(), 6)  # type: ignore[arg-type]
        with store.read("k") as stream:
            assert stream.read() == b"abcdef"

    def test_what_is_not_there_is_none_or_an_error(self, store: BosStore) -> None:
        assert store.head("none") is None
        assert failed(lambda: store.read("none")).code is ErrorCode.NOT_FOUND
        store.delete("none")
        store.purge("none")

    def test_a_bucket_that_is_not_there_is_an_error(self, client: BosClient) -> None:
        store = BosStore(client, "no-such-bucket", "")
        for act in (lambda: listed(store), lambda: put(store, "k"), lambda: store.delete("k"), lambda: store.read("k")):
            assert failed(act).code is ErrorCode.NOT_FOUND

    def test_metadata_that_http_cannot_carry_is_refused(self, store: BosStore) -> None:
        for metadata in ({"a": "x\ny"}, {"ä": "x"}, {"a b": "x"}):
            error = failed(lambda metadata=metadata: put(store, "k", metadata=metadata))  # type: ignore[misc]
            assert (error.code, error.ambiguous) == (ErrorCode.INVALID_ARGUMENT, False)
        assert listed(store) == []

    def test_the_storage_class_of_a_multi_az_bucket(self, lab: Lab, client: BosClient) -> None:
        lab.emulator.act("create-bucket", {"bucket": "ledger", "multi_az": True})
        store = BosStore(client, "ledger", "")
        put(store, "k")
        assert [facts.storage_class for facts in store.list()] == ["MAZ_STANDARD"]


class TestRemoving:
    def test_purge_ends_uploads_of_exactly_this_key(self, lab: Lab, store: BosStore) -> None:
        put(store, "k")
        for key in ("k", "k", "k2"):
            assert lab.ask("POST", f"/{BUCKET}/{key}", {"uploads": ""}).status_code == 200
        store.purge("k")
        assert uploads(lab) == ["k2"]
        assert listed(store) == []

    @pytest.mark.parametrize("status", [404, 204])
    def test_deleting_what_is_gone(self, lab: Lab, store: BosStore, status: int) -> None:
        lab.emulator.switch({"delete_missing_object": status})
        store.delete("gone")
        store.purge("gone")

    def test_a_delete_in_a_versioned_bucket_hides_it(self, lab: Lab, store: BosStore) -> None:
        lab.ask("PUT", f"/{BUCKET}", {"versioning": ""}, body={"status": "enabled"})
        given = store.write("k", io.BytesIO(b"1"), 1)
        facts = store.head("k")
        assert facts is not None
        assert facts.version_id == given.version_id is not None
        store.delete("k")
        assert store.head("k") is None
        assert listed(store) == []

    def test_purge_takes_every_version_that_can_be_seen(self, lab: Lab, store: BosStore) -> None:
        lab.ask("PUT", f"/{BUCKET}", {"versioning": ""}, body={"status": "enabled"})
        for content in (b"1", b"2", b"3"):
            put(store, "k", content)
        put(store, "k2")
        store.purge("k")
        assert store.head("k") is None
        assert failed(lambda: store.read("k")).code is ErrorCode.NOT_FOUND
        assert listed(store) == ["k2"]
        deletes = [one for one in lab.recorder.exchanges if one.method == "DELETE"]
        assert len(deletes) == 3
        assert all("versionId=" in one.url for one in deletes), "no delete marker is left"
        # The vendor's SDK has a call that lists versions; no document that could be quoted has its answer.
        lab.recorder.clear()


class TestTrouble:
    @pytest.mark.parametrize("kind", [{"status": 503, "retry_after": 0}, {"status": 429, "retry_after": 0}])
    def test_a_moment_of_it_passes(self, lab: Lab, store: BosStore, kind: dict[str, int]) -> None:
        for method in ("GET", "PUT", "HEAD", "DELETE"):
            lab.faults.add(Fault(kind="status", method=method, **kind))
        put(store, "k")
        assert store.head("k") is not None
        assert listed(store) == ["k"]
        store.delete("k")
        assert listed(store) == []

    def test_a_lost_answer_to_a_whole_object_is_asked_for_again(self, lab: Lab, store: BosStore) -> None:
        lab.faults.add(Fault(kind="drop_after", operation="PutObject"))
        put(store, "k", b"content")
        with store.read("k") as stream:
            assert stream.read() == b"content"

    def test_a_lost_answer_to_the_last_word_of_an_upload(self, lab: Lab, store: BosStore) -> None:
        lab.faults.add(Fault(kind="drop_after", operation="CompleteMultipartUpload"))
        assert failed(lambda: put(store, "k", bytes(PART + 1))).ambiguous
        assert listed(store) == ["k"]

    def test_an_upload_that_fails_for_good_is_ended(self, lab: Lab, store: BosStore) -> None:
        lab.faults.add(Fault(kind="status", operation="UploadPart", status=403, after=1))
        assert failed(lambda: put(store, "k", bytes(PART + 1))).code is ErrorCode.PERMISSION_DENIED
        assert uploads(lab) == []
        assert listed(store) == []


def test_a_store_to_read_with_writes_nothing(lab: Lab) -> None:
    lab.write("there")
    with connected(lab, access=Access.READ) as client:
        store = BosStore(client, BUCKET, "")
        for act in (
            lambda: put(store, "k"), lambda: put(store, "k", bytes(PART + 1)), lambda: store.delete("there"),
        ):  # fmt: skip
            assert failed(act).code is ErrorCode.READ_ONLY
        assert listed(store) == ["there"]
        assert asked(lab) == ["ListObjects"]
