from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.laboratory import started
from tests.lab.command import LabClient
from tests.lab.forks import Forks, forking


@contextmanager
def running(folder: Path, **more: Any) -> Iterator[LabClient]:
    with started(folder) as lab, closing(LabClient(lab, **more)) as client:
        yield client


@pytest.fixture
def process_lab(tmp_path: Path) -> Iterator[LabClient]:
    """A lab of its own: emulators with data, and a workspace beside them. Commands run as a user would run them."""
    with running(tmp_path / "lab") as client:
        yield client


@pytest.fixture
def lab(process_lab: LabClient) -> LabClient:
    """What tests take that do not say more; a module may choose the other kind."""
    return process_lab


@pytest.fixture
def forked_lab(tmp_path: Path, forks: Forks) -> Iterator[LabClient]:
    """The same, for what many commands leave behind: each is a process that has been loaded before."""
    with running(tmp_path / "lab", command=forks.run) as client:
        yield client


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """The process that commands are forked from."""
    with forking() as found:
        yield found
