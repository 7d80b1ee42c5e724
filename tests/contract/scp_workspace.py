"""A folder of manifests over two emulated regions of SCP, and `repl` run on it within this process."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract.emulated_workspace import EmulatedWorkspace
from tests.contract.harnesses.scp import ScpHarness
from tests.lab.scp import EAST, WEST, request

_AT_ONCE = {"create_s": 0, "change_s": 0, "delete_s": 0, "region_lag_s": 0, "volume_delete_s": 0}
_numbers = itertools.count()


class Workspace(EmulatedWorkspace):
    """Manifests of one test. `source` is a volume in the west, `replica` the name of the one to be made in the east."""

    kind = "scp"

    def __init__(self, scp: ScpHarness, folder: Path, protocol: str) -> None:
        self.scp = scp
        number = next(_numbers)
        self.source, self.replica = f"src{number}_x", f"dst{number}_x"
        self.source_id = scp.volume(self.source, protocol=protocol)
        super().__init__(scp, folder)
        self.providers()

    def providers(self, **changes: Mapping[str, Any]) -> None:
        """Write both regions; changes by the document's name."""
        self.write_file("providers.yaml", *(self.provider(name, **changes.get(name, {})) for name in ("west", "east")))

    def replicate(self, name: str = "one", to: str | None = None, **spec: Any) -> None:
        """Write a replication of the volume, active and hourly. None takes a key out."""
        usual = {
            "source": {"provider": "west", "volume": self.source},
            "destination": {"provider": "east", "volume": to or self.replica},
            "state": "active",
            "schedule": {"every": "1h"},
            "verify": {"level": "status"},
        }
        self.write_replication(name, usual, spec)

    def another(self) -> None:
        """One more replication of the same volume: a workspace without any is not applied."""
        self.replicate("another", to=f"{self.replica}2")

    # What a user does

    def calls(self, *arguments: str) -> list[tuple[str, str]]:
        """The calls that the plan shows, in order: operation and summary."""
        steps = [step for item in self.plan(*arguments)["containers"] for step in item["steps"]]
        return [(step["operation"], step["summary"]) for step in steps if "operation" in step]

    # What the service holds, as anybody sees it who has the keys

    def create(self, **changes: Any) -> dict[str, Any]:
        """A replication that somebody else asks for, as it is shown a moment later."""
        body = request(self.source_id, **{"name": self.replica, **changes})
        made = self.scp.ask(WEST, "POST", "/v1/replications", json=body).json()
        return self.shown(made["replication_id"])

    def shown(self, number: str) -> dict[str, Any]:
        path = f"/v1/replications/{number}"
        return dict(self.scp.ask(WEST, "GET", path, params={"volume_id": self.source_id}).json())

    @property
    def replications(self) -> list[dict[str, Any]]:
        """All replications of the volume, as they are shown."""
        path, query = "/v1/replications", {"volume_id": self.source_id}
        listed = self.scp.ask(WEST, "GET", path, params=query).json()["replications"]
        return [self.shown(one["replication_id"]) for one in listed]

    @property
    def replication(self) -> dict[str, Any]:
        (found,) = self.replications
        return found

    def volumes(self, name: str | None = None) -> list[dict[str, Any]]:
        """Volumes of a name in the replica's region, as a list shows them."""
        answer = self.scp.ask(EAST, "GET", "/v1/volumes", params={"name": name or self.replica, "limit": "100"})
        return [one for one in answer.json()["filestorages"] if one["name"] == (name or self.replica)]

    def snapshots(self, volume: str) -> list[str]:
        answer = self.scp.ask(EAST, "GET", "/v1/snapshots", params={"volume_id": volume})
        return [one["id"] for one in answer.json()["snapshots"]]

    def write(self, path: str, content: bytes = b"content") -> None:
        (self.scp.mount(self.source_id) / path).write_bytes(content)

    def copied(self) -> None:
        """Let all that is in use be transferred now."""
        self.scp.emulator.act("replicate-now", {})

    def files(self, volume: str) -> dict[str, bytes]:
        mount = self.scp.mount(volume)
        return {str(one.relative_to(mount)): one.read_bytes() for one in mount.rglob("*") if one.is_file()}


@contextlib.contextmanager
def opened(scp: ScpHarness, folder: Path, protocol: str = "NFS") -> Iterator[Workspace]:
    """A workspace whose secrets are in the environment. What is asked for happens at once. Afterwards switches,
    replications and secrets are set back."""
    before = scp.secrets.by_name
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in before.items():
            patch.setenv(variable, value)
        patch.setenv("COLUMNS", "160")
        scp.switch(**_AT_ONCE)
        yield Workspace(scp, folder, protocol)
    scp.secrets.put(**before)
    scp.mend()
    scp.restore()
