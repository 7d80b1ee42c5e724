"""A folder of manifests over emulated sites, and `repl` run on it within this process."""

import contextlib
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.cli.app import run
from reconciler.manifest.edit import dump_documents
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness
from tests.lab.clonecloudstore import CLIENT, order
from tests.lab.command import Ended

A, B = "site-a", "site-b"
_numbers = itertools.count()


class Workspace:
    """Manifests of one test, with a bucket at site-a that no other site has."""

    def __init__(self, sites: CloneCloudStoreHarness, folder: Path) -> None:
        self.sites = sites
        self.folder = folder
        self.bucket = f"work-{next(_numbers)}"
        sites.strangers()
        sites.bucket(self.bucket)
        self._since = max((one["number"] for one in sites.ordered()), default=0)
        self.settings()
        self.providers()

    def settings(self, guards: Mapping[str, Any] | None = None) -> None:
        """Write the workspace's own document, and a policy if there are guards."""
        documents = [_document("Workspace", "conformance", {"prune": True})]
        documents += [_document("Policy", "guards", {"guards": dict(guards)})] if guards else []
        self._write("workspace.yaml", *documents)

    def providers(self, **changes: Mapping[str, Any]) -> None:
        """Write both sites; changes by the document's name."""
        self._write("providers.yaml", *(self._provider(name, changes.get(name, {})) for name in ("here", "there")))

    def _provider(self, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        config = self.sites.docs[name].spec.config.model_dump(by_alias=True, exclude_none=True, mode="json")
        return _document("Provider", name, {"clonecloudstore": config | changes})

    def replicate(self, name: str = "one", *, bucket: str | None = None, back: bool = False, **spec: Any) -> None:
        """Write a replication of a bucket to site-b, active; `back`: from there. None takes a key out."""
        ends = ("there", "here") if back else ("here", "there")
        usual: dict[str, Any] = {
            key: {"provider": end, "bucket": bucket or self.bucket}
            for key, end in zip(("source", "destination"), ends, strict=True)
        }
        usual |= {"state": "active", "deletes": "replicate", "existing": "ignore", "verify": {"level": "status"}}
        given = {key: value for key, value in (usual | spec).items() if value is not None}
        self._write(f"{name}.yaml", _document("Replication", name, given))

    def forget(self, name: str = "one") -> None:
        (self.folder / f"{name}.yaml").unlink()

    def another(self) -> str:
        """One more replication of the same pair: a workspace without any is not applied. Returns its bucket."""
        bucket = f"{self.bucket}-2"
        self.sites.bucket(bucket)
        self.replicate("another", bucket=bucket)
        return bucket

    def _write(self, name: str, *documents: dict[str, Any]) -> None:
        (self.folder / name).write_text(dump_documents(list(documents)))

    # What a user does

    def repl(self, *arguments: str) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(arguments)
        text = out.getvalue() + err.getvalue()
        assert "Traceback" not in text
        return Ended(code, out.getvalue(), err.getvalue())

    def apply(self, *arguments: str) -> Ended:
        """Apply without proof; it must work."""
        ended = self.repl("apply", "--yes", "--no-verify", *arguments)
        assert ended.code == 0, ended.text
        return ended

    def refused(self, code: int, *arguments: str) -> Ended:
        """Apply what is refused with this exit code; nothing may be written."""
        self.sites.mark()
        ended = self.repl("apply", "--yes", "--no-verify", *arguments)
        assert ended.code == code, ended.text
        assert self.writes() == []
        return ended

    def writes(self) -> list[str]:
        """The operations of `repl` since the mark that change something. Lists of objects are read with PUT."""
        return [one.operation for one in self.sites.requests() if one.write and one.operation != "listObjects"]

    def settled(self) -> None:
        ended = self.repl("plan", "--detailed-exitcode")
        assert ended.code == 0, ended.text

    def plan(self, *arguments: str) -> Any:
        return self.repl("plan", "--output", "json", *arguments).json

    def effects(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """What the plan predicts, by the id of the effect."""
        return {effect["rule"]: effect for effect in self.plan(*arguments)["effects"]}

    def calls(self, *arguments: str) -> list[str]:
        """The calls that the plan shows, in order: `operation target`."""
        steps = [step for item in self.plan(*arguments)["containers"] for step in item["steps"]]
        return [f"{step['operation']} {step['target']}" for step in steps if "operation" in step]

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


def _document(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "repl/v1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


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
