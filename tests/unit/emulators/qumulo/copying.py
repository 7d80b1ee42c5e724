"""What the tests of jobs have in common: relationships for /a and /in, and looks at both ends."""

import time
from typing import Any

from tests.lab.qumulo import RELATIONSHIPS, Lab, body
from tests.lab.rclone import ObjectServer


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


def fill(objects: ObjectServer, bucket: str, **files: bytes) -> None:
    for name, data in files.items():
        objects.client().put_object(Bucket=bucket, Key=name.replace("__", "/"), Body=data)
