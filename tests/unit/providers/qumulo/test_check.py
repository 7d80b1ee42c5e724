from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.finding import Finding, Severity
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow
from reconciler.providers.qumulo.certificate import Authority
from reconciler.providers.qumulo.check import judge, judge_world
from reconciler.providers.qumulo.config import QumuloConfig
from reconciler.providers.qumulo.findings import TEXTS
from reconciler.providers.qumulo.provider import QumuloProvider
from tests.unit.providers.qumulo.flows import AMAZON, CERTIFICATE, SECRET, cluster, connection, flow

PUBLIC = Authority()


def judged(subject: Flow, own: Authority = PUBLIC, authority: Authority = PUBLIC, **config: Any) -> list[Finding]:
    settings = cluster(**config).spec.config
    assert isinstance(settings, QumuloConfig)
    return list(judge(subject, settings, own, authority))


def peer(**changes: Any) -> Any:
    return AMAZON.model_copy(update=changes)


def test_a_good_flow_has_no_findings() -> None:
    assert judged(flow()) == []
    assert judged(flow(owner_side="destination", prefix=None)) == []
    assert judged(flow(state="active", deletes="keep", existing="copy", filter={"exclude": []}, protect=True)) == []


CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("REPL-C201", "spec.state", {"state": "paused"}),
    ("REPL-C202", "spec.deletes", {"deletes": "replicate"}),
    ("REPL-C203", "spec.filter", {"filter": {"exclude": ["*.tmp"]}}),
    ("REPL-C203", "spec.filter", {"filter": {"tags": {"a": "b"}}}),
    ("REPL-C204", "spec.storageClass", {"storage_class": "STANDARD_IA"}),
    ("REPL-C205", "spec.existing", {"existing": "ignore"}),
    ("REPL-C206", "spec.schedule", {"schedule": {"every": "1h"}}),
    ("REPL-C210", "spec.destination.provider", {"peer": None}),
    ("REPL-C210", "spec.source.provider", {"peer": None, "owner_side": "destination"}),
    ("REPL-C211", "spec.destination.provider", {"peer": peer(url="http://s3.eu-west-1.amazonaws.com")}),
    ("REPL-C211", "spec.destination.provider", {"peer": peer(url="https://s3.example/path")}),
    ("REPL-C211", "spec.destination.provider", {"peer": peer(url="https://user@s3.example")}),
    ("REPL-C211", "spec.destination.provider", {"peer": peer(url="https://s3.example:99999")}),
    ("REPL-C211", "spec.destination.provider", {"peer": peer(url="https://s3.example:0")}),
    ("REPL-C211", "spec.destination.provider", {"peer": peer(url="https://")}),
    ("REPL-C211", "spec.destination.provider", {"peer": peer(url="s3.example")}),
    ("REPL-C212", "spec.destination.provider", {"peer": peer(secret_access_key=None)}),
    ("REPL-C212", "spec.destination.provider", {"peer": peer(access_key_id=None)}),
    ("REPL-C213", "spec.destination.provider", {"peer": peer(region="")}),
    ("REPL-C214", "spec.destination.bucket", {"peer": peer(url="https://127.0.0.1:9000")}),
    ("REPL-C215", "spec.destination.bucket", {"bucket": "my.bucket"}),
    ("REPL-C216", "spec.destination.provider", {"peer": peer(url="https://minio.example:9000", path_style=True)}),
    ("REPL-C220", "spec.source.path", {"path": "/a/../b"}),
    ("REPL-C220", "spec.source.path", {"path": "/a//b"}),
    ("REPL-C220", "spec.source.path", {"path": "/."}),
    ("REPL-C220", "spec.source.path", {"path": "/a\n"}),
    ("REPL-C220", "spec.source.path", {"path": "/a/.snapshot/b"}),
    ("REPL-C220", "spec.destination.path", {"path": "/a/..", "owner_side": "destination"}),
    ("REPL-C221", "spec.destination.prefix", {"prefix": "/v1/"}),
    ("REPL-C221", "spec.destination.prefix", {"prefix": "v1//"}),
    ("REPL-C221", "spec.destination.prefix", {"prefix": "v1/./x/"}),
    ("REPL-C221", "spec.source.prefix", {"prefix": ".snapshot/", "owner_side": "destination"}),
    ("REPL-C222", "spec.destination.prefix", {"prefix": "ä" * 511 + "xx/"}),
    ("REPL-C223", "spec.destination.prefix", {"prefix": "v1"}),
    ("REPL-C224", "spec.destination.path", {"path": "/", "owner_side": "destination"}),
]


@pytest.mark.parametrize(("code", "path", "given"), CASES, ids=lambda value: str(value)[:60])
def test_one_thing_wrong_is_one_finding_with_its_place(code: str, path: str, given: dict[str, Any]) -> None:
    findings = [found for found in judged(flow(**given)) if found.code != "REPL-C216" or code == "REPL-C216"]
    assert [(found.code, ".".join(map(str, found.path))) for found in findings] == [(code, path)]
    (found,) = findings
    assert found.replication == "nas-archive"
    assert found.detail
    assert found.detail.endswith(".")
    assert found.hint


def test_all_at_once() -> None:
    bad = flow(
        state="paused", deletes="replicate", existing="ignore", storage_class="X", path="/a/../b", prefix="/x",
        peer=peer(region="", secret_access_key=None, url="https://10.0.0.1"),
    )  # fmt: skip
    codes = [found.code for found in judged(bad, authority=Authority(problem="ca.pem cannot be read"), verifyTls=False)]
    assert len(codes) == len(set(codes)) == 12


def test_a_root_to_a_bucket_is_fine() -> None:
    assert judged(flow(path="/")) == []


def test_keys_by_reference_are_keys() -> None:
    assert judged(flow(peer=peer(access_key_id=SECRET))) == []
    own = {"credentials": {"accessKeyId": "A", "secretAccessKey": {"env": "B"}}}
    assert judged(flow(peer=peer(access_key_id=None, secret_access_key=None), options=own)) == []


def test_path_style_has_no_trouble_with_names() -> None:
    assert judged(flow(bucket="my.bucket", options={"bucketStyle": "path"})) == []


def test_a_cluster_that_is_not_verified() -> None:
    (found,) = judged(flow(), verifyTls=False)
    assert (found.code, found.severity, found.provider) == ("REPL-C230", Severity.WARNING, "nas-1")
    assert (found.replication, found.path) == (None, ("spec", "qumulo", "verifyTls"))
    assert "token or password" in found.detail


class TestCaFiles:
    """Through the provider, which is what reads the files."""

    def provider(self, base: Path, **config: Any) -> QumuloProvider:
        return QumuloProvider(connection(base, **config))

    def test_good_ones(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text(CERTIFICATE)
        opened = self.provider(tmp_path, caFile="ca.pem")
        subject = flow(options={"caFile": "ca.pem"})
        assert list(opened.check(subject)) == []
        assert opened.normalise(subject).settings["qumulo"]["caCertificate"].startswith("sha256:")  # type: ignore[index, call-overload, union-attr]

    def test_the_peers_is_used_where_the_options_have_none(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text(CERTIFICATE)
        opened = self.provider(tmp_path / "elsewhere")
        subject = flow(peer=peer(ca_file=str(tmp_path / "ca.pem")))
        assert list(opened.check(subject)) == []
        assert opened.normalise(subject).settings["qumulo"]["caCertificate"]  # type: ignore[index, call-overload]

    def test_bad_ones(self, tmp_path: Path) -> None:
        opened = self.provider(tmp_path, caFile="no.pem")
        found = {one.code: one for one in opened.check(flow(options={"caFile": "none.pem"}))}
        assert found["REPL-C231"].path == ("spec", "qumulo", "caFile")
        assert found["REPL-C231"].provider == "nas-1"
        assert found["REPL-C217"].path == ("spec", "qumulo", "caFile")
        assert "none.pem cannot be read" in found["REPL-C217"].detail
        with pytest.raises(ProviderError) as caught:
            opened.normalise(flow(options={"caFile": "none.pem"}))
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT
        (peers,) = self.provider(tmp_path).check(flow(peer=peer(ca_file="/no/such")))
        assert (peers.code, peers.path) == ("REPL-C217", ("spec", "destination", "provider"))


HERE = LocationFacts(exists=True, facts={"id": "3", "type": "FS_FILE_TYPE_DIRECTORY"})
THERE = LocationFacts(exists=True, facts={"region": "eu-west-1"})


@pytest.mark.parametrize(
    ("own", "other", "given", "code", "path"),
    [
        (LocationFacts(exists=False), THERE, {}, "REPL-W101", "spec.source.path"),
        (LocationFacts(exists=True, facts={"type": "FS_FILE_TYPE_FILE"}), THERE, {}, "REPL-W102", "spec.source.path"),
        (LocationFacts(exists=False, readable=False, problem="no"), THERE, {}, "REPL-W103", "spec.source.path"),
        (LocationFacts(exists=False, readable=False), THERE, {}, "REPL-W103", "spec.source.path"),
        (HERE, LocationFacts(exists=False), {}, "REPL-W104", "spec.destination.bucket"),
        (HERE, LocationFacts(exists=False, readable=False), {}, "REPL-W105", "spec.destination.bucket"),
        (HERE, LocationFacts(exists=True, facts={"region": "us-east-1"}), {}, "REPL-W106", "spec.destination.bucket"),
        (HERE, THERE, {"options": {"region": "us-east-1"}}, "REPL-W106", "spec.qumulo.region"),
        (HERE, LocationFacts(exists=False), {"owner_side": "destination"}, "REPL-W104", "spec.source.bucket"),
        (LocationFacts(exists=False), THERE, {"owner_side": "destination"}, "REPL-W101", "spec.destination.path"),
        (HERE, THERE, {}, "", ""),
        (LocationFacts(exists=True), LocationFacts(exists=True), {}, "", ""),
        (HERE, LocationFacts(exists=True, facts={"objectLock": True}), {}, "REPL-W107", "spec.destination.bucket"),
        (HERE, LocationFacts(exists=True, facts={"objectLock": False}), {}, "", ""),
        (HERE, LocationFacts(exists=True, facts={"objectLock": True}), {"owner_side": "destination"}, "", ""),
        (HERE, LocationFacts(exists=True, facts={"region": "x"}), {"peer": peer(url="https://minio.example")}, "", ""),
    ],
)  # fmt: skip
def test_the_world(
    *, own: LocationFacts, other: LocationFacts, given: dict[str, Any], code: str, path: str, tmp_path: Path
) -> None:
    subject = flow(**given)
    facts = (own, other) if subject.owner_side == "source" else (other, own)
    found = list(judge_world(subject, *facts))
    assert [(one.code, ".".join(map(str, one.path))) for one in found] == ([(code, path)] if code else [])
    opened = QumuloProvider(connection(tmp_path))
    assert list(opened.preflight(subject, *facts)) == found


def test_every_text_is_whole() -> None:
    for code, text in TEXTS.items():
        assert code.startswith("REPL-")
        assert text.summary
        assert not text.summary.endswith(".")
        assert text.hint
