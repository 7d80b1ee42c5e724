"""The emulators as a program of their own, with a workspace that is ready to use beside them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.cli.lab_documents import PROVIDERS, REPLICATIONS, WORKSPACE
from reconciler.errors import ReplError

__all__ = ["Lab", "started"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A running world and its workspace."""

    folder: Path
    world: dict[str, Any]
    """What the emulators say of themselves: endpoints, made-up credentials, the control port."""

    @property
    def s3(self) -> dict[str, Any]:
        """The S3 world."""
        found: dict[str, Any] = self.world["emulators"]["s3"]
        return found


@contextmanager
def started(folder: Path) -> Iterator[Lab]:
    """Start the emulators, write the workspace, and stop them at the end. Raises ReplError if they do not start."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "reconciler.emulators", "--seed", "--with-parent", "--dir", str(folder)]
    # A Ctrl-C at the terminal is for us; the emulators end when we say so.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise ReplError("the emulators did not start", hint="they need what the extra `lab` installs")
        lab = Lab(folder=folder, world=json.loads(line))
        _write_workspace(lab)
        yield lab
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _write_workspace(lab: Lab) -> None:
    from reconciler.cli.schema import all_schemas

    files = {
        "workspace.yaml": WORKSPACE,
        "providers.yaml": PROVIDERS % _addresses(lab.world["emulators"]),
        "replications.yaml": REPLICATIONS,
        "manifest.v1.json": json.dumps(all_schemas()["manifest.v1.json"], indent=2),
        ".gitignore": "*\n",
    }
    for name, text in files.items():
        (lab.folder / name).write_text(text, encoding="utf-8")
    (lab.folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    for name, facts in lab.world["emulators"].items():
        path = lab.folder / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(facts["password" if name == "nas-1" else "secret_key"] + "\n", encoding="utf-8")


def _addresses(emulators: dict[str, Any]) -> dict[str, Any]:
    """What the Provider documents say of the running emulators."""
    s3, nas, regions = emulators["s3"], emulators["nas-1"], emulators["bos"]["regions"]
    facts = {
        "s3": s3["https"],
        "role": s3["role"],
        "access_key": s3["access_key"],
        "nas_host": nas["host"],
        "nas_port": nas["port"],
        "nas_user": nas["username"],
        "bos_key": emulators["bos"]["access_key"],
    }
    for name in ("alarik-eu", "alarik-us"):
        word = name.replace("-", "_")
        facts |= {word: emulators[name]["https"], f"{word}_key": emulators[name]["access_key"]}
    for region, urls in regions.items():
        facts |= {f"bos_{region}": urls["https"], f"bos_{region}_s3": urls["s3_https"]}
    return facts
