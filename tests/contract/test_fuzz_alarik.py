"""Alarik under schemathesis: nothing is answered that the document does not have, and every success is reached.

Its S3 face is in no document of its own, and is judged by `BotocoreReferee` wherever it is used.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.auth import AuthBase

from reconciler.emulators.certificate import Certificate
from tests.contract.fuzz_bench import Bench, Feed, load, operations, successes, table
from tests.lab import alarik
from tests.lab.alarik import DOCUMENT, NEW, Lab, keys, rule, target

CONTENT = load(DOCUMENT)

#: The document only says that there is a form.
FORM = {
    "type": "object", "required": ["data"], "properties": {"data": {"type": "string", "format": "binary"}},
}  # fmt: skip
BUCKET: Feed = {"bucketName": ["~bucket"]}
OBJECT: Feed = {"bucket": ["~bucket"], "key": ["~key"]}
FEEDS: dict[str, Feed] = {
    "login": {"username": ["~username"], "password": ["~password"]},
    "deleteAccessKey": {"accessKeyId": ["~access_key_id"]},
    "createBucket": {"name": ["~new_name"]},
    "deleteBucket": {"bucketName": ["~new_bucket"]},
    "setReplicationTargets": {**BUCKET, "targets": [[], ["~target"], ["~target", "~target"]]},
    "setReplicationRules": {**BUCKET, "rules": [[], ["~rule"], ["~rule", "~rule"]]},
    "resyncReplicationRule": {"ruleId": ["~rule_id"], **BUCKET},
    "retryReplicationTask": {"taskId": ["~task_id"], **BUCKET},
    "listObjects": {"bucket": ["~bucket"]},
    "uploadObject": {"bucket": ["~bucket"], "prefix": ["", "a/"], "multipart/form-data": [FORM]},
    "deleteObject": OBJECT,
    "listObjectVersions": OBJECT,
    "deleteObjectVersion": {**OBJECT, "versionId": ["~version"]},
    "getObjectTags": OBJECT,
    "setObjectTags": {**OBJECT, "tags": [{}, {"a": "b"}]},
    "deleteObjectTags": OBJECT,
    "getObjectMetadata": OBJECT,
    "setObjectMetadata": {**OBJECT, "contentType": ["text/plain"], "metadata": [{}, {"a": "b"}]},
}
OTHERWISE: dict[str, Any] = {
    "mask": False, "uuid_case": "lower", "dates": "fractional", "decode_text": "older", "is_admin": False,
}  # fmt: skip


class Known(AuthBase):
    """Says who it is, by keys or by the token of a session."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.pop("Authorization", None)
        request.headers.update(self.headers)
        return request


class Things:
    """What there is on the server, made anew where it is gone."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.here, self.numbers = lab, lab.here, itertools.count()
        self.kept, self.s3 = "", lab.here.s3()

    def makers(self) -> dict[str, Any]:
        facts = self.here.facts
        return {
            "~username": lambda: facts["username"],
            "~password": lambda: facts["password"],
            "~access_key_id": self.access_key,
            "~bucket": self.bucket,
            "~new_name": lambda: f"new-{next(self.numbers)}",
            "~new_bucket": lambda: self.here.bucket(f"empty-{next(self.numbers)}"),
            "~target": lambda: target(self.lab.there, "elsewhere"),
            "~rule": lambda: rule(self.target()),
            "~rule_id": lambda: self.rule()["id"],
            "~task_id": self.task,
            "~key": self.key,
            "~version": self.version,
        }

    def access_key(self) -> str:
        sent = {"accessKey": f"AK{next(self.numbers)}", "secretKey": "secret"}
        return str(self.here.api.post("/api/v1/users/accessKeys", json=sent).json()["id"])

    def bucket(self) -> str:
        if self.kept not in self.here.state["buckets"]:
            self.kept = self.here.bucket(f"kept-{next(self.numbers)}")
        return self.kept

    def versioned(self) -> str:
        bucket = self.bucket()
        answer = self.here.api.put(f"/api/v1/buckets/{bucket}/versioning", json={"status": "Enabled"})
        assert answer.status_code == 200, answer.text
        return bucket

    def target(self) -> str:
        bucket = self.versioned()
        found = self.here.get(bucket, "targets")
        known = found or self.here.saved(bucket, "targets", target(self.lab.there, "elsewhere"))
        return str(known[0]["id"])

    def rule(self) -> dict[str, Any]:
        return self.here.saved(self.versioned(), "rules", rule(self.target(), replicateExisting=True, id=NEW))[0]

    def task(self) -> str:
        self.rule()
        self.key()
        return str(self.here.tasks(self.bucket())[0]["id"])

    def key(self) -> str:
        self.s3.put_object(Bucket=self.bucket(), Key="key", Body=b"x")
        return "key"

    def version(self) -> str:
        self.versioned()
        return str(self.s3.put_object(Bucket=self.bucket(), Key="key", Body=b"x")["VersionId"])


@pytest.fixture(params=["usual", "otherwise"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(flavour: str, tmp_path: Path, certificate: Certificate) -> Iterator[Bench]:
    with alarik.start(tmp_path, certificate) as lab:
        facts = lab.here.facts
        for server in (lab.here, lab.there):
            server.emulator.switch({"worker": "stopped", "duplicate_ids": "error"})
        right = keys(lab.here)
        if flavour == "otherwise":
            lab.here.emulator.switch({**OTHERWISE, "internal_host_check": False})
            login = {name: facts[name] for name in ("username", "password")}
            token = lab.here.api.post("/api/v1/users/login", json=login).json()["token"]
            right = {"Authorization": f"Bearer {token}"}
        auths = {
            "right": Known(right), "other": Known(keys(lab.here, "other")), "none": None,
            "wrong": Known({**keys(lab.here), "X-Secret-Key": "x"}),
        }  # fmt: skip
        yield Bench(
            CONTENT, lambda _: str(facts["http"]), auths, Things(lab).makers(), lab.log,
            own_faults=frozenset({"setReplicationTargets"}),
        )  # fmt: skip


def test_nothing_is_answered_that_is_not_documented(bench: Bench, flavour: str) -> None:
    for name in operations(CONTENT):
        bench.fire(name, FEEDS.get(name, BUCKET), thorough=flavour == "usual")
    print(table(bench))
    assert not bench.found, "\n".join(bench.found.values())
    assert successes(CONTENT) <= bench.seen.keys()
