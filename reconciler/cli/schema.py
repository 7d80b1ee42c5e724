"""`repl schema`: JSON Schemas for editors and for readers of the JSON output."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["all_schemas", "command"]


def command(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[KIND]", help="manifest, plan, receipt, drift, verification, validation, providers or finding."
        ),
    ] = "manifest",
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write all schemas into a folder instead.")
    ] = None,
) -> int:
    """Print the JSON Schema (2020-12) of a kind of document.

    For completion in an editor put this at the top of a manifest:

        # yaml-language-server: $schema=schemas/manifest.v1.json
    """
    import sys

    from reconciler.errors import UsageError
    from reconciler.report.document import schema_text

    schemas = all_schemas()
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        for name, schema in schemas.items():
            (write / name).write_text(schema_text(schema), encoding="utf-8")
        return 0
    if f"{kind}.v1.json" not in schemas:
        raise UsageError(f"no schema {kind!r}", hint=f"one of {', '.join(n.partition('.')[0] for n in schemas)}")
    sys.stdout.write(schema_text(schemas[f"{kind}.v1.json"]))
    return 0


def all_schemas() -> dict[str, dict[str, object]]:
    """Return every published schema by file name, sorted."""
    from reconciler.manifest.export import manifest_schema
    from reconciler.providers.registry import Registry
    from reconciler.report.document import schemas

    models = {info.type: (info.config, info.options) for info in Registry.installed().infos()}
    return dict(sorted({**schemas(), "manifest.v1.json": manifest_schema(models)}.items()))
