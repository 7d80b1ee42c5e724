"""SCP File Storage under schemathesis: no answer that the document does not have, and every success is reached."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.auth import AuthBase

from reconciler.emulators.certificate import Certificate
from tests.contract.fuzz_bench import Bench, Feed, load, operations, successes, table
from tests.lab import scp
from tests.lab.scp import DOCUMENT, EAST, WEST, Lab, Signed

CONTENT = load(DOCUMENT)

HEADERS: Feed = {
    "Scp-Timestamp": ["~now"], "Scp-AccountId": ["~account"], "Scp-Api-Version": ["filestorage 1.1"],
}  # fmt: skip
PAIR: Feed = {"replication_id": ["~pair"], "volume_id": ["~replica"]}
FEEDS: dict[str, Feed] = {
    "createVolumeReplication": {"volume_id": ["~new"], "region": [EAST], "name": ["~name"]},
    "listVolumeReplicationRegion": {"source_region_name": [WEST, EAST]},
    "ShowVolumeReplication": PAIR,
    "setVolumeReplication": PAIR,
    "deleteVolumeReplication": {"replication_id": ["~paused"], "volume_id": ["~replica"]},
    "createVolume": {"name": ["~name"], "cifs_password": [scp.PASSWORD]},
    "deleteVolume": {"volume_id": ["~new"]},
    "setAccessRule": {"volume_id": ["~volume"], "object_id": ["~server"], "object_type": ["VM"], "action": ["add"]},
    "deleteSnapshot": {"volume_id": ["~volume"], "snapshot_id": ["~snapshot"]},
}
WRITES = {"setVolumeReplication", "deleteVolumeReplication"}
AT_REPLICA = {*WRITES, "ShowVolumeReplication"}
#: The other answer to each question that the documents leave open.
OTHERWISE: dict[str, Any] = {
    "write_status": 200, "echo": "asked", "name_suffix": True, "settled_status": "idle", "paused_status": "stopped",
    "busy_status": None, "source_access": "ro", "replica_purpose": "none", "count": "page", "name_filter": "exact",
    "either_id": False, "unknown_volume": "empty", "backup_delete": "either", "blocking_snapshots": "none",
    "replications_per_volume": 1, "account_header": "required",
}  # fmt: skip


class Hmac(AuthBase):
    """Signs what goes out with the timestamp, the account and the kind of client that it has."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self.signed = Signed(access_key, secret_key)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        stamp, account, kind = (
            _text(request.headers.get(f"Scp-{name}", "")) for name in ("Timestamp", "AccountId", "ClientType")
        )
        signature = self.signed.signature(str(request.method), str(request.url), stamp, account, kind)
        request.headers.update({"Scp-Accesskey": self.signed.access_key, "Scp-Signature": signature})
        return request


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


class Things:
    """What there is in the account, made anew where it is gone."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.numbers = lab, itertools.count()
        self.kept, self.shown = "", dict[str, Any]()

    def makers(self) -> dict[str, Any]:
        facts = self.lab.facts
        return {
            "~now": lambda: str(int(time.time() * 1000)),
            "~account": lambda: facts["account_id"],
            "~server": lambda: facts["virtual_servers"][0],
            "~name": self.name,
            "~volume": self.volume,
            "~new": lambda: self.lab.volume(self.name()),
            "~snapshot": self.snapshot,
            "~pair": self.pair,
            "~paused": self.paused,
            "~replica": self.replica,
        }

    def name(self) -> str:
        return f"n{next(self.numbers):05x}"

    def volume(self) -> str:
        if self.kept not in self.lab.emulator.cloud.volumes:
            self.kept = self.lab.volume(self.name())
        return self.kept

    def snapshot(self) -> str:
        answer = self.lab.west.post("/v1/snapshots", json={"volume_id": self.volume()})
        return str(answer.json()["snapshot"]["id"])

    def pair(self) -> str:
        self.lab.emulator.engine.settle()
        if self.shown.get("replication_id") not in self.lab.emulator.cloud.replications:
            self.shown = self.lab.create(self.lab.volume(self.name()), self.name())
        return str(self.shown["replication_id"])

    def replica(self) -> str:
        self.pair()
        return str(self.shown["replication_volume_id"])

    def paused(self) -> str:
        pair = self.pair()
        self.lab.emulator.act("set-replication", {"replication_id": pair, "policy": "paused"})
        return pair


@pytest.fixture(params=["usual", "otherwise"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(flavour: str, tmp_path: Path, certificate: Certificate) -> Iterator[Bench]:
    with scp.start(tmp_path, certificate) as lab:
        facts, reader = lab.facts, lab.facts["reader"]
        lab.emulator.switch({"skew_s": None, "create_s": 0, "change_s": 0, "delete_s": 0, "region_lag_s": 0})
        lab.emulator.switch(OTHERWISE if flavour == "otherwise" else {})
        right = Signed(facts["access_key"], facts["secret_key"], facts["account_id"])
        lab.west, lab.east = lab.client(WEST, right), lab.client(EAST, right)
        hosts = {name: ends["http"] for name, ends in facts["regions"].items()}
        auths = {
            "right": Hmac(right.access_key, right.secret_key), "wrong": Hmac(right.access_key, "x"), "none": None,
            "other": Hmac(reader["access_key"], reader["secret_key"]),
        }  # fmt: skip
        yield Bench(
            CONTENT, lambda one: hosts[EAST if one["operationId"] in AT_REPLICA else WEST], auths, Things(lab).makers(),
            lab.log,
        )  # fmt: skip


def test_nothing_is_answered_that_is_not_documented(bench: Bench, flavour: str) -> None:
    for name in operations(CONTENT):
        bench.fire(name, {**HEADERS, **FEEDS.get(name, {"volume_id": ["~volume"]})}, thorough=flavour == "usual")
    print(table(bench))
    assert not bench.found, "\n".join(bench.found.values())
    elsewhere = {"200"} if flavour == "usual" else {"202"}
    only = {(name, status) for name in WRITES for status in elsewhere}
    assert successes(CONTENT) - only <= bench.seen.keys()
