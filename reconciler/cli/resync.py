"""`repl resync`: send data again, through a plan."""

from typing import Annotated

import typer

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Replications whose data shall be sent again.")],
    files: opt.Files = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Prove that data flows afterwards.")] = True,
    allow: opt.Allowed = None,
    outputs: opt.Outputs = None,
    variables: opt.Variables = None,
    variable_files: opt.VariableFiles = None,
    allow_exec: opt.AllowExec = False,
    trust: opt.Trust = None,
    state: opt.State = None,
    no_color: opt.Colour = False,
    verbose: opt.Verbose = False,
) -> int:
    """Start a provider's own copy of everything again, planned, shown, journalled and proved like any change.

    For systems whose relationships run once (Qumulo) this is how they run again: put it into cron.
    Systems that cannot do it are refused before anything is read.

    Exit codes as for `repl apply`.
    """
    from reconciler.cli.console import parse_outputs
    from reconciler.cli.execution import apply_command
    from reconciler.cli.session import Request

    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (), select=names,
        allow=allow or (), allow_exec=allow_exec, trust=trust, state=state, no_color=no_color, verbose=verbose,
        resync=frozenset(names),
    )  # fmt: skip
    return apply_command(
        request, plan_file=None, yes=yes, verify=verify, outputs=parse_outputs(outputs or (), ("text", "json"))
    )
