"""A mounted directory as a store: for volumes and shares that no API of their system reads or writes.

Every path is walked from the root one directory at a time, and no symbolic link is followed: what lies below the root
cannot lead out of it.
"""

import errno
import io
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import ObjectFacts

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["DirectoryStore"]

_CANARY_FOLDER = ".repl-canary"
"""The only folder whose empty directories `purge` removes."""
_SNAPSHOTS = frozenset({".snapshot", "~snapshot"})
"""Where servers show snapshots at the root of a share: no part of what it holds."""
_CHUNK = 256 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CODES = {
    errno.ENOENT: ErrorCode.NOT_FOUND,
    errno.ENOTDIR: ErrorCode.NOT_FOUND,
    errno.EACCES: ErrorCode.PERMISSION_DENIED,
    errno.EPERM: ErrorCode.PERMISSION_DENIED,
    errno.EEXIST: ErrorCode.ALREADY_EXISTS,
    errno.EISDIR: ErrorCode.FAILED_PRECONDITION,
    errno.ELOOP: ErrorCode.FAILED_PRECONDITION,
    errno.EROFS: ErrorCode.FAILED_PRECONDITION,
    errno.ENOSPC: ErrorCode.FAILED_PRECONDITION,
    errno.EDQUOT: ErrorCode.FAILED_PRECONDITION,
    errno.ENAMETOOLONG: ErrorCode.INVALID_ARGUMENT,
}
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


class DirectoryStore:
    """Regular files below a directory as objects; the key is the path relative to it.

    Symbolic links, pipes and devices are no objects. Files have no metadata and no tags: such arguments are left out.
    Keys that no path can stand for (`/lead`, `a//b`, `a/../b`, `dir/`) are never there, and cannot be written. Raises
    ProviderError and nothing else; a root that is not there is NOT_FOUND, never an empty store.
    """

    def __init__(self, root: Path, provider: str) -> None:
        self._root = root
        self._provider = provider

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        """Yield files in order. One directory's names for each level are held in memory.

        Directories that vanish meanwhile are left out. Raises INVALID_ARGUMENT for a name that is not UTF-8.
        """
        folder = prefix[: prefix.rfind("/") + 1]
        if folder and not _is_path(folder[:-1]):
            self._require_root()
            return
        levels = [(folder, iter(self._sorted(folder, may_be_absent=bool(folder))))]
        while levels:
            folder, rest = levels[-1]
            entry = next(rest, None)
            if entry is None:
                levels.pop()
                continue
            name, facts = entry
            if facts is None and (below := f"{folder}{name}/").startswith(prefix):
                levels.append((below, iter(self._sorted(below, may_be_absent=True))))
            elif facts is not None and facts.key.startswith(prefix):
                yield facts

    def head(self, key: str) -> ObjectFacts | None:
        """Return a file's size and time, or None if there is no regular file."""
        if not _is_path(key):
            return None
        with self._told("head", key), self._folder_if_there(key) as at:
            if at is None:
                return None
            try:
                found = os.stat(key.rpartition("/")[2], dir_fd=at, follow_symlinks=False)
            except OSError as error:
                if error.errno in _ABSENT:
                    return None
                raise
            return _facts(key, found) if stat.S_ISREG(found.st_mode) else None

    def read(self, key: str) -> BinaryIO:
        """Open a file. Raises ProviderError NOT_FOUND."""
        if not _is_path(key):
            raise self._error(ErrorCode.NOT_FOUND, "read", key, "no file can have this path")
        with self._told("read", key), self._folder(key) as at:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            opened = os.open(key.rpartition("/")[2], flags, dir_fd=at)
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                os.close(opened)
                raise self._error(ErrorCode.NOT_FOUND, "read", key, "no regular file")
            return io.BufferedReader(_File(opened, lambda: self._told("read", key)), _CHUNK)

    def write(
        self,
        key: str,
        data: BinaryIO,
        size: int,
        *,
        metadata: dict[str, str] | None = None,  # noqa: ARG002  (files have none)
        tags: dict[str, str] | None = None,  # noqa: ARG002
    ) -> ObjectFacts:
        """Write a file whole: under another name first, on disk, and then in place of what was there."""
        if not _is_path(key):
            raise self._error(ErrorCode.INVALID_ARGUMENT, "write", key, "no file can have this path")
        name = key.rpartition("/")[2]
        spare = f".{secrets.token_hex(8)}.repl-part"
        with self._told("write", key), self._folder(key, make=True) as at:
            try:
                found = self._fill(spare, at, data, size, key)
                os.replace(spare, name, src_dir_fd=at, dst_dir_fd=at)
            except BaseException:
                with suppress(OSError):
                    os.unlink(spare, dir_fd=at)
                raise
            with suppress(OSError):  # some shares cannot
                os.fsync(at)
        return _facts(key, found)

    def delete(self, key: str) -> None:
        """Delete a file. Absence is no error; a directory or link of that name is left alone."""
        if self.head(key) is None:
            return
        with self._told("delete", key), self._folder(key) as at, suppress(FileNotFoundError):
            os.unlink(key.rpartition("/")[2], dir_fd=at)

    def purge(self, key: str) -> None:
        """Delete a file, and below `.repl-canary` the directories that are empty then."""
        self.delete(key)
        parts = key.split("/")[:-1]
        while _is_path(key) and parts and parts[0] == _CANARY_FOLDER:
            with self._told("purge", key), self._folder_if_there("/".join(parts)) as at:
                try:
                    if at is not None:
                        os.rmdir(parts[-1], dir_fd=at)
                except OSError as error:
                    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                        return
                    if error.errno not in _ABSENT:
                        raise
            parts.pop()

    # Inside ---------------------------------------------------------------------------------------------------

    def _fill(self, name: str, at: int, data: BinaryIO, size: int, key: str) -> os.stat_result:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=at), "wb") as file:
            shutil.copyfileobj(data, file)
            file.flush()
            os.fsync(file.fileno())
            found = os.fstat(file.fileno())
        if found.st_size != size:
            why = f"{size} bytes were announced and {found.st_size} came"
            raise self._error(ErrorCode.INVALID_ARGUMENT, "write", key, why)
        return found

    def _require_root(self) -> None:
        with self._told("list", ""), self._folder(""):
            pass

    def _sorted(self, folder: str, *, may_be_absent: bool) -> Sequence[tuple[str, ObjectFacts | None]]:
        """Return a directory's files with their facts and its directories without, in the order of their keys.

        A directory sorts as its name with a slash, for that is how all keys below it start: `a-b` < `a/b` < `a0`.
        """
        opened = self._folder_if_there(folder) if may_be_absent else self._folder(folder)
        with self._told("list", folder), opened as at:
            if at is None:
                return ()
            with os.scandir(at) as entries:
                found = [one for entry in entries if (one := self._entry(entry, folder)) is not None]
        return sorted(found, key=lambda one: f"{one[0]}{'/' * (one[1] is None)}".encode())

    def _entry(self, entry: "os.DirEntry[str]", folder: str) -> tuple[str, ObjectFacts | None] | None:
        if entry.is_dir(follow_symlinks=False):
            hidden = not folder and entry.name in _SNAPSHOTS
            return None if hidden else (self._readable(entry.name, folder), None)
        if not entry.is_file(follow_symlinks=False):
            return None
        name = self._readable(entry.name, folder)
        try:
            return name, _facts(f"{folder}{name}", entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return None

    def _readable(self, name: str, folder: str) -> str:
        try:
            name.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(name).decode(errors="replace")
            raise self._error(ErrorCode.INVALID_ARGUMENT, "list", folder, f"a name is not UTF-8: {shown}") from None
        return name

    @contextmanager
    def _folder(self, key: str, *, make: bool = False) -> Iterator[int]:
        """Open the directory that a key lies in; `dir/` lies in itself."""
        opened = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in key.split("/")[:-1]:
                below = _enter(part, opened, make=make)
                os.close(opened)
                opened = below
            yield opened
        finally:
            os.close(opened)

    @contextmanager
    def _folder_if_there(self, key: str) -> Iterator[int | None]:
        """Open the directory that a key lies in; None if it is absent. The root must be there."""
        with ExitStack() as held:
            self._require_root()
            try:
                at: int | None = held.enter_context(self._folder(key))
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                at = None
            yield at

    def _told(self, operation: str, key: str) -> AbstractContextManager[None]:
        return _translated(self, operation, key)

    def failure(self, operation: str, key: str, error: OSError) -> ProviderError:
        """Put an error of the file system in our words. A server that does not answer may do so later."""
        code = _CODES.get(error.errno or 0, ErrorCode.UNAVAILABLE)
        hint = None
        if code is ErrorCode.NOT_FOUND and not self._root.is_dir():
            hint = f"is the volume mounted on {self._root}?"
        elif error.errno == errno.EROFS:
            hint = "it is mounted read-only, or a replica"
        elif error.errno == errno.ESTALE:
            hint = "the mount points to something that is gone: mount it again"
        return self._error(code, operation, key, error.strerror or type(error).__name__, hint)

    def _error(self, code: ErrorCode, operation: str, key: str, why: str, hint: str | None = None) -> ProviderError:
        return ProviderError(
            f"{self._root}/{key}: {why}", code=code, provider=self._provider, operation=operation, hint=hint
        )


class _File(io.FileIO):
    """An open file whose errors are told in our words."""

    def __init__(self, descriptor: int, told: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(descriptor, "rb")
        self._told = told

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read what comes next."""
        with self._told():
            return super().readinto(buffer)


@contextmanager
def _translated(store: DirectoryStore, operation: str, key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise store.failure(operation, key, error) from error


def _enter(name: str, at: int, *, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=at)
    return os.open(name, _FOLDER, dir_fd=at)


def _is_path(key: str) -> bool:
    """Say whether a key can be a path: no empty, `.` or `..` component, so that it never leads out of the directory."""
    if {"", ".", ".."} & set(key.split("/")) or "\0" in key:
        return False
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def _facts(key: str, found: os.stat_result) -> ObjectFacts:
    return ObjectFacts(key=key, size=found.st_size, modified_at=datetime.fromtimestamp(found.st_mtime, UTC))
