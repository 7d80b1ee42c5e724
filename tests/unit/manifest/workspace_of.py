"""A catalog of two small provider types, and workspaces written from text."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field

from reconciler.manifest.load import LoadedWorkspace, load
from reconciler.model.manifest import Config, Options
from reconciler.model.secret import SecretRef


class RoomyConfig(Config):
    """Connection of the type `roomy`."""

    region: str = "eu"
    flavour: Literal["aws", "rgw"] = "aws"
    endpoint: str | None = None
    access_key: str | SecretRef | None = None
    secret_key: SecretRef | None = None
    pools: dict[str, int] = {}


class RoomyOptions(Options):
    """Options of the type `roomy`."""

    priority: int | None = Field(default=None, ge=0)
    ratio: float | None = None
    names: tuple[str, ...] | None = None


class TightConfig(Config):
    """Connection of the type `tight`."""

    host: str
    password: SecretRef | None = None


class TightOptions(Options):
    """Options of the type `tight`."""

    map_ids: bool | None = None


class FakeCatalog:
    """Two types; remembers which were asked for."""

    types = ("roomy", "tight")

    def __init__(self) -> None:
        self.asked: list[str] = []

    def models(self, name: str, /) -> tuple[type[Config], type[Options]]:
        self.asked.append(name)
        return {"roomy": (RoomyConfig, RoomyOptions), "tight": (TightConfig, TightOptions)}[name]


PROVIDERS = """\
apiVersion: repl/v1
kind: Provider
metadata: {name: eu}
spec: {roomy: {region: eu-west-1}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: us}
spec: {roomy: {}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: nas}
spec: {tight: {host: nas.example}}
"""


def replication(spec: str = "", name: str = "r", labels: str = "{}") -> str:
    """Return one Replication from eu to us; `spec` holds further lines, indented by two."""
    return (
        f"apiVersion: repl/v1\nkind: Replication\nmetadata: {{name: {name}, labels: {labels}}}\nspec:\n"
        f"  source: {{provider: eu, bucket: a}}\n  destination: {{provider: us, bucket: b}}\n{spec}"
    )


def workspace(spec: str) -> str:
    """Return a Workspace; `spec` is indented by two."""
    return f"apiVersion: repl/v1\nkind: Workspace\nmetadata: {{name: w}}\nspec:\n{spec}"


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Run in a folder, as a user does."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def load_texts(folder: Path, files: Mapping[str, str | bytes], **options: object) -> LoadedWorkspace:
    """Write files and load them from their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with inside(folder):
        return load(options.pop("paths", [Path()]), catalog=options.pop("catalog", FakeCatalog()), **options)


def load_text(folder: Path, text: str | bytes, *, providers: bool = True, **options: object) -> LoadedWorkspace:
    """Load one file `a.yaml`, beside one with three providers."""
    files = {"p.yaml": PROVIDERS} if providers else {}
    return load_texts(folder, {"a.yaml": text, **files}, **options)


def marked(loaded: LoadedWorkspace) -> list[tuple[str, str]]:
    """Return (code, what the caret stands under) of every finding, in order."""
    return [(finding.code, under(finding)) for finding in loaded.findings]


def under(finding: object) -> str:
    """Return the text that a finding's caret stands under; to the end of the line if it has no end."""
    where = finding.where  # type: ignore[attr-defined]
    if where is None or where.snippet is None:
        return ""
    return where.snippet[where.column - 1 : where.end_column - 1 if where.end_column else None]
