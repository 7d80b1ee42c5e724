"""Baidu BOS under schemathesis: nothing is answered that the document does not have, and every success is reached.

Its S3 face is in no document of its own, and is judged by `BotocoreReferee` wherever it is used.
"""

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlsplit, urlunsplit

import pytest
import requests
from requests.auth import AuthBase

from reconciler.emulators.bos.switches import CHOICES
from reconciler.emulators.certificate import Certificate
from tests.contract.fuzz_bench import Bench, Feed, load, operations, successes, table
from tests.lab import bos
from tests.lab.bos import DOCUMENT, Keys, Lab, rule

CONTENT = load(DOCUMENT)

BUCKET: Feed = {"bucket": ["~bucket"]}
KEY: Feed = {**BUCKET, "key": ["~key"]}
UPLOAD: Feed = {**BUCKET, "key": ["part"], "uploadId": ["~upload"]}
RULE: Feed = {"bucket": ["~source"], "id": ["~rule"]}
FEEDS: dict[str, Feed] = {
    "PutBucketReplication": {
        "bucket": ["~written"], "id": ["kept"], "status": ["enabled"], "resource": [["written/*"]],
        "destination": [{"bucket": "dst-bucket"}], "replicateHistory": [{}],
    },
    "GetBucketReplication": RULE,
    "GetBucketReplicationProgress": RULE,
    "DeleteBucketReplication": RULE,
    "ListBucketReplication": {"bucket": ["~replicated"]},
    "PutBucketVersioning": {"bucket": ["~empty"]},
    "PutBucketStorageClass": {"bucket": ["~empty"]},
    "PutBucketAcl": {"bucket": ["~empty"], "accessControlList": ["~acl"]},
    "PutBucket": {"bucket": ["~name"]},
    "DeleteBucket": {"bucket": ["~empty"]},
    "CompleteMultipartUpload": {**UPLOAD, "parts": ["~parts"]},
    "UploadPart": UPLOAD,
    "AbortMultipartUpload": UPLOAD,
    "ListParts": UPLOAD,
    "CopyObject": {**BUCKET, "key": ["copy"], "x-bce-copy-source": ["~from"]},
    # Signed by its headers, and of the version that is there.
    "GetObject": {**KEY, "authorization": [], "x-bce-security-token": [], "versionId": []},
    "GetObjectMeta": KEY,
    "DeleteObject": KEY,
}  # fmt: skip
_PART = re.compile(r"/?(?:#|%23).*")


class Signed(AuthBase):
    """Signs with the vendor's own signer, and turns the document's paths (``/{bucket}/#acl``) into real ones."""

    def __init__(self, keys: Keys | None) -> None:
        self.keys = keys

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        parts = urlsplit(str(request.url))
        path = _PART.sub("", parts.path) if "%23" in parts.path else parts.path
        path = path.rstrip("/") if parts.fragment or path != parts.path else path
        request.url = urlunsplit((parts.scheme, parts.netloc, path or "/", parts.query, ""))
        request.headers.pop("Authorization", None)
        if self.keys is not None:
            self._sign(request, self.keys, urlsplit(request.url))
        return request

    def _sign(self, request: requests.PreparedRequest, keys: Keys, parts: SplitResult) -> None:
        stamp = int(time.time())
        signed = {"host": parts.netloc, "x-bce-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stamp))}
        request.headers.update(signed)
        pairs = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
        request.headers["Authorization"] = bos.bce_v1_signer.sign(
            bos.BceCredentials(keys.access_key, keys.secret_key),
            str(request.method).encode(),
            quote(unquote_to_bytes(parts.path), safe="/-._~").encode(),
            {name.encode(): value.encode() for name, value in signed.items()},
            {name.encode(): value.encode() for name, value in pairs},
            timestamp=stamp,
            headers_to_sign=[name.encode() for name in signed],
        ).decode()


class Things:
    """What there is in the cloud, made anew where it is gone."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.numbers = lab, itertools.count()

    def makers(self) -> dict[str, Any]:
        return {
            "~bucket": lambda: self.bucket("kept"),
            "~source": lambda: self.bucket("source"),
            "~written": lambda: self.bucket("written"),
            "~empty": lambda: self.bucket(self.name()),
            "~name": self.name,
            "~rule": self.rule,
            "~replicated": lambda: self.rule() and "source",
            "~key": self.key,
            "~from": lambda: f"/{self.bucket('kept')}/{self.key()}",
            "~upload": self.upload,
            "~parts": self.parts,
            "~acl": lambda: [{"grantee": [{"id": "*"}], "permission": ["READ"]}],
        }

    def name(self) -> str:
        return f"n-{next(self.numbers)}"

    def bucket(self, name: str) -> str:
        if name not in self.lab.emulator.cloud.buckets:
            self.lab.emulator.act("create-bucket", {"bucket": name, "region": "bj"})
        return name

    def rule(self) -> str:
        bucket, name = self.bucket("source"), "kept"
        if self.lab.get_rule(name, bucket).status_code == 404:
            answer = self.lab.put_rule(rule(id=name, resource=["source/*"]), bucket)
            assert answer.status_code == 200, answer.text
        return name

    def key(self) -> str:
        self.lab.write("key", bucket=self.bucket("kept"))
        return "key"

    def upload(self) -> str:
        answer = self.lab.ask("POST", f"/{self.bucket('kept')}/part", {"uploads": ""})
        self.last = str(answer.json()["uploadId"])
        return self.last

    def parts(self) -> list[dict[str, Any]]:
        """Of the upload that was named last."""
        sent = {"uploadId": self.last, "partNumber": "1"}
        answer = self.lab.ask("PUT", "/kept/part", sent, body=b"x")
        return [{"partNumber": 1, "eTag": answer.headers.get("ETag", "").strip('"')}]


@pytest.fixture(params=["usual", "otherwise"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(flavour: str, tmp_path: Path, certificate: Certificate) -> Iterator[Bench]:
    with bos.start(tmp_path, certificate) as lab:
        if flavour == "otherwise":
            lab.emulator.switch({name: values[-1] for name, values in CHOICES.items()})
        auths = {
            "right": Signed(lab.owner), "other": Signed(lab.other), "none": Signed(None),
            "wrong": Signed(Keys(lab.owner.access_key, "x")),
        }  # fmt: skip
        yield Bench(CONTENT, lambda _: lab.url(), auths, Things(lab).makers(), lab.log)


def test_nothing_is_answered_that_is_not_documented(bench: Bench, flavour: str) -> None:
    for name in operations(CONTENT):
        bench.fire(name, FEEDS.get(name, BUCKET), thorough=flavour == "usual")
    print(table(bench))
    assert not bench.found, "\n".join(bench.found.values())
    # A part of an object is asked for by a header that the document does not name; DELETE is 204 or 200, by a switch.
    elsewhere = {("GetObject", "206"), ("DeleteBucketReplication", "200" if flavour == "usual" else "204")}
    assert successes(CONTENT) - elsewhere <= bench.seen.keys()
