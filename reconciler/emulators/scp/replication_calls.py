"""Volume replications. Source: vendor API reference 1.1; where a call must go, and what is refused: seen live."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import uuid4

from reconciler.emulators.message import JsonValue, Reply
from reconciler.emulators.scp import presentation
from reconciler.emulators.scp.body import (
    OfVolume,
    RegionsQuery,
    ReplicationCreate,
    ReplicationUpdate,
    read_body,
    read_both,
    read_query,
)
from reconciler.emulators.scp.call import Call, Route
from reconciler.emulators.scp.cloud import REGIONS
from reconciler.emulators.scp.records import Change, Phase, Replication, Volume
from reconciler.emulators.scp.refusal import Refusal, invalid, missing, wrong_purpose

_UNAVAILABLE: Final = "Replication is not available."


def list_replications(call: Call) -> Reply:
    wanted = read_query(call.request, OfVolume).volume_id
    if not _known(call, wanted):
        if call.settings.unknown_volume == "404":
            raise missing("Volume")
        found: list[Replication] = []
    else:
        found = [one for one in call.cloud.pairs(wanted) if _seen(one, call.region)]
    shown: list[JsonValue] = [presentation.replication(one, call.settings) for one in found]
    shown = shown[: call.request.page_size] if call.request.page_size is not None else shown
    return Reply.of_json(200, {"count": len(found), "replications": shown})


def list_regions(call: Call) -> Reply:
    query = read_query(call.request, RegionsQuery)
    if query.source_region_name not in REGIONS:
        raise missing("Region")
    return Reply.of_json(200, {"regions": [region for region in REGIONS if region != query.source_region_name]})


def show_replication(call: Call) -> Reply:
    volume_id = read_query(call.request, OfVolume).volume_id
    one = _find(call, volume_id)
    if not _known(call, volume_id):
        raise missing("Replication")
    return Reply.of_json(200, presentation.replication_details(call.cloud, one))


def create_replication(call: Call) -> Reply:
    sent = read_body(call.request, ReplicationCreate)
    source = call.cloud.volume(sent.volume_id, call.region)
    _check_ends(call, source, sent)
    cloud, now = call.cloud, call.cloud.clock.now()
    replica = Volume(
        id=str(uuid4()),
        name=cloud.new_name(sent.name),
        region=sent.region,
        protocol=source.protocol,
        type_name=source.type_name,
        created=now,
        state="creating",
        password=sent.cifs_password if source.protocol == "CIFS" else None,
    )
    stuck = call.settings.create_outcome == "stuck"
    made = Replication(
        id=str(uuid4()),
        type=sent.replication_type,
        source=source.id,
        source_region=source.region,
        replica=cloud.add(replica).id,
        replica_region=replica.region,
        frequency=sent.replication_frequency,
        retention=sent.backup_retention_count,
        created=now,
        due=None if stuck else cloud.later(call.settings.create_s),
    )
    cloud.replications[made.id] = made
    return Reply.of_json(202, presentation.replication_created(made, source.protocol))


def set_replication(call: Call) -> Reply:
    query, sent = read_both(call.request, OfVolume, ReplicationUpdate)
    one = _from_replica(call, query.volume_id)
    due = call.cloud.later(call.settings.change_s)
    if sent.replication_update_type == "policy":
        if sent.replication_policy is None:
            raise invalid(["Field required"])
        change = Change(due, policy=sent.replication_policy)
    else:
        if sent.replication_frequency is None and sent.backup_retention_count is None:
            raise invalid(["Field required"])
        if call.settings.schedule_needs_use and one.policy != "use":
            raise Refusal(400, "Check the replication policy", "filestorage.BadRequest.Invalid.replication.policy")
        change = Change(due, frequency=sent.replication_frequency, retention=sent.backup_retention_count)
    call.cloud.replications[one.id] = replace(one, changes=(*one.changes, change))
    if call.settings.write_status == 200:
        return Reply(200)
    return Reply.of_json(202, presentation.replication_changed(one, change, call.settings))


def delete_replication(call: Call) -> Reply:
    one = _from_replica(call, read_query(call.request, OfVolume).volume_id)
    if one.type == "backup" and call.settings.backup_delete == "volume":
        raise wrong_purpose()
    if one.policy != "paused":
        raise Refusal(
            400,
            "Check the replication policy. -Replication Policy : paused > delete",
            "filestorage.BadRequest.Invalid.replication.policy",
        )
    call.cloud.replications[one.id] = replace(
        one, phase=Phase.DELETING, due=call.cloud.later(call.settings.delete_s), changes=()
    )
    return Reply(call.settings.write_status)


def _check_ends(call: Call, source: Volume, sent: ReplicationCreate) -> None:
    if sent.region == call.region or sent.region not in REGIONS or source.type_name == "HighPerformanceSSD":
        raise Refusal(400, _UNAVAILABLE, "filestorage.BadRequest.Replication.not.available")
    if source.state != "available":
        raise Refusal(400, "Check the volume state", "filestorage.BadRequest.Invalid.volume.state")
    pairs = list(call.cloud.pairs(source.id))
    if any(one.replica == source.id and one.phase is not Phase.LEFT for one in pairs):
        raise wrong_purpose()
    if source.protocol == "CIFS" and sent.cifs_password is None:
        raise Refusal(400, "Check the CIFS password", "filestorage.BadRequest.Invalid.cifs.password")
    most = call.settings.replications_per_volume
    if most is not None and sum(one.source == source.id for one in pairs) >= most:
        raise Refusal(409, "The volume is already replicated.", "filestorage.Conflict.Replication.exists")
    if not call.settings.name_suffix and call.cloud.taken(sent.name, sent.region):
        raise Refusal(409, "The volume name is already in use.", "filestorage.Conflict.Volume.name")


def _known(call: Call, volume_id: str) -> bool:
    """Whether the host answers for the volume at all."""
    volume = call.cloud.volumes.get(volume_id)
    return volume is not None and (call.settings.either_id or volume.region == call.region)


def _seen(one: Replication, region: str) -> bool:
    return one.phase is not Phase.LEFT or region == one.source_region


def _find(call: Call, volume_id: str) -> Replication:
    one = call.cloud.replications.get(call.parts["replication_id"])
    if one is None or volume_id not in {one.source, one.replica} or not _seen(one, call.region):
        raise missing("Replication")
    return one


def _from_replica(call: Call, volume_id: str) -> Replication:
    """The replication, if it can be changed from here now."""
    one = _find(call, volume_id)
    if call.region != one.replica_region or volume_id != one.replica:
        raise wrong_purpose()
    if one.phase is Phase.CREATING or one.phase is Phase.DELETING:
        raise Refusal(409, f"The replication is {one.phase}.", "filestorage.Conflict.Replication.state")
    return one


_AT = "/v1/replications"

ROUTES: Final = (
    Route("GET", _AT, "listVolumeReplications", "ListVolumeReplications", "List", list_replications),
    Route("POST", _AT, "createVolumeReplication", "CreateVolumeReplication", "Create", create_replication),
    Route("GET", f"{_AT}/regions", "listVolumeReplicationRegion", "ListVolumeReplicationRegions", "List", list_regions),
    Route(
        "GET", f"{_AT}/{{replication_id}}", "ShowVolumeReplication", "ShowVolumeReplication", "Read", show_replication
    ),
    Route(
        "PUT", f"{_AT}/{{replication_id}}", "setVolumeReplication", "SetVolumeReplication", "Update", set_replication
    ),
    Route(
        "DELETE",
        f"{_AT}/{{replication_id}}",
        "deleteVolumeReplication",
        "DeleteVolumeReplication",
        "Update",
        delete_replication,
    ),
)
