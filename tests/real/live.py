"""A live S3 service as the conformance suite sees it: behind a proxy on loopback that logs and disturbs requests.

Which one is told by environment variables; without them there is nothing to test.
"""

import contextlib
import http.client
import itertools
import os
import ssl
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from reconciler.clock import SystemClock
from reconciler.emulators.gate import Operation
from reconciler.emulators.message import Reply, Request
from reconciler.emulators.s3 import errors, operations
from reconciler.emulators.server import Handler, Server
from reconciler.model.relationship import Flow
from reconciler.providers.base import Capability
from reconciler.testing.harness import Ability, Judgement
from tests.contract.harnesses.s3_rules import AWS, PORTABLE, S3Rules
from tests.contract.harnesses.wire import EnvSecrets, Wire, gate, hurried

NEEDED = ("REPL_REAL_S3_ENDPOINT", "REPL_REAL_S3_ACCESS_KEY", "REPL_REAL_S3_SECRET_KEY")
OPTIONAL = {
    "REPL_REAL_S3_FLAVOUR": "aws",
    "REPL_REAL_S3_SECOND_ENDPOINT": "",
    "REPL_REAL_S3_REGION": "us-east-1",
    "REPL_REAL_S3_ROLE": "",
    "REPL_REAL_S3_CA_FILE": "",
    "REPL_REAL_S3_BUCKETS": "repl-real",
}
"""With what they are if left out; the last is what names of buckets begin with."""
_HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})
_SETTLE_S = 300.0
"""How long a new bucket, or a new rule, may take until it is known everywhere."""


@dataclass(frozen=True, slots=True)
class Service:
    """One live service, with buckets made for this run."""

    endpoint: str
    second: str
    flavour: str
    region: str
    role: str
    ca_file: str
    access_key: str
    secret_key: str = field(repr=False)
    buckets: str = ""

    @classmethod
    def told(cls, environ: Mapping[str, str] = os.environ) -> "Service | None":
        """The service that the environment names; None if it names none."""
        if any(not environ.get(name) for name in NEEDED):
            return None
        more = {name: environ.get(name) or usual for name, usual in OPTIONAL.items()}
        return cls(
            endpoint=environ[NEEDED[0]],
            second=more["REPL_REAL_S3_SECOND_ENDPOINT"] or environ[NEEDED[0]],
            flavour=more["REPL_REAL_S3_FLAVOUR"],
            region=more["REPL_REAL_S3_REGION"],
            role=more["REPL_REAL_S3_ROLE"],
            ca_file=more["REPL_REAL_S3_CA_FILE"],
            access_key=environ[NEEDED[1]],
            secret_key=environ[NEEDED[2]],
            buckets=f"{more['REPL_REAL_S3_BUCKETS']}-{uuid.uuid4().hex[:8]}",
        )

    @property
    def is_ceph(self) -> bool:
        return self.flavour == "rgw"

    def bucket(self, end: str) -> str:
        return f"{self.buckets}-{end}"


class Forwarding:
    """Hands each request on to the service as it came, but for what a proxy must change."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._url = urlsplit(service.endpoint)

    def __call__(self, request: Request) -> Reply:
        sent = request if request.page_size is None else _shortened(request)
        headers = dict(sent.headers)
        if request.page_size is not None or self._service.flavour == "aws":
            headers = self._signed(sent)  # AWS goes by the host; a changed query needs a new signature
        connection = self._connect()
        try:
            target = sent.raw_path + (f"?{sent.query}" if sent.query else "")
            connection.putrequest(sent.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(sent.body or None)
            answer = connection.getresponse()
            kept = tuple((n, v) for n, v in answer.getheaders() if n.lower() not in _HOP_BY_HOP)
            length = answer.getheader("Content-Length")
            body = answer.read()
        finally:
            connection.close()
        if request.method == "HEAD" and length is not None:
            kept = (*kept, ("Content-Length", length))
        return Reply(answer.status, kept, body)

    def operation(self, request: Request) -> Operation:
        return operations.operation(request)

    def failure(self, status: int, request: Request) -> Reply:
        return errors.render(errors.by_status(status), request_id="PROXY", head=request.method == "HEAD")

    def frozen(self) -> Handler:
        raise NotImplementedError("a live service cannot show an earlier state")

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=60)
        context = ssl.create_default_context(cafile=self._service.ca_file or None)
        return http.client.HTTPSConnection(host, port, timeout=60, context=context)

    def _signed(self, request: Request) -> dict[str, str]:
        skipped = {"authorization", "host", "x-amz-date", "x-amz-content-sha256"}
        kept = {name: value for name, value in request.headers if name.lower() not in skipped}
        url = self._service.endpoint + request.raw_path + (f"?{request.query}" if request.query else "")
        made = AWSRequest(method=request.method, url=url, data=request.body, headers=kept)
        keys = Credentials(self._service.access_key, self._service.secret_key)
        S3SigV4Auth(keys, "s3", self._service.region).add_auth(made)
        return {**dict(made.headers.items()), "Host": self._url.netloc}


class LiveS3(S3Rules):
    """The service's buckets, shared by all cases and emptied of rules for each."""

    abilities = frozenset({Ability.FAULTS, Ability.WIRE, Ability.MULTIPART})

    def __init__(self, service: Service) -> None:
        super().__init__(Wire(), EnvSecrets(S3_SECRET=service.secret_key), Path("/"))
        self.clock = SystemClock()
        self.differences = PORTABLE if service.is_ceph else AWS
        self._service = service
        self._proxy = Server(gate(self.wire, self.name, Forwarding(service)))
        self._proxy.start()
        self.document("here", self._config_of(self._proxy.url, ca_file=""))
        if service.is_ceph:
            self.document("there", self._config_of(service.second, ca_file=service.ca_file))
        self.sources = (service.bucket("a"), service.bucket("b"))
        self.destinations = self.sources if service.is_ceph else (service.bucket("dst-a"), service.bucket("dst-b"))
        self.objects = service.bucket("objects")
        self._mark = uuid.uuid4().hex[:8]

    def _config_of(self, url: str, *, ca_file: str) -> dict[str, Any]:
        keys = {"accessKeyId": self._service.access_key, "secretAccessKey": {"env": "S3_SECRET"}}
        config: dict[str, Any] = {
            "flavour": self._service.flavour,
            "region": self._service.region,
            "endpoint": url,
            "insecure": True,
            "credentials": keys,
        }
        return config | {k: v for k, v in (("role", self._service.role), ("caFile", ca_file)) if v}

    def clear(self) -> None:
        """Take all rules away, whoever made them."""
        for bucket in self.sources:
            with contextlib.suppress(ClientError):
                self.client().delete_bucket_replication(Bucket=bucket)

    def asking(self, capability: Capability) -> Flow | None:
        if capability is Capability.DELETES and self._service.is_ceph:
            return self.flow("asking", deletes="keep")
        return super().asking(capability)

    def location(self) -> Any:
        found = super().location()
        return found.model_copy(update={"prefix": f"{self._mark}/{found.prefix}"})

    def hurried(self) -> AbstractContextManager[None]:
        return hurried()

    def judged(self) -> Judgement | None:
        return None

    def restart(self) -> None:
        self._proxy.crash()
        self._proxy.start()

    def advance(self, seconds: float) -> None:
        """A live service's time passes by itself."""

    def break_data(self, flow: Flow) -> None:
        raise NotImplementedError(flow)

    def close(self) -> None:
        self.clear()
        self._proxy.stop()
        self.wire.clock.stop()
        self.close_clients()

    # Buckets of the run

    def make_buckets(self) -> None:
        """Make them, versioned, and wait until the other end knows them and data really flows."""
        there = self.client(list(self.docs)[-1])
        for bucket in self._all_buckets:
            self.client().create_bucket(Bucket=bucket)
            self.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for bucket in self._all_buckets:
            assert until(lambda bucket=bucket: _has(there, bucket)), f"{bucket} is not known at the other end"  # type: ignore[misc]
        for bucket, destination in zip(self.sources, self.destinations, strict=True):
            self._await_flow(bucket, destination)

    @property
    def _all_buckets(self) -> Sequence[str]:
        return list(dict.fromkeys((*self.sources, *self.destinations, self.objects)))

    def _await_flow(self, bucket: str, destination: str) -> None:
        """Write until something arrives: what is written before a rule holds everywhere may be passed over."""
        there, numbers = self.client(list(self.docs)[-1]), itertools.count()
        rule = (
            "<ID>settling</ID><Priority>1</Priority><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>"
            f"<Destination><Bucket>arn:aws:s3:::{destination}</Bucket></Destination>"
            "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>"
        )
        role = f"<Role>{self._service.role}</Role>"
        text = f"<ReplicationConfiguration>{role}<Rule>{rule}</Rule></ReplicationConfiguration>"
        accepted = until(lambda: self.send("PUT", f"/{bucket}?replication", text.encode()).status_code == 200)
        assert accepted, f"{bucket} takes no replication configuration"

        def arrived() -> bool:
            key = f"settling/{next(numbers)}"
            self.client().put_object(Bucket=bucket, Key=key, Body=b"x")
            return until(lambda: _has(there, destination, key), seconds=5)

        assert until(arrived), f"nothing arrives in {destination}"
        self.clear()

    def remove_buckets(self) -> None:
        """Empty them and remove them, at both ends."""
        for name in self.docs:
            client = self.client(name)
            for bucket in self._all_buckets:
                with contextlib.suppress(ClientError):
                    _empty(client, bucket)
        for bucket in self._all_buckets:
            with contextlib.suppress(ClientError):
                self.client().delete_bucket(Bucket=bucket)


def until(check: Any, seconds: float = _SETTLE_S) -> bool:
    """Whether the check came true in time."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.25)
    return True


def _has(client: Any, bucket: str, key: str | None = None) -> bool:
    """Whether a bucket is there, or an object in it."""
    try:
        client.head_bucket(Bucket=bucket) if key is None else client.head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True


def _empty(client: Any, bucket: str) -> None:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        listed: Sequence[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        for item in listed:
            client.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])


def _shortened(request: Request) -> Request:
    pairs = [pair for pair in parse_qsl(request.query, keep_blank_values=True) if pair[0] != "max-keys"]
    return replace(request, query=urlencode([*pairs, ("max-keys", str(request.page_size))], quote_via=quote))
