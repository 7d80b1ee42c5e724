"""Options that mean the same in every command."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AllowExec", "Allowed", "Colour", "Excluded", "Files", "Outputs", "Parallelism", "Prune", "Selected", "State",
    "Trust", "VariableFiles", "Variables", "Verbose",
]  # fmt: skip

Files = Annotated[
    list[Path] | None,
    typer.Option("-f", "--file", metavar="PATH", help="Manifest file or folder; may be repeated. [default: .]"),
]
Variables = Annotated[
    list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="Value for {{ vars.NAME }}; may be repeated.")
]
VariableFiles = Annotated[
    list[Path] | None, typer.Option("--var-file", metavar="FILE", help="YAML file of variables; may be repeated.")
]
Selected = Annotated[
    list[str] | None,
    typer.Option(
        "--select", metavar="NAME|LABEL=VALUE", help="Only these replications; * and ? match; may be repeated."
    ),
]
Excluded = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="NAME|LABEL=VALUE", help="Not these replications; may be repeated."),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output", metavar="FORMAT[=FILE]", help="text or json, to stdout or to FILE; may be repeated. [default: text]"
    ),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Delete what is ours and no longer written down; needs `prune: true` as well.")
]
Allowed = Annotated[
    list[str] | None,
    typer.Option(
        "--allow", metavar="EFFECT[@NAME]", help="Approve a blocking effect; may be repeated. See `repl explain`."
    ),
]
Parallelism = Annotated[int, typer.Option("--parallelism", min=1, max=256, help="Reads and writes at a time.")]
Colour = Annotated[bool, typer.Option("--no-color", help="Plain text. NO_COLOR does the same.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show values in full, and the bodies of calls.")]
AllowExec = Annotated[
    bool,
    typer.Option("--allow-exec", help="Run the commands of {exec: [...]} secrets. Off: a pull request is untrusted."),
]
Trust = Annotated[
    Path | None,
    typer.Option("--trust", metavar="FILE", help="YAML file that says which secret may be sent to which host."),
]
State = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Folder of receipt, journal and lock. [default: .repl]")
]
