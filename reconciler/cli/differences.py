"""The file of `repl verify --differences`: whole or not at all, however much it holds."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from reconciler.errors import ReplError, UsageError
from reconciler.model.verification import Verification
from reconciler.report.line import count
from reconciler.verify.spool import Differences

__all__ = ["Delivery", "differences_to"]


@dataclass(slots=True)
class Delivery:
    """Where the keys that are no match go."""

    path: Path | None
    found: Differences | None
    """What comparisons fill; None if nobody asked."""
    _file: TextIO | None = None

    def deliver(self, proofs: Sequence[Verification], redact: Callable[[str], str]) -> str:
        """Write the file, in place of one that was there. Returns what to tell of it. Raises ReplError."""
        if self.path is None or self.found is None or self._file is None:
            raise AssertionError
        lines = 0
        try:
            for line in self.found.lines():
                self._file.write(redact(line) + "\n")
                lines += 1
            self._file.flush()
            os.fsync(self._file.fileno())
            os.fchmod(self._file.fileno(), 0o666 & ~_mask())
            Path(self._file.name).replace(self.path)
        except OSError as error:
            raise ReplError(f"--differences {self.path}: {error.strerror or error}") from error
        cut = [proof.replication for proof in proofs if proof.compared is not None and not proof.compared.complete]
        short = f"; not all of {', '.join(cut)}, where the comparison did not come to its end" if cut else ""
        return f"{count(lines, 'key')} written to {self.path}{short}"


def _mask() -> int:
    """Return which permissions new files do not get here; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def differences_to(path: Path | None) -> Iterator[Delivery]:
    """Open what is needed to write the file at the end, so that a path that cannot be written is told before.

    Raises UsageError for such a path.
    """
    if path is None:
        yield Delivery(None, None)
        return
    if path.is_dir():
        raise UsageError(f"--differences {path}: is a folder")
    found = Differences()
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise UsageError(f"--differences {path}: {error.strerror or error}") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            yield Delivery(path, found, file)
    finally:
        found.close()
        with suppress(FileNotFoundError):
            Path(name).unlink()
