"""Ends that list, answer and read in ways of their own."""

import io
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import ObjectFacts
from reconciler.providers.base import Capability, Provider, Store
from reconciler.verify.job import Job

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_OLD = datetime(2025, 6, 1, tzinfo=UTC)


class _Instead:
    """Another object, with some attributes replaced."""

    def __init__(self, original: Any, **replaced: Any) -> None:
        self.original = original
        self.__dict__ |= replaced

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


def stored(provider: Provider, wrap: Callable[[Store], Any]) -> Provider:
    """A provider whose stores are other ones."""
    return cast("Provider", _Instead(provider, store=lambda location: wrap(provider.store(location))))


def capable(provider: Provider, *, without: AbstractSet[Capability]) -> Provider:
    """A provider of a type that can do less."""
    info = replace(provider.info, capabilities=provider.info.capabilities - without)
    return cast("Provider", _Instead(provider, info=info))


def to_files(job: Job) -> Job:
    """The job as if its destination were a directory."""
    place = job.flow.spec.destination.model_copy(update={"bucket": None, "path": "/b"})
    flow = replace(job.flow, spec=job.flow.spec.model_copy(update={"destination": place}))
    ends = job.provider.ends(job.flow)
    return replace(job, flow=flow, provider=cast("Provider", _Instead(job.provider, ends=lambda _: ends)))


class Bare(_Instead):
    """Lists without checksums, as S3 does."""

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        return (facts.model_copy(update={"checksums": {}}) for facts in self.original.list(prefix))


class Unhashed(Bare):
    """Has no checksums, as files have none."""

    def head(self, key: str) -> ObjectFacts | None:
        facts = self.original.head(key)
        return facts and facts.model_copy(update={"checksums": {}})


class Breaking(_Instead):
    """Its listing breaks off after two objects."""

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        listed = self.original.list(prefix)
        yield next(listed)
        yield next(listed)
        raise ProviderError("connection reset", code=ErrorCode.UNAVAILABLE, provider="there", operation="list")


class Reversed(_Instead):
    """Lists in the wrong order."""

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        return iter(sorted(self.original.list(prefix), key=lambda facts: facts.key, reverse=True))


class Synthetic:
    """Any number of objects that take no memory. Every `wrong`-th has another checksum; none if that is 0."""

    def __init__(self, count: int, *, wrong: int = 0, size: int = 1) -> None:
        self._count, self._wrong, self._size = count, wrong, size

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        del prefix
        return (self._facts(number) for number in range(self._count))

    def head(self, key: str) -> ObjectFacts:
        return self._facts(int(key.removeprefix("k")))

    def read(self, key: str) -> BinaryIO:
        del key
        return cast("BinaryIO", io.BufferedReader(_Zeros(self._size)))

    def _facts(self, number: int) -> ObjectFacts:
        digest = "bad" if self._wrong and number % self._wrong == 0 else "good"
        return ObjectFacts(key=f"k{number:09}", size=self._size, modified_at=_OLD, checksums={"sha256": digest})


class _Zeros(io.RawIOBase):
    def __init__(self, left: int) -> None:
        super().__init__()
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        count = min(len(view), self._left)
        view[:count] = bytes(count)
        self._left -= count
        return count
