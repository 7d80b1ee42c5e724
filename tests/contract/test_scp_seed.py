"""The vendor's page CreateVolumeReplication, line by line: its example is taken, and its statuses come.

Support of 1.0 ended on the day that the page names, which is over: the service is held to refuse it. So of the statuses
stated for 1.0 only those of a refusal come, 400 with that day and 401; `OVER` has those that nobody gets any more.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from reconciler.emulators.certificate import Certificate
from tests.contract.referee import Referee
from tests.contract.scp_page import COUNTED, CURRENT, ENDED, PAGE, Printed
from tests.lab import scp
from tests.lab.scp import DOCUMENT, EAST, WEST, Lab, Signed

SCHEMAS: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"]
REQUEST, ANSWER = json.loads(CURRENT.request), json.loads(CURRENT.answer)
ID = REQUEST["volume_id"]
#: Stated for 1.0, which is refused before anything of this could be found.
OVER = {202, 403, 404, 409}


@pytest.fixture
def lab(tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    """An account with the access key and the volume of the example, at any time: the printed one is of 2020."""
    with scp.start(tmp_path, certificate) as running:
        running.clock.freeze()
        running.emulator.switch({"skew_s": None})
        # The replica goes to kr-west1, and so the source is in kr-east1.
        running.emulator.act("rotate-key", {"access_key": CURRENT.headers["Scp-Accesskey"], "secret_key": "secret"})
        running.emulator.act("create-volume", {"name": "my_source", "region": EAST, "id": ID})
        yield running
        judge = Referee(DOCUMENT)
        current = [one for one in running.recorder.exchanges if "1.1" in one.request_headers["Scp-Api-Version"]]
        assert judge.judge_all(current) == len(current)


def send(lab: Lab, printed: Printed, body: Any = REQUEST, key: tuple[str, str] = ("", "secret")) -> httpx.Response:
    """The example's own headers, its timestamp too, with the one signature that fits them."""
    access, secret = key[0] or printed.headers["Scp-Accesskey"], key[1]
    url = f"{lab.facts['regions'][EAST]['http']}{printed.path}"
    stamp, kind = printed.headers["Scp-Timestamp"], printed.headers["Scp-ClientType"]
    signature = Signed(access, secret).signature(printed.method, url, stamp, "", kind)
    headers = {**printed.headers, "Scp-Accesskey": access, "Scp-Signature": signature}
    return httpx.request(printed.method, url, json=body, headers=headers, trust_env=False)


def _taken(lab: Lab) -> httpx.Response:
    assert send(lab, CURRENT).status_code == CURRENT.success
    return send(lab, CURRENT)


def _reader(lab: Lab) -> httpx.Response:
    reader = lab.facts["reader"]
    return send(lab, CURRENT, key=(reader["access_key"], reader["secret_key"]))


#: Each status that 1.1 states, and what brings it about.
WAYS: dict[int, tuple[str, Callable[[Lab], httpx.Response]]] = {
    202: ("the example", lambda lab: send(lab, CURRENT)),
    400: (
        "a frequency that there is not",
        lambda lab: send(lab, CURRENT, {**REQUEST, "replication_frequency": "2min"}),
    ),
    401: ("another secret", lambda lab: send(lab, CURRENT, key=("", "other"))),
    403: ("a key that may only read", _reader),
    404: ("a volume that there is not", lambda lab: send(lab, CURRENT, {**REQUEST, "volume_id": "no-such-volume"})),
    409: ("the example once more: the name is taken", _taken),
}


@pytest.mark.parametrize("status", CURRENT.statuses)
def test_every_stated_status_comes(lab: Lab, status: int) -> None:
    answer = WAYS[status][1](lab)
    assert answer.status_code == status
    if status >= 400:
        assert scp.error(answer)[0] == status


def test_the_printed_signature_is_of_nobody(lab: Lab) -> None:
    url = f"{lab.facts['regions'][EAST]['http']}{CURRENT.path}"
    answer = httpx.post(url, json=REQUEST, headers=CURRENT.headers, trust_env=False)
    assert scp.error(answer)[:2] == (401, "HmacValidFail")


def test_the_answer_has_the_shape_of_the_example(lab: Lab) -> None:
    told = send(lab, CURRENT).json()
    assert {name: type(value) for name, value in told.items()} == {name: type(value) for name, value in ANSWER.items()}
    assert list(told) == list(ANSWER)
    # The page has the same id and the same region in every place; who is who can only be told from their names.
    assert told["source_volume_id"] == ANSWER["source_volume_id"]
    assert told["replication_status"] == ANSWER["replication_status"]
    assert {told["protocol"], ANSWER["protocol"]} <= set(SCHEMAS["Protocol"]["enum"])
    assert (told["source_volume_region"], told["replication_volume_region"]) == (
        EAST,
        ANSWER["replication_volume_region"],
    )


def test_what_was_asked_for_is_there_afterwards(lab: Lab) -> None:
    made = send(lab, CURRENT).json()
    lab.clock.advance(lab.emulator.cloud.settings.create_s)
    lab.west = lab.client(WEST, Signed(CURRENT.headers["Scp-Accesskey"], "secret"))
    shown = lab.show(made["replication_id"], made["replication_volume_id"])
    asked = {name: REQUEST[name] for name in ("replication_frequency", "replication_type", "backup_retention_count")}
    assert {name: shown[name] for name in asked} == asked
    assert shown["replication_volume_name"] == REQUEST["name"]
    assert (shown["source_volume_id"], shown["replication_policy"]) == (ID, "use")
    assert REQUEST["cifs_password"] not in json.dumps(shown)


def test_the_example_of_the_version_that_ended_is_refused_with_the_day(lab: Lab) -> None:
    answer = send(lab, ENDED, json.loads(ENDED.request))
    status, code, detail = scp.error(answer)
    assert (status, code) == (400, "InvalidApiVersion")
    assert ENDED.until in detail
    assert send(lab, ENDED, key=("", "other")).status_code == 401
    assert lab.state["replications"] == {}


def test_nothing_of_the_page_is_forgotten() -> None:
    assert {
        "versions": len(PAGE),
        "json": sum(bool(json.loads(text)) for printed in PAGE for text in (printed.request, printed.answer)),
        "headers": sum(len(printed.headers) for printed in PAGE),
        "statuses": sum(len(printed.statuses) for printed in PAGE),
    } == COUNTED
    assert WAYS.keys() == set(CURRENT.statuses)
    assert {400, 401} | OVER == set(ENDED.statuses)
    # Both versions print the same, and the document of 1.1 has room for all of it.
    assert (json.loads(ENDED.request), json.loads(ENDED.answer)) == (REQUEST, ANSWER)
    assert REQUEST.keys() == SCHEMAS["ReplicationCreate"]["properties"].keys()
    assert ANSWER.keys() == SCHEMAS["ReplicationCreated"]["properties"].keys()
