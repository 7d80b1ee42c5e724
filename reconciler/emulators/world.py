"""A world: some emulators, one clock, one request log, one certificate, and the side port to control them."""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast

from reconciler.emulators import certificate
from reconciler.emulators.clock import Clock
from reconciler.emulators.control import Control
from reconciler.emulators.emulator import Context, Emulator, Options
from reconciler.emulators.faults import Faults
from reconciler.emulators.message import JsonValue
from reconciler.emulators.requestlog import RequestLog
from reconciler.emulators.server import Server

#: Where each kind of emulator is made: ``module:function``, taking ``Options``. Imported when first asked for.
KINDS = {
    "s3": "reconciler.emulators.s3:build",
    "qumulo": "reconciler.emulators.qumulo:build",
    "bos": "reconciler.emulators.bos:build",
    "alarik": "reconciler.emulators.alarik:build",
    "scp": "reconciler.emulators.scp:build",
    "clonecloudstore": "reconciler.emulators.clonecloudstore:build",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: emulators as (kind, options), where, and on which control port (0: any)."""

    emulators: Sequence[tuple[str, Options]]
    directory: Path | None = None
    control_port: int = 0
    names: Sequence[str] = field(default=())


def build(kind: str, options: Options) -> Emulator:
    """A new emulator, not started. ValueError for an unknown kind or a flavour that the kind does not have."""
    if kind not in KINDS:
        raise ValueError(f"no emulator of kind {kind}; there is {', '.join(sorted(KINDS))}")
    module, _, function = KINDS[kind].partition(":")
    factory = cast("Callable[[Options], Emulator]", getattr(importlib.import_module(module), function))
    return factory(options)


class World:
    """Runs a plan between ``start`` and ``stop``; usable as a context manager.

    Without a directory a temporary one is made. Whatever the world wrote is removed when it stops, and so is the
    directory if the world made it. ``start`` that fails half-way leaves nothing running.
    """

    def __init__(self, plan: Plan) -> None:
        names = [options.name for _, options in plan.emulators]
        if len(set(names)) != len(names):
            raise ValueError("two emulators have the same name")
        self._plan = plan
        self._stack = ExitStack()
        self._ca = Path()
        self._server: Server | None = None
        self.clock = Clock()
        self.faults = Faults()
        self.log = RequestLog()
        self.emulators: dict[str, Emulator] = {options.name: build(kind, options) for kind, options in plan.emulators}
        self.control = Control(clock=self.clock, faults=self.faults, log=self.log, emulators=self.emulators)

    def start(self) -> None:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        directory = self._directory()
        issued = certificate.issue(directory, self._plan.names)
        self._stack.callback(_remove, (issued.ca, issued.chain, issued.key))
        self._ca = issued.ca
        context = Context(
            clock=self.clock,
            faults=self.faults,
            log=self.log,
            certificate=issued,
            tls=issued.server_context(),
            directory=directory,
        )
        for emulator in self.emulators.values():
            self._stack.callback(emulator.stop)
            emulator.start(context)
        self._server = Server(self.control, port=self._plan.control_port)
        self._server.start()
        self._stack.callback(self._server.stop)

    def _directory(self) -> Path:
        if self._plan.directory is None:
            made = Path(tempfile.mkdtemp(prefix="repl-emulators-"))
            self._stack.callback(shutil.rmtree, made, ignore_errors=True)
            return made
        directory = self._plan.directory.absolute()
        missing = [path for path in (directory, *directory.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o700)
            self._stack.callback(_remove_directory, path)
        return directory

    def ready(self) -> dict[str, JsonValue]:
        """How to reach the world: ``{"control": url, "ca": path, "emulators": {name: {"kind": ..., ...}}}``."""
        return {
            "control": self._server.url if self._server else None,
            "ca": str(self._ca),
            "emulators": {
                name: {"kind": emulator.kind, **emulator.describe()} for name, emulator in self.emulators.items()
            },
        }

    def stop(self) -> None:
        """End everything. Safe to repeat."""
        self.clock.stop()
        self._stack.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _remove_directory(path: Path) -> None:
    # Only if empty: what somebody else put there is not ours to delete.
    with suppress(OSError):
        path.rmdir()
