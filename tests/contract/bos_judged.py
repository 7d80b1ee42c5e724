"""A cloud of BOS whose every exchange with the vendor's client must be as documented."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from tests.contract.referee import Referee
from tests.lab import bos
from tests.lab.bos import DOCUMENT, BosClient, Lab, path_of


@pytest.fixture
def lab(tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    with bos.start(tmp_path, certificate) as running:
        running.emulator.switch({"history_seconds": 0, "lag_seconds": 0})
        yield running


@pytest.fixture(scope="module")
def referee() -> Referee:
    return Referee(DOCUMENT, path_of)


@pytest.fixture(autouse=True)
def judged(lab: Lab, referee: Referee) -> Iterator[None]:
    """Whatever a test did, the document must have it."""
    yield
    referee.judge_all(lab.exchanges)


@pytest.fixture
def sdk(lab: Lab) -> BosClient:
    return lab.sdk()
