"""Alarik servers of one world in this process, with recorded exchanges, and clients for them."""

import contextlib
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.config import Config

from reconciler.emulators.alarik import AlarikEmulator
from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clock import Clock
from reconciler.emulators.emulator import Options
from reconciler.emulators.faults import Faults
from reconciler.emulators.requestlog import RequestLog
from tests.contract.botocore_referee import BotocoreReferee
from tests.contract.referee import Exchange, Referee
from tests.lab.recorder import Recorder, RecordingContext

DOCUMENT = Path(__file__).parents[2] / "specs" / "alarik" / "openapi.yaml"
NEW = "00000000-0000-0000-0000-000000000000"
MASK = "\N{BULLET}" * 8
# The answer names no role: Alarik has none. Everything else of it is as in Amazon's model.
_WITHOUT_ROLE = "GetBucketReplication -> 200: answer: Role is required"


@dataclass(slots=True)
class Server:
    """One running server. ``api`` is its owner's client."""

    emulator: AlarikEmulator
    api: httpx.Client
    lab: "Lab"

    @property
    def facts(self) -> dict[str, Any]:
        return self.emulator.describe()

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.emulator.state())  # type: ignore[arg-type]

    def s3(self, **changes: Any) -> Any:
        """A boto3 client that does not retry. Typed Any for short tests."""
        facts = self.facts
        arguments = {
            "endpoint_url": facts[changes.pop("scheme", "http")],
            "aws_access_key_id": facts["access_key"],
            "aws_secret_access_key": facts["secret_key"],
            "region_name": facts["region"],
            "verify": str(self.lab.certificate.ca),
            "config": Config(retries={"total_max_attempts": 1}, read_timeout=30, s3={"addressing_style": "path"}),
        }
        return self.lab.closing(boto3.client("s3", **{**arguments, **changes}))

    def bucket(self, name: str = "", *, versioned: bool = True) -> str:
        name = name or f"b-{uuid.uuid4().hex[:12]}"
        answer = self.api.post("/api/v1/buckets", json={"name": name, "versioningEnabled": versioned})
        assert answer.status_code == 200, answer.text
        return name

    def put(self, bucket: str, which: str, entries: list[dict[str, Any]]) -> httpx.Response:
        return self.api.put(f"/api/v1/buckets/{bucket}/replication/{which}", json={which: entries})

    def get(self, bucket: str, which: str) -> list[dict[str, Any]]:
        answer = self.api.get(f"/api/v1/buckets/{bucket}/replication/{which}")
        assert answer.status_code == 200, answer.text
        return list(answer.json()[which])

    def saved(self, bucket: str, which: str, *entries: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.put(bucket, which, list(entries))
        assert answer.status_code == 200, answer.text
        return list(answer.json()[which])

    def replicate(self, bucket: str, to: "Server", other: str, **settings: Any) -> dict[str, Any]:
        """One target and one rule for everything in a bucket; the rule. ``target`` in settings is for the target."""
        made = self.saved(bucket, "targets", target(to, other, **settings.pop("target", {})))[0]
        return self.saved(bucket, "rules", rule(made["id"], **settings))[0]

    def tasks(self, bucket: str) -> list[dict[str, Any]]:
        return self.get(bucket, "tasks")

    def queue(self) -> dict[str, int]:
        return dict(self.state["queue"])

    def quiet(self) -> bool:
        queue = self.queue()
        return not (queue["pending"] or queue["under_way"] or queue["walks"])


@dataclass(slots=True)
class Lab:
    """Two servers, ``here`` in us-east-1 and ``there`` in eu-1, and what their world lends them."""

    clock: Clock
    faults: Faults
    log: RequestLog
    recorder: Recorder
    certificate: Certificate
    here: Server = field(init=False)
    there: Server = field(init=False)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    def client(self, url: str, headers: Mapping[str, str]) -> httpx.Client:
        context = ssl.create_default_context(cafile=str(self.certificate.ca))
        made = httpx.Client(base_url=url, verify=context, headers=dict(headers), trust_env=False, timeout=30)
        return self._stack.enter_context(made)

    def closing(self, client: Any) -> Any:
        self._stack.callback(client.close)
        return client

    def judge(self) -> None:
        """Hold everything that was said against the documents."""
        api, s3 = Referee(DOCUMENT), BotocoreReferee()
        exchanges = self.recorder.exchanges
        api.judge_all(one for one in exchanges if is_api(one))
        # What a presigned URL adds to the query is in no model.
        objections = [s3.objection(one) for one in exchanges if not is_api(one) and "X-Amz-Signature" not in one.url]
        assert [one for one in objections if one and one != _WITHOUT_ROLE] == []


def is_api(exchange: Exchange) -> bool:
    return urlsplit(exchange.url).path.startswith("/api/v1/")


def target(to: Server, bucket: str, **changes: Any) -> dict[str, Any]:
    """A new target with everything right."""
    facts = to.facts
    return {
        "id": NEW,
        "endpoint": facts["https"],
        "targetBucket": bucket,
        "accessKeyId": facts["access_key"],
        "secretAccessKey": facts["secret_key"],
        "region": facts["region"],
        "enabled": True,
        **changes,
    }


def rule(target_id: str, **changes: Any) -> dict[str, Any]:
    """A new rule for everything but deletes."""
    return {
        "id": NEW,
        "targetId": target_id,
        "replicateDeletes": False,
        "replicateExisting": False,
        "enabled": True,
        **changes,
    }


def keys(server: Server, role: str | None = None) -> dict[str, str]:
    """The headers of a user."""
    facts = server.facts if role is None else server.facts[role]
    return {"X-Access-Key": facts["access_key"], "X-Secret-Key": facts["secret_key"]}


def eventually(check: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The first true value that ``check`` returns. AssertionError when none came in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, f"still {value!r} after {seconds} s"
        time.sleep(0.01)


@contextlib.contextmanager
def start(directory: Path, certificate: Certificate, *, seed: bool = False) -> Iterator[Lab]:
    """Run both servers until the block ends."""
    lab = Lab(Clock(), Faults(), RequestLog(), Recorder(), certificate)
    context = RecordingContext(
        clock=lab.clock,
        faults=lab.faults,
        log=lab.log,
        certificate=certificate,
        tls=certificate.server_context(),
        directory=directory,
        recorder=lab.recorder,
    )
    with lab._stack as stack:
        for name, options in (("here", Options("here", seed=seed)), ("there", Options("there", "eu-1", seed=seed))):
            emulator = AlarikEmulator(options)
            stack.callback(emulator.stop)
            stack.callback(lab.clock.stop)
            emulator.start(context)
            server = Server(emulator, httpx.Client(), lab)
            server.api.close()
            server.api = lab.client(str(server.facts["http"]), keys(server))
            setattr(lab, name, server)
        yield lab
