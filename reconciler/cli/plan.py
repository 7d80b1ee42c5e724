"""`repl plan`: what would happen, call by call. Never writes."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    files: opt.Files = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PLAN", help="Save the plan for `repl apply PLAN`.")
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 if there are changes, 0 if there are none.")
    ] = False,
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
    """Show what `repl apply` would do: every difference, every call, every side effect.

    Reads every provider that the manifests name, over connections that refuse to write.

    Exit code 0; 1 if something could not be read or is wrong (8 if access was refused); 4 if a policy, a guard or an
    effect without approval stands against it; with --detailed-exitcode 2 if there are changes.
    """
    from reconciler.cli.console import parse_outputs
    from reconciler.cli.outcome import plan_exit_code
    from reconciler.cli.session import Request, Session
    from reconciler.report.document import to_json
    from reconciler.report.plan import plan_text

    wanted = parse_outputs(outputs or (), ("text", "json"))
    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (), select=select or (),
        exclude=exclude or (), allow=allow or (), prune=prune, parallelism=parallelism, allow_exec=allow_exec,
        trust=trust, state=state, no_color=no_color, verbose=verbose,
    )  # fmt: skip
    with Session(request) as session:
        plan = session.plan()
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(session.secrets.redact(to_json(plan)), encoding="utf-8")
        now = session.clock.now()
        saved_as, arguments = str(out) if out else None, request.again(saved=out is not None)
        session.console.deliver(
            wanted,
            lambda name, style: (
                to_json(plan)
                if name == "json"
                else plan_text(plan, style, now=now, saved_as=saved_as, verbose=verbose, arguments=arguments)
            ),
        )
        return plan_exit_code(plan, detailed=detailed_exitcode)
