"""Circles of flows among real provider types: Alarik copies on what arrives by replication, and so refuses them all."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.cli.catalog import RegistryCatalog
from reconciler.engine.check import Checked, check
from reconciler.engine.connect import Connections
from reconciler.manifest.load import load
from reconciler.providers.registry import Registry
from reconciler.testing.memory import Secrets

_KEYS = "credentials: {accessKeyId: AK, secretAccessKey: {env: S}}"
_LOGIN = "login: {username: u, password: {env: P}}"
_TYPES = {
    "a": f"alarik: {{endpoint: 'https://a.example.com', {_KEYS}}}",
    "b": f"alarik: {{endpoint: 'https://b.example.com:8443', region: eu-1, {_KEYS}}}",
    "c": f"alarik: {{endpoint: 'https://c.example.com', region: eu-2, {_KEYS}}}",
    "a-login": f"alarik: {{endpoint: 'https://A.example.com:443', {_KEYS}, {_LOGIN}}}",
    "a-s3": f"s3: {{flavour: generic, endpoint: 'https://A.example.com:443', {_KEYS}}}",
    "aws": f"s3: {{region: eu-west-1, role: 'arn:aws:iam::111122223333:role/r', {_KEYS}}}",
    "nas": "qumulo: {host: nas.example.com, token: {env: T}}",
}


def checked(folder: Path, *flows: str) -> Checked:
    """Flows as `a/one/p/ b/two paused`: provider, bucket and prefix of both ends, and what else is said."""
    lines = []
    for name, spec in _TYPES.items():
        lines += ["---", "apiVersion: repl/v1", "kind: Provider", f"metadata: {{name: {name}}}", f"spec: {{{spec}}}"]
    for number, flow in enumerate(flows):
        source, destination, *more = flow.split()
        lines += ["---", "apiVersion: repl/v1", "kind: Replication", f"metadata: {{name: r{number}}}", "spec:"]
        lines += [f"  source: {_location(source)}", f"  destination: {_location(destination)}"]
        lines += [f"  state: {'paused' if 'paused' in more else 'active'}"]
    (folder / "all.yaml").write_text("\n".join(lines) + "\n")
    registry = Registry.installed()
    workspace = load([folder], catalog=RegistryCatalog(registry))
    with Connections(workspace, registry, Secrets()) as connections:
        return check(workspace, registry, connections)


def _location(text: str) -> str:
    provider, place, *prefix = text.split("/", 2)
    if provider == "nas":
        return f"{{provider: nas, path: /{place}}}"
    return f"{{provider: {provider}, bucket: {place}" + (f", prefix: '{prefix[0]}'}}" if prefix else "}")


def around(*providers: str) -> Iterator[str]:
    """Flows that lead through these providers, and back to the first."""
    yield from (f"{one}/abc {two}/abc" for one, two in pairwise((*providers, providers[0])))


@pytest.mark.parametrize(
    "providers",
    [
        ("a", "b"),
        ("a", "b", "c"),
        ("a", "nas"),
        ("a", "nas", "b"),
    ],
    ids="-".join,
)
def test_a_circle_is_refused(tmp_path: Path, providers: tuple[str, ...]) -> None:
    found = [error for error in checked(tmp_path, *around(*providers)).errors if error.code == "REPL-G001"]
    assert len(found) == 1
    assert found[0].where is not None
    for number in range(len(providers)):
        assert f"r{number}" in found[0].detail
    assert "paus" in str(found[0].hint)


@pytest.mark.parametrize("back", ["a-login", "a-s3"])
def test_a_circle_is_refused_whatever_the_server_is_called(tmp_path: Path, back: str) -> None:
    """Two documents lead to one server, as Alarik and as plain S3, in another spelling."""
    answer = checked(tmp_path, "a/abc b/abc", f"b/abc {back}/abc")
    assert "REPL-G001" in {error.code for error in answer.errors}


def test_a_circle_within_one_server_is_refused(tmp_path: Path) -> None:
    answer = checked(tmp_path, "a/abc a/xyz", "a/xyz a/abc")
    assert {error.code for error in answer.errors} == {"REPL-G001"}


@pytest.mark.parametrize(
    "flows",
    [
        ("a/abc b/abc", "b/abc a/abc paused"),
        ("a/abc/in/ b/abc", "b/abc/out/ a/abc"),
        ("a/abc b/abc", "b/xyz a/xyz"),
        ("a/abc aws/abc", "b/abc aws/xyz", "nas/abc b/abc"),
        ("a/abc b/abc", "b/abc c/abc", "a/abc c/xyz"),
    ],
    ids=["one is paused", "other prefixes", "other buckets", "a tree", "a chain"],
)
def test_what_does_not_come_round_is_fine(tmp_path: Path, flows: tuple[str, ...]) -> None:
    answer = checked(tmp_path, *flows)
    assert not answer.errors
    assert len(answer.flows) == len(flows)


def test_a_bucket_that_copies_to_itself_is_refused(tmp_path: Path) -> None:
    for destination in ("a/abc", "a-login/abc", "a-s3/abc"):
        codes = {error.code for error in checked(tmp_path, f"a/abc {destination}").errors}
        assert codes & {"REPL-C408", "REPL-G006", "REPL-G001"}, destination


def test_a_circle_by_way_of_aws_cannot_be_written(tmp_path: Path) -> None:
    """Nobody owns the way back: S3's rules lead to S3."""
    answer = checked(tmp_path, *around("a", "aws"))
    assert [error.code for error in answer.errors] == ["REPL-C001"]
