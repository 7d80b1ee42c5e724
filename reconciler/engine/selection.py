"""`--select` and `--exclude`: which replications a command is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Terms are `label=value` or a name, with `*` and `?`. One `select` term is enough; one `exclude` term excludes."""

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.select and not self.exclude

    def takes(self, name: str, labels: Mapping[str, str]) -> bool:
        """Say whether a replication takes part."""
        chosen = not self.select or any(_matches(term, name, labels) for term in self.select)
        return chosen and not any(_matches(term, name, labels) for term in self.exclude)


def _matches(term: str, name: str, labels: Mapping[str, str]) -> bool:
    key, equals, value = term.partition("=")
    if equals:
        return key in labels and fnmatchcase(labels[key], value)
    return fnmatchcase(name, term)
