"""The command line's frame: the list of commands, and how every ending becomes an exit code.

Only typer is imported here and at the top of the command modules: `repl --help` must not wait for an SDK.
"""

import functools
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from reconciler import __version__

__all__ = ["build", "main", "run"]

_USAGE = 64
_INTERRUPTED = 130

_COMMANDS = {
    "validate": ("validate", "Check the manifests; no network."),
    "plan": ("plan", "Show what apply would do, call by call."),
    "show": ("show", "Print a saved plan again."),
    "apply": ("apply", "Do exactly what the plan says, and prove it."),
    "verify": ("verify", "Prove that bytes arrive."),
    "drift": ("drift", "Find what has moved; for every night."),
    "resync": ("resync", "Send a replication's data again."),
    "import": ("import_", "Write what is live down as manifests."),
    "graph": ("graph", "Draw who copies to whom."),
    "schema": ("schema", "Print JSON Schemas for editors and readers."),
    "providers": ("providers", "List what is installed and what it can do."),
    "explain": ("explain", "Explain an effect that a plan names."),
}
"""Name of the command, its module, and what the list of commands says of it."""

_EPILOG = (
    "Exit codes: 0 done, nothing to change · 1 error · 2 changes or drift · 3 partial · 4 refused by policy or guard · "
    "5 plan stale · 6 applied, not verified · 7 locked · 8 authentication · 64 usage · 130 interrupted"
)


def build() -> typer.Typer:
    """Make the command with all its parts. Imports no provider."""
    app = typer.Typer(
        name="repl",
        help="Storage replication as code: write down what shall be copied from where to where, see in a plan what "
        "would happen, apply exactly that, and have it proved that bytes arrive.",
        epilog=_EPILOG,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(_root)
    for name, (module, short_help) in _COMMANDS.items():
        command = importlib.import_module(f"reconciler.cli.{module}").command
        app.command(name, short_help=short_help)(_aborting(command))
    lab = importlib.import_module("reconciler.cli.lab")
    app.add_typer(lab.app, name="lab", short_help="Try everything on emulators.")
    return app


def _aborting(command: Callable[..., int]) -> Callable[..., int]:
    """Make of Ctrl-C what is told: typer would make an exit code of it, and no word."""

    @functools.wraps(command)
    def run_it(*args: Any, **kwargs: Any) -> int:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            raise typer.Abort from None

    return run_it


def main() -> NoReturn:
    """Run the command of this process and exit."""
    # Python has no stream at all where one was closed, as by `>&-` in a crontab.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 for the whole process
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    code = run(sys.argv[1:])
    if code == _INTERRUPTED:
        # Threads may still wait for a system; the interpreter would wait for them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Prints every error as people need it; raises nothing."""
    try:
        code = build()(args=list(arguments), standalone_mode=False, prog_name="repl")
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        return _INTERRUPTED
    except typer.Exit as ending:
        return int(ending.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 the last place where an error can become words
        return _ended_by(error)
    return code if isinstance(code, int) else 0


def _ended_by(error: Exception) -> int:
    usage_error = typer.BadParameter.__mro__[1]
    if isinstance(error, usage_error):
        _tell_usage(error)
        return _USAGE
    from reconciler.cli.failure import tell

    return tell(error)


def _tell_usage(error: Any) -> None:
    context = getattr(error, "ctx", None)
    if context is not None:
        sys.stderr.write(f"{context.get_usage()}\n")
    sys.stderr.write(f"error: {error.format_message()}\n")
    if context is not None:
        sys.stderr.write(f"hint: {context.command_path} --help\n")


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"repl {__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
