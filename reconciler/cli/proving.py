"""What `repl verify` does."""

from collections.abc import Sequence
from pathlib import Path

from reconciler.cli.console import Output
from reconciler.cli.differences import differences_to
from reconciler.cli.interrupt import stopping
from reconciler.cli.outcome import verify_exit_code
from reconciler.cli.proof import provable, prove
from reconciler.cli.session import Request, Session
from reconciler.engine.apply import new_run_id
from reconciler.errors import ExitCode, UsageError
from reconciler.model.relationship import Flow
from reconciler.model.verification import Level, VerificationReport
from reconciler.providers.base import Access
from reconciler.report.document import to_json
from reconciler.report.verification import verification_text

__all__ = ["verify_command"]

_LEVELS = tuple(each.value for each in Level)


def verify_command(
    request: Request,
    names: Sequence[str],
    *,
    canary: bool,
    level: str | None,
    outputs: Sequence[Output],
    differences_file: Path | None = None,
) -> int:
    """Verify and return the exit code."""
    if level is not None and level not in _LEVELS:
        raise UsageError(f"--level {level}: unknown", hint=f"one of {', '.join(_LEVELS)}")
    access = Access.WRITE if canary else Access.READ
    with Session(request, access=access) as session, differences_to(differences_file) as differences:
        session.require_sound()
        session.require_names(names)
        session.require_sensible()
        flows = _to_prove(session)
        with stopping(session.console.note) as stop:
            proofs = prove(
                session,
                flows,
                run_id=new_run_id(session.clock.now()),
                stop=stop,
                level=Level(level) if level else None,
                canary=canary,
                differences=differences.found,
                emit=session.console.note,
            )
            interrupted = stop.is_set()
        if differences_file is not None:
            session.console.note(differences.deliver(proofs, session.secrets.redact))
        report = VerificationReport(workspace=session.workspace.name, verifications=proofs)
        session.console.deliver(
            outputs, lambda name, style: to_json(report) if name == "json" else verification_text(proofs, style)
        )
        return ExitCode.INTERRUPTED if interrupted else verify_exit_code(proofs)


def _to_prove(session: Session) -> tuple[Flow, ...]:
    """Leave out what is paused and was not asked for by name, and say so; unless nothing else is there.

    Raises UsageError where the choice leaves nothing that is written down.
    """
    chosen = session.chosen
    if not chosen and not session.selection.whole:
        raise UsageError("no manifest describes what was selected any more", hint="`repl graph` lists what there is")
    active = provable(chosen)
    asked = tuple(flow for flow in chosen if flow in active or flow.name in session.selection.select)
    taken = asked or chosen
    if left := [flow.name for flow in chosen if flow not in taken]:
        session.console.note(f"note: paused, and not looked at: {', '.join(left)}")
    return taken
