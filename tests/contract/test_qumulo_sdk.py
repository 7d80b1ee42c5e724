"""The vendor's own client drives the Qumulo emulator, and the referee reads along.

An emulator that only this project's adapter can talk to would prove nothing. Here `qumulo-api` logs in, makes and runs
relationships, walks the file system and manages tokens, and every exchange is held against the OpenAPI document.
"""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from qumulo.lib.identity_util import Identity
from qumulo.lib.request import RequestError, user_is_local_root
from qumulo.rest import object_replication
from qumulo.rest_client import RestClient

from reconciler.emulators.faults import Fault
from tests.contract.referee import Referee
from tests.lab.qumulo import RELATIONSHIPS, SDK_HOST, Lab
from tests.lab.rclone import ObjectServer

DOCUMENT = Path(__file__).parents[2] / "specs" / "qumulo" / "openapi.yaml"


@pytest.fixture(scope="module")
def referee() -> Referee:
    return Referee(DOCUMENT)


@pytest.fixture(autouse=True)
def _judged(lab: Lab, referee: Referee) -> Any:
    """Whatever a test did, the document must have it."""
    yield
    referee.judge_all(lab.recorder.exchanges)


@pytest.fixture
def sdk(lab: Lab) -> RestClient:
    client = lab.sdk()
    client.login(lab.facts["username"], lab.facts["password"])
    return client


@pytest.fixture
def arguments(lab: Lab, objects: ObjectServer, bucket: str) -> dict[str, Any]:
    lab.put("/my-dir/file.txt", "content")
    return {
        "direction": "COPY_TO_OBJECT",
        "object_store_address": "127.0.0.1",
        "bucket": bucket,
        "object_folder": "/my-folder/",
        "region": "us-east-1",
        "access_key_id": objects.access_key,
        "secret_access_key": objects.secret_key,
        "local_directory_path": "/my-dir/",
        "port": objects.port,
        "ca_certificate": objects.ca.read_text(),
        "bucket_style": "BUCKET_STYLE_PATH",
    }


def refused(status: int, error_class: str | None, call: Callable[..., Any], *rest: Any, **more: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        call(*rest, **more)
    assert caught.value.status_code == status
    assert error_class in (None, caught.value.error_class)
    assert caught.value.description
    return caught.value


def test_the_front_door_is_used() -> None:
    assert not user_is_local_root(SDK_HOST)


def relationships(lab: Lab, sdk: RestClient, arguments: dict[str, Any]) -> None:
    """Every function of the SDK about object relationships."""
    driven = {name for name in vars(object_replication) if "object" in name and name != "object_replication"}
    api = sdk.object_replication

    made = api.create_object_relationship(**arguments)
    assert made["object_folder"] == "my-folder/"
    number = made["id"]
    assert api.get_object_relationship(number) == made
    assert api.list_object_relationships() == [made]

    lab.finish(number)
    status = api.get_object_relationship_status(number)
    assert (status["state"], status["last_job"]["error"]) == ("REPLICATION_NOT_RUNNING", "")
    assert api.list_object_relationship_statuses() == [status]
    assert status["local_directory_path"] == "/my-dir/"

    lab.emulator.switch({"job_seconds": 1000})
    lab.clock.freeze()
    assert number in api.replicate_object_relationship(number)["monitor_uri"]
    running = api.get_object_relationship_status(number)
    assert running["state"] == "REPLICATION_RUNNING"
    assert running["current_job"]["job_progress"]["percent_complete"] is not None
    refused(409, None, api.replicate_object_relationship, number)
    refused(409, None, api.delete_object_relationship, number)

    assert api.abort_object_replication(number) is None
    lab.finish(number)
    etag = api.get_object_relationship(number, with_etag=True).etag
    refused(412, None, api.delete_object_relationship, number, if_match='"another"')
    assert api.delete_object_relationship(number, if_match=etag) is None
    refused(404, None, api.get_object_relationship, number)
    assert driven == {
        "create_object_relationship",
        "get_object_relationship",
        "list_object_relationships",
        "get_object_relationship_status",
        "list_object_relationship_statuses",
        "abort_object_replication",
        "delete_object_relationship",
        "replicate_object_relationship",
    }


def session(lab: Lab, sdk: RestClient, _arguments: dict[str, Any]) -> None:
    assert sdk.auth.who_am_i()["name"] == "admin"
    assert sdk.version.version()["revision_id"].startswith("Qumulo Core ")
    lab.clock.advance(10 * 3600 + 1)
    error = refused(401, "http_unauthorized_error", sdk.auth.who_am_i)
    assert "log in" in error.description
    sdk.login(lab.facts["username"], lab.facts["password"])
    assert sdk.auth.who_am_i()["name"] == "admin"


def access_tokens(lab: Lab, sdk: RestClient, _arguments: dict[str, Any]) -> None:
    made = sdk.access_tokens.create(Identity("service"), datetime(2999, 1, 1, tzinfo=UTC))
    holder = lab.sdk(made.bearer_token)
    assert holder.auth.who_am_i()["access_token_id"] == made.id
    kept = sdk.access_tokens.get(made.id)
    assert (kept.user["name"], kept.creator["name"], kept.enabled) == ("service", "admin", True)
    pages = list(sdk.access_tokens.list(limit=1))
    assert made.id in {entry.id for page in pages for entry in page.entries}
    assert len(pages) == 3
    assert sdk.access_tokens.modify(made.id, enabled=False).enabled is False
    refused(401, None, holder.auth.who_am_i)
    sdk.access_tokens.delete(made.id)
    refused(404, None, sdk.access_tokens.get, made.id)


def files(_lab: Lab, sdk: RestClient, _arguments: dict[str, Any]) -> None:
    fs = sdk.fs
    directory = fs.create_directory("my dir", dir_path="/")
    assert directory["path"] == "/my dir/"
    refused(409, "fs_entry_exists_error", fs.create_directory, "my dir", dir_path="/")
    made = fs.create_file("ünï 100%", dir_id=directory["id"])
    assert fs.get_file_attr(path="/my dir/ünï 100%") == fs.get_file_attr(id_=made["id"])

    fs.write_file(io.BytesIO(b"0123456789"), path="/my dir/ünï 100%")
    fs.write_file(io.BytesIO(b"xyz"), id_=made["id"], offset=3)
    whole, part = io.BytesIO(), io.BytesIO()
    fs.read_file(whole, id_=made["id"])
    fs.read_file(part, id_=made["id"], offset=2, length=3, skip_atime_update=True)
    assert (whole.getvalue(), part.getvalue()) == (b"012xyz6789", b"2xy")

    etag = fs.get_file_attr(id_=made["id"], with_etag=True).etag
    fs.write_file(io.BytesIO(b""), id_=made["id"], if_match=etag)
    assert fs.get_file_attr(id_=made["id"])["size"] == "0"
    refused(412, None, fs.write_file, io.BytesIO(b"x"), id_=made["id"], if_match=etag)

    fs.rename("other", "/my dir/ünï 100%", dir_path="/my dir")
    fs.create_symlink("link", "other", dir_path="/my dir")
    assert fs.resolve_paths([made["id"]]) == [{"id": made["id"], "path": "/my dir/other"}]
    fs.unlink("link", dir_path="/my dir")
    assert [entry["name"] for entry in fs.read_directory(path="/my dir")["files"]] == ["other"]
    refused(409, "fs_directory_not_empty_error", fs.delete, path="/my dir")
    fs.delete(id_=made["id"])
    assert fs.try_resolve_paths([made["id"], directory["id"]]) == {
        "available": [{"id": directory["id"], "path": "/my dir/"}],
        "unavailable": [],
        "deleted": [made["id"]],
    }
    fs.delete(path="/my dir")
    refused(404, "fs_no_such_entry_error", fs.get_file_attr, path="/my dir")
    refused(404, "fs_no_such_inode_error", fs.resolve_paths, [made["id"]])


STORIES = (relationships, session, access_tokens, files)


@pytest.mark.parametrize("story", STORIES)
def test_a_story(lab: Lab, sdk: RestClient, arguments: dict[str, Any], story: Callable[..., None]) -> None:
    story(lab, sdk, arguments)


def test_the_stories_drive_every_operation_of_the_document(
    lab: Lab, sdk: RestClient, arguments: dict[str, Any]
) -> None:
    for story in STORIES:
        story(lab, sdk, arguments)
    mine = Referee(DOCUMENT)
    mine.judge_all(lab.recorder.exchanges)
    assert mine.seen == mine.operations


def test_a_round_trip_through_the_bucket(lab: Lab, sdk: RestClient, arguments: dict[str, Any]) -> None:
    api = sdk.object_replication
    lab.finish(api.create_object_relationship(**arguments)["id"])
    lab.mkdir("/back")
    coming = {**arguments, "direction": "COPY_FROM_OBJECT", "local_directory_path": "/back"}
    lab.finish(api.create_object_relationship(**coming)["id"])
    content = io.BytesIO()
    sdk.fs.read_file(content, path="/back/file.txt")
    assert content.getvalue() == b"content"


def test_what_create_refuses(lab: Lab, sdk: RestClient, arguments: dict[str, Any]) -> None:
    create = sdk.object_replication.create_object_relationship
    wrong = {
        "nowhere": (404, {"local_directory_path": "/nowhere"}),
        "bucket": (400, {"bucket": "no-such-bucket"}),
        "secret": (400, {"secret_access_key": "wrong"}),
        "style": (400, {"bucket_style": None}),
        "directory": (400, {"local_directory_path": None}),
    }
    for status, changes in wrong.values():
        refused(status, None, create, **{**arguments, **changes})
    create(**{**arguments, "direction": "COPY_FROM_OBJECT"})
    refused(400, None, create, **arguments)


def test_a_401_that_says_nothing(lab: Lab) -> None:
    lab.emulator.switch({"unauthorized_body": "empty"})
    error = refused(401, "unknown", lab.sdk("1:unknown").auth.who_am_i)
    assert error.description == "Need to log in first to establish credentials."


def test_a_wrong_password(lab: Lab) -> None:
    refused(401, None, lab.sdk().login, lab.facts["username"], "wrong")


def test_a_third_access_token_is_refused(sdk: RestClient) -> None:
    sdk.access_tokens.create(Identity("service"))
    refused(400, None, sdk.access_tokens.create, Identity("service"))


def test_a_reader_is_refused(lab: Lab) -> None:
    reader = lab.sdk(lab.facts["reader"]["token"])
    assert reader.object_replication.list_object_relationships() == []
    refused(403, None, reader.object_replication.replicate_object_relationship, "1c23b4ed-5c67-8f90-1e23-a4f5f6ceff78")
    refused(403, None, reader.fs.create_file, "x", dir_path="/")


def test_a_directory_by_pages(lab: Lab, sdk: RestClient) -> None:
    for number in range(7):
        lab.put(f"/d/{number}")
    pages = [page["files"] for page in sdk.fs.read_entire_directory(page_size=3, path="/d")]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(entry["name"] for page in pages for entry in page) == [str(number) for number in range(7)]


def test_the_whole_tree(lab: Lab, sdk: RestClient) -> None:
    for path in ("/d/a/x", "/d/a/b/y", "/d/z"):
        lab.put(path)
    walked = [entry["path"] for entry in sdk.fs.tree_walk_preorder("/d")]
    assert sorted(walked) == ["/d/", "/d/a/", "/d/a/b/", "/d/a/b/y", "/d/a/x", "/d/z"]


@pytest.mark.parametrize(
    "switches",
    [
        {"folder_form": "strip", "empty_ca": "absent", "replicate_body": "empty", "status_missing_path": "absent"},
        {"folder_form": "slash", "empty_ca": "", "percent_scale": 1, "estimate": "", "percent_estimating": None},
        {"delete_running_status": 400, "overlap_status": 409, "bucket_status": 409, "entries_order": "name"},
        {"privilege_status": 401, "read_only_status": 409, "abort_idle": "conflict", "abort_error": "empty"},
        {"replicate_while_running": "noop", "overlap_copy_to": "refuse", "empty_source": "refuse"},
    ],
)
def test_the_document_allows_every_value_of_the_switches(
    lab: Lab, sdk: RestClient, arguments: dict[str, Any], switches: dict[str, Any]
) -> None:
    lab.emulator.switch({**switches, "public_authorities": "world", "job_seconds": 1000, "estimate_seconds": 1})
    lab.clock.freeze()
    api = sdk.object_replication
    made = api.create_object_relationship(**{**arguments, "ca_certificate": None})
    number = made["id"]

    def anyway(call: Callable[..., Any], *rest: Any, **more: Any) -> None:
        try:
            call(*rest, **more)
        except RequestError as error:
            assert error.status_code < 500  # noqa: PT017  (an answer either way, which the referee reads)

    api.list_object_relationship_statuses()
    anyway(api.replicate_object_relationship, number)
    anyway(api.delete_object_relationship, number)
    anyway(api.create_object_relationship, **arguments)
    anyway(api.create_object_relationship, **{**arguments, "direction": "COPY_FROM_OBJECT"})
    anyway(api.create_object_relationship, **{**arguments, "bucket": "no-such-bucket"})
    lab.mkdir("/in")
    coming = {**arguments, "direction": "COPY_FROM_OBJECT", "local_directory_path": "/in", "object_folder": "none"}
    anyway(api.create_object_relationship, **coming)
    anyway(sdk.fs.create_file, "x", dir_path="/in")
    anyway(lab.sdk(lab.facts["reader"]["token"]).object_replication.replicate_object_relationship, number)
    lab.clock.advance(10)
    api.list_object_relationship_statuses()
    api.abort_object_replication(number)
    lab.finish(number)
    anyway(api.abort_object_replication, number)
    api.replicate_object_relationship(number)
    api.abort_object_replication(number)
    lab.finish(number)
    lab.emulator.act("delete", {"path": "/my-dir"})
    api.list_object_relationship_statuses()
    sdk.fs.read_directory(path="/")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_cluster(lab: Lab, sdk: RestClient, status: int) -> None:
    lab.faults.add(Fault(kind="status", status=status, retry_after=1, operation="listObjectRelationships"))
    refused(status, None, sdk.object_replication.list_object_relationships)
    assert sdk.object_replication.list_object_relationships() == []


def test_the_document_has_no_way_to_change_a_relationship(lab: Lab, sdk: RestClient, referee: Referee) -> None:
    refused(405, "http_method_not_allowed_error", sdk.request, "PATCH", f"{RELATIONSHIPS}x", body={})
    (one,) = [exchange for exchange in lab.recorder.exchanges if exchange.status == 405]
    with pytest.raises(AssertionError, match="not documented"):
        referee.judge(one)
    lab.recorder.clear()
    sdk.version.version()
