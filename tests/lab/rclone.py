"""A second, independent S3 server: `rclone serve s3` over TLS, on a directory."""

import contextlib
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config

from reconciler.emulators.certificate import Certificate

DEADLINE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class ObjectServer:
    """How to reach a server, and a client for it."""

    port: int
    access_key: str
    secret_key: str = field(repr=False)
    ca: Path = Path()

    def client(self):  # type: ignore[no-untyped-def]  # boto3's clients have no class to name
        return boto3.client(
            "s3",
            endpoint_url=f"https://127.0.0.1:{self.port}",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
            verify=str(self.ca),
            config=Config(
                s3={"addressing_style": "path"},
                proxies={},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


@contextlib.contextmanager
def serve(directory: Path, certificate: Certificate) -> Iterator[ObjectServer]:
    """Run the server on ``directory``, whose folders are its buckets, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = ObjectServer(port, "AKIALABLABLABLABLAB1", "lab-secret-not-a-real-one", certificate.ca)
    command = [
        str(Path(sysconfig.get_path("scripts"), "rclone")),
        "serve",
        "s3",
        "--config",
        "/dev/null",
        "--addr",
        f"127.0.0.1:{port}",
        "--cert",
        str(certificate.chain),
        "--key",
        str(certificate.key),
        "--auth-key",
        f"{server.access_key},{server.secret_key}",
        "--vfs-cache-mode",
        "off",
        str(directory),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(process, port)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"rclone ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("rclone does not answer")
