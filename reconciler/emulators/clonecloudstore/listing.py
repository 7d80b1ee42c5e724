"""Which objects a list has: filters from headers.

Source: CloneCloudStore's AccessorFilter and DbQueryAccessorHelper.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

from reconciler.emulators.clonecloudstore import moment, names, wire
from reconciler.emulators.clonecloudstore.records import STATUSES, Object

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Filter:
    """Every condition given must hold. Bounds are inclusive, whatever their names say; a size of 0 is no bound."""

    prefix: str = ""
    statuses: frozenset[str] = frozenset()
    created: tuple[datetime | None, datetime | None] = (None, None)
    expires: tuple[datetime | None, datetime | None] = (None, None)
    at_least: int = 0
    at_most: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)

    def passes(self, row: Object) -> bool:
        return (
            row.name.startswith(self.prefix)
            and (not self.statuses or row.status in self.statuses)
            and _between(row.creation, *self.created)
            and _between(row.expires, *self.expires)
            and row.size >= self.at_least
            and (not self.at_most or row.size <= self.at_most)
            and all(row.metadata.get(key) == value for key, value in self.metadata.items())
        )


def of(header: Callable[[str], str | None]) -> Filter:
    """The filter that these headers make. ValueError for one that cannot be read."""

    def told(name: str, read: Callable[[str], T], usual: T) -> T:
        text = (header(wire.PREFIX + name) or "").strip()
        return read(text) if text else usual

    def instants(name: str) -> tuple[datetime | None, datetime | None]:
        after, before = (told(f"{name}{end}", _instant, None) for end in ("After", "Before"))
        return after, before

    return Filter(
        prefix=told("namePrefix", names.object_name, ""),
        statuses=told("statuses", _statuses, frozenset()),
        created=instants("creation"),
        expires=instants("expires"),
        at_least=max(told("sizeGT", int, 0), 0),
        at_most=max(told("sizeLT", int, 0), 0),
        metadata=told("metadataEq", wire.metadata_of, {}),
    )


def _instant(text: str) -> datetime | None:
    return moment.parse(text)


def _statuses(text: str) -> frozenset[str]:
    read = json.loads(text)
    if not isinstance(read, list) or not set(map(str, read)) <= set(STATUSES):
        raise ValueError("not a list of statuses")
    return frozenset(cast("list[str]", read))


def _between(value: datetime | None, after: datetime | None, before: datetime | None) -> bool:
    if after is None and before is None:
        return True
    return value is not None and (after is None or after <= value) and (before is None or value <= before)
