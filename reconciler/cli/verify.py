"""`repl verify`: does data flow, and is it all there? Writes canary objects only."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Replications. [default: all]")] = None,
    files: opt.Files = None,
    canary: Annotated[
        bool, typer.Option("--canary/--no-canary", help="Write a small object and see it arrive; without: reads only.")
    ] = True,
    level: Annotated[
        str | None,
        typer.Option(
            "--level",
            metavar="LEVEL",
            help="status, canary, presence, size, hash or bytes, instead of what each manifest says.",
        ),
    ] = None,
    differences: Annotated[
        Path | None,
        typer.Option(
            "--differences", metavar="FILE", help="Write every key that is no match into FILE, one JSON object a line."
        ),
    ] = None,
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
    """Prove that bytes arrive: a fresh object is written at the source, awaited at the destination, compared, removed.

    The lag is measured. The canary is removed from both ends in every case, also after Ctrl-C. Levels presence, size,
    hash and bytes then compare all objects of both ends. With --no-canary only that is done, or at the other levels
    only the provider's own word is asked for, over connections that refuse to write.

    What is paused is left out, unless it is named or nothing else is there: then it is not checked.

    Exit code 0 if everything looked at is proved; 6 if not, or if there was nothing to look at.
    """
    from reconciler.cli.console import parse_outputs
    from reconciler.cli.proving import verify_command
    from reconciler.cli.session import Request

    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (),
        select=(*(names or ()), *(select or ())), exclude=exclude or (), parallelism=parallelism,
        allow_exec=allow_exec, trust=trust, state=state, no_color=no_color,
    )  # fmt: skip
    wanted = parse_outputs(outputs or (), ("text", "json"))
    return verify_command(
        request, names or (), canary=canary, level=level, outputs=wanted, differences_file=differences
    )
