"""Hides secrets that stand in manifests as plain values, wherever source lines and messages are shown."""

import re
from dataclasses import dataclass, field

__all__ = ["MASK", "Masks"]

MASK = "***"

_SHORTEST = 4
"""Shorter values are hidden where they stand, not wherever the same letters occur."""

_TELLING = r"(?:secret|password|passwd|passphrase|token|(?:secret|private|api|access|account)[_-]?(?:access[_-]?)?key)"
_REFERENCE = r"""(?!\s*\{\s*["']?(?:env|file|exec|awsSecretsManager)["']?\s*:)"""


@dataclass(slots=True)
class Masks:
    """What must not be shown. Grows while documents are checked; findings are written when it is complete."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    """Places as counted by `Sources`: start and one past the end."""
    values: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    """Names of fields that take a secret reference, from the models of the provider types in use."""

    def hide(self, value: str, start: int, end: int | None) -> None:
        """Hide one scalar where it stands and, if it is long enough, everywhere else."""
        self.spans.append((start, end if end is not None else start + len(value)))
        for part in (value, *value.splitlines()):
            if len(part.strip()) >= _SHORTEST:
                self.values.add(part.strip())

    def cut(self, line: str, start: int) -> int:
        """Return how many characters of a line may be shown; the rest is or follows a secret.

        Args:
            line: the source line, without its end.
            start: place of its first character, as counted by `Sources`.
        """
        cuts = [len(line)]
        cuts += [max(begin - start, 0) for begin, end in self.spans if begin < start + len(line) and end > start]
        cuts += [found for value in self.values if (found := line.find(value)) >= 0]
        if (match := self._key_pattern().search(line)) is not None and match.end() < len(line):
            cuts.append(match.end())
        return min(cuts)

    def clean(self, text: str) -> str:
        """Return a message with every hidden value replaced."""
        for value in sorted(self.values, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text

    def _key_pattern(self) -> re.Pattern[str]:
        names = "|".join(re.escape(key) for key in sorted(self.keys))
        exact = rf"|\b(?:{names})" if names else ""
        return re.compile(rf"(?:{_TELLING}{exact})[\"']?\s*:{_REFERENCE}\s+(?=\S)(?!#)", re.IGNORECASE)
