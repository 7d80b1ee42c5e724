"""Findings: messages about the user's documents or the world, as values."""

from enum import StrEnum
from typing import Self

from reconciler.model.value import Value

__all__ = ["FieldPath", "Finding", "Severity", "SourceRange"]

FieldPath = tuple[str | int, ...]
"""Where in a document, from its root: ("spec", "destination", "bucket")."""


class Severity(StrEnum):
    """How bad. `error` stops; `warning` needs a reader; `info` is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for error, 1 for warning, 2 for info: the order in which findings are shown."""
        return ("error", "warning", "info").index(self.value)


class SourceRange(Value):
    """A place in a file. Lines and columns count from 1; `end_column` is one past the last character."""

    file: str
    line: int
    column: int
    end_column: int | None = None
    snippet: str | None = None
    """The source line itself, without its line end; None where it could not be read or may hold a secret."""

    def __str__(self) -> str:
        """Write `file:line:col`."""
        return f"{self.file}:{self.line}:{self.column}"


class Finding(Value):
    """One message. Codes are never re-used: M manifest, C check, G graph, P policy, W world, then a number."""

    code: str
    """Such as `REPL-M004`."""
    severity: Severity
    summary: str
    """One terse line without names of the user's, so that readers learn it."""
    detail: str = ""
    """What was found, with names, and why that is so."""
    hint: str | None = None
    """What to do."""
    replication: str | None = None
    """The replication concerned, where there is one."""
    provider: str | None = None
    """The provider concerned, where there is one."""
    path: FieldPath = ()
    """Where in the replication's (or provider's) document; the host turns it into `where`."""
    where: SourceRange | None = None

    def at(self, where: SourceRange | None) -> Self:
        """Return the same finding with a place, unless it has one already."""
        return self if self.where is not None or where is None else self.model_copy(update={"where": where})

    @property
    def sort_key(self) -> tuple[int, str, int, int, str, str]:
        """Errors first, then by file, line, column and code."""
        place = (self.where.file, self.where.line, self.where.column) if self.where else ("", 0, 0)
        return (self.severity.rank, *place, self.code, self.detail)
