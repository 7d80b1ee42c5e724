"""The cluster as part of a world: with the S3 emulator at its side, with faults, over the control port."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from reconciler.emulators.emulator import Options
from reconciler.emulators.world import Plan, World
from tests.lab.qumulo import RELATIONSHIPS, quote
from tests.lab.world import eventually

BINARY = {"Content-Type": "application/octet-stream"}


class Both:
    """A seeded world with one S3 account and one cluster."""

    def __init__(self, world: World) -> None:
        ready: dict[str, Any] = dict(world.ready())
        self.ca = str(ready["ca"])
        self.s3facts: dict[str, Any] = dict(ready["emulators"]["s3"])
        self.facts: dict[str, Any] = dict(ready["emulators"]["nas-1"])
        self.control = httpx.Client(base_url=str(ready["control"]), trust_env=False)
        self.api = httpx.Client(
            base_url=self.facts["url"],
            verify=ssl.create_default_context(cafile=self.ca),
            headers={"Authorization": f"Bearer {self.facts['token']}"},
            trust_env=False,
        )
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.s3facts["https"],
            aws_access_key_id=self.s3facts["access_key"],
            aws_secret_access_key=self.s3facts["secret_key"],
            region_name=self.s3facts["region"],
            verify=self.ca,
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )

    def close(self) -> None:
        self.control.close()
        self.api.close()
        self.s3.close()

    def body(self, **changes: Any) -> dict[str, Any]:
        return {
            "direction": "COPY_TO_OBJECT",
            "local_directory_path": "/projects",
            "object_store_address": "127.0.0.1",
            "port": int(self.s3facts["https"].rpartition(":")[2]),
            "bucket": "proj",
            "bucket_style": "BUCKET_STYLE_PATH",
            "object_folder": "v1/",
            "region": self.s3facts["region"],
            "access_key_id": self.s3facts["access_key"],
            "secret_access_key": self.s3facts["secret_key"],
            "ca_certificate": Path(self.ca).read_text(encoding="ascii"),
            **changes,
        }

    def create(self, **changes: Any) -> str:
        answer = self.api.post(RELATIONSHIPS, json=self.body(**changes))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def status(self, number: str) -> dict[str, Any]:
        return dict(self.api.get(f"{RELATIONSHIPS}{number}/status").json())

    def finish(self, number: str) -> dict[str, Any]:
        eventually(lambda: self.status(number)["current_job"] is None)
        return dict(self.status(number)["last_job"])

    def fault(self, **fault: Any) -> None:
        self.control.post("/faults", json={"emulator": "nas-1", **fault}).raise_for_status()

    def switch(self, **values: Any) -> None:
        self.control.post("/emulators/nas-1/switches", json=values).raise_for_status()

    def act(self, action: str, **arguments: Any) -> httpx.Response:
        return self.control.post(f"/emulators/nas-1/actions/{action}", json=arguments)


@pytest.fixture
def both() -> Iterator[Both]:
    plan = Plan([("s3", Options("s3", seed=True)), ("qumulo", Options("nas-1", seed=True))])
    with World(plan) as world:
        made = Both(world)
        made.switch(job_seconds=0)
        try:
            yield made
        finally:
            made.close()


def keys(both: Both, bucket: str) -> set[str]:
    return {item["Key"] for item in both.s3.list_objects_v2(Bucket=bucket).get("Contents", ())}


def test_there_and_back_again(both: Both) -> None:
    assert both.finish(both.create())["error"] == ""
    assert "v1/apollo/plan.csv" in keys(both, "proj")
    back = both.create(direction="COPY_FROM_OBJECT", local_directory_path="/restore")
    assert both.finish(back)["error"] == ""
    state = both.control.get("/state").json()["emulators"]["nas-1"]["state"]
    files = {path: one["sha256"] for path, one in state["files"].items()}
    sent = {path.removeprefix("/projects"): digest for path, digest in files.items() if path.startswith("/projects")}
    came = {path.removeprefix("/restore"): digest for path, digest in files.items() if path.startswith("/restore")}
    assert sent == came
    assert [job["files_transferred"] for job in state["jobs"]] == [len(sent), len(came)]


def test_a_bucket_in_another_region_or_with_a_wrong_key_is_refused(both: Both) -> None:
    for changes in ({"secret_access_key": "wrong"}, {"access_key_id": "AKIANOBODY"}, {"bucket": "missing"}):
        assert both.api.post(RELATIONSHIPS, json=both.body(**changes)).status_code == 400
    assert both.api.get(RELATIONSHIPS).json() == []


def test_an_object_store_that_fails_fails_the_job(both: Both) -> None:
    number = both.create()
    both.finish(number)
    both.act("write", path="/projects/new.txt", text="new").raise_for_status()
    both.control.post(
        "/faults", json={"emulator": "s3", "kind": "status", "status": 500, "method": "PUT", "times": None}
    )
    both.api.post(f"{RELATIONSHIPS}{number}/replicate")
    assert "'v1/new.txt' cannot be written" in both.finish(number)["error"]
    both.control.delete("/faults")
    both.api.post(f"{RELATIONSHIPS}{number}/replicate")
    assert both.finish(number)["error"] == ""
    assert "v1/new.txt" in keys(both, "proj")


def test_a_create_may_happen_without_an_answer(both: Both) -> None:
    both.fault(kind="drop_after", operation="createObjectRelationship")
    with pytest.raises(httpx.TransportError):
        both.api.post(RELATIONSHIPS, json=both.body())
    assert len(both.api.get(RELATIONSHIPS).json()) == 1
    both.fault(kind="drop_before", operation="createObjectRelationship")
    with pytest.raises(httpx.TransportError):
        both.api.post(RELATIONSHIPS, json=both.body())
    assert len(both.api.get(RELATIONSHIPS).json()) == 1


def test_a_failure_looks_like_one_of_the_cluster(both: Both) -> None:
    both.fault(kind="status", status=503, retry_after=2)
    answer = both.api.get(RELATIONSHIPS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.json()["error_class"] == "http_service_unavailable_error"


def test_a_stale_read_knows_nothing_of_the_last_write(both: Both) -> None:
    number = both.create()
    both.finish(number)
    both.fault(kind="stale_read", operation="listObjectRelationships")
    both.fault(kind="stale_read", operation="readDirectory")
    both.fault(kind="stale_read", operation="getObjectRelationshipStatus")
    both.api.delete(RELATIONSHIPS + number).raise_for_status()
    assert [one["id"] for one in both.api.get(RELATIONSHIPS).json()] == [number]
    assert both.api.get(RELATIONSHIPS).json() == []
    assert both.status(number)["local_directory_path"] == "/projects/"
    both.api.post("/v1/files/2/entries/", json={"name": "new", "action": "CREATE_DIRECTORY"}).raise_for_status()
    names = [{one["name"] for one in both.api.get("/v1/files/2/entries/").json()["files"]} for _ in range(2)]
    assert names[1] - names[0] == {"new"}


def test_short_pages(both: Both) -> None:
    both.fault(kind="short_page", page_size=1, operation="readDirectory", times=None)
    page = both.api.get(f"/v1/files/{quote('/projects')}/entries/?limit=100").json()
    assert len(page["files"]) == 1
    assert page["paging"]["next"]


def test_a_restart_drops_connections_and_keeps_everything(both: Both) -> None:
    number = both.create()
    both.finish(number)
    both.act("restart").raise_for_status()

    def answers() -> bool:
        try:
            return both.api.get(RELATIONSHIPS + number).status_code == 200
        except httpx.TransportError:
            return False

    eventually(answers)


def test_acts_are_refused_over_the_control_port_with_a_reason(both: Both) -> None:
    answer = both.act("fly")
    assert answer.status_code == 400
    assert "expire-sessions" in answer.json()["error"]
    assert both.control.post("/emulators/nas-1/switches", json={"folder_form": "x"}).status_code == 400


def test_the_request_log_names_operations_and_tells_writes(both: Both) -> None:
    number = both.create()
    both.finish(number)
    both.api.post(f"{RELATIONSHIPS}{number}/replicate")
    both.finish(number)
    both.api.post("/v1/files/resolve", json=["2"])
    both.api.post("/v1/session/login", json={"username": "admin", "password": both.facts["password"]})
    both.api.put("/v1/unknown")
    rows = both.control.get("/requests", params={"emulator": "nas-1"}).json()["requests"]
    writes = [row["operation"] for row in rows if row["write"]]
    assert writes == ["createObjectRelationship", "replicateObjectRelationship", None]
    assert {"login", "resolvePaths", "getObjectRelationshipStatus"} <= {row["operation"] for row in rows}


def test_no_secret_leaves_over_the_control_port(both: Both) -> None:
    both.finish(both.create())
    both.api.post("/v1/session/login", json={"username": "admin", "password": both.facts["password"]})
    told = both.control.get("/state").text + both.control.get("/requests").text
    for secret in (both.s3facts["secret_key"], both.facts["password"], both.facts["token"]):
        assert secret not in told
