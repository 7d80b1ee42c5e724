"""Owners among the real provider types."""

from pathlib import Path

import pytest

from reconciler.cli.catalog import RegistryCatalog
from reconciler.engine.check import Checked, check
from reconciler.engine.connect import Connections
from reconciler.errors import InternalError, UsageError
from reconciler.manifest.load import load
from reconciler.providers.registry import GROUP, Registry
from reconciler.testing.memory import Secrets

PROVIDERS = """
apiVersion: repl/v1
kind: Provider
metadata: {name: aws}
spec: {s3: {region: eu-west-1, role: "arn:aws:iam::111122223333:role/r", credentials: {accessKeyId: AKIAEXAMPLE000000001, secretAccessKey: {env: S}}}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: nas}
spec: {qumulo: {host: nas.example.com, token: {env: T}}}
---
apiVersion: repl/v1
kind: Replication
metadata: {name: one}
spec:
  source: %s
  destination: %s
%s
"""  # noqa: E501

BUCKET, OTHER, PATH = "{provider: aws, bucket: abc}", "{provider: aws, bucket: xyz}", "{provider: nas, path: /p}"


def checked(folder: Path, source: str, destination: str, more: str = "") -> Checked:
    (folder / "all.yaml").write_text(PROVIDERS % (source, destination, more))
    registry = Registry.installed()
    workspace = load([folder], catalog=RegistryCatalog(registry))
    with Connections(workspace, registry, Secrets()) as connections:
        return check(workspace, registry, connections)


@pytest.mark.parametrize(
    ("source", "destination", "owner", "side"),
    [(BUCKET, OTHER, "aws", "source"), (PATH, BUCKET, "nas", "source"), (BUCKET, PATH, "nas", "destination")],
)
def test_the_owner_is_the_end_that_can_drive_the_other(
    tmp_path: Path, source: str, destination: str, owner: str, side: str
) -> None:
    answer = checked(tmp_path, source, destination)
    assert not answer.errors
    (flow,) = answer.flows
    assert (flow.owner.name, flow.owner_side) == (owner, side)
    assert flow.peer_s3 is not None


def test_a_flow_that_nobody_can_own(tmp_path: Path) -> None:
    answer = checked(tmp_path, PATH, "{provider: nas, path: /q}")
    assert [error.code for error in answer.errors] == ["REPL-C001"]
    assert "between its directories and buckets of anything that speaks S3" in answer.errors[0].detail
    assert answer.errors[0].where is not None
    assert answer.errors[0].where.line == 16


def test_options_of_an_end_that_does_not_own(tmp_path: Path) -> None:
    answer = checked(tmp_path, PATH, BUCKET, "  s3: {priority: 1}\n")
    assert [error.code for error in answer.errors] == ["REPL-C002"]


def test_a_type_that_does_not_load_is_a_bug_of_its_package() -> None:
    from importlib.metadata import EntryPoint

    registry = Registry.installed([EntryPoint(name="x", value="reconciler.nowhere:TYPE", group=GROUP)])
    with pytest.raises(InternalError, match="does not load"):
        registry.load("x")


def test_two_packages_with_one_type_are_refused() -> None:
    from importlib.metadata import EntryPoint

    points = [EntryPoint(name="x", value=value, group=GROUP) for value in ("a:TYPE", "b:TYPE")]
    with pytest.raises(UsageError, match="two packages"):
        Registry.installed(points)
    assert Registry.installed([points[0], points[0]]).types == ("x",)


# BOS and Alarik among the others -----------------------------------------------------------------------------------

_KEYS = "credentials: {accessKeyId: AK, secretAccessKey: {env: S}}"
_TYPES = {
    "aws": f"s3: {{region: eu-west-1, {_KEYS}}}",
    "face": f"s3: {{flavour: generic, endpoint: 'https://files.example.com', {_KEYS}}}",
    "nas": "qumulo: {host: nas.example.com, token: {env: T}}",
    "files": f"alarik: {{endpoint: 'https://files.example.com', {_KEYS}}}",
    "copies": f"alarik: {{endpoint: 'https://copies.example.com', region: eu-1, {_KEYS}}}",
    "bj": f"bos: {{region: bj, {_KEYS}}}",
    "gz": f"bos: {{region: gz, {_KEYS}}}",
}


def mixed(folder: Path, source: str, destination: str, *more: str) -> Checked:
    """One replication between two providers, with the documents of some more beside them."""
    lines = []
    for name in dict.fromkeys((source, destination, *more)):
        lines += ["---", "apiVersion: repl/v1", "kind: Provider", f"metadata: {{name: {name}}}"]
        lines += [f"spec: {{{_TYPES[name]}}}"]
    ends = [f"{{provider: {name}, {_place(name, at)}}}" for name, at in ((source, "abc"), (destination, "xyz"))]
    lines += ["---", "apiVersion: repl/v1", "kind: Replication", "metadata: {name: one}", "spec:"]
    lines += [f"  source: {ends[0]}", f"  destination: {ends[1]}"]
    (folder / "all.yaml").write_text("\n".join(lines) + "\n")
    registry = Registry.installed()
    workspace = load([folder], catalog=RegistryCatalog(registry))
    with Connections(workspace, registry, Secrets()) as connections:
        return check(workspace, registry, connections)


def _place(name: str, at: str) -> str:
    return f"path: /{at}" if name == "nas" else f"bucket: {at}"


@pytest.mark.parametrize(
    ("source", "destination", "owned", "peer"),
    [
        ("files", "aws", ("files", "source"), "https://s3.eu-west-1.amazonaws.com"),
        ("files", "copies", ("files", "source"), "https://copies.example.com"),
        ("files", "gz", ("files", "source"), "https://s3.gz.bcebos.com"),
        ("nas", "files", ("nas", "source"), "https://files.example.com"),
        ("files", "nas", ("nas", "destination"), "https://files.example.com"),
        ("nas", "gz", ("nas", "source"), "https://s3.gz.bcebos.com"),
        ("bj", "gz", ("bj", "source"), "https://s3.gz.bcebos.com"),
    ],
)
def test_the_owner_of_a_mixed_flow(
    tmp_path: Path, source: str, destination: str, owned: tuple[str, str], peer: str
) -> None:
    answer = mixed(tmp_path, source, destination)
    assert not answer.errors
    (flow,) = answer.flows
    assert (flow.owner.name, flow.owner_side) == owned
    assert flow.peer_s3 is not None
    assert flow.peer_s3.url == peer


@pytest.mark.parametrize(
    ("source", "destination", "reasons", "turned"),
    [
        ("aws", "files", ("rules of S3 lead to buckets of the same", "rules of Alarik lead from its own"), True),
        ("bj", "aws", ("BOS rules lead to BOS buckets only", "rules of S3 lead to buckets of the same"), False),
        ("bj", "files", ("BOS rules lead to BOS buckets only", "rules of Alarik lead from its own"), True),
        ("aws", "gz", ("rules of S3 lead to buckets of the same service", "BOS rules lead to BOS"), False),
    ],
)
def test_a_mixed_flow_that_nobody_can_own_is_told_with_the_ways_out(
    tmp_path: Path, source: str, destination: str, reasons: tuple[str, str], turned: bool
) -> None:
    answer = mixed(tmp_path, source, destination)
    (error,) = answer.errors
    assert (error.code, error.replication, answer.flows) == ("REPL-C001", "one", ())
    assert [reason for reason in reasons if reason not in error.detail] == []
    assert ("turn the flow round" in (error.hint or "")) is turned
    assert "copy with a tool" in (error.hint or "")
    assert error.where is not None
    assert "source" in (tmp_path / "all.yaml").read_text().splitlines()[error.where.line - 1]


@pytest.mark.parametrize("destination", ["face", "aws"])
def test_a_server_of_alariks_under_another_name_cannot_be_given_rules_over_s3(tmp_path: Path, destination: str) -> None:
    answer = mixed(tmp_path, "face", destination, "files")
    (error,) = answer.errors
    assert (error.code, error.hint) == ("REPL-C006", "write `provider: files`")
    assert "one system, https://files.example.com" in error.detail
    assert "PutBucketReplication" in error.detail
    assert not answer.flows


def test_an_s3_name_of_an_alarik_server_does_no_harm_where_nothing_is_written_to_it(tmp_path: Path) -> None:
    answer = mixed(tmp_path, "copies", "face", "files")
    assert not answer.errors
    assert [flow.owner.name for flow in answer.flows] == ["copies"]
