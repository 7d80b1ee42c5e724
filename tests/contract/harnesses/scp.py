"""The conformance suite over the SCP emulator: volumes in kr-west1 that are replicated to kr-east1."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.emulator import Options
from reconciler.emulators.scp import ScpEmulator
from reconciler.model.manifest import Location
from reconciler.model.relationship import Flow
from reconciler.providers.base import Capability
from reconciler.providers.scp import TYPE
from reconciler.testing.harness import Ability, Target
from tests.contract.harnesses.emulated import ASKING, Differences, EmulatedHarness, Spec
from tests.contract.referee import Referee
from tests.lab.scp import DOCUMENT, EAST, HEADERS, WEST, Signed, request

SOURCES = ("src_a", "src_b")
PASSWORD = "cifspwd0!!"
LIST, SHOW = "listVolumeReplications", "ShowVolumeReplication"
_OPERATIONS = {
    "CreateVolumeReplication": "createVolumeReplication",
    "SetVolumeReplication": "setVolumeReplication",
    "DeleteVolumeReplication": "deleteVolumeReplication",
    "DeleteVolume": "deleteVolume",
    "DeleteSnapshot": "deleteSnapshot",
    "health": SHOW,
    "list": "listVolumes",
}
_CONFIGURATION = (
    "replication_id", "replication_frequency", "replication_type", "source_volume_id", "replication_volume_id",
    "replication_volume_region", "replication_volume_name", "replication_policy", "backup_retention_count",
)  # fmt: skip
_LATER_S = 60.0

DIFFERENCES: Differences = (
    ("schedule.every", {"schedule": {"every": "5m"}}, {"schedule": {"every": "1d"}}),
    ("state", {"state": "active"}, {"state": "paused"}),
    ("state", {"state": "paused"}, {"state": "active"}),
    ("scp.retention", {"scp": {"retention": 2}}, {"scp": {"retention": 128}}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the provider reaches the emulator, and how volumes are written."""

    by_name: bool = False
    """Source volumes by name; else by id."""
    account: bool = False
    """With the account's id sent and signed."""
    tls: bool = True
    tidy: bool = True
    """Flows let the replica's volume go with the replication."""
    switches: Mapping[str, Any] = field(default_factory=dict)


class ScpHarness(EmulatedHarness):
    """One account; `west` is under test, `east` is where volumes are replicated to."""

    abilities = frozenset({Ability.FAULTS, Ability.WIRE, Ability.SPEC, Ability.BREAK_DATA})
    kind = TYPE
    subject = "west"
    asks = ASKING | {Capability.SCHEDULE: {"schedule": {"every": "7d"}}}
    differences = DIFFERENCES
    operations = _OPERATIONS
    reads = (LIST, SHOW)
    emulator: ScpEmulator

    def __init__(self, directory: Path, certificate: Certificate, way: Way = Way()) -> None:
        super().__init__(certificate, Referee(DOCUMENT))
        self.emulator = ScpEmulator(Options("scp"))
        self.start(self.emulator, directory)
        self.facts: Any = self.emulator.describe()
        self.way = way
        self.secrets.put(SCP_SECRET=str(self.facts["secret_key"]), CIFS_PASSWORD=PASSWORD)
        for name, region in (("west", WEST), ("east", EAST)):
            self.document(name, self._config(region))
        self.volumes = {name: self.volume(name) for name in SOURCES}
        self._usual = self.emulator.switches()
        self.switch(**way.switches)
        auth = Signed(self.facts["access_key"], self.facts["secret_key"])
        self._hosts = {region: self._client(region, auth) for region in (WEST, EAST)}

    def _client(self, region: str, auth: Signed) -> httpx.Client:
        url = self.facts["regions"][region]["http"]
        made = httpx.Client(base_url=url, auth=auth, headers=HEADERS, trust_env=False, timeout=30)
        return self.clients.enter_context(made)

    def _config(self, region: str) -> Spec:
        config: Spec = {
            "region": region,
            "environment": "e",
            "endpoint": self.facts["regions"][region]["https" if self.way.tls else "http"],
            "credentials": {"accessKey": self.facts["access_key"], "secretKey": {"env": "SCP_SECRET"}},
        }
        if self.way.tls:
            config["caFile"] = str(self.certificate.ca)
        if self.way.account:
            config["accountId"] = self.facts["account_id"]
        return config

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        return self.made(name, SOURCES[group], replica_name(name), spec)

    def made(self, name: str, source: str, there: str, spec: Spec) -> Flow:
        """A flow from a volume of that name to a replica of that name."""
        given = {"state": "active", "schedule": {"every": "1h"}} | spec
        options = {"deleteReplicaVolume": True} if self.way.tidy else {}
        given["scp"] = options | given.get("scp", {})
        written = source if self.way.by_name else self.volumes.get(source, source)
        given |= {
            "source": {"provider": "west", "volume": written},
            "destination": {"provider": "east", "volume": there},
        }
        return self.described(name, given)

    def placed(self, name: str, text: str) -> Flow:
        if text.isascii() and text.islower() and text.isalpha() and text not in self.volumes:
            self.volumes[text] = self.volume(text)
        return self.made(name, text, replica_name(name), {})

    def nowhere(self) -> Location:
        return Location(provider="west", volume="no_such_volume")

    # What others do

    def foreign(self, flow: Flow) -> str:
        body = request(self.source(flow), name="theirs", replication_frequency="monthly", backup_retention_count=3)
        answer = self.ask(WEST, "POST", "/v1/replications", json=body)
        self.wire.clock.advance(_LATER_S)
        made = self.replications()[answer.json()["replication_id"]]
        return f"{EAST}/{made['replication_volume_name']}"

    def tamper(self, flow: Flow) -> str:
        self.emulator.act("set-replication", {"replication_id": self.number(flow), "frequency": "monthly"})
        return "schedule.every"

    def remove(self, flow: Flow) -> None:
        """As somebody would in the console: the replication, and the volume that it leaves behind."""
        number = self.number(flow)
        replica = self.replications()[number]["replication_volume_id"]
        self.emulator.act("drop-replication", {"replication_id": number})
        self.drop_volume(replica)

    def raw(self, flow: Flow, identity: str) -> bytes | None:
        found = [one for one in self.replications().values() if identity == _identity(one)]
        if not found:
            return None
        return json.dumps({key: found[0][key] for key in _CONFIGURATION}, sort_keys=True).encode()

    def source(self, flow: Flow) -> str:
        """The id of a flow's source volume."""
        written = str(flow.spec.source.volume)
        return self.volumes.get(written, written)

    def number(self, flow: Flow) -> str:
        """The id of a flow's replication."""
        wanted = str(flow.spec.destination.volume)
        (found,) = [
            key
            for key, one in self.replications().items()
            if one["source_volume_id"] == self.source(flow)
            and one["replication_volume_name"][: len(wanted)] == wanted
            and len(one["replication_volume_name"]) in (len(wanted), len(wanted) + 6)
        ]
        return found

    def volume(self, name: str, region: str = WEST, **more: Any) -> str:
        """Make a volume; its id."""
        made: Any = self.emulator.act("create-volume", {"name": name, "region": region, **more})
        return str(made["volume_id"])

    def drop_volume(self, volume: str, region: str = EAST) -> None:
        listed = self.ask(region, "GET", "/v1/snapshots", params={"volume_id": volume}).json()["snapshots"]
        for one in listed:
            self.ask(region, "DELETE", f"/v1/snapshots/{one['id']}", params={"volume_id": volume})
        self.ask(region, "DELETE", f"/v1/volumes/{volume}")
        self.wire.clock.advance(_LATER_S)

    def ask(self, region: str, method: str, path: str, **more: Any) -> httpx.Response:
        """One request of somebody else's, with the account's keys."""
        answer = self._hosts[region].request(method, path, **more)
        assert answer.is_success, answer.text
        return answer

    # What the emulator knows

    def replications(self) -> dict[str, dict[str, Any]]:
        """All replications by id, as they are shown."""
        state: Any = self.emulator.state()
        return dict(state["replications"])

    def held(self, name: str) -> list[dict[str, Any]]:
        """The volumes of a name, with or without what the service puts behind it."""
        state: Any = self.emulator.state()
        return [one for one in state["volumes"].values() if one["name"][: len(name)] == name]

    def mount(self, volume: str) -> Path:
        """The folder of a volume."""
        return Path(self.facts["mount_root"]) / volume

    def restore(self) -> None:
        """Set all switches back, and end all replications."""
        self.emulator.switch(self._usual)
        self.wire.clock.advance(86_400)
        for number, one in self.replications().items():
            self.emulator.act("drop-replication", {"replication_id": number})
            if one["replication_volume_name"]:
                self.drop_volume(one["replication_volume_id"])

    # What the wire does

    def operation(self, on: Target) -> str:
        if on == "observe":
            return "listVolumes" if self.way.by_name else LIST
        return super().operation(on)

    def add_unknown(self, content: Any) -> None:
        for one in (content, *content.get("replications", ())):
            one["future_member"] = {"deep": [1, None]}

    def leave_out(self, content: Any) -> None:
        for name in ("count", "backup_retention_count"):
            content.pop(name, None)
        for one in content.get("replications", ()):
            one.pop("source_volume_access_level", None)

    def break_data(self, flow: Flow) -> None:
        self.emulator.act("fail-replication", {"replication_id": self.number(flow)})

    # Objects: none, for the service gives access to no file

    def location(self) -> Location:
        return Location(provider="west", volume=SOURCES[0])

    def write_in_parts(self, location: Location, key: str, parts: Sequence[bytes]) -> None:
        raise NotImplementedError

    def leftovers(self, location: Location) -> Sequence[str]:
        return ()


def replica_name(name: str) -> str:
    """A name of 3 to 21 characters for a flow's replica, the same for the same flow."""
    plain = "".join(letter if letter.isalnum() else "_" for letter in name)
    return f"r_{plain}" if len(plain) < 12 else f"r_{hashlib.sha256(name.encode()).hexdigest()[:12]}_x"


def _identity(shown: Mapping[str, Any]) -> str:
    return f"{shown['replication_volume_region']}/{shown['replication_volume_name']}"
