"""A Qumulo cluster as part of a world."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from reconciler.emulators.arguments import content
from reconciler.emulators.emulator import Context, Options
from reconciler.emulators.message import JsonValue
from reconciler.emulators.qumulo.cluster import Cluster
from reconciler.emulators.qumulo.refusal import Refusal
from reconciler.emulators.qumulo.tree import ROOT_ID, Kind, Node, Tree
from reconciler.emulators.server import Server

#: What a seeded cluster holds: a directory to archive, and an empty one to restore into.
SEED: Final[Mapping[str, bytes]] = {
    "/projects/README.txt": b"Projects of the year.\n",
    "/projects/apollo/plan.csv": b"step,day\nlaunch,1\nlanding,5\n",
    "/projects/apollo/frames/0001.raw": bytes(range(256)) * 64,
    "/projects/voyager/notes.txt": b"Keep going.\n",
}
SEED_DIRECTORIES: Final = ("/restore/", "/home/")


class QumuloEmulator:
    """One cluster with one HTTPS endpoint. Source of its behaviour: ``specs/qumulo/SOURCE.md``.

    Acts: ``restart`` (connections drop, everything is kept), ``expire-sessions``, and what a client of NFS or SMB
    could do: ``write`` ``{"path", "text" | "base64"}``, ``make-directory`` ``{"path"}``, ``delete`` ``{"path"}``.
    """

    kind = "qumulo"

    def __init__(self, options: Options) -> None:
        if options.flavour is not None:
            raise ValueError(f"the Qumulo emulator has no flavours, and so not {options.flavour}")
        self.name = options.name
        self._options = options
        self._cluster: Cluster | None = None
        self._server: Server | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._tokens: dict[str, str] = {}

    @property
    def cluster(self) -> Cluster:
        if self._cluster is None:
            raise ValueError(f"{self.name} is not running")
        return self._cluster

    def start(self, context: Context) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix=f"{self.name}-", dir=context.directory)
        self._cluster = cluster = Cluster(context.clock, Path(self._scratch.name), context.certificate.ca)
        for name in ("service", "reader"):
            user = cluster.identities.named(name)
            _, self._tokens[name] = cluster.identities.issue(user, cluster.identities.named("admin"), None)
        if self._options.seed:
            _seed(cluster.tree)
        self._server = context.serve(context.gate(self.name, cluster), tls=True, port=self._options.port("https"))

    def describe(self) -> dict[str, JsonValue]:
        """``username`` with ``password`` logs in as administrator; ``token`` is the access token of a service user.

        ``reader`` holds the same of a user who may only look.
        """
        admin, reader = (self.cluster.identities.named(name) for name in ("admin", "reader"))
        return {
            "url": self._server.url if self._server else None,
            "host": self._server.host if self._server else None,
            "port": self._server.port if self._server else None,
            "username": admin.name,
            "password": admin.password,
            "token": self._tokens["service"],
            "reader": {"username": reader.name, "password": reader.password, "token": self._tokens["reader"]},
        }

    def state(self) -> JsonValue:
        """``relationships`` with their status, ``jobs`` that ended with their counts, ``files`` with their digests."""
        cluster = self.cluster
        with cluster.lock:
            return {
                "relationships": cluster.replication.status_all(),
                "jobs": cluster.replication.history(),
                "files": {path: _digest(node) for path, node in _walk(cluster.tree) if node.kind is Kind.FILE},
                "directories": [f"{path}/" for path, node in _walk(cluster.tree) if node.kind is Kind.DIRECTORY],
            }

    def switches(self) -> dict[str, JsonValue]:
        return self.cluster.switches.all()

    def switch(self, values: Mapping[str, JsonValue]) -> None:
        self.cluster.switches.set(values)

    def act(self, action: str, arguments: Mapping[str, JsonValue]) -> JsonValue:
        known = _ACTS.get(action)
        if known is None:
            raise ValueError(f"no act named {action}; there is {', '.join(sorted(_ACTS))}")
        try:
            return known(self, arguments)
        except Refusal as refusal:
            raise ValueError(refusal.description) from refusal

    def restart(self, _arguments: Mapping[str, JsonValue]) -> JsonValue:
        if self._server is not None:
            self._server.crash()
            self._server.start()
        return {}

    def expire_sessions(self, _arguments: Mapping[str, JsonValue]) -> JsonValue:
        with self.cluster.lock:
            self.cluster.identities.forget_sessions()
        return {}

    def write(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        with self.cluster.lock:
            return {"id": str(_put(self.cluster.tree, _path(arguments), content(arguments)).id)}

    def make_directory(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        with self.cluster.lock:
            return {"id": str(_directory(self.cluster.tree, _path(arguments)).id)}

    def delete(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        with self.cluster.lock:
            self.cluster.tree.delete_all(self.cluster.tree.find(_path(arguments)))
        return {}

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
        if self._cluster is not None:
            self._cluster.stop()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None


_ACTS: Final[Mapping[str, Callable[[QumuloEmulator, Mapping[str, JsonValue]], JsonValue]]] = {
    "restart": QumuloEmulator.restart,
    "expire-sessions": QumuloEmulator.expire_sessions,
    "write": QumuloEmulator.write,
    "make-directory": QumuloEmulator.make_directory,
    "delete": QumuloEmulator.delete,
}


def _seed(tree: Tree) -> None:
    for path, data in SEED.items():
        _put(tree, path, data)
    for path in SEED_DIRECTORIES:
        _directory(tree, path)


def _directory(tree: Tree, path: str) -> Node:
    return tree.make_directories(tree.find("/"), [part for part in path.split("/") if part])


def _put(tree: Tree, path: str, data: bytes) -> Node:
    parent, _, name = path.rstrip("/").rpartition("/")
    directory = _directory(tree, parent)
    present = tree.child(directory, name)
    if present is None:
        return tree.create(directory, name, Kind.FILE, data)
    tree.write(present, data)
    return present


def _walk(tree: Tree) -> list[tuple[str, Node]]:
    root = tree.get(ROOT_ID)
    return [] if root is None else [(f"/{path}", node) for path, node in tree.below(root)]


def _digest(node: Node) -> dict[str, JsonValue]:
    return {"id": str(node.id), "size": len(node.data), "sha256": hashlib.sha256(node.data).hexdigest()}


def _path(arguments: Mapping[str, JsonValue]) -> str:
    path = arguments.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError("path must be an absolute path")
    return path
