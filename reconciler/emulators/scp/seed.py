"""Data for an account that should not start empty: volumes with files, and somebody else's replication."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.emulators.scp.cloud import Cloud, seed_id
from reconciler.emulators.scp.records import Phase, Replication, Volume

#: Region, protocol and type of each volume. Its id is ``seed_id(region, name)``.
VOLUMES: Final[Mapping[str, tuple[str, str, str]]] = {
    "projects": ("kr-west1", "NFS", "HDD"),
    "finance": ("kr-west1", "CIFS", "SSD"),
    "ledger": ("kr-west1", "NFS", "HDD"),
    "ledger_dr": ("kr-east1", "NFS", "HDD"),
    "media": ("kr-east1", "NFS", "SSD"),
}

#: What is in them at first, by volume and path.
FILES: Final[Mapping[str, Mapping[str, bytes]]] = {
    "projects": {
        "README.txt": b"Projects of the year.\n",
        "apollo/plan.csv": b"step,day\nlaunch,1\nlanding,5\n",
        "apollo/frames/0001.raw": bytes(range(256)) * 64,
        "voyager/notes.txt": b"Keep going.\n",
    },
    "finance": {"2026/q1.csv": b"month,total\n1,100\n2,120\n3,90\n", "2026/q2.csv": b"month,total\n4,80\n"},
    "ledger": {"entries/0001.json": b'{"amount": 12}\n', "entries/0002.json": b'{"amount": 7}\n'},
    "media": {f"clips/{number:02}.bin": bytes([number]) * 2048 for number in range(1, 5)},
}

CIFS_PASSWORD: Final = "made-Up-1!"  # noqa: S105  (opens nothing)
FOREIGN_REPLICATION: Final = seed_id("replication", "ledger")


def volume_id(name: str) -> str:
    """The id of a seeded volume."""
    return seed_id(VOLUMES[name][0], name)


def seed(cloud: Cloud) -> None:
    """Make the volumes, then the replication that somebody made in the console; its first transfer is due at once."""
    now = cloud.clock.now()
    for name, (region, protocol, type_name) in VOLUMES.items():
        password = CIFS_PASSWORD if protocol == "CIFS" else None
        cloud.add(Volume(volume_id(name), name, region, protocol, type_name, now, password=password))
        for path, data in FILES.get(name, {}).items():
            goal = cloud.mount(volume_id(name)) / path
            goal.parent.mkdir(parents=True, exist_ok=True)
            goal.write_bytes(data)
    cloud.replications[FOREIGN_REPLICATION] = Replication(
        id=FOREIGN_REPLICATION,
        type="replication",
        source=volume_id("ledger"),
        source_region="kr-west1",
        replica=volume_id("ledger_dr"),
        replica_region="kr-east1",
        frequency="daily",
        retention=None,
        created=now,
        phase=Phase.SETTLED,
        next=cloud.clock.monotonic(),
    )
