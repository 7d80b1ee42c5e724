"""`repl drift`: has the world moved? Never writes."""

from typing import Annotated

import typer

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    files: opt.Files = None,
    include_pending: Annotated[
        bool, typer.Option("--include-pending", help="Exit with 2 also for manifests that were not applied yet.")
    ] = False,
    select: opt.Selected = None,
    exclude: opt.Excluded = None,
    outputs: opt.Outputs = None,
    variables: opt.Variables = None,
    variable_files: opt.VariableFiles = None,
    parallelism: opt.Parallelism = 8,
    allow_exec: opt.AllowExec = False,
    trust: opt.Trust = None,
    state: opt.State = None,
    no_color: opt.Colour = False,
) -> int:
    """Compare what is live with the last receipt, and ask for the health of every flow. For every night.

    Drift (somebody changed live) is told from pending (a manifest is not applied yet). Drift that the Workspace
    accepts with a reason and a date is shown and does not count. A flow that shall run and has not succeeded for
    three times its schedule, or failed by the provider's own word, is dead, and counts.

    What an apply that was cut off may have left is told apart from both.

    Exit code 0; 2 for drift, what such an apply left, or a flow that is dead or cannot work; 1 if something could not
    be read (8 if access was refused).
    """
    from reconciler.cli.console import parse_outputs
    from reconciler.cli.outcome import drift_exit_code
    from reconciler.cli.session import Request, Session
    from reconciler.engine.drift import find_drift
    from reconciler.report.document import to_json
    from reconciler.report.drift import drift_text

    wanted = parse_outputs(outputs or (), ("text", "json"))
    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (), select=select or (),
        exclude=exclude or (), parallelism=parallelism, allow_exec=allow_exec, trust=trust, state=state,
        no_color=no_color,
    )  # fmt: skip
    with Session(request) as session:
        checked = session.require_sound()
        session.require_sensible()
        report = find_drift(checked, session.observe(), session.inputs, session.clock.now())
        session.console.deliver(
            wanted, lambda name, style: to_json(report) if name == "json" else drift_text(report, style)
        )
        return drift_exit_code(report, include_pending=include_pending)
