"""Which files are manifests, and their bytes as text: nothing here raises for what a user can get wrong."""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.manifest.codes import Code, Mistake
from reconciler.manifest.sources import Source, Sources
from reconciler.manifest.wording import printable

__all__ = ["MAX_BYTES", "base_of", "display", "find", "read"]

MAX_BYTES = 10 * 1024 * 1024
"""Larger files are refused before they are read."""

_ENDINGS = (".yaml", ".yml")
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_MOST_BAD = 100
_CODES: dict[int | None, tuple[Code, str | None]] = {
    errno.ENOENT: (Code.NO_SUCH_PATH, None),
    errno.EFBIG: (Code.TOO_LARGE, "split it, or name the manifests with -f"),
}
_CONTROL_BYTES = bytes({*range(0x20)} - {0x09, 0x0A, 0x0D}) + b"\x7f"
# What YAML does not allow in a stream: all controls but tab, line ends and NEL; a BOM inside; non-characters.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def display(path: Path | str) -> str:
    """Return a path as shown: relative to the working folder if below it, never with control characters."""
    absolute, here = os.path.abspath(path), os.getcwd()  # noqa: PTH100, PTH109 no links may be resolved here
    inside = absolute == here or absolute.startswith(here.rstrip("/") + "/")
    text = os.path.relpath(absolute, here) if inside else str(path)
    return printable(text.encode("utf-8", "backslashreplace").decode())


def base_of(paths: Sequence[Path]) -> Path:
    """Return the folder that relative paths in documents are resolved against: the first path, or its folder."""
    first = paths[0] if paths else Path()
    return (first if os.path.isdir(first) else first.parent).absolute()  # noqa: PTH112 unlike Path.is_dir it never raises


def find(paths: Sequence[Path], sources: Sources) -> Iterator[Path]:
    """Yield the manifest files: what is named, and below a named folder every *.yaml and *.yml, sorted.

    Hidden files and folders are left out, and what a link inside the folder shows for a second time.
    """
    seen: set[str] = set()
    for path in paths:
        found: Iterator[Path] = iter((path,))
        if os.path.isdir(path):  # noqa: PTH112 unlike Path.is_dir it never raises
            found = _below(path, sources)
        for file in found:
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def read(path: Path, sources: Sources) -> Source | None:
    """Read one file as UTF-8 text, or return None if there is nothing to parse."""
    try:
        data = _bytes(path)
    except OSError as error:
        code, hint = _CODES.get(error.errno, (Code.UNREADABLE, None))
        code = Code.UNREADABLE if path.is_symlink() else code
        _refuse(path, sources, code, _reason(error), hint)
        return None
    if data.startswith(_WIDE_BOMS):
        detail = "UTF-16 or UTF-32, as its first bytes say"
        _refuse(path, sources, Code.NOT_UTF8, detail, "save it as UTF-8")
        return None
    return _decoded(path, data, sources)


def _bytes(path: Path) -> bytes:
    # O_NONBLOCK: opening a named pipe must not wait for somebody to write into it.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        data = b"" if facts.st_size > MAX_BYTES else file.read(MAX_BYTES + 1)
    if max(len(data), facts.st_size) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"more than {MAX_BYTES // 1024 // 1024} MiB; it was not read")
    return data


def _reason(error: OSError) -> str:
    text = error.strerror or "cannot be read"
    return text[:1].lower() + text[1:]


def _decoded(path: Path, data: bytes, sources: Sources) -> Source | None:
    body = data.removeprefix(_BOM)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        text = body.decode(errors="replace")
        source = sources.add(display(path), text, data)
        at = source.base + len(body[: error.start].decode())
        offset = error.start + len(data) - len(body)
        detail = f"byte {body[error.start]:#04x} at offset {offset} does not belong to UTF-8"
        sources.mistakes.append(Mistake(code=Code.NOT_UTF8, at=at, detail=detail, hint="save the file as UTF-8"))
        return source if text.count("\ufffd") <= _MOST_BAD and not _CONTROLS.search(text) else None
    if text.isascii() and len(body.translate(None, _CONTROL_BYTES)) == len(body):
        return sources.add(display(path), text, data)
    return _without_controls(path, text, data, sources)


def _without_controls(path: Path, text: str, data: bytes, sources: Sources) -> Source | None:
    cleaned, count = _CONTROLS.subn("\ufffd", text)
    source = sources.add(display(path), cleaned, data)
    first = _CONTROLS.search(text)
    if first is None:
        return source
    detail = f"U+{ord(first[0]):04X}" + (f", and {count - 1} more" if count > 1 else "")
    escape = f"\\x{ord(first[0]):02x}" if first[0] < "\u0100" else f"\\u{ord(first[0]):04x}"
    hint = f'write it as an escape in double quotes: "{escape}"'
    if first[0] == "\x00":
        hint = "save the file as UTF-8 text"
    at = source.base + first.start()
    sources.mistakes.append(Mistake(code=Code.CONTROL_CHARACTER, at=at, detail=detail, hint=hint))
    return source if count <= _MOST_BAD else None


def _refuse(path: Path, sources: Sources, code: Code, detail: str, hint: str | None = None) -> None:
    source = sources.add(display(path))
    sources.mistakes.append(Mistake(code=code, at=source.base, detail=f"{source.path}: {detail}", hint=hint))


def _below(folder: Path, sources: Sources) -> Iterator[Path]:
    root = os.path.realpath(folder)
    files: list[Path] = []

    def unreadable(error: OSError) -> None:
        _refuse(Path(error.filename), sources, Code.UNREADABLE, _reason(error))

    for here, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(here, name).is_symlink()]
        manifests = [name for name in names if name.endswith(_ENDINGS) and not name.startswith(".")]
        for name in (*links, *manifests):
            path = Path(here, name)
            if path.is_symlink() and not _inside(os.path.realpath(path), root):
                hint = "name what it leads to with -f, if that is meant"
                _refuse(path, sources, Code.LINK_OUTSIDE, f"leads outside {display(folder)}", hint)
            elif name not in links:
                files.append(path)
    # Files before links to them, so that a place is shown where the file really is.
    yield from sorted(files, key=lambda path: (path.is_symlink(), path.parts))


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
