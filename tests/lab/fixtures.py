"""Fixtures over the lab, imported by the conftest files that want them."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators import certificate as certificates
from reconciler.emulators.certificate import Certificate
from tests.lab import moto_server, qumulo, rclone
from tests.lab.qumulo import Lab
from tests.lab.rclone import ObjectServer


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificates.issue(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[ObjectServer]:
    """An S3 server that is no part of this project and checks signatures."""
    with rclone.serve(tmp_path_factory.mktemp("objects"), certificate) as server:
        yield server


@pytest.fixture(scope="session")
def odd_objects(certificate: Certificate) -> Iterator[ObjectServer]:
    """An S3 server that takes every key."""
    with moto_server.serve(certificate) as server:
        yield server


@pytest.fixture
def lab(tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    """A cluster whose jobs take no longer than they must."""
    with qumulo.start(tmp_path, certificate) as running:
        running.emulator.switch({"job_seconds": 0})
        yield running


@pytest.fixture
def bucket(objects: ObjectServer) -> str:
    """An empty bucket of ``objects``, for this test alone."""
    name = f"b-{uuid.uuid4().hex[:12]}"
    objects.client().create_bucket(Bucket=name)
    return name
