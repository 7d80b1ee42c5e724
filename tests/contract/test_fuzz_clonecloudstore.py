"""CloneCloudStore under schemathesis: nothing is answered that the document does not have; every success is reached.

Answers that stream have no schema; that lines of a list are rows is looked at here, with the document's own schema.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
from requests.auth import AuthBase

from reconciler.emulators.certificate import Certificate
from tests.contract.fuzz_bench import Bench, Feed, load, operations, successes, table
from tests.lab import clonecloudstore
from tests.lab.clonecloudstore import CLIENT, DOCUMENT, PREFIX, Lab

CONTENT = load(DOCUMENT)
OPERATIONS = operations(CONTENT)

CLIENT_ID: Feed = {f"{PREFIX}client-id": [CLIENT]}
FILTERS: Feed = {
    f"{PREFIX}namePrefix": ["kept", "no such"], f"{PREFIX}statuses": ['["READY"]', '["READY", "DELETED"]'],
    f"{PREFIX}sizeGT": ["0"], f"{PREFIX}sizeLT": ["0", "100"], f"{PREFIX}metadataEq": ["{}"],
    f"{PREFIX}creationBefore": ["2099-01-01T00:00:00Z"], f"{PREFIX}creationAfter": ["2000-01-01T00:00:00.000Z"],
    f"{PREFIX}expiresBefore": [""], f"{PREFIX}expiresAfter": [""],
}  # fmt: skip
OBJECT: Feed = {"bucketName": ["~bucket"], "objectName": ["~object"]}
ORDER: Feed = {
    "fromSite": ["site-b", None], "toSite": ["site-a"], "clientId": [CLIENT], "bucketName": ["~new_name"],
    "objectName": [None, "", "a/b"], "action": ["CREATE", "UPDATE", "DELETE", "UNKNOWN", None],
}  # fmt: skip
RIGHT: Feed = {"owner": [CLIENT], "bucket": ["~bucket"]}
FEEDS: dict[str, Any] = {
    "createBucket": {"bucketName": ["~new_name"]},
    "deleteBucket": {"bucketName": ["~new_bucket"]},
    "createObject": {
        "bucketName": ["~bucket"], "objectName": ["~new_object"], f"{PREFIX}metadata": ['{"a": "b"}'],
        f"{PREFIX}expires": ["2099-01-01T00:00:00Z"], f"{PREFIX}size": ["0"], f"{PREFIX}hash": ["abc"],
        "Content-Encoding": ["identity"],
    },
    "deleteObject": {"bucketName": ["~bucket"], "objectName": ["~deletable"]},
    "listObjects": {"bucketName": ["~bucket"], **FILTERS},
    "internalListObjects": {"bucketName": ["~bucket"], **FILTERS},
    "createOrder": ORDER,
    "createOrders": ORDER,
    "addTopology": {"id": ["~new_name"], "name": ["x"], "uri": ["http://127.0.0.1:9"], "status": ["UP", "DOWN"]},
    "updateTopology": {"id": ["site-b"], "name": ["site-b"], "uri": ["~uri"], "status": ["UP"]},
    "getTopology": {"site": ["site-b"]},
    "deleteTopology": {"site": ["~new_site"]},
    "listOwnerships": {"owner": [CLIENT]},
    "deleteOwnerships": {"owner": ["~owned"]},
    "getOwnership": RIGHT,
    "deleteOwnership": {"owner": [CLIENT], "bucket": ["~owned"]},
    "addOwnership": {"owner": ["~new_name"], "bucket": ["~bucket"]},
    "updateOwnership": RIGHT,
} | {
    name: {"bucketName": ["~theirs"], "objectName": ["~their_object"], f"{PREFIX}target-id": ["site-b"]}
    for name in OPERATIONS if name.startswith("local")
}  # fmt: skip


class Asking(AuthBase):
    """Says another client than the request does; None says none."""

    def __init__(self, client: str | None) -> None:
        self.client = client

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.pop(f"{PREFIX}client-id", None)
        if self.client is not None:
            request.headers[f"{PREFIX}client-id"] = self.client
        return request


class Things:
    """What there is at both sites, made anew where it is gone."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.numbers = lab, itertools.count()
        self.mine, self.other = (f"kept-{name}" for name in ("a", "b"))

    def makers(self) -> dict[str, Any]:
        return {
            "~bucket": lambda: self.bucket("a"),
            "~object": lambda: self.stored("a"),
            "~theirs": lambda: self.bucket("b"),
            "~their_object": lambda: self.stored("b"),
            "~new_name": self.name,
            "~new_bucket": lambda: self.lab.a.bucket(self.name()),
            "~new_object": lambda: f"new/{self.name()}",
            "~deletable": self.deletable,
            "~new_site": self.site,
            "~uri": lambda: self.lab.b.urls()["replicator"],
            "~owned": self.owned,
        }

    def name(self) -> str:
        return f"new-{next(self.numbers)}"

    def bucket(self, site: str) -> str:
        here = self.lab.a if site == "a" else self.lab.b
        found = self.lab.emulator.sites[here.name].database.buckets.get(f"kept-{site}")
        if found is None or found.status == "DELETED":
            here.bucket(f"kept-{site}")
        self.granted(here.name, f"kept-{site}")
        return f"kept-{site}"

    def granted(self, site: str, bucket: str) -> None:
        self.lab.emulator.sites[site].database.rights[CLIENT, bucket] = "OWNER"
        self.lab.emulator.act("expire-caches", {})

    def stored(self, site: str) -> str:
        here, bucket = self.lab.a if site == "a" else self.lab.b, self.bucket(site)
        found = self.lab.emulator.sites[here.name].database.objects.get((bucket, "kept"))
        if found is None or found.status != "READY":
            here.put(bucket, "kept")
        return "kept"

    def deletable(self) -> str:
        self.lab.a.put(self.bucket("a"), name := self.name())
        return name

    def site(self) -> str:
        entry = {"id": self.name(), "name": "x", "uri": "http://127.0.0.1:9", "status": "DOWN"}
        self.lab.a.administration.post("/administration/topologies", json=entry)
        return entry["id"]

    def owned(self) -> str:
        bucket = self.name()
        self.lab.a.administration.post(f"/administration/ownerships/{CLIENT}/{bucket}/READ")
        return bucket


def rows(_: Any, answer: requests.Response) -> Iterator[str]:
    """That the lines of a list are rows, that errors say nothing, and that everybody gets an operation id."""
    if answer.status_code >= 400 and answer.content:
        yield "an error with a body"
    if not answer.headers.get(f"{PREFIX}op-id"):
        yield "no operation id"
    if answer.request.method == "PUT" and answer.headers.get("Content-Type") == "application/octet-stream":
        schema = {"$ref": "#/components/schemas/AccessorObject", "components": CONTENT["components"]}
        for line in answer.content.splitlines():
            yield from (
                error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(json.loads(line))
            )


@pytest.fixture(params=["usual", "documented"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(flavour: str, tmp_path: Path, certificate: Certificate) -> Iterator[Bench]:
    with clonecloudstore.start(tmp_path, certificate) as lab:
        # Whatever sites a request makes known, none is asked, and what is cached is no older than the request.
        lab.switch(
            topology_cache_s=0, ownership_cache_s=0, bucket_check_cache_s=0, object_check_cache_s=0,
            paused_senders=["site-a", "site-b"],
        )  # fmt: skip
        if flavour == "documented":
            lab.switch(documented=True, local_bucket="bare", remote_read=True, internal_compression=True)
        urls = lab.a.urls()

        def base(operation: Mapping[str, Any]) -> str:
            return str(urls[operation["tags"][0]])

        auths = {"right": None, "other": Asking("client2"), "wrong": Asking(""), "none": Asking(None)}
        yield Bench(
            CONTENT, base, auths, Things(lab).makers(), lab.log, own_faults=frozenset(OPERATIONS), look=rows
        )  # fmt: skip


def test_nothing_is_answered_that_is_not_documented(bench: Bench, flavour: str) -> None:
    for name in OPERATIONS:
        bench.fire(name, {**CLIENT_ID, **FEEDS.get(name, OBJECT)}, thorough=flavour == "usual")
    print(table(bench))
    assert not bench.found, "\n".join(bench.found.values())
    assert successes(CONTENT) - _elsewhere(flavour) <= bench.seen.keys()


def _elsewhere(flavour: str) -> set[tuple[str, str]]:
    """What is only answered by the other flavour: the status of the source, or that of the documents."""
    told = {name: str(one["x-documented"]) for name, one in OPERATIONS.items() if "x-documented" in one}
    return {
        (name, status) for name, status in successes(CONTENT)
        if name in told and (status == told[name]) == (flavour == "usual")
    }  # fmt: skip
