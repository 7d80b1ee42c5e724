"""A BOS emulator in this process, with recorded exchanges, and clients for it.

Requests that the vendor's SDK would not send are signed with the SDK's own signer, so that no signature in the tests
comes from this project.
"""

import contextlib
import dataclasses
import functools
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote, urlencode, urlsplit

import boto3
import httpx
from botocore.config import Config

from reconciler.emulators import certificate as certificates
from reconciler.emulators.bos.emulator import BosEmulator
from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clock import Clock
from reconciler.emulators.emulator import Options
from reconciler.emulators.faults import Faults
from reconciler.emulators.requestlog import RequestLog
from tests.contract.referee import Exchange
from tests.lab.recorder import Recorder, RecordingContext

with warnings.catch_warnings():
    # The SDK still runs on Python 2, by way of packages that import what newer Pythons deprecate.
    warnings.simplefilter("ignore", DeprecationWarning)
    from baidubce.auth import bce_v1_signer
    from baidubce.auth.bce_credentials import BceCredentials
    from baidubce.bce_client_configuration import BceClientConfiguration
    from baidubce.http import bce_http_client
    from baidubce.retry.retry_policy import NoRetryPolicy
    from baidubce.services.bos.bos_client import BosClient

DOCUMENT = Path(__file__).parents[2] / "specs" / "bos" / "openapi.yaml"

#: Parts of a bucket or object that are told by a query parameter, the longest first.
_PARTS = (
    "replicationProgress", "replication", "location", "acl", "versioning", "storageClass", "delete", "uploads",
    "uploadId",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keys:
    """Who asks: a key pair, and a token if it is a temporary one."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Lab:
    """One running cloud with the empty buckets src-bucket (bj) and dst-bucket (gz)."""

    emulator: BosEmulator
    clock: Clock
    faults: Faults
    log: RequestLog
    recorder: Recorder
    certificate: Certificate
    _stack: contextlib.ExitStack = field(repr=False, default_factory=contextlib.ExitStack)

    @property
    def facts(self) -> dict[str, Any]:
        return self.emulator.describe()

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.emulator.state())  # type: ignore[arg-type, call-overload]

    @property
    def owner(self) -> Keys:
        return Keys(self.facts["access_key"], self.facts["secret_key"])

    @property
    def other(self) -> Keys:
        return Keys(self.facts["other_account"]["access_key"], self.facts["other_account"]["secret_key"])

    @property
    def session(self) -> Keys:
        return Keys(**self.facts["session"])

    @property
    def exchanges(self) -> list[Exchange]:
        """What went over BOS' own face, for the referee. The SDK leaves out one Content-Type that bodies need."""
        found = [one for one in self.recorder.exchanges if own(one)]
        return [
            dataclasses.replace(one, request_headers={"Content-Type": "application/json", **one.request_headers})
            if one.url.endswith("?delete=")
            else one
            for one in found
        ]

    def url(self, region: str = "bj", endpoint: str = "http") -> str:
        return str(self.facts["regions"][region][endpoint])

    def sdk(self, region: str = "bj", keys: Keys | None = None, **settings: Any) -> BosClient:
        """The vendor's client; without retries, but for the one that it makes after every 403."""
        who = keys or self.owner
        settings = {"endpoint": self.url(region), **settings}
        return BosClient(
            BceClientConfiguration(
                BceCredentials(who.access_key, who.secret_key),
                retry_policy=NoRetryPolicy(),
                security_token=who.token,
                **settings,
            )
        )

    def s3(self, region: str = "bj", keys: Keys | None = None, endpoint: str = "s3_https") -> Any:
        who = keys or self.owner
        client = boto3.client(
            "s3",
            endpoint_url=self.url(region, endpoint),
            verify=str(self.certificate.ca),
            region_name=region,
            aws_access_key_id=who.access_key,
            aws_secret_access_key=who.secret_key,
            aws_session_token=who.token,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        self._stack.callback(client.close)
        return client

    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        region: str = "bj",
        keys: Keys | None = None,
        host: str | None = None,
        signed: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """One signed request. A body that is no bytes is sent as JSON; ``signed`` goes to the SDK's signer.

        ``path`` is as a person reads it, and percent-encoded here.
        """
        who, url = keys or self.owner, self.url(region)
        content = (
            body if isinstance(body, bytes) else b"" if body is None else httpx.Request("PUT", url, json=body).content
        )
        sent = {"Host": host or urlsplit(url).netloc, "Content-Length": str(len(content)), **(headers or {})}
        if not isinstance(body, bytes | None):
            sent["Content-Type"] = "application/json; charset=utf-8"
        if who.token is not None:
            sent["x-bce-security-token"] = who.token
        stamp = int(time.time())
        sent["x-bce-date"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stamp))
        raw = quote(path, safe="/-._~")
        sent["Authorization"] = bce_v1_signer.sign(
            BceCredentials(who.access_key, who.secret_key),
            method.encode(),
            raw.encode(),
            {name.encode(): value.encode() for name, value in sent.items()},
            {name.encode(): str(value).encode() for name, value in (params or {}).items()},
            **{"timestamp": stamp, **(signed or {})},
        ).decode()
        query = f"?{urlencode(params, safe='', quote_via=quote)}" if params else ""
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.request(method, f"{url}{raw}{query}", content=content, headers=sent)

    def put_rule(self, body: Mapping[str, Any], bucket: str = "src-bucket", **more: Any) -> httpx.Response:
        return self.ask("PUT", f"/{bucket}", {"replication": "", "id": body.get("id", "r")}, body=body, **more)

    def get_rule(self, rule_id: str = "r", bucket: str = "src-bucket") -> httpx.Response:
        return self.ask("GET", f"/{bucket}", {"replication": "", "id": rule_id})

    def progress(self, rule_id: str = "r", bucket: str = "src-bucket") -> dict[str, Any]:
        answer = self.ask("GET", f"/{bucket}", {"replicationProgress": "", "id": rule_id})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def write(self, key: str, text: str = "x", bucket: str = "src-bucket", **more: Any) -> None:
        self.emulator.act("write", {"bucket": bucket, "key": key, "text": text, **more})

    def objects(self, bucket: str = "dst-bucket") -> dict[str, Any]:
        """By key: size, digest and storage class."""
        return dict(self.state["buckets"][bucket]["objects"])

    def told(self, rule_id: str = "r", bucket: str = "src-bucket") -> dict[str, Any]:
        """What the emulator knows of a rule."""
        return dict(self.state["buckets"][bucket]["rules"][rule_id])

    def settle(self) -> None:
        """Wait until nothing is left to copy."""
        self.until(lambda: not self.state["replication"]["queued"])

    def until(self, holds: Callable[[], object], seconds: float = 20) -> None:
        """Wait, in real time, until something is the case."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it does not come about"
            time.sleep(0.005)


def rule(**changes: Any) -> dict[str, Any]:
    """The body of a rule over all of src-bucket; a member given as None is left out."""
    members = {
        "id": "r",
        "status": "enabled",
        "resource": ["src-bucket/*"],
        "destination": {"bucket": "dst-bucket"},
        "replicateHistory": {},
        "replicateDeletes": "enabled",
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


def path_of(exchange: Exchange) -> str:
    """Where an exchange is in the document: path style, and the part of the bucket or object after a #."""
    parts = urlsplit(exchange.url)
    path = parts.path.removeprefix("/v1") if parts.path.startswith("/v1/") else parts.path
    host = parts.hostname or ""
    if host.endswith(".bcebos.com") and host.count(".") == 3:
        path = f"/{host.partition('.')[0]}{path}".rstrip("/")
    bucket, _, key = path.removeprefix("/").partition("/")
    where = f"/{bucket}/{key.replace('/', '%2F')}" if key else f"/{bucket}"
    names = [name for name, _, _ in (pair.partition("=") for pair in parts.query.split("&"))]
    part = next((name for name in _PARTS if name in names), None)
    if part == "replication" and "list" in names:
        part = "replication&list"
    if key and any(name.lower() == "x-bce-copy-source" for name in exchange.request_headers):
        part = "copy"
    return f"{where}/#{part}" if part else where


def own(exchange: Exchange) -> bool:
    """Whether an exchange went to BOS' own face, not to the S3 face."""
    return not any("AWS4-" in value for value in exchange.request_headers.values())


def _closing_connection(connect: Callable[..., Any], *rest: Any, **more: Any) -> Any:
    """A connection for one request. The SDK leaves open what the server does not close."""
    connection = connect(*rest, **more)
    end = connection.endheaders

    def endheaders(*rest: Any, **more: Any) -> None:
        connection.putheader("Connection", "close")
        end(*rest, **more)

    connection.endheaders = endheaders
    return connection


def person(endpoint: str, keys: Keys) -> BosClient:
    """The vendor's client at an endpoint, without retries; to be used within `closing_connections`."""
    who = BceCredentials(keys.access_key, keys.secret_key)
    return BosClient(BceClientConfiguration(who, endpoint=endpoint, retry_policy=NoRetryPolicy()))


@contextlib.contextmanager
def closing_connections() -> Iterator[None]:
    """Let the SDK close each connection after its request."""
    connect = functools.partial(_closing_connection, bce_http_client._get_connection)
    with mock.patch.object(bce_http_client, "_get_connection", connect):
        yield


@contextlib.contextmanager
def start(directory: Path, certificate: Certificate | None = None, *, seed: bool = False) -> Iterator[Lab]:
    """Run a cloud until the block ends."""
    issued = certificate or certificates.issue(directory)
    clock, faults, log, recorder = Clock(), Faults(), RequestLog(), Recorder()
    context = RecordingContext(
        clock=clock,
        faults=faults,
        log=log,
        certificate=issued,
        tls=issued.server_context(),
        directory=directory,
        recorder=recorder,
    )
    emulator = BosEmulator(Options("bos", seed=seed))
    with contextlib.ExitStack() as stack:
        stack.enter_context(closing_connections())
        stack.callback(emulator.stop)
        stack.callback(clock.stop)
        emulator.start(context)
        if not seed:
            emulator.act("create-bucket", {"bucket": "src-bucket", "region": "bj"})
            emulator.act("create-bucket", {"bucket": "dst-bucket", "region": "gz"})
        yield Lab(emulator, clock, faults, log, recorder, issued, stack)
