"""The answer of `repl validate` as a document."""

from typing import Literal

from reconciler.model.finding import Finding
from reconciler.model.value import Value

__all__ = ["Validation"]


class Validation(Value):
    """Whether the manifests are sound, and all that was found."""

    format_version: str = "1.0"
    kind: Literal["repl.validation"] = "repl.validation"
    valid: bool
    """True if no finding is an error."""
    files: int
    providers: int
    replications: int
    findings: tuple[Finding, ...] = ()
