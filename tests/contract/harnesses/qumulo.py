"""The conformance suite over the Qumulo emulator, with the S3 emulator as the object store that it copies to."""

import itertools
import json
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from reconciler.emulators import certificate as certificates
from reconciler.emulators.certificate import Certificate
from reconciler.emulators.emulator import Options
from reconciler.emulators.qumulo import QumuloEmulator
from reconciler.emulators.s3 import build
from reconciler.model.manifest import Location
from reconciler.model.relationship import Flow
from reconciler.providers.qumulo import TYPE
from reconciler.providers.s3 import TYPE as S3_TYPE
from reconciler.testing.harness import Ability, Variant
from tests.contract.harnesses.emulated import ASKING, EmulatedHarness, Spec
from tests.contract.referee import Referee

DOCUMENT = Path(__file__).parents[3] / "specs" / "qumulo" / "openapi.yaml"
RELATIONSHIPS = "/v3/replication/object-relationships/"
BUCKET, REGION = "dst", "eu-west-1"
_OPERATIONS = {
    f"POST {RELATIONSHIPS}": "createObjectRelationship",
    f"DELETE {RELATIONSHIPS}{{id}}": "deleteObjectRelationship",
    f"POST {RELATIONSHIPS}{{id}}/abort-replication": "abortObjectReplication",
    f"POST {RELATIONSHIPS}{{id}}/replicate": "replicateObjectRelationship",
    "observe": "listObjectRelationshipStatuses",
    "health": "getObjectRelationshipStatus",
    "list": "readDirectory",
}
_CONFIGURATION = (
    "id", "direction", "local_directory_id", "object_store_address", "port", "ca_certificate", "bucket",
    "bucket_style", "object_folder", "region", "access_key_id",
)  # fmt: skip


class QumuloHarness(EmulatedHarness):
    """One cluster `nas`, whose jobs take no longer than they must, and an object store `store`."""

    abilities = frozenset({Ability.FAULTS, Ability.WIRE, Ability.SPEC, Ability.BREAK_DATA})
    kind = TYPE
    peers = {"s3": S3_TYPE}
    subject = "nas"
    asks = ASKING
    """Not the schedule: how often a job is due is for `repl drift` to watch; the cluster is never asked to hold it."""
    operations = _OPERATIONS
    reads = (_OPERATIONS["observe"],)
    unseen = frozenset({"login"})

    def __init__(self, directory: Path, certificate: Certificate, *, pull: bool = False, login: bool = False) -> None:
        """`pull`: flows lead from the bucket to the cluster. `login`: with a password in place of a token."""
        super().__init__(certificate, Referee(DOCUMENT))
        self._pull = pull
        self._login = login
        self._store = build(Options("store"))
        self.start(self._store, directory, record=False)
        self.emulator = QumuloEmulator(Options("nas"))
        self.start(self.emulator, directory)
        self.switch(job_seconds=0)
        self._nas, self._s3 = self.emulator.describe(), self._store.describe()
        word = self._nas["password" if login else "token"]
        self.secrets.put(NAS_SECRET=str(word), S3_SECRET=str(self._s3["secret_key"]))
        self.document("nas", self._nas_config())
        self.document("store", self._store_config(), S3_TYPE)
        self._two_authorities = self._bundle(directory)
        context = ssl.create_default_context(cafile=str(certificate.ca))
        headers = {"Authorization": f"Bearer {self._nas['token']}"}
        self._api = self.clients.enter_context(
            httpx.Client(base_url=str(self._nas["url"]), verify=context, headers=headers, trust_env=False)
        )
        self._places = itertools.count(1)
        self._client = self._open_store()
        self.clients.callback(self._client.close)
        self._client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def _nas_config(self) -> Spec:
        secret = {"env": "NAS_SECRET"}
        identity = {"username": self._nas["username"], "password": secret} if self._login else {"token": secret}
        place = {"host": self._nas["host"], "port": self._nas["port"], "caFile": str(self.certificate.ca)}
        return place | identity

    def _store_config(self) -> Spec:
        return {
            "flavour": "aws",
            "region": REGION,
            "endpoint": self._s3["https"],
            "caFile": str(self.certificate.ca),
            "credentials": {"accessKeyId": self._s3["access_key"], "secretAccessKey": {"env": "S3_SECRET"}},
        }

    def _bundle(self, directory: Path) -> str:
        """A file with the store's authority and another one."""
        other = directory / "other-authority"
        other.mkdir()
        bundle = directory / "bundle.pem"
        bundle.write_text(self.certificate.ca.read_text() + certificates.issue(other).ca.read_text())
        return str(bundle)

    def _open_store(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=str(self._s3["https"]),
            aws_access_key_id=self._s3["access_key"],
            aws_secret_access_key=self._s3["secret_key"],
            region_name=REGION,
            verify=str(self.certificate.ca),
            config=Config(s3={"addressing_style": "path"}),
        )

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        return self._flow(name, f"/group-{group}/{name}", f"{name}/", spec)

    def _flow(self, name: str, path: str, prefix: str, spec: Spec) -> Flow:
        if "\n" not in path:
            self.emulator.act("make-directory", {"path": path})
        here = {"provider": "nas", "path": path}
        there = {"provider": "store", "bucket": BUCKET, "prefix": prefix}
        ends = {"source": there, "destination": here} if self._pull else {"source": here, "destination": there}
        return self.described(name, ends | spec)

    def variants(self) -> Sequence[Variant]:
        plain = self.flow("varied")
        return [
            Variant(field="qumulo.region", before=plain, after=self.flow("varied", qumulo={"region": "us-west-2"})),
            Variant(
                field="qumulo.caCertificate",
                before=plain,
                after=self.flow("varied", qumulo={"caFile": self._two_authorities}),
            ),
        ]

    def placed(self, name: str, text: str) -> Flow:
        if self._pull:
            return self._flow(name, f"/placed/{name}", f"{text}/", {})
        return self._flow(name, f"/placed/{text}", f"{name}/", {})

    def nowhere(self) -> Location:
        return Location(provider="nas", path="/no/such directory")

    # What others do

    def foreign(self, flow: Flow) -> str:
        del flow
        self.emulator.act("make-directory", {"path": "/theirs"})
        self._create(self._body("/theirs/", "theirs/v1/", REGION))
        return f"COPY_TO_OBJECT /theirs -> {self._address()}/{BUCKET}/theirs/v1"

    def tamper(self, flow: Flow) -> str:
        made = self._made(flow)
        path = str(made["local_directory_path"])
        self._delete(str(made["id"]))
        region = "us-east-1" if made["region"] != "us-east-1" else "eu-north-1"
        changed = {"direction": made["direction"], "ca_certificate": made["ca_certificate"]}
        self._create(self._body(path, str(made["object_folder"]), region) | changed)
        return "qumulo.region"

    def remove(self, flow: Flow) -> None:
        self._delete(str(self._made(flow)["id"]))

    def raw(self, flow: Flow, identity: str) -> bytes | None:
        del flow
        found = next((one for one in self._statuses() if self._identity(one) == identity), None)
        kept = None if found is None else {name: found.get(name) for name in _CONFIGURATION}
        return None if kept is None else json.dumps(kept, sort_keys=True).encode()

    def _body(self, path: str, folder: str, region: str) -> dict[str, Any]:
        host, _, port = self._address().rpartition(":")
        return {
            "direction": "COPY_TO_OBJECT",
            "local_directory_path": path,
            "object_store_address": host,
            "port": int(port),
            "ca_certificate": self.certificate.ca.read_text(),
            "bucket": BUCKET,
            "bucket_style": "BUCKET_STYLE_PATH",
            "object_folder": folder,
            "region": region,
            "access_key_id": self._s3["access_key"],
            "secret_access_key": self._s3["secret_key"],
        }

    def _create(self, body: dict[str, Any]) -> None:
        answer = self._api.post(RELATIONSHIPS, json=body)
        assert answer.status_code == 200, answer.text
        self._idle(answer.json()["id"])

    def _delete(self, number: str) -> None:
        self._idle(number)
        answer = self._api.delete(f"{RELATIONSHIPS}{number}")
        assert answer.status_code == 200, answer.text

    def _idle(self, number: str) -> None:
        status = f"{RELATIONSHIPS}{number}/status"
        self.eventually(lambda: self._api.get(status).json()["state"] == "REPLICATION_NOT_RUNNING")

    def _made(self, flow: Flow) -> dict[str, Any]:
        identity = self.connect().normalise(flow).identity
        return next(one for one in self._statuses() if self._identity(one) == identity)

    def _statuses(self) -> list[dict[str, Any]]:
        answer = self._api.get(f"{RELATIONSHIPS}status/")
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def _identity(self, status: dict[str, Any]) -> str:
        path = str(status["local_directory_path"]).rstrip("/")
        place = f"{status['object_store_address']}:{status['port']}/{status['bucket']}"
        return f"{status['direction']} {path} -> {place}/{str(status['object_folder']).strip('/')}"

    def _address(self) -> str:
        return str(self._s3["https"]).removeprefix("https://")

    # What the wire does

    def add_unknown(self, content: Any) -> None:
        for status in content:
            status["future_setting"] = {"deep": [1, None]}
            for job in (status.get("current_job"), status.get("last_job")):
                if job:
                    job["future_detail"] = "x"

    def leave_out(self, content: Any) -> None:
        for status in content:
            for name in ("ca_certificate", "port", "bucket_style", "last_job", "current_job"):
                status.pop(name, None)

    def break_data(self, flow: Flow) -> None:
        number = str(self._made(flow)["id"])
        self._idle(number)
        if self._pull:
            self._client.put_object(Bucket=BUCKET, Key=f"{flow.spec.source.prefix}lost", Body=b"x")
        else:
            self.emulator.act("write", {"path": f"{flow.spec.source.path}/lost", "text": "x"})
        self._store.switch({"denied_operations": ["PutObject", "CreateMultipartUpload", "GetObject"]})
        assert self._api.post(f"{RELATIONSHIPS}{number}/replicate").status_code == 202
        self._idle(number)

    # Objects

    def location(self) -> Location:
        path = f"/objects & more/{'x' * next(self._places)}"
        self.emulator.act("make-directory", {"path": path})
        return Location(provider="nas", path=path)

    def write_in_parts(self, location: Location, key: str, parts: Sequence[bytes]) -> None:
        raise NotImplementedError(location, key, parts)

    def leftovers(self, location: Location) -> Sequence[str]:
        state: Any = self.emulator.state()
        return [path for path in (*state["files"], *state["directories"]) if path.startswith(f"{location.path}/")]

    def expire_sessions(self) -> None:
        self.emulator.act("expire-sessions", {})
