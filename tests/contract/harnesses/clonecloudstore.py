"""The conformance suite over emulated sites of CloneCloudStore: buckets of site-a that go to site-b and site-c."""

import hashlib
import itertools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clonecloudstore import CloneCloudStoreEmulator
from reconciler.emulators.emulator import Options
from reconciler.model.manifest import Location, ProviderDoc
from reconciler.model.relationship import Flow
from reconciler.providers.base import Capability
from reconciler.providers.clonecloudstore import TYPE
from reconciler.testing.harness import Ability, Target
from tests.contract.harnesses.emulated import ASKING, Differences, EmulatedHarness, Spec
from tests.contract.referee import Exchange, Referee
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
_STATUS_ONLY: Spec = {"verify": {"level": "status"}}
DIFFERENCES: Differences = (
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
    rights_s: int = 0
    """How long sites are said to believe what they have read of rights."""
    switches: Mapping[str, Any] = field(default_factory=dict)


class CloneCloudStoreHarness(EmulatedHarness):
    """Three sites. `here` is under test; group 0 goes to `there`, group 1 to `yonder`."""

    abilities = frozenset({Ability.FAULTS, Ability.WIRE, Ability.SPEC, Ability.BREAK_DATA})
    kind = TYPE
    subject = "here"
    asks = ASKING | {Capability.SCHEDULE: {"schedule": {"every": "7d"}}, Capability.RESYNC: {"existing": "copy"}}
    differences = DIFFERENCES
    operations = _OPERATIONS
    reads = (LISTS, BUCKETS, RIGHTS)
    emulator: CloneCloudStoreEmulator

    def __init__(self, directory: Path, certificate: Certificate, way: Way = Way()) -> None:
        super().__init__(certificate, Referee(DOCUMENT, path_of))
        self.way = way
        self.emulator = CloneCloudStoreEmulator(Options("ccs", "3-strangers"))
        self.start(self.emulator, directory)
        self.facts: Any = self.emulator.describe()
        for name in SITES:
            self.doc(name)
        self._places = itertools.count(1)
        self._others: dict[tuple[str, str], httpx.Client] = {}
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
            "ownershipCache": f"{self.way.rights_s}s",
        }
        if self.way.tls:
            config["caFile"] = str(self.certificate.ca)
        self.document(name, config | changes)
        return self.docs[name]

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        return self.made(name, bucket_name(name), ("there", "yonder")[group], spec)

    def made(self, name: str, bucket: str, there: str, spec: Spec, here: str = "here") -> Flow:
        """A flow of that bucket, which is made at the source where it can be."""
        given = {"state": "active"} | spec
        given |= {
            "source": {"provider": here, "bucket": bucket}, "destination": {"provider": there, "bucket": bucket},
        }  # fmt: skip
        self.bucket(bucket, site=SITES[here])
        return self.described(name, given)

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
        if (url, client) not in self._others:
            headers = {f"{PREFIX}client-id": client}
            made = httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30)
            self._others[url, client] = self.clients.enter_context(made)
        return self._others[url, client]

    def settle(self) -> None:
        """Let all orders be carried out."""
        for _ in range(2):  # one may be on its way from one site to another
            self.eventually(lambda: self.emulator.state()["quiet"])  # type: ignore[index,call-overload]

    def eventually(self, check: Callable[[], Any], step_s: float = 0.05) -> Any:
        return super().eventually(check, step_s)

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

    def operation(self, on: Target) -> str:
        found = super().operation(on)
        return "internalListObjects" if self.way.internal and found == OBJECTS else found

    def exchanges(self) -> Collection[Exchange]:
        return [one for one in self.wire.recorder.exchanges if judged(one)]

    def add_unknown(self, content: Any) -> None:
        for one in content:
            one["futureMember"] = {"deep": [1, None]}

    def leave_out(self, content: Any) -> None:
        for one in content:
            for name in ("expires", "creation", "site"):
                one.pop(name, None)

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


def bucket_name(name: str) -> str:
    """A bucket for a flow's name: the same one where it can be."""
    plain = "".join(letter for letter in name if letter.isdigit() or letter.islower() or letter == "-")
    fits = plain == name and name.isascii() and 3 <= len(name) <= 63 and "--" not in name
    return name if fits else f"b{hashlib.sha256(name.encode()).hexdigest()[:20]}"
