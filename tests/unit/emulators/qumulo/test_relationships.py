"""Object relationships: what a create checks, what an answer holds, what is refused."""

import socket
from typing import Any

import pytest

from tests.lab.qumulo import RELATIONSHIPS, Lab, body
from tests.lab.rclone import ObjectServer

MEMBERS = {
    "id",
    "direction",
    "local_directory_id",
    "object_store_address",
    "port",
    "ca_certificate",
    "bucket",
    "bucket_style",
    "object_folder",
    "region",
    "access_key_id",
}


@pytest.fixture
def wanted(objects: ObjectServer, bucket: str, lab: Lab) -> dict[str, Any]:
    """A create request that works, for the directory /a."""
    lab.put("/a/file.txt", "content")
    return body(objects, bucket=bucket, local_directory_path="/a")


@pytest.fixture
def slow(lab: Lab) -> None:
    """Jobs run until the test lets time pass."""
    lab.emulator.switch({"job_seconds": 1000})
    lab.clock.freeze()


def changed(wanted: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**wanted, **changes}.items() if value is not None}


def test_a_create_answers_with_the_relationship_and_starts_a_job(lab: Lab, wanted: dict[str, Any], slow: None) -> None:
    made = lab.create(wanted)
    assert set(made) == MEMBERS
    assert made["local_directory_id"] == lab.api.get("/v1/files/%2Fa/info/attributes").json()["id"]
    assert isinstance(made["port"], int)
    status = lab.status(made["id"])
    assert status["state"] == "REPLICATION_RUNNING"
    assert status["local_directory_path"] == "/a/"
    assert status["last_job"] is None
    assert {name: status[name] for name in MEMBERS} == made


def test_lists_are_bare_arrays(lab: Lab, wanted: dict[str, Any]) -> None:
    assert lab.api.get(RELATIONSHIPS).json() == []
    made = lab.create(wanted)
    assert lab.api.get(RELATIONSHIPS).json() == [made]
    assert lab.api.get(RELATIONSHIPS + made["id"]).json() == made
    status = lab.finish(made["id"])
    assert lab.api.get(f"{RELATIONSHIPS}status/").json() == [status]


def test_directory_by_id_or_by_path(lab: Lab, wanted: dict[str, Any]) -> None:
    by_path = lab.create(wanted)
    by_id = lab.create(
        changed(wanted, local_directory_path=None, local_directory_id=by_path["local_directory_id"], object_folder="x")
    )
    assert by_id["local_directory_id"] == by_path["local_directory_id"]


def test_the_same_create_twice_makes_two(lab: Lab, wanted: dict[str, Any]) -> None:
    assert lab.create(wanted)["id"] != lab.create(wanted)["id"]
    assert len(lab.api.get(RELATIONSHIPS).json()) == 2


def test_defaults_of_the_server(lab: Lab, wanted: dict[str, Any]) -> None:
    no_style = lab.api.post(RELATIONSHIPS, json=changed(wanted, bucket_style=None))
    assert f"{wanted['bucket']}.127.0.0.1" in no_style.json()["description"], "virtual hosted is the default"
    no_port = lab.api.post(RELATIONSHIPS, json=changed(wanted, port=None))
    assert "127.0.0.1:443" in no_port.json()["description"]
    assert lab.api.get(RELATIONSHIPS).json() == []


@pytest.mark.parametrize("value", [None, "", "absent"])
def test_switch_empty_ca(lab: Lab, wanted: dict[str, Any], value: str | None) -> None:
    lab.emulator.switch({"public_authorities": "world", "empty_ca": value})
    made = lab.create(changed(wanted, ca_certificate=None))
    assert made.get("ca_certificate", "absent") == value
    assert lab.finish(made["id"])["last_job"]["error"] == ""


def test_public_authorities_do_not_know_a_private_one(lab: Lab, wanted: dict[str, Any]) -> None:
    answer = lab.api.post(RELATIONSHIPS, json=changed(wanted, ca_certificate=None))
    assert answer.status_code == 400
    assert "certificate" in answer.json()["description"]


@pytest.mark.parametrize(
    ("form", "given", "expected"),
    [
        ("keep", "/my-folder/", "my-folder/"),
        ("keep", "my-folder", "my-folder"),
        ("keep", "//a/b", "a/b"),
        ("keep", "/", ""),
        ("keep", "", ""),
        ("strip", "/my-folder/", "my-folder"),
        ("strip", "/", ""),
        ("slash", "my-folder", "my-folder/"),
        ("slash", "", ""),
    ],
)
def test_switch_folder_form(lab: Lab, wanted: dict[str, Any], form: str, given: str, expected: str) -> None:
    lab.emulator.switch({"folder_form": form})
    made = lab.create(changed(wanted, object_folder=given))
    assert made["object_folder"] == expected
    assert lab.status(made["id"])["object_folder"] == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "BOTH"},
        {"direction": None},
        {"bucket": None},
        {"bucket": ""},
        {"region": None},
        {"object_folder": None},
        {"access_key_id": ""},
        {"secret_access_key": None},
        {"object_store_address": None},
        {"port": "443"},
        {"port": 0},
        {"port": 65536},
        {"port": True},
        {"bucket_style": "PATH"},
        {"ca_certificate": "not PEM"},
        {"ca_certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"local_directory_id": "2"},
        {"local_directory_path": None},
        {"local_directory_path": "relative"},
        {"name": "mine"},
    ],
)
def test_a_request_that_is_wrong_is_400(lab: Lab, wanted: dict[str, Any], changes: dict[str, Any]) -> None:
    answer = lab.api.post(RELATIONSHIPS, json=changed(wanted, **changes))
    assert answer.status_code == 400
    assert wanted["secret_access_key"] not in answer.text
    assert lab.api.get(RELATIONSHIPS).json() == []


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b'"text"', b"\xff"])
def test_a_body_that_is_no_object_is_400(lab: Lab, content: bytes) -> None:
    assert lab.api.post(RELATIONSHIPS, content=content).status_code == 400


def test_the_directory_must_exist_and_be_one(lab: Lab, wanted: dict[str, Any]) -> None:
    missing = lab.api.post(RELATIONSHIPS, json=changed(wanted, local_directory_path="/nowhere"))
    assert (missing.status_code, missing.json()["error_class"]) == (404, "fs_no_such_entry_error")
    file = lab.api.post(RELATIONSHIPS, json=changed(wanted, local_directory_path="/a/file.txt"))
    assert (file.status_code, file.json()["error_class"]) == (400, "fs_not_a_directory_error")


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bucket": "no-such-bucket"}, "the bucket does not exist"),
        ({"secret_access_key": "wrong-secret-9"}, "the secret access key is wrong"),
        ({"port": 1}, "cannot be reached"),
        ({"bucket_style": "BUCKET_STYLE_VIRTUAL_HOSTED"}, "cannot be resolved"),
    ],
)
def test_the_bucket_must_be_usable(
    lab: Lab, wanted: dict[str, Any], changes: dict[str, Any], reason: str, status: int
) -> None:
    lab.emulator.switch({"bucket_status": status})
    answer = lab.api.post(RELATIONSHIPS, json=changed(wanted, **changes))
    assert answer.status_code == status
    assert reason in answer.json()["description"]
    assert "wrong-secret-9" not in answer.text
    assert lab.api.get(RELATIONSHIPS).json() == []


def test_virtual_hosted_style_needs_a_bucket_name_without_dots(lab: Lab, wanted: dict[str, Any]) -> None:
    changes = {"bucket_style": "BUCKET_STYLE_VIRTUAL_HOSTED", "bucket": "a.b", "object_store_address": "localhost"}
    answer = lab.api.post(RELATIONSHIPS, json=changed(wanted, **changes))
    assert answer.status_code == 400
    assert "certificate" in answer.json()["description"]


def test_virtual_hosted_style_asks_for_the_bucket_in_the_host_name(
    lab: Lab, odd_objects: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve, asked = socket.getaddrinfo, set()

    def below_localhost(host: str, *rest: Any, **more: Any) -> Any:
        # As most systems resolve it; not all do.
        asked.add(host)
        return resolve("127.0.0.1" if host.endswith(".localhost") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", below_localhost)
    odd_objects.client().create_bucket(Bucket="hosted")
    lab.put("/v/file.txt", "content")
    made = lab.create(
        body(
            odd_objects,
            bucket="hosted",
            bucket_style="BUCKET_STYLE_VIRTUAL_HOSTED",
            object_store_address="localhost",
            local_directory_path="/v",
        )
    )
    assert lab.finish(made["id"])["last_job"]["error"] == ""
    assert "hosted.localhost" in asked
    assert odd_objects.client().get_object(Bucket="hosted", Key="file.txt")["Body"].read() == b"content"


def test_there_is_no_way_to_change_a_relationship(lab: Lab, wanted: dict[str, Any]) -> None:
    made = lab.create(wanted)
    for method in ("PUT", "PATCH"):
        assert lab.api.request(method, RELATIONSHIPS + made["id"], json=wanted).status_code == 405
        assert lab.api.request(method, RELATIONSHIPS, json=wanted).status_code == 405


@pytest.mark.parametrize(
    ("method", "rest"),
    [("GET", ""), ("DELETE", ""), ("GET", "/status"), ("POST", "/replicate"), ("POST", "/abort-replication")],
)
def test_an_unknown_relationship_is_404(lab: Lab, method: str, rest: str) -> None:
    answer = lab.api.request(method, f"{RELATIONSHIPS}1c23b4ed-5c67-8f90-1e23-a4f5f6ceff78{rest}")
    assert (answer.status_code, answer.json()["error_class"]) == (404, "http_not_found_error")


def test_a_delete_forgets_the_relationship_and_keeps_the_files(
    lab: Lab, wanted: dict[str, Any], objects: ObjectServer
) -> None:
    made = lab.create(wanted)
    lab.finish(made["id"])
    answer = lab.api.delete(RELATIONSHIPS + made["id"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert lab.api.get(RELATIONSHIPS).json() == []
    assert lab.read("/a/file.txt") == b"content"
    assert objects.client().get_object(Bucket=wanted["bucket"], Key="file.txt")["Body"].read() == b"content"


def test_if_match_guards_a_delete(lab: Lab, wanted: dict[str, Any]) -> None:
    made = lab.create(wanted)
    lab.finish(made["id"])
    tag = lab.api.get(RELATIONSHIPS + made["id"]).headers["ETag"]
    assert tag.startswith('"')
    assert lab.api.delete(RELATIONSHIPS + made["id"], headers={"If-Match": '"other"'}).status_code == 412
    assert lab.api.delete(RELATIONSHIPS + made["id"], headers={"If-Match": tag}).status_code == 200


@pytest.mark.parametrize("status", [409, 400])
def test_switch_delete_running_status(lab: Lab, wanted: dict[str, Any], slow: None, status: int) -> None:
    lab.emulator.switch({"delete_running_status": status})
    made = lab.create(wanted)
    assert lab.api.delete(RELATIONSHIPS + made["id"]).status_code == status
    assert lab.status(made["id"])["state"] == "REPLICATION_RUNNING"
    lab.clock.advance(1001)
    lab.finish(made["id"])
    assert lab.api.delete(RELATIONSHIPS + made["id"]).status_code == 200


@pytest.mark.parametrize(("behaviour", "status"), [("conflict", 409), ("noop", 202)])
def test_switch_replicate_while_running(
    lab: Lab, wanted: dict[str, Any], slow: None, behaviour: str, status: int
) -> None:
    lab.emulator.switch({"replicate_while_running": behaviour})
    made = lab.create(wanted)
    started = lab.status(made["id"])["current_job"]["start_time"]
    assert lab.api.post(f"{RELATIONSHIPS}{made['id']}/replicate").status_code == status
    assert lab.status(made["id"])["current_job"]["start_time"] == started
    lab.clock.advance(1001)
    lab.finish(made["id"])
    assert len(lab.jobs()) == 1


@pytest.mark.parametrize("value", ["monitor_uri", "empty"])
def test_switch_replicate_body(lab: Lab, wanted: dict[str, Any], value: str) -> None:
    lab.emulator.switch({"replicate_body": value})
    made = lab.create(wanted)
    lab.finish(made["id"])
    answer = lab.api.post(f"{RELATIONSHIPS}{made['id']}/replicate")
    assert answer.status_code == 202
    assert (answer.content == b"") is (value == "empty")


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("path", ["/a", "/a/below", "/"])
def test_a_directory_to_be_filled_must_be_alone(lab: Lab, wanted: dict[str, Any], path: str, status: int) -> None:
    lab.emulator.switch({"overlap_status": status})
    lab.mkdir("/a/below")
    lab.mkdir("/b")
    lab.create(wanted)
    filling = changed(wanted, direction="COPY_FROM_OBJECT", local_directory_path=path)
    assert lab.api.post(RELATIONSHIPS, json=filling).status_code == status
    assert lab.api.post(RELATIONSHIPS, json={**filling, "local_directory_path": "/b"}).status_code == 200


@pytest.mark.parametrize("path", ["/a", "/a/below", "/"])
def test_nothing_is_uploaded_from_a_directory_to_be_filled(lab: Lab, wanted: dict[str, Any], path: str) -> None:
    lab.mkdir("/a/below")
    lab.create(changed(wanted, direction="COPY_FROM_OBJECT"))
    assert lab.api.post(RELATIONSHIPS, json=changed(wanted, local_directory_path=path)).status_code == 400


def test_switch_overlap_copy_to(lab: Lab, wanted: dict[str, Any]) -> None:
    lab.create(wanted)
    lab.emulator.switch({"overlap_copy_to": "refuse"})
    assert lab.api.post(RELATIONSHIPS, json=wanted).status_code == 400


def test_a_directory_that_is_gone_is_in_nobodys_way(lab: Lab, wanted: dict[str, Any]) -> None:
    lab.finish(lab.create(wanted)["id"])
    lab.emulator.act("delete", {"path": "/a"})
    lab.mkdir("/a")
    assert lab.create(changed(wanted, direction="COPY_FROM_OBJECT"))


@pytest.mark.parametrize(("behaviour", "expected"), [("empty", ""), ("absent", None)])
def test_switch_status_missing_path(lab: Lab, wanted: dict[str, Any], behaviour: str, expected: str | None) -> None:
    lab.emulator.switch({"status_missing_path": behaviour})
    made = lab.create(wanted)
    lab.finish(made["id"])
    lab.emulator.act("delete", {"path": "/a"})
    lab.mkdir("/a")
    assert lab.status(made["id"]).get("local_directory_path") == expected


@pytest.mark.parametrize(("behaviour", "status"), [("allow", 200), ("refuse", 400)])
def test_switch_empty_source(lab: Lab, wanted: dict[str, Any], behaviour: str, status: int) -> None:
    lab.emulator.switch({"empty_source": behaviour})
    filling = changed(wanted, direction="COPY_FROM_OBJECT", object_folder="nothing-here")
    assert lab.api.post(RELATIONSHIPS, json=filling).status_code == status


def test_the_secret_goes_in_and_never_comes_out(lab: Lab, wanted: dict[str, Any]) -> None:
    made = lab.create(wanted)
    lab.finish(made["id"])
    lab.api.get(RELATIONSHIPS)
    lab.api.get(f"{RELATIONSHIPS}status/")
    secret = wanted["secret_access_key"].encode()
    assert all(secret not in one.response_body for one in lab.recorder.exchanges)
    told = repr(lab.log.since()) + repr(lab.emulator.state()) + repr(vars(lab.emulator.cluster.replication))
    assert secret.decode() not in told


@pytest.mark.parametrize(
    "values",
    [
        {"folder_form": "other"},
        {"no_such_switch": 1},
        {"delete_running_status": "409"},
        {"delete_running_status": 409.0},
        {"job_seconds": -1},
        {"job_seconds": "1"},
        {"job_seconds": float("nan")},
        {"page_limit": 0},
        {"page_limit": 1.5},
        {"bucket_page": 1001},
        {"empty_ca": 0},
        {"job_seconds": 1, "percent_scale": True},
    ],
)
def test_a_switch_that_cannot_be_changes_nothing(lab: Lab, values: dict[str, Any]) -> None:
    before = lab.emulator.switches()
    with pytest.raises(ValueError, match=r"must be|no switch"):
        lab.emulator.switch(values)
    assert lab.emulator.switches() == before


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("fly", {}),
        ("write", {}),
        ("write", {"path": "relative", "text": ""}),
        ("write", {"path": "/a"}),
        ("write", {"path": "/a", "text": "x", "base64": "eA=="}),
        ("write", {"path": "/a", "base64": "?"}),
        ("delete", {"path": "/nowhere"}),
        ("make-directory", {"path": "/x/.."}),
    ],
)
def test_an_act_that_cannot_be(lab: Lab, action: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        lab.emulator.act(action, arguments)
