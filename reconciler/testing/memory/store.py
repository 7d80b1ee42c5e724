"""Objects below one location of a memory world."""

import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import BinaryIO, TypeVar

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import ObjectFacts
from reconciler.testing.memory.records import MemoryObject, WorldError
from reconciler.testing.memory.world import MemoryWorld

__all__ = ["MemoryStore"]

T = TypeVar("T")


class MemoryStore:
    """A `Store` over one bucket and prefix."""

    def __init__(self, provider: str, world: str, bucket: str, prefix: str, *, writable: bool) -> None:
        self._provider = provider
        self._world = world
        self._bucket = bucket
        self._prefix = prefix
        self._writable = writable

    def list(self, prefix: str = "") -> Iterator[ObjectFacts]:
        """Yield what is there when the listing starts, ascending by the UTF-8 bytes of the key."""
        start = self._prefix + prefix

        def listed() -> dict[str, MemoryObject]:
            return {key: held for key, held in self._objects().items() if key.startswith(start)}

        found = self._ask("read", "list", prefix, listed)
        yield from (self._facts(key, found[key]) for key in sorted(found, key=str.encode))

    def head(self, key: str) -> ObjectFacts | None:
        """Return what is known of one object, or None."""
        held = self._ask("read", "head", key, lambda: self._objects().get(self._prefix + key))
        return None if held is None else self._facts(self._prefix + key, held)

    def read(self, key: str) -> BinaryIO:
        """Open one object."""
        held = self._ask("read", "read", key, lambda: self._objects().get(self._prefix + key))
        if held is None:
            raise self._error("read", WorldError(ErrorCode.NOT_FOUND, f"there is no object {key!r}"))
        return BytesIO(held.data)

    def write(
        self,
        key: str,
        data: BinaryIO,
        size: int,
        *,
        metadata: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> ObjectFacts:
        """Write one object as a client would: rules take it up."""
        content = data.read()
        if len(content) != size:
            message = f"{size} bytes were announced and {len(content)} came"
            raise self._error("write", WorldError(ErrorCode.INVALID_ARGUMENT, message))

        def written() -> MemoryObject:
            world = MemoryWorld.named(self._world)
            held = MemoryObject(
                data=content,
                modified_at=world.clock.now(),
                metadata={name.lower(): value for name, value in (metadata or {}).items()},
                tags=dict(tags or {}),
            )
            self._objects()[self._prefix + key] = held
            world.changed(self._bucket, self._prefix + key, held.tags)
            return held

        return self._facts(self._prefix + key, self._ask("write", "write", key, written))

    def delete(self, key: str) -> None:
        """Delete as a client would: rules that carry deletions take it up."""

        def deleted() -> None:
            held = self._objects().pop(self._prefix + key, None)
            if held is not None:
                MemoryWorld.named(self._world).changed(self._bucket, self._prefix + key, held.tags)

        self._ask("write", "delete", key, deleted)

    def purge(self, key: str) -> None:
        """Remove without a trace: no rule sees it."""

        def purged() -> None:
            self._objects().pop(self._prefix + key, None)

        self._ask("write", "purge", key, purged)

    def _objects(self) -> dict[str, MemoryObject]:
        return MemoryWorld.named(self._world).bucket(self._bucket)

    def _ask(self, access: str, operation: str, key: str, act: Callable[[], T]) -> T:
        if access == "write" and not self._writable:
            refusal = WorldError(ErrorCode.READ_ONLY, f"{operation} on a connection that only reads")
            raise self._error(operation, refusal)
        try:
            world = MemoryWorld.named(self._world)
            target = f"{self._bucket}/{self._prefix}{key}"
            return world.ask("write" if access == "write" else "read", operation, target, act, "data")
        except WorldError as error:
            raise self._error(operation, error) from error

    def _error(self, operation: str, error: WorldError) -> ProviderError:
        return ProviderError(
            str(error), code=error.code, provider=self._provider, operation=operation, ambiguous=error.ambiguous
        )

    def _facts(self, key: str, held: MemoryObject) -> ObjectFacts:
        return ObjectFacts(
            key=key.removeprefix(self._prefix),
            size=len(held.data),
            modified_at=held.modified_at,
            etag=hashlib.md5(held.data, usedforsecurity=False).hexdigest(),
            checksums={"sha256": hashlib.sha256(held.data).hexdigest()},
            storage_class=held.storage_class,
            metadata=held.metadata,
            replication_status=held.replication_status,
        )
