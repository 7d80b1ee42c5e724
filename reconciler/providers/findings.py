"""How a type's findings are written down: what stays the same in all of one code, and what a case adds."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.finding import FieldPath, Finding, Severity

__all__ = ["Text", "finding"]


@dataclass(frozen=True, slots=True)
class Text:
    """What stays the same in all findings of one code. `detail` is for codes that have no case of their own."""

    severity: Severity
    summary: str
    hint: str
    detail: str = ""


def finding(
    texts: Mapping[str, Text],
    code: str,
    path: FieldPath,
    *,
    replication: str | None = None,
    provider: str | None = None,
    detail: str = "",
    hint: str = "",
    severity: Severity | None = None,
) -> Finding:
    """Make a finding of a code; what is given takes the place of what its text says."""
    text = texts[code]
    return Finding(
        code=code,
        severity=severity or text.severity,
        summary=text.summary,
        detail=detail or text.detail,
        hint=hint or text.hint or None,
        replication=replication,
        provider=provider,
        path=path,
    )
