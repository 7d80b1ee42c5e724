"""`repl import PROVIDER`: live replications as manifests."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Name of a Provider document.")],
    files: opt.Files = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the new documents there; the file must not exist."),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Also bring values that are another one live into the existing manifests.")
    ] = False,
    variables: opt.Variables = None,
    variable_files: opt.VariableFiles = None,
    allow_exec: opt.AllowExec = False,
    trust: opt.Trust = None,
    no_color: opt.Colour = False,
) -> int:
    """Read everything that one provider replicates and write it down as manifests that plan to "No changes".

    What is written down already is left out; with --update its changed values are edited in place, and comments and
    order stay as they are. Nothing is written to the provider.

    What cannot be read back, as passwords, and ends that no Provider document reaches are told on stderr.

    Exit code 0; 1 if the provider cannot be read (8 if it refuses access) or a document cannot be edited. Where access
    to some buckets only is refused, the others are written down, and the exit code is 8.
    """
    from reconciler.cli.importing import import_command
    from reconciler.cli.session import Request

    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (), allow_exec=allow_exec,
        trust=trust, no_color=no_color,
    )  # fmt: skip
    return import_command(request, provider, out=out, update=update)
