"""The common part of `apply` and `resync`: plan or load, ask, lock, execute, prove, receipt."""

import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from reconciler.cli.console import Output
from reconciler.cli.interrupt import stopping
from reconciler.cli.outcome import apply_exit_code, plan_exit_code
from reconciler.cli.proof import provable, prove
from reconciler.cli.session import Request, Session
from reconciler.engine.apply import ApplyRequest, apply, finish
from reconciler.engine.events import ApplyEvent, Emit
from reconciler.engine.integrity import read_plan, require_intact, require_same_files
from reconciler.engine.lock import FileLock
from reconciler.engine.record import actor, with_verifications
from reconciler.errors import ExitCode, UsageError
from reconciler.model.change import Action
from reconciler.model.plan import Plan
from reconciler.model.receipt import ContainerOutcome, Receipt
from reconciler.model.relationship import Flow
from reconciler.providers.base import Access
from reconciler.report.document import to_json
from reconciler.report.plan import plan_text
from reconciler.report.progress import event_line
from reconciler.report.receipt import receipt_text

__all__ = ["apply_command"]


def apply_command(
    request: Request, *, plan_file: Path | None, yes: bool, verify: bool, outputs: Sequence[Output]
) -> int:
    """Run `apply` and return its exit code. The receipt is the document that goes to `outputs`."""
    if plan_file is not None and (request.select or request.exclude or request.allow or request.prune):
        raise UsageError(
            "a saved plan is applied as it is: --select, --exclude, --allow and --prune belong to `repl plan`",
            hint="plan again with them",
        )
    with Session(request, access=Access.WRITE) as session:
        session.checked  # noqa: B018 findings first: a lock on a broken workspace helps nobody
        with FileLock(session.state.lock_path, actor=actor(), clock=session.clock):
            plan = _saved(session, plan_file) if plan_file else session.plan()
            if plan_file is None:
                session.console.note(
                    plan_text(plan, session.console.style(sys.stderr), verbose=request.verbose, next_command=False)
                )
                if (code := _stands_against(session, plan, yes=yes)) is not None:
                    return code
            return _execute(session, plan, verify=verify, outputs=outputs)


def _saved(session: Session, path: Path) -> Plan:
    plan = read_plan(path)
    require_intact(plan, session.clock.now())
    require_same_files(plan, session.workspace)
    session.require_sound()
    return plan


def _stands_against(session: Session, plan: Plan, *, yes: bool) -> int | None:
    """Return the exit code that ends it before anything is written, or None to go on."""
    if (code := plan_exit_code(plan, detailed=False)) != ExitCode.OK:
        session.console.note("nothing was written")
        return code
    if not plan.summary.changes or yes:
        return None
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask", hint="--yes applies without asking; a saved plan needs no question")
    session.console.note("")
    sys.stderr.write("Apply this plan? Only `yes` is taken for yes: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() == "yes":
        return None
    session.console.note("nothing was written")
    return ExitCode.ERROR


def _execute(session: Session, plan: Plan, *, verify: bool, outputs: Sequence[Output]) -> int:
    flows = {flow.name: flow for flow in session.checked.flows}
    with stopping(session.console.note) as stop:
        wanted = ApplyRequest(
            plan=plan, flows=flows, connections=session.connections, secrets=session.secrets, state=session.state,
            clock=session.clock, parallelism=session.request.parallelism, stop=stop, emit=_teller(session),
        )  # fmt: skip
        receipt = apply(wanted)
        if verify and not stop.is_set():
            receipt = _proved(session, plan, receipt, flows, stop)
        finish(wanted, receipt)
    session.console.deliver(
        outputs,
        lambda name, style: to_json(receipt)
        if name == "json"
        else receipt_text(
            receipt, style, receipt_path=str(session.state.receipt_path),
            journal_path=str(session.state.journal_path(receipt.run_id)),
        ),
    )  # fmt: skip
    return apply_exit_code(receipt)


def _proved(session: Session, plan: Plan, receipt: Receipt, flows: dict[str, Flow], stop: threading.Event) -> Receipt:
    """Verify what was touched and done."""
    done = {result.container for result in receipt.results if result.outcome is ContainerOutcome.DONE}
    touched = [
        flows[change.replication]
        for change in plan.active_changes
        if change.container in done and change.action is not Action.DELETE
    ]
    proofs = prove(session, provable(touched), run_id=receipt.run_id, stop=stop, emit=session.console.note)
    return with_verifications(receipt, proofs, session.clock.now())


def _teller(session: Session) -> Emit:
    style = session.console.style(sys.stderr)

    def tell(event: ApplyEvent) -> None:
        line = event_line(
            event.kind.value, style, container=event.container, step=event.step, text=event.text,
            percent=event.percent,
        )  # fmt: skip
        if line:
            session.console.note(line)

    return tell
