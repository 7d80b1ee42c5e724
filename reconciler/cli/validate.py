"""`repl validate`: everything that can be said about the manifests without the network."""

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    files: opt.Files = None,
    variables: opt.Variables = None,
    variable_files: opt.VariableFiles = None,
    outputs: opt.Outputs = None,
    no_color: opt.Colour = False,
) -> int:
    """Check the manifests offline: syntax, fields, limits of each provider, the graph of flows, policies.

    Touches no network and no secret. Prints every finding of every file in one run.

    Exit code 0; 1 if there is an error; 4 if only a policy stands against it; 64 if there is no manifest.
    """
    from reconciler.cli.console import parse_outputs
    from reconciler.cli.outcome import validation_exit_code
    from reconciler.cli.session import Request, Session
    from reconciler.model.validation import Validation
    from reconciler.report.document import to_json
    from reconciler.report.findings import findings_text
    from reconciler.report.line import count

    wanted = parse_outputs(outputs or (), ("text", "json"))
    request = Request(
        files=files or (), variables=variables or (), variable_files=variable_files or (), no_color=no_color
    )
    with Session(request) as session:
        session.require_files()
        checked, workspace = session.checked, session.workspace
        answer = Validation(
            valid=not checked.errors,
            files=len(workspace.files),
            providers=len(workspace.providers),
            replications=len(workspace.replications),
            findings=checked.findings,
        )
        verdict = "Valid" if answer.valid else "Not valid"
        sums = ", ".join(
            (
                count(answer.files, "file"),
                count(answer.providers, "provider"),
                count(answer.replications, "replication"),
            )
        )
        session.console.deliver(
            wanted,
            lambda name, style: (
                to_json(answer)
                if name == "json"
                else "\n".join(part for part in (findings_text(checked.findings, style), f"{verdict}. {sums}.") if part)
            ),
        )
        return validation_exit_code(checked.errors)
