"""Targets: what a PUT may hold, in which order it is looked at, what is kept, and what comes back."""

import json
import threading
import uuid
from typing import Any

import httpx
import pytest

from tests.lab.alarik import MASK, NEW, Lab, Server, eventually, keys, rule, target

#: The request of the vendor's page, as it stands there.
EXAMPLE = """
{
    "targets": [
        {
            "id": "00000000-0000-0000-0000-000000000000",
            "endpoint": "https://remote.example.com",
            "targetBucket": "backup-bucket",
            "accessKeyId": "AKIA...",
            "secretAccessKey": "...",
            "region": "us-east-1",
            "enabled": true
        }
    ]
}
"""
REMOTE = json.loads(EXAMPLE)["targets"][0]


def path(bucket: str) -> str:
    return f"/api/v1/buckets/{bucket}/replication/targets"


def secrets(server: Server, bucket: str) -> list[bool]:
    """Whether each stored secret is the mask."""
    return [one["secretIsMask"] for one in server.state["buckets"][bucket]["targets"]]


def test_the_vendors_example_is_saved(here: Server) -> None:
    bucket = here.bucket()
    answer = here.api.put(path(bucket), content=EXAMPLE, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    saved = answer.json()["targets"][0]
    assert saved == {**REMOTE, "id": saved["id"], "secretAccessKey": MASK}
    assert saved["id"] == str(uuid.UUID(saved["id"])).upper() != NEW
    assert here.get(bucket, "targets") == [saved]


def test_a_port_in_the_endpoint_is_kept(here: Server) -> None:
    sent = {
        "id": NEW, "endpoint": "https://h:9000", "targetBucket": "b", "accessKeyId": "AK", "secretAccessKey": "SK",
        "region": "us-east-1", "enabled": True,
    }  # fmt: skip
    saved = here.saved(here.bucket(), "targets", sent)[0]
    assert saved == {**sent, "id": saved["id"], "secretAccessKey": MASK}


def test_unknown_members_are_ignored_and_strings_are_kept_as_they_are(lab: Lab, here: Server) -> None:
    bucket = here.bucket()
    odd = {**REMOTE, "endpoint": "HTTPS://Remote.Example.com:9000/path/?x=1", "region": "", "name": "mine"}
    answer = here.put(bucket, "targets", [odd])
    lab.recorder.clear()  # the document does not have what the server ignores
    assert answer.status_code == 200
    assert {key: answer.json()["targets"][0].get(key) for key in ("endpoint", "region", "name")} == {
        "endpoint": odd["endpoint"],
        "region": "",
        "name": None,
    }


def test_a_client_may_choose_the_id_in_any_case(here: Server) -> None:
    bucket = here.bucket()
    chosen = "6f1c1b7e-8f55-5d0a-9c3e-0d7c1f2a3b4c"
    assert here.saved(bucket, "targets", {**REMOTE, "id": chosen})[0]["id"] == chosen.upper()
    here.emulator.switch({"uuid_case": "lower"})
    assert here.get(bucket, "targets")[0]["id"] == chosen


def test_an_id_of_zeros_is_another_id_every_time(here: Server) -> None:
    bucket = here.bucket()
    first = here.saved(bucket, "targets", REMOTE)[0]
    made = here.saved(bucket, "rules", rule(first["id"]))[0]
    second = here.saved(bucket, "targets", REMOTE)[0]
    assert first["id"] != second["id"]
    assert here.get(bucket, "rules") == [{**made, "enabled": False}]


def test_the_order_of_the_list_is_kept(here: Server) -> None:
    bucket = here.bucket()
    sent = [{**REMOTE, "targetBucket": name} for name in ("z", "a", "m", "b")]
    assert [one["targetBucket"] for one in here.saved(bucket, "targets", *sent)] == ["z", "a", "m", "b"]


INTERNAL = "Only administrators can configure replication targets pointing at private or loopback addresses."
URL = "Webhook URL must be a valid http(s) URL with a host."
CREDENTIALS = "Each replication target requires credentials."
REFUSED = [
    ([REMOTE] * 5, 400, "A bucket may have at most 4 replication targets."),
    ([{**REMOTE, "endpoint": "remote.example.com"}], 400, URL),
    ([{**REMOTE, "endpoint": "ftp://remote.example.com"}], 400, URL),
    ([{**REMOTE, "endpoint": "https://"}], 400, URL),
    ([{**REMOTE, "endpoint": ""}], 400, URL),
    ([{**REMOTE, "endpoint": "http://[::1"}], 400, URL),
    ([{**REMOTE, "targetBucket": ""}], 400, "Each replication target requires a destination bucket."),
    ([{**REMOTE, "accessKeyId": ""}], 400, CREDENTIALS),
    ([{**REMOTE, "secretAccessKey": ""}], 400, CREDENTIALS),
    ([{**REMOTE, "id": str(uuid.uuid4()), "secretAccessKey": MASK}], 400, CREDENTIALS),
    ([REMOTE, {**REMOTE, "targetBucket": ""}], 400, "Each replication target requires a destination bucket."),
]


@pytest.mark.parametrize(("sent", "status", "reason"), REFUSED)
def test_what_is_refused_leaves_everything_as_it_was(
    here: Server, sent: list[dict[str, Any]], status: int, reason: str
) -> None:
    bucket = here.bucket()
    before = here.saved(bucket, "targets", REMOTE)
    answer = here.put(bucket, "targets", sent)
    assert (answer.status_code, answer.json()) == (status, {"error": True, "reason": reason})
    assert here.get(bucket, "targets") == before


@pytest.mark.parametrize("member", sorted(REMOTE))
def test_every_member_is_required(here: Server, member: str) -> None:
    bucket = here.bucket()
    sent = {key: value for key, value in REMOTE.items() if key != member}
    answer = here.put(bucket, "targets", [sent])
    assert (answer.status_code, answer.json()["error"]) == (400, True)
    assert f"No such key '{member}' at path 'targets.Index 0'." in answer.json()["reason"]
    here.emulator.switch({"decode_text": "older"})
    answer = here.put(bucket, "targets", [sent])
    assert answer.json()["reason"] == f"Value required for key 'targets.Index 0.{member}'."


@pytest.mark.parametrize(
    ("member", "value", "reason"),
    [
        ("id", "not-a-uuid", "Attempted to decode UUID from invalid UUID string."),
        ("id", "{6f1c1b7e-8f55-5d0a-9c3e-0d7c1f2a3b4c}", "Attempted to decode UUID from invalid UUID string."),
        ("id", 7, "was not of type 'String'"),
        ("enabled", "true", "was not of type 'Bool'"),
        ("enabled", 1, "was not of type 'Bool'"),
        ("region", None, "No value found (expected type 'String')"),
        ("targetBucket", True, "was not of type 'String'"),
    ],
)
def test_types_are_strict(here: Server, member: str, value: object, reason: str) -> None:
    answer = here.put(here.bucket(), "targets", [{**REMOTE, member: value}])
    assert answer.status_code == 400
    assert reason in answer.json()["reason"]
    here.emulator.switch({"decode_text": "older"})
    assert here.put(here.bucket(), "targets", [{**REMOTE, member: value}]).status_code == 400


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"targets": {}}', "application/json", 400),
        (b'{"targets": []}', "text/plain", 415),
        (b'{"targets": []}', None, 415),
        (b"", "application/json", 422),
        (b'{"targets": []}' + b" " * 1_000_000, "application/json", 413),
    ],
)
def test_bodies_that_cannot_be_read(here: Server, content: bytes, kind: str | None, status: int) -> None:
    answer = here.api.put(path(here.bucket()), content=content, headers={"Content-Type": kind} if kind else {})
    assert (answer.status_code, answer.json()["error"]) == (status, True)


def test_the_order_of_the_checks(lab: Lab, here: Server) -> None:
    """Each request has everything wrong that the one before had, less the first thing."""
    nobody, other = lab.client(here.facts["http"], {}), lab.client(here.facts["http"], keys(here, "other"))
    mine = here.bucket()
    assert other.post("/api/v1/buckets", json={"name": "guests", "versioningEnabled": True}).status_code == 200
    wrong = {**REMOTE, "endpoint": "nowhere", "targetBucket": "", "accessKeyId": ""}
    internal = {**wrong, "endpoint": "http://10.0.0.1"}

    def told(client: httpx.Client, bucket: str, *sent: dict[str, Any]) -> str:
        return str(client.put(path(bucket), json={"targets": list(sent)}).json()["reason"])

    assert told(nobody, mine, *[{}] * 5) == "Unauthorized"
    assert "No such key" in told(other, mine, *[{}] * 5)
    assert told(other, mine, *[wrong] * 5) == "A bucket may have at most 4 replication targets."
    assert told(other, mine, wrong) == "Bucket not found"
    assert told(other, "missing-bucket", wrong) == "Bucket not found"
    assert told(other, "guests", wrong) == URL
    assert told(other, "guests", internal) == INTERNAL
    assert told(here.api, mine, internal) == "Each replication target requires a destination bucket."
    assert told(here.api, mine, {**internal, "targetBucket": "b"}) == CREDENTIALS


@pytest.mark.parametrize(
    ("host", "internal"),
    [
        ("localhost", True), ("LOCALHOST:9000", True), ("s3.localhost", True), ("[::1]:9000", True),
        ("[fe80::1]", True), ("[fd00::1]", True), ("[fc00::1]", True), ("[2001:db8::1]", False),
        ("127.0.0.1", True), ("127.1", True), ("2130706433", True), ("0x7f000001", True), ("0177.0.0.1", True),
        ("0x7f.1", True), ("10.255.0.1", True), ("172.16.0.1", True), ("172.31.255.255", True), ("172.32.0.1", False),
        ("192.168.1.1", True), ("192.167.1.1", False), ("169.254.169.254", True), ("0.0.0.0", True), ("8.8.8.8", False),
        ("1.2.3.4.5", False), ("256.1.1.1", False), ("1.2.65536", False), ("4294967296", False), ("127.0.0.", False),
        ("08.0.0.1", False), ("0xzz", False), ("127.0.0.1.example.com", False), ("fcdn.example.com", False),
        ("fd-images.net", False), ("localhost.example.com", False),
    ],
)  # fmt: skip
def test_only_administrators_replicate_into_their_own_network(here: Server, host: str, internal: bool) -> None:
    bucket = here.bucket()
    sent = {**REMOTE, "endpoint": f"https://{host}"}
    assert here.put(bucket, "targets", [sent]).status_code == 200
    here.emulator.switch({"is_admin": False})
    answer = here.put(bucket, "targets", [sent])
    if internal:
        assert (answer.status_code, answer.json()["reason"]) == (403, INTERNAL)
        here.emulator.switch({"internal_host_check": False})
        assert here.put(bucket, "targets", [sent]).status_code == 200
    else:
        assert answer.status_code == 200


def test_the_truth_table_of_secrets(here: Server) -> None:
    bucket = here.bucket()
    known = here.saved(bucket, "targets", {**REMOTE, "secretAccessKey": "one"})[0]
    first = here.state["buckets"][bucket]["targets"][0]["secretSha256"]
    kept = here.saved(bucket, "targets", known)[0]
    assert (kept["secretAccessKey"], here.state["buckets"][bucket]["targets"][0]["secretSha256"]) == (MASK, first)
    lower = here.saved(bucket, "targets", {**known, "id": known["id"].lower()})[0]
    assert lower["id"] == known["id"]
    rotated = here.saved(bucket, "targets", {**known, "secretAccessKey": "two"})[0]
    assert rotated == known
    assert here.state["buckets"][bucket]["targets"][0]["secretSha256"] != first
    for secret in ("", MASK):
        unknown = {**REMOTE, "id": str(uuid.uuid4()), "secretAccessKey": secret}
        assert here.put(bucket, "targets", [known, unknown]).json()["reason"] == CREDENTIALS
    assert here.put(bucket, "targets", [{**known, "secretAccessKey": ""}]).json()["reason"] == CREDENTIALS
    assert secrets(here, bucket) == [False]
    assert here.saved(bucket, "targets", {**REMOTE, "secretAccessKey": MASK})[0]["id"] != known["id"]
    assert secrets(here, bucket) == [True]


def test_early_betas_give_secrets_away_and_take_the_mask_for_one(here: Server, lab: Lab) -> None:
    here.emulator.switch({"mask": False})
    bucket = here.bucket()
    known = here.saved(bucket, "targets", {**REMOTE, "secretAccessKey": "in the clear"})[0]
    assert known["secretAccessKey"] == "in the clear"
    assert here.get(bucket, "targets")[0]["secretAccessKey"] == "in the clear"
    assert here.saved(bucket, "targets", {**known, "secretAccessKey": MASK})[0]["secretAccessKey"] == MASK
    assert secrets(here, bucket) == [True]
    late = here.put("missing-bucket", "targets", [{**REMOTE, "targetBucket": ""}])
    assert late.json()["reason"] == "Each replication target requires a destination bucket."


def test_rules_that_lose_their_target_are_disabled_for_good(here: Server, there: Server) -> None:
    bucket = here.bucket()
    one, two = here.saved(bucket, "targets", target(there, "one"), target(there, "two"))
    rules = here.saved(bucket, "rules", rule(one["id"]), rule(two["id"]))
    here.saved(bucket, "targets", two)
    assert here.get(bucket, "rules") == [{**rules[0], "enabled": False}, rules[1]]
    here.saved(bucket, "targets", two, {**target(there, "one"), "id": one["id"]})
    assert here.get(bucket, "rules") == [{**rules[0], "enabled": False}, rules[1]]
    here.saved(bucket, "targets")
    assert [one["enabled"] for one in here.get(bucket, "rules")] == [False, False]


@pytest.mark.parametrize("switch", ["crash", "restart", "error"])
def test_a_repeated_id_is_saved_and_then_deadly(here: Server, lab: Lab, switch: str) -> None:
    here.emulator.switch({"duplicate_ids": switch})
    bucket = here.bucket()
    twice = [{**REMOTE, "id": str(uuid.UUID(int=7))}] * 2
    assert len(here.saved(bucket, "targets", *twice)) == 2
    if switch == "error":
        assert here.put(bucket, "targets", []).status_code == 500
        return
    with pytest.raises(httpx.TransportError):
        here.put(bucket, "targets", [])
    if switch == "crash":
        assert not here.emulator.up
        here.emulator.act("restart", {})
    eventually(lambda: here.emulator.up)
    assert len(here.get(bucket, "targets")) == 2
    here.s3().delete_bucket_replication(Bucket=bucket)
    assert here.put(bucket, "targets", []).status_code == 200


def test_of_two_writes_at_once_one_is_lost(here: Server, there: Server) -> None:
    bucket = here.bucket()
    first = here.saved(bucket, "targets", target(there, "one"))[0]
    here.emulator.switch({"save_gap_s": 0.5})
    together = threading.Barrier(2)

    def write(which: str, entry: dict[str, Any]) -> None:
        together.wait()
        assert here.put(bucket, which, [entry]).status_code == 200

    threads = [
        threading.Thread(target=write, args=("rules", rule(first["id"]))),
        threading.Thread(target=write, args=("targets", {**first, "enabled": False})),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rules_are_there, target_is_changed = bool(here.get(bucket, "rules")), not here.get(bucket, "targets")[0]["enabled"]
    assert rules_are_there != target_is_changed
