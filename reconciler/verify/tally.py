"""The numbers of a comparison, and the keys that stand in its report."""

from collections import Counter
from collections.abc import Iterable

from reconciler.model.verification import Comparison, Difference, Level, Verdict
from reconciler.verify.chosen import Seen
from reconciler.verify.merge import key_order

__all__ = ["MOST_SHOWN", "Tally"]

MOST_SHOWN = 100
"""How many keys a report names."""
_LEVELS = tuple(Level)
_RANKS = {Verdict.PENDING: 1, Verdict.EXTRA: 2}
"""Which keys give way where there are more: those of the highest rank first."""


class Tally:
    """Counts what is seen. Used by one thread."""

    def __init__(self) -> None:
        self.source = self.destination = self.excluded = self.folders = self.gone = 0
        self.match = self.weaker = self.bytes_compared = 0
        self.not_judged: Counter[str] = Counter()
        """By reason."""
        self.weakest: Level | None = None

    @property
    def seen(self) -> int:
        """Objects listed at both ends together."""
        return self.source + self.destination

    def add(self, seen: Seen) -> None:
        """Count a match, or what is not judged; other verdicts may change yet, and are counted in the spool."""
        if seen.verdict is None:
            self.not_judged[seen.detail] += 1
            return
        self.match += seen.verdict is Verdict.MATCH
        self.weaker += seen.verdict is Verdict.MATCH_WEAKER
        self.bytes_compared += seen.bytes_compared
        if seen.level is not None:
            self.weakest = min(self.weakest or seen.level, seen.level, key=_LEVELS.index)

    def comparison(self, differences: Iterable[Difference], *, complete: bool) -> Comparison:
        """Return it as a value, with the verdicts that the differences have at last."""
        counts: Counter[Verdict] = Counter()
        shown: dict[int, list[Difference]] = {0: [], 1: [], 2: []}
        for one in differences:
            counts[one.verdict] += 1
            rank = _RANKS.get(one.verdict, 0)
            if one.verdict is not Verdict.MATCH_WEAKER and len(shown[rank]) < MOST_SHOWN:
                shown[rank].append(one)
        chosen = [one for rank in sorted(shown) for one in shown[rank]][:MOST_SHOWN]
        told = counts.total() - counts[Verdict.MATCH_WEAKER]
        return Comparison(
            complete=complete, reached=self.weakest, source_objects=self.source, destination_objects=self.destination,
            match=self.match, weaker=self.weaker, missing=counts[Verdict.MISSING], extra=counts[Verdict.EXTRA],
            differs=counts[Verdict.DIFFERS], pending=counts[Verdict.PENDING], error=counts[Verdict.ERROR],
            not_judged=self.not_judged.total(), excluded=self.excluded, folders=self.folders, gone=self.gone,
            bytes_compared=self.bytes_compared, differences=tuple(sorted(chosen, key=lambda one: key_order(one.key))),
            truncated=told > len(chosen),
        )  # fmt: skip
