"""Qumulo under schemathesis: nothing is answered that the document does not have, and every success is reached."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.auth import AuthBase

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.qumulo.switches import CHOICES
from tests.contract.fuzz_bench import Bench, Feed, load, operations, successes, table
from tests.lab import qumulo, rclone
from tests.lab.qumulo import Lab
from tests.lab.rclone import ObjectServer

DOCUMENT = Path(__file__).parents[2] / "specs" / "qumulo" / "openapi.yaml"
CONTENT = load(DOCUMENT)

TOKEN: Feed = {"id": ["~token"]}
RELATIONSHIP: Feed = {"id": ["~relationship"]}
FEEDS: dict[str, Feed] = {
    "login": {"username": ["~username"], "password": ["~password"]},
    "createAccessToken": {"user": ["~user"], "expiration_time": ["2099-01-01T00:00:00Z"]},
    "getAccessToken": TOKEN,
    "modifyAccessToken": {**TOKEN, "expiration_time": ["2099-01-01T00:00:00Z"]},
    "deleteAccessToken": TOKEN,
    "createObjectRelationship": {
        "direction": ["COPY_TO_OBJECT"], "local_directory_path": ["~new_directory"], "port": ["~port"],
        "object_store_address": ["127.0.0.1"], "bucket": ["bucket"], "bucket_style": ["BUCKET_STYLE_PATH"],
        "ca_certificate": ["~ca"], "object_folder": ["", "/", "a", "a/", "/a/b/"], "region": ["us-east-1"],
        "access_key_id": ["~access_key"], "secret_access_key": ["~secret_key"],
    },
    "getObjectRelationship": RELATIONSHIP,
    "deleteObjectRelationship": RELATIONSHIP,
    "getObjectRelationshipStatus": RELATIONSHIP,
    "abortObjectReplication": RELATIONSHIP,
    "replicateObjectRelationship": RELATIONSHIP,
    "deleteFile": {"ref": ["~new_file"]},
    "getFileAttributes": {"ref": ["~file", "~directory", "%2Fa"]},
    "readDirectory": {"ref": ["~directory"]},
    "createEntry": {"ref": ["~directory"], "name": ["~name"], "old_path": ["~new_file_path"]},
    "deleteEntry": {"ref": ["~directory"], "name": ["~new_name"]},
    "readFile": {"ref": ["~file"]},
    "writeFile": {"ref": ["~file"]},
    "writeFileAt": {"ref": ["~file"]},
}  # fmt: skip


class Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Things:
    """What there is on the cluster, made anew where it is gone."""

    def __init__(self, lab: Lab, objects: ObjectServer) -> None:
        self.lab, self.objects, self.numbers = lab, objects, itertools.count()
        self.known = ""

    def makers(self) -> dict[str, Any]:
        facts = self.lab.facts
        return {
            "~username": lambda: facts["username"],
            "~password": lambda: facts["password"],
            "~user": self.user,
            "~token": self.token,
            "~relationship": self.relationship,
            "~port": lambda: self.objects.port,
            "~ca": self.objects.ca.read_text,
            "~access_key": lambda: self.objects.access_key,
            "~secret_key": lambda: self.objects.secret_key,
            "~directory": lambda: self.lab.mkdir("/dir"),
            "~file": lambda: self.lab.put("/a/file", b"content"),
            "~new_directory": self.directory,
            "~name": self.name,
            "~new_file": lambda: self.lab.put(f"/b/{self.name()}", b"x"),
            "~new_name": self.new_name,
            "~new_file_path": lambda: f"/dir/{self.new_name()}",
        }

    def name(self) -> str:
        return f"n{next(self.numbers)}"

    def new_name(self) -> str:
        name = self.name()
        self.lab.put(f"/dir/{name}", b"x")
        return name

    def directory(self) -> str:
        path = f"/{self.name()}"
        self.lab.put(f"{path}/file", b"content")
        return path

    def user(self) -> dict[str, str]:
        """One who may have another token."""
        identities = self.lab.emulator.cluster.identities
        for token in identities.tokens:
            if token.user.name == "admin":
                identities.revoke(token.id)
        return {"name": "admin"}

    def token(self) -> str:
        self.user()
        identities = self.lab.emulator.cluster.identities
        admin = identities.named("admin")
        return identities.issue(admin, admin, None)[0].id

    def relationship(self) -> str:
        if self.lab.api.get(f"{qumulo.RELATIONSHIPS}{self.known or 'x'}").status_code != 200:
            made = self.lab.create(qumulo.body(self.objects, bucket="bucket", local_directory_path=self.directory()))
            self.known = str(made["id"])
            self.lab.finish(self.known)
        return self.known


@pytest.fixture(params=["usual", "otherwise"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(flavour: str, tmp_path: Path, certificate: Certificate) -> Iterator[Bench]:
    (tmp_path / "s3" / "bucket").mkdir(parents=True)
    with rclone.serve(tmp_path / "s3", certificate) as objects, qumulo.start(tmp_path, certificate) as lab:
        lab.emulator.switch({"job_seconds": 0})
        if flavour == "otherwise":
            lab.emulator.switch({name: values[-1] for name, values in CHOICES.items() if name != "public_authorities"})
        facts = lab.facts
        lab.put("/a/file", b"content")
        auths = {
            "right": Bearer(lab.emulator.cluster.identities.login(facts["username"], facts["password"])),
            "wrong": Bearer("access-v1:nobody"), "none": None, "other": Bearer(facts["reader"]["token"]),
        }  # fmt: skip
        yield Bench(
            CONTENT, lambda _: str(facts["url"]), auths, Things(lab, objects).makers(), lab.log,
            verify=str(certificate.ca),
        )  # fmt: skip


def test_nothing_is_answered_that_is_not_documented(bench: Bench, flavour: str) -> None:
    for name in operations(CONTENT):
        bench.fire(name, FEEDS.get(name, {}), thorough=flavour == "usual")
    print(table(bench))
    assert not bench.found, "\n".join(bench.found.values())
    # Here no job runs long enough to be aborted, and to abort none is a conflict.
    elsewhere = {("abortObjectReplication", "200")} if flavour == "otherwise" else set()
    assert successes(CONTENT) - elsewhere <= bench.seen.keys()
