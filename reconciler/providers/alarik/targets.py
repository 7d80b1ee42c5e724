"""A bucket's targets as the server has just given them, their secrets kept inside. Pure.

Source: alarik, InternalBucketController: since 1.0.0-beta-7 the API gives a mask for each secret and takes the mask for
"as it is"; before, it gave secrets in clear and took whatever came for the secret.
"""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.secret import SecretRef
from reconciler.model.value import Json

__all__ = ["MASK", "SECRET", "Held", "same"]

MASK = "\u2022" * 8
SECRET = "secretAccessKey"  # noqa: S105  the member's name
_DEFAULTS: dict[str, Json] = {"prefix": "", "synchronous": False}


class Held:
    """The list between its read and the write of the one that takes its place."""

    __slots__ = ("_by_id", "entries")

    def __init__(self, entries: Sequence[Mapping[str, Json]]) -> None:
        self.entries = tuple(entries)
        self._by_id = {str(one.get("id", "")).lower(): one for one in entries}

    def __repr__(self) -> str:
        """Say how many, and nothing of what they hold."""
        return f"Held({len(self.entries)} targets)"

    @property
    def masked(self) -> bool:
        """Whether the server masks: no secret came in clear."""
        return next(self.in_clear(), None) is None

    def in_clear(self) -> Iterator[str]:
        """Yield the secrets that the server gave in clear."""
        for one in self.entries:
            secret = one.get(SECRET)
            if isinstance(secret, str) and secret and secret != MASK:
                yield secret

    def shown(self) -> list[dict[str, Json]]:
        """Return the list for others: each secret is the mask."""
        return [{**one, SECRET: MASK} for one in self.entries]

    def merged(self, wanted: Mapping[str, Json]) -> dict[str, Json]:
        """Return a wanted entry over the one that is there: its secret, and what this program does not know of."""
        there = self._by_id.get(str(wanted.get("id", "")).lower(), {})
        given = {name: value for name, value in wanted.items() if name != SECRET or value != MASK}
        return {**there, **given}

    def is_already(self, wanted: Sequence[Mapping[str, Json]]) -> bool:
        """Say whether the list is as wanted, and no secret shall be sent."""
        if any(SecretRef.unmarked(value) is not None for one in wanted for value in one.values()):
            return False
        return same(self.entries, [self.merged(one) for one in wanted])


def same(some: Sequence[Mapping[str, Json]], others: Sequence[Mapping[str, Json]]) -> bool:
    """Say whether two lists of targets, or of rules, hold the same but for order and secrets."""
    return _by_id(some) == _by_id(others)


def _by_id(entries: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
    return sorted((_canonical(one) for one in entries), key=lambda one: str(one.get("id")))


def _canonical(entry: Mapping[str, Json]) -> dict[str, Json]:
    """Return an entry with ids in lower case and defaults filled in, without its secret."""
    plain = {name: value for name, value in entry.items() if name != SECRET and value is not None}
    ids: dict[str, Json] = {name: str(plain[name]).lower() for name in ("id", "targetId") if name in plain}
    defaults = _DEFAULTS if "targetId" in plain else {}
    return {**defaults, **plain, **ids}
