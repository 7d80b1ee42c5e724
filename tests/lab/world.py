"""A world of emulators in a process of its own, and what tests need to talk to it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

START_SECONDS = 20


@dataclass(slots=True)
class RunningWorld:
    """A started world. ``ready`` is the line it printed: control, ca, emulators."""

    ready: dict[str, Any]
    process: subprocess.Popen[str]
    _clients: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    _initial: dict[str, Any] = field(default_factory=dict)

    @property
    def ca(self) -> str:
        return str(self.ready["ca"])

    def emulator(self, name: str) -> dict[str, Any]:
        return dict(self.ready["emulators"][name])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call to the side port; the answer's JSON. AssertionError unless it is 200."""
        reply = httpx.request(method, self.ready["control"] + path, json=body, timeout=10)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def fault(self, **fault: Any) -> None:
        self.control("POST", "/faults", fault)

    def switch(self, name: str, **values: Any) -> None:
        self.control("POST", f"/emulators/{name}/switches", values)

    def requests(self, name: str, since: int = 0) -> list[dict[str, Any]]:
        return list(self.control("GET", f"/requests?emulator={name}&since={since}")["requests"])

    def last_request(self) -> int:
        return int(self.control("GET", "/requests?since=999999999")["last"])

    def reset(self) -> None:
        """Take back faults, switches and a frozen clock. The data stays."""
        self.control("DELETE", "/faults")
        self.control("POST", "/clock", {"resume": True})
        for name, state in self.control("GET", "/state")["emulators"].items():
            initial = self._initial.setdefault(name, state["switches"])
            if initial != state["switches"]:
                self.switch(name, **initial)

    def s3(
        self,
        name: str = "s3",
        *,
        scheme: str = "https",
        zone: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        region: str | None = None,
        **config: Any,
    ) -> Any:
        """A boto3 client that does not retry, unless ``config`` says otherwise. Typed Any for short tests."""
        arguments = (name, scheme, zone, access_key, secret_key, region, repr(config))
        if arguments not in self._clients:
            described = self.emulator(name)
            self._clients[arguments] = boto3.client(
                "s3",
                endpoint_url=(described["zones"][zone] if zone else described)[scheme],
                aws_access_key_id=access_key or described["access_key"],
                aws_secret_access_key=secret_key or described["secret_key"],
                region_name=region or described["region"],
                verify=self.ca,
                config=Config(**{"retries": {"total_max_attempts": 1}, "read_timeout": 10, **config}),
            )
        return self._clients[arguments]

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        name: str = "s3",
        zone: str | None = None,
    ) -> httpx.Response:
        """A request to S3 as it is, signed by botocore: for documents that boto3 would not send."""
        described = self.emulator(name)
        url = (described["zones"][zone] if zone else described)["http"] + path
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers or {}))
        credentials = Credentials(described["access_key"], described["secret_key"])
        S3SigV4Auth(credentials, "s3", described["region"]).add_auth(request)
        return httpx.request(method, url, content=body, headers=dict(request.headers.items()), timeout=10)


@contextmanager
def run_world(*arguments: str) -> Iterator[RunningWorld]:
    """Start ``python -m reconciler.emulators`` with these arguments, and end it afterwards."""
    process = start_process(arguments)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, "the emulators did not start"
        world = RunningWorld(json.loads(line), process)
        world.reset()
        yield world
        for client in world._clients.values():
            client.close()
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def start_process(arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler.emulators", *arguments], stdout=subprocess.PIPE, text=True
    )


def eventually(check: Any, seconds: float = 10.0) -> Any:
    """The first true value that ``check`` returns. AssertionError when none came in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, f"still {value!r} after {seconds} s"
        time.sleep(0.01)
