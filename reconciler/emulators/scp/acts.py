"""What no client of File Storage could do, or what somebody else does: acts of the control port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from reconciler.emulators.arguments import Arguments, content, text
from reconciler.emulators.message import JsonValue
from reconciler.emulators.scp import folder
from reconciler.emulators.scp.cloud import REGIONS
from reconciler.emulators.scp.records import PERIODS, Phase, Replication, Volume
from reconciler.emulators.server import Server

if TYPE_CHECKING:
    from reconciler.emulators.scp.emulator import ScpEmulator


def perform(emulator: ScpEmulator, action: str, arguments: Arguments) -> JsonValue:
    """ValueError for an act that is not there, or for arguments that it cannot work with."""
    known = ACTS.get(action)
    if known is None:
        raise ValueError(f"no act named {action}; there is {', '.join(sorted(ACTS))}")
    if action not in _OF_SERVERS:
        emulator.engine.settle()
        with emulator.cloud.lock:
            done = known(emulator, arguments)
        emulator.wake()
        return done
    return known(emulator, arguments)


def crash(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    for server in _servers(emulator, arguments):
        server.crash()
    return {}


def restart(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    for server in _servers(emulator, arguments):
        server.crash()
        server.start()
    return {}


def rotate_key(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    role = arguments.get("user", "owner")
    if not isinstance(role, str) or role not in emulator.roles or set(arguments) - {"user", "access_key", "secret_key"}:
        raise ValueError(f"user is one of {', '.join(emulator.roles)}; access_key and secret_key can be chosen")
    chosen = [text(arguments, name) if name in arguments else None for name in ("access_key", "secret_key")]
    emulator.set_key(role, *chosen)
    return emulator.credentials(role)


def replicate_now(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    """Every replication that is in use, or the one that is named."""
    if "replication_id" in arguments:
        chosen = [_replication(emulator, arguments)]
        if not chosen[0].transfers:
            raise ValueError("the replication is paused, or not in use yet, or no longer")
    else:
        chosen = [one for one in emulator.cloud.replications.values() if one.transfers]
    moved = {one.id: emulator.engine.transfer(one.id) for one in chosen}
    return {"moved": {key: {"files": files, "bytes": size} for key, (files, size) in moved.items()}}


def write(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    path = _path(emulator, arguments)
    data = content(arguments)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"size": len(data)}


def delete(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    folder.remove(_path(emulator, arguments))
    return {}


def create_volume(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    cloud, name, region = emulator.cloud, text(arguments, "name"), str(arguments.get("region", REGIONS[0]))
    if region not in REGIONS or cloud.taken(name, region):
        raise ValueError(f"region is one of {', '.join(REGIONS)}, and the name must be free there")
    protocol, kind = str(arguments.get("protocol", "NFS")), str(arguments.get("type_name", "HDD"))
    number = str(UUID(text(arguments, "id"))) if "id" in arguments else str(uuid4())
    if number in cloud.volumes:
        raise ValueError("there is a volume of this id")
    made = cloud.add(Volume(number, name, region, protocol, kind, cloud.clock.now()))
    return {"volume_id": made.id, "mount": str(cloud.mount(made.id))}


def set_replication(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    """Somebody in the console: takes hold at once."""
    one = _replication(emulator, arguments)
    frequency, policy = arguments.get("frequency", one.frequency), arguments.get("policy", one.policy)
    retention = arguments.get("retention", one.retention)
    if not isinstance(frequency, str) or frequency not in PERIODS or policy not in {"use", "paused"}:
        raise ValueError(f"frequency is one of {', '.join(PERIODS)}, policy use or paused")
    if isinstance(retention, bool) or not isinstance(retention, int | None):
        raise ValueError("retention is a whole number or null")  # noqa: TRY004  (one class for all bad input)
    emulator.cloud.replications[one.id] = replace(
        one,
        frequency=frequency,
        policy=str(policy),
        retention=retention,
        next=emulator.cloud.later(PERIODS[frequency]),
    )
    return {}


def fail_replication(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    one = _replication(emulator, arguments)
    emulator.cloud.ready(one.replica)
    emulator.cloud.replications[one.id] = replace(one, phase=Phase.ERROR, due=None)
    return {}


def repair_replication(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    """Out of an error, or out of a creation that never ends."""
    one = _replication(emulator, arguments)
    if one.phase not in {Phase.ERROR, Phase.CREATING}:
        raise ValueError("nothing is wrong with the replication")
    emulator.cloud.ready(one.replica)
    emulator.cloud.replications[one.id] = replace(
        one, phase=Phase.SETTLED, due=None, next=emulator.cloud.clock.monotonic()
    )
    return {}


def drop_replication(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    """Gone at once, from both regions; volumes and snapshots stay."""
    one = _replication(emulator, arguments)
    emulator.cloud.ready(one.replica)
    del emulator.cloud.replications[one.id]
    return {}


def drop_volume(emulator: ScpEmulator, arguments: Arguments) -> JsonValue:
    """Gone at once, with its files and snapshots."""
    volume = _volume(emulator, arguments)
    if emulator.cloud.in_use(volume) is not None:
        raise ValueError("a replication has the volume: drop that first")
    emulator.cloud.drop(volume.id)
    return {}


#: Name: what it does, with its arguments. ``volume`` is an id, or a name that only one volume has.
#:
#: =======================  ===================================================================================
#: ``crash``                close all hosts, or that of ``{"region"}``, as a dying process does
#: ``restart``              crash and come back on the same ports; everything is kept
#: ``rotate-key``           ``{"user"?: owner | reader, "access_key"?, "secret_key"?}``; answers both
#: ``replicate-now``        ``{"replication_id"?}``; answers what was moved
#: ``write``, ``delete``    ``{"volume", "path", "text" | "base64"}``, as a client of NFS or CIFS
#: ``create-volume``        ``{"name", "region"?, "protocol"?, "type_name"?, "id"?}``; answers its id and folder
#: ``set-replication``      ``{"replication_id", "frequency"?, "policy"?, "retention"?}``, as in the console
#: ``fail-replication``     ``{"replication_id"}``: its status becomes the word for an error
#: ``repair-replication``   ``{"replication_id"}``
#: ``drop-replication``     ``{"replication_id"}``
#: ``drop-volume``          ``{"volume"}``
#: =======================  ===================================================================================
ACTS: Final[Mapping[str, Callable[[ScpEmulator, Arguments], JsonValue]]] = {
    "crash": crash,
    "restart": restart,
    "rotate-key": rotate_key,
    "replicate-now": replicate_now,
    "write": write,
    "delete": delete,
    "create-volume": create_volume,
    "set-replication": set_replication,
    "fail-replication": fail_replication,
    "repair-replication": repair_replication,
    "drop-replication": drop_replication,
    "drop-volume": drop_volume,
}
# These end connections, whose handlers may be waiting for the lock.
_OF_SERVERS: Final = frozenset({"crash", "restart"})


def _servers(emulator: ScpEmulator, arguments: Arguments) -> list[Server]:
    region = arguments.get("region")
    if region is not None and region not in emulator.servers:
        raise ValueError(f"no region {region}; there is {', '.join(REGIONS)}")
    return [server for name, found in emulator.servers.items() if region in (None, name) for server in found.values()]


def _replication(emulator: ScpEmulator, arguments: Arguments) -> Replication:
    found = emulator.cloud.replications.get(text(arguments, "replication_id"))
    if found is None:
        raise ValueError("no such replication")
    return found


def _path(emulator: ScpEmulator, arguments: Arguments) -> Path:
    volume = _volume(emulator, arguments)
    return folder.inside(emulator.cloud.mount(volume.id), text(arguments, "path"))


def _volume(emulator: ScpEmulator, arguments: Arguments) -> Volume:
    wanted = text(arguments, "volume")
    found = [one for one in emulator.cloud.volumes.values() if wanted in {one.id, one.name}]
    if len(found) != 1:
        raise ValueError("no such volume" if not found else "several volumes have this name")
    return found[0]
