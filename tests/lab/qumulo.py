"""A Qumulo emulator in this process, with recorded exchanges, and clients for it.

The vendor's SDK opens a "back door" when the host is called `localhost`, `127.0.0.1` or `::1` and the process is root:
it then binds a source port between 900 and 1023, which fails or hangs in containers. It compares names as text, so
`LOCALHOST`, the same name to the resolver and to TLS, goes in by the front door.
"""

import contextlib
import ssl
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from qumulo.lib.auth import Credentials
from qumulo.rest_client import RestClient

from reconciler.emulators import certificate as certificates
from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clock import Clock
from reconciler.emulators.emulator import Options
from reconciler.emulators.faults import Faults
from reconciler.emulators.qumulo import QumuloEmulator
from reconciler.emulators.requestlog import RequestLog
from tests.lab.rclone import ObjectServer
from tests.lab.recorder import Recorder, RecordingContext

SDK_HOST = "LOCALHOST"
RELATIONSHIPS = "/v3/replication/object-relationships/"


@dataclass(slots=True)
class Lab:
    """One running cluster. ``api`` is logged in as the service user."""

    emulator: QumuloEmulator
    clock: Clock
    faults: Faults
    log: RequestLog
    recorder: Recorder
    certificate: Certificate
    api: httpx.Client
    _stack: contextlib.ExitStack = field(repr=False, default_factory=contextlib.ExitStack)

    @property
    def facts(self) -> dict[str, Any]:
        return self.emulator.describe()

    def client(self, token: str | None) -> httpx.Client:
        """A client that verifies TLS; without a token it is nobody."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        context = ssl.create_default_context(cafile=str(self.certificate.ca))
        made = httpx.Client(
            base_url=str(self.facts["url"]), verify=context, headers=headers, trust_env=False, timeout=30
        )
        return self._stack.enter_context(made)

    def sdk(self, token: str | None = None) -> RestClient:
        """The vendor's client, through the front door; log in with ``login`` unless a token is given."""
        credentials = None if token is None else Credentials(token)
        client = RestClient(SDK_HOST, int(self.facts["port"]), credentials, timeout=30)
        assert not client.conninfo.backdoor
        self._stack.callback(client.close)
        return client

    def put(self, path: str, content: bytes | str = b"") -> str:
        """A file as a client of NFS would write it; its id."""
        text = content if isinstance(content, str) else content.decode()
        return str(self.emulator.act("write", {"path": path, "text": text})["id"])  # type: ignore[index, call-overload]

    def mkdir(self, path: str) -> str:
        return str(self.emulator.act("make-directory", {"path": path})["id"])  # type: ignore[index, call-overload]

    def read(self, path: str) -> bytes:
        answer = self.api.get(f"/v1/files/{quote(path)}/data")
        answer.raise_for_status()
        return answer.content

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.api.post(RELATIONSHIPS, json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def status(self, number: str) -> dict[str, Any]:
        return dict(self.api.get(f"{RELATIONSHIPS}{number}/status").json())

    def finish(self, number: str, seconds: float = 20) -> dict[str, Any]:
        """The status once no job runs."""
        deadline = time.monotonic() + seconds
        while (status := self.status(number))["state"] != "REPLICATION_NOT_RUNNING":
            assert time.monotonic() < deadline, "the job does not end"
            time.sleep(0.01)
        return status

    def files(self) -> dict[str, Any]:
        """Every file of the cluster by path, with its size and digest."""
        return dict(self.emulator.state()["files"])  # type: ignore[index, call-overload, arg-type]

    def jobs(self) -> list[dict[str, Any]]:
        return list(self.emulator.cluster.replication.history())


def quote(path: str) -> str:
    """A path as the API wants it: percent-encoded with its slashes."""
    return urllib.parse.quote(path, safe="")


def body(server: ObjectServer, *, bucket: str, ca: bool = True, **changes: Any) -> dict[str, Any]:
    """A create request for a bucket of an S3 server; a member given as None is left out."""
    members = {
        "direction": "COPY_TO_OBJECT",
        "object_store_address": "127.0.0.1",
        "port": server.port,
        "bucket": bucket,
        "bucket_style": "BUCKET_STYLE_PATH",
        "object_folder": "",
        "region": "us-east-1",
        "access_key_id": server.access_key,
        "secret_access_key": server.secret_key,
        "ca_certificate": server.ca.read_text() if ca else None,
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


@contextlib.contextmanager
def start(directory: Path, certificate: Certificate | None = None, *, seed: bool = False) -> Iterator[Lab]:
    """Run a cluster until the block ends."""
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
    emulator = QumuloEmulator(Options("nas-1", seed=seed))
    with contextlib.ExitStack() as stack:
        stack.callback(emulator.stop)
        stack.callback(clock.stop)
        emulator.start(context)
        lab = Lab(emulator, clock, faults, log, recorder, issued, httpx.Client(), stack)
        lab.api.close()
        lab.api = lab.client(str(lab.facts["token"]))
        yield lab
