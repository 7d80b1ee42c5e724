"""Topologies and ownerships. Source: CloneCloudStore's TopologyResource, OwnershipResource and their repositories."""

from __future__ import annotations

from typing import Final

from reconciler.emulators.clonecloudstore import names, wire
from reconciler.emulators.clonecloudstore.call import Call, Route
from reconciler.emulators.clonecloudstore.records import RIGHTS, TOPOLOGY_STATUSES, Topology, fused, includes
from reconciler.emulators.clonecloudstore.refusal import Refusal
from reconciler.emulators.message import JsonValue, Reply


def list_topologies(call: Call) -> Reply:
    status = _choice(call, "status", TOPOLOGY_STATUSES)
    with call.site.database.lock:
        found = list(call.site.database.topologies.values())
    return Reply.of_json(200, [one.shown() for one in found if status in ("UNKNOWN", one.status)])


def get_topology(call: Call) -> Reply:
    with call.site.database.lock:
        found = call.site.database.topologies.get(call.parts["site"])
    if found is None:
        raise Refusal(404)
    return Reply.of_json(200, found.shown())


def add_topology(call: Call) -> Reply:
    made = _topology(call)
    with call.site.database.lock:
        if made.id in call.site.database.topologies:
            raise Refusal(409, "Duplicate key")
        call.site.database.topologies[made.id] = made
    return call.changed(made.shown(), 201)


def update_topology(call: Call) -> Reply:
    """Replaces what is there, and makes nothing."""
    made = _topology(call)
    with call.site.database.lock:
        if made.id not in call.site.database.topologies:
            raise Refusal(404, "Could not update topology")
        call.site.database.topologies[made.id] = made
    return call.changed(made.shown(), 202)


def delete_topology(call: Call) -> Reply:
    with call.site.database.lock:
        if call.site.database.topologies.pop(call.parts["site"], None) is None:
            raise Refusal(404, "Could not delete topology")
    return Reply(204)


def list_ownerships(call: Call) -> Reply:
    wanted = _choice(call, "ownership", tuple(RIGHTS))
    with call.site.database.lock:
        rows = list(call.site.database.rights.items())
    return Reply.of_json(
        200,
        [
            {"client": client, "bucket": bucket, "ownership": held}
            for (client, bucket), held in rows
            if client == call.parts["owner"] and (wanted == "UNKNOWN" or includes(held, wanted))
        ],
    )


def get_ownership(call: Call) -> Reply:
    with call.site.database.lock:
        held = call.site.database.rights.get(_pair(call))
    if held is None:
        raise Refusal(404)
    return Reply.of_json(200, held)


def add_ownership(call: Call) -> Reply:
    right = _right(call)
    with call.site.database.lock:
        if _pair(call) in call.site.database.rights:
            raise Refusal(409, "Duplicate key")
        call.site.database.rights[_pair(call)] = right
    return call.changed(right, 201)


def update_ownership(call: Call) -> Reply:
    """Adds rights to those that are there, and takes none away."""
    right = _right(call)
    with call.site.database.lock:
        held = call.site.database.rights.get(_pair(call))
        if held is None:
            raise Refusal(404, "Could not update Ownership")
        call.site.database.rights[_pair(call)] = made = fused(held, right)
    return call.changed(made, 202)


def delete_ownership(call: Call) -> Reply:
    with call.site.database.lock:
        if call.site.database.rights.pop(_pair(call), None) is None:
            raise Refusal(404, "Could not delete Ownership")
    return Reply(204)


def delete_ownerships(call: Call) -> Reply:
    """Of all clients; the part of the path that is a client to GET is a bucket here."""
    with call.site.database.lock:
        found = [key for key in call.site.database.rights if key[1] == call.parts["owner"]]
        for key in found:
            del call.site.database.rights[key]
    if not found:
        raise Refusal(404, "Could not find any Ownership to Delete")
    return Reply(204)


def _topology(call: Call) -> Topology:
    """``Refusal`` (400) for what cannot be read; a status that is left out is UNKNOWN, which is not UP."""
    call.demand_type(wire.JSON)
    try:
        sent: JsonValue = call.request.json()
        if not isinstance(sent, dict):
            raise ValueError("not an object")  # noqa: TRY004, TRY301  (one class for all bad input)
        texts = [names.check_printable(_text(sent.get(name))) for name in ("id", "name")]
        uri = names.check_uri(_text(sent.get("uri")))
        told = sent.get("status")
        status = next(one for one in TOPOLOGY_STATUSES if one == (told if told is not None else "UNKNOWN"))
    except (ValueError, StopIteration) as error:
        raise Refusal(400, form="bare") from error
    return Topology(texts[0], texts[1], uri, status)


def _text(value: JsonValue) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text is needed")
    return value


def _pair(call: Call) -> tuple[str, str]:
    return call.parts["owner"], call.parts["bucket"]


def _right(call: Call) -> str:
    right = call.parts["ownership"]
    if right not in RIGHTS:
        raise Refusal(400, "not valid") if call.settings.documented else Refusal(404, form="bare")
    return right


def _choice(call: Call, parameter: str, known: tuple[str, ...]) -> str:
    value = call.request.params.get(parameter) or "UNKNOWN"
    if value not in known:
        # A query parameter that cannot be converted is a resource that is not there.
        raise Refusal(404, form="bare")
    return value


_TOPOLOGIES = "/administration/topologies"
_OWNER = "/administration/ownerships/{owner}"
_PAIR = f"{_OWNER}/{{bucket}}"
_RIGHT = f"{_PAIR}/{{ownership}}"

ROUTES: Final = (
    Route("GET", _TOPOLOGIES, "listTopologies", list_topologies, client=False),
    Route("POST", _TOPOLOGIES, "addTopology", add_topology, write=True, client=False),
    Route("PUT", _TOPOLOGIES, "updateTopology", update_topology, write=True, client=False),
    Route("GET", f"{_TOPOLOGIES}/{{site}}", "getTopology", get_topology, client=False),
    Route("DELETE", f"{_TOPOLOGIES}/{{site}}", "deleteTopology", delete_topology, write=True, client=False),
    Route("GET", _OWNER, "listOwnerships", list_ownerships, client=False),
    Route("DELETE", _OWNER, "deleteOwnerships", delete_ownerships, write=True, client=False),
    Route("GET", _PAIR, "getOwnership", get_ownership, client=False),
    Route("DELETE", _PAIR, "deleteOwnership", delete_ownership, write=True, client=False),
    Route("POST", _RIGHT, "addOwnership", add_ownership, write=True, client=False),
    Route("PUT", _RIGHT, "updateOwnership", update_ownership, write=True, client=False),
)
