"""The command `repl` as a real process over a running lab."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx

from reconciler.cli.laboratory import Lab


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def text(self) -> str:
        return self.out + self.err


def repl(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, stdin: str | None = None, timeout: float = 120
) -> Ended:
    """Run one command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=cwd,
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1"} | dict(env or {}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@dataclass(slots=True)
class LabClient:
    """What a test does to a lab behind repl's back, and what it looks at. ``command`` runs repl: `repl`, or a fork."""

    lab: Lab
    command: Callable[..., Ended] = repl
    _s3: Any = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        return self.lab.folder

    def run(self, *arguments: str, **more: Any) -> Ended:
        return self.command(*arguments, cwd=self.folder, **more)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        reply = httpx.request(method, self.lab.world["control"] + path, json=body, timeout=10)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def switch(self, name: str, **values: Any) -> None:
        self.control("POST", f"/emulators/{name}/switches", values)

    def fault(self, **fault: Any) -> None:
        self.control("POST", "/faults", fault)

    def mark(self) -> int:
        """Return the number of the last request, for `writes`."""
        return int(self.control("GET", "/requests?since=999999999")["last"])

    def writes(self, since: int, *, configuration: bool = True) -> list[dict[str, Any]]:
        """Return writes since a mark; of the replication configuration alone, or all."""
        log = self.control("GET", f"/requests?since={since}")["requests"]
        found = [entry for entry in log if entry["write"]]
        if not configuration:
            return found
        return [entry for entry in found if is_configuration(entry)]

    @property
    def s3(self) -> Any:
        if self._s3 is None:
            facts = self.lab.s3
            self._s3 = boto3.client(
                "s3", endpoint_url=facts["https"], verify=self.lab.world["ca"], region_name="eu-west-1",
                aws_access_key_id=facts["access_key"], aws_secret_access_key=facts["secret_key"],
            )  # fmt: skip
        return self._s3

    def close(self) -> None:
        """Close the connections."""
        if self._s3 is not None:
            self._s3.close()

    def rules(self, bucket: str) -> list[dict[str, Any]]:
        return list(self.s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"])

    def put_rules(self, bucket: str, rules: list[dict[str, Any]], role: str | None = None) -> None:
        self.s3.put_bucket_replication(
            Bucket=bucket, ReplicationConfiguration={"Role": role or self.lab.s3["role"], "Rules": rules}
        )

    def relationships(self) -> list[dict[str, Any]]:
        """Return the Qumulo cluster's relationships, read with its own login."""
        nas = self.lab.world["emulators"]["nas-1"]
        with httpx.Client(
            base_url=nas["url"], headers={"Authorization": f"Bearer {nas['token']}"}, verify=self.context
        ) as http:
            return list(http.get("/v3/replication/object-relationships/").json())

    @property
    def context(self) -> Any:
        import ssl

        return ssl.create_default_context(cafile=self.lab.world["ca"])

    def edit(self, name: str, before: str, after: str) -> None:
        """Change a manifest's text."""
        path = self.folder / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def leave_out(self, *providers: str) -> None:
        """Take the replications that begin at these providers out of the manifests."""
        path = self.folder / "replications.yaml"
        begins = [f"source: {{provider: {name}," for name in providers]
        documents = path.read_text().split("---\n")
        path.write_text("---\n".join(one for one in documents if not any(text in one for text in begins)))


_CONFIGURATION = re.compile(r"/replications?(/|$)|^/administration/|^/replicator/remote/orders")
_AMONG_SITES = "clonecloudstore-"
"""Sites send each other what they send us: this is who they say they are."""


def is_configuration(entry: Mapping[str, Any]) -> bool:
    """Say whether a request of a client wrote replication configuration, not objects, files or sessions."""
    if str(entry.get("agent", "")).startswith(_AMONG_SITES):
        return False
    return "replication" in str(entry.get("query", "")) or _CONFIGURATION.search(str(entry["path"])) is not None
