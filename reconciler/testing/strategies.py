"""Hypothesis strategies: what is desired, and what is live already, for property tests of any provider.

A world is drawn without any provider's forms: a binding makes flows of its desired lines and puts its live ones in
place by other hands. Shrinking ends at few lines with few settings.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from reconciler.providers.base import Capability

__all__ = ["Line", "Spec", "Worlds", "specs", "worlds"]

Spec = dict[str, Any]
"""Portable keys of a Replication's spec: {"state": "paused", "filter": {"tags": {"k": "v"}}}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One relationship, desired or live."""

    name: str | None
    """The replication's name; None for what somebody else made."""
    group: int
    """Which source: relationships of one group share a container, where a container holds several."""
    prefix: str
    """What of the source; unique in its group among all lines that are not the same relationship."""
    to: int
    """Which destination."""
    spec: Spec

    @property
    def place(self) -> tuple[int, str, int]:
        """From where to where."""
        return self.group, self.prefix, self.to


@dataclass(frozen=True, slots=True, kw_only=True)
class Worlds:
    """What is desired now and later, and what is live at the start."""

    wanted: tuple[Line, ...]
    """Names differ, places differ."""
    later: tuple[Line, ...]
    """Another desired state to go to from there: some lines changed, some gone, some new."""
    live: tuple[Line, ...]
    """Some of `wanted`, as they are or drifted; some of ours that nobody wants any more; some of others'."""

    @property
    def foreign(self) -> tuple[Line, ...]:
        """The live lines that somebody else made."""
        return tuple(line for line in self.live if line.name is None)


def specs(
    capabilities: Collection[Capability],
    *,
    storage_classes: tuple[str, ...] = ("STANDARD", "STANDARD_IA"),
    fits: Callable[[Spec], bool] = lambda _spec: True,
) -> st.SearchStrategy[Spec]:
    """Draw any subset of the settings that these capabilities hold. `fits` says which of them go together."""
    tags = st.dictionaries(_text(1, 8), _text(0, 8), max_size=3)
    offered: dict[str, tuple[Capability, st.SearchStrategy[Any]]] = {
        "state": (Capability.PAUSE, st.sampled_from(("active", "paused"))),
        "deletes": (Capability.DELETES, st.sampled_from(("keep", "replicate"))),
        "storageClass": (Capability.STORAGE_CLASS, st.sampled_from(storage_classes)),
        "tags": (Capability.TAG_FILTER, tags),
        "exclude": (Capability.EXCLUDE_FILTER, st.lists(st.sampled_from(("*.tmp", "a?", "b c")), max_size=2)),
    }
    held = {key: strategy for key, (capability, strategy) in offered.items() if capability in capabilities}
    return st.fixed_dictionaries({}, optional=held).map(_folded).filter(fits)


def _folded(drawn: Spec) -> Spec:
    """Put the parts of the filter where a spec has them."""
    chosen = {key: drawn.pop(key) for key in ("tags", "exclude") if key in drawn}
    return drawn | ({"filter": chosen} if chosen else {})


def _text(least: int, most: int) -> st.SearchStrategy[str]:
    return (
        st.text(alphabet="abcAB09 +-=._:/@é", min_size=least, max_size=most)
        .map(str.strip)
        .filter(lambda text: len(text) >= least)
    )


@st.composite
def worlds(
    draw: st.DrawFn,
    settings: st.SearchStrategy[Spec],
    *,
    moves: bool,
    groups: int = 3,
    destinations: int = 2,
    most: int = 5,
) -> Worlds:
    """Draw a world. `moves`: whether a live relationship of ours may have drifted to another place and still be it."""
    pool = _Pool(draw, settings, groups=groups, destinations=destinations)
    wanted = [pool.line(f"r-{number}") for number in range(draw(st.integers(0, most)))]
    forgotten = [pool.line(f"old-{number}") for number in range(draw(st.integers(0, 2)))]
    foreign = [pool.line(None) for _ in range(draw(st.integers(0, 3)))]
    live = [pool.drifted(line, moves=moves) for line in wanted if draw(st.booleans())]
    later = [pool.changed(line) for line in wanted if draw(st.integers(0, 3))]
    later += [pool.line(f"s-{number}") for number in range(draw(st.integers(0, 2)))]
    return Worlds(wanted=tuple(wanted), later=tuple(later), live=(*live, *forgotten, *foreign))


class _Pool:
    """Draws lines whose places never meet."""

    def __init__(self, draw: st.DrawFn, settings: st.SearchStrategy[Spec], *, groups: int, destinations: int) -> None:
        self._draw = draw
        self._settings = settings
        self._groups = st.integers(0, groups - 1)
        self._destinations = st.integers(0, destinations - 1)
        self._count = 0

    def line(self, name: str | None) -> Line:
        """Draw a relationship at a place of its own."""
        self._count += 1
        odd = self._draw(st.sampled_from(("", "a b/", "é/", "%20/", "MiX/")))
        return Line(
            name=name,
            group=self._draw(self._groups),
            prefix=f"p{self._count}/{odd}",
            to=self._draw(self._destinations),
            spec=self._draw(self._settings),
        )

    def drifted(self, line: Line, *, moves: bool) -> Line:
        """Draw what somebody may have made of it."""
        changes: dict[str, Any] = {}
        if self._draw(st.booleans()):
            changes["spec"] = self._draw(self._settings)
        if moves and self._draw(st.booleans()):
            changes["to"] = self._draw(self._destinations)
            changes["prefix"] = self._draw(st.sampled_from((line.prefix, f"{line.prefix}moved/")))
        return replace(line, **changes)

    def changed(self, line: Line) -> Line:
        """Draw what its manifest may say later."""
        return replace(line, spec=self._draw(self._settings)) if self._draw(st.booleans()) else line
