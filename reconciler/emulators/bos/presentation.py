"""How BOS tells of rules and their progress, under the switches.

Source: BOS API reference, GetBucketReplication, ListBucketReplication and GetBucketReplicationProgress.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.emulators.bos.record import Record
from reconciler.emulators.bos.rule import REMAIN
from reconciler.emulators.bos.switches import Switches
from reconciler.emulators.message import JsonValue

_UNSET: Final[Mapping[JsonValue, dict[str, JsonValue]]] = {
    "absent": {},
    "empty": {"storageClass": ""},
    REMAIN: {"storageClass": REMAIN},
}


def rule(record: Record, region: str, switches: Switches) -> dict[str, JsonValue]:
    """A rule as GET and list show it. ``region`` is where its destination is."""
    wanted = record.rule
    told: dict[str, JsonValue] = {
        "id": wanted.id,
        "status": _word(wanted.enabled),
        "resource": list(wanted.resources),
        "destination": _destination(record, switches),
        "replicateDeletes": _word(wanted.deletes),
        str(switches["create_time_name"]): record.created,
    }
    if wanted.exclusions and switches["echo_not_include_resource"]:
        told["notIncludeResource"] = list(wanted.exclusions)
    if wanted.history:
        told["replicateHistory"] = _storage_class(wanted.history_class, switches["history_storage_class"])
    elif switches["history_off"] == "null":
        told["replicateHistory"] = None
    if switches["echo_dest_region"]:
        told["destRegion"] = region
    return told


def progress(record: Record, switches: Switches) -> dict[str, JsonValue]:
    """How far a rule is: the share of existing objects that were copied, and when anything was copied last."""
    told: dict[str, JsonValue] = {
        "status": _word(record.rule.enabled),
        "historyReplicationPercent": _percent(record, switches),
    }
    latest = record.latest
    if latest is None and switches["latest_time_never"] == "absent":
        return told
    told["latestReplicationTime"] = str(latest or 0) if switches["latest_time_form"] == "string" else latest or 0
    return told


def _percent(record: Record, switches: Switches) -> JsonValue:
    percent = 0
    if record.rule.history and record.rule.enabled:
        finished = record.history_done >= record.history_total
        running = 100 * record.history_done // max(record.history_total, 1)
        percent = switches.whole("percent_when_done") if finished else running
    return float(percent) if switches["percent_form"] == "float" else percent


def _destination(record: Record, switches: Switches) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {"bucket": record.rule.destination}
    told |= _storage_class(record.rule.storage_class, switches["destination_storage_class"])
    if record.rule.prefix and switches["echo_destination_prefix"]:
        told["prefix"] = record.rule.prefix
    return told


def _storage_class(name: str | None, unset: JsonValue) -> dict[str, JsonValue]:
    return dict(_UNSET[unset]) if name is None else {"storageClass": name}


def _word(value: bool) -> str:
    return "enabled" if value else "disabled"
