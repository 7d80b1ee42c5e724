"""The conformance suite over the BOS emulator: rules of buckets in bj that lead to buckets in gz."""

import itertools
import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx

from reconciler.emulators.bos.emulator import BosEmulator
from reconciler.emulators.certificate import Certificate
from reconciler.emulators.emulator import Options
from reconciler.emulators.gate import Gate, Service
from reconciler.model.manifest import Location
from reconciler.model.relationship import Flow
from reconciler.providers.base import Capability
from reconciler.providers.bos import TYPE
from reconciler.testing.harness import Ability, Variant
from tests.contract.harnesses.emulated import ASKING, Differences, EmulatedHarness, Spec
from tests.contract.harnesses.wire import WiredContext
from tests.contract.referee import Exchange, Referee
from tests.lab.bos import DOCUMENT, BceCredentials, bce_v1_signer, path_of

SOURCES, DESTINATIONS, OBJECTS = ("src-a", "src-b"), ("dst-a", "dst-b"), "objects"
CLOUD = "bcebos.com"
LIST, PROGRESS = "ListBucketReplication", "GetBucketReplicationProgress"
_OPERATIONS = {name: name for name in ("PutBucketReplication", "DeleteBucketReplication")} | {
    "observe": LIST,
    "health": PROGRESS,
    "list": "ListObjects",
}
JSON, BYTES = "application/json; charset=utf-8", "application/octet-stream"

_KEPT = {"historyStorageClass": "REMAIN"}
DIFFERENCES: Differences = (
    ("storageClass", {"storageClass": "STANDARD", "bos": _KEPT}, {"storageClass": "COLD", "bos": _KEPT}),
    ("state", {"state": "paused"}, {"state": "active"}),
    ("state", {"state": "active"}, {"state": "paused"}),
    ("deletes", {"deletes": "keep"}, {"deletes": "replicate"}),
    ("existing", {"existing": "ignore"}, {"existing": "copy"}),
    ("filter.exclude", {"filter": {"exclude": []}}, {"filter": {"exclude": ["*.tmp", "old/*", "*draft*"]}}),
    (
        "bos.historyStorageClass",
        {"storageClass": "STANDARD", "bos": {"historyStorageClass": "COLD"}},
        {"storageClass": "STANDARD", "bos": _KEPT},
    ),
)


@dataclass(frozen=True, slots=True)
class BosContext(WiredContext):
    """The S3 face is another service, which this document does not describe: what it is asked is not recorded."""

    def gate(self, name: str, service: Service, part: str = "") -> Gate:
        plain = WiredContext(
            clock=self.clock, faults=self.faults, log=self.log, certificate=self.certificate, tls=self.tls,
            directory=self.directory, wire=self.wire, record=not part.endswith("-s3"),
        )  # fmt: skip
        return plain.gate(name, service, part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the provider reaches the emulator."""

    session: bool = False
    """With keys that STS issued."""
    in_host: bool = False
    """With the bucket before the host's name, for which names below bcebos.com must lead to this machine."""
    tls: bool = True
    switches: Mapping[str, Any] = field(default_factory=dict)


class BosHarness(EmulatedHarness):
    """One cloud; `bj` is under test, `gz` is where rules lead."""

    abilities = frozenset({Ability.FAULTS, Ability.WIRE, Ability.SPEC, Ability.MULTIPART, Ability.BREAK_DATA})
    kind = TYPE
    subject = "bj"
    asks = ASKING | {Capability.SCHEDULE: {"schedule": {"every": "5m"}}}
    differences = DIFFERENCES
    operations = _OPERATIONS
    reads = (LIST,)
    emulator: BosEmulator

    def __init__(self, directory: Path, certificate: Certificate, way: Way = Way()) -> None:
        super().__init__(certificate, Referee(DOCUMENT, path_of))
        self.emulator = BosEmulator(Options("bos"))
        self.start(self.emulator, directory, BosContext)
        self.facts: Any = self.emulator.describe()
        self._way = way
        who = self.facts["session"] if way.session else self.facts
        self._key = str(who["access_key"])
        self.secrets.put(BOS_SECRET=str(who["secret_key"]))
        if way.session:
            self.secrets.put(BOS_TOKEN=str(who["token"]))
        for region in ("bj", "gz"):
            self.document(region, self._config(region))
        for names, region in ((SOURCES, "bj"), (DESTINATIONS, "gz"), ((OBJECTS,), "bj")):
            for name in names:
                self.emulator.act("create-bucket", {"bucket": name, "region": region})
        self._usual = self.emulator.switches()
        self.switch(**way.switches)
        self._places = itertools.count(1)
        plain = self.facts["regions"]["bj"]["http"]
        self._http = self.clients.enter_context(httpx.Client(base_url=plain, verify=False, trust_env=False, timeout=30))

    def _config(self, region: str) -> Spec:
        url = str(self.facts["regions"][region]["https" if self._way.tls else "http"])
        if self._way.in_host:
            url = f"https://{region}.{CLOUD}:{urlsplit(url).port}"
        credentials: Spec = {"accessKeyId": self._key, "secretAccessKey": {"env": "BOS_SECRET"}}
        if self._way.session:
            credentials["sessionToken"] = {"env": "BOS_TOKEN"}
        # One file is read much faster than all that this machine trusts.
        authority = str(self.certificate.ca)
        return {"region": region, "endpoint": url, "caFile": authority, "credentials": credentials}

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        return self.made(name, {"bucket": SOURCES[group], "prefix": f"{name}/"}, {"bucket": DESTINATIONS[group]}, spec)

    def made(self, name: str, source: Spec, destination: Spec, spec: Spec) -> Flow:
        """A flow between these two places."""
        given = {"state": "active", "existing": "copy"} | spec
        given |= {"source": {"provider": "bj"} | source, "destination": {"provider": "gz"} | destination}
        return self.described(name, given)

    def variants(self) -> Sequence[Variant]:
        here, there = {"bucket": "src-a", "prefix": "varied/"}, {"bucket": "dst-a"}
        plain = self.made("varied", here, there, {})
        places: tuple[tuple[str, Spec, Spec, Spec], ...] = (
            ("source.prefix", here | {"prefix": "varied/deeper/"}, there, {}),
            ("destination.bucket", here, {"bucket": "dst-b"}, {}),
            ("destination.prefix", here, there | {"prefix": "copies/"}, {}),
        )
        return [
            *super().variants(),
            *(Variant(field=at, before=plain, after=self.made("varied", *after)) for at, *after in places),
        ]

    def placed(self, name: str, text: str) -> Flow:
        return self.made(name, {"bucket": SOURCES[0], "prefix": f"{text}/"}, {"bucket": DESTINATIONS[0]}, {})

    def nowhere(self) -> Location:
        return Location(provider="bj", bucket="no-such-bucket-anywhere")

    # What others do

    def foreign(self, flow: Flow) -> str:
        bucket = str(flow.spec.source.bucket)
        self.put_rule(
            bucket,
            {
                "id": "theirs_1",
                "status": "enabled",
                "resource": [f"{bucket}/theirs/*", f"{bucket}/also theirs"],
                "notIncludeResource": [f"{bucket}/*.bak"],
                "destination": {"bucket": flow.spec.destination.bucket, "storageClass": "COLD", "prefix": "theirs/"},
                "replicateHistory": {"storageClass": "STANDARD_IA"},
                "replicateDeletes": "enabled",
            },
        )
        return "theirs_1"

    def tamper(self, flow: Flow) -> str:
        bucket = str(flow.spec.source.bucket)
        held = self.rule(bucket, self.identity(flow))
        assert held is not None
        moved = next(name for name in DESTINATIONS if name != held["destination"]["bucket"])
        self.put_rule(bucket, held | {"destination": held["destination"] | {"bucket": moved}})
        return "destination.bucket"

    def remove(self, flow: Flow) -> None:
        self.delete_rule(str(flow.spec.source.bucket), self.identity(flow))

    def raw(self, flow: Flow, identity: str) -> bytes | None:
        held = self.rule(str(flow.spec.source.bucket), identity)
        return None if held is None else json.dumps(held, sort_keys=True).encode()

    def identity(self, flow: Flow) -> str:
        """The id of a flow's rule."""
        return self.connect().normalise(flow).identity

    def rules(self, bucket: str) -> dict[str, dict[str, Any]]:
        """A bucket's rules by id, as the service shows them."""
        answer = self.ask("GET", f"/{bucket}", {"replication": "", "list": ""})
        assert answer.status_code in (200, 404), answer.text
        return {str(one["id"]): one for one in answer.json().get("rules", ())}

    def rule(self, bucket: str, identity: str) -> dict[str, Any] | None:
        return self.rules(bucket).get(identity)

    def put_rule(self, bucket: str, body: Mapping[str, Any]) -> None:
        answer = self.try_rule(bucket, body)
        assert answer.status_code == 200, answer.text

    def try_rule(self, bucket: str, body: Mapping[str, Any]) -> httpx.Response:
        return self.ask("PUT", f"/{bucket}", {"replication": "", "id": body["id"]}, json.dumps(body).encode())

    def delete_rule(self, bucket: str, identity: str) -> None:
        answer = self.ask("DELETE", f"/{bucket}", {"replication": "", "id": identity})
        assert answer.is_success, answer.text

    def ask(
        self, method: str, path: str, query: Mapping[str, str], body: bytes = b"", content: str = JSON
    ) -> httpx.Response:
        """One request of somebody else's, with the account's keys, signed by the vendor's own code."""
        stamp, raw = int(time.time()), quote(path, safe="/-._~")
        headers = {"Host": self._http.base_url.netloc.decode(), "Content-Length": str(len(body))}
        headers |= {"Content-Type": content} if body else {}
        headers["Authorization"] = bce_v1_signer.sign(
            BceCredentials(self.facts["access_key"], self.facts["secret_key"]),
            method.encode(),
            raw.encode(),
            {name.encode(): value.encode() for name, value in headers.items()},
            {name.encode(): value.encode() for name, value in query.items()},
            timestamp=stamp,
        ).decode()
        return self._http.request(method, f"{raw}?{urlencode(query)}", content=body, headers=headers)

    # What the emulator knows

    def restore(self) -> None:
        """Set all switches back, and take all rules off all buckets."""
        self.emulator.switch(self._usual)
        self.emulator.act("set-overdue", {"overdue": False})
        self.wire.clock.advance(86_400)
        cloud = self.emulator.cloud
        with cloud.lock:
            for bucket in cloud.buckets:
                for record in cloud.replication.records(bucket):
                    cloud.replication.delete(bucket, record.rule.id)

    def told(self, flow: Flow) -> dict[str, Any]:
        """What the emulator knows of a flow's rule: `runs`, `restarts`, `copied`, `progress`."""
        state: Any = self.emulator.state()
        return dict(state["buckets"][flow.spec.source.bucket]["rules"][self.identity(flow)])

    def starts(self, flow: Flow) -> list[str]:
        """Why a flow's rule has begun to copy, each time that it did."""
        state: Any = self.emulator.state()
        return [one["reason"] for one in state["replication"]["starts"] if one["rule"] == self.identity(flow)]

    def objects(self, bucket: str) -> dict[str, Any]:
        """By key: size, sha256, storage_class."""
        state: Any = self.emulator.state()
        return dict(state["buckets"][bucket]["objects"])

    def write(self, bucket: str, key: str, text: str = "x", **more: Any) -> None:
        self.emulator.act("write", {"bucket": bucket, "key": key, "text": text, **more})

    def settle(self) -> None:
        """Let everything be copied that is going to be."""
        self.eventually(lambda: not self.emulator.state()["replication"]["queued"])  # type: ignore[index, call-overload]

    # What the wire does

    def exchanges(self) -> Collection[Exchange]:
        # Whether versions can be listed is not documented; the emulator says that it cannot.
        answered = (one for one in self.wire.recorder.exchanges if one.status != 501)
        return {(e.method, e.url, e.status, e.request_body, e.response_body): e for e in answered}.values()

    def add_unknown(self, content: Any) -> None:
        content["futureMember"] = 1
        for rule in content["rules"]:
            rule["futureSetting"] = {"deep": [1, None]}
            rule["destination"]["futureDetail"] = "x"
            if rule.get("replicateHistory") is not None:
                rule["replicateHistory"]["futureDetail"] = "x"

    def leave_out(self, content: Any) -> None:
        for rule in content["rules"]:
            for name in ("create_time", "createTime", "destRegion", "notIncludeResource", "replicateHistory"):
                rule.pop(name, None)
            for name in ("storageClass", "prefix"):
                rule["destination"].pop(name, None)

    def break_data(self, flow: Flow) -> None:
        # Everything stays as it is written, and nothing is copied any more: BOS does not say so anywhere.
        self.emulator.act("versioning", {"bucket": str(flow.spec.source.bucket), "status": "Enabled"})

    # Objects

    def location(self) -> Location:
        return Location(provider="bj", bucket=OBJECTS, prefix=f"objects & {'x' * next(self._places)}/")

    def write_in_parts(self, location: Location, key: str, parts: Sequence[bytes]) -> None:
        path = f"/{location.bucket}/{location.prefix or ''}{key}"
        upload = {"uploadId": str(self.ask("POST", path, {"uploads": ""}).json()["uploadId"])}
        done = []
        for number, part in enumerate(parts, start=1):
            answer = self.ask("PUT", path, {"partNumber": str(number)} | upload, part, BYTES)
            done.append({"partNumber": number, "eTag": answer.headers["etag"].strip('"')})
        answer = self.ask("POST", path, upload, json.dumps({"parts": done}).encode())
        assert answer.status_code == 200, answer.text

    def leftovers(self, location: Location) -> Sequence[str]:
        return [key for key in self.objects(str(location.bucket)) if key.startswith(location.prefix or "")]
