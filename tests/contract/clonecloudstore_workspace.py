"""A folder of manifests over emulated sites, and `repl` run on it within this process."""

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.emulated_workspace import EmulatedWorkspace
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness
from tests.lab.clonecloudstore import CLIENT, order

A, B = "site-a", "site-b"
_numbers = itertools.count()


class Workspace(EmulatedWorkspace):
    """Manifests of one test, with a bucket at site-a that no other site has."""

    kind = "clonecloudstore"

    def __init__(self, sites: CloneCloudStoreHarness, folder: Path) -> None:
        self.sites = sites
        self.bucket = f"work-{next(_numbers)}"
        sites.strangers()
        sites.bucket(self.bucket)
        self._since = max((one["number"] for one in sites.ordered()), default=0)
        super().__init__(sites, folder)
        self.providers()

    def providers(self, **changes: Mapping[str, Any]) -> None:
        """Write both sites; changes by the document's name."""
        self.write_file("providers.yaml", *(self.provider(name, **changes.get(name, {})) for name in ("here", "there")))

    def replicate(self, name: str = "one", *, bucket: str | None = None, back: bool = False, **spec: Any) -> None:
        """Write a replication of a bucket to site-b, active; `back`: from there. None takes a key out."""
        ends = ("there", "here") if back else ("here", "there")
        usual: dict[str, Any] = {
            key: {"provider": end, "bucket": bucket or self.bucket}
            for key, end in zip(("source", "destination"), ends, strict=True)
        }
        usual |= {"state": "active", "deletes": "replicate", "existing": "ignore", "verify": {"level": "status"}}
        self.write_replication(name, usual, spec)

    def another(self) -> str:
        """One more replication of the same pair: a workspace without any is not applied. Returns its bucket."""
        bucket = f"{self.bucket}-2"
        self.sites.bucket(bucket)
        self.replicate("another", bucket=bucket)
        return bucket

    # What a user does

    def calls(self, *arguments: str) -> list[str]:
        """The calls that the plan shows, in order: `operation target`."""
        steps = [step for item in self.plan(*arguments)["containers"] for step in item["steps"]]
        return [f"{step['operation']} {step['target']}" for step in steps if "operation" in step]

    def writes(self) -> list[str]:
        """The operations of `repl` since the mark that change something. Lists of objects are read with PUT."""
        return [one.operation for one in self.sites.requests() if one.write and one.operation != "listObjects"]

    # What sites and clients do

    def put(self, *names: str, site: str = A, content: bytes = b"content", bucket: str | None = None) -> None:
        for name in names:
            self.sites.write(bucket or self.bucket, name, content, site=site)

    def delete(self, name: str, site: str = A) -> None:
        self.sites.delete(self.bucket, name, site=site)

    def introduce(self, status: str = "UP") -> None:
        """Let the sites know each other, by hand: site-b is to fetch what site-a says."""
        self.sites.know(B, A, "UNKNOWN")
        self.sites.know(A, B, status)

    def order(self, name: str | None = None, action: str = "CREATE") -> None:
        """Order the bucket, or an object in it, at site-b, by hand."""
        body = order(A, B, self.bucket, name, action=action)
        answer = self.ask(B, "replicator", "POST", "/replicator/remote/orders", json=body)
        assert answer.status_code == 201, answer
        self.sites.settle()

    def turn(self, status: str) -> None:
        """Change what site-b is to site-a, by hand."""
        held = self.sites.topology(A, B)
        assert held is not None
        self.sites.put_topology(A, held | {"status": status})

    def ask(self, site: str, service: str, method: str, path: str, client: str = CLIENT, **more: Any) -> httpx.Response:
        return self.sites.client(site, service, client).request(method, path, **more)

    def make_bucket(self, site: str = A, name: str | None = None, client: str = CLIENT) -> None:
        answer = self.ask(site, "accessor", "POST", f"/cloudclonestore/{name or self.bucket}", client)
        assert answer.is_success, answer
        self.sites.settle()

    def right(self, ownership: str, site: str = B) -> None:
        """Give the client other rights on the bucket in place of those that it has, by hand."""
        path = f"/administration/ownerships/{CLIENT}/{self.bucket}"
        assert self.ask(site, "administration", "DELETE", path).is_success
        answer = self.ask(site, "administration", "POST", f"{path}/{ownership}")
        assert answer.is_success, answer
        self.sites.emulator.act("expire-caches", {})

    def held(self, site: str = B) -> dict[str, bytes]:
        """The objects of the bucket at a site, once no order is under way."""
        self.sites.settle()
        found = self.sites.state(site)["buckets"].get(self.bucket, {"objects": {}})["objects"]
        names = [name for name, row in found.items() if row["status"] == "READY"]
        return {name: self.sites.content(site, self.bucket, name) or b"" for name in names}

    def orders(self, action: str = "CREATE") -> Counter[str]:
        """How often each object was ordered in this test."""
        new = [one for one in self.sites.ordered() if one["number"] > self._since]
        return Counter(one["objectName"] for one in new if one["action"] == action and one["objectName"])


@contextlib.contextmanager
def opened(sites: CloneCloudStoreHarness, folder: Path) -> Iterator[Workspace]:
    """A workspace whose sites know nothing of each other. Afterwards switches are set back."""
    usual = sites.emulator.switches()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "160")
        yield Workspace(sites, folder)
    sites.mend()
    sites.emulator.switch(usual)
    sites.settle()
