"""The eight calls about object relationships. There is no PUT and no PATCH."""

from __future__ import annotations

from typing import Final

from reconciler.emulators.message import Reply
from reconciler.emulators.qumulo.call import Call, Route, done, found
from reconciler.emulators.qumulo.identity import REPLICATION_READ as READ
from reconciler.emulators.qumulo.identity import REPLICATION_WRITE as WRITE
from reconciler.emulators.qumulo.relationship import parse

_ALL: Final = "/v3/replication/object-relationships/"
_ONE: Final = "/v3/replication/object-relationships/{id}"


def list_all(call: Call) -> Reply:
    return found(call.cluster.replication.wire_all())


def create(call: Call) -> Reply:
    return found(call.cluster.replication.create(parse(call.json())))


def get(call: Call) -> Reply:
    return found(call.cluster.replication.wire(call.parts["id"]))


def delete(call: Call) -> Reply:
    call.cluster.replication.delete(call.parts["id"], call.matches)
    return done()


def status(call: Call) -> Reply:
    return found(call.cluster.replication.status(call.parts["id"]))


def status_all(call: Call) -> Reply:
    return found(call.cluster.replication.status_all())


def abort(call: Call) -> Reply:
    call.cluster.replication.abort(call.parts["id"])
    return done()


def replicate(call: Call) -> Reply:
    number = call.parts["id"]
    call.cluster.replication.replicate(number)
    if call.cluster.switches["replicate_body"] == "empty":
        return Reply(202)
    return Reply.of_json(202, {"monitor_uri": f"{_ALL}{number}/status"})


ROUTES: Final = (
    Route("GET", _ALL, "listObjectRelationships", list_all, privilege=READ),
    Route("POST", _ALL, "createObjectRelationship", create, write=True, privilege=WRITE),
    Route("GET", f"{_ALL}status/", "listObjectRelationshipStatuses", status_all, privilege=READ),
    Route("GET", _ONE, "getObjectRelationship", get, privilege=READ),
    Route("DELETE", _ONE, "deleteObjectRelationship", delete, write=True, privilege=WRITE),
    Route("GET", f"{_ONE}/status", "getObjectRelationshipStatus", status, privilege=READ),
    Route("POST", f"{_ONE}/abort-replication", "abortObjectReplication", abort, write=True, privilege=WRITE),
    Route("POST", f"{_ONE}/replicate", "replicateObjectRelationship", replicate, write=True, privilege=WRITE),
)
