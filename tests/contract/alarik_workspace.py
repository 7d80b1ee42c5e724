"""A folder of manifests over two emulated Alariks, and `repl` run on it within this process."""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reconciler.emulators.certificate import Certificate
from tests.contract.emulated_workspace import EmulatedWorkspace
from tests.contract.harnesses.alarik import AlarikHarness

_numbers = itertools.count(1)
_PATIENCE_S = 10.0


class Workspace(EmulatedWorkspace):
    """Manifests of one test, with a bucket on each side: `source` here, `destination` there.

    Rules lead there with an access key of their own, which the test may rotate.
    """

    kind = "alarik"

    def __init__(self, alarik: AlarikHarness, folder: Path, name: str, patch: pytest.MonkeyPatch) -> None:
        self.alarik = alarik
        self.source, self.destination = f"{name}-src", f"{name}-dst"
        self._patch = patch
        self.told: list[str] = list(alarik.secret_values)
        """Every secret that was ever in play."""
        alarik.make_bucket(self.source)
        alarik.make_bucket(self.destination, name="there")
        super().__init__(alarik, folder)
        self.rotate(f"AK-{name}")

    def rotate(self, key: str | None = None) -> None:
        """Give the key that rules lead there with another secret, as its owner does; with a name, take another key.

        The old secret, or key, opens nothing any more.
        """
        api, secret = self.alarik.apis["there"], uuid4().hex
        for old in api.get("/api/v1/users/accessKeys", params={"per": 100}).json()["items"]:
            if old["accessKey"].startswith("AK-"):
                key = key or old["accessKey"]
                assert api.delete(f"/api/v1/users/accessKeys/{old['id']}").status_code == 204
        made = api.post("/api/v1/users/accessKeys", json={"accessKey": key, "secretKey": secret})
        assert made.status_code == 200, made.text
        self.told.append(secret)
        self._patch.setenv("LEAD_SECRET", secret)
        lead = {"accessKeyId": key, "secretAccessKey": {"env": "LEAD_SECRET"}}
        self.write_file("providers.yaml", self.provider("here"), self.provider("there", credentials=lead))

    def replicate(self, name: str = "one", **spec: Any) -> None:
        """Write a replication of the whole bucket, active, with what was there before. None takes a key out."""
        usual = {
            "source": {"provider": "here", "bucket": self.source},
            "destination": {"provider": "there", "bucket": self.destination},
            "state": "active",
            "existing": "copy",
        }
        self.write_replication(name, usual, spec)

    def secrets(self) -> Sequence[str]:
        return self.told

    # What the servers hold

    def put(self, *keys: str, body: bytes = b"x") -> None:
        for key in keys:
            self.alarik.write(self.source, key, body)

    @property
    def copies(self) -> dict[str, int]:
        """Keys at the destination with their versions, once all that can be delivered is."""
        self.alarik.settle()
        return self.arrived()

    def arrived(self, bucket: str | None = None) -> dict[str, int]:
        """Keys with their versions now."""
        return self.alarik.objects(bucket or self.destination)

    @property
    def rules(self) -> list[dict[str, Any]]:
        return self.alarik.get(self.source, "rules")

    @property
    def rule(self) -> dict[str, Any]:
        (found,) = self.rules
        return found

    @property
    def targets(self) -> list[dict[str, Any]]:
        return self.alarik.get(self.source, "targets")

    @property
    def stored(self) -> dict[str, str]:
        """Digests of the secrets that the server holds, by the target's id."""
        return {one["id"]: one["secretSha256"] for one in self.alarik.held(self.source)["targets"]}

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return self.alarik.get(self.source, "tasks")

    def hold(self) -> None:
        """Let nothing be delivered: what is written waits."""
        self.alarik.switch(worker="stopped")

    def release(self) -> None:
        self.alarik.switch(worker="running")


def soon(check: Callable[[], Any]) -> Any:
    """Wait until something is so, without a push to the emulated clock."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (found := check()):
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.005)
    return found


@contextlib.contextmanager
def opened(alarik: AlarikHarness, folder: Path, name: str) -> Iterator[Workspace]:
    """A workspace whose secrets are in the environment. Afterwards switches, rules and queues are set back."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in alarik.secrets.by_name.items():
            patch.setenv(variable, value)
        patch.setenv("COLUMNS", "160")
        yield Workspace(alarik, folder, name, patch)
    alarik.mend()
    alarik.restore()


@pytest.fixture(scope="module")
def alarik(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[AlarikHarness]:
    """One world for all tests of a module, whose workspaces have buckets of their own."""
    harness = AlarikHarness(tmp_path_factory.mktemp("alarik"), certificate)
    yield harness
    harness.close()


@pytest.fixture
def work(alarik: AlarikHarness, tmp_path: Path) -> Iterator[Workspace]:
    with opened(alarik, tmp_path, f"work-{next(_numbers)}") as made:
        yield made
