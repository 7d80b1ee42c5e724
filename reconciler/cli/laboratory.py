"""The emulators as a program of their own, with a workspace that is ready to use beside them."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.cli.lab_documents import PROVIDERS, REPLICATIONS, WORKSPACE
from reconciler.errors import ReplError

__all__ = ["Lab", "started"]

_SCHEDULE_MINUTE_S = 0.3
_SWITCHES: Mapping[str, Mapping[str, Any]] = {
    "scp": {"minute_s": _SCHEDULE_MINUTE_S, "create_s": 0.5, "change_s": 0.3, "delete_s": 0.5, "region_lag_s": 0.2},
    "ccs": {"topology_cache_s": 1.0},
}
"""Systems that take minutes by nature are quicker here. One clock is everybody's, so that it is left alone."""


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

    def switch(self, name: str, **values: Any) -> None:
        """Change how an emulator behaves. Raises OSError."""
        self._post(f"/emulators/{name}/switches", values)

    def act(self, name: str, action: str, **arguments: Any) -> None:
        """Do what no client of that system could. Raises OSError."""
        self._post(f"/emulators/{name}/actions/{action}", arguments)

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        order = urllib.request.Request(self.world["control"] + path, json.dumps(body).encode(), method="POST")  # noqa: S310
        # What is set for the way out must not be asked for the way to this machine.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(order, timeout=10):
            pass


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
        for name, values in _SWITCHES.items():
            lab.switch(name, **values)
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

    facts = _addresses(lab.world["emulators"])
    files = {
        "workspace.yaml": WORKSPACE,
        "providers.yaml": PROVIDERS % facts,
        "replications.yaml": REPLICATIONS % facts,
        "manifest.v1.json": json.dumps(all_schemas()["manifest.v1.json"], indent=2),
        ".gitignore": "*\n",
    }
    for name, text in files.items():
        (lab.folder / name).write_text(text, encoding="utf-8")
    (lab.folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    for name, known in lab.world["emulators"].items():
        if (secret := known.get("secret_key") or known.get("password")) is not None:
            path = lab.folder / "secrets" / name
            path.touch(mode=0o600)
            path.write_text(f"{secret}\n", encoding="utf-8")


def _addresses(emulators: dict[str, Any]) -> dict[str, Any]:
    """What the documents say of the running emulators."""
    s3, nas, bos = emulators["s3"], emulators["nas-1"], emulators["bos"]
    facts = {
        "s3": s3["https"],
        "role": s3["role"],
        "access_key": s3["access_key"],
        "nas_host": nas["host"],
        "nas_port": nas["port"],
        "nas_user": nas["username"],
        "bos_key": bos["access_key"],
    }
    for name in ("alarik-eu", "alarik-us"):
        word = name.replace("-", "_")
        facts |= {word: emulators[name]["https"], f"{word}_key": emulators[name]["access_key"]}
    for region, urls in bos["regions"].items():
        facts |= {f"bos_{region}": urls["https"], f"bos_{region}_s3": urls["s3_https"]}
    return facts | _volumes(emulators["scp"]) | _sites(emulators["ccs"])


def _volumes(scp: dict[str, Any]) -> dict[str, Any]:
    west, east = (scp["regions"][region]["https"] for region in ("kr-west1", "kr-east1"))
    shares = Path(scp["share_root"])
    return {
        "scp_west": west,
        "scp_east": east,
        "scp_key": scp["access_key"],
        "scp_account": scp["account_id"],
        "minute": _SCHEDULE_MINUTE_S,
        # Quoted as YAML takes it, for the folder is the user's choice.
        "mount_west": json.dumps(str(shares / "kr-west1" / "projects")),
        "mount_east": json.dumps(str(shares / "kr-east1" / "projects_dr")),
    }


def _sites(ccs: dict[str, Any]) -> dict[str, Any]:
    services = ("accessor", "replicator", "administration")
    return {"ccs_client": ccs["client_id"]} | {
        f"{site.replace('-', '_')}_{service}": found["https"][service]
        for site, found in ccs["sites"].items()
        for service in services
    }
