"""Where text goes: the document asked for to stdout, everything else to stderr, both without secrets."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from reconciler.errors import UsageError
from reconciler.report.style import Style

__all__ = ["Console", "Output", "parse_outputs"]

_NARROWEST, _WIDEST, _UNKNOWN = 60, 160, 120


@dataclass(frozen=True, slots=True)
class Output:
    """One document to write: in which format, and where; None is stdout."""

    format: str
    path: Path | None


def parse_outputs(terms: Sequence[str], formats: Sequence[str]) -> tuple[Output, ...]:
    """Read `--output` terms. Raises UsageError for an unknown format, or for two documents on stdout."""
    outputs = []
    for term in terms or ("text",):
        name, _, path = term.partition("=")
        if name not in formats:
            raise UsageError(f"--output {name}: unknown format", hint=f"one of {', '.join(formats)}")
        outputs.append(Output(name, Path(path) if path and path != "-" else None))
    if sum(output.path is None for output in outputs) > 1:
        raise UsageError("--output: only one document can go to stdout", hint="give the others a file: json=plan.json")
    return tuple(outputs)


@dataclass(slots=True)
class Console:
    """The two streams, with redaction in front of both."""

    no_color: bool = False
    redact: Callable[[str], str] = field(default=lambda text: text)

    def style(self, stream: TextIO | None = None) -> Style:
        """Return colours and width as the stream can show them."""
        stream = stream or sys.stdout
        tty = stream.isatty()
        colour = tty and not self.no_color and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        width = shutil.get_terminal_size((_UNKNOWN, 24)).columns if tty or "COLUMNS" in os.environ else _UNKNOWN
        encoding = (stream.encoding or "ascii").lower().replace("-", "")
        return Style(color=colour, width=min(max(width, _NARROWEST), _WIDEST), unicode=encoding.startswith("utf"))

    def out(self, text: str) -> None:
        """Write the document asked for."""
        _write(sys.stdout, self.redact(text))

    def note(self, text: str) -> None:
        """Write to the reader, not into the document."""
        _write(sys.stderr, self.redact(text))

    def deliver(self, outputs: Sequence[Output], render: Callable[[str, Style], str]) -> None:
        """Write a document in each format asked for. `render` takes the format and the style to use."""
        for output in outputs:
            if output.path is None:
                self.out(render(output.format, self.style()))
            else:
                plain = Style(color=False, width=_UNKNOWN)
                output.path.parent.mkdir(parents=True, exist_ok=True)
                output.path.write_text(self.redact(render(output.format, plain)), encoding="utf-8")


def _write(stream: TextIO, text: str) -> None:
    if text and not text.endswith("\n"):
        text += "\n"
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
