"""Snapshots of volumes. Source: vendor API description; those that replications make: seen live."""

from __future__ import annotations

from typing import Final

from reconciler.emulators.message import JsonValue, Reply
from reconciler.emulators.scp import presentation
from reconciler.emulators.scp.body import OfVolume, read_body, read_query
from reconciler.emulators.scp.call import Call, Route
from reconciler.emulators.scp.refusal import Refusal, missing


def list_snapshots(call: Call) -> Reply:
    volume = call.cloud.volume(read_query(call.request, OfVolume).volume_id, call.region)
    found = [one for one in call.cloud.snapshots_of(volume.id) if call.cloud.listable(one)]
    shown: list[JsonValue] = [presentation.snapshot(one) for one in found]
    shown = shown[: call.request.page_size] if call.request.page_size is not None else shown
    total = sum(one.size for one in found)
    return Reply.of_json(200, {"count": len(found), "snapshot_size_total_byte": total, "snapshots": shown})


def create_snapshot(call: Call) -> Reply:
    volume = call.cloud.volume(read_body(call.request, OfVolume).volume_id, call.region)
    made = call.cloud.user_snapshot(volume)
    return Reply.of_json(202, {"snapshot": {**presentation.snapshot(made), "volume_id": volume.id}})


def delete_snapshot(call: Call) -> Reply:
    volume = call.cloud.volume(read_query(call.request, OfVolume).volume_id, call.region)
    found = call.cloud.snapshots.get(call.parts["snapshot_id"])
    if found is None or found.volume != volume.id or not call.cloud.listable(found):
        raise missing("Snapshot")
    if found.replication in call.cloud.replications and call.settings.system_snapshots == "locked":
        raise Refusal(400, "The snapshot is in use by a replication.", "filestorage.BadRequest.Snapshot.in.use")
    call.cloud.drop_snapshot(found.id)
    return Reply(202)


_AT = "/v1/snapshots"

ROUTES: Final = (
    Route("GET", _AT, "listSnapshots", "ListVolumeSnapshots", "List", list_snapshots),
    Route("POST", _AT, "createSnapshot", "CreateVolumeSnapshot", "Create", create_snapshot),
    Route("DELETE", f"{_AT}/{{snapshot_id}}", "deleteSnapshot", "DeleteVolumeSnapshot", "Delete", delete_snapshot),
)
