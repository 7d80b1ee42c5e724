"""Commands as real processes that start in no time: one process loads everything and forks for each.

A forked command can be killed with SIGKILL at a boundary of its journal. It is a process of its own in every respect;
what it does not repeat is the loading of modules.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.command import Ended

KILLED = -9

DRIVER = """
import itertools, json, os, signal, sys, tempfile
import reconciler.cli.execution, reconciler.providers.s3.provider, reconciler.providers.qumulo.provider
from reconciler.cli.app import run
from reconciler.engine.journal import Journal

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

def child(order, out, err):
    os.chdir(order["cwd"])
    os.environ.update(COLUMNS="120", NO_COLOR="1")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    if order["kill"]:
        arm(*order["kill"])
    code = run(order["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

for line in sys.stdin:
    order = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            child(order, out, err)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out.seek(0), err.seek(0)
        answer = [status, out.read().decode(), err.read().decode()]
    print(json.dumps(answer), flush=True)
"""


class Forks:
    """The process that forks."""

    def __init__(self, process: "subprocess.Popen[str]", cwd: Path) -> None:
        self._process = process
        self._cwd = cwd

    def run(self, *arguments: str, kill: tuple[int, bool] | None = None) -> Ended:
        """Run one command to its end, or to the journal entry (number, after it is written) where it is killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order: dict[str, Any] = {"arguments": arguments, "cwd": str(self._cwd), "kill": kill}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code, out, err = json.loads(self._process.stdout.readline())
        return Ended(code, out, err)


@contextmanager
def forking(cwd: Path) -> Iterator[Forks]:
    """Start the process that forks; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Forks(process, cwd)
        assert process.stdin is not None
        process.stdin.close()
