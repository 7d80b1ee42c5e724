from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.laboratory import started
from tests.lab.command import LabClient


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabClient]:
    """A lab of its own: emulators with data, and a workspace beside them."""
    with started(tmp_path / "lab") as running:
        yield LabClient(running)
