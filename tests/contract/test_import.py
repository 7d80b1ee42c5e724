"""What is live becomes manifests that plan to nothing, with the right providers at both ends."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.catalog import RegistryCatalog
from reconciler.engine.check import check
from reconciler.engine.connect import Connections
from reconciler.engine.importing import Import, import_from
from reconciler.engine.match import Desired
from reconciler.manifest.edit import dump_documents
from reconciler.manifest.load import load
from reconciler.model.receipt import Receipt
from reconciler.providers.base import Access
from reconciler.providers.registry import Registry
from reconciler.testing.memory import Secrets
from tests.lab.world import RunningWorld

PROVIDERS = """
apiVersion: repl/v1
kind: Provider
metadata: {name: %(name)s}
spec:
  s3:
    region: %(region)s
    endpoint: %(url)s
    caFile: ca.pem
    role: "%(role)s"
    credentials: {accessKeyId: %(key)s, secretAccessKey: {env: SECRET}}
---
"""

NAS = """
apiVersion: repl/v1
kind: Provider
metadata: {name: nas}
spec: {qumulo: {host: 127.0.0.1, port: %d, caFile: ca.pem, token: {env: TOKEN}}}
"""


def rule(name: str, bucket: str, prefix: str = "") -> dict[str, Any]:
    return {
        "ID": name, "Priority": sum(name.encode()), "Status": "Enabled", "Filter": {"Prefix": prefix},
        "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"}, "DeleteMarkerReplication": {"Status": "Disabled"},
    }  # fmt: skip


class Place:
    """A workspace over the world's AWS, with a provider for each of two regions, and its cluster."""

    def __init__(self, world: RunningWorld, root: Path) -> None:
        facts = world.emulator("s3")
        self.world, self.root, self.role = world, root, facts["role"]
        self.secrets = Secrets(SECRET=facts["secret_key"], TOKEN=world.emulator("nas-1")["token"])
        (root / "ca.pem").write_bytes(Path(world.ca).read_bytes())
        text = "".join(
            PROVIDERS
            % {"name": name, "region": region, "url": facts["https"], "role": facts["role"], "key": facts["access_key"]}
            for name, region in (("eu", "eu-west-1"), ("us", "us-east-1"))
        )
        (root / "providers.yaml").write_text(text + NAS % world.emulator("nas-1")["port"])
        self.client = world.s3()
        for bucket, region in (("imp-src", "eu-west-1"), ("imp-eu", "eu-west-1"), ("imp-us", "us-east-1")):
            where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            with contextlib.suppress(self.client.exceptions.BucketAlreadyOwnedByYou):
                world.s3(region=region).create_bucket(Bucket=bucket, **where)
            self.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(self, *rules: dict[str, Any]) -> None:
        configuration = {"Role": self.role, "Rules": list(rules)}
        self.client.put_bucket_replication(Bucket="imp-src", ReplicationConfiguration=configuration)

    def imported(self, provider: str = "eu", receipt: Receipt | None = None) -> Import:
        registry = Registry.installed()
        workspace = load([self.root], catalog=RegistryCatalog(registry))
        with Connections(workspace, registry, self.secrets, Access.READ) as connections:
            flows = check(workspace, registry, connections).flows
            desired = tuple(
                Desired(
                    flow=flow,
                    container=connections.provider(flow.owner.name).container(flow),
                    relationship=connections.provider(flow.owner.name).normalise(flow),
                )
                for flow in flows
            )
            return import_from(provider, workspace, registry, connections, desired=desired, receipt=receipt)

    def ours(self, found: Import) -> list[dict[str, Any]]:
        return [document for document in found.documents if document["spec"]["source"].get("bucket") == "imp-src"]  # type: ignore[index,call-overload]


@pytest.fixture
def place(clean_world: RunningWorld, tmp_path: Path) -> Place:
    return Place(clean_world, tmp_path)


def test_each_end_gets_the_provider_of_its_region(place: Place) -> None:
    place.put(rule("to the US!", "imp-us", "a/"), rule("to-eu", "imp-eu", "b/"))
    found = place.ours(place.imported())
    ends = {d["spec"]["destination"]["bucket"]: d["spec"]["destination"]["provider"] for d in found}
    assert ends == {"imp-us": "us", "imp-eu": "eu"}
    assert all(document["spec"]["source"]["provider"] == "eu" for document in found)


def test_names_are_valid_and_free(place: Place) -> None:
    place.put(rule("Same Name", "imp-us", "a/"), rule("same-name", "imp-us", "b/"))
    names = sorted(document["metadata"]["name"] for document in place.ours(place.imported()))
    assert len(set(names)) == 2
    (place.root / "taken.yaml").write_text(dump_documents(place.ours(place.imported())[:1]))
    assert place.imported().known >= 1
    assert len(place.ours(place.imported())) == 1


def test_what_is_written_is_known_and_what_moved_is_told(place: Place) -> None:
    place.put(rule("one", "imp-us", "a/"))
    (place.root / "one.yaml").write_text(dump_documents(place.ours(place.imported())))
    again = place.imported()
    assert (place.ours(again), again.moved) == ([], ())
    place.put(rule("one", "imp-us", "a/") | {"Status": "Disabled"})
    (moved,) = place.imported().moved
    assert (moved.path, moved.value) == (("spec", "state"), "paused")


def test_a_cluster_s_relationships_name_the_bucket_s_provider(place: Place) -> None:
    found = place.imported("nas")
    for document in found.documents:
        spec = document["spec"]
        assert {spec["source"]["provider"], spec["destination"]["provider"]} <= {"nas", "eu", "us"}  # type: ignore[index,call-overload]
