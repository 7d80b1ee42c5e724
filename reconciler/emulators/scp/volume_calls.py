"""Volumes, and who may mount them. Source: vendor API description; what is refused while replicated: seen live."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from reconciler.emulators.message import JsonValue, Reply
from reconciler.emulators.scp import presentation
from reconciler.emulators.scp.body import AccessRuleSet, VolumeCreate, VolumeSet, VolumesQuery, read_body, read_query
from reconciler.emulators.scp.call import Call, Route
from reconciler.emulators.scp.cloud import Cloud
from reconciler.emulators.scp.records import Phase, Rule, Snapshot, Volume
from reconciler.emulators.scp.refusal import Refusal, missing, wrong_purpose

_IN_USE: Final = (
    "Cannot delete volume because replication is in use. Delete Replication Policy. "
    "-Replication Policy : paused > delete"
)
#: Kinds of objects that a rule may name, and what the service in charge says of one that is not there. Live: VM.
_OWNERS: Final = {
    "VM": "VirtualServer.VirtualServerNotFound",
    "BM": "BareMetalServer.BareMetalServerNotFound",
    "GPU": "GpuServer.GpuServerNotFound",
    "GPU_NODE": "MultiNodeGpuCluster.NodeNotFound",
    "ENDPOINT": "Vpc.EndpointNotFound",
}


def list_volumes(call: Call) -> Reply:
    query = read_query(call.request, VolumesQuery)
    found = [one for one in call.cloud.volumes.values() if one.region == call.region and _selected(call, one, query)]
    key, _, order = (query.sort or "created_at:desc").partition(":")
    found.sort(key=lambda one: (one.name if key == "name" else one.created, one.id), reverse=order == "desc")
    limit = query.limit if call.request.page_size is None else min(query.limit, call.request.page_size)
    page: list[JsonValue] = [presentation.volume(call.cloud, one) for one in found[query.offset : query.offset + limit]]
    count = len(found) if call.settings.count == "total" else len(page)
    return Reply.of_json(200, {"count": count, "filestorages": page})


def create_volume(call: Call) -> Reply:
    sent, cloud = read_body(call.request, VolumeCreate), call.cloud
    if sent.protocol == "CIFS" and sent.cifs_password is None:
        raise Refusal(400, "Check the CIFS password", "filestorage.BadRequest.Invalid.cifs.password")
    origin = None if sent.snapshot_id is None else _origin(call, sent.snapshot_id)
    if not call.settings.name_suffix and cloud.taken(sent.name, call.region):
        raise Refusal(400, "The volume name is already in use.", "filestorage.BadRequest.Duplicate.volume.name")
    wait = call.settings.volume_create_s
    made = cloud.add(
        Volume(
            id=str(uuid4()),
            name=cloud.new_name(sent.name),
            region=call.region,
            protocol=sent.protocol,
            type_name=sent.type_name,
            created=cloud.clock.now(),
            state="creating" if wait else "available",
            due=cloud.later(wait) if wait else None,
            password=sent.cifs_password,
        )
    )
    if origin is not None:
        cloud.fill(made, origin)
    return Reply.of_json(
        202,
        {
            "volume_id": made.id,
            "volume_name": made.name,
            "protocol": made.protocol,
            "type_name": made.type_name,
            "snapshot_id": sent.snapshot_id,
        },
    )


def show_volume(call: Call) -> Reply:
    return Reply.of_json(200, presentation.volume_details(call.cloud, _volume(call)))


def set_volume(call: Call) -> Reply:
    sent = read_body(call.request, VolumeSet)
    call.cloud.update(_volume(call), recovery=sent.file_unit_recovery_enabled)
    return Reply(202)


def delete_volume(call: Call) -> Reply:
    volume, cloud = _volume(call), call.cloud
    _release(call, volume)
    blocking = call.settings.blocking_snapshots
    held = [one for one in cloud.snapshots_of(volume.id) if blocking == "all" or one.replication is not None]
    if blocking != "none" and held:
        raise Refusal(
            400, "Cannot delete volume because it has snapshots.", "filestorage.BadRequest.Volume.has.snapshot"
        )
    if volume.state != "available":
        raise Refusal(400, "Check the volume state", "filestorage.BadRequest.Invalid.volume.state")
    cloud.update(volume, state="deleting", due=cloud.later(call.settings.volume_delete_s))
    return Reply(202)


def list_access_rules(call: Call) -> Reply:
    volume = _volume(call)
    rules: list[JsonValue] = [
        {"object_id": one.object_id, "object_type": one.object_type, "access_rule_state": "active"}
        for one in volume.rules
    ]
    return Reply.of_json(200, {"volume_id": volume.id, "count": len(rules), "access_rules": rules})


def set_access_rule(call: Call) -> Reply:
    """One rule more or less; a rule that is there already, or not there, changes nothing."""
    sent, volume = read_body(call.request, AccessRuleSet), _volume(call)
    rule = Rule(sent.object_type, sent.object_id)
    if sent.action == "add" and (sent.object_type != "VM" or sent.object_id not in call.cloud.servers):
        raise Refusal(404, "The object of the access rule could not be found.", _OWNERS[sent.object_type])
    others = tuple(one for one in volume.rules if one != rule)
    call.cloud.update(volume, rules=(*others, rule) if sent.action == "add" else others)
    answer: JsonValue = {
        "volume_id": volume.id,
        "action": sent.action,
        "object_id": sent.object_id,
        "object_type": sent.object_type,
    }
    return Reply.of_json(202, answer)


def _volume(call: Call) -> Volume:
    return call.cloud.volume(call.parts["volume_id"], call.region)


def _selected(call: Call, one: Volume, query: VolumesQuery) -> bool:
    if query.type_name not in (None, one.type_name):
        return False
    if query.name is None:
        return True
    return query.name == one.name if call.settings.name_filter == "exact" else query.name in one.name


def _origin(call: Call, snapshot_id: str) -> Snapshot:
    found = call.cloud.snapshots.get(snapshot_id)
    if found is None or not found.kept or call.cloud.volumes[found.volume].region != call.region:
        raise missing("Snapshot")
    return found


def _release(call: Call, volume: Volume) -> None:
    """Refuse what is in use; a backup may go with its volume."""
    holder = call.cloud.in_use(volume)
    if holder is None:
        return
    backup = holder.type == "backup" and volume.id == holder.replica and call.settings.backup_delete != "replication"
    if not backup or holder.phase in {Phase.CREATING, Phase.DELETING}:
        raise wrong_purpose(_IN_USE)
    _forget(call.cloud, holder.id)


def _forget(cloud: Cloud, replication_id: str) -> None:
    gone = cloud.replications.pop(replication_id)
    for snapshot in list(cloud.snapshots_of(gone.replica)):
        cloud.drop_snapshot(snapshot.id)


_AT = "/v1/volumes"

ROUTES: Final = (
    Route("GET", _AT, "listVolumes", "ListVolumes", "List", list_volumes),
    Route("POST", _AT, "createVolume", "CreateVolume", "Create", create_volume),
    Route("GET", f"{_AT}/{{volume_id}}", "showVolume", "ShowVolume", "Read", show_volume),
    Route("PUT", f"{_AT}/{{volume_id}}", "setVolume", "SetVolume", "Update", set_volume),
    Route("DELETE", f"{_AT}/{{volume_id}}", "deleteVolume", "DeleteVolume", "Delete", delete_volume),
    Route(
        "GET",
        f"{_AT}/{{volume_id}}/access-rules",
        "listAccessRules",
        "ListVolumeAccessRules",
        "List",
        list_access_rules,
    ),
    Route(
        "PUT", f"{_AT}/{{volume_id}}/access-rules", "setAccessRule", "SetVolumeAccessRule", "Update", set_access_rule
    ),
)
