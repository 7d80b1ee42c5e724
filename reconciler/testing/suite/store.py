"""Objects: listed in the order of their bytes, read as written, removed without a trace, no checksum made up."""

import hashlib
import zlib
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import ClassVar

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import ObjectFacts
from reconciler.providers.base import Capability, Store
from reconciler.testing.harness import Ability, Fault, FaultKind
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases, needs

__all__ = ["ODD_KEYS", "StoreCases"]

ODD_KEYS = (
    "/lead", "dir/", "a//b", "a/./b", "a/../b", "%20", "a b", " edge ", "a+b", "a&b=c?d#e", '"quoted"', "<tag>",
    "back\\slash", "new\nline", "tab\there", "return\rhere", "é", "e\u0301", "日本", "😀", "\uff5e", "~", "\x7f",
    "MiXeD", "mixed", "..", "...", "x" * 200, "*", "a:b", "c|d",
)  # fmt: skip
ORDERED = ("A", "Z", "a", "a-b", "a.b", "a/b", "a/b/c", "a0", "ab", "b", "é", "日", "\uff5e", "😀")
"""Ascending by UTF-8 bytes: neither by UTF-16 units nor directory by directory."""

_HASHES: dict[str, Callable[[bytes], str]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    "sha256": lambda data: hashlib.sha256(data).hexdigest(),
    "crc32": lambda data: f"{zlib.crc32(data):08x}",
}
_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "crc32": 8, "crc32c": 8, "crc64nvme": 16}
_PART = 5 * 1024 * 1024


class StoreCases(Cases):
    """Cases about objects."""

    topic: ClassVar[str] = "store"

    @pytest.fixture
    def store(self, host: Host) -> Store:
        """Open an empty place."""
        needs(host, Capability.STORE)
        return host.provider.store(host.harness.location())

    def test_read_as_written(self, store: Store) -> None:
        """Content of any kind, empty and larger than a buffer."""
        for key, data in (("empty", b""), ("small", b"\0\r\n\xff"), ("large", bytes(range(256)) * 8192)):
            written = store.write(key, BytesIO(data), len(data), metadata={"Origin": "suite"})
            head = store.head(key)
            assert head is not None
            assert (written.key, written.size) == (head.key, head.size) == (key, len(data))
            assert head.metadata in ({}, {"origin": "suite"})
            with store.read(key) as stream:
                assert stream.read() == data

    def test_read_in_pieces(self, store: Store) -> None:
        """A stream gives what is asked for until its end."""
        data = bytes(range(256)) * 1024
        store.write("k", BytesIO(data), len(data))
        with store.read("k") as stream:
            pieces = iter(lambda: stream.read(10_007), b"")
            assert b"".join(pieces) == data

    def test_absence_is_a_value_and_deleting_it_no_error(self, store: Store) -> None:
        """Reading it is NOT_FOUND."""
        assert store.head("nothing") is None
        assert list(store.list("nothing")) == []
        store.delete("nothing")
        store.purge("nothing")
        with pytest.raises(ProviderError) as raised, store.read("nothing") as stream:
            stream.read()
        assert raised.value.code is ErrorCode.NOT_FOUND

    def test_listed_in_the_order_of_bytes(self, store: Store) -> None:
        """Strictly ascending by the UTF-8 bytes of the key, relative to the location."""
        _fill(store, reversed(ORDERED))
        keys = [facts.key for facts in store.list()]
        assert keys == sorted(keys, key=str.encode)
        assert keys == [key for key in ORDERED if key in keys]
        # A file system cannot hold both `a` and `a/b`; whatever was taken is listed.
        assert keys == [key for key in ORDERED if store.head(key) is not None]

    def test_a_prefix_is_a_beginning_of_text(self, store: Store) -> None:
        """Not a folder: `a` begins `ab` too."""
        keys = ("ab", "a-b", "abc", "dir/one", "dir/two", "dirt")
        _fill(store, keys)
        for prefix in ("", "a", "ab", "abc", "abcd", "dir", "dir/", "dir/o", "di"):
            found = [key for key in keys if key.startswith(prefix)]
            assert [facts.key for facts in store.list(prefix)] == sorted(found, key=str.encode)

    def test_many_short_pages(self, host: Host, store: Store) -> None:
        """However the service cuts its listing, it is whole and in order."""
        needs(host, Ability.WIRE)
        keys = [f"{number:03d}{end}" for number in range(12) for end in ("", "-x")] + ["d/1", "d/2", "d/3"]
        _fill(store, keys)
        host.harness.fault(Fault(kind=FaultKind.SHORT_PAGE, page_size=2, times=None), "list")
        with host.quiet() as sent:
            assert [facts.key for facts in store.list()] == sorted(keys, key=str.encode)
        assert len(sent) > len(keys) / 2

    @pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: ascii(key)[1:-1][:20])
    def test_odd_keys(self, store: Store, key: str) -> None:
        """Kept exactly, or refused as a key that cannot be."""
        try:
            store.write(key, BytesIO(b"odd"), 3)
        except ProviderError as error:
            assert error.code is ErrorCode.INVALID_ARGUMENT
            assert not error.ambiguous
            assert list(store.list()) == []
            assert store.head(key) is None
            return
        assert [facts.key for facts in store.list()] == [key]
        assert [facts.key for facts in store.list(key)] == [key]
        head = store.head(key)
        assert head is not None
        assert (head.key, head.size) == (key, 3)
        with store.read(key) as stream:
            assert stream.read() == b"odd"
        store.delete(key)
        assert store.head(key) is None
        assert list(store.list()) == []

    def test_other_places_are_not_reached(self, host: Host, store: Store) -> None:
        """A neighbour whose name begins alike is not listed, and no key leads out."""
        location = host.harness.location()
        beside = host.provider.store(location)
        beside.write("secret", BytesIO(b"x"), 1)
        assert list(store.list()) == []
        for key in ("../secret", "../../secret", "/secret"):
            found = store.head(key)
            assert found is None

    def test_overwritten_is_new(self, store: Store) -> None:
        """The last write counts, also when it is shorter."""
        for data in (b"first, and longer", b"second"):
            store.write("k", BytesIO(data), len(data))
        head = store.head("k")
        assert head is not None
        assert head.size == len(b"second")
        with store.read("k") as stream:
            assert stream.read() == b"second"

    def test_purge_leaves_nothing(self, host: Host) -> None:
        """Versions, delete markers and the canary's folders are gone; what others have stays."""
        needs(host, Capability.STORE)
        location = host.harness.location()
        store = host.provider.store(location)
        key = ".repl-canary/run/object"
        store.write("neighbour", BytesIO(b"x"), 1)
        before = sorted(host.harness.leftovers(location))
        for data in (b"one", b"two"):
            store.write(key, BytesIO(data), 3)
        store.delete(key)
        store.write(key, BytesIO(b"three"), 5)
        store.write(f"{key}-other", BytesIO(b"y"), 1)
        store.purge(key)
        assert store.head(key) is None
        assert store.head(f"{key}-other") is not None
        store.purge(f"{key}-other")
        store.purge(key)
        assert sorted(host.harness.leftovers(location)) == before

    def test_no_checksum_is_made_up(self, store: Store) -> None:
        """Whatever is called a checksum is one, of the whole object."""
        data = b"content" * 1000
        written = store.write("k", BytesIO(data), len(data))
        head = store.head("k")
        assert head is not None
        for facts in (written, head, *store.list()):
            _true_checksums(facts, data)

    def test_parts_have_no_checksum_of_the_whole(self, host: Host) -> None:
        """The ETag of an object in parts is no MD5, and a checksum of checksums none of its bytes."""
        needs(host, Capability.STORE, Ability.MULTIPART)
        location = host.harness.location()
        parts = (b"a" * _PART, b"b")
        host.harness.write_in_parts(location, "parts", parts)
        store = host.provider.store(location)
        head = store.head("parts")
        assert head is not None
        for facts in (head, *store.list()):
            assert facts.size == _PART + 1
            _true_checksums(facts, b"".join(parts))

    @pytest.mark.parametrize("announced", [2, 4])
    def test_a_wrong_size_is_refused(self, store: Store, announced: int) -> None:
        """What is announced is what must come; nothing wrong is left as if it were whole."""
        with pytest.raises(ProviderError):
            store.write("k", BytesIO(b"abc"), announced)


def _fill(store: Store, keys: Iterable[str]) -> None:
    for key in keys:
        try:
            store.write(key, BytesIO(b"x"), 1)
        except ProviderError as error:
            assert error.code in (ErrorCode.INVALID_ARGUMENT, ErrorCode.CONFLICT, ErrorCode.FAILED_PRECONDITION)


def _true_checksums(facts: ObjectFacts, data: bytes) -> None:
    for name, value in facts.checksums.items():
        assert len(value) == _DIGITS[name], name
        assert value == value.lower()
        if name in _HASHES:
            assert value == _HASHES[name](data), name
