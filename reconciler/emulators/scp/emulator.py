"""File Storage as part of a world: the hosts of two regions, over HTTP and HTTPS, for one account."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

from reconciler.emulators.emulator import Context, Options
from reconciler.emulators.message import JsonValue
from reconciler.emulators.scp import acts, folder, presentation
from reconciler.emulators.scp.cloud import REGIONS, Cloud
from reconciler.emulators.scp.engine import Engine
from reconciler.emulators.scp.identity import Key
from reconciler.emulators.scp.records import Replication, Volume
from reconciler.emulators.scp.seed import seed
from reconciler.emulators.scp.service import ScpService
from reconciler.emulators.scp.switches import ScpSwitches
from reconciler.emulators.server import Server
from reconciler.emulators.switchboard import Board


class ScpEmulator:
    """One account. Source of its behaviour: ``specs/scp/SOURCE.md``. Fixed ports: ``kr-west1-http``, ...

    Every volume is a real folder; a test mounts it by using the folder. Acts: see ``acts.ACTS``.
    """

    kind = "scp"

    def __init__(self, options: Options) -> None:
        if options.flavour is not None:
            raise ValueError(f"the SCP emulator has no flavours, and so not {options.flavour}")
        self.name = options.name
        self._options = options
        self._board = Board(ScpSwitches(), self.wake)
        self._cloud: Cloud | None = None
        self._engine: Engine | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._keys: dict[str, Key] = {}
        self.roles: dict[str, str] = {}
        self.servers: dict[str, dict[str, Server]] = {}

    @property
    def cloud(self) -> Cloud:
        if self._cloud is None:
            raise ValueError(f"{self.name} is not running")
        return self._cloud

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise ValueError(f"{self.name} is not running")
        return self._engine

    def start(self, context: Context) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=f"{self.name}-", dir=context.directory)
        account = _made_up(self.name, "account")[:32]
        self._cloud = cloud = Cloud(context.clock, self._board, Path(self._folder.name), account)
        self._engine = engine = Engine(cloud)
        for role in ("owner", "reader"):
            self.set_key(role, _made_up(self.name, role, "access")[:20], _made_up(self.name, role, "secret")[:40])
        if self._options.seed:
            seed(cloud)
        for region in REGIONS:
            gate = context.gate(self.name, ScpService(cloud, region, self._keys, engine.settle, engine.wake), region)
            self.servers[region] = {
                endpoint: context.serve(gate, tls=endpoint == "https", port=self._options.port(f"{region}-{endpoint}"))
                for endpoint in ("http", "https")
            }
        engine.start()

    def describe(self) -> dict[str, JsonValue]:
        """``regions`` with their URLs; ``access_key`` with ``secret_key`` may do everything, ``reader`` may look.

        ``mounts`` has the folder of each volume that is there now; that of any volume is ``mount_root``/ID, and
        ``share_root``/REGION/NAME leads to it.
        ``virtual_servers`` can be named in access rules.
        """
        with self.cloud.lock:
            return {
                "regions": {
                    region: {endpoint: server.url for endpoint, server in servers.items()}
                    for region, servers in self.servers.items()
                },
                **self.credentials("owner"),
                "account_id": self.cloud.account,
                "reader": self.credentials("reader"),
                "mount_root": str(self.cloud.mounts),
                "share_root": str(self.cloud.shares.absolute()),
                "mounts": {one: str(self.cloud.mount(one)) for one in self.cloud.volumes},
                "virtual_servers": sorted(self.cloud.servers),
            }

    def state(self) -> JsonValue:
        """``up`` by region; ``volumes`` by id with purpose, ``mount``, ``files`` (size and digest by path) and all
        ``snapshots``; ``replications`` by id as show has them, with ``phase``, ``next_transfer_s``, and what they
        have moved: ``transfers``, ``files``, ``bytes``.

        A CIFS password is told by ``cifs_password_sha256``.
        """
        self.engine.settle()
        with self.cloud.lock:
            return {
                "up": {region: all(one.running for one in found.values()) for region, found in self.servers.items()},
                "volumes": {one.id: self._volume(one) for one in self.cloud.volumes.values()},
                "replications": {one.id: self._replication(one) for one in self.cloud.replications.values()},
            }

    def switches(self) -> dict[str, JsonValue]:
        return self._board.describe()

    def switch(self, values: Mapping[str, JsonValue]) -> None:
        self._board.set(values)

    def act(self, action: str, arguments: Mapping[str, JsonValue]) -> JsonValue:
        return acts.perform(self, action, arguments)

    def wake(self) -> None:
        if self._engine is not None:
            self._engine.wake()

    def stop(self) -> None:
        for servers in self.servers.values():
            for server in servers.values():
                server.stop()
        if self._engine is not None:
            self._engine.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def credentials(self, role: str) -> dict[str, JsonValue]:
        key = self._keys[self.roles[role]]
        return {"access_key": key.access_key, "secret_key": key.secret_key}

    def set_key(self, role: str, access_key: str | None = None, secret_key: str | None = None) -> None:
        """Give a role this key, in place of the one that it had. ValueError if somebody else has it."""
        old = self.roles.get(role)
        chosen = access_key or old or uuid.uuid4().hex
        if any(taken == chosen for other, taken in self.roles.items() if other != role):
            raise ValueError("another user has this access key")
        made = Key(chosen, secret_key or uuid.uuid4().hex, self.cloud.account, read_only=role == "reader")
        if old is not None:
            del self._keys[old]
        self._keys[chosen] = made
        self.roles[role] = chosen

    def _volume(self, one: Volume) -> JsonValue:
        cloud = self.cloud
        digest = None if one.password is None else hashlib.sha256(one.password.encode()).hexdigest()
        mount = cloud.mount(one.id)
        return {
            **presentation.volume(cloud, one),
            "region": one.region,
            "mount": str(mount),
            "cifs_password_sha256": digest,
            "files": {path: {"size": size, "sha256": sha256} for path, size, sha256 in folder.contents(mount)},
            "snapshots": [
                {
                    **presentation.snapshot(found),
                    "system": found.replication is not None,
                    "listed": cloud.listable(found),
                }
                for found in cloud.snapshots_of(one.id)
            ],
        }

    def _replication(self, one: Replication) -> JsonValue:
        wait = None if one.next is None or not one.transfers else one.next - self.cloud.clock.monotonic()
        return {
            **presentation.replication_details(self.cloud, one),
            "phase": one.phase.value,
            "next_transfer_s": wait,
            "transfers": one.tally.transfers,
            "files": one.tally.files,
            "bytes": one.tally.bytes,
        }


def _made_up(*parts: str) -> str:
    """The same for the same account every time, another for any other; it opens emulators alone."""
    return hashlib.sha256("/".join(("emulated", "scp", *parts)).encode()).hexdigest()
