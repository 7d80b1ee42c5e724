"""CloneCloudStore sites of one world in this process, with recorded exchanges, and clients for them."""

import base64
import contextlib
import hashlib
import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clock import Clock
from reconciler.emulators.clonecloudstore import CloneCloudStoreEmulator
from reconciler.emulators.emulator import Options
from reconciler.emulators.faults import Faults
from reconciler.emulators.requestlog import RequestLog
from tests.contract.referee import Exchange, Referee
from tests.lab.recorder import Recorder, RecordingContext

DOCUMENT = Path(__file__).parents[2] / "specs" / "clonecloudstore" / "openapi.yaml"
CLIENT = "client1"
PREFIX = "x-clonecloudstore-"
SERVICES = ("accessor", "internal", "replicator", "administration", "reconciliator")
OCTETS = {"Accept": "application/octet-stream"}
BYTES = {"Content-Type": "application/octet-stream"}
JSON = {"Accept": "application/json"}

# Everything after the bucket is one parameter of the path, whatever is in it.
_NAMED = ("/cloudclonestore/", "/ccs/internal/", "/replicator/local/", "/replicator/remote/buckets/")
_BASES = ("/cloudclonestore/", "/ccs/internal/", "/replicator/local/buckets/", "/replicator/remote/buckets/")


@dataclass(slots=True)
class Site:
    """One site. Its clients send the client id ``client1``; ``public`` is for the accessor, and so on."""

    name: str
    lab: "Lab"
    public: httpx.Client
    internal: httpx.Client
    replicator: httpx.Client
    administration: httpx.Client
    reconciliator: httpx.Client

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.lab.state["sites"][self.name])

    def urls(self, *, https: bool = False) -> dict[str, str]:
        described = self.lab.described[self.name]
        return dict(described["https"] if https else described)

    def bucket(self, name: str = "bucket") -> str:
        answer = self.public.post(f"/cloudclonestore/{name}")
        assert answer.status_code in (200, 201), answer
        return name

    def put(self, bucket: str, name: str, content: bytes = b"content", **headers: str) -> dict[str, Any]:
        """Store an object; its row. ``headers`` are without their prefix."""
        sent = {**BYTES, **{PREFIX + key: value for key, value in headers.items()}}
        answer = self.public.post(f"/cloudclonestore/{bucket}/{quote(name)}", content=content, headers=sent)
        assert answer.status_code == 201, answer
        return dict(answer.json())

    def rows(self, bucket: str, **filters: str) -> list[dict[str, Any]]:
        sent = {PREFIX + key: value for key, value in filters.items()}
        answer = self.public.put(f"/cloudclonestore/{bucket}", headers=sent)
        assert answer.status_code == 200, answer
        return [json.loads(line) for line in answer.text.splitlines()]

    def order(self, *orders: dict[str, Any]) -> None:
        """One by itself, several as a list."""
        one = len(orders) == 1
        path = "/replicator/remote/orders" + ("" if one else "/multiple")
        answer = self.replicator.post(path, json=orders[0] if one else list(orders))
        assert (answer.status_code, answer.content) == (201, b""), answer

    def status(self, bucket: str, name: str | None = None) -> str | None:
        """Of a row as it is, past every API; None without one."""
        found = self.state["buckets"].get(bucket)
        if name is not None:
            found = (found or {"objects": {}})["objects"].get(name)
        return None if found is None else str(found["status"])

    def content(self, bucket: str, name: str) -> bytes | None:
        return self.lab.emulator.sites[self.name].storage.read((bucket, name))

    def knows(self, *others: "Site", status: str = "UP") -> None:
        for other in others:
            entry = {"id": other.name, "name": other.name, "uri": other.urls()["replicator"], "status": status}
            answer = self.administration.post("/administration/topologies", json=entry)
            assert answer.status_code in (200, 201), answer


@dataclass(slots=True)
class Lab:
    """Sites and what their world lends them. ``a`` and ``b`` are the first two."""

    clock: Clock
    faults: Faults
    log: RequestLog
    recorder: Recorder
    certificate: Certificate
    emulator: CloneCloudStoreEmulator
    sites: dict[str, Site] = field(default_factory=dict)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    @property
    def a(self) -> Site:
        return self.sites["site-a"]

    @property
    def b(self) -> Site:
        return self.sites["site-b"]

    @property
    def c(self) -> Site:
        return self.sites["site-c"]

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.emulator.state())  # type: ignore[arg-type]

    @property
    def described(self) -> dict[str, Any]:
        facts: dict[str, Any] = dict(self.emulator.describe())
        return dict(facts["sites"])

    def switch(self, **values: Any) -> None:
        self.emulator.switch(values)

    def settle(self) -> None:
        """Wait until no order waits or is under way anywhere."""
        # Twice, for an order may be on its way from one site to another in between.
        eventually(lambda: self.state["quiet"] and self.state["quiet"])

    def settle_actions(self) -> None:
        """As ``settle``, but what sites have for others may wait on."""
        actions = [site.actions for site in self.emulator.sites.values()]
        eventually(lambda: not any(topic.waiting or topic.under_way for topic in actions))

    def outcomes(self) -> list[str]:
        return [str(done["outcome"]) for done in self.state["orders"]["done"]]

    def client(self, url: str, **headers: str) -> httpx.Client:
        context = ssl.create_default_context(cafile=str(self.certificate.ca))
        made = httpx.Client(base_url=url, verify=context, headers=headers, trust_env=False, timeout=30)
        return self._stack.enter_context(made)

    def judge(self) -> None:
        """Hold everything that was said against the document."""
        Referee(DOCUMENT, path_of).judge_all(one for one in self.recorder.exchanges if judged(one))


def judged(exchange: Exchange) -> bool:
    """All but what no route takes, words that are none, and what clients are told that did not say who they are."""
    path, sent = urlsplit(exchange.url).path, {name.lower() for name in exchange.request_headers}
    nobody = f"{PREFIX}client-id" not in sent and f"{path}/".startswith(_NAMED)
    wrong = path == "/nothing" or exchange.url.endswith(("=NO", "/READS"))
    return exchange.status != 405 and not wrong and not (nobody and exchange.status != 401)


def path_of(exchange: Exchange) -> str:
    path = urlsplit(exchange.url).path
    for base in _BASES:
        bucket, slash, name = path.removeprefix(base).partition("/")
        if path.startswith(base) and slash:
            return f"{base}{bucket}/{name.replace('/', '%2F')}"
    return path


def order(
    source: Site | str, target: Site | str, bucket: str, name: str | None = None, **changes: Any
) -> dict[str, Any]:
    """An order for the target to pull something, with everything right."""
    names = [one if isinstance(one, str) else one.name for one in (source, target)]
    return {
        "opId": "op-1", "fromSite": names[0], "toSite": names[1], "clientId": CLIENT, "bucketName": bucket,
        "objectName": name, "size": 0, "hash": None, "action": "CREATE", **changes,
    }  # fmt: skip


def digest(content: bytes) -> str:
    """SHA-256 as CloneCloudStore prints it."""
    return base64.b32hexencode(hashlib.sha256(content).digest()).decode().rstrip("=").lower()


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
def start(
    directory: Path, certificate: Certificate, *, flavour: str = "2", seed: bool = False, friends: bool = True
) -> Iterator[Lab]:
    """Run the sites until the block ends. ``friends``: they know each other, with data in them or without."""
    emulator = CloneCloudStoreEmulator(Options("ccs", flavour, seed=seed))
    lab = Lab(Clock(), Faults(), RequestLog(), Recorder(), certificate, emulator)
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
        stack.callback(emulator.stop)
        stack.callback(lab.clock.stop)
        emulator.switch({"order_lag_s": 0})
        emulator.start(context)
        if friends:
            emulator.act("introduce", {})
        for name, urls in lab.described.items():
            clients = [lab.client(urls[service], **{f"{PREFIX}client-id": CLIENT}) for service in SERVICES]
            lab.sites[name] = Site(name, lab, *clients)
        yield lab
