"""What could not be read: said first, and in capitals, since silence there looks like peace."""

from collections.abc import Sequence

from reconciler.model.observation import ScopeRef
from reconciler.report.line import Span, count, wrap
from reconciler.report.style import Style, Tone

__all__ = ["unread_lines"]


def unread_lines(unread: Sequence[ScopeRef], read: int | None, consequence: str, style: Style) -> list[str]:
    """Write which scopes could not be read, and what follows from that. Nothing if all were read.

    Args:
        read: how many scopes were read, where that is known.
    """
    if not unread:
        return []
    how_many = (
        count(len(unread), "scope") if read is None else f"{len(unread):,} of {count(len(unread) + read, 'scope')}"
    )
    lines = wrap([Span(f"NOT READ: {how_many}. {consequence}", Tone.ERROR)], style)
    for scope in unread:
        lines += wrap([Span("! ", Tone.ERROR), Span(str(scope))], style, indent=2, hang=4)
    return lines
