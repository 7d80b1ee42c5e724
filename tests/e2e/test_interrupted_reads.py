"""Ctrl-C while a system does not answer, which is waited for half a minute, and five times."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.unit.providers.scripted import serve

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

MANIFESTS = """
apiVersion: repl/v1
kind: Provider
metadata: {{name: far}}
spec:
  s3:
    region: eu-west-1
    endpoint: {url}
    credentials: {{accessKeyId: AK, secretAccessKey: {{env: SECRET}}}}
---
apiVersion: repl/v1
kind: Replication
metadata: {{name: one}}
spec: {{source: {{provider: far, bucket: aaa}}, destination: {{provider: far, bucket: bbb}}}}
"""


@pytest.mark.parametrize("command", [("drift",), ("plan",), ("apply", "--yes")], ids=lambda command: command[0])
def test_it_ends_without_waiting_for_the_answer(tmp_path: Path, command: tuple[str, ...]) -> None:
    asked, over = threading.Event(), threading.Event()

    def mute(_: socket.socket) -> None:
        asked.set()
        over.wait()

    with serve(mute) as server:
        (tmp_path / "all.yaml").write_text(MANIFESTS.format(url=server.url))
        with subprocess.Popen(
            [sys.executable, "-m", "reconciler", *command], cwd=tmp_path, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=os.environ | {"SECRET": "a-secret-of-nobody", "NO_COLOR": "1"},
        ) as process:  # fmt: skip
            try:
                assert asked.wait(60)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=20)
            finally:
                over.set()
                process.kill()
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert not out
