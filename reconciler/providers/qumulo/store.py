"""The files below one directory of a cluster as objects. Source: Qumulo REST API guide, files."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import ObjectFacts
from reconciler.providers.qumulo.client import QumuloClient
from reconciler.providers.qumulo.rest import DIRECTORY, FILE, Attributes

__all__ = ["CANARY_FOLDER", "QumuloStore"]

CANARY_FOLDER = ".repl-canary"
"""The only folder whose empty directories `purge` removes."""
_NOT_EMPTY = frozenset(
    {ErrorCode.CONFLICT, ErrorCode.INVALID_ARGUMENT, ErrorCode.FAILED_PRECONDITION, ErrorCode.NOT_FOUND}
)


class QumuloStore:
    """Regular files as objects; the key is the path relative to the directory.

    Symbolic links, pipes and devices are no objects, as jobs do not copy them. Files have no metadata and no tags: such
    arguments are left out. Keys that no path can stand for (`/lead`, `a//b`, `a/../b`, `dir/`) are never there, and
    cannot be written.
    """

    def __init__(self, client: QumuloClient, root: str, provider: str) -> None:
        self._client = client
        self._root = root.rstrip("/")
        self._provider = provider

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        """Yield files in order. One directory's entries for each level are held in memory.

        Directories that vanish meanwhile are left out. Raises ProviderError NOT_FOUND if the location is not there.
        """
        folder = prefix[: prefix.rfind("/") + 1]
        if folder and not (_is_path(folder[:-1]) and self._has_folder(folder)):
            return
        open_folders = [(folder, iter(self._sorted(folder)))]
        while open_folders:
            folder, rest = open_folders[-1]
            entry = next(rest, None)
            if entry is None:
                open_folders.pop()
            elif (key := f"{folder}{entry.name}").startswith(prefix) and entry.type == FILE:
                yield _facts(key, entry)
            elif f"{key}/".startswith(prefix) and entry.type == DIRECTORY:
                open_folders.append((f"{key}/", iter(self._sorted(f"{key}/", may_vanish=True))))

    def head(self, key: str) -> ObjectFacts | None:
        """Return a file's size and time, or None if there is no regular file."""
        if not _is_path(key):
            return None
        found = self._client.attributes(self._path(key))
        return _facts(key, found) if found and found.type == FILE else None

    def read(self, key: str) -> BinaryIO:
        """Open a file. Raises ProviderError NOT_FOUND."""
        if not _is_path(key):
            raise self._error(ErrorCode.NOT_FOUND, "read", key, "no file can have this path")
        return self._client.read_file(self._path(key))

    def write(
        self,
        key: str,
        data: BinaryIO,
        size: int,
        *,
        metadata: dict[str, str] | None = None,  # noqa: ARG002  (files have none)
        tags: dict[str, str] | None = None,  # noqa: ARG002
    ) -> ObjectFacts:
        """Write a file, replacing what it held.

        In between it is there but not complete, and so it stays after an error. The API can only fill a file that
        exists, and under a name to be changed later a running job would copy it.
        """
        if not _is_path(key):
            raise self._error(ErrorCode.INVALID_ARGUMENT, "write", key, "no file can have this path")
        try:
            self._create(key, is_directory=False)
        except ProviderError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            for folder in _folders(key):
                self._create(folder, is_directory=True)
            self._create(key, is_directory=False)
        written = self._client.write_file(self._path(key), data, size)
        if data.read(1):
            why = f"{size} bytes were announced and more came"
            raise self._error(ErrorCode.INVALID_ARGUMENT, "write", key, why)
        return _facts(key, written)

    def delete(self, key: str) -> None:
        """Delete a file. Absence is no error; a directory of that name is left alone."""
        # The API's delete takes empty directories as well.
        if self.head(key) is not None:
            self._remove(self._path(key))

    def purge(self, key: str) -> None:
        """Delete a file, and below `.repl-canary` the directories that are empty then."""
        self.delete(key)
        if not _is_path(key):
            return
        for folder in reversed(_folders(key)):
            if CANARY_FOLDER not in folder.split("/"):
                return
            try:
                self._client.delete_file(self._path(folder))
            except ProviderError as error:
                if error.code not in _NOT_EMPTY:
                    raise
                if error.code is not ErrorCode.NOT_FOUND:
                    return

    def _has_folder(self, folder: str) -> bool:
        found = self._client.attributes(self._path(folder[:-1]))
        if found is None and self._client.attributes(self._root or "/") is None:
            raise self._error(ErrorCode.NOT_FOUND, "list", "", "the directory is not there")
        return found is not None and found.type == DIRECTORY

    def _sorted(self, folder: str, *, may_vanish: bool = False) -> Sequence[Attributes]:
        """Return a directory's entries in the order of the keys that they lead to.

        A directory sorts as its name with a slash, for that is how all keys below it start: `a-b` < `a/b` < `a0`.
        """
        try:
            entries = tuple(self._client.entries(self._path(folder[:-1])))
        except ProviderError as error:
            if may_vanish and error.code is ErrorCode.NOT_FOUND:
                return ()
            raise
        return sorted(entries, key=lambda entry: f"{entry.name}{'/' * (entry.type == DIRECTORY)}".encode())

    def _create(self, key: str, *, is_directory: bool) -> None:
        parent, _, name = key.rpartition("/")
        try:
            self._client.create_entry(self._path(parent), name, is_directory=is_directory)
        except ProviderError as error:
            # Taken: by what we want, or by what the next request fails on.
            if error.code is not ErrorCode.CONFLICT:
                raise

    def _remove(self, path: str) -> None:
        try:
            self._client.delete_file(path)
        except ProviderError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root or "/"

    def _error(self, code: ErrorCode, operation: str, key: str, why: str) -> ProviderError:
        return ProviderError(f"{self._path(key)}: {why}", code=code, provider=self._provider, operation=operation)


def _is_path(key: str) -> bool:
    """Say whether a key can be a path: no empty, `.` or `..` component, so that it never leads out of the location."""
    return not {"", ".", ".."} & set(key.split("/")) and "\0" not in key


def _folders(key: str) -> tuple[str, ...]:
    """Return the directories above a key, outermost first."""
    parts = key.split("/")[:-1]
    return tuple("/".join(parts[: count + 1]) for count in range(len(parts)))


def _facts(key: str, found: Attributes) -> ObjectFacts:
    return ObjectFacts(key=key, size=found.size, modified_at=found.modification_time)
