"""`repl show PLAN`: a saved plan once more. Touches nothing."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="File written by `repl plan --out`.")],
    outputs: opt.Outputs = None,
    no_color: opt.Colour = False,
    verbose: opt.Verbose = False,
) -> int:
    """Print a saved plan again, offline. An expired or altered plan is shown too, and said to be so.

    Exit code 0; 5 if the file was altered or is no plan.
    """
    from reconciler.cli.console import Console, parse_outputs
    from reconciler.clock import SystemClock
    from reconciler.engine.integrity import read_plan, require_intact
    from reconciler.errors import StalePlan
    from reconciler.report.document import to_json
    from reconciler.report.plan import plan_text

    wanted = parse_outputs(outputs or (), ("text", "json"))
    console = Console(no_color=no_color)
    plan, now = read_plan(plan_file), SystemClock().now()
    console.deliver(
        wanted,
        lambda name, style: (
            to_json(plan)
            if name == "json"
            else plan_text(plan, style, now=now, saved_as=str(plan_file), verbose=verbose)
        ),
    )
    try:
        require_intact(plan, now)
    except StalePlan as error:
        console.note(f"warning: {error.message}; `repl apply` would refuse it")
        return 5 if plan.plan_id != plan.computed_id() else 0
    return 0
