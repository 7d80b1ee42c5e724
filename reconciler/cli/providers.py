"""`repl providers`: what is installed and what it can do."""

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options as opt

if TYPE_CHECKING:
    from reconciler.cli.session import Session

__all__ = ["command"]


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Also ask every provider of the manifests whether it lets us in.")
    ] = False,
    files: opt.Files = None,
    variables: opt.Variables = None,
    variable_files: opt.VariableFiles = None,
    allow_exec: opt.AllowExec = False,
    trust: opt.Trust = None,
    no_color: opt.Colour = False,
) -> int:
    """List the provider types with their capabilities; with --check try the credentials of each provider, reading only.

    Exit code 0; with --check 1 if a provider does not answer, 8 if it refuses access.
    """
    from reconciler.cli.console import Console
    from reconciler.cli.session import Request, Session
    from reconciler.providers.base import Capability
    from reconciler.providers.registry import Registry
    from reconciler.report.providers import ProviderRow, providers_text

    if not check:
        console = Console(no_color=no_color)
        rows = [
            ProviderRow(
                type=info.type,
                title=info.title,
                capabilities=frozenset(item.value for item in info.capabilities),
                docs=info.docs,
            )
            for info in Registry.installed().infos()
        ]
        console.out(providers_text(rows, tuple(item.value for item in Capability), console.style()))
        return 0
    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (), allow_exec=allow_exec,
        trust=trust, no_color=no_color,
    )  # fmt: skip
    with Session(request) as session:
        return _check(session)


def _check(session: "Session") -> int:
    from reconciler.errors import ExitCode, ProviderError

    worst = ExitCode.OK
    for name in sorted(session.workspace.providers):
        try:
            next(iter(session.connections.provider(name).discover()), None)
        except ProviderError as error:
            session.console.out(f"{name}: {error}")
            worst = error.exit_code if worst in (ExitCode.OK, ExitCode.AUTH) else worst
        else:
            session.console.out(f"{name}: ok")
    return int(worst)
