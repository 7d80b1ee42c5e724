from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from tests.lab import bos
from tests.lab.fixtures import certificate

__all__ = ["certificate", "lab", "seeded"]


@pytest.fixture
def lab(tmp_path: Path, certificate: Certificate) -> Iterator[bos.Lab]:
    """A cloud with two empty buckets, whose rules take no longer than they must."""
    with bos.start(tmp_path, certificate) as running:
        running.emulator.switch({"history_seconds": 0, "lag_seconds": 0})
        yield running


@pytest.fixture
def seeded(tmp_path: Path, certificate: Certificate) -> Iterator[bos.Lab]:
    with bos.start(tmp_path, certificate, seed=True) as running:
        yield running
