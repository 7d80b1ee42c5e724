"""`repl graph`: who copies to whom."""

from typing import Annotated

import typer

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    files: opt.Files = None,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, mermaid, dot or json.")] = "text",  # noqa: A002
    variables: opt.Variables = None,
    variable_files: opt.VariableFiles = None,
    no_color: opt.Colour = False,
) -> int:
    """Draw the flows of all manifests: places as nodes, replications as edges. Touches no network.

    Findings about the graph (cycles, chains that stop short, two flows into one place, deletions that travel, ways that
    a policy denies) and all errors go to stderr; `repl validate` tells everything.

    Exit code 0; 1 if the manifests have errors.
    """
    from reconciler.cli.session import Request, Session
    from reconciler.errors import UsageError
    from reconciler.model.finding import Severity
    from reconciler.report.findings import findings_text
    from reconciler.report.graph import FORMATS, MERMAID_EDGES, graph_text

    if format not in FORMATS:
        raise UsageError(f"--format {format}: unknown", hint=f"one of {', '.join(FORMATS)}")
    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (), no_color=no_color
    )
    with Session(request) as session:
        checked = session.checked
        told = [one for one in checked.findings if one.code[5] in "GP" or one.severity is Severity.ERROR]
        session.console.note(findings_text(told, session.console.style()))
        if format == "mermaid" and (edges := len(checked.graph.edges)) > MERMAID_EDGES:
            session.console.note(
                f"note: {edges} edges; Mermaid draws {MERMAID_EDGES} unless its `maxEdges` is raised where it is drawn:"
                " `--format dot` has no such limit, `-f` takes fewer manifests"
            )
        session.console.out(graph_text(checked.graph, format, session.console.style()))
        return 1 if checked.errors else 0
