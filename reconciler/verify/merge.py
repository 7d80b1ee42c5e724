"""Two listings laid beside each other: a merge join that holds one entry of each."""

from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass

from reconciler.errors import ProviderError
from reconciler.model.verification import ObjectFacts

__all__ = ["BadListing", "Pair", "key_order", "pairs"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One key at both ends; at least one of them has it."""

    key: str
    source: ObjectFacts | None
    destination: ObjectFacts | None


class BadListing(Exception):
    """A listing ended in an error, or is not in order, so that a comparison would invent differences."""

    def __init__(self, end: str, why: str, error: ProviderError | None = None) -> None:
        super().__init__(f"the listing of the {end} {why}")
        self.end = end
        self.error = error


def key_order(key: str) -> bytes:
    """Return what keys are ordered by: their UTF-8 bytes, which is not the order of UTF-16 units."""
    return key.encode(errors="surrogatepass")


def pairs(source: Iterable[ObjectFacts], destination: Iterable[ObjectFacts]) -> Generator[Pair, None, None]:
    """Yield every key of both listings once, ascending. Constant memory; both are closed at the end.

    Raises:
        BadListing: a listing is not strictly ascending, or ended in an error. Nothing is said of later keys.
    """
    here, there = _Side("source", source), _Side("destination", destination)
    try:
        here.advance()
        there.advance()
        while here.facts is not None or there.facts is not None:
            key = min(side.order for side in (here, there) if side.facts is not None)
            mine = here.facts if here.facts is not None and here.order == key else None
            theirs = there.facts if there.facts is not None and there.order == key else None
            either = mine or theirs
            if either is None:
                raise AssertionError
            yield Pair(either.key, mine, theirs)
            if mine is not None:
                here.advance()
            if theirs is not None:
                there.advance()
    finally:
        here.close()
        there.close()


class _Side:
    """One listing, with its first entry that has not been taken."""

    def __init__(self, end: str, listing: Iterable[ObjectFacts]) -> None:
        self._end = end
        self._rest = iter(listing)
        self._count = 0
        self.facts: ObjectFacts | None = None
        self.order = b""

    def advance(self) -> None:
        """Take the next entry; `facts` is None after the last one."""
        last = self.facts
        try:
            self.facts = next(self._rest, None)
        except ProviderError as error:
            raise BadListing(self._end, f"broke off {self._where(last)}: {error}", error) from error
        if self.facts is None:
            return
        order = key_order(self.facts.key)
        if self._count and order <= self.order:
            what = "names a key twice" if order == self.order else "is not in the order of its keys' bytes"
            raise BadListing(self._end, f"{what}: {self.facts.key!r} {self._where(last)}")
        self.order = order
        self._count += 1

    def _where(self, last: ObjectFacts | None) -> str:
        return f"after {self._count:,} objects, the last being {last.key!r}" if last is not None else "at its beginning"

    def close(self) -> None:
        """Let a listing that is not read to its end give back what it holds."""
        if (close := getattr(self._rest, "close", None)) is not None:
            with suppress(ProviderError):
                close()
