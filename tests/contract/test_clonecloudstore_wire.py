"""CloneCloudStore as a process, driven over plain HTTP, and the document of its calls."""

import json
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clonecloudstore.seed import BUCKETS, CLIENT
from reconciler.emulators.clonecloudstore.service import ROUTES
from reconciler.emulators.clonecloudstore.switches import Switches
from tests.contract.referee import Referee
from tests.lab import clonecloudstore
from tests.lab.clonecloudstore import BYTES, DOCUMENT, OCTETS, PREFIX, SERVICES, Lab, order, path_of
from tests.lab.world import RunningWorld, eventually, run_world

SOURCE = DOCUMENT.with_name("SOURCE.md").read_text(encoding="utf-8")
CONTENT: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
OPERATIONS = [
    (path, method, item[method]) for path, item in CONTENT["paths"].items() for method in item if method != "parameters"
]


@pytest.fixture(scope="module")
def world() -> Iterator[RunningWorld]:
    with run_world("--clonecloudstore", "ccs", "--seed") as running:
        yield running


def client(world: RunningWorld, site: str, service: str) -> httpx.Client:
    described = world.emulator("ccs")
    headers = {f"{PREFIX}client-id": described["client_id"]}
    return httpx.Client(base_url=described["sites"][site][service], headers=headers, timeout=10)


def state(world: RunningWorld) -> Any:
    return world.control("GET", "/state")["emulators"]["ccs"]["state"]


def test_the_ready_line_tells_how_to_come_in(world: RunningWorld) -> None:
    described = world.emulator("ccs")
    assert (described["kind"], described["client_id"]) == ("clonecloudstore", CLIENT)
    assert set(described["sites"]) == {"site-a", "site-b"}
    for site in described["sites"].values():
        assert set(site) == {*SERVICES, "https"}
        with httpx.Client(verify=ssl.create_default_context(cafile=world.ca), timeout=10) as https:
            assert https.get(f"{site['https']['administration']}/administration/topologies").status_code == 200


def test_a_clone_of_what_was_there(world: RunningWorld) -> None:
    with client(world, "site-a", "accessor") as source, client(world, "site-b", "replicator") as target:
        rows = [json.loads(line) for line in source.put("/cloudclonestore/invoices").text.splitlines()]
        ready = [row for row in rows if row["status"] == "READY"]
        assert len(ready) == len([one for one in BUCKETS["invoices"].values() if one.status == "READY"])
        made = target.post("/replicator/remote/orders", json=order("site-a", "site-b", "invoices"))
        assert (made.status_code, made.content) == (201, b"")
        eventually(lambda: target.head("/replicator/remote/buckets/invoices").status_code == 200)
        orders = [
            order("site-a", "site-b", "invoices", row["name"], size=row["size"], hash=row["hash"]) for row in ready
        ]
        assert target.post("/replicator/remote/orders/multiple", json=orders).status_code == 201
        for row in ready:
            at = f"/replicator/remote/buckets/invoices/{row['name']}"
            eventually(lambda at=at: target.head(f"{at}?fullCheck=true").status_code == 200)  # type: ignore[misc]
            assert target.get(at).content == BUCKETS["invoices"][row["name"]].content
    assert state(world)["orders"]["counts"] == {"applied": 1 + len(ready)}


def test_a_world_of_strangers_of_three() -> None:
    with run_world("--clonecloudstore", "x:3-strangers", "--seed") as running:
        sites = state_of(running, "x")["sites"]
        assert [site["topologies"] for site in sites.values()] == [[], [], []]
        running.control("POST", "/emulators/x/actions/introduce")
        assert {len(site["topologies"]) for site in state_of(running, "x")["sites"].values()} == {2}
    assert running.process.returncode is not None


def state_of(world: RunningWorld, name: str) -> Any:
    return world.control("GET", "/state")["emulators"][name]["state"]


def test_switches_over_the_control_port(world: RunningWorld) -> None:
    assert world.control("GET", "/emulators/ccs/switches") == Switches().model_dump(mode="json")
    wrong = httpx.post(f"{world.ready['control']}/emulators/ccs/switches", json={"pull_s": "x"}, timeout=10)
    assert wrong.status_code == 400
    world.switch("ccs", documented=True)
    with client(world, "site-a", "accessor") as source:
        assert source.head("/cloudclonestore/invoices").status_code == 204
    world.reset()


@pytest.fixture
def lab(tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    with clonecloudstore.start(tmp_path, certificate, seed=True) as running:
        yield running


def test_all_of_the_document_can_be_seen(lab: Lab) -> None:
    referee = Referee(DOCUMENT, path_of)
    a, b = lab.a, lab.b
    a.bucket("fresh")
    a.put("fresh", "o")
    for client_, root in ((a.public, "/cloudclonestore"), (a.internal, "/ccs/internal")):
        client_.get(root)
        client_.put(f"{root}/fresh")
        for path in ("fresh", "fresh/o"):
            client_.head(f"{root}/{path}")
            client_.get(f"{root}/{path}")
        client_.get(f"{root}/fresh/o", headers=OCTETS)
    for face, site in (("local", b), ("remote", a)):
        for path in ("invoices", "invoices/readme.txt"):
            site.replicator.head(f"/replicator/{face}/buckets/{path}")
            site.replicator.get(f"/replicator/{face}/buckets/{path}")
    b.order(order("site-a", "site-b", "scans"))
    b.order(order("site-a", "site-b", "scans"), order("site-a", "site-b", "scans", "inbox/a-1.tif"))
    a.public.delete("/cloudclonestore/fresh/o")
    a.public.delete("/cloudclonestore/fresh")
    at, entry = "/administration/topologies", {"id": "z", "name": "z", "uri": "http://z.example"}
    for method, path in (("GET", at), ("POST", at), ("PUT", at), ("GET", f"{at}/z"), ("DELETE", f"{at}/z")):
        assert a.administration.request(method, path, json=entry if method[0] == "P" else None).is_success
    own = "/administration/ownerships/c"
    for method, path in (
        ("POST", f"{own}/b/READ"), ("PUT", f"{own}/b/WRITE"), ("GET", f"{own}/b"), ("GET", own), ("DELETE", f"{own}/b"),
        ("POST", "/administration/ownerships/d/c/READ"), ("DELETE", own),
    ):  # fmt: skip
        assert a.administration.request(method, path).is_success
    for route in ROUTES["reconciliator"]:
        assert a.reconciliator.request(route.method, re.sub(r"\{\w+\}", "x", route.path)).is_success
    lab.settle()
    referee.judge_all(lab.recorder.exchanges)
    assert referee.operations - referee.seen == set()


def test_lines_of_a_list_are_what_the_document_says(lab: Lab) -> None:
    schema = {"$ref": "#/components/schemas/AccessorObject", "components": CONTENT["components"]}
    lab.a.put("invoices", "new", b"x", metadata='{"a":"b"}', expires="2031-01-01T00:00:00.5Z")
    rows = lab.a.rows("invoices")
    assert len(rows) == len(BUCKETS["invoices"]) + 1
    for row in rows:
        jsonschema.validate(row, schema)


def test_a_digest_that_was_made_elsewhere(lab: Lab) -> None:
    """SHA-256 of ``abc`` is ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad."""
    hexadecimal = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    bits = f"{int(hexadecimal, 16):0256b}" + "0" * 4
    told = "".join("0123456789abcdefghijklmnopqrstuv"[int(bits[at : at + 5], 2)] for at in range(0, 260, 5))
    answer = lab.a.public.post("/cloudclonestore/empty/abc", content=b"abc", headers=BYTES)
    assert (answer.json()["hash"], len(told)) == (told, 52)


# The document


def test_the_emulator_has_exactly_the_documented_operations() -> None:
    documented = {(path, method.upper(), operation["operationId"]) for path, method, operation in OPERATIONS}
    assert {(route.path, route.method, route.name) for routes in ROUTES.values() for route in routes} == documented
    tagged = {(operation["operationId"], operation["tags"][0]) for _, _, operation in OPERATIONS}
    assert {(route.name, name) for name, routes in ROUTES.items() for route in routes} == tagged


def test_every_service_has_a_server() -> None:
    assert [next(iter(set(one["variables"]) - {"scheme"})) for one in CONTENT["servers"]] == list(SERVICES)


def test_certainties_and_sources_are_explained() -> None:
    components = CONTENT["components"]
    told = [operation for _, _, operation in OPERATIONS]
    told += [*components["schemas"].values(), *components["responses"].values()]
    assert {one["x-certainty"] for one in told} == {"K", "I", "NF"}
    for name in {"K", "I", "NF"} | {source for one in told for source in one["x-source"]}:
        assert re.search(rf"^\| `{name}` \|", SOURCE, re.MULTILINE), name


def test_every_member_has_a_meaning() -> None:
    for name, schema in CONTENT["components"]["schemas"].items():
        for key, value in schema.get("properties", {}).items():
            assert value.keys() & {"description", "$ref", "enum"}, f"{name}.{key}"
            assert None not in value.values(), f"{name}.{key}"


def test_what_is_not_settled_has_a_switch() -> None:
    explained = set(re.findall(r"`([a-z_]+)` \|$", SOURCE, re.MULTILINE))
    assert explained
    assert explained <= set(Switches.model_fields)
