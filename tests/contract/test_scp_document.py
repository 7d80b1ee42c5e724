"""The document of SCP File Storage: what may be said, where that is known from, and what the emulator makes of it."""

import re
from typing import Any

import pytest
import yaml

from reconciler.emulators.scp.service import ROUTES
from reconciler.emulators.scp.switches import ScpSwitches
from tests.contract.referee import Exchange, Objection, Referee
from tests.contract.scp_examples import CREATE_REQUEST, CREATE_RESPONSE, EXAMPLES, ID, SHOW_RESPONSE, exchange
from tests.lab.scp import DOCUMENT

SOURCE = DOCUMENT.with_name("SOURCE.md").read_text(encoding="utf-8")
CONTENT: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
OPERATIONS = [
    (path, method, item[method]) for path, item in CONTENT["paths"].items() for method in item if method != "parameters"
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one[0]} {one[1].partition('?')[0]} {one[3]}")
def test_the_document_takes_every_published_example(example: tuple[str, str, Any, int, Any]) -> None:
    Referee(DOCUMENT).judge(exchange(*example))


def test_every_operation_has_an_example() -> None:
    referee = Referee(DOCUMENT)
    referee.judge_all(exchange(*example) for example in EXAMPLES)
    assert referee.seen == referee.operations


CREATE, LIST, EMPTY = "/v1/replications", f"/v1/replications?volume_id={ID}", {"count": 0, "filestorages": []}
WRONG = [
    exchange("POST", CREATE, {**CREATE_REQUEST, "extra": 1}, 202, CREATE_RESPONSE),
    exchange("POST", CREATE, {**CREATE_REQUEST, "replication_frequency": "10min"}, 202, CREATE_RESPONSE),
    exchange("POST", CREATE, {**CREATE_REQUEST, "backup_retention_count": 129}, 202, CREATE_RESPONSE),
    exchange("POST", CREATE, {**CREATE_REQUEST, "name": "No"}, 202, CREATE_RESPONSE),
    exchange("POST", CREATE, CREATE_REQUEST, 202, {**CREATE_RESPONSE, "replication_policy": "use"}),
    exchange("POST", CREATE, CREATE_REQUEST, 202, None),
    exchange("GET", CREATE, None, 200, {"count": 0, "replications": []}),
    exchange("GET", LIST, None, 200, {"count": 1, "replications": [SHOW_RESPONSE]}),
    exchange("GET", "/v1/volumes?size=1", None, 200, EMPTY),
    exchange("GET", f"/v1/volumes/{ID}", None, 404, {"detail": "x"}),
    exchange("PUT", f"/v1/volumes/{ID}", {"file_unit_recovery_enabled": True}, 200, None),
    exchange("GET", "/v1/volumes", None, 200, EMPTY, **{"Scp-Api-Version": "filestorage 1.0"}),
    exchange("GET", "/v1/volumes", None, 200, EMPTY, **{"Accept-Language": "de"}),
    exchange("GET", "/v1/volumes", None, 200, EMPTY, **{"Scp-ClientType": "Console"}),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: one.name)
def test_the_document_takes_nothing_else(wrong: Exchange) -> None:
    with pytest.raises(Objection):
        Referee(DOCUMENT).judge(wrong)


def test_the_emulator_has_exactly_the_documented_operations() -> None:
    documented = {(path, method.upper(), operation["operationId"]) for path, method, operation in OPERATIONS}
    assert {(route.path, route.method, route.name) for _, route in ROUTES} == documented


def test_everything_says_how_certain_it_is_and_where_that_is_from() -> None:
    components = CONTENT["components"]
    told = [operation for _, _, operation in OPERATIONS] + list(components["schemas"].values())
    told += list(components["responses"].values())
    assert {one["x-certainty"] for one in told} == {"S", "L", "I", "NF"}
    for name in {"S", "L", "I", "NF"} | {source for one in told for source in one["x-source"]}:
        assert re.search(rf"^\| `{name}` \|", SOURCE, re.MULTILINE), name


def test_every_member_has_a_meaning() -> None:
    for name, schema in CONTENT["components"]["schemas"].items():
        for key, value in schema.get("properties", {}).items():
            assert value.keys() & {"description", "$ref"}, f"{name}.{key}"


def test_what_is_not_found_has_a_switch() -> None:
    explained = set(re.findall(r"`([a-z_]+)` \|$", SOURCE, re.MULTILINE))
    assert len(explained) > 20
    assert explained <= set(ScpSwitches.model_fields)
