"""Runs one command for its standard output: no shell, no input, bounded in time and size."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["CommandFailed", "run"]


class CommandFailed(Exception):
    """Why there is no output; never what the command wrote."""


def run(command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], timeout_s: float, most: int) -> bytes:
    """Return what a command writes to its standard output, at most `most` + 1 bytes of it.

    Its standard error is dropped: what a failing command says about a secret may hold the secret.

    Raises:
        CommandFailed: if it does not start, takes too long, or ends with another code than 0.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 the caller has been told to trust it
            command,
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or "the command cannot be run"
        raise CommandFailed(f"the command does not start: {reason[:1].lower()}{reason[1:]}") from None
    deadline = time.monotonic() + timeout_s
    try:
        data = _read(process, deadline, most)
        if len(data) <= most:
            process.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"the command took longer than {timeout_s:g} s") from None
    finally:
        _end(process)
    if len(data) <= most and process.returncode != 0:
        raise CommandFailed(f"the command ended with code {process.returncode}")
    return data


def _read(process: subprocess.Popen[bytes], deadline: float, most: int) -> bytes:
    assert process.stdout is not None  # noqa: S101 it is a pipe
    chunks: list[bytes] = []
    handle = process.stdout.fileno()
    os.set_blocking(handle, False)
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        while sum(map(len, chunks)) <= most:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise subprocess.TimeoutExpired(process.args, 0)
            chunk = os.read(handle, most + 1)
            if not chunk:
                break
            chunks.append(chunk)
    return b"".join(chunks)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command with all that it started."""
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
