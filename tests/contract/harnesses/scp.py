"""The conformance suite over the SCP emulator: volumes in kr-west1 that are replicated to kr-east1."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.emulator import Options
from reconciler.emulators.message import Reply
from reconciler.emulators.scp import ScpEmulator
from reconciler.model.manifest import Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import Access, Capability, Connection, Provider
from reconciler.providers.scp import TYPE
from reconciler.providers.scp.config import ScpConfig, ScpOptions
from reconciler.testing.harness import WORKSPACE, Ability, Fault, Judgement, Mangling, Sent, Target, Variant
from tests.contract.harnesses.wire import COMMON_MANGLERS, EmulatedClock, EnvSecrets, Wire, WiredContext, hurried
from tests.contract.referee import Objection, Referee
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

Spec = dict[str, Any]

_ASKING: dict[Capability, Spec] = {
    Capability.PAUSE: {"state": "paused"},
    Capability.DELETES: {"deletes": "replicate"},
    Capability.STORAGE_CLASS: {"storageClass": "STANDARD_IA"},
    Capability.TAG_FILTER: {"filter": {"tags": {"class": "hot"}}},
    Capability.EXCLUDE_FILTER: {"filter": {"exclude": ["*.tmp"]}},
    Capability.SCHEDULE: {"schedule": {"every": "7d"}},
}
DIFFERENCES: tuple[tuple[str, Spec, Spec], ...] = (
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


class ScpHarness:
    """One account; `west` is under test, `east` is where volumes are replicated to."""

    abilities = frozenset({Ability.FAULTS, Ability.WIRE, Ability.SPEC, Ability.BREAK_DATA})

    def __init__(self, directory: Path, certificate: Certificate, way: Way = Way()) -> None:
        self.wire = Wire()
        self.clock = EmulatedClock(self.wire.clock)
        self.emulator = ScpEmulator(Options("scp"))
        self.emulator.start(
            WiredContext(
                clock=self.wire.clock, faults=self.wire.faults, log=self.wire.log, certificate=certificate,
                tls=certificate.server_context(), directory=directory, wire=self.wire,
            )
        )  # fmt: skip
        self.facts: Any = self.emulator.describe()
        self.way = way
        self._certificate = certificate
        self.secrets = EnvSecrets(SCP_SECRET=str(self.facts["secret_key"]), CIFS_PASSWORD=PASSWORD)
        self.docs = {"west": self._doc("west", WEST), "east": self._doc("east", EAST)}
        self.volumes = {name: self.volume(name) for name in SOURCES}
        self._usual = self.emulator.switches()
        self.switch(**way.switches)
        self._referee = Referee(DOCUMENT)
        auth = Signed(self.facts["access_key"], self.facts["secret_key"])
        self._hosts = {
            region: httpx.Client(
                base_url=self.facts["regions"][region]["http"], auth=auth, headers=HEADERS, trust_env=False, timeout=30
            )
            for region in (WEST, EAST)
        }

    def _doc(self, name: str, region: str) -> ProviderDoc:
        config: Spec = {
            "region": region,
            "environment": "e",
            "endpoint": self.facts["regions"][region]["https" if self.way.tls else "http"],
            "credentials": {"accessKey": self.facts["access_key"], "secretKey": {"env": "SCP_SECRET"}},
        }
        if self.way.tls:
            config["caFile"] = str(self._certificate.ca)
        if self.way.account:
            config["accountId"] = self.facts["account_id"]
        spec = ProviderSpec(type="scp", config=ScpConfig.model_validate(config))
        return ProviderDoc(api_version="repl/v1", kind="Provider", metadata=Metadata(name=name), spec=spec)

    @property
    def secret_values(self) -> Sequence[str]:
        return self.secrets.values

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        doc = self.docs[provider or "west"]
        return TYPE.connect(
            Connection(
                doc=doc, secrets=self.secrets, access=access, base=Path("/"), workspace=WORKSPACE,
                siblings=tuple(one for one in self.docs.values() if one is not doc),
            )
        )  # fmt: skip

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        return self.made(name, SOURCES[group], replica_name(name), spec)

    def made(self, name: str, source: str, there: str, spec: Spec) -> Flow:
        """A flow from a volume of that name to a replica of that name."""
        given = {"state": "active", "schedule": {"every": "1h"}} | spec
        options = ({"deleteReplicaVolume": True} if self.way.tidy else {}) | given.pop("scp", {})
        written = source if self.way.by_name else self.volumes.get(source, source)
        given |= {
            "source": {"provider": "west", "volume": written},
            "destination": {"provider": "east", "volume": there},
        }
        made = ReplicationSpec.model_validate(given)
        made = made.model_copy(update={"options": ScpOptions.model_validate(options)})
        return Flow(
            name=name,
            workspace=WORKSPACE,
            spec=made,
            labels={},
            source=self.docs["west"],
            destination=self.docs["east"],
            owner_side="source",
            peer_s3=None,
        )

    def variants(self) -> Sequence[Variant]:
        return [
            Variant(field=at, before=self.flow("varied", **before), after=self.flow("varied", **after))
            for at, before, after in DIFFERENCES
        ]

    def asking(self, capability: Capability) -> Flow | None:
        return self.flow("asking", **_ASKING[capability]) if capability in _ASKING else None

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

    def switch(self, **values: Any) -> None:
        """Set what is not documented about SCP."""
        self.emulator.switch(values)

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

    def eventually(self, check: Callable[[], Any]) -> None:
        """Let time pass until something is so."""
        deadline = time.monotonic() + 10
        while not check():
            assert time.monotonic() < deadline, "it does not come about"
            self.wire.clock.advance(1)
            time.sleep(0.002)

    # What the wire does

    def mark(self) -> None:
        self.wire.mark()

    def requests(self) -> Sequence[Sent]:
        return self.wire.requests("scp")

    def fault(self, fault: Fault, on: Target) -> None:
        first = "listVolumes" if self.way.by_name else LIST
        name = first if on == "observe" else _OPERATIONS[on.operation if isinstance(on, Call) else on]
        self.wire.fault(fault, "scp", name)

    def mangle(self, mangling: Mangling) -> None:
        manglers = {Mangling.UNKNOWN_FIELDS: _with_unknown, Mangling.MISSING_FIELDS: _with_less, **COMMON_MANGLERS}
        for operation in (LIST, SHOW):
            self.wire.mangle(operation, manglers[mangling])

    def mend(self) -> None:
        self.wire.mend()

    def hurried(self) -> AbstractContextManager[None]:
        return hurried()

    def judged(self) -> Judgement | None:
        exchanges = self.wire.recorder.exchanges
        try:
            count, objections = self._referee.judge_all(exchanges), ""
        except Objection as objection:
            count, objections = len(exchanges), str(objection)
        return Judgement(exchanges=count, objections=tuple(dict.fromkeys(objections.splitlines())))

    def restart(self) -> None:
        self.emulator.act("restart", {})

    def advance(self, seconds: float) -> None:
        self.wire.clock.advance(seconds)
        time.sleep(0.01)

    def break_data(self, flow: Flow) -> None:
        self.emulator.act("fail-replication", {"replication_id": self.number(flow)})

    # Objects: none, for the service gives access to no file

    def location(self) -> Location:
        return Location(provider="west", volume=SOURCES[0])

    def write_in_parts(self, location: Location, key: str, parts: Sequence[bytes]) -> None:
        raise NotImplementedError

    def leftovers(self, location: Location) -> Sequence[str]:
        return ()

    def close(self) -> None:
        for host in self._hosts.values():
            host.close()
        self.wire.clock.stop()
        self.emulator.stop()


def replica_name(name: str) -> str:
    """A name of 3 to 21 characters for a flow's replica, the same for the same flow."""
    plain = "".join(letter if letter.isalnum() else "_" for letter in name)
    return f"r_{plain}" if len(plain) < 12 else f"r_{hashlib.sha256(name.encode()).hexdigest()[:12]}_x"


def _identity(shown: Mapping[str, Any]) -> str:
    return f"{shown['replication_volume_region']}/{shown['replication_volume_name']}"


def _with_unknown(reply: Reply) -> Reply:
    content = json.loads(reply.body)
    for one in (content, *content.get("replications", ())):
        one["future_member"] = {"deep": [1, None]}
    return Reply(reply.status, reply.headers, json.dumps(content).encode())


def _with_less(reply: Reply) -> Reply:
    content = json.loads(reply.body)
    for name in ("count", "backup_retention_count"):
        content.pop(name, None)
    for one in content.get("replications", ()):
        one.pop("source_volume_access_level", None)
    return Reply(reply.status, reply.headers, json.dumps(content).encode())
