"""The conformance suite over the S3 emulator, as AWS and as two zones of Ceph."""

import time
from contextlib import AbstractContextManager
from pathlib import Path

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.emulator import Options
from reconciler.emulators.s3 import build
from reconciler.model.relationship import Flow
from reconciler.providers.base import Capability
from reconciler.testing.harness import Ability, Judgement
from tests.contract.botocore_referee import BotocoreReferee
from tests.contract.harnesses.s3_rules import AWS, PORTABLE, ROLE, S3Rules
from tests.contract.harnesses.wire import EmulatedClock, EnvSecrets, Wire, WiredContext, hurried

_SETTLE_S = 10.0


class EmulatedS3(S3Rules):
    """One S3 world in this process, reached over loopback."""

    flavour = "aws"
    abilities = frozenset({Ability.FAULTS, Ability.WIRE, Ability.MULTIPART, Ability.BREAK_DATA})

    def __init__(self, directory: Path, certificate: Certificate) -> None:
        wire = Wire()
        self.clock = EmulatedClock(wire.clock)
        self._emulator = build(Options(self.name, self.flavour))
        context = WiredContext(
            clock=wire.clock, faults=wire.faults, log=wire.log, certificate=certificate,
            tls=certificate.server_context(), directory=directory, wire=wire,
        )  # fmt: skip
        self._emulator.start(context)
        self.described = self._emulator.describe()
        super().__init__(wire, EnvSecrets(S3_SECRET=str(self.described["secret_key"])), directory)
        self.certificate = certificate
        self.prepare()

    def prepare(self) -> None:
        raise NotImplementedError

    def credentials(self) -> dict[str, object]:
        return {"accessKeyId": self.described["access_key"], "secretAccessKey": {"env": "S3_SECRET"}}

    def make_buckets(self, names: tuple[str, ...], *, versioned: bool) -> None:
        for name in names:
            self.client().create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": str(self.described["region"])}
            )
            if versioned:
                self.client().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def hurried(self) -> AbstractContextManager[None]:
        return hurried()

    def restart(self) -> None:
        self._emulator.act("restart", {})

    def advance(self, seconds: float) -> None:
        self.wire.clock.advance(seconds)

    def break_data(self, flow: Flow) -> None:
        self._emulator.switch({"role_denied": True})
        place = {"Bucket": flow.spec.source.bucket, "Key": f"{flow.spec.source.prefix or ''}lost"}
        self.client().put_object(**place, Body=b"x")
        self.wire.clock.advance(60)
        deadline = time.monotonic() + _SETTLE_S
        while not self._emulator.state()["replication"]["failures"]:  # type: ignore[index, call-overload]
            assert time.monotonic() < deadline, "the worker does not notice"
            time.sleep(0.005)

    def judged(self) -> Judgement | None:
        return None

    def close(self) -> None:
        self.wire.clock.stop()
        self._emulator.stop()
        self.close_clients()


class AwsHarness(EmulatedS3):
    """One account on AWS."""

    differences = AWS
    abilities = EmulatedS3.abilities | {Ability.SPEC}

    def prepare(self) -> None:
        config = {
            "flavour": "aws",
            "region": self.described["region"],
            "endpoint": self.described["https"],
            "caFile": str(self.certificate.ca),
            "role": ROLE,
            "credentials": self.credentials(),
        }
        self.document("s3", config)
        self.sources, self.destinations, self.objects = ("src-a", "src-b"), ("dst-a", "dst-b"), "objects"
        self.make_buckets((*self.sources, *self.destinations, self.objects), versioned=True)
        self._referee = BotocoreReferee()

    def judged(self) -> Judgement | None:
        objections = [
            found for exchange in self.wire.recorder.exchanges if (found := self._referee.objection(exchange))
        ]
        return Judgement(exchanges=len(self.wire.recorder.exchanges), objections=tuple(dict.fromkeys(objections)))


class RgwHarness(EmulatedS3):
    """Two zones of one zonegroup of Ceph: the same buckets in both."""

    flavour = "rgw"
    differences = PORTABLE

    def prepare(self) -> None:
        zones = self.described["zones"]
        assert isinstance(zones, dict)
        for zone, urls in zones.items():
            config = {
                "flavour": "rgw",
                "region": self.described["region"],
                "endpoint": urls["http"],
                "credentials": self.credentials(),
            }
            self.document(zone, config)
        self.sources = self.destinations = ("bucket-a", "bucket-b")
        self.objects = "objects"
        self.make_buckets((*self.sources, self.objects), versioned=True)

    def asking(self, capability: Capability) -> Flow | None:
        # Ceph sends every deletion on: what it cannot hold is that they stay behind.
        return self.flow("asking", deletes="keep") if capability is Capability.DELETES else super().asking(capability)
