"""`repl apply`: do what the plan says, and prove it."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    plan_file: Annotated[
        Path | None,
        typer.Argument(metavar="[PLAN]", help="Saved plan; without it a plan is made, shown and asked about."),
    ] = None,
    files: opt.Files = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify/--no-verify", help="Prove that data flows afterwards. Without it the exit code is 0."),
    ] = True,
    select: opt.Selected = None,
    exclude: opt.Excluded = None,
    prune: opt.Prune = False,
    allow: opt.Allowed = None,
    outputs: opt.Outputs = None,
    variables: opt.Variables = None,
    variable_files: opt.VariableFiles = None,
    parallelism: opt.Parallelism = 8,
    allow_exec: opt.AllowExec = False,
    trust: opt.Trust = None,
    state: opt.State = None,
    no_color: opt.Colour = False,
    verbose: opt.Verbose = False,
) -> int:
    """Carry out a plan, exactly it, and prove that data flows.

    A saved plan is refused if it was altered, has expired, was made from other manifests, if another run was applied
    since, or if anything that it touches has changed. Each call is in a journal before it is sent: after a crash the
    same command finishes the run. A failure stops its own container; the others go on.

    Exit code 0; 3 if some of it failed; 4 refused by policy or guard; 5 the plan is stale; 6 done, but not proved;
    7 another apply is running; 8 access refused; 130 interrupted; 1 otherwise.
    """
    from reconciler.cli.console import parse_outputs
    from reconciler.cli.execution import apply_command
    from reconciler.cli.session import Request

    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (), select=select or (),
        exclude=exclude or (), allow=allow or (), prune=prune, parallelism=parallelism, allow_exec=allow_exec,
        trust=trust, state=state, no_color=no_color, verbose=verbose,
    )  # fmt: skip
    return apply_command(
        request, plan_file=plan_file, yes=yes, verify=verify, outputs=parse_outputs(outputs or (), ("text", "json"))
    )
