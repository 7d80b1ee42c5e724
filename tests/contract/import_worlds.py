"""Six kinds of systems with live replications that somebody made by hand, and folders of manifests to import into."""

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from reconciler.cli.app import run
from reconciler.emulators.certificate import Certificate
from reconciler.manifest.edit import dump_documents
from reconciler.model.manifest import ProviderDoc
from tests.contract.harnesses.alarik import AlarikHarness
from tests.contract.harnesses.bos import BosHarness
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness
from tests.contract.harnesses.qumulo import BUCKET, REGION, QumuloHarness
from tests.contract.harnesses.s3 import AwsHarness
from tests.contract.harnesses.s3_rules import ROLE
from tests.contract.harnesses.scp import ScpHarness
from tests.contract.harnesses.scp import Way as ScpWay
from tests.lab.command import Ended
from tests.lab.scp import EAST

Spec = dict[str, Any]
OURS = "repl.conformance.made-by-repl"


class Folder:
    """Manifests of one test, and `repl` run on them within this process."""

    def __init__(self, root: Path, documents: Sequence[ProviderDoc], secrets: Sequence[str]) -> None:
        self.root = root
        self._secrets = secrets
        plain = [_document("Workspace", "conformance", {})]
        self.write("providers.yaml", *plain, *(self._provider(one) for one in documents))

    def _provider(self, document: ProviderDoc) -> Spec:
        config = document.spec.config.model_dump(by_alias=True, exclude_none=True, mode="json")
        return _document("Provider", document.name, {document.spec.type: config})

    def write(self, name: str, *documents: Spec) -> Path:
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(dump_documents(list(documents)), encoding="utf-8")
        return self.root / name

    def repl(self, *arguments: str) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(arguments)
        text = out.getvalue() + err.getvalue()
        assert "Traceback" not in text
        assert not [secret for secret in self._secrets if secret in text]
        return Ended(code, out.getvalue(), err.getvalue())

    def imported(self, provider: str, *arguments: str) -> Ended:
        """Import, which must work."""
        ended = self.repl("import", provider, *arguments)
        assert ended.code == 0, ended.text
        return ended

    def changes(self) -> dict[str, str]:
        """What a plan would do, by replication."""
        ended = self.repl("plan", "--output", "json")
        assert ended.code == 0, ended.text
        return {one["replication"]: one["action"] for one in ended.json["changes"] if one["action"] != "noop"}

    def settled(self) -> None:
        """Nothing is to do."""
        ended = self.repl("plan", "--detailed-exitcode")
        assert ended.code == 0, ended.text
        assert "No changes" in ended.text


@dataclass(kw_only=True)
class Site:
    """Live replications made by hand."""

    harness: Any
    documents: Sequence[ProviderDoc]
    provider: str
    """The document that is imported from."""
    found: Mapping[str, Spec]
    """What each replication must say, by its name: as far as named here."""
    move: Callable[[], None]
    """Change by hand what `moved` names."""
    moved: tuple[str, tuple[str, ...], Any]
    """Name, path within the spec, and what it is afterwards."""
    shuffle: Callable[[], None] = lambda: None
    """Have everything listed in another order."""
    told: Sequence[str] = ()
    """What an import must say that it could not read."""

    def folder(self, root: Path) -> Folder:
        return Folder(root, self.documents, self.harness.secret_values)


def _document(kind: str, name: str, spec: Mapping[str, Any]) -> Spec:
    return {"apiVersion": "repl/v1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


# S3 ----------------------------------------------------------------------------------------------------------------


def s3(directory: Path, certificate: Certificate) -> AwsHarness:
    return AwsHarness(directory, certificate)


def aws(harness: AwsHarness) -> Site:
    client = harness.client()
    to_a, to_b = {"Bucket": "arn:aws:s3:::dst-a"}, {"Bucket": "arn:aws:s3:::dst-b"}
    plain = {"Status": "Enabled", "DeleteMarkerReplication": {"Status": "Disabled"}}
    tags = [{"Key": "class", "Value": "hot"}, {"Key": "team", "Value": "a + b:c = @1"}]
    rules: list[Spec] = [
        {"ID": "Same Name", "Priority": 1, "Filter": {"Prefix": "same/1/"}, "Destination": to_a},
        {"ID": "same-name", "Priority": 2, "Filter": {"Prefix": "same/2/"}, "Destination": to_b},
        {"ID": OURS, "Priority": 3, "Filter": {"Prefix": "ours/"}, "Destination": to_a},
        {"ID": "ÄÖ: yes\t{{ vars.x }}", "Priority": 4, "Filter": {"Prefix": "{{ odd }}/é # /"},
         "Destination": to_a},
        {"ID": "x" * 255, "Priority": 5, "Filter": {"Prefix": "long/"}, "Destination": to_a},
        {"ID": "paused", "Priority": 6, "Status": "Disabled", "Filter": {"Prefix": "paused/"},
         "Destination": to_a | {"StorageClass": "STANDARD_IA"}},
        {"ID": "tagged", "Priority": 7, "Filter": {"And": {"Prefix": "tagged/", "Tags": tags}},
         "Destination": to_b | {"StorageClass": "GLACIER_IR"}},
        {"ID": "deletes", "Priority": 8, "Filter": {"Prefix": "deletes/"}, "Destination": to_a,
         "DeleteMarkerReplication": {"Status": "Enabled"}},
    ]  # fmt: skip

    def put(name: str, given: list[Spec]) -> None:
        configuration = {"Role": ROLE, "Rules": [plain | one for one in given]}
        client.put_bucket_replication(Bucket=name, ReplicationConfiguration=configuration)

    other = {"ID": OURS, "Priority": 1, "Filter": {"Prefix": ""}, "Destination": to_b}
    put("src-a", rules)
    put("src-b", [other])

    def move() -> None:
        put("src-a", [one | ({"Status": "Enabled"} if one["ID"] == "paused" else {}) for one in rules])

    return Site(
        harness=harness, documents=[harness.docs["s3"]], provider="s3",
        found={
            "same-name": {"s3": {"id": "Same Name"}},
            "same-name-2": {"s3": {"id": "same-name"}},
            "made-by-repl": {"source": {"provider": "s3", "bucket": "src-a", "prefix": "ours/"}},
            "made-by-repl-2": {"source": {"provider": "s3", "bucket": "src-b"}},
            "yes-vars-x": {"s3": {"id": "ÄÖ: yes\t{{ vars.x }}"}},
            "src-a-long-to-dst-a": {"s3": {"id": "x" * 255}},
            "paused": {"state": "paused", "storageClass": "STANDARD_IA"},
            "tagged": {"filter": {"tags": {"class": "hot", "team": "a + b:c = @1"}}, "storageClass": "GLACIER_IR"},
            "deletes": {"deletes": "replicate", "state": "active"},
        },
        move=move, moved=("paused", ("state",), "active"),
        shuffle=lambda: put("src-a", rules[::-1]),
    )  # fmt: skip


# BOS ---------------------------------------------------------------------------------------------------------------


def bos(harness: BosHarness) -> Site:
    def rule(identity: str, **changes: Any) -> Spec:
        return {
            "id": identity, "status": "enabled", "resource": [f"src-a/{identity}/*"],
            "destination": {"bucket": "dst-a"}, "replicateDeletes": "disabled",
        } | changes  # fmt: skip

    several = ["src-a/logs/app/*", "src-a/logs/web/*"]
    rules = [
        rule("Same_Name"),
        rule("same-name"),
        rule("all_there_is", resource=["src-a/*"], replicateHistory={"storageClass": "COLD"}),
        rule("paused", status="disabled", replicateDeletes="enabled"),
        rule("several", resource=several, notIncludeResource=["src-a/logs/app/tmp/*", "src-a/*.bak"],
             destination={"bucket": "dst-b", "storageClass": "COLD", "prefix": "copies/é {{ x }}/"}),
    ]  # fmt: skip
    harness.emulator.act("create-bucket", {"bucket": "src-again", "region": "bj"})

    def put() -> None:
        for one in rules:
            harness.put_rule("src-a", one)

    put()
    harness.put_rule("src-again", rule("paused", resource=["src-again/*"], destination={"bucket": "dst-b"}))

    def shuffle() -> None:
        for one in rules:
            harness.delete_rule("src-a", one["id"])
        harness.settle()
        for one in reversed(rules):
            harness.put_rule("src-a", one)

    def move() -> None:
        harness.put_rule("src-a", rules[4] | {"notIncludeResource": ["src-a/logs/app/new/*", "src-a/*.bak"]})

    return Site(
        harness=harness, documents=list(harness.docs.values()), provider="bj",
        found={
            "same-name": {"bos": {"id": "Same_Name"}, "state": "active"},
            "same-name-2": {"bos": {"id": "same-name"}},
            "all-there-is": {"existing": "copy", "bos": {"id": "all_there_is", "historyStorageClass": "COLD"}},
            "paused": {"state": "paused", "deletes": "replicate"},
            "paused-2": {"source": {"provider": "bj", "bucket": "src-again"}},
            "several": {"storageClass": "COLD",
                        "destination": {"provider": "gz", "bucket": "dst-b", "prefix": "copies/é {{ x }}/"}},
        },
        move=move, moved=("several", ("filter", "exclude"), None), shuffle=shuffle,
    )  # fmt: skip


# Alarik ------------------------------------------------------------------------------------------------------------


def alarik(harness: AlarikHarness) -> Site:
    targets = [str(UUID(int=number)) for number in range(1, 4)]
    harness.put("src-a", "targets", [harness.target(targets[0], "dst-a"), harness.target(targets[1], "dst-b")])

    def rules() -> list[Spec]:
        ids = [str(UUID(int=number)) for number in range(100, 110)]
        return [
            harness.rule(ids[0], targets[0], prefix="a/"),
            harness.rule(ids[1], targets[0], prefix="A!"),
            harness.rule(ids[2], targets[1], prefix="paused/", enabled=False, replicateDeletes=True),
            harness.rule(ids[3], targets[1], prefix="Ü {{ x }}/", synchronous=True, replicateExisting=True),
        ]

    harness.put("src-a", "rules", rules())
    off = harness.target(targets[2], "dst-b", enabled=False)
    harness.put("src-b", "targets", [harness.target(targets[0], "dst-a"), off])
    ends = ((str(UUID(int=200)), targets[0], ""), (str(UUID(int=201)), targets[2], "off/"))
    harness.put("src-b", "rules", [harness.rule(one, target, prefix=prefix) for one, target, prefix in ends])

    def move() -> None:
        harness.put("src-a", "rules", [one | ({"prefix": "b/c/"} if one["prefix"] == "a/" else {}) for one in rules()])

    return Site(
        harness=harness, documents=list(harness.docs.values()), provider="here",
        found={
            "src-a-a-to-dst-a": {"source": {"provider": "here", "bucket": "src-a", "prefix": "a/"}},
            "src-a-a-to-dst-a-2": {"source": {"provider": "here", "bucket": "src-a", "prefix": "A!"}},
            "src-a-paused-to-dst-b": {"state": "paused", "deletes": "replicate"},
            "src-a-x-to-dst-b": {"existing": "copy"},
            "src-b-off-to-dst-b": {"destination": {"provider": "there", "bucket": "dst-b"}, "state": None},
            "src-b-to-dst-a": {"source": {"provider": "here", "bucket": "src-b"}},
        },
        move=move, moved=("src-a-a-to-dst-a", ("source", "prefix"), "b/c/"),
        shuffle=lambda: harness.put("src-a", "rules", rules()[::-1]),
        told=["src-b-off-to-dst-b", "its target is not"],
    )  # fmt: skip


# Qumulo ------------------------------------------------------------------------------------------------------------


def qumulo(harness: QumuloHarness) -> Site:
    def relate(path: str, folder: str, **changes: Any) -> None:
        harness.emulator.act("make-directory", {"path": path})
        harness._create(harness._body(path, folder, REGION) | changes)

    relate("/Projects/A b", "projects/")
    relate("/projects/a-b", "again/")
    relate("/pull {{ x }}", "pulled/", direction="COPY_FROM_OBJECT")
    relate("/" + "long" * 30, "")

    def move() -> None:
        (made,) = [one for one in harness._statuses() if one["object_folder"].strip("/") == "projects"]
        harness._delete(made["id"])
        harness._create(harness._body("/Projects/A b", "projects/", "us-east-1"))

    return Site(
        harness=harness, documents=list(harness.docs.values()), provider="nas",
        found={
            "projects-a-b-to-dst": {"source": {"provider": "nas", "path": "/Projects/A b"},
                                    "destination": {"provider": "store", "bucket": BUCKET, "prefix": "projects/"}},
            "projects-a-b-to-dst-2": {"source": {"provider": "nas", "path": "/projects/a-b"}},
            "dst-to-pull-x": {"source": {"provider": "store", "bucket": BUCKET, "prefix": "pulled/"},
                              "destination": {"provider": "nas", "path": "/pull {{ x }}"}},
            ("long" * 30)[:63]: {"destination": {"provider": "store", "bucket": BUCKET}},
        },
        move=move, moved=("projects-a-b-to-dst", ("qumulo", "region"), "us-east-1"),
    )  # fmt: skip


# SCP ---------------------------------------------------------------------------------------------------------------


def scp(harness: ScpHarness) -> Site:
    for name in ("plain", "twin_a", "files", "kept", "taken"):
        harness.volume(name, **({"protocol": "CIFS"} if name == "files" else {}))

    def volume(name: str) -> str:
        state: Any = harness.emulator.state()
        return next(key for key, one in state["volumes"].items() if one["name"].startswith(name))

    def replicate(source: str, name: str, **more: Any) -> Spec:
        body = {"volume_id": volume(source), "name": name, "region": EAST, "replication_frequency": "hourly",
                "replication_type": "replication", **more}  # fmt: skip
        answer = harness.ask("kr-west1", "POST", "/v1/replications", json=body)
        harness.wire.clock.advance(60)
        return dict(answer.json())

    replicate("plain", "plain_dr", replication_frequency="5min")
    replicate("twin_a", "twin_dr")
    replicate("files", "files_dr", replication_frequency="daily", cifs_password="cifspwd0!!")
    replicate("kept", "kept_bk", replication_type="backup", backup_retention_count=7, replication_frequency="weekly")
    paused = replicate("taken", "taken_dr", replication_frequency="monthly")

    def change(made: Spec, **body: Any) -> None:
        place = f"/v1/replications/{made['replication_id']}"
        harness.ask(EAST, "PUT", place, params={"volume_id": made["replication_volume_id"]}, json=body)
        harness.wire.clock.advance(60)

    change(paused, replication_update_type="policy", replication_policy="paused")
    return Site(
        harness=harness, documents=list(harness.docs.values()), provider="west",
        found={
            "plain-to-plain-dr": {"schedule": {"every": "5m"}, "state": "active",
                                  "source": {"provider": "west", "volume": "plain"},
                                  "destination": {"provider": "east", "volume": "plain_dr"}},
            "twin-a-to-twin-dr": {"deletes": "replicate", "existing": "copy"},
            "files-to-files-dr": {"schedule": {"every": "1d"}},
            "kept-to-kept-bk": {"scp": {"type": "backup", "retention": 7}, "schedule": {"every": "7d"}},
            "taken-to-taken-dr": {"state": "paused", "schedule": {"every": "30d"}},
        },
        move=lambda: change(paused, replication_update_type="modify_schedule", replication_frequency="5min"),
        moved=("taken-to-taken-dr", ("schedule", "every"), "5m"),
        told=["files-to-files-dr", "scp.cifsPassword"],
    )  # fmt: skip


# CloneCloudStore ---------------------------------------------------------------------------------------------------


def clonecloudstore(harness: CloneCloudStoreHarness) -> Site:
    """Three sites: b is UP for a, c DOWN; b knows a as DOWN, and the client may delete nothing at c."""
    for site, other, status in (
        ("site-a", "site-b", "UP"), ("site-b", "site-a", "DOWN"), ("site-a", "site-c", "DOWN"),
        ("site-c", "site-a", "UNKNOWN"),
    ):  # fmt: skip
        harness.know(site, other, status)
    for bucket in ("invoices", "a-b", "9" * 63):
        harness.bucket(bucket)
    harness.settle()
    for bucket in ("invoices", "only-c"):
        harness.bucket(bucket, site="site-c")
    rights = harness.client("site-c", "administration")
    assert rights.delete("/administration/ownerships/client1/invoices").is_success
    assert rights.post("/administration/ownerships/client1/invoices/READ_WRITE").is_success

    def move() -> None:
        held = harness.topology("site-a", "site-b")
        harness.put_topology("site-a", dict(held or {}) | {"status": "DOWN"})

    return Site(
        harness=harness, documents=list(harness.docs.values()), provider="here",
        found={
            "invoices-site-a-to-site-b": {"state": "active", "deletes": "replicate",
                                          "destination": {"provider": "there", "bucket": "invoices"}},
            "a-b-site-a-to-site-b": {"state": "active"},
            "9" * 63: {"state": "active"},
            "invoices-site-a-to-site-c": {"state": "paused", "deletes": "keep", "verify": {"level": "status"}},
        },
        move=move, moved=("invoices-site-a-to-site-b", ("state",), "paused"),
    )  # fmt: skip


Maker = Callable[[Path, Certificate], Any]
KINDS: dict[str, tuple[Maker, Callable[[Any], Site]]] = {
    "s3": (s3, aws),
    "bos": (BosHarness, bos),
    "alarik": (AlarikHarness, alarik),
    "qumulo": (QumuloHarness, qumulo),
    "scp": (lambda directory, certificate: ScpHarness(directory, certificate, ScpWay(by_name=True)), scp),
    "clonecloudstore": (CloneCloudStoreHarness, clonecloudstore),
}
"""What makes the systems of a kind, and what makes replications in them."""


@contextlib.contextmanager
def opened(kind: str, directory: Path, certificate: Certificate) -> Iterator[Site]:
    """The live replications of a kind, with secrets in the environment."""
    make, fill = KINDS[kind]
    harness = make(directory, certificate)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in harness.secrets.by_name.items():
            patch.setenv(variable, value)
        patch.setenv("COLUMNS", "160")
        try:
            yield fill(harness)
        finally:
            harness.close()
