"""One account of File Storage; whatever a test made it say is held against the document afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from tests.lab import scp
from tests.lab.fixtures import certificate
from tests.lab.scp import Lab

__all__ = ["certificate"]


@pytest.fixture
def lab(tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    with scp.start(tmp_path, certificate) as running:
        running.clock.freeze()
        yield running
        running.judge()


@pytest.fixture
def seeded(tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    with scp.start(tmp_path, certificate, seed=True) as running:
        running.clock.freeze()
        yield running
        running.judge()
