"""How text may look: colour or not, how wide, and whether more than ASCII can be shown."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Style", "Tone"]


class Tone(StrEnum):
    """What a piece of text means. Colour only repeats what a symbol and a word beside it say."""

    ADD = "add"
    CHANGE = "change"
    REPLACE = "replace"
    REMOVE = "remove"
    WARN = "warn"
    ERROR = "error"
    DIM = "dim"
    BOLD = "bold"
    OK = "ok"


_SGR = {
    Tone.ADD: "32",
    Tone.CHANGE: "33",
    Tone.REPLACE: "35",
    Tone.REMOVE: "31",
    Tone.WARN: "1;33",
    Tone.ERROR: "1;31",
    Tone.DIM: "2",
    Tone.BOLD: "1",
    Tone.OK: "32",
}

_ASCII = {"→": "->", "…": "...", "·": "|", "✓": "=", "✗": "x"}

_NARROWEST = 40
_WIDEST_TABLE = 100


@dataclass(frozen=True, slots=True)
class Style:
    """How to write a text.

    No line is wider than `width` cells; widths below 40 are taken as 40. With `unicode=False` the text is pure ASCII.
    """

    color: bool
    width: int
    unicode: bool = True

    @property
    def columns(self) -> int:
        """Cells that a line may use."""
        return max(self.width, _NARROWEST)

    @property
    def edge(self) -> int:
        """Where a right-hand column ends: the line's end, but no farther than the eye can follow."""
        return min(self.columns, _WIDEST_TABLE)

    def paint(self, text: str, tone: Tone | None) -> str:
        """Colour a text that is clean already."""
        return f"\x1b[{_SGR[tone]}m{text}\x1b[0m" if self.color and tone and text else text

    def glyph(self, symbol: str) -> str:
        """Return one of `→ … · ✓ ✗`, or what stands for it in ASCII."""
        return symbol if self.unicode else _ASCII[symbol]
