"""Volumes as folders of the machine: making one like another, and telling what is in one."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

_CHUNK: Final = 1 << 20


def mirror(source: Path, target: Path, scratch: Path) -> tuple[int, int]:
    """Make ``target`` hold what ``source`` holds and nothing else; how many files and bytes were moved.

    A file is replaced in one step, by way of ``scratch``, which is on the same file system. What goes away from the
    source meanwhile is left out; what is neither file, directory nor symbolic link too.
    """
    files = size = 0
    target.mkdir(parents=True, exist_ok=True)
    wanted = sorted(source.iterdir())
    names = {path.name for path in wanted}
    for stale in [path for path in target.iterdir() if path.name not in names]:
        remove(stale)
    for path in wanted:
        with suppress(FileNotFoundError):
            moved = _entry(path, target / path.name, scratch)
            files, size = files + moved[0], size + moved[1]
    shutil.copystat(source, target)
    return files, size


def remove(path: Path) -> None:
    """Whatever it is, with everything below it. Nothing if it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def contents(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Every file with its path below the folder, its size and the SHA-256 of its bytes, in order of paths."""
    for path in _files(folder):
        with suppress(FileNotFoundError):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            yield path.relative_to(folder).as_posix(), path.stat().st_size, digest


def usage(folder: Path) -> int:
    """Bytes in files."""
    total = 0
    for path in _files(folder):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def inside(folder: Path, relative: str) -> Path:
    """A path below the folder. ValueError if it leads out of it."""
    parts = Path(relative).parts
    if not parts or Path(relative).is_absolute() or ".." in parts:
        raise ValueError("path must be relative, and stay inside of the volume")
    return folder.joinpath(*parts)


def _files(folder: Path) -> list[Path]:
    # os.walk goes on where a directory has gone away meanwhile.
    found = (Path(at, name) for at, _, names in os.walk(folder) for name in names)
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _entry(path: Path, target: Path, scratch: Path) -> tuple[int, int]:
    if path.is_symlink():
        link = path.readlink()
        if not (target.is_symlink() and target.readlink() == link):
            remove(target)
            target.symlink_to(link)
        return 0, 0
    if path.is_dir():
        if target.is_symlink() or not target.is_dir():
            remove(target)
        return mirror(path, target, scratch)
    return _file(path, target, scratch) if path.is_file() else (0, 0)


def _file(path: Path, target: Path, scratch: Path) -> tuple[int, int]:
    if not target.is_symlink() and target.is_file() and _same(path, target):
        shutil.copystat(path, target)
        return 0, 0
    part = scratch / uuid4().hex
    shutil.copy2(path, part)
    if target.is_symlink() or target.is_dir():
        remove(target)
    part.replace(target)
    return 1, target.stat().st_size


def _same(one: Path, other: Path) -> bool:
    # By their bytes: a client may write without a new time.
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while chunk := left.read(_CHUNK):
            if chunk != right.read(_CHUNK):
                return False
        return not right.read(1)
