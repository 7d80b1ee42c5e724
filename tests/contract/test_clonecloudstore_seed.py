"""The documentation's page about the replicator, line by line: every example is taken, and every status comes.

How each status is provoked is the table `WAYS`. The product's source never answers some of them (see
`specs/clonecloudstore/SOURCE.md`); the emulator does where it is set to keep to the documents (`documented`). Nothing
in an order says who sends it, and nothing that is wrong with it can make the product fail before it is queued: 401 and
500 of orders come from something in front of the service, as the emulator's faults let them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault
from tests.contract.clonecloudstore_page import ANSWERS, BODIES, COUNTED, REQUESTS, STATED
from tests.contract.referee import Referee
from tests.lab import clonecloudstore
from tests.lab.clonecloudstore import DOCUMENT, PREFIX, Lab, order, path_of

CONTENT: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
STATUSES: list[str] = CONTENT["components"]["schemas"]["AccessorStatus"]["enum"]

BUCKET, OBJECT = "invoices", "readme.txt"
NAMES = {"bucketName": BUCKET, "objectName": OBJECT, "pathDirectoryOrObject": OBJECT}


@dataclass(frozen=True, slots=True)
class Way:
    """How to get one status: what to ask for, as whom, of a site that keeps to the documents or to the source."""

    path: str = f"{BUCKET}/{OBJECT}"
    who: str | None = "client1"
    documented: bool = True
    body: Any = None
    crashed: bool = False
    fault: int | None = None


THERE, GONE = Way(BUCKET), Way("deleted")
FRESH, TAKEN = order("site-b", "site-a", "fresh"), order("site-b", "site-a", BUCKET)

#: The calls that read, by name of the operation: method, face, and whether an object is meant.
READS = {
    "localGetBucket": ("GET", "local", False), "localCheckBucket": ("HEAD", "local", False),
    "localReadObject": ("GET", "local", True), "localCheckObject": ("HEAD", "local", True),
    "remoteGetBucket": ("GET", "remote", False), "remoteCheckBucket": ("HEAD", "remote", False),
    "remoteReadObject": ("GET", "remote", True), "remoteCheckObject": ("HEAD", "remote", True),
}  # fmt: skip


def _reading(operation: str, status: int) -> Way:
    _, face, of_object = READS[operation]
    key = f"/{OBJECT}" if of_object else ""
    match status:
        case 200 | 204:
            return Way(f"{BUCKET}{key}")
        case 400:
            return Way(f"BAD{key}")
        case 401:
            return Way(f"{BUCKET}{key}", who=None)
        case 403:
            return Way(f"{BUCKET}{key}", who="client3")
        case 404:
            return Way(f"{BUCKET}/missing" if of_object else "missing")
        case 410:
            return GONE
    if face == "local":
        return Way(f"{BUCKET}{key}", crashed=True)  # a site that cannot be asked
    return Way(f"BAD{key}", documented=False)  # a name that is none, by the source


def _ordering(status: int) -> Way:
    body = {201: FRESH, 400: order("x", "y", "BAD"), 409: TAKEN}
    return Way(body=body.get(status, FRESH), fault=None if status in body else status)


WAYS: dict[tuple[str, int], Way] = {
    (operation, status): _reading(operation, status) if operation in READS else _ordering(status)
    for operation, stated in STATED.items()
    for status in stated
}


@pytest.fixture
def lab(tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    with clonecloudstore.start(tmp_path, certificate, seed=True) as running:
        running.switch(paused_senders=["site-a"])
        yield running
        running.judge()


def ask(lab: Lab, operation: str, way: Way) -> httpx.Response:
    """The call, at the replicator of the site where it makes sense: the one that has not, or the one that has."""
    site = lab.b if operation.startswith("local") else lab.a
    client = lab.client(site.urls()["replicator"], **({f"{PREFIX}client-id": way.who} if way.who else {}))
    if operation in READS:
        method, face, _ = READS[operation]
        return client.request(method, f"/replicator/{face}/buckets/{way.path}")
    many = operation == "createOrders"
    return client.post(f"/replicator/remote/orders{'/multiple' * many}", json=[way.body] if many else way.body)


@pytest.mark.parametrize(("operation", "status"), WAYS, ids=str)
def test_every_stated_status_comes(lab: Lab, operation: str, status: int) -> None:
    way = WAYS[operation, status]
    lab.switch(documented=way.documented)
    if way == GONE:
        lab.a.bucket("deleted")
        # The local face asks only sites that had it: it remembers that site-a does.
        assert lab.b.replicator.head("/replicator/local/buckets/deleted").status_code == 204
        lab.a.public.delete("/cloudclonestore/deleted")
    if way.crashed:
        lab.emulator.act("crash", {"site": "site-a"})
    if way.fault:
        lab.faults.add(Fault(kind="status", status=way.fault, operation=operation, part="site-a-replicator"))
    answer = ask(lab, operation, way)
    assert answer.status_code == status
    assert answer.headers[f"{PREFIX}op-id"]
    assert answer.headers[f"{PREFIX}module"] == "REPLICATOR"
    asked = [one for one in lab.recorder.exchanges if (one.method, one.url) == (answer.request.method, str(answer.url))]
    assert {Referee(DOCUMENT, path_of).judge(one) for one in asked} == {operation}


def test_nothing_of_the_page_is_forgotten() -> None:
    assert {
        "json": len(ANSWERS) + len(BODIES),
        "requests": len(REQUESTS),
        "operations": len(STATED),
        "statuses": sum(len(stated) for stated in STATED.values()),
    } == COUNTED
    assert WAYS.keys() == {(name, status) for name, stated in STATED.items() for status in stated}
    documented = {
        operation["operationId"]
        for path, item in CONTENT["paths"].items() if path.startswith("/replicator/")
        for method, operation in item.items() if method != "parameters"
    }  # fmt: skip
    assert documented == STATED.keys()


@pytest.mark.parametrize("documented", [False, True])
@pytest.mark.parametrize("operation", REQUESTS)
def test_every_example_request_is_taken(lab: Lab, operation: str, documented: bool) -> None:
    """As printed, with names that there are in place of the braces. Bodies go out as they stand."""
    lab.switch(documented=documented)
    method, path, _ = REQUESTS[operation].split()
    site = lab.b if operation.startswith("local") else lab.a
    real = re.sub(r"\{(\w+)\}", lambda name: NAMES[name.group(1)], path)
    headers = {"Content-Type": "application/json"} if operation in BODIES else {}
    answer = site.replicator.request(method, real, content=BODIES.get(operation, ""), headers=headers)
    assert answer.status_code == (201 if method == "POST" else 200)
    if method == "POST":
        assert answer.content == b""


@pytest.mark.parametrize("operation", BODIES)
def test_an_example_order_with_names_that_there_are_is_carried_out(lab: Lab, operation: str) -> None:
    """The page's order word for word but for its names; the bucket is ordered before."""
    sent = json.loads(BODIES[operation])
    one = sent[0] if isinstance(sent, list) else sent
    real = {"fromSite": "site-a", "toSite": "site-b", "clientId": "client1", "bucketName": BUCKET, "objectName": OBJECT}
    lab.b.order({**one, **real, "objectName": None})
    lab.settle_actions()
    one.update(real)
    path = "/replicator/remote/orders" + ("/multiple" if isinstance(sent, list) else "")
    assert lab.b.replicator.post(path, json=sent).status_code == 201
    lab.settle_actions()
    assert lab.b.status(BUCKET, OBJECT) == "READY"
    assert lab.b.content(BUCKET, OBJECT) == lab.a.content(BUCKET, OBJECT)


@pytest.mark.parametrize("operation", ANSWERS)
def test_answers_have_the_shape_of_the_examples(lab: Lab, operation: str) -> None:
    """The page shows the bucket bare; the source wraps it at the local face, which is a switch of the emulator."""
    example = json.loads(ANSWERS[operation])
    lab.switch(local_bucket="bare")
    told = ask(lab, operation, THERE).json()
    assert told.keys() == example.keys()
    # Buckets expire in no call of the API: where the example has a time, there is null.
    assert told["expires"] is None
    assert {name: type(value) for name, value in told.items() if name != "expires"} == {
        name: type(value) for name, value in example.items() if name != "expires"
    }
    assert {told["status"], example["status"]} <= set(STATUSES)
    pattern = CONTENT["components"]["schemas"]["Instant"]["pattern"]
    for moment in (told["creation"], example["creation"], example["expires"]):
        assert re.search(pattern, moment)
    lab.switch(local_bucket="wrapped")
    if operation == "localGetBucket":
        assert ask(lab, operation, THERE).json() == {"response": told, "targetId": "site-a"}
