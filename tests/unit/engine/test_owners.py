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
