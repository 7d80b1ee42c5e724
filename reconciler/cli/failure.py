"""How an error is told, and which exit code it has."""

import os
import sys
import traceback

from reconciler.errors import ExitCode, InternalError, ReplError
from reconciler.report.findings import findings_text
from reconciler.report.style import Style

__all__ = ["tell"]


def tell(error: Exception) -> int:
    """Print an error to stderr, in one line and a hint, and return its exit code. No traceback for a user's mistake."""
    if not isinstance(error, ReplError):
        error = _internal(error)
    if error.findings:
        sys.stderr.write(findings_text(error.findings, Style(color=False, width=120)) + "\n")
    sys.stderr.write(f"error: {error}\n")
    if error.hint:
        sys.stderr.write(f"hint: {error.hint}\n")
    return int(error.exit_code)


def _internal(error: Exception) -> ReplError:
    """A bug, or the machine's own failure (disk full, no permission), which is no bug."""
    if isinstance(error, OSError):
        place = f": {error.filename}" if error.filename else ""
        return ReplError(f"{error.strerror or error}{place}")
    if os.environ.get("REPL_TRACEBACK"):
        traceback.print_exception(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename.rpartition('reconciler/')[2]}:{frame.lineno}"
    bug = InternalError(f"{type(error).__name__} at {place}")
    bug.hint = f"{bug.hint}; REPL_TRACEBACK=1 prints where it comes from"
    bug.exit_code = ExitCode.ERROR
    return bug
