"""Data synchronisation over the wire: PUT, GET, list, DELETE and progress of rules.

Source: BOS API reference, PutBucketReplication, GetBucketReplication, ListBucketReplication,
DeleteBucketReplication, GetBucketReplicationProgress.
"""

from __future__ import annotations

from typing import Final

from reconciler.emulators.bos import presentation
from reconciler.emulators.bos.call import Call, Route, done, found
from reconciler.emulators.bos.record import Record
from reconciler.emulators.bos.refusal import Refusal, inappropriate, invalid
from reconciler.emulators.bos.rule import check_id, decode, parse
from reconciler.emulators.message import JsonValue, Reply


def put(call: Call) -> Reply:
    with call.cloud.lock:
        bucket = call.bucket()
        body = decode(call.request.body)
        rule_id = _chosen_id(call, body.get("id"))
        check_id(rule_id)
        call.cloud.replication.put(bucket, parse(rule_id, bucket.name, body, len(call.request.body)))
    return done()


def get(call: Call) -> Reply:
    with call.cloud.lock:
        call.bucket()
        return found(_told(call, _record(call)))


def list_all(call: Call) -> Reply:
    with call.cloud.lock:
        call.bucket()
        records = call.cloud.replication.records(call.name)
        order = call.cloud.switches["list_order"]
        if order == "id":
            records.sort(key=lambda record: record.rule.id)
        elif order == "newest":
            records.reverse()
        if not records and call.cloud.switches["empty_list"] == "not_found":
            raise Refusal(404, "NoReplicationConfiguration")
        return found({"rules": [_told(call, record) for record in records]})


def delete(call: Call) -> Reply:
    with call.cloud.lock:
        call.bucket()
        switches = call.cloud.switches
        was_there = call.cloud.replication.delete(call.name, call.params.get("id", ""))
        if not was_there and switches["delete_missing"] == 404:
            raise Refusal(404, "NoReplicationConfiguration")
    return done(204) if switches["delete_reply"] == 204 else found({})


def progress(call: Call) -> Reply:
    with call.cloud.lock:
        call.bucket()
        return found(presentation.progress(_record(call), call.cloud.switches))


def _chosen_id(call: Call, in_body: JsonValue) -> str:
    in_query = call.params.get("id")
    if in_query is None:
        raise invalid("Missing query parameter: id")
    if not isinstance(in_body, str):
        if in_body is not None:
            raise inappropriate("Wrong type: id")
        raise inappropriate("Missing: id")
    mismatch = call.cloud.switches["id_mismatch"]
    if in_query != in_body and mismatch == "refuse":
        raise invalid("The id in the query and the id in the body differ.")
    return in_body if mismatch == "body" else in_query


def _record(call: Call) -> Record:
    record = call.cloud.replication.record(call.name, call.params.get("id", ""))
    if record is None:
        raise Refusal(404, "NoReplicationConfiguration")
    return record


def _told(call: Call, record: Record) -> dict[str, JsonValue]:
    target = call.cloud.buckets.get(record.rule.destination)
    return presentation.rule(record, target.region if target else "", call.cloud.switches)


ROUTES: Final = (
    Route("PUT", "bucket", "PutBucketReplication", put, ("replication",), write=True),
    Route("GET", "bucket", "ListBucketReplication", list_all, ("replication", "list")),
    Route("GET", "bucket", "GetBucketReplication", get, ("replication",)),
    Route("DELETE", "bucket", "DeleteBucketReplication", delete, ("replication",), write=True),
    Route("GET", "bucket", "GetBucketReplicationProgress", progress, ("replicationProgress",)),
)
