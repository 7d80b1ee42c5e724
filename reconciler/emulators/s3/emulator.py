"""S3 worlds: one account on AWS, or two Ceph RGW zones that replicate to each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from reconciler.emulators.emulator import Context, Options
from reconciler.emulators.message import JsonValue, Request
from reconciler.emulators.s3.aws import AwsReplication, Resource
from reconciler.emulators.s3.errors import S3Error
from reconciler.emulators.s3.rgw import RgwReplication, SyncPolicies
from reconciler.emulators.s3.rules import Rule
from reconciler.emulators.s3.seed import seed
from reconciler.emulators.s3.service import S3Service
from reconciler.emulators.s3.store import Store
from reconciler.emulators.s3.switches import AwsSwitches, RgwSwitches, Switches
from reconciler.emulators.s3.worker import Behaviour, Worker
from reconciler.emulators.server import Server
from reconciler.emulators.switchboard import Board

ACCOUNT = "111122223333"
ACCESS_KEY = "AKIAEMULATEDEXAMPLE1"
SECRET_KEY = "emulated/secret/key/that/opens/nothing+1"  # noqa: S105  (made up, opens this emulator alone)
REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/replication"

T = TypeVar("T", bound=Switches)


@dataclass(slots=True)
class _Zone:
    """One object store with its endpoints."""

    name: str
    store: Store
    servers: dict[str, Server] = field(default_factory=dict)

    @property
    def up(self) -> bool:
        return all(server.running for server in self.servers.values())

    def urls(self) -> dict[str, JsonValue]:
        return {endpoint: server.url for endpoint, server in self.servers.items()}

    def crash(self) -> None:
        for server in self.servers.values():
            server.crash()

    def start(self) -> None:
        for server in self.servers.values():
            server.start()

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()


class _S3(ABC, Generic[T]):
    """What both flavours share: zones behind endpoints, and a worker between them."""

    kind = "s3"
    flavour = ""

    def __init__(self, options: Options, board: Board[T], zones: tuple[str, ...]) -> None:
        self.name = options.name
        self._options = options
        self._board = board
        self._zones = {name: _Zone(name, Store(ACCOUNT)) for name in zones}
        self._worker: Worker | None = None

    def start(self, context: Context) -> None:
        worker = Worker(
            context.clock,
            self._behaviour(),
            settings=lambda: self._board.now,
            rules=self._rules,
            held=lambda: not all(zone.up for zone in self._zones.values()),
        )
        self._worker = worker
        if self._options.seed:
            for zone in self._zones.values():
                seed(zone.store, versioned=self._behaviour().versioned)
        for zone in self._zones.values():
            part = zone.name if len(self._zones) > 1 else ""
            gate = context.gate(self.name, self._service(zone, worker), part)
            for endpoint, tls in (("http", False), ("https", True)):
                port = self._options.port(self._endpoint(zone, endpoint))
                zone.servers[endpoint] = context.serve(gate, tls=tls, port=port)
        worker.start()

    def describe(self) -> dict[str, JsonValue]:
        first, *_ = self._zones.values()
        described: dict[str, JsonValue] = {
            "flavour": self.flavour,
            **first.urls(),
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "region": REGION,
            "account": ACCOUNT,
            "role": ROLE,
        }
        if len(self._zones) > 1:
            described["zones"] = {name: zone.urls() for name, zone in self._zones.items()}
        return described

    def state(self) -> JsonValue:
        return {
            "zones": {
                name: {"up": zone.up, "buckets": self._buckets(zone.store)} for name, zone in self._zones.items()
            },
            "replication": self._worker.describe() if self._worker else {},
        }

    def switches(self) -> dict[str, JsonValue]:
        return self._board.describe()

    def switch(self, values: Mapping[str, JsonValue]) -> None:
        self._board.set(values)
        if self._worker is not None:
            self._worker.wake()

    def act(self, action: str, arguments: Mapping[str, JsonValue]) -> JsonValue:
        """``crash`` and ``restart``, of all zones or of ``{"zone": NAME}``."""
        if action not in {"crash", "restart"} or set(arguments) - {"zone"}:
            raise ValueError("an S3 world can crash and restart, of which a zone may be named")
        wanted = arguments.get("zone")
        if wanted is not None and wanted not in self._zones:
            raise ValueError(f"no zone {wanted}; there is {', '.join(self._zones)}")
        for name, zone in self._zones.items():
            if wanted in (None, name):
                zone.crash()
                if action == "restart":
                    zone.start()
        if self._worker is not None:
            self._worker.wake()
        return {name: zone.up for name, zone in self._zones.items()}

    def stop(self) -> None:
        for zone in self._zones.values():
            zone.stop()
        if self._worker is not None:
            self._worker.join()
        for zone in self._zones.values():
            zone.store.close()

    @abstractmethod
    def _behaviour(self) -> Behaviour:
        """What the flavour does beyond the store."""

    @abstractmethod
    def _resource(self, zone: _Zone) -> Resource:
        """The `?replication` of a zone."""

    @abstractmethod
    def _rules(self, bucket: str) -> tuple[Rule, ...]:
        """The rules by which the worker copies."""

    def _mirror(self, zone: _Zone, request: Request, region: str) -> None:
        """A bucket was changed in a zone. One account has nothing to tell to anybody."""

    def _service(self, zone: _Zone, worker: Worker) -> S3Service:
        return S3Service(
            store=zone.store,
            resource=self._resource(zone),
            keys={ACCESS_KEY: SECRET_KEY},
            settings=lambda: self._board.now,
            observer=worker.observe,
            mirrored=lambda request, region: self._mirror(zone, request, region),
        )

    def _endpoint(self, zone: _Zone, endpoint: str) -> str:
        return endpoint if len(self._zones) == 1 else f"{zone.name}-{endpoint}"

    def _buckets(self, store: Store) -> dict[str, JsonValue]:
        with store.lock:
            return {bucket.name: self._bucket(bucket) for bucket in store.buckets()}

    def _bucket(self, bucket: Any) -> JsonValue:
        return {
            "region": bucket.region_name,
            "versioning": bucket.versioning_status or "",
            "keys": len(bucket.keys),
            "rules": [rule.id for rule in self._rules(bucket.name)],
        }


class AwsEmulator(_S3[AwsSwitches]):
    """One account with buckets in any region."""

    flavour = "aws"

    def __init__(self, options: Options) -> None:
        super().__init__(options, Board(AwsSwitches()), ("aws",))
        self._store = self._zones["aws"].store
        self._replication = AwsReplication(self._store, self._board)

    def _behaviour(self) -> Behaviour:
        return Behaviour(
            versioned=True,
            statuses=True,
            all_deletes=False,
            resolve=lambda store, _bucket, rule: (store, rule.destination),
        )

    def _resource(self, zone: _Zone) -> Resource:  # noqa: ARG002
        return self._replication

    def _rules(self, bucket: str) -> tuple[Rule, ...]:
        return self._replication.rules(bucket)


class RgwEmulator(_S3[RgwSwitches]):
    """Zones z1 and z2 of one zone group: the same buckets in both, the objects in each its own."""

    flavour = "rgw"

    def __init__(self, options: Options) -> None:
        super().__init__(options, Board(RgwSwitches()), ("z1", "z2"))
        self._policies = SyncPolicies()
        self._shared = RgwReplication(self._policies, self._board, crash=lambda: None)
        self._other = {id(self._zones["z1"].store): self._zones["z2"], id(self._zones["z2"].store): self._zones["z1"]}

    def _behaviour(self) -> Behaviour:
        return Behaviour(versioned=False, statuses=False, all_deletes=True, resolve=self._resolve)

    def _resolve(self, store: Store, bucket: str, rule: Rule) -> tuple[Store, str]:  # noqa: ARG002
        # The rule's destination is not looked at: objects land in the bucket of the same name.
        return self._other[id(store)].store, bucket

    def _resource(self, zone: _Zone) -> Resource:
        return RgwReplication(self._policies, self._board, crash=zone.crash)

    def _rules(self, bucket: str) -> tuple[Rule, ...]:
        return self._shared.rules(bucket)

    def _mirror(self, zone: _Zone, request: Request, region: str) -> None:
        # Buckets are metadata, which all zones share; the sync policies are shared already.
        if "replication" in request.params:
            return
        other = self._other[id(zone.store)]
        try:
            other.store.answer(request, region)
        except S3Error:
            return


FLAVOURS: dict[str, type[AwsEmulator | RgwEmulator]] = {"aws": AwsEmulator, "rgw": RgwEmulator}


def build(options: Options) -> AwsEmulator | RgwEmulator:
    """An S3 world of the flavour asked for; aws if none is. ValueError for an unknown flavour."""
    flavour = options.flavour or "aws"
    if flavour not in FLAVOURS:
        raise ValueError(f"no S3 flavour {flavour}; there is {', '.join(FLAVOURS)}")
    return FLAVOURS[flavour](options)
