"""A folder of manifests over an emulated system, and `repl` run on it within this process."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from reconciler.cli.app import run
from reconciler.manifest.edit import dump_documents
from tests.contract.harnesses.emulated import EmulatedHarness
from tests.lab.command import Ended


class EmulatedWorkspace:
    """Manifests of one test, and what a user does with them. A system's class writes its providers and replications."""

    kind: ClassVar[str]
    """The type of all providers."""

    def __init__(self, harness: EmulatedHarness, folder: Path) -> None:
        self.harness = harness
        self.folder = folder
        self.settings()

    def settings(self, guards: Mapping[str, Any] | None = None, **spec: Any) -> None:
        """Write the workspace's own document, and a policy if there are guards."""
        documents = [document("Workspace", "conformance", {"prune": True} | spec)]
        documents += [document("Policy", "guards", {"guards": dict(guards)})] if guards else []
        self.write_file("workspace.yaml", *documents)

    def provider(self, name: str, **changes: Any) -> dict[str, Any]:
        """The harness' document of that name, with changes."""
        config = self.harness.docs[name].spec.config.model_dump(by_alias=True, exclude_none=True, mode="json")
        return document("Provider", name, {self.kind: config | changes})

    def write_replication(self, name: str, usual: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        """Write a replication: what is usual, and what is said. None takes a key out."""
        given = {key: value for key, value in ({**usual} | {**spec}).items() if value is not None}
        self.write_file(f"{name}.yaml", document("Replication", name, given))

    def forget(self, name: str = "one") -> None:
        (self.folder / f"{name}.yaml").unlink()

    def write_file(self, name: str, *documents: dict[str, Any]) -> None:
        (self.folder / name).write_text(dump_documents(list(documents)))

    def secrets(self) -> Sequence[str]:
        """What nothing may print."""
        return self.harness.secret_values

    def writes(self) -> list[str]:
        """The operations of `repl` since the mark that change something."""
        return [one.operation for one in self.harness.requests() if one.write]

    def repl(self, *arguments: str) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(arguments)
        text = out.getvalue() + err.getvalue()
        assert "Traceback" not in text
        assert not [secret for secret in self.secrets() if secret in text]
        return Ended(code, out.getvalue(), err.getvalue())

    def apply(self, *arguments: str) -> Ended:
        """Apply without proof; it must work."""
        ended = self.repl("apply", "--yes", "--no-verify", *arguments)
        assert ended.code == 0, ended.text
        return ended

    def refused(self, code: int, *arguments: str) -> Ended:
        """Apply what is refused with this exit code; nothing may be written."""
        self.harness.mark()
        ended = self.repl("apply", "--yes", "--no-verify", *arguments)
        assert ended.code == code, ended.text
        assert self.writes() == []
        return ended

    def settled(self) -> None:
        ended = self.repl("plan", "--detailed-exitcode")
        assert ended.code == 0, ended.text

    def plan(self, *arguments: str) -> Any:
        return self.repl("plan", "--output", "json", *arguments).json

    def effects(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """What the plan predicts, by the id of the effect."""
        return {effect["rule"]: effect for effect in self.plan(*arguments)["effects"]}


def document(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A document of any kind."""
    return {"apiVersion": "repl/v1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}
