"""What a job does: one pass from the directory to the bucket, or from the bucket to the directory.

Both first find out everything there is to look at, and then work in steps: the caller decides when the next file is
copied, and whether there is one at all.
Sources: Qumulo administrator guides, Shift-To and Shift-From.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from reconciler.emulators.qumulo.bucket import Bucket, Listed
from reconciler.emulators.qumulo.refusal import Refusal
from reconciler.emulators.qumulo.tree import Kind, Node, Tree

KEY_CHARACTERS: Final = 1024
_COLD: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class TransferError(Exception):
    """The job cannot go on."""


@dataclass(frozen=True, slots=True)
class Track:
    """What a relationship remembers of one file that it copied: its version on both sides."""

    node: int
    revision: int
    version: str


@dataclass(frozen=True, slots=True)
class Work:
    """One file to look at. ``copy`` does so, and says whether bytes had to be moved."""

    size: int
    copy: Callable[[], bool]


@dataclass(slots=True)
class Side:
    """Both ends of a relationship, and what it remembers. ``lock`` guards the tree and is never held during I/O."""

    tree: Tree
    directory: Node
    bucket: Bucket
    prefix: str
    lock: AbstractContextManager[object]
    tracked: dict[str, Track] = field(default_factory=dict)


def copy_to_object(side: Side) -> list[Work]:
    """Upload what the bucket does not have. Never deletes an object. Regular files only."""
    with side.lock:
        # Contents are immutable, so that this list is the snapshot that a cluster would take.
        snapshot = [
            (path, node.id, node.revision, node.data)
            for path, node in side.tree.below(side.directory)
            if node.kind is Kind.FILE
        ]
    return [
        Work(len(data), partial(_upload, side, path, node, revision, data)) for path, node, revision, data in snapshot
    ]


def copy_from_object(side: Side) -> list[Work]:
    """Download what the directory does not have. Never deletes a file."""
    listed = [item for item in side.bucket.listing() if item.key != side.prefix or item.size]
    return [Work(item.size, partial(_download, side, item)) for item in listed]


def _upload(side: Side, path: str, node: int, revision: int, data: bytes) -> bool:
    key = side.prefix + path
    if len(key) >= KEY_CHARACTERS:
        raise TransferError(f"The path is too long for an object key: {path!r}")
    head = side.bucket.head(key)
    known = side.tracked.get(path)
    if head is not None:
        unchanged = known == Track(node, revision, head.etag)
        if unchanged or head.sha256 == hashlib.sha256(data).hexdigest():
            side.tracked[path] = Track(node, revision, head.etag)
            return False
    side.tracked[path] = Track(node, revision, side.bucket.put(key, data))
    return True


def _download(side: Side, item: Listed) -> bool:
    path = item.key.removeprefix(side.prefix)
    parts = _parts(path, item)
    if item.storage_class in _COLD:
        raise TransferError(f"Object {item.key!r} is in storage class {item.storage_class}")
    if path.endswith("/"):
        with side.lock, _conflict(side, item.key):
            side.tree.make_directories(side.directory, parts)
        return False
    with side.lock:
        present = _present(side, parts)
        if present is not None and side.tracked.get(path) == Track(present.id, present.revision, item.version):
            return False
    data = side.bucket.get(item.key, item.etag)
    with side.lock, _conflict(side, item.key):
        node = _store(side, parts, data)
        side.tracked[path] = Track(node.id, node.revision, item.version)
    return True


def _parts(path: str, item: Listed) -> list[str]:
    """The names along the path. ``TransferError`` for a key that no file can have."""
    if path.endswith("/") and item.size:
        raise TransferError(f"Object {item.key!r} ends with a slash and has content")
    parts = path.removesuffix("/").split("/")
    for part in parts:
        if part in {"", ".", "..", ".snapshot"}:
            raise TransferError(f"Object {item.key!r} has the path component {part!r}")
    return parts


def _present(side: Side, parts: list[str]) -> Node | None:
    node: Node | None = side.directory
    for part in parts:
        if node is None or node.kind is not Kind.DIRECTORY:
            return None
        node = side.tree.child(node, part)
    return node


def _store(side: Side, parts: list[str], data: bytes) -> Node:
    directory = side.tree.make_directories(side.directory, parts[:-1])
    present = side.tree.child(directory, parts[-1])
    if present is None:
        return side.tree.create(directory, parts[-1], Kind.FILE, data)
    if present.kind is not Kind.FILE:
        raise Refusal(400, f"Not a regular file: {side.tree.path(present)}")
    side.tree.write(present, data)
    return present


@contextmanager
def _conflict(side: Side, key: str) -> Iterator[None]:
    """Turns what the file system refuses into the job's own error."""
    if side.tree.get(side.directory.id) is None:
        raise TransferError("The directory no longer exists")
    try:
        yield
    except Refusal as refusal:
        raise TransferError(f"Object {key!r} cannot be a file here: {refusal.description}") from refusal
