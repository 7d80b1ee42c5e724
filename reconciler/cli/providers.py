"""`repl providers`: what is installed and what it can do."""

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options as opt

if TYPE_CHECKING:
    from reconciler.cli.console import Console
    from reconciler.cli.session import Session

__all__ = ["command"]

_FORMATS = ("text", "json", "markdown")


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Also ask every provider of the manifests whether it lets us in.")
    ] = False,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, json or markdown.")] = "text",  # noqa: A002
    files: opt.Files = None,
    variables: opt.Variables = None,
    variable_files: opt.VariableFiles = None,
    allow_exec: opt.AllowExec = False,
    trust: opt.Trust = None,
    no_color: opt.Colour = False,
) -> int:
    """List the provider types with their capabilities; with --check try the credentials of each provider, reading only.

    Exit code 0; with --check 1 if a provider does not answer or a document is wrong, 8 if access is refused.
    """
    from reconciler.cli.console import Console
    from reconciler.cli.session import Request, Session
    from reconciler.errors import UsageError

    if format not in _FORMATS:
        raise UsageError(f"--format {format}: unknown", hint=f"one of {', '.join(_FORMATS)}")
    if not check:
        _show(Console(no_color=no_color), format)
        return 0
    if format != "text":
        raise UsageError("--check answers in text", hint="leave --format out")
    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (), allow_exec=allow_exec,
        trust=trust, no_color=no_color,
    )  # fmt: skip
    with Session(request) as session:
        return _check(session)


def _show(console: "Console", form: str) -> None:
    from reconciler.cli.catalog import capability_table
    from reconciler.providers.registry import Registry
    from reconciler.report.document import to_json
    from reconciler.report.providers import providers_markdown, providers_text

    table = capability_table(Registry.installed())
    if form == "json":
        console.out(to_json(table))
    elif form == "markdown":
        console.out(providers_markdown(table))
    else:
        names = tuple(word.name for word in table.capabilities)
        console.out(providers_text(table.providers, names, console.style()))


def _check(session: "Session") -> int:
    from reconciler.errors import ExitCode, ProviderError, UsageError
    from reconciler.report.findings import findings_text

    session.require_files()
    # A Provider document with a mistake is not asked, and must not go without a word.
    wrong = session.workspace.errors
    session.console.note(findings_text(wrong, session.console.style()))
    if not session.workspace.providers and not wrong:
        raise UsageError("there is no Provider document to check")
    worst = ExitCode.ERROR if wrong else ExitCode.OK
    for name in sorted(session.workspace.providers):
        try:
            next(iter(session.connections.provider(name).discover()), None)
        except ProviderError as error:
            session.console.out(f"{name}: {error}")
            worst = error.exit_code if worst in (ExitCode.OK, ExitCode.AUTH) else worst
        else:
            session.console.out(f"{name}: ok")
    return int(worst)
