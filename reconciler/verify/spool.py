"""Keys that are no match, kept on disc: there may be millions, and some change their verdict at the end."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.errors import ReplError
from reconciler.model.verification import Difference, Verdict

__all__ = ["Differences", "Spool"]


class Spool:
    """Differences in the order in which they were found, which is that of the keys. In a file without a name."""

    def __init__(self) -> None:
        with _on_disc():
            # Left open: it is written, read and closed by others.
            self._file = tempfile.TemporaryFile("w+", encoding="ascii", newline="\n")  # noqa: SIM115
        self._count = 0
        self._settled: dict[int, Difference | None] = {}

    def add(self, verdict: Verdict, key: str, detail: str) -> int:
        """Keep one. Returns its number."""
        with _on_disc():
            self._file.write(json.dumps([verdict.value, key, detail]) + "\n")
        self._count += 1
        return self._count - 1

    def settle(self, number: int, difference: Difference | None) -> None:
        """Replace one that was looked at again; None if it is no difference."""
        self._settled[number] = difference

    def __iter__(self) -> Iterator[Difference]:
        """Yield what is left of them, in order. Add nothing meanwhile."""
        with _on_disc():
            self._file.flush()
            self._file.seek(0)
            for number, line in enumerate(self._file):
                if number not in self._settled:
                    verdict, key, detail = json.loads(line)
                    yield Difference(key=key, verdict=Verdict(verdict), detail=detail)
                elif (settled := self._settled[number]) is not None:
                    yield settled

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


class Differences:
    """What the comparisons of one run have found, for a file of all of them."""

    def __init__(self) -> None:
        self._spools: dict[str, Spool] = {}

    def keep(self, replication: str, spool: Spool) -> None:
        """Take over what one comparison has found."""
        self._spools[replication] = spool

    def lines(self) -> Iterator[str]:
        """Yield one JSON object for each key, in ASCII without a line end, by replication and then by key."""
        for name, spool in sorted(self._spools.items()):
            for one in spool:
                record = {"replication": name, "key": one.key, "verdict": one.verdict.value, "detail": one.detail}
                yield json.dumps(record)

    def close(self) -> None:
        """Give the space back."""
        for spool in self._spools.values():
            spool.close()


@contextmanager
def _on_disc() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = f"there must be room in {tempfile.gettempdir()}; TMPDIR names another folder"
        raise ReplError(f"what differs cannot be kept on this machine: {error.strerror or error}", hint=hint) from error
