"""The conformance suite over two Alarik emulators of different regions: rules of `here` lead to buckets `there`."""

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import httpx
from botocore.config import Config

from reconciler.emulators.alarik import AlarikEmulator
from reconciler.emulators.certificate import Certificate
from reconciler.emulators.emulator import Options
from reconciler.model.manifest import Location
from reconciler.model.relationship import Flow
from reconciler.providers.alarik import TYPE
from reconciler.providers.base import Capability
from reconciler.testing.harness import Ability, Variant
from tests.contract.botocore_referee import BotocoreReferee
from tests.contract.harnesses.emulated import ASKING, Differences, EmulatedHarness, Spec
from tests.contract.harnesses.s3_objects import left_below, write_in_parts
from tests.contract.referee import Exchange, Referee

DOCUMENT = Path(__file__).parents[3] / "specs" / "alarik" / "openapi.yaml"
SOURCES, DESTINATIONS, OBJECTS = ("src-a", "src-b"), ("dst-a", "dst-b"), "objects"
REGIONS = {"here": "us-east-1", "there": "eu-1"}
TARGETS, RULES, TASKS = "getReplicationTargets", "getReplicationRules", "listReplicationTasks"
_OPERATIONS = {
    "PUT replication/targets": "setReplicationTargets",
    "PUT replication/rules": "setReplicationRules",
    "POST replication/rules/:id/resync": "resyncReplicationRule",
    "observe": TARGETS,
    "health": TASKS,
    "list": "ListObjectsV2",
}
# The answer names no role: Alarik has none. Everything else of it is as in Amazon's model.
_WITHOUT_ROLE = "GetBucketReplication -> 200: answer: Role is required"
_LAST_ATTEMPT_S = 4 * 3600

DIFFERENCES: Differences = (
    ("deletes", {"deletes": "keep"}, {"deletes": "replicate"}),
    ("state", {"state": "paused"}, {"state": "active"}),
    ("state", {"state": "active"}, {"state": "paused"}),
    ("existing", {"existing": "ignore"}, {"existing": "copy"}),
    ("alarik.synchronous", {"alarik": {"synchronous": False}}, {"alarik": {"synchronous": True}}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the provider reaches the servers."""

    login: bool = False
    """With name and password for the console API; the keys are for S3 alone."""
    tls: bool = True
    switches: Mapping[str, Any] = field(default_factory=dict)


class AlarikHarness(EmulatedHarness):
    """Two servers of one world. `here` is under test, `there` is where rules lead."""

    abilities = frozenset({Ability.FAULTS, Ability.WIRE, Ability.SPEC, Ability.MULTIPART, Ability.BREAK_DATA})
    kind = TYPE
    subject = "here"
    asks = ASKING | {Capability.SCHEDULE: {"schedule": {"every": "5m"}}, Capability.RESYNC: {"existing": "copy"}}
    differences = DIFFERENCES
    operations = _OPERATIONS
    reads = (TARGETS, RULES)
    unseen = frozenset({"login"})

    def __init__(self, directory: Path, certificate: Certificate, way: Way = Way()) -> None:
        super().__init__(certificate, Referee(DOCUMENT))
        self._way = way
        self._s3_referee = BotocoreReferee()
        self._places = itertools.count(1)
        self._s3: dict[str, Any] = {}
        self.emulators = {name: AlarikEmulator(Options(name, region)) for name, region in REGIONS.items()}
        self.emulator = self.emulators["here"]
        for emulator in self.emulators.values():
            self.start(emulator, directory)
        self.facts: dict[str, dict[str, Any]] = {name: one.describe() for name, one in self.emulators.items()}
        for name, facts in self.facts.items():
            words = {f"{name.upper()}_SECRET": facts["secret_key"], f"{name.upper()}_PASSWORD": facts["password"]}
            self.secrets.put(**words)
            self.document(name, self._config(name))
        self.apis = {name: self._api(name) for name in REGIONS}
        for name, buckets in (("here", (*SOURCES, OBJECTS)), ("there", DESTINATIONS)):
            for bucket in buckets:
                self.make_bucket(bucket, name=name)
        self.switch(**way.switches)
        self._usual = {name: one.switches() for name, one in self.emulators.items()}

    def _config(self, name: str) -> Spec:
        facts = self.facts[name]
        config: Spec = {
            "endpoint": facts["https" if self._way.tls else "http"],
            "region": facts["region"],
            "credentials": {"accessKeyId": facts["access_key"], "secretAccessKey": {"env": f"{name.upper()}_SECRET"}},
        }
        if self._way.login:
            config["login"] = {"username": facts["username"], "password": {"env": f"{name.upper()}_PASSWORD"}}
        if self._way.tls:
            config["caFile"] = str(self.certificate.ca)
        return config

    def _api(self, name: str) -> httpx.Client:
        facts = self.facts[name]
        headers = {"X-Access-Key": str(facts["access_key"]), "X-Secret-Key": str(facts["secret_key"])}
        return self.clients.enter_context(
            httpx.Client(base_url=str(facts["http"]), headers=headers, trust_env=False, verify=False)
        )

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        return self.made(name, {"bucket": SOURCES[group], "prefix": f"{name}/"}, {"bucket": DESTINATIONS[group]}, spec)

    def made(self, name: str, source: Spec, destination: Spec, spec: Spec) -> Flow:
        """A flow between these two places; without a provider they lie here and there."""
        given = {"state": "active"} | spec
        given |= {"source": {"provider": "here"} | source, "destination": {"provider": "there"} | destination}
        return self.described(name, given)

    def variants(self) -> Sequence[Variant]:
        here, there = {"bucket": "src-a", "prefix": "varied/"}, {"bucket": "dst-a"}
        plain = self.made("varied", here, there, {})
        places = (
            ("source.prefix", here | {"prefix": "varied/deeper/"}, there),
            ("destination.bucket", here, {"bucket": "dst-b"}),
        )
        return [
            *super().variants(),
            *(Variant(field=at, before=plain, after=self.made("varied", *to, {})) for at, *to in places),
        ]

    def placed(self, name: str, text: str) -> Flow:
        return self.made(name, {"bucket": SOURCES[0], "prefix": f"{text}/"}, {"bucket": DESTINATIONS[0]}, {})

    def nowhere(self) -> Location:
        return Location(provider="here", bucket="no-such-bucket-anywhere")

    # What others do

    def foreign(self, flow: Flow) -> str:
        bucket, target, rule = str(flow.spec.source.bucket), str(uuid4()), str(uuid4())
        self.add(bucket, "targets", self.target(target, "dst-b"))
        self.add(bucket, "rules", self.rule(rule, target, prefix="theirs/", replicateDeletes=True, synchronous=True))
        return rule.upper()

    def target(self, identity: str, bucket: str, **changes: Any) -> Spec:
        """A target that leads there, with everything right."""
        facts = self.facts["there"]
        return {
            "id": identity,
            "endpoint": facts["https"],
            "targetBucket": bucket,
            "accessKeyId": facts["access_key"],
            "secretAccessKey": facts["secret_key"],
            "region": facts["region"],
            "enabled": True,
        } | changes

    def rule(self, identity: str, target: str, **changes: Any) -> Spec:
        """A rule for everything but deletes."""
        plain = {"replicateDeletes": False, "replicateExisting": False, "enabled": True}
        return {"id": identity, "targetId": target} | plain | changes

    def add(self, bucket: str, kind: str, entry: Spec) -> None:
        """Put one more target or rule behind those that are there."""
        self.put(bucket, kind, [*self.get(bucket, kind), entry])

    def put(self, bucket: str, kind: str, entries: Sequence[Spec], *, name: str = "here") -> None:
        answer = self.try_put(bucket, kind, entries, name=name)
        assert answer.status_code == 200, answer.text

    def try_put(self, bucket: str, kind: str, entries: Sequence[Spec], *, name: str = "here") -> httpx.Response:
        return self.apis[name].put(f"/api/v1/buckets/{bucket}/replication/{kind}", json={kind: list(entries)})

    def get(self, bucket: str, kind: str, *, name: str = "here") -> list[Spec]:
        """`targets`, `rules` or `tasks` of a bucket, as the server shows them to its owner."""
        answer = self.apis[name].get(f"/api/v1/buckets/{bucket}/replication/{kind}")
        assert answer.status_code == 200, answer.text
        return list(answer.json()[kind])

    def edit(self, flow: Flow, **changes: Any) -> None:
        """Change members of a flow's rule by hand."""
        identity, bucket = self.identity(flow), str(flow.spec.source.bucket)
        rules = self.get(bucket, "rules")
        assert identity in [one["id"].upper() for one in rules]
        self.put(bucket, "rules", [one | changes if one["id"].upper() == identity else one for one in rules])

    def tamper(self, flow: Flow) -> str:
        self.edit(flow, prefix="by hand/")
        return "source.prefix"

    def remove(self, flow: Flow) -> None:
        identity, bucket = self.identity(flow), str(flow.spec.source.bucket)
        rules = self.get(bucket, "rules")
        left = [one for one in rules if one["id"].upper() != identity]
        assert len(left) < len(rules)
        self.put(bucket, "rules", left)

    def raw(self, flow: Flow, identity: str) -> bytes | None:
        held = self.held(str(flow.spec.source.bucket))
        rule = next((one for one in held["rules"] if one["id"].upper() == identity), None)
        if rule is None:
            return None
        target = next((one for one in held["targets"] if one["id"] == rule["targetId"]), None)
        return json.dumps([{**rule, "delivered": None}, target], sort_keys=True).encode()

    def identity(self, flow: Flow) -> str:
        """The id of a flow's rule."""
        return self.connect().normalise(flow).identity

    # What the servers know

    def held(self, bucket: str, name: str = "here") -> Spec:
        """Everything of a bucket: `targets` with a digest of the stored secret, `rules`, `outbox`."""
        state: Any = self.emulators[name].state()
        return dict(state["buckets"][bucket])

    def switch(self, name: str = "here", **values: Any) -> None:
        """Set what releases and operators differ in."""
        self.emulators[name].switch(values)

    def restore(self) -> None:
        """Set all switches back, and take targets, rules and what waits off all buckets."""
        for name, emulator in self.emulators.items():
            if not emulator.up:
                emulator.act("restart", {})
            emulator.switch(self._usual[name])
            for bucket in emulator.instance.buckets.all():
                emulator.instance.buckets.clear(bucket.name)
                emulator.instance.replication.outbox.purge(bucket.name)

    def make_bucket(self, bucket: str, *, versioned: bool = True, name: str = "here") -> None:
        answer = self.apis[name].post("/api/v1/buckets", json={"name": bucket, "versioningEnabled": versioned})
        assert answer.status_code == 200, answer.text

    def client(self, name: str = "here") -> Any:
        """A boto3 client of the owner. Typed Any for short tests."""
        if name not in self._s3:
            facts = self.facts[name]
            self._s3[name] = boto3.client(
                "s3",
                endpoint_url=str(facts["http"]),
                aws_access_key_id=facts["access_key"],
                aws_secret_access_key=facts["secret_key"],
                region_name=facts["region"],
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
            self.clients.callback(self._s3[name].close)
        return self._s3[name]

    def write(self, bucket: str, key: str, body: bytes = b"x", *, name: str = "here") -> None:
        self.client(name).put_object(Bucket=bucket, Key=key, Body=body)

    def objects(self, bucket: str, name: str = "there") -> dict[str, int]:
        """Keys with how many versions there are of each, delete markers not counted."""
        counts: dict[str, int] = {}
        for one in self.client(name).list_object_versions(Bucket=bucket).get("Versions", []):
            counts[one["Key"]] = counts.get(one["Key"], 0) + 1
        return counts

    def queue(self, name: str = "here") -> dict[str, int]:
        """`pending`, `failed`, `under_way`, `delivered`, `attempts` and `walks`."""
        state: Any = self.emulators[name].state()
        return dict(state["queue"])

    def settle(self, name: str = "here") -> None:
        """Let everything be delivered that can be without a pause."""
        self.eventually(lambda: not any(self.queue(name)[key] for key in ("pending", "under_way", "walks")))

    # What the wire does

    def objections(self, exchanges: Collection[Exchange]) -> list[str]:
        told = {found for one in exchanges if not _is_api(one) and (found := self._s3_referee.objection(one))}
        return super().objections([one for one in exchanges if _is_api(one)]) + sorted(told - {_WITHOUT_ROLE})

    def add_unknown(self, content: Any) -> None:
        content["futureMember"] = {"deep": [1, None]}
        for entry in (*content.get("targets", ()), *content.get("rules", ())):
            entry["futureSetting"] = {"deep": [1, None]}

    def leave_out(self, content: Any) -> None:
        for rule in content.get("rules", ()):
            for name in ("prefix", "synchronous"):
                rule.pop(name, None)

    def break_data(self, flow: Flow) -> None:
        self.switch(fail_next_deliveries=1_000_000)
        self.write(str(flow.spec.source.bucket), f"{flow.spec.source.prefix or ''}lost")
        self.eventually(lambda: self.queue()["failed"], _LAST_ATTEMPT_S)

    # Objects

    def location(self) -> Location:
        return Location(provider="here", bucket=OBJECTS, prefix=f"objects & {'x' * next(self._places)}/")

    def write_in_parts(self, location: Location, key: str, parts: Sequence[bytes]) -> None:
        write_in_parts(self.client(), str(location.bucket), (location.prefix or "") + key, parts)

    def leftovers(self, location: Location) -> Sequence[str]:
        return left_below(self.client(), str(location.bucket), location.prefix or "")


def _is_api(exchange: Exchange) -> bool:
    return urlsplit(exchange.url).path.startswith("/api/v1/")
