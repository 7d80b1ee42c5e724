"""A folder of manifests over the emulated BOS, and `repl` run on it within this process."""

import contextlib
import io
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.app import run
from reconciler.emulators.certificate import Certificate
from reconciler.manifest.edit import dump_documents
from tests.contract.harnesses.bos import BosHarness, Way
from tests.lab.command import Ended

_numbers = itertools.count(1)
_AT_ONCE = {"lag_seconds": 0.0, "history_seconds": 0.0}


class Workspace:
    """Manifests of one test, with a bucket on each side: `source` in bj, `destination` in gz."""

    def __init__(self, bos: BosHarness, folder: Path, name: str) -> None:
        self.bos = bos
        self.folder = folder
        self.source, self.destination = f"{name}-src", f"{name}-dst"
        bos.emulator.act("create-bucket", {"bucket": self.source, "region": "bj"})
        bos.emulator.act("create-bucket", {"bucket": self.destination, "region": "gz"})
        self.settings()
        self._write("providers.yaml", *(self._provider(region) for region in ("bj", "gz")))

    def _provider(self, region: str) -> dict[str, Any]:
        config = self.bos.docs[region].spec.config.model_dump(by_alias=True, exclude_none=True, mode="json")
        return _document("Provider", region, {"bos": config})

    def settings(self, guards: Mapping[str, Any] | None = None, **spec: Any) -> None:
        """Write the workspace's own document, and a policy if there are guards."""
        documents = [_document("Workspace", "conformance", {"prune": True} | spec)]
        documents += [_document("Policy", "guards", {"guards": dict(guards)})] if guards else []
        self._write("workspace.yaml", *documents)

    def replicate(self, name: str = "one", **spec: Any) -> None:
        """Write a replication of the whole bucket, active, with what was there before."""
        usual = {
            "source": {"provider": "bj", "bucket": self.source},
            "destination": {"provider": "gz", "bucket": self.destination},
            "state": "active",
            "existing": "copy",
        }
        self._write(f"{name}.yaml", _document("Replication", name, usual | spec))

    def forget(self, name: str = "one") -> None:
        (self.folder / f"{name}.yaml").unlink()

    def _write(self, name: str, *documents: dict[str, Any]) -> None:
        (self.folder / name).write_text(dump_documents(list(documents)))

    # What a user does

    def repl(self, *arguments: str) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(arguments)
        text = out.getvalue() + err.getvalue()
        assert "Traceback" not in text
        assert not [secret for secret in self.bos.secret_values if secret in text]
        return Ended(code, out.getvalue(), err.getvalue())

    def apply(self, *arguments: str) -> Ended:
        """Apply without proof; it must work."""
        ended = self.repl("apply", "--yes", "--no-verify", *arguments)
        assert ended.code == 0, ended.text
        return ended

    def settled(self) -> None:
        ended = self.repl("plan", "--detailed-exitcode")
        assert ended.code == 0, ended.text

    def effects(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """What the plan predicts, by the id of the effect."""
        return {effect["rule"]: effect for effect in self.repl("plan", "--output", "json", *arguments).json["effects"]}

    # What the service holds

    def put(self, *keys: str, **more: Any) -> None:
        for key in keys:
            self.bos.write(self.source, key, **more)

    @property
    def copies(self) -> set[str]:
        self.bos.settle()
        return set(self.bos.objects(self.destination))

    @property
    def rules(self) -> dict[str, dict[str, Any]]:
        """What the emulator knows of the source's rules, by id."""
        self.bos.settle()
        state: Any = self.bos.emulator.state()
        return dict(state["buckets"][self.source]["rules"])

    @property
    def rule(self) -> dict[str, Any]:
        (found,) = self.rules.values()
        return found

    def writes(self) -> int:
        """How many writes of rules this bucket has had."""
        log: Any = self.bos.wire.log.since()
        own = (row for row in log["requests"] if row["path"] == f"/{self.source}" and "replication" in row["query"])
        return sum(row["write"] for row in own)


def _document(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "repl/v1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


@contextlib.contextmanager
def opened(bos: BosHarness, folder: Path, name: str) -> Iterator[Workspace]:
    """A workspace whose secrets are in the environment; copying takes no time. Afterwards all switches are set back."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in bos.secrets.by_name.items():
            patch.setenv(variable, value)
        patch.setenv("COLUMNS", "160")
        bos.switch(**_AT_ONCE)
        yield Workspace(bos, folder, name)
    bos.mend()
    bos.restore()


@pytest.fixture(scope="module")
def bos(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[BosHarness]:
    """One world for all tests of a module, whose workspaces have buckets of their own."""
    harness = BosHarness(tmp_path_factory.mktemp("bos"), certificate, Way(tls=False))
    yield harness
    harness.close()


@pytest.fixture
def work(bos: BosHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(bos, tmp_path, f"work-{next(_numbers)}") as made:
        yield made
