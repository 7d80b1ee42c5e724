"""SCP as the command line meets it, over two emulated regions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.testing.host import Host
from tests.contract.harnesses.scp import ScpHarness, Way


@pytest.fixture
def harness(tmp_path: Path, certificate: Certificate) -> Iterator[ScpHarness]:
    """Two regions of a test's own, held against their document at the end."""
    made = ScpHarness(tmp_path, certificate, Way(by_name=True, account=True))
    yield made
    judgement = made.judged()
    made.close()
    assert judgement is not None
    assert not judgement.objections


@pytest.fixture
def host(harness: ScpHarness, tmp_path: Path) -> Iterator[Host]:
    """The command line over them, with state of its own."""
    made = Host(harness, tmp_path / "state")
    yield made
    made.close()


def volume(harness: ScpHarness, name: str) -> str:
    """The id of the only volume of that name."""
    (found,) = harness.held(name)
    return str(found["id"])
