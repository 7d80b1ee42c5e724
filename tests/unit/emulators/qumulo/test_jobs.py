"""What jobs do: bytes moved, bytes not moved, and what is in their way."""

import re
import time
from typing import Any

import pytest

from tests.lab.qumulo import RELATIONSHIPS, Lab, body, quote
from tests.lab.rclone import ObjectServer

BINARY = {"Content-Type": "application/octet-stream"}
NANOSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def upload(objects: ObjectServer, bucket: str, lab: Lab, **changes: Any) -> dict[str, Any]:
    return lab.create(body(objects, bucket=bucket, local_directory_path="/a", **changes))


def download(objects: ObjectServer, bucket: str, lab: Lab, **changes: Any) -> dict[str, Any]:
    lab.mkdir("/in")
    return lab.create(
        body(objects, bucket=bucket, direction="COPY_FROM_OBJECT", **{"local_directory_path": "/in", **changes})
    )


def again(lab: Lab, made: dict[str, Any]) -> dict[str, Any]:
    assert lab.api.post(f"{RELATIONSHIPS}{made['id']}/replicate").status_code == 202
    lab.finish(made["id"])
    return lab.jobs()[-1]


def counts(job: dict[str, Any]) -> tuple[int, int]:
    return job["files_transferred"], job["files_unchanged"]


def keys(objects: ObjectServer, bucket: str) -> set[str]:
    return {item["Key"] for item in objects.client().list_objects_v2(Bucket=bucket).get("Contents", ())}


def content(objects: ObjectServer, bucket: str, key: str) -> bytes:
    return bytes(objects.client().get_object(Bucket=bucket, Key=key)["Body"].read())


def until(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


# To the bucket


@pytest.mark.parametrize(("folder", "prefix"), [("", ""), ("/", ""), ("/my/folder/", "my/folder/"), ("f", "f/")])
def test_an_upload_puts_every_file_below_the_folder(
    lab: Lab, objects: ObjectServer, bucket: str, folder: str, prefix: str
) -> None:
    lab.put("/a/one.txt", "1")
    lab.put("/a/deep/er/two.txt", "22")
    lab.put("/a/empty", "")
    lab.mkdir("/a/no-files-here")
    lab.put("/elsewhere.txt", "no")
    lab.finish(upload(objects, bucket, lab, object_folder=folder)["id"])
    assert keys(objects, bucket) == {f"{prefix}{name}" for name in ("one.txt", "deep/er/two.txt", "empty")}
    assert content(objects, bucket, f"{prefix}deep/er/two.txt") == b"22"


@pytest.mark.parametrize("name", ["a b", "%20", "ünï", "emoji 🚀", "+", "a=b&c", "~", "#?"])
def test_names_survive(lab: Lab, objects: ObjectServer, bucket: str, name: str) -> None:
    lab.put(f"/a/{name}/{name}", name)
    lab.finish(upload(objects, bucket, lab)["id"])
    assert content(objects, bucket, f"{name}/{name}").decode() == name
    lab.finish(download(objects, bucket, lab)["id"])
    assert lab.read(f"/in/{name}/{name}").decode() == name


def test_links_stay_behind(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/file", "x")
    link = {"name": "link", "action": "CREATE_SYMLINK", "old_path": "file"}
    lab.api.post(f"/v1/files/{quote('/a')}/entries/", json=link).raise_for_status()
    lab.finish(upload(objects, bucket, lab)["id"])
    assert keys(objects, bucket) == {"file"}


def test_an_upload_is_one_shot(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/one.txt", "1")
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.put("/a/two.txt", "2")
    lab.clock.advance(7 * 86_400)
    assert lab.status(made["id"])["state"] == "REPLICATION_NOT_RUNNING"
    assert keys(objects, bucket) == {"one.txt"}, "nothing runs by itself"
    assert counts(again(lab, made)) == (1, 1)
    assert keys(objects, bucket) == {"one.txt", "two.txt"}


def test_an_upload_never_deletes(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/one.txt", "1")
    objects.client().put_object(Bucket=bucket, Key="foreign", Body=b"mine")
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.emulator.act("delete", {"path": "/a/one.txt"})
    assert counts(again(lab, made)) == (0, 0)
    lab.api.delete(RELATIONSHIPS + made["id"]).raise_for_status()
    assert keys(objects, bucket) == {"one.txt", "foreign"}


def test_an_upload_moves_only_what_changed_on_either_side(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    for name in ("same", "edited", "overwritten", "gone"):
        lab.put(f"/a/{name}", name)
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.put("/a/edited", "new")
    objects.client().put_object(Bucket=bucket, Key="overwritten", Body=b"somebody else")
    objects.client().delete_object(Bucket=bucket, Key="gone")
    assert counts(again(lab, made)) == (3, 1)
    assert content(objects, bucket, "edited") == b"new"
    assert content(objects, bucket, "overwritten") == b"overwritten"


def test_a_new_relationship_knows_uploaded_files_by_their_hash(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/known", "known")
    lab.put("/a/foreign", "foreign")
    objects.client().put_object(Bucket=bucket, Key="foreign", Body=b"foreign")
    first = upload(objects, bucket, lab)
    lab.finish(first["id"])
    assert counts(lab.jobs()[-1]) == (2, 0), "the same bytes without the hash are not known"
    lab.api.delete(RELATIONSHIPS + first["id"]).raise_for_status()
    lab.finish(upload(objects, bucket, lab)["id"])
    assert counts(lab.jobs()[-1]) == (0, 2)


def test_a_path_too_long_for_a_key_fails_the_job(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/" + "/".join(["x" * 200] * 5), "x")
    status = lab.finish(upload(objects, bucket, lab, object_folder="folder/of/20/chars/x")["id"])
    assert "too long" in status["last_job"]["error"]
    assert keys(objects, bucket) == set()
    assert lab.finish(upload(objects, bucket, lab, object_folder="folder/of/18/chars")["id"])["last_job"]["error"] == ""


def test_a_bucket_that_goes_away_fails_the_job_and_the_relationship_stays(
    lab: Lab, objects: ObjectServer, bucket: str
) -> None:
    lab.mkdir("/a")
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.put("/a/one.txt", "1")
    objects.client().delete_bucket(Bucket=bucket)
    assert "the bucket does not exist" in again(lab, made)["error"]
    objects.client().create_bucket(Bucket=bucket)
    assert again(lab, made)["error"] == "", "a new job may succeed, and the failure is forgotten"
    assert lab.status(made["id"])["last_job"]["error"] == ""


def test_a_job_without_its_directory_fails(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.mkdir("/a")
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.emulator.act("delete", {"path": "/a"})
    assert "no longer exists" in again(lab, made)["error"]


# From the bucket


def fill(objects: ObjectServer, bucket: str, **files: bytes) -> None:
    for name, data in files.items():
        objects.client().put_object(Bucket=bucket, Key=name.replace("__", "/"), Body=data)


def test_a_download_takes_what_is_below_the_folder(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, f__one=b"1", f__deep__two=b"22", g__three=b"no", four=b"no")
    lab.finish(download(objects, bucket, lab, object_folder="/f/")["id"])
    assert lab.read("/in/one") == b"1"
    assert lab.read("/in/deep/two") == b"22"
    assert set(lab.files()) == {"/in/one", "/in/deep/two"}


@pytest.mark.parametrize("page", [1, 3, 1000])
def test_a_listing_is_read_by_pages(lab: Lab, odd_objects: ObjectServer, page: int) -> None:
    name = f"pages-{page}"
    odd_objects.client().create_bucket(Bucket=name)
    fill(odd_objects, name, **{f"k{number}": b"x" for number in range(7)})
    lab.emulator.switch({"bucket_page": page})
    lab.finish(download(odd_objects, name, lab)["id"])
    assert counts(lab.jobs()[-1]) == (7, 0)


def test_a_download_moves_only_what_changed_on_either_side(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, same=b"1", changed=b"2", edited=b"3", gone=b"4")
    made = download(objects, bucket, lab)
    lab.finish(made["id"])
    fill(objects, bucket, changed=b"changed!", new=b"5")
    lab.put("/in/edited", "by hand")
    lab.emulator.act("delete", {"path": "/in/gone"})
    lab.put("/in/local-only", "stays")
    assert counts(again(lab, made)) == (4, 1)
    assert [lab.read(f"/in/{name}") for name in ("changed", "edited", "gone", "new", "local-only")] == [
        b"changed!",
        b"3",
        b"4",
        b"5",
        b"stays",
    ]


def test_a_download_never_deletes(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, one=b"1", two=b"2")
    made = download(objects, bucket, lab)
    lab.finish(made["id"])
    objects.client().delete_object(Bucket=bucket, Key="one")
    assert counts(again(lab, made)) == (0, 1)
    assert lab.read("/in/one") == b"1"


def test_a_replaced_relationship_downloads_everything_again(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, one=b"1", two=b"22")
    first = download(objects, bucket, lab)
    lab.finish(first["id"])
    assert counts(again(lab, first)) == (0, 2)
    lab.api.delete(RELATIONSHIPS + first["id"]).raise_for_status()
    lab.finish(download(objects, bucket, lab)["id"])
    assert counts(lab.jobs()[-1]) == (2, 0)
    assert lab.jobs()[-1]["bytes_transferred"] == 3


@pytest.mark.parametrize("key", ["a//b", "a/./b", "a/../b", "../escape", "a/.snapshot/b", "/lead"])
def test_a_key_that_is_no_path_fails_the_job(lab: Lab, odd_objects: ObjectServer, key: str) -> None:
    name = f"odd-{abs(hash(key))}"
    client = odd_objects.client()
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key=key, Body=b"x")
    status = lab.finish(download(odd_objects, name, lab)["id"])
    assert repr(key) in status["last_job"]["error"]
    assert lab.files() == {}


def test_a_slash_at_the_end_is_a_directory_if_it_is_empty(lab: Lab, odd_objects: ObjectServer) -> None:
    client = odd_objects.client()
    client.create_bucket(Bucket="slashes")
    client.put_object(Bucket="slashes", Key="f/", Body=b"")
    client.put_object(Bucket="slashes", Key="f/dir/", Body=b"")
    made = download(odd_objects, "slashes", lab, object_folder="f")
    assert lab.finish(made["id"])["last_job"]["error"] == ""
    assert lab.api.get(f"/v1/files/{quote('/in/dir')}/info/attributes").json()["type"] == "FS_FILE_TYPE_DIRECTORY"
    client.put_object(Bucket="slashes", Key="f/dir/", Body=b"x")
    assert "ends with a slash" in again(lab, made)["error"]


@pytest.mark.parametrize("cold", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_fails_the_job(lab: Lab, odd_objects: ObjectServer, cold: str) -> None:
    name = cold.lower().replace("_", "-")
    client = odd_objects.client()
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key="a", Body=b"x")
    client.put_object(Bucket=name, Key="b", Body=b"x", StorageClass=cold)
    status = lab.finish(download(odd_objects, name, lab)["id"])
    assert cold in status["last_job"]["error"]
    assert lab.read("/in/a") == b"x", "what was copied before stays"


def test_a_file_in_the_way_of_a_directory_fails_the_job(lab: Lab, odd_objects: ObjectServer) -> None:
    odd_objects.client().create_bucket(Bucket="conflict")
    fill(odd_objects, "conflict", a__b=b"file", a__b__c=b"below a file")
    status = lab.finish(download(odd_objects, "conflict", lab)["id"])
    assert "'a/b/c'" in status["last_job"]["error"]
    assert lab.read("/in/a/b") == b"file"


def test_a_directory_in_the_way_of_a_file_fails_the_job(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, name=b"file")
    lab.mkdir("/in/name")
    assert "'name'" in lab.finish(download(objects, bucket, lab)["id"])["last_job"]["error"]


def test_a_failed_job_goes_on_where_it_stopped(lab: Lab, odd_objects: ObjectServer) -> None:
    client = odd_objects.client()
    client.create_bucket(Bucket="resume")
    fill(odd_objects, "resume", a=b"1", b__=b"bad", c=b"3")
    made = download(odd_objects, "resume", lab)
    lab.finish(made["id"])
    assert counts(lab.jobs()[-1]) == (1, 0)
    client.delete_object(Bucket="resume", Key="b/")
    assert counts(again(lab, made)) == (1, 1)


# While it runs


@pytest.fixture
def stopped(lab: Lab) -> Lab:
    """Jobs last 100 s of a clock that only the test moves."""
    lab.emulator.switch({"job_seconds": 100})
    lab.clock.freeze()
    return lab


def progress(lab: Lab, made: dict[str, Any]) -> dict[str, Any]:
    job = lab.status(made["id"])["current_job"]
    return dict(job["job_progress"]) if job else {}


def test_progress_as_decimal_strings(stopped: Lab, objects: ObjectServer, bucket: str) -> None:
    for name, size in (("a", 10), ("b", 20), ("c", 30), ("d", 40)):
        stopped.put(f"/a/{name}", "x" * size)
    made = upload(objects, bucket, stopped)
    until(lambda: progress(stopped, made)["files_transferred"] == "1")
    stopped.clock.advance(50)
    until(lambda: progress(stopped, made)["files_transferred"] == "3")
    told = progress(stopped, made)
    assert told == {
        "bytes_transferred": "60",
        "bytes_unchanged": "0",
        "bytes_remaining": "40",
        "bytes_total": "100",
        "files_transferred": "3",
        "files_unchanged": "0",
        "files_remaining": "1",
        "files_total": "4",
        "percent_complete": pytest.approx(60),
        "throughput_current": "1",
        "throughput_overall": "1",
    }
    job = stopped.status(made["id"])["current_job"]
    assert NANOSECONDS.fullmatch(job["start_time"])
    assert NANOSECONDS.fullmatch(job["estimated_end_time"])
    assert keys(objects, bucket) == {"a", "b", "c"}
    stopped.clock.advance(50)
    status = stopped.finish(made["id"])
    assert status["current_job"] is None
    assert set(status["last_job"]) == {"start_time", "end_time", "error"}
    assert status["last_job"]["start_time"] == job["start_time"] < status["last_job"]["end_time"]


def test_switch_percent_scale(stopped: Lab, objects: ObjectServer, bucket: str) -> None:
    stopped.emulator.switch({"percent_scale": 1})
    stopped.put("/a/a", "x")
    made = upload(objects, bucket, stopped)
    until(lambda: progress(stopped, made)["files_transferred"] == "1")
    assert progress(stopped, made)["percent_complete"] == 1


@pytest.mark.parametrize(("estimate", "percent"), [(None, "None"), ("", None)])
def test_switches_of_the_estimate(
    stopped: Lab, objects: ObjectServer, bucket: str, estimate: str | None, percent: str | None
) -> None:
    stopped.emulator.switch({"estimate_seconds": 10, "estimate": estimate, "percent_estimating": percent})
    stopped.put("/a/a", "x")
    made = upload(objects, bucket, stopped)
    job = stopped.status(made["id"])["current_job"]
    assert job["estimated_end_time"] == estimate
    assert job["job_progress"]["percent_complete"] == percent
    assert job["job_progress"]["files_total"] == "0"
    stopped.clock.advance(10)
    until(lambda: progress(stopped, made)["files_transferred"] == "1")
    assert stopped.status(made["id"])["current_job"]["estimated_end_time"]


def test_two_jobs_are_told_apart(stopped: Lab, objects: ObjectServer, bucket: str) -> None:
    stopped.put("/a/a", "x")
    made = upload(objects, bucket, stopped)
    stopped.clock.advance(101)
    first = stopped.finish(made["id"])["last_job"]
    stopped.api.post(f"{RELATIONSHIPS}{made['id']}/replicate")
    status = stopped.status(made["id"])
    assert status["last_job"] == first
    assert status["current_job"]["start_time"] > first["end_time"]


def test_an_abort_ends_the_job_and_leaves_what_was_copied(stopped: Lab, objects: ObjectServer, bucket: str) -> None:
    for name in "abcd":
        stopped.put(f"/a/{name}", name)
    made = upload(objects, bucket, stopped)
    until(lambda: progress(stopped, made)["files_transferred"] == "1")
    answer = stopped.api.post(f"{RELATIONSHIPS}{made['id']}/abort-replication")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "aborted" in stopped.finish(made["id"])["last_job"]["error"]
    assert keys(objects, bucket) == {"a"}
    stopped.emulator.switch({"job_seconds": 0})
    assert counts(again(stopped, made)) == (3, 1)


def test_an_abort_may_take_its_time(stopped: Lab, objects: ObjectServer, bucket: str) -> None:
    stopped.emulator.switch({"abort_seconds": 5, "abort_error": "empty"})
    stopped.put("/a/a", "x")
    made = upload(objects, bucket, stopped)
    stopped.api.post(f"{RELATIONSHIPS}{made['id']}/abort-replication")
    stopped.clock.advance(4)
    assert stopped.status(made["id"])["state"] == "REPLICATION_RUNNING"
    assert stopped.api.delete(RELATIONSHIPS + made["id"]).status_code == 409
    until(lambda: stopped.clock.advance(1) or stopped.status(made["id"])["state"] == "REPLICATION_NOT_RUNNING")
    assert stopped.status(made["id"])["last_job"]["error"] == ""


@pytest.mark.parametrize(("behaviour", "status"), [("ok", 200), ("conflict", 409)])
def test_switch_abort_idle(lab: Lab, objects: ObjectServer, bucket: str, behaviour: str, status: int) -> None:
    lab.emulator.switch({"abort_idle": behaviour})
    lab.mkdir("/a")
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    assert lab.api.post(f"{RELATIONSHIPS}{made['id']}/abort-replication").status_code == status


def attempts(lab: Lab) -> dict[str, int]:
    client = lab.api
    return {
        "create": client.post("/v1/files/%2Fin/entries/", json={"name": "new", "action": "CREATE_FILE"}).status_code,
        "write": client.put("/v1/files/%2Fin%2Fold/data", content=b"x", headers=BINARY).status_code,
        "append": client.patch("/v1/files/%2Fin%2Fold/data?offset=1", content=b"x", headers=BINARY).status_code,
        "delete": client.delete("/v1/files/%2Fin%2Fdeep%2Fold").status_code,
        "unlink": client.delete("/v1/files/%2Fin/entries/old").status_code,
        "move out": client.post(
            "/v1/files/2/entries/", json={"name": "x", "action": "RENAME", "old_path": "/in/old"}
        ).status_code,
        "move in": client.post(
            "/v1/files/%2Fin/entries/", json={"name": "x", "action": "RENAME", "old_path": "/outside"}
        ).status_code,
    }


@pytest.mark.parametrize("status", [403, 400, 409])
def test_a_directory_is_read_only_while_it_is_filled(
    stopped: Lab, objects: ObjectServer, bucket: str, status: int
) -> None:
    stopped.emulator.switch({"read_only_status": status})
    fill(objects, bucket, one=b"1")
    for path in ("/in/old", "/in/deep/old", "/outside"):
        stopped.put(path, "old")
    made = download(objects, bucket, stopped)
    assert set(attempts(stopped).values()) == {status}
    assert stopped.read("/in/old") == b"old", "reading goes on"
    assert stopped.api.delete("/v1/files/%2Foutside").status_code == 200, "outside is free"
    stopped.put("/outside", "again")
    stopped.clock.advance(101)
    stopped.finish(made["id"])
    assert set(attempts(stopped).values()) <= {200, 404}


def test_a_directory_stays_writable_while_it_is_uploaded(stopped: Lab, objects: ObjectServer, bucket: str) -> None:
    for name in "ab":
        stopped.put(f"/a/{name}", "old")
    made = upload(objects, bucket, stopped)
    until(lambda: progress(stopped, made)["files_transferred"] == "1")
    assert stopped.api.put("/v1/files/%2Fa%2Fb/data", content=b"new", headers=BINARY).status_code == 200
    stopped.clock.advance(101)
    stopped.finish(made["id"])
    assert content(objects, bucket, "b") == b"old", "the job works on a snapshot"


def test_stopping_the_cluster_ends_its_jobs(
    tmp_path: Any, certificate: Any, objects: ObjectServer, bucket: str
) -> None:
    from tests.lab import qumulo

    with qumulo.start(tmp_path, certificate) as lab:
        lab.emulator.switch({"job_seconds": 10_000})
        lab.put("/a/a", "x")
        upload(objects, bucket, lab)
        begin = time.monotonic()
    assert time.monotonic() - begin < 9
    assert len(lab.jobs()) == 1
    assert list(tmp_path.iterdir()) == [], "nothing is left on disk"


def test_many_jobs_at_once(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    for number in range(8):
        lab.put(f"/d{number}/file", str(number))
    made = [
        lab.create(body(objects, bucket=bucket, local_directory_path=f"/d{number}", object_folder=f"f{number}"))
        for number in range(8)
    ]
    assert {lab.finish(one["id"])["last_job"]["error"] for one in made} == {""}
    assert keys(objects, bucket) == {f"f{number}/file" for number in range(8)}
