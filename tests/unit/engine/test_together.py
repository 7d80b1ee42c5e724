"""What the replications of one bucket have with each other is found before the network, with its place in a file."""

from pathlib import Path

import pytest

from reconciler.cli.catalog import RegistryCatalog
from reconciler.engine.check import check
from reconciler.engine.connect import Connections
from reconciler.manifest.load import load
from reconciler.providers.registry import Registry
from reconciler.testing.memory import Secrets

PROVIDER = """apiVersion: repl/v1
kind: Provider
metadata: {name: %s}
spec: {%s: {%s, credentials: {accessKeyId: AKIAEXAMPLE000000001, secretAccessKey: {env: S}}}}
---
"""
PROVIDERS = "".join(
    PROVIDER % one
    for one in (
        ("bj", "bos", "region: bj"),
        ("gz", "bos", "region: gz"),
        ("ala", "alarik", "endpoint: 'https://alarik.example'"),
        ("aws", "s3", "region: eu-west-1, role: 'arn:aws:iam::111122223333:role/r'"),
    )
)
REPLICATION = """apiVersion: repl/v1
kind: Replication
metadata: {name: %s}
spec:
  source:
    provider: %s
    bucket: %s
    prefix: %s/
  destination: {provider: %s, bucket: there}
"""
LINE_OF_BUCKET = 7


def found(folder: Path, owner: str, peer: str, buckets: list[str]) -> list[tuple[str, str, str, int]]:
    """Code, replication, file and line of what is said of one replication for each bucket, in a file of its own."""
    (folder / "providers.yaml").write_text(PROVIDERS)
    for number, bucket in enumerate(buckets):
        name = f"r-{number:02}"
        (folder / f"{name}.yaml").write_text(REPLICATION % (name, owner, bucket, name, peer))
    registry = Registry.installed()
    workspace = load([folder], catalog=RegistryCatalog(registry))
    with Connections(workspace, registry, Secrets()) as connections:
        errors = check(workspace, registry, connections).errors
    return [(one.code, one.replication or "", Path(one.where.file).name, one.where.line) for one in errors if one.where]


@pytest.mark.parametrize(
    ("owner", "peer", "most", "code"), [("bj", "gz", 10, "REPL-C320"), ("ala", "aws", 4, "REPL-C420")]
)
def test_rules_are_counted_for_each_bucket(tmp_path: Path, owner: str, peer: str, most: int, code: str) -> None:
    """As many as fit in one bucket, and one in another, are no trouble; one more is, and is shown where it stands."""
    full = ["one"] * most + ["two"]
    assert found(tmp_path, owner, peer, full) == []
    last = f"r-{most + 1:02}"
    assert found(tmp_path, owner, peer, [*full, "one"]) == [(code, last, f"{last}.yaml", LINE_OF_BUCKET)]


def test_buckets_of_one_name_on_two_servers_are_two(tmp_path: Path) -> None:
    (tmp_path / "second.yaml").write_text(PROVIDER % ("other", "alarik", "endpoint: 'https://other.example'"))
    (tmp_path / "beside.yaml").write_text(REPLICATION % ("beside", "other", "one", "beside", "aws"))
    assert found(tmp_path, "ala", "aws", ["one"] * 4) == []


def test_one_rule_has_one_replication(tmp_path: Path) -> None:
    for name in ("x", "y"):
        document = REPLICATION % (name, "bj", "one", name, "gz")
        (tmp_path / f"{name}.yaml").write_text(f"{document}  bos:\n    id: shared\n")
    told = found(tmp_path, "bj", "gz", [])
    assert told == [("REPL-C321", "x", "x.yaml", 11), ("REPL-C321", "y", "y.yaml", 11)]
