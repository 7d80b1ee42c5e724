"""Where variables come from: the Workspace, then files, then the command line; the later one wins."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.manifest import files
from reconciler.manifest.codes import Code, Mistake
from reconciler.manifest.documents import RawDocument, may_be_template
from reconciler.manifest.sources import Sources
from reconciler.manifest.syntax import parse
from reconciler.manifest.template import MAX_VARIABLE, Refusal, Templates, Variable
from reconciler.manifest.wording import show

__all__ = ["collect", "fill_in"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def collect(
    workspace: RawDocument | None,
    variable_files: Sequence[Path],
    given: Mapping[str, str],
    sources: Sources,
) -> dict[str, Variable]:
    """Gather all variables. What cannot be one is reported and left out."""
    variables = {} if workspace is None else _of_mapping(workspace, ("spec", "vars"), sources)
    for path in variable_files:
        source = files.read(path, sources)
        for document in () if source is None else parse(source, sources):
            variables |= _of_mapping(document, (), sources)
    for name, value in given.items():
        if (problem := _problem(name, value)) is None:
            variables[name] = value
        else:
            sources.mistakes.append(Mistake(code=Code.BAD_VARIABLE, at=None, detail=f"--var {problem}"))
    return variables


def fill_in(documents: Iterable[RawDocument], variables: Mapping[str, Variable], sources: Sources) -> None:
    """Replace every template by its value, in place."""
    templates = Templates(variables)
    for document in documents:
        for template in document.templates:
            text = template.holder[template.key]
            if template.at in document.broken or not may_be_template(text):
                continue
            try:
                template.holder[template.key] = value = templates.render(text)
                document.truths |= isinstance(value, bool)
            except Refusal as refusal:
                document.broken.add(template.at)
                sources.mistakes.append(
                    Mistake(
                        code=refusal.code,
                        at=template.at,
                        detail=refusal.detail,
                        hint=refusal.hint,
                        kind=document.kind,
                        name=document.name,
                    )
                )


def _of_mapping(document: RawDocument, path: tuple[str, ...], sources: Sources) -> dict[str, Variable]:
    value: Any = document.data
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    spot = document.trace(path).spot
    if not isinstance(value, dict) or spot.inside is None:
        if not path:
            detail = f"a variable file holds one mapping of names to values, found {show(value)}"
            sources.mistakes.append(Mistake(code=Code.BAD_VARIABLE, at=spot.value_at, detail=detail))
        return {}
    found: dict[str, Variable] = {}
    for name, item in value.items():
        problem = _problem(name, item)
        if problem is None:
            found[name] = item
        else:
            at = spot.inside[name].value_at
            document.broken.add(at)
            sources.mistakes.append(Mistake(code=Code.BAD_VARIABLE, at=at, detail=problem))
    return found


def _problem(name: str, value: Any) -> str | None:
    """Say why a variable cannot be used, never what its value is."""
    if _NAME.fullmatch(name) is None:
        return f"{show(name)}: a name is a letter, then letters, digits and _"
    if not isinstance(value, str | int | float | bool):
        return f"{name}: must be text, a number, true or false"
    if isinstance(value, str):
        if len(value) > MAX_VARIABLE:
            return f"{name}: longer than {MAX_VARIABLE:,} characters"
        if may_be_template(value):
            return f"{name}: a variable cannot be a template itself"
        if not value.isascii() and value != value.encode(errors="replace").decode():
            return f"{name}: not UTF-8"
    return None
