"""While a job runs: progress, abort, and what is in its way."""

import re
import time
from typing import Any

import pytest

from tests.lab import qumulo
from tests.lab.qumulo import RELATIONSHIPS, Lab, body
from tests.lab.rclone import ObjectServer
from tests.unit.emulators.qumulo.copying import again, content, counts, download, fill, keys, until, upload

BINARY = {"Content-Type": "application/octet-stream"}
NANOSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


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
