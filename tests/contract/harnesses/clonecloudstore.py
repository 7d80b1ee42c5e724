"""The conformance suite over emulated sites of CloneCloudStore: buckets of site-a that go to site-b and site-c."""

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clonecloudstore import CloneCloudStoreEmulator
from reconciler.emulators.emulator import Options
from reconciler.emulators.message import Reply
from reconciler.model.manifest import Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import Access, Capability, Connection, Provider
from reconciler.providers.clonecloudstore import TYPE
from reconciler.providers.clonecloudstore.config import CloneCloudStoreConfig, CloneCloudStoreOptions
from reconciler.testing.harness import WORKSPACE, Ability, Fault, Judgement, Mangling, Sent, Target, Variant
from tests.contract.harnesses.wire import COMMON_MANGLERS, EmulatedClock, EnvSecrets, Wire, WiredContext, hurried
from tests.contract.referee import Objection, Referee
from tests.lab.clonecloudstore import BYTES, CLIENT, DOCUMENT, PREFIX, judged, path_of

SITES = {"here": "site-a", "there": "site-b", "yonder": "site-c"}
LISTS, BUCKETS, RIGHTS, OBJECTS = "listTopologies", "listBuckets", "listOwnerships", "listObjects"
_OPERATIONS = {
    "POST /administration/topologies": "addTopology",
    "PUT /administration/topologies": "updateTopology",
    "POST /administration/ownerships": "addOwnership",
    "PUT /administration/ownerships": "updateOwnership",
    "DELETE /administration/ownerships": "deleteOwnership",
    "POST /replicator/remote/orders": "createOrder",
    "POST /replicator/remote/orders/multiple": "createOrders",
    "PUT /cloudclonestore/{bucket}": OBJECTS,
    "observe": LISTS,
    "health": OBJECTS,
    "list": OBJECTS,
}
_SETTLE_S = 10.0

Spec = dict[str, Any]

_STATUS_ONLY: Spec = {"verify": {"level": "status"}}
_ASKING: dict[Capability, Spec] = {
    Capability.PAUSE: {"state": "paused"},
    Capability.DELETES: {"deletes": "replicate"},
    Capability.STORAGE_CLASS: {"storageClass": "STANDARD_IA"},
    Capability.TAG_FILTER: {"filter": {"tags": {"class": "hot"}}},
    Capability.EXCLUDE_FILTER: {"filter": {"exclude": ["*.tmp"]}},
    Capability.SCHEDULE: {"schedule": {"every": "7d"}},
    Capability.RESYNC: {"existing": "copy"},
}
DIFFERENCES: tuple[tuple[str, Spec, Spec], ...] = (
    ("deletes", {"deletes": "keep"} | _STATUS_ONLY, {"deletes": "replicate"}),
    ("deletes", {"deletes": "replicate"}, {"deletes": "keep"} | _STATUS_ONLY),
    ("state", {"state": "active"}, {"state": "paused"}),
    ("state", {"state": "paused"}, {"state": "active"}),
    ("existing", {"existing": "ignore"}, {"existing": "copy"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the provider reaches the sites."""

    tls: bool = True
    internal: bool = False
    """With the accessor's internal API."""
    friends: bool = False
    """The sites know each other when it begins, with everything UP."""
    cache_s: int = 0
    """How long sites are said to believe their lists."""
    switches: Mapping[str, Any] = field(default_factory=dict)


class CloneCloudStoreHarness:
    """Three sites. `here` is under test; group 0 goes to `there`, group 1 to `yonder`."""

    abilities = frozenset({Ability.FAULTS, Ability.WIRE, Ability.SPEC, Ability.BREAK_DATA})

    def __init__(self, directory: Path, certificate: Certificate, way: Way = Way()) -> None:
        self.wire = Wire()
        self.clock = EmulatedClock(self.wire.clock)
        self.secrets = EnvSecrets()
        self.way = way
        self.certificate = certificate
        self.emulator = CloneCloudStoreEmulator(Options("ccs", "3-strangers"))
        self.emulator.start(
            WiredContext(
                clock=self.wire.clock, faults=self.wire.faults, log=self.wire.log, certificate=certificate,
                tls=certificate.server_context(), directory=directory, wire=self.wire,
            )
        )  # fmt: skip
        self.facts: Any = self.emulator.describe()
        self.docs = {name: self.doc(name) for name in SITES}
        self._referee = Referee(DOCUMENT, path_of)
        self._places = itertools.count(1)
        self._clients: dict[tuple[str, str], httpx.Client] = {}
        self.switch(order_lag_s=0, topology_cache_s=way.cache_s, **way.switches)
        if way.friends:
            self.emulator.act("introduce", {})

    def doc(self, name: str, **changes: Any) -> ProviderDoc:
        """The document of a site, under the harness' name for it."""
        urls = self.facts["sites"][SITES[name]]
        used = urls["https"] if self.way.tls else urls
        services = ("accessor", "replicator", "administration", *(("internal",) if self.way.internal else ()))
        config: Spec = {
            "site": SITES[name],
            "clientId": CLIENT,
            **{service: used[service] for service in services},
            "topologyUri": urls["replicator"],
            "topologyCache": f"{self.way.cache_s}s",
        }
        if self.way.tls:
            config["caFile"] = str(self.certificate.ca)
        spec = ProviderSpec(type="clonecloudstore", config=CloneCloudStoreConfig.model_validate(config | changes))
        return ProviderDoc(api_version="repl/v1", kind="Provider", metadata=Metadata(name=name), spec=spec)

    @property
    def secret_values(self) -> Sequence[str]:
        return self.secrets.values

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        doc = self.docs[provider or "here"]
        return TYPE.connect(
            Connection(
                doc=doc, secrets=self.secrets, access=access, base=Path("/"), workspace=WORKSPACE,
                siblings=tuple(one for one in self.docs.values() if one is not doc),
            )
        )  # fmt: skip

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        return self.made(name, bucket_name(name), ("there", "yonder")[group], spec)

    def made(self, name: str, bucket: str, there: str, spec: Spec, here: str = "here") -> Flow:
        """A flow of that bucket, which is made at the source where it can be."""
        given = {"state": "active"} | spec
        options = given.pop("clonecloudstore", None)
        given |= {
            "source": {"provider": here, "bucket": bucket}, "destination": {"provider": there, "bucket": bucket},
        }  # fmt: skip
        made = ReplicationSpec.model_validate(given)
        if options is not None:
            made = made.model_copy(update={"options": CloneCloudStoreOptions.model_validate(options)})
        self.bucket(bucket, site=SITES[here])
        return Flow(
            name=name,
            workspace=WORKSPACE,
            spec=made,
            labels={},
            source=self.docs[here],
            destination=self.docs[there],
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
        return self.made(name, text, "there", {})

    def nowhere(self) -> Location:
        return Location(provider="here", bucket="no-such-bucket-anywhere")

    # What others do

    def foreign(self, flow: Flow) -> str:
        """A bucket that somebody else has made at both sites, which know each other."""
        self.bucket("theirs")
        self.know("site-b", "site-a", "UNKNOWN")
        self.know("site-a", "site-b", "UP")
        self.bucket("theirs", site="site-b")
        return f"site-a->site-b/{CLIENT}/theirs"

    def tamper(self, flow: Flow) -> str:
        other = SITES[flow.destination.name]
        held = self.topology("site-a", other)
        assert held is not None
        self.put_topology("site-a", held | {"status": "DOWN" if held["status"] == "UP" else "UP"})
        return "state"

    def remove(self, flow: Flow) -> None:
        site, bucket = SITES[flow.destination.name], flow.spec.destination.bucket
        answer = self.client(site, "administration").delete(f"/administration/ownerships/{CLIENT}/{bucket}")
        assert answer.status_code == 204, answer

    def raw(self, flow: Flow, identity: str) -> bytes | None:
        way, client, bucket = identity.split("/")
        source, destination = way.split("->")
        held = {site: self.state(site) for site in (source, destination)}
        rows = [held[site]["buckets"].get(bucket) for site in (source, destination)]
        rights = [one for one in held[destination]["ownerships"] if (one["client"], one["bucket"]) == (client, bucket)]
        lists = [[one for one in held[site]["topologies"] if one["id"] in held] for site in held]
        return None if None in rows or not rights else json.dumps([rows, rights, lists], sort_keys=True).encode()

    def know(self, site: str, other: str, status: str) -> None:
        """Put another site into a site's list, unless it is there."""
        if self.topology(site, other) is None:
            uri = self.facts["sites"][other]["replicator"]
            entry = {"id": other, "name": other, "uri": uri, "status": status}
            answer = self.client(site, "administration").post("/administration/topologies", json=entry)
            assert answer.is_success, answer

    def topology(self, site: str, other: str) -> Spec | None:
        """A site as another one knows it."""
        return next((dict(one) for one in self.state(site)["topologies"] if one["id"] == other), None)

    def put_topology(self, site: str, entry: Spec) -> None:
        answer = self.client(site, "administration").put("/administration/topologies", json=entry)
        assert answer.is_success, answer

    # What the sites hold

    def state(self, site: str) -> Spec:
        found: Any = self.emulator.state()
        return dict(found["sites"][site])

    def right(self, site: str, bucket: str) -> str | None:
        """What the client may do with a bucket."""
        rows = self.state(site)["ownerships"]
        return next((one["ownership"] for one in rows if (one["client"], one["bucket"]) == (CLIENT, bucket)), None)

    def status(self, site: str, bucket: str, name: str) -> str | None:
        """Of an object's row; None without one."""
        rows = self.state(site)["buckets"].get(bucket, {"objects": {}})["objects"]
        return rows[name]["status"] if name in rows else None

    def content(self, site: str, bucket: str, name: str) -> bytes | None:
        """What a site's storage has."""
        return self.emulator.sites[site].storage.read((bucket, name))

    def ordered(self) -> list[Spec]:
        """Every order that has been carried out or lost, in order."""
        found: Any = self.emulator.state()
        return list(found["orders"]["done"])

    def bucket(self, name: str, site: str = "site-a", client: str = CLIENT) -> None:
        """Make a bucket, if it can be and is not there. Nobody else hears of it."""
        if name in self.state(site)["buckets"] or bucket_name(name) != name:
            return
        answer = self.client(site, "accessor", client).post(f"/cloudclonestore/{name}")
        assert answer.is_success, answer
        self.settle()
        self.emulator.act("expire-caches", {})

    def write(self, bucket: str, name: str, content: bytes = b"content", *, site: str = "site-a") -> None:
        """Store an object, as a client does."""
        answer = self.client(site, "accessor").post(f"/cloudclonestore/{bucket}/{name}", content=content, headers=BYTES)
        assert answer.status_code == 201, answer

    def delete(self, bucket: str, name: str, *, site: str = "site-a") -> None:
        answer = self.client(site, "accessor").delete(f"/cloudclonestore/{bucket}/{name}")
        assert answer.status_code == 204, answer

    def client(self, site: str, service: str, client: str = CLIENT) -> httpx.Client:
        """Somebody else's client of one service."""
        url = self.facts["sites"][site][service]
        if (url, client) not in self._clients:
            headers = {f"{PREFIX}client-id": client}
            self._clients[url, client] = httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30)
        return self._clients[url, client]

    def switch(self, **values: Any) -> None:
        self.emulator.switch(values)

    def settle(self) -> None:
        """Let all orders be carried out."""
        for _ in range(2):  # one may be on its way from one site to another
            self.eventually(lambda: self.emulator.state()["quiet"])  # type: ignore[index,call-overload]

    def eventually(self, check: Callable[[], Any]) -> Any:
        """Let time pass until something is so."""
        deadline = time.monotonic() + _SETTLE_S
        while not (found := check()):
            assert time.monotonic() < deadline, "it does not come about"
            self.wire.clock.advance(0.05)
            time.sleep(0.002)
        return found

    def strangers(self) -> None:
        """Bring all sites back to where no other site knows of them or has their buckets."""
        for site in self.emulator.sites.values():
            with site.database.lock:
                site.database.topologies.clear()
                if site.name != "site-a":
                    for bucket in list(site.database.buckets):
                        self.emulator.act("forget-row", {"site": site.name, "bucket": bucket})
                    site.database.rights.clear()
        self.emulator.act("expire-caches", {})

    # What the wire does

    def mark(self) -> None:
        self.wire.mark()

    def requests(self) -> Sequence[Sent]:
        return self.wire.requests("ccs")

    def fault(self, fault: Fault, on: Target) -> None:
        operation = _OPERATIONS[on.operation if isinstance(on, Call) else on]
        inside = self.way.internal and operation == OBJECTS
        self.wire.fault(fault, "ccs", "internalListObjects" if inside else operation)

    def mangle(self, mangling: Mangling) -> None:
        manglers = {Mangling.UNKNOWN_FIELDS: _with_unknown, Mangling.MISSING_FIELDS: _with_less, **COMMON_MANGLERS}
        for operation in (LISTS, BUCKETS, RIGHTS):
            self.wire.mangle(operation, manglers[mangling])

    def mend(self) -> None:
        self.wire.mend()

    def hurried(self) -> AbstractContextManager[None]:
        return hurried()

    def judged(self) -> Judgement | None:
        exchanges = [one for one in self.wire.recorder.exchanges if judged(one)]
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
        self.switch(fail_next_pulls=1_000_000)
        self.write(str(flow.spec.source.bucket), "lost")
        self.settle()

    # Objects

    def location(self) -> Location:
        bucket = f"objects-{next(self._places)}"
        self.bucket(bucket)
        return Location(provider="here", bucket=bucket)

    def write_in_parts(self, location: Location, key: str, parts: Sequence[bytes]) -> None:
        raise NotImplementedError

    def leftovers(self, location: Location) -> Sequence[str]:
        """A row stays for good when its object is deleted."""
        rows = self.state("site-a")["buckets"][location.bucket]["objects"]
        return [f"{name} {row['status']}" for name, row in rows.items() if row["status"] != "DELETED" or row["stored"]]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self.wire.clock.stop()
        self.emulator.stop()


def bucket_name(name: str) -> str:
    """A bucket for a flow's name: the same one where it can be."""
    plain = "".join(letter for letter in name if letter.isdigit() or letter.islower() or letter == "-")
    fits = plain == name and name.isascii() and 3 <= len(name) <= 63 and "--" not in name
    return name if fits else f"b{hashlib.sha256(name.encode()).hexdigest()[:20]}"


def _with_unknown(reply: Reply) -> Reply:
    content = json.loads(reply.body)
    for one in content:
        one["futureMember"] = {"deep": [1, None]}
    return Reply(reply.status, reply.headers, json.dumps(content).encode())


def _with_less(reply: Reply) -> Reply:
    content = json.loads(reply.body)
    for one in content:
        for name in ("expires", "creation", "site"):
            one.pop(name, None)
    return Reply(reply.status, reply.headers, json.dumps(content).encode())
