"""What both regions share: the account's volumes with their folders, snapshots, and replications."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4, uuid5

from reconciler.emulators.clock import Clock
from reconciler.emulators.scp import folder, moment
from reconciler.emulators.scp.records import Phase, Replication, Snapshot, Volume
from reconciler.emulators.scp.refusal import missing
from reconciler.emulators.scp.switches import ScpSwitches
from reconciler.emulators.switchboard import Board

REGIONS: Final = ("kr-west1", "kr-east1")
_SEED_SPACE: Final = UUID("0e0a3c6e-6f0e-4f3b-9f51-9a6a8a1d7a10")


def seed_id(*parts: str) -> str:
    """The same id for the same parts every time, so that a seeded world can be told apart from nothing else."""
    return str(uuid5(_SEED_SPACE, "/".join(parts)))


class Cloud:
    """The records of one account. ``lock`` guards all of them; whoever calls a method holds it.

    Every volume has a folder ``root/volumes/ID``, which a client of NFS or CIFS would mount, and a link to it
    ``root/REGION/NAME``, so that a mount point can be named before the volume is made.
    """

    def __init__(self, clock: Clock, board: Board[ScpSwitches], root: Path, account: str) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.account = account
        self.volumes: dict[str, Volume] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.replications: dict[str, Replication] = {}
        #: Virtual servers that access rules may name.
        self.servers = frozenset({seed_id(account, "server", number) for number in ("1", "2")})
        self._board = board
        self._root = root
        for path in (self.mounts, self.scratch, self._kept, *(root / region for region in REGIONS)):
            path.mkdir(parents=True, exist_ok=True)

    @property
    def settings(self) -> ScpSwitches:
        return self._board.now

    @property
    def mounts(self) -> Path:
        return self._root / "volumes"

    @property
    def shares(self) -> Path:
        return self._root

    @property
    def scratch(self) -> Path:
        return self._root / "scratch"

    @property
    def _kept(self) -> Path:
        return self._root / "snapshots"

    def mount(self, volume_id: str) -> Path:
        return self.mounts / volume_id

    # Volumes

    def volume(self, volume_id: str, region: str) -> Volume:
        """``Refusal`` (404) if the region has none of that id."""
        found = self.volumes.get(volume_id)
        if found is None or found.region != region:
            raise missing("Volume")
        return found

    def new_name(self, name: str) -> str:
        return f"{name}{uuid4().hex[:6]}" if self.settings.name_suffix else name

    def taken(self, name: str, region: str) -> bool:
        return any(one.name == name and one.region == region for one in self.volumes.values())

    def add(self, volume: Volume) -> Volume:
        self.mount(volume.id).mkdir(mode=0o755, exist_ok=True)
        self.volumes[volume.id] = volume
        if (share := self._share(volume)) is not None:
            share.unlink(missing_ok=True)
            share.symlink_to(self.mount(volume.id).absolute())
        return volume

    def ready(self, volume_id: str) -> None:
        """A replica is there, however its making has ended."""
        volume = self.volumes.get(volume_id)
        if volume is not None and volume.state == "creating" and volume.due is None:
            self.update(volume, state="available")

    def drop(self, volume_id: str) -> None:
        """A volume with its files and snapshots."""
        gone = self.volumes.pop(volume_id, None)
        share = None if gone is None else self._share(gone)
        if share is not None and share.is_symlink() and share.readlink().name == volume_id:
            share.unlink()
        for snapshot in list(self.snapshots_of(volume_id)):
            self.drop_snapshot(snapshot.id)
        folder.remove(self.mount(volume_id))

    def _share(self, volume: Volume) -> Path | None:
        """None for a name that is no file name; only acts of the control port make such ones."""
        named = volume.name not in {"", ".", ".."} and "/" not in volume.name and "\0" not in volume.name
        return self.shares / volume.region / volume.name if named and volume.region in REGIONS else None

    def purpose(self, volume: Volume) -> str:
        """``original`` and ``none`` have been seen live; the word for a replica has not."""
        for one in self.replications.values():
            if one.source == volume.id:
                return "original"
            if one.replica == volume.id and one.phase is not Phase.LEFT:
                return self.settings.replica_purpose if one.type == "replication" else one.type
        return "none"

    # Replications

    def pairs(self, volume_id: str) -> Iterator[Replication]:
        """Replications that the volume is an end of."""
        return (one for one in self.replications.values() if volume_id in {one.source, one.replica})

    def in_use(self, volume: Volume) -> Replication | None:
        """The replication that keeps a volume from being deleted."""
        for one in self.pairs(volume.id):
            if one.source == volume.id or one.phase is not Phase.LEFT:
                return one
        return None

    # Snapshots

    def snapshots_of(self, volume_id: str) -> Iterator[Snapshot]:
        return (one for one in self.snapshots.values() if one.volume == volume_id)

    def listable(self, snapshot: Snapshot) -> bool:
        """A replica tells of what its replication made only once that is gone."""
        owner = self.replications.get(snapshot.replication or "")
        return owner is None or owner.source == snapshot.volume or owner.phase is Phase.LEFT

    def take_snapshot(self, volume: Volume, name: str, at: datetime, owner: str | None, *, keep: bool) -> Snapshot:
        """``keep`` the files as they are now, for a volume to be made from them."""
        size = folder.usage(self.mount(volume.id))
        made = Snapshot(str(uuid4()), volume.id, name, at, size, owner, keep)
        if keep:
            folder.mirror(self.mount(volume.id), self._kept / made.id, self.scratch)
        self.snapshots[made.id] = made
        return made

    def drop_snapshot(self, snapshot_id: str) -> None:
        if self.snapshots.pop(snapshot_id).kept:
            folder.remove(self._kept / snapshot_id)

    def fill(self, volume: Volume, snapshot: Snapshot) -> None:
        folder.mirror(self._kept / snapshot.id, self.mount(volume.id), self.scratch)

    def user_snapshot(self, volume: Volume) -> Snapshot:
        now = self.clock.now()
        return self.take_snapshot(volume, f"{volume.name}.{moment.stamp(now)}", now, None, keep=True)

    # Time

    def period(self, one: Replication) -> float:
        """Seconds between two transfers."""
        return one.period * self.settings.minute_s / 60

    def later(self, seconds: float) -> float:
        return self.clock.monotonic() + seconds

    def update(self, volume: Volume, **changes: object) -> Volume:
        self.volumes[volume.id] = made = replace(volume, **changes)  # type: ignore[arg-type]
        return made

    def frozen(self) -> Cloud:
        """The records as they are now. Folders stay live."""
        with self.lock:
            taken = copy.copy(self)
            taken.volumes = dict(self.volumes)
            taken.snapshots = dict(self.snapshots)
            taken.replications = dict(self.replications)
        return taken
