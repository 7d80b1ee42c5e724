"""Files of an emulated cluster as objects; every exchange is held against specs/qumulo/openapi.yaml."""

from collections.abc import Iterator
from io import BytesIO, RawIOBase
from pathlib import Path

import pytest

from reconciler.emulators.faults import Fault
from reconciler.errors import ErrorCode
from reconciler.model.manifest import Location
from reconciler.providers.base import Store
from tests.contract.qumulo_host import Host
from tests.contract.referee import Referee
from tests.contract.store_calls import listed, put
from tests.lab.provider_error import failed
from tests.lab.qumulo import Lab, quote
from tests.lab.rclone import ObjectServer

DOCUMENT = Path(__file__).parents[2] / "specs" / "qumulo" / "openapi.yaml"

# Sorted by UTF-8 bytes, which is another order than that of UTF-16, of a file system, and of names folder by folder.
KEYS = (
    " lead", "!", "#?&=", "%20", "+", "a", "a!", "a-b", "a.b", "a/ ", "a/b", "a/b-c", "a/b/c", "a/b/d", "a0", "aa",
    "b\\c", "ä", "ﬀ", "\uffee", "😀", "😀/x",
)  # fmt: skip


@pytest.fixture
def host(lab: Lab, objects: ObjectServer, bucket: str) -> Iterator[Host]:
    lab.mkdir("/my-dir")
    made = Host(lab, objects, bucket)
    yield made
    made.close()
    Referee(DOCUMENT).judge_all(lab.recorder.exchanges)


@pytest.fixture
def store(host: Host) -> Store:
    return host.provider.store(Location(provider="nas-1", path="/my-dir/"))


def directories(lab: Lab) -> list[str]:
    return sorted(lab.emulator.state()["directories"])  # type: ignore[index, call-overload, arg-type]


class TestListing:
    # A file and a directory of one name cannot be: what would be below a file is left out.
    TREE = tuple(key for key in KEYS if key not in ("a", "a/b", "😀"))

    @pytest.mark.parametrize("order", ["hash", "name"])
    @pytest.mark.parametrize("page", [1, 2, 1000])
    def test_in_the_order_of_utf8_bytes(self, host: Host, store: Store, order: str, page: int) -> None:
        host.lab.emulator.switch({"entries_order": order, "page_limit": page})
        for key in reversed(self.TREE):
            host.lab.put(f"/my-dir/{key}", key)
        found = list(store.list())
        assert [facts.key for facts in found] == sorted(self.TREE, key=str.encode)
        assert [facts.size for facts in found] == [len(facts.key.encode()) for facts in found]
        assert all(facts.modified_at and facts.modified_at.tzinfo for facts in found)

    @pytest.mark.parametrize(
        "prefix",
        ["", "a", "a/", "a/b", "a/b/", "a/b/c", "a-", "aa", "no", "no/", "a/b/c/", "/", "//", "../", "./", "😀/"],
    )
    def test_a_prefix(self, host: Host, store: Store, prefix: str) -> None:
        host.lab.put("/other/secret", "x")
        for key in self.TREE:
            host.lab.put(f"/my-dir/{key}")
        assert listed(store, prefix) == sorted((k for k in self.TREE if k.startswith(prefix)), key=str.encode)

    def test_the_root_of_the_file_system(self, host: Host) -> None:
        host.lab.put("/my-dir/a", "x")
        root = host.provider.store(Location(provider="nas-1", path="/"))
        assert listed(root) == ["my-dir/a"]
        assert root.head("my-dir/a") is not None
        put(root, "top")
        assert host.lab.read("/top") == b"x"

    def test_only_regular_files(self, host: Host, store: Store) -> None:
        host.lab.put("/my-dir/a", "x")
        host.lab.mkdir("/my-dir/empty")
        link = {"name": "link", "action": "CREATE_SYMLINK", "old_path": "/my-dir/a"}
        answered = host.lab.api.post(f"/v1/files/{quote('/my-dir')}/entries/", json=link)
        assert answered.status_code == 200, answered.text
        assert listed(store) == ["a"]
        assert (store.head("link"), store.head("empty")) == (None, None)

    @pytest.mark.parametrize("prefix", ["", "x", "x/", "x/y/"])
    def test_a_location_that_is_not_there(self, host: Host, prefix: str) -> None:
        gone = host.provider.store(Location(provider="nas-1", path="/no"))
        assert failed(lambda: list(gone.list(prefix))).code is ErrorCode.NOT_FOUND

    def test_a_directory_that_vanishes(self, host: Host, store: Store) -> None:
        for key in ("a/1", "b/1", "c"):
            host.lab.put(f"/my-dir/{key}")
        host.lab.faults.add(Fault(kind="status", status=404, path="/my-dir/a/entries"))
        assert listed(store) == ["b/1", "c"]

    def test_a_directory_that_cannot_be_read(self, host: Host, store: Store) -> None:
        host.lab.put("/my-dir/a/1")
        host.lab.faults.add(Fault(kind="status", status=409, path="/my-dir/a/entries"))
        assert failed(lambda: listed(store)).code is ErrorCode.CONFLICT
        # The document has no 409 for this call; any status but 404 would do.
        host.lab.recorder.clear()

    def test_deep_trees(self, host: Host, store: Store) -> None:
        key = "/".join(["d"] * 120)
        host.lab.put(f"/my-dir/{key}")
        assert listed(store) == [key]


class TestObjects:
    @pytest.mark.parametrize("key", [key for key in KEYS if "/" not in key] + ["new/deep/x", "with\nline"])
    def test_write_and_read(self, host: Host, store: Store, key: str) -> None:
        content = key.encode() * 3
        facts = store.write(key, BytesIO(content), len(content), metadata={"a": "b"}, tags={"c": "d"})
        assert (facts.key, facts.size, facts.metadata, facts.etag) == (key, len(content), {}, None)
        assert store.head(key) == facts
        with store.read(key) as stream:
            assert stream.read() == content
        assert host.lab.read(f"/my-dir/{key}") == content
        assert listed(store) == [key]

    def test_replacing(self, store: Store) -> None:
        put(store, "a/b", b"long content")
        put(store, "a/b", b"short")
        with store.read("a/b") as stream:
            assert stream.read() == b"short"

    @pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 3 * 1024 * 1024 + 7])
    def test_sizes(self, host: Host, store: Store, size: int) -> None:
        content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        put(store, "big", content)
        with store.read("big") as stream:
            assert (stream.read(10), stream.read()) == (content[:10], content[10:])
        if not size:
            # An empty body is the content of an empty file; the referee takes it for a missing one.
            host.lab.recorder.clear()

    def test_data_that_ends_too_early(self, store: Store) -> None:
        error = failed(lambda: store.write("a", BytesIO(b"abc"), 10))
        assert (error.code, error.ambiguous) == (ErrorCode.INVALID_ARGUMENT, False)
        assert "3 of 10 bytes" in error.message

    def test_data_that_goes_on(self, store: Store) -> None:
        error = failed(lambda: store.write("a", BytesIO(b"abcdef"), 3))
        assert (error.code, error.ambiguous) == (ErrorCode.INVALID_ARGUMENT, False)
        assert "3 bytes were announced" in error.message

    def test_data_that_cannot_be_sought(self, store: Store) -> None:
        class Pipe(RawIOBase):
            parts = [b"abc", b"def"]

            def readable(self) -> bool:
                return True

            def read(self, size: int = -1) -> bytes:
                return self.parts.pop(0) if self.parts else b""

        assert store.write("a", Pipe(), 6).size == 6  # type: ignore[arg-type]

    def test_what_is_not_there(self, store: Store) -> None:
        assert store.head("no") is None
        assert failed(lambda: store.read("no")).code is ErrorCode.NOT_FOUND
        store.delete("no")
        store.purge("no")
        store.delete("no/deeper")

    @pytest.mark.parametrize("key", ["", "/lead", "a//b", "dir/", "../other", "a/../../other", ".", "a/.", "nul\0"])
    def test_keys_that_no_path_can_stand_for(self, host: Host, store: Store, key: str) -> None:
        host.lab.put("/other", "untouched")
        assert store.head(key) is None
        assert failed(lambda: store.read(key)).code is ErrorCode.NOT_FOUND
        assert failed(lambda: put(store, key)).code is ErrorCode.INVALID_ARGUMENT
        store.delete(key)
        store.purge(key)
        assert host.lab.read("/other") == b"untouched"
        assert directories(host.lab) == ["/my-dir/"]

    def test_a_file_in_the_way(self, store: Store) -> None:
        put(store, "a")
        assert not failed(lambda: put(store, "a/b")).ambiguous

    def test_a_lost_answer(self, host: Host, store: Store) -> None:
        host.lab.faults.add(Fault(kind="drop_after", method="PUT"))
        assert failed(lambda: put(store, "a")).ambiguous


class TestRemoving:
    def test_delete_leaves_directories_alone(self, host: Host, store: Store) -> None:
        put(store, "a/b/c")
        store.delete("a/b/c")
        store.delete("a/b")
        assert directories(host.lab) == ["/my-dir/", "/my-dir/a/", "/my-dir/a/b/"]

    def test_purge_cleans_up_after_a_canary(self, host: Host, store: Store) -> None:
        for key in ("x/.repl-canary/run-1/1", "x/.repl-canary/run-1/2"):
            put(store, key)
        store.purge("x/.repl-canary/run-1/1")
        assert "/my-dir/x/.repl-canary/run-1/" in directories(host.lab)
        store.purge("x/.repl-canary/run-1/2")
        assert directories(host.lab) == ["/my-dir/", "/my-dir/x/"]
        store.purge("x/.repl-canary/run-1/2")

    def test_purge_removes_no_other_directory(self, host: Host, store: Store) -> None:
        put(store, "a/b/c")
        store.purge("a/b/c")
        assert directories(host.lab) == ["/my-dir/", "/my-dir/a/", "/my-dir/a/b/"]

    def test_purge_of_what_is_half_gone(self, host: Host, store: Store) -> None:
        host.lab.mkdir("/my-dir/.repl-canary")
        store.purge(".repl-canary/run-1/x")
        assert directories(host.lab) == ["/my-dir/"]

    def test_what_may_not_be_removed(self, host: Host, store: Store) -> None:
        put(store, ".repl-canary/x")
        host.lab.faults.add(Fault(kind="status", status=403, method="DELETE"))
        assert failed(lambda: store.delete(".repl-canary/x")).code is ErrorCode.PERMISSION_DENIED
        host.lab.faults.add(Fault(kind="status", status=403, method="DELETE", after=1))
        assert failed(lambda: store.purge(".repl-canary/x")).code is ErrorCode.PERMISSION_DENIED

    @pytest.mark.parametrize("status", [403, 400, 409])
    def test_a_directory_that_a_job_fills(self, host: Host, status: int) -> None:
        host.lab.emulator.switch({"read_only_status": status})
        host.objects.client().put_object(Bucket=host.bucket, Key="v1/a", Body=b"x")
        flow = host.flow("/my-dir", side="destination")
        live = host.create(flow)
        host.lab.emulator.switch({"job_seconds": 1000})
        host.lab.clock.freeze()
        start = host.provider.start(live)
        assert start is not None
        host.provider.execute(start, host.secrets)
        filled = host.provider.store(Location(provider="nas-1", path="/my-dir"))
        assert failed(lambda: put(filled, "a")).status == status
        assert listed(filled) == ["a"]
