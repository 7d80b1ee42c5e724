"""``python -m reconciler.emulators``: run a world until told to stop.

Prints one line of JSON on standard output when everything answers, and nothing else. Ends on SIGTERM, SIGINT,
POST /shutdown, or with the process that started it (``--with-parent``), leaving nothing behind.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from reconciler.emulators.emulator import Options
from reconciler.emulators.world import Plan, World

_PARENT_CHECK_SECONDS = 0.25


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 ended as asked, 1 could not start, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    parent = os.getppid()
    try:
        world = World(_plan(options))
    except ValueError as error:
        _parser().error(str(error))
    finished = world.control.finished
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: finished.set())
    try:
        world.start()
    except (OSError, ImportError) as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 1
    try:
        sys.stdout.write(json.dumps(world.ready()) + "\n")
        sys.stdout.flush()
        while not finished.wait(_PARENT_CHECK_SECONDS):
            if options.with_parent and os.getppid() != parent:
                break
    except BrokenPipeError:
        # Whoever wanted the line is gone; so is the reason to run.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        world.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reconciler.emulators", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--s3", action="append", metavar="NAME[:FLAVOUR]", help="an S3 world; flavour aws (usual) or rgw"
    )
    parser.add_argument("--qumulo", action="append", metavar="NAME", help="a Qumulo cluster")
    parser.add_argument("--bos", action="append", metavar="NAME", help="Baidu BOS: one account, several regions")
    parser.add_argument(
        "--alarik", action="append", metavar="NAME[:REGION]", help="an Alarik server; region us-east-1 if not said"
    )
    parser.add_argument("--scp", action="append", metavar="NAME", help="SCP File Storage: one account, two regions")
    parser.add_argument(
        "--clonecloudstore", action="append", metavar="NAME[:FLAVOUR]",
        help="CloneCloudStore sites; flavour 2 (usual), 3, 2-strangers or 3-strangers",
    )  # fmt: skip
    parser.add_argument("--dir", type=Path, help="where ca.pem goes (usual: a temporary directory)")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control API (usual: any free one)")
    parser.add_argument(
        "--port", action="append", default=[], metavar="NAME.ENDPOINT=PORT", help="a fixed port, as s3.https=9000"
    )
    parser.add_argument("--name", action="append", default=[], help="one more DNS name for the certificate")
    parser.add_argument("--seed", action=argparse.BooleanOptionalAction, default=False, help="start with data")
    parser.add_argument("--empty", dest="seed", action="store_false", help="start without data (the default)")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent process ends")
    return parser


def _plan(options: argparse.Namespace) -> Plan:
    wanted = {
        "s3": options.s3, "qumulo": options.qumulo, "bos": options.bos, "alarik": options.alarik, "scp": options.scp,
        "clonecloudstore": options.clonecloudstore,
    }  # fmt: skip
    if all(texts is None for texts in wanted.values()):
        wanted = {
            "s3": ["s3"], "qumulo": ["nas-1"], "bos": ["bos"], "alarik": ["alarik-eu:eu-1", "alarik-us:us-2"],
            "scp": ["scp"], "clonecloudstore": ["ccs:2-strangers"],
        }  # fmt: skip
    ports = _ports(options.port)
    emulators = []
    for kind, texts in wanted.items():
        for text in texts or ():
            name, _, flavour = text.partition(":")
            if not name:
                raise ValueError(f"an emulator needs a name: {text!r}")
            emulators.append((kind, Options(name, flavour or None, options.seed, ports.get(name, {}))))
    unknown = set(ports) - {made.name for _, made in emulators}
    if unknown:
        raise ValueError(f"a port for an emulator that is not run: {', '.join(sorted(unknown))}")
    return Plan(emulators, options.dir, options.control_port, options.name)


def _ports(texts: Sequence[str]) -> dict[str, dict[str, int]]:
    ports: dict[str, dict[str, int]] = {}
    for text in texts:
        address, _, port = text.partition("=")
        name, _, endpoint = address.rpartition(".")
        if not (name and endpoint and port.isdecimal() and int(port) < 65536):
            raise ValueError(f"not NAME.ENDPOINT=PORT: {text!r}")
        ports.setdefault(name, {})[endpoint] = int(port)
    return ports


if __name__ == "__main__":
    sys.exit(main())
