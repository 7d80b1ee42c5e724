"""Commands as real processes that start in no time: one process loads everything and forks for each.

A forked command can be killed with SIGKILL at a boundary of its journal. It is a process of its own in every respect:
arguments, folder, environment, streams, exit code. What it does not repeat is the loading of modules, of botocore's
models and of its endpoint rules; and its digests of secrets are cheap, so that a lab is for forks alone or for none.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.command import Ended

KILLED = -9

DRIVER = """
import functools, gc, importlib, itertools, json, os, signal, sys, tempfile
import boto3, botocore.regions, botocore.session, h11, httpcore
import reconciler.engine.digests, reconciler.cli.execution, reconciler.cli.outcome, reconciler.cli.session
from reconciler.cli.app import build, run
from reconciler.engine.journal import Journal

def load():
    # All that a command would load. No thread is started: a fork would not have it.
    build()
    for provider in ("s3", "qumulo", "bos", "alarik"):
        importlib.import_module(f"reconciler.providers.{provider}.provider")
    reconciler.engine.digests._COST["n"] = 2**4
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    make, made = botocore.regions.EndpointProvider, []
    def once(**given):
        for before, provider in made:
            if all(before[name] is given[name] for name in ("ruleset_data", "partition_data")):
                return provider
        made.append((given, make(**given)))
        return made[-1][1]
    botocore.regions.EndpointProvider = once
    boto3.session.Session("x", "y", region_name="eu-west-1").client("s3").close()
    gc.collect()
    gc.freeze()

def arm(number, after):
    # Kill this process when the journal's nth entry is about to be, or has just been, written.
    real, count = Journal.write, itertools.count()
    def write(self, *args, **kwargs):
        here = next(count) == number
        if here and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, *args, **kwargs)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
    Journal.write = write

def child(order, into, out, err):
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    for number, stream in enumerate((into, out, err)):
        os.dup2(stream.fileno(), number)
    sys.stdin = open(0)
    if order["kill"]:
        arm(*order["kill"])
    code = run(order["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

load()
for line in sys.stdin:
    order = json.loads(line)
    with tempfile.TemporaryFile() as into, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        into.write((order["stdin"] or "").encode())
        into.seek(0)
        pid = os.fork()
        if pid == 0:
            child(order, into, out, err)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out.seek(0), err.seek(0)
        answer = [status, out.read().decode(), err.read().decode()]
    print(json.dumps(answer), flush=True)
"""


class Forks:
    """The process that forks."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(
        self,
        *arguments: str,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        kill: tuple[int, bool] | None = None,
    ) -> Ended:
        """Run one command to its end, or to the journal entry (number, after it is written) where it is killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        around = os.environ | {"COLUMNS": "120", "NO_COLOR": "1"} | dict(env or {})
        order: dict[str, Any] = {"arguments": arguments, "cwd": str(cwd), "env": around, "stdin": stdin, "kill": kill}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that forks is gone"
        code, out, err = json.loads(answer)
        return Ended(code, out, err)


@contextmanager
def forking() -> Iterator[Forks]:
    """Start the process that forks; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Forks(process)
        assert process.stdin is not None
        process.stdin.close()
