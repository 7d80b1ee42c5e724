"""``python -m reconciler.emulators`` as a process: how it starts, what it says, and that nothing of it stays."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.lab.world import eventually

COMMAND = (sys.executable, "-m", "reconciler.emulators")


@contextmanager
def _started(*arguments: str, temporary: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _rest(process: subprocess.Popen[str]) -> tuple[str, str]:
    return process.communicate(timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_nothing_stays(tmp_path: Path, number: signal.Signals) -> None:
    with _started("--s3", "s3", temporary=tmp_path) as (process, ready):
        described = ready["emulators"]["s3"]
        assert Path(ready["ca"]).is_file()
        assert stat.S_IMODE(Path(ready["ca"]).parent.stat().st_mode) == 0o700
        process.send_signal(number)
        assert _rest(process) == ("", "")
        assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []
    for url in (ready["control"], described["http"], described["https"]):
        address = urlsplit(url)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.hostname, address.port), timeout=5)  # type: ignore[arg-type]


def test_shutdown_over_the_control_port(tmp_path: Path) -> None:
    with _started("--s3", "s3", temporary=tmp_path) as (process, ready):
        assert httpx.post(ready["control"] + "/shutdown").status_code == 200
        assert _rest(process) == ("", "")
        assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_it_ends_while_a_client_hangs_in_a_fault(tmp_path: Path) -> None:
    with _started("--s3", "s3", temporary=tmp_path) as (process, ready):
        fault = {"kind": "timeout", "seconds": 600}
        assert httpx.post(ready["control"] + "/faults", json=fault).status_code == 200
        address = urlsplit(ready["emulators"]["s3"]["http"])
        with socket.create_connection((address.hostname, address.port), timeout=10) as waiting:  # type: ignore[arg-type]
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            eventually(lambda: httpx.get(ready["control"] + "/requests").json()["requests"])
            process.terminate()
            assert waiting.recv(1) == b""
        _rest(process)
        assert process.returncode == 0


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen({[*COMMAND, '--s3', 's3', '--with-parent']!r}, stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    pid = int(done.stdout.split()[0])
    eventually(lambda: not list(tmp_path.iterdir()))
    eventually(lambda: not _alive(pid))


def test_a_directory_of_ones_own_keeps_what_is_not_ours(tmp_path: Path) -> None:
    directory = tmp_path / "lab"
    directory.mkdir()
    (directory / "mine.txt").write_text("mine")
    with _started("--s3", "s3", "--dir", str(directory), temporary=tmp_path) as (process, ready):
        assert Path(ready["ca"]) == directory / "ca.pem"
        assert stat.S_IMODE((directory / "server.key").stat().st_mode) == 0o600
        process.terminate()
        _rest(process)
    assert [path.name for path in directory.iterdir()] == ["mine.txt"]


def test_a_directory_made_for_it_goes(tmp_path: Path) -> None:
    with _started("--s3", "s3", "--dir", str(tmp_path / "a" / "lab"), temporary=tmp_path) as (process, _):
        process.terminate()
        _rest(process)
    assert list(tmp_path.iterdir()) == []


def test_ports_can_be_chosen_and_a_taken_one_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ("--s3", "s3", "--port", f"s3.http={port}")
    with _started(*arguments, temporary=tmp_path) as (_, ready):
        assert ready["emulators"]["s3"]["http"] == f"http://127.0.0.1:{port}"
        second = subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.startswith("cannot start: ")
    assert len(list(tmp_path.iterdir())) == 1  # of the first, which was killed


def test_the_usual_world_has_every_kind(tmp_path: Path) -> None:
    with _started(temporary=tmp_path) as (_, ready):
        assert {name: described["kind"] for name, described in ready["emulators"].items()} == {
            "s3": "s3",
            "nas-1": "qumulo",
            "bos": "bos",
            "alarik-eu": "alarik",
            "alarik-us": "alarik",
            "scp": "scp",
            "ccs": "clonecloudstore",
        }


@pytest.mark.parametrize(("flavour", "versioning"), [("aws", "Enabled"), ("rgw", "")])
def test_a_seeded_world_has_data(tmp_path: Path, flavour: str, versioning: str) -> None:
    with _started("--s3", f"s3:{flavour}", "--seed", temporary=tmp_path) as (_, ready):
        state = httpx.get(ready["control"] + "/state").json()["emulators"]["s3"]["state"]
        for zone in state["zones"].values():
            logs, copies = zone["buckets"]["logs"], zone["buckets"]["logs-dr"]
            assert (logs["region"], logs["versioning"], logs["keys"]) == ("eu-west-1", versioning, 10)
            assert (copies["region"], copies["keys"]) == ("us-east-1", 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--s3", "a:tape"),
        ("--s3", "a", "--s3", "a"),
        ("--s3", ":rgw"),
        ("--s3", "a", "--port", "a.http"),
        ("--s3", "a", "--port", "a.http=99999"),
        ("--s3", "a", "--port", "b.http=1"),
        ("--nonsense",),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage:" in done.stderr


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A dead child that nobody has waited for still has a number.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
