"""What `repl import` does."""

import os
from pathlib import Path

from reconciler.cli.session import Request, Session
from reconciler.engine.importing import Import, import_from
from reconciler.engine.plan import desired_of
from reconciler.errors import ExitCode, ManifestError, ReplError, UsageError
from reconciler.manifest.edit import dump_documents, templates_among, update_values
from reconciler.manifest.wording import dotted
from reconciler.model.finding import FieldPath
from reconciler.report.clean import clean

__all__ = ["import_command"]


def import_command(request: Request, provider: str, *, out: Path | None, update: bool) -> int:
    """Import and return the exit code."""
    with Session(request) as session:
        session.require_sound()
        if provider not in session.workspace.providers:
            known = ", ".join(sorted(session.workspace.providers)) or "none"
            raise UsageError(f"no Provider document is named {provider}", hint=f"there are: {known}")
        if out is not None and os.path.lexists(out):
            raise UsageError(f"{out} exists", hint="choose a new file: nothing is overwritten")
        desired = desired_of(session.checked.flows, session.inputs)
        found = import_from(
            provider, session.workspace, session.registry, session.connections, desired=desired,
            receipt=session.state.receipt(),
        )  # fmt: skip
        _write(session, found, out)
        code = _update(session, found) if update else 0
        if found.moved and not update:
            names = sorted({value.replication for value in found.moved})
            session.console.note(f"{len(names)} differ from what is live: {', '.join(names)}; --update edits them")
        if found.unread is not None:
            raise found.unread
    return code


def _write(session: Session, found: Import, out: Path | None) -> None:
    text = dump_documents(found.documents) if found.documents else ""
    if out is not None and text:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("x", encoding="utf-8") as file:  # it may have come into being meanwhile
            file.write(text)
    elif text:
        session.console.out(text)
    for note in found.notes:
        session.console.note(clean(f"note: {note}"))
    where = f" -> {out}" if out is not None and text else ""
    session.console.note(f"{len(found.documents)} new{where}, {found.known} written down already")


def _update(session: Session, found: Import) -> int:
    """Edit document by document; one that cannot be edited does not stand in the way of the others."""
    by_replication: dict[str, dict[FieldPath, object]] = {}
    for value in found.moved:
        by_replication.setdefault(value.replication, {})[value.path] = value.value
    failed = False
    for name, values in sorted(by_replication.items()):
        where = session.workspace.locate("Replication", name)
        if where is None:
            raise ReplError(f"the document of {name} cannot be found any more")
        try:
            templates = templates_among(Path(where.file), "Replication", name, values)
            update_values(Path(where.file), "Replication", name, values)
        except ManifestError as error:
            failed = True
            hint = f"; {error.hint}" if error.hint else ""
            session.console.note(f"error: {where.file}: {name} was not changed: {error.message}{hint}")
        else:
            session.console.note(f"{where.file}: {name}: {len(values)} updated")
            for path in templates:
                session.console.note(f"note: {name}: {dotted(path)} was a template, and is the value itself now")
    return int(ExitCode.ERROR) if failed else 0
