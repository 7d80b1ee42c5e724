"""A mounted directory as a store: what is there, in order, and nothing beyond it."""

import os
from io import BytesIO
from pathlib import Path

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.providers.directory import DirectoryStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    made.mkdir()
    return made


@pytest.fixture
def store(root: Path) -> DirectoryStore:
    return DirectoryStore(root, "nas")


def put(store: DirectoryStore, *keys: str) -> None:
    for key in keys:
        store.write(key, BytesIO(key.encode()), len(key.encode()))


def listed(store: DirectoryStore, prefix: str = "") -> list[str]:
    return [facts.key for facts in store.list(prefix)]


def code_of(act: object) -> ErrorCode:
    with pytest.raises(ProviderError) as raised:
        act()  # type: ignore[operator]
    assert raised.value.provider == "nas"
    return raised.value.code


def test_order_is_that_of_bytes_of_keys(store: DirectoryStore) -> None:
    keys = ["a/b", "a-b", "a0", "a/b/../c".replace("../", "x/"), "é", "z", "a.txt", "a/-", "A", "日本/😀"]
    keys = [key for key in keys if key != "a/b"]
    put(store, *keys)
    assert listed(store) == sorted(keys, key=str.encode)


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", "a/b/", "a/bc", "b", "a/b/c/", "nope/x", "a//", "/", "../"])
def test_a_prefix_is_a_beginning_of_text(store: DirectoryStore, prefix: str) -> None:
    keys = ["a/b/c", "a/bc", "a/b0", "ab", "b/a"]
    put(store, *keys)
    assert listed(store, prefix) == sorted((key for key in keys if key.startswith(prefix)), key=str.encode)


def test_read_as_written_with_size_and_time(store: DirectoryStore, root: Path) -> None:
    data = os.urandom(300_000)
    facts = store.write("deep/er/file", BytesIO(data), len(data), metadata={"a": "b"}, tags={"c": "d"})
    assert (facts.size, facts.metadata) == (len(data), {})
    assert facts.modified_at is not None
    with store.read("deep/er/file") as stream:
        assert stream.read() == data
    assert store.head("deep/er/file") == facts
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["file"]


def test_overwritten_is_new_and_whole(store: DirectoryStore) -> None:
    put(store, "one")
    with store.read("one") as before:
        store.write("one", BytesIO(b"another"), 7)
        assert before.read() == b"one"
    with store.read("one") as stream:
        assert stream.read() == b"another"


@pytest.mark.parametrize(("data", "size"), [(b"abc", 2), (b"abc", 4)])
def test_a_wrong_size_leaves_nothing(store: DirectoryStore, root: Path, data: bytes, size: int) -> None:
    assert code_of(lambda: store.write("one", BytesIO(data), size)) is ErrorCode.INVALID_ARGUMENT
    assert not list(root.iterdir())


@pytest.mark.parametrize("key", ["", "/lead", "a//b", "a/../b", "./a", "dir/", "a\0b", "\ud800"])
def test_keys_that_no_path_can_stand_for(store: DirectoryStore, root: Path, key: str) -> None:
    assert store.head(key) is None
    assert code_of(lambda: store.read(key)) is ErrorCode.NOT_FOUND
    assert code_of(lambda: store.write(key, BytesIO(b""), 0)) is ErrorCode.INVALID_ARGUMENT
    store.delete(key)
    store.purge(key)
    assert not list(root.iterdir())


def test_links_lead_nowhere(store: DirectoryStore, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("x")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    assert listed(store) == []
    assert listed(store, "folder/") == []
    assert store.head("file") is None
    assert store.head("folder/secret") is None
    for key in ("file", "folder/secret"):
        code_of(lambda key=key: store.read(key))
        store.delete(key)
        store.purge(key)
    code_of(lambda: store.write("folder/new", BytesIO(b"x"), 1))
    assert [path.name for path in outside.iterdir()] == ["secret"]
    store.write("file", BytesIO(b"y"), 1)
    assert (outside / "secret").read_text() == "x"


def test_pipes_and_folders_are_no_objects(store: DirectoryStore, root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    assert listed(store) == []
    assert store.head("pipe") is store.head("folder") is None
    assert code_of(lambda: store.read("pipe")) is ErrorCode.NOT_FOUND
    assert code_of(lambda: store.write("folder", BytesIO(b""), 0)) is ErrorCode.FAILED_PRECONDITION
    store.delete("folder")
    assert (root / "folder").is_dir()


def test_snapshots_of_the_server_are_no_part_of_it(store: DirectoryStore, root: Path) -> None:
    for name in (".snapshot", "~snapshot"):
        (root / name).mkdir()
        (root / name / "old").write_text("x")
    put(store, "below/.snapshot/kept", "new")
    assert listed(store) == ["below/.snapshot/kept", "new"]


def test_a_name_that_is_no_text_is_told_and_not_passed_over(store: DirectoryStore, root: Path) -> None:
    (Path(os.fsdecode(os.fsencode(root) + b"/\xff"))).write_text("x")
    assert code_of(lambda: listed(store)) is ErrorCode.INVALID_ARGUMENT


def test_purge_removes_the_canarys_folders_and_no_others(store: DirectoryStore, root: Path) -> None:
    put(store, ".repl-canary/run/one", ".repl-canary/run/two", "a/b")
    store.purge(".repl-canary/run/one")
    assert listed(store) == [".repl-canary/run/two", "a/b"]
    store.purge(".repl-canary/run/two")
    store.purge(".repl-canary/run/two")
    store.purge("a/b")
    assert [path.name for path in root.iterdir()] == ["a"]


def test_what_is_not_mounted_is_no_empty_store(tmp_path: Path) -> None:
    gone = DirectoryStore(tmp_path / "gone", "nas")
    for act in (
        lambda: listed(gone), lambda: listed(gone, "a/b"), lambda: listed(gone, "a//"), lambda: gone.head("a"),
        lambda: gone.read("a"), lambda: gone.delete("a"), lambda: gone.purge(".repl-canary/a"),
        lambda: gone.write("a", BytesIO(b""), 0),
    ):  # fmt: skip
        assert code_of(act) is ErrorCode.NOT_FOUND
    with pytest.raises(ProviderError) as raised:
        listed(gone)
    assert "mounted" in (raised.value.hint or "")


def test_what_may_not_be_done_says_so(store: DirectoryStore, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int) -> object:
        def act(*_args: object, **_named: object) -> None:
            raise OSError(number, os.strerror(number))

        return act

    put(store, "one")
    monkeypatch.setattr(os, "unlink", refuse(30))
    assert code_of(lambda: store.delete("one")) is ErrorCode.FAILED_PRECONDITION
    monkeypatch.setattr(os, "unlink", refuse(13))
    assert code_of(lambda: store.delete("one")) is ErrorCode.PERMISSION_DENIED
    monkeypatch.setattr(os, "unlink", refuse(116))
    assert code_of(lambda: store.delete("one")) is ErrorCode.UNAVAILABLE
