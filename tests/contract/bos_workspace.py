"""A folder of manifests over the emulated BOS, and `repl` run on it within this process."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from tests.contract.emulated_workspace import EmulatedWorkspace
from tests.contract.harnesses.bos import BosHarness, Way

_numbers = itertools.count(1)
_AT_ONCE = {"lag_seconds": 0.0, "history_seconds": 0.0}


class Workspace(EmulatedWorkspace):
    """Manifests of one test, with a bucket on each side: `source` in bj, `destination` in gz."""

    kind = "bos"

    def __init__(self, bos: BosHarness, folder: Path, name: str) -> None:
        self.bos = bos
        self.source, self.destination = f"{name}-src", f"{name}-dst"
        bos.emulator.act("create-bucket", {"bucket": self.source, "region": "bj"})
        bos.emulator.act("create-bucket", {"bucket": self.destination, "region": "gz"})
        super().__init__(bos, folder)
        self.write_file("providers.yaml", *(self.provider(region) for region in ("bj", "gz")))

    def replicate(self, name: str = "one", **spec: Any) -> None:
        """Write a replication of the whole bucket, active, with what was there before."""
        usual = {
            "source": {"provider": "bj", "bucket": self.source},
            "destination": {"provider": "gz", "bucket": self.destination},
            "state": "active",
            "existing": "copy",
        }
        self.write_replication(name, usual, spec)

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

    def rule_writes(self) -> int:
        """How many writes of rules this bucket has had."""
        log: Any = self.bos.wire.log.since()
        own = (row for row in log["requests"] if row["path"] == f"/{self.source}" and "replication" in row["query"])
        return sum(row["write"] for row in own)


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
