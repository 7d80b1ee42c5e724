"""Records in the form of answers. Source: vendor API reference, and the models of its Go client 1.1."""

from __future__ import annotations

from reconciler.emulators.message import JsonValue
from reconciler.emulators.scp import folder, moment
from reconciler.emulators.scp.cloud import Cloud, seed_id
from reconciler.emulators.scp.records import Change, Phase, Replication, Snapshot, Volume
from reconciler.emulators.scp.switches import ScpSwitches


def volume(cloud: Cloud, one: Volume) -> dict[str, JsonValue]:
    """An item of a list."""
    return {
        "id": one.id,
        "name": one.name,
        "account_id": cloud.account,
        "created_at": moment.text(one.created),
        "protocol": one.protocol,
        "purpose": cloud.purpose(one),
        "state": one.state,
        "type_id": seed_id("type", one.type_name),
        "type_name": one.type_name,
    }


def volume_details(cloud: Cloud, one: Volume) -> dict[str, JsonValue]:
    return {
        **volume(cloud, one),
        "cifs_id": one.name if one.protocol == "CIFS" else None,
        "encryption_enabled": False,
        "endpoint_path": None,
        "file_unit_recovery_enabled": one.recovery,
        "path": f"198.51.100.7:/{one.name}" if one.protocol == "NFS" else f"\\\\198.51.100.7\\{one.name}",
        "usage": folder.usage(cloud.mount(one.id)),
    }


def snapshot(one: Snapshot) -> dict[str, JsonValue]:
    return {
        "id": one.id,
        "name": one.name,
        "created_at": moment.text(one.created),
        "size": one.size,
        "state": "available",
    }


def replication(one: Replication, settings: ScpSwitches) -> dict[str, JsonValue]:
    """An item of a list: no status, no policy, no retention, no name."""
    return {
        "replication_id": one.id,
        "replication_frequency": one.frequency,
        "replication_type": one.type,
        "source_volume_id": one.source,
        "source_volume_region": one.source_region,
        "source_volume_access_level": settings.source_access,
        "replication_volume_id": one.replica,
        "replication_volume_region": one.replica_region,
        "replication_volume_access_level": "ro",
    }


def replication_details(cloud: Cloud, one: Replication) -> dict[str, JsonValue]:
    creating = one.phase is Phase.CREATING
    names = {key: cloud.volumes[key].name for key in (one.source, one.replica) if key in cloud.volumes}
    return {
        **replication(one, cloud.settings),
        "source_volume_name": names.get(one.source, ""),
        "replication_volume_name": names.get(one.replica, ""),
        "replication_policy": cloud.settings.policy_while_creating if creating else one.policy,
        "replication_status": status(one, cloud.settings),
        "backup_retention_count": one.retention,
    }


def replication_changed(one: Replication, change: Change, settings: ScpSwitches) -> dict[str, JsonValue]:
    """The answer to a PUT: neither policy nor status."""
    shown = {**replication(one, settings), "backup_retention_count": one.retention}
    if settings.echo == "asked":
        shown["replication_frequency"] = change.frequency or one.frequency
        shown["backup_retention_count"] = one.retention if change.retention is None else change.retention
    return shown


def replication_created(one: Replication, protocol: str) -> dict[str, JsonValue]:
    return {
        "replication_id": one.id,
        "replication_status": "creating",
        "source_volume_id": one.source,
        "source_volume_region": one.source_region,
        "protocol": protocol,
        "replication_volume_id": one.replica,
        "replication_volume_region": one.replica_region,
    }


def status(one: Replication, settings: ScpSwitches) -> str:
    """Only ``creating`` is known, and ``error`` by an aside; every other word is a switch."""
    match one.phase:
        case Phase.CREATING:
            return "creating"
        case Phase.ERROR:
            return settings.error_status
        case Phase.DELETING | Phase.LEFT:
            return settings.deleting_status
    if one.changes and settings.busy_status is not None:
        return settings.busy_status
    if one.policy == "paused" and settings.paused_status is not None:
        return settings.paused_status
    return settings.settled_status
