"""The emulators as a program of their own, with a workspace that is ready to use beside them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.errors import ReplError

__all__ = ["Lab", "started"]

_WORKSPACE = """\
# yaml-language-server: $schema=manifest.v1.json
apiVersion: repl/v1
kind: Workspace
metadata: {name: lab}
spec:
  prune: true                        # together with --prune: what is no longer written down goes
  defaults:
    - match: {tier: gold}            # every Replication with this label gets these, unless it says otherwise
      spec: {verify: {level: canary, within: 1m}}
---
apiVersion: repl/v1
kind: Policy
metadata: {name: guards}
spec:
  guards: {maxLost: 2}
"""

_PROVIDERS = """\
# yaml-language-server: $schema=manifest.v1.json
apiVersion: repl/v1
kind: Provider
metadata: {name: aws-eu, labels: {jurisdiction: eu}}
spec:
  s3:
    flavour: aws
    region: eu-west-1
    endpoint: %(s3)s
    caFile: ca.pem
    role: "%(role)s"
    credentials: {accessKeyId: %(access_key)s, secretAccessKey: {file: secrets/s3}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: aws-us, labels: {jurisdiction: us}}
spec:
  s3:
    flavour: aws
    region: us-east-1
    endpoint: %(s3)s
    caFile: ca.pem
    role: "%(role)s"
    credentials: {accessKeyId: %(access_key)s, secretAccessKey: {file: secrets/s3}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: nas-1, labels: {jurisdiction: eu}}
spec:
  qumulo:
    host: %(nas_host)s
    port: %(nas_port)d
    caFile: ca.pem
    username: %(nas_user)s
    password: {file: secrets/nas-1}
"""

_REPLICATIONS = """\
# yaml-language-server: $schema=manifest.v1.json
apiVersion: repl/v1
kind: Replication
metadata: {name: logs-to-dr, labels: {team: platform, tier: gold}}
spec:
  source: {provider: aws-eu, bucket: logs, prefix: app/}
  destination: {provider: aws-us, bucket: logs-dr}
  state: active
  deletes: replicate
  storageClass: STANDARD_IA
---
apiVersion: repl/v1
kind: Replication
metadata: {name: media-to-dr, labels: {team: media, tier: gold}}
spec:
  source: {provider: aws-eu, bucket: media}
  destination: {provider: aws-us, bucket: media-dr}
  state: active
  deletes: keep
---
apiVersion: repl/v1
kind: Replication
metadata: {name: nas-archive, labels: {team: storage, tier: gold}}
spec:
  source: {provider: nas-1, path: /projects}       # Qumulo owns this one,
  destination: {provider: aws-eu, bucket: proj, prefix: v1/}
---
apiVersion: repl/v1
kind: Replication
metadata: {name: nas-restore, labels: {team: storage, tier: gold}}
spec:
  source: {provider: aws-eu, bucket: media, prefix: raw/}
  destination: {provider: nas-1, path: /restore}   # and this one too: it drives from whichever side it is on
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A running world and its workspace."""

    folder: Path
    world: dict[str, Any]
    """What the emulators say of themselves: endpoints, made-up credentials, the control port."""

    @property
    def s3(self) -> dict[str, Any]:
        """The S3 world."""
        found: dict[str, Any] = self.world["emulators"]["s3"]
        return found


@contextmanager
def started(folder: Path) -> Iterator[Lab]:
    """Start the emulators, write the workspace, and stop them at the end. Raises ReplError if they do not start."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "reconciler.emulators", "--seed", "--with-parent", "--dir", str(folder)]
    # A Ctrl-C at the terminal is for us; the emulators end when we say so.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise ReplError("the emulators did not start", hint="they need what the extra `lab` installs")
        lab = Lab(folder=folder, world=json.loads(line))
        _write_workspace(lab)
        yield lab
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _write_workspace(lab: Lab) -> None:
    from reconciler.cli.schema import all_schemas

    nas = lab.world["emulators"]["nas-1"]
    facts = {
        "s3": lab.s3["https"],
        "role": lab.s3["role"],
        "access_key": lab.s3["access_key"],
        "nas_host": nas["host"],
        "nas_port": nas["port"],
        "nas_user": nas["username"],
    }
    files = {
        "workspace.yaml": _WORKSPACE,
        "providers.yaml": _PROVIDERS % facts,
        "replications.yaml": _REPLICATIONS,
        "manifest.v1.json": json.dumps(all_schemas()["manifest.v1.json"], indent=2),
        ".gitignore": "*\n",
    }
    for name, text in files.items():
        (lab.folder / name).write_text(text, encoding="utf-8")
    secrets = {"s3": lab.s3["secret_key"], "nas-1": nas["password"]}
    (lab.folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    for name, value in secrets.items():
        path = lab.folder / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(value + "\n", encoding="utf-8")
