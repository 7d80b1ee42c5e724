"""The file system of a cluster, in memory: files, directories and symbolic links with ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count

from reconciler.emulators.qumulo.refusal import Refusal

ROOT_ID = 2
NAME_BYTES = 255
FILE_LIMIT = 1 << 30


class Kind(StrEnum):
    FILE = "FS_FILE_TYPE_FILE"
    DIRECTORY = "FS_FILE_TYPE_DIRECTORY"
    SYMLINK = "FS_FILE_TYPE_SYMLINK"


@dataclass(slots=True, eq=False)
class Node:
    """One file system object. ``data`` is the content of a file or the target of a link. Times in nanoseconds.

    ``revision`` grows with every change, so that it tells versions of one node apart.
    """

    id: int
    name: str
    parent: int
    kind: Kind
    created: int
    modified: int
    changed: int
    owner: str
    data: bytes = field(default=b"", repr=False)
    children: dict[str, int] = field(default_factory=dict)
    revision: int = 1


class Tree:
    """Paths, ids and contents. Not thread-safe: the caller holds the cluster's lock.

    Ids are never used again. Raises ``Refusal`` with the vendor's error classes.
    """

    def __init__(self, now: Callable[[], int], nodes: Iterable[Node] | None = None) -> None:
        self._now = now
        moment = now()
        root = Node(ROOT_ID, "", ROOT_ID, Kind.DIRECTORY, moment, moment, moment, "500")
        self._nodes = {node.id: node for node in nodes or (root,)}
        self._ids = count(max(self._nodes) + 1)

    def frozen(self) -> Tree:
        """A copy that later changes do not reach."""
        return Tree(self._now, [replace(node, children=dict(node.children)) for node in self._nodes.values()])

    # Finding

    def find(self, ref: str) -> Node:
        """The node of a file id or an absolute path, as the REST API takes either."""
        if ref.startswith("/"):
            return self._walk(ref)
        if not (ref.isascii() and ref.isdecimal()):
            raise Refusal(400, "A reference is a file id or an absolute path.", "fs_file_path_invalid_error")
        node = self.get(int(ref))
        if node is None:
            raise Refusal(404, f"No such file id: {ref}", "fs_no_such_inode_error")
        return node

    def get(self, number: int) -> Node | None:
        return self._nodes.get(number)

    def child(self, directory: Node, name: str) -> Node | None:
        number = directory.children.get(name)
        return None if number is None else self._nodes[number]

    def directory(self, ref: str) -> Node:
        node = self.find(ref)
        if node.kind is not Kind.DIRECTORY:
            raise Refusal(400, "Not a directory.", "fs_not_a_directory_error")
        return node

    def path(self, node: Node) -> str:
        """The full path; a directory's ends with a slash. Source: Qumulo qq CLI guide, ``fs_read_dir``."""
        joined = "/" + "/".join(reversed([link.name for link in self.line(node) if link.id != ROOT_ID]))
        return joined + "/" if node.kind is Kind.DIRECTORY and node.id != ROOT_ID else joined

    def line(self, node: Node) -> Iterator[Node]:
        """The node, its directory, and so on up to the root."""
        while True:
            yield node
            if node.id == ROOT_ID:
                return
            node = self._nodes[node.parent]

    def overlap(self, one: Node, other: Node) -> bool:
        """Whether one is the other, or inside it."""
        return other in self.line(one) or one in self.line(other)

    def below(self, directory: Node, prefix: str = "") -> Iterator[tuple[str, Node]]:
        """Everything below a directory with its relative path, names in order, directories before what they hold."""
        for name in sorted(directory.children):
            node = self._nodes[directory.children[name]]
            yield prefix + name, node
            if node.kind is Kind.DIRECTORY:
                yield from self.below(node, f"{prefix}{name}/")

    # Changing

    def create(self, directory: Node, name: str, kind: Kind, data: bytes = b"", owner: str = "500") -> Node:
        check_name(name)
        if name in directory.children:
            raise Refusal(409, "An entry of this name exists.", "fs_entry_exists_error")
        moment = self._now()
        node = Node(next(self._ids), name, directory.id, kind, moment, moment, moment, owner, data)
        self._nodes[node.id] = node
        directory.children[name] = node.id
        self._touch(directory)
        return node

    def write(self, node: Node, data: bytes) -> None:
        if node.kind is not Kind.FILE:
            raise Refusal(400, "Not a regular file.", "fs_not_a_file_error")
        node.data = data
        self._touch(node)

    def write_at(self, node: Node, offset: int, data: bytes) -> None:
        """Bytes at an offset; a gap is filled with zeros. A file is held in memory, and may not outgrow it."""
        if offset + len(data) > FILE_LIMIT:
            raise Refusal(400, "The file would be too large.", "fs_file_too_large_error")
        self.write(node, node.data[:offset].ljust(offset, b"\0") + data + node.data[offset + len(data) :])

    def rename(self, node: Node, directory: Node, name: str, *, clobber: bool) -> None:
        check_name(name)
        if node.id == ROOT_ID or any(link.id == node.id for link in self.line(directory)):
            raise Refusal(400, "A directory cannot be moved into itself.", "fs_directory_cycle_error")
        present = self.child(directory, name)
        if present is not None and present.id != node.id:
            if not clobber:
                raise Refusal(409, "An entry of this name exists.", "fs_entry_exists_error")
            self.delete(present)
        old = self._nodes[node.parent]
        del old.children[node.name]
        node.name, node.parent = name, directory.id
        directory.children[name] = node.id
        for touched in (old, directory, node):
            self._touch(touched)

    def delete(self, node: Node) -> None:
        if node.id == ROOT_ID:
            raise Refusal(403, "The root directory cannot be deleted.", "fs_access_denied_error")
        if node.children:
            raise Refusal(409, "The directory is not empty.", "fs_directory_not_empty_error")
        parent = self._nodes[node.parent]
        del parent.children[node.name]
        del self._nodes[node.id]
        self._touch(parent)

    def delete_all(self, node: Node) -> None:
        """A node with everything below it, as a client of NFS or SMB does it step by step."""
        for number in list(node.children.values()):
            self.delete_all(self._nodes[number])
        self.delete(node)

    def make_directories(self, start: Node, parts: list[str]) -> Node:
        """The directory at the end of a relative path, made where missing."""
        directory = start
        for part in parts:
            found = self.child(directory, part)
            if found is not None and found.kind is not Kind.DIRECTORY:
                raise Refusal(400, f"Not a directory: {self.path(found)}", "fs_not_a_directory_error")
            directory = found or self.create(directory, part, Kind.DIRECTORY)
        return directory

    def _walk(self, path: str) -> Node:
        node = self._nodes[ROOT_ID]
        for part in path.split("/"):
            if not part:
                continue
            if node.kind is not Kind.DIRECTORY:
                raise Refusal(404, f"Not a directory: {self.path(node)}", "fs_not_a_directory_error")
            found = self.child(node, part)
            if found is None:
                raise Refusal(404, f"No such path: {path}", "fs_no_such_entry_error")
            node = found
        return node

    def _touch(self, node: Node) -> None:
        node.modified = node.changed = self._now()
        node.revision += 1


def check_name(name: str) -> None:
    """``Refusal`` for a name that no directory entry can have."""
    if name in {"", ".", "..", ".snapshot"} or "/" in name or "\0" in name:
        raise Refusal(400, "Not a valid name.", "fs_invalid_name_error")
    if len(name.encode("utf-8", "surrogatepass")) > NAME_BYTES:
        raise Refusal(400, "The name is too long.", "fs_name_size_error")
